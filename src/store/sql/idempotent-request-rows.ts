import type { IdempotentRequest } from '../../domain/idempotent-request.ts';
import type { Row } from './rows.ts';

export const IDEMPOTENT_REQUEST_COLUMNS = [
  'workspace_id',
  'key',
  'digest',
  'request_id',
  'status',
  'body',
  'created_at',
] as const;

export function idempotentRequestCells(request: IdempotentRequest): (string | number | null)[] {
  const { workspaceId, key, digest, requestId, answer, createdAt } = request;
  return [workspaceId, key, digest, requestId, answer?.status ?? null, answer?.body ?? null, createdAt];
}

export function idempotentRequestFromRow(row: Row): IdempotentRequest {
  const status = row['status'] as number | null;
  return {
    workspaceId: row['workspace_id'] as string,
    key: row['key'] as string,
    digest: row['digest'] as string,
    requestId: row['request_id'] as string,
    answer: status === null ? null : { status: Number(status), body: row['body'] as string },
    createdAt: Number(row['created_at']),
  };
}
