import type { Trigger, TriggerEvent, TriggerEventKind, TriggerOutcome } from '../../domain/trigger.ts';
import type { TriggerEventSelection } from '../store.ts';
import type { Row } from './rows.ts';

type Cell = string | number | null;

export const TRIGGER_COLUMNS = [
  'workspace_id',
  'id',
  'workflow_id',
  'version_id',
  'name',
  'enabled',
  'definition',
  'inputs',
  'secret',
  'created_by',
  'created_at',
  'updated_at',
  'due_at',
  'wake_at',
  'state',
  'revision',
] as const;

const textOf = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

export function triggerCells(trigger: Trigger): Cell[] {
  return [
    trigger.workspaceId,
    trigger.id,
    trigger.workflowId,
    trigger.versionId,
    trigger.name,
    trigger.enabled ? 1 : 0,
    JSON.stringify(trigger.definition),
    textOf(trigger.inputs),
    textOf(trigger.secret),
    trigger.createdBy,
    trigger.createdAt,
    trigger.updatedAt,
    trigger.dueAt,
    trigger.wakeAt,
    textOf(trigger.state),
    trigger.revision,
  ];
}

const numberOrNull = (cell: unknown): number | null => (cell === null ? null : Number(cell));
const jsonOrNull = <T>(cell: unknown): T | null => (cell === null ? null : (JSON.parse(cell as string) as T));

export function triggerFromRow(row: Row): Trigger {
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    workflowId: row['workflow_id'] as string,
    versionId: row['version_id'] as string | null,
    name: row['name'] as string,
    enabled: Number(row['enabled']) === 1,
    definition: JSON.parse(row['definition'] as string),
    inputs: jsonOrNull(row['inputs']),
    secret: jsonOrNull(row['secret']),
    createdBy: row['created_by'] as string,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    dueAt: numberOrNull(row['due_at']),
    wakeAt: numberOrNull(row['wake_at']),
    state: jsonOrNull(row['state']),
    revision: Number(row['revision']),
  };
}

/** One row when there is anything that an encryption key keeps, none otherwise. */
export const ANYTHING_SEALED =
  'select 1 from (select 1 from credentials union all select 1 from triggers where secret is not null) sealed limit 1';

export const TRIGGER_EVENT_COLUMNS = [
  'workspace_id',
  'trigger_id',
  'id',
  'workflow_id',
  'at',
  'kind',
  'outcome',
  'key',
  'run_id',
  'reason',
  'data',
] as const;

export function triggerEventCells(event: TriggerEvent): Cell[] {
  return [
    event.workspaceId,
    event.triggerId,
    event.id,
    event.workflowId,
    event.at,
    event.kind,
    event.outcome,
    event.key,
    event.runId,
    event.reason,
    JSON.stringify(event.data),
  ];
}

export function triggerEventFromRow(row: Row): TriggerEvent {
  return {
    workspaceId: row['workspace_id'] as string,
    triggerId: row['trigger_id'] as string,
    id: row['id'] as string,
    workflowId: row['workflow_id'] as string,
    at: Number(row['at']),
    kind: row['kind'] as TriggerEventKind,
    outcome: row['outcome'] as TriggerOutcome,
    key: row['key'] as string | null,
    runId: row['run_id'] as string | null,
    reason: row['reason'] as string | null,
    data: JSON.parse(row['data'] as string),
  };
}

/**
 * The conditions of a list of events as SQL.
 * @param bind takes a value and gives what stands for it in the text
 * @param contains whether one text has another in it, in small letters both
 */
export function triggerEventConditions(
  selection: TriggerEventSelection,
  bind: (value: Cell) => string,
  contains: (text: string, needle: string) => string,
): string {
  const terms = [`workspace_id = ${bind(selection.workspaceId)}`];
  const { triggerId, workflowId, kind, outcomes, startedRun, search } = selection;
  if (triggerId !== undefined) terms.push(`trigger_id = ${bind(triggerId)}`);
  if (workflowId !== undefined) terms.push(`workflow_id = ${bind(workflowId)}`);
  if (kind !== undefined) terms.push(`kind = ${bind(kind)}`);
  if (outcomes !== undefined) terms.push(`outcome in (${outcomes.map(bind).join(', ')})`);
  if (startedRun !== undefined) terms.push(`run_id is ${startedRun ? 'not null' : 'null'}`);
  if (search !== undefined) {
    terms.push(contains(`lower(data || ' ' || coalesce(reason, '') || ' ' || coalesce(run_id, ''))`, bind(search)));
  }
  return terms.join(' and ');
}
