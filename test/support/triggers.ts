import type { PollDefinition, ScheduleDefinition, Trigger, TriggerEvent } from '../../src/domain/trigger.ts';
import type { System } from '../../src/system/system.ts';

export const SCHEDULE: ScheduleDefinition = {
  type: 'schedule',
  cron: '0 * * * *',
  timezone: 'UTC',
  startAt: null,
  endAt: null,
  missed: 'once',
  jitterSeconds: 0,
};

export const POLL: PollDefinition = {
  type: 'poll',
  url: 'https://example.com/feed.xml',
  source: 'feed',
  everySeconds: 300,
  itemsPath: '$[*]',
  idPath: null,
  runPer: 'item',
  startWith: 'new',
  credential: null,
};

/** A trigger as it is kept: an hourly schedule unless told otherwise. */
export function aTrigger(workspaceId: string, system: System, set: Partial<Trigger> = {}): Trigger {
  return {
    id: system.newId(),
    workspaceId,
    workflowId: system.newId(),
    versionId: null,
    name: 'every hour',
    enabled: true,
    definition: SCHEDULE,
    inputs: null,
    secret: null,
    createdBy: 'key',
    createdAt: system.now(),
    updatedAt: system.now(),
    dueAt: system.now() + 3_600_000,
    wakeAt: system.now() + 3_600_000,
    state: null,
    revision: 1,
    ...set,
  };
}

/** An event of a trigger: one that started a run unless told otherwise. */
export function aTriggerEvent(trigger: Trigger, system: System, set: Partial<TriggerEvent> = {}): TriggerEvent {
  return {
    id: system.newId(),
    workspaceId: trigger.workspaceId,
    triggerId: trigger.id,
    workflowId: trigger.workflowId,
    at: system.now(),
    kind: 'schedule',
    outcome: 'started',
    key: null,
    runId: system.newId(),
    reason: null,
    data: {},
    ...set,
  };
}
