import type { StatementSync } from 'node:sqlite';
import type { Write } from '../change.ts';
import { TRIGGER_COLUMNS, TRIGGER_EVENT_COLUMNS, triggerCells, triggerEventCells } from '../sql/trigger-rows.ts';

/** The statement of a text, prepared once. */
type Prepared = (sql: string) => StatementSync;

type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

const values = (columns: readonly string[]): string =>
  `(${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`;

const PUT_TRIGGER = `insert or replace into triggers ${values(TRIGGER_COLUMNS)}`;
const ADD_EVENT = `insert into trigger_events ${values(TRIGGER_EVENT_COLUMNS)}`;

/** Whether what a write rests on still holds. */
export function triggerHolds(
  write: Of<'putTrigger' | 'removeTrigger' | 'addTriggerEvent'>,
  prepared: Prepared,
): boolean {
  const revisionOf = (workspaceId: string, triggerId: string): number | null => {
    const row = prepared('select revision from triggers where workspace_id = ? and id = ?').get(workspaceId, triggerId);
    return row === undefined ? null : Number(row['revision']);
  };
  switch (write.kind) {
    case 'putTrigger': {
      const { workspaceId, id, revision } = write.trigger;
      return (revisionOf(workspaceId, id) ?? 0) === revision - 1;
    }
    case 'removeTrigger':
      return revisionOf(write.workspaceId, write.triggerId) !== null;
    case 'addTriggerEvent': {
      const { workspaceId, triggerId, key } = write.event;
      if (revisionOf(workspaceId, triggerId) === null) return false;
      const same = prepared('select 1 from trigger_events where workspace_id = ? and trigger_id = ? and key = ?');
      return key === null || same.get(workspaceId, triggerId, key) === undefined;
    }
  }
}

/** Writes what a write says. */
export function applyTrigger(
  write: Of<'putTrigger' | 'removeTrigger' | 'addTriggerEvent' | 'pruneTriggerEvents'>,
  prepared: Prepared,
): void {
  switch (write.kind) {
    case 'putTrigger':
      prepared(PUT_TRIGGER).run(...triggerCells(write.trigger));
      return;
    case 'removeTrigger':
      prepared('delete from trigger_events where workspace_id = ? and trigger_id = ?').run(
        write.workspaceId,
        write.triggerId,
      );
      prepared('delete from triggers where workspace_id = ? and id = ?').run(write.workspaceId, write.triggerId);
      return;
    case 'addTriggerEvent':
      prepared(ADD_EVENT).run(...triggerEventCells(write.event));
      return;
    case 'pruneTriggerEvents': {
      const { workspaceId, triggerId, before, keep } = write;
      prepared('delete from trigger_events where workspace_id = ? and trigger_id = ? and at < ?').run(
        workspaceId,
        triggerId,
        before,
      );
      prepared(
        `delete from trigger_events where workspace_id = ?1 and trigger_id = ?2 and id <= (
           select id from trigger_events where workspace_id = ?1 and trigger_id = ?2 order by id desc limit 1 offset ?3)`,
      ).run(workspaceId, triggerId, keep);
      return;
    }
  }
}
