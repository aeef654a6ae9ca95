import type { DebugSession } from '../../domain/debug-session.ts';
import type { Row } from './rows.ts';

/** Sessions of debuggers: rows to domain values and back. */
export const DEBUG_SESSION_COLUMNS = ['workspace_id', 'id', 'run_id', 'state', 'updated_at'] as const;

export function debugSessionCells(session: DebugSession): (string | number | null)[] {
  const { workspaceId, id, runId, updatedAt, ...state } = session;
  return [workspaceId, id, runId, JSON.stringify(state), updatedAt];
}

export function debugSessionFromRow(row: Row): DebugSession {
  const state = JSON.parse(String(row['state'])) as Pick<DebugSession, 'mode' | 'breakpoints' | 'pauses' | 'edits'>;
  return {
    workspaceId: String(row['workspace_id']),
    id: String(row['id']),
    runId: typeof row['run_id'] === 'string' ? row['run_id'] : null,
    ...state,
    updatedAt: Number(row['updated_at']),
  };
}
