import type { Page, PageRequest } from '../../domain/page.ts';
import type { Trigger, TriggerEvent } from '../../domain/trigger.ts';
import { triggerEventConditions, triggerEventFromRow, triggerFromRow } from '../sql/trigger-rows.ts';
import type { TriggerEventSelection } from '../store.ts';
import type { Connection } from './connection.ts';

/** See `Store.listTriggers`. */
export function listTriggers(on: Connection, workspaceId: string, workflowId: string | null): Trigger[] {
  const found =
    workflowId === null
      ? on.prepared('select * from triggers where workspace_id = ? order by id').all(workspaceId)
      : on
          .prepared('select * from triggers where workspace_id = ? and workflow_id = ? order by id')
          .all(workspaceId, workflowId);
  return found.map(triggerFromRow);
}

/** See `Store.listTriggerEvents`. */
export function listTriggerEvents(
  on: Connection,
  selection: TriggerEventSelection,
  { page, size }: PageRequest,
): Page<TriggerEvent> {
  const given: (string | number | null)[] = [];
  const bind = (value: string | number | null): string => {
    given.push(value);
    return '?';
  };
  const where = triggerEventConditions(selection, bind, (text, needle) => `instr(${text}, lower(${needle})) > 0`);
  const from = `from trigger_events where ${where}`;
  const total = Number(on.recent(`select count(*) as n ${from}`).get(...given)?.['n']);
  const found = on.recent(`select * ${from} order by id desc limit ? offset ?`).all(...given, size, (page - 1) * size);
  return { items: found.map(triggerEventFromRow), total, page, size };
}
