import type { Engine } from '../engine/engine.ts';
import type { Payloads } from '../engine/payloads.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';

/** What a deletion works with. */
export interface RunDeletionParts {
  readonly store: Store;
  readonly engine: Pick<Engine, 'letGo'>;
  readonly payloads: Payloads;
  readonly system: System;
}

/**
 * Deletes a finished run with everything it owns, and tells the log, from which the search index hears of it.
 * @returns null, or in a sentence why it could not be deleted
 */
export async function deleteRun(
  { store, engine, payloads, system }: RunDeletionParts,
  workspaceId: string,
  runId: string,
): Promise<string | null> {
  const run = await store.getRun(workspaceId, runId);
  if (run === null) return 'There is no such run.';
  const below = await store.listRunsBelow(workspaceId, runId);
  const kept = await store.commit([
    { kind: 'deleteRun', workspaceId, runId },
    {
      kind: 'appendEvent',
      event: {
        workspaceId,
        runId,
        workflowId: run.workflowId,
        at: system.now(),
        kind: 'deleted',
        data: { status: run.status, progress: run.progress },
      },
    },
  ]);
  if (kept === 'stale') return `The run is ${run.status}; only finished runs can be deleted. Stop it first.`;
  engine.letGo(below);
  // Rows first: a crash in between leaves bytes that nobody points at, never a row that points at nothing.
  for (const id of [runId, ...below]) await payloads.remove(id);
  return null;
}
