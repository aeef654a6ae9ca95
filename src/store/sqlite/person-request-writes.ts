import type { StatementSync } from 'node:sqlite';
import type { Write } from '../change.ts';
import { PERSON_REQUEST_COLUMNS, personRequestCells } from '../sql/person-request-rows.ts';

/** The statement of a text, prepared once. */
type Prepared = (sql: string) => StatementSync;

type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

const INSERT = `insert into person_requests (${PERSON_REQUEST_COLUMNS.join(', ')})
  values (${PERSON_REQUEST_COLUMNS.map(() => '?').join(', ')})`;

/** Whether the request of a settlement is pending. */
export function isPending({ workspaceId, requestId }: Of<'settlePersonRequest'>, prepared: Prepared): boolean {
  const row = prepared('select status from person_requests where workspace_id = ? and id = ?').get(
    workspaceId,
    requestId,
  );
  return row?.['status'] === 'pending';
}

/** Writes what a write says. */
export function applyPersonRequest(
  write: Of<'createPersonRequest' | 'settlePersonRequest' | 'cancelPersonRequests'>,
  prepared: Prepared,
): void {
  switch (write.kind) {
    case 'createPersonRequest':
      prepared(INSERT).run(...personRequestCells(write.request));
      return;
    case 'settlePersonRequest': {
      const { status, answer, settledBy, keyId } = write.settlement;
      prepared(
        `update person_requests set status = ?1, answer = case ?1 when 'expired' then fallback else ?2 end, settled_by = ?3, key_id = ?4,
         settled_at = ?5, revision = revision + 1 where workspace_id = ?6 and id = ?7`,
      ).run(
        status,
        answer === null ? null : JSON.stringify(answer),
        settledBy,
        keyId,
        write.at,
        write.workspaceId,
        write.requestId,
      );
      return;
    }
    case 'cancelPersonRequests':
      prepared(
        `update person_requests set status = 'canceled', settled_at = ?, revision = revision + 1
         where workspace_id = ? and run_id = ? and status = 'pending'`,
      ).run(write.at, write.workspaceId, write.runId);
      return;
  }
}
