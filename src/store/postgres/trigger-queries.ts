import type { Page, PageRequest } from '../../domain/page.ts';
import type { TriggerEvent } from '../../domain/trigger.ts';
import type { SqlValue } from '../sql/filter-to-sql.ts';
import { triggerEventConditions, triggerEventFromRow } from '../sql/trigger-rows.ts';
import type { TriggerEventSelection } from '../store.ts';
import type { Reads } from './connection.ts';

/** See `Store.listTriggerEvents`. */
export async function listTriggerEvents(
  reads: Reads,
  selection: TriggerEventSelection,
  { page, size }: PageRequest,
): Promise<Page<TriggerEvent>> {
  const { workspaceId } = selection;
  const given: SqlValue[] = [];
  const bind = (value: SqlValue): string => {
    // The workspace is bound by whoever reads, as the first.
    if (value === workspaceId && given.length === 0) return '$1';
    given.push(value);
    return `$${given.length + 1}`;
  };
  const where = triggerEventConditions(selection, bind, (text, needle) => `position(lower(${needle}) in ${text}) > 0`);
  const from = `from trigger_events where ${where}`;
  const last = given.length + 1;
  const [[counted], found] = await Promise.all([
    reads.rows(workspaceId, `select count(*) as n ${from}`, given, 'rare'),
    reads.rows(
      workspaceId,
      `select * ${from} order by id desc limit $${last + 1} offset $${last + 2}`,
      [...given, size, (page - 1) * size],
      'rare',
    ),
  ]);
  return { items: found.map(triggerEventFromRow), total: Number(counted?.['n']), page, size };
}
