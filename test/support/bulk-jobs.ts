import type { BulkJob, BulkJobState } from '../../src/domain/bulk-job.ts';
import type { System } from '../../src/system/system.ts';

/** A job as it is kept when it begins, and was just seen. */
export function aBulkJob(
  workspaceId: string,
  system: Pick<System, 'newId' | 'now'>,
  set: { readonly keyId?: string; readonly state?: Partial<BulkJobState>; readonly seenAt?: number } = {},
): BulkJob {
  const { state, ...others } = set;
  return {
    workspaceId,
    keyId: 'key',
    seenAt: system.now(),
    endAskedAt: null,
    ...others,
    state: {
      id: system.newId(),
      action: 'retry',
      status: 'collecting',
      q: null,
      total: 0,
      succeeded: 0,
      skipped: 0,
      failed: 0,
      errors: [],
      made: [],
      message: null,
      createdAt: system.now(),
      finishedAt: null,
      ...state,
    },
  };
}
