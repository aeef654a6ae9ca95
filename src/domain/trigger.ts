import type { SealedField } from './credential.ts';
import type { JsonObject, JsonValue } from './json.ts';

export const TRIGGER_TYPES = ['schedule', 'webhook', 'poll'] as const;

/** What makes a trigger start runs: the clock, a request from outside, or something new at an address that is looked at. */
export type TriggerType = (typeof TRIGGER_TYPES)[number];

export const MISSED_POLICIES = ['skip', 'once', 'all'] as const;

/** What becomes of times that went by while no server ran: nothing, one run for all of them, or one run each up to a limit. */
export type MissedPolicy = (typeof MISSED_POLICIES)[number];

/** Starts runs at the times of a cron expression. Times are epoch milliseconds. */
export interface ScheduleDefinition {
  readonly type: 'schedule';
  /** Five fields (minute first) or six (second first). */
  readonly cron: string;
  /** IANA name, such as Europe/Berlin: the hours of the expression are those of its clocks. */
  readonly timezone: string;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly missed: MissedPolicy;
  /** Each trigger starts later than its times by a span of its own, below this many seconds. */
  readonly jitterSeconds: number;
}

export const WEBHOOK_VERIFICATIONS = ['path', 'header', 'standard', 'github', 'hmac'] as const;

/**
 * How a request shows that it may start runs: the secret as the last part of its path or in a header; a signature of its body after Standard
 * Webhooks, in GitHub's header, or in any header.
 */
export type WebhookVerification = (typeof WEBHOOK_VERIFICATIONS)[number];

export const HMAC_ALGORITHMS = ['sha1', 'sha256', 'sha512'] as const;
export const HMAC_ENCODINGS = ['hex', 'base64'] as const;
export const WEBHOOK_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export type WebhookMethod = (typeof WEBHOOK_METHODS)[number];

/** Starts a run for each request to an address of its own. */
export interface WebhookDefinition {
  readonly type: 'webhook';
  readonly verify: WebhookVerification;
  /** Of `header` and `hmac`: the header that carries the secret or the signature, in small letters. */
  readonly header: string;
  /** Of `hmac`. */
  readonly algorithm: (typeof HMAC_ALGORITHMS)[number];
  readonly encoding: (typeof HMAC_ENCODINGS)[number];
  /** Of `header` and `hmac`: what stands before the secret or the signature, such as `Bearer ` or `sha256=`. */
  readonly prefix: string;
  /** Of `hmac`: the header with the time of signing in seconds, which `<time>.<body>` is signed with; null: the body alone is signed. */
  readonly timestampHeader: string | null;
  /** The header that names a delivery, in small letters: one that comes again starts no other run. Null: the usual ones are looked at. */
  readonly deliveryHeader: string | null;
  readonly methods: readonly WebhookMethod[];
  /** How long the caller waits for the run's output, in seconds; null: it is answered at once. */
  readonly waitSeconds: number | null;
  readonly maxBytes: number;
  /** Requests a minute. */
  readonly rateLimit: number;
}

/** Looks at an address and starts runs for what is new there. */
export interface PollDefinition {
  readonly type: 'poll';
  readonly url: string;
  /** `feed`: RSS, Atom, RDF or JSON Feed; `json`: any JSON with a list in it. */
  readonly source: 'feed' | 'json';
  readonly everySeconds: number;
  /** Of `json`: JSONPath of the items. */
  readonly itemsPath: string;
  /** Of `json`: JSONPath, within an item, of what tells it from others; null: the whole item does. */
  readonly idPath: string | null;
  /** A run for each new item, or one for all that are new at once. */
  readonly runPer: 'item' | 'poll';
  /** Whether what is there at the first look counts as new. */
  readonly startWith: 'new' | 'all';
  /** The credential that is sent along, by name or id; null: none. */
  readonly credential: string | null;
}

export type TriggerDefinition = ScheduleDefinition | WebhookDefinition | PollDefinition;

/** What a poll remembers from one look to the next. */
export interface PollState {
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Digests of the ids of items that were seen, the latest first; null: nothing was looked at yet. */
  readonly seen: readonly string[] | null;
  /** Epoch milliseconds; null: never. */
  readonly lastPolledAt: number | null;
  /** Looks that failed since the last good one. */
  readonly failures: number;
  readonly lastError: string | null;
}

/** Something that starts runs of a workflow by itself. Times are epoch milliseconds. */
export interface Trigger {
  readonly id: string;
  readonly workspaceId: string;
  readonly workflowId: string;
  /** The version that runs; null: whatever is current. */
  readonly versionId: string | null;
  readonly name: string;
  readonly enabled: boolean;
  readonly definition: TriggerDefinition;
  /** Values for the workflow's inputs, with references to what came; null: inputs are filled by their names. */
  readonly inputs: JsonObject | null;
  /** Of a webhook. */
  readonly secret: SealedField | null;
  /** The key that made it; its runs carry it. */
  readonly createdBy: string;
  readonly createdAt: number;
  /** When a person changed it last. */
  readonly updatedAt: number;
  /** The time of the schedule that is next, before jitter; of a poll the next look. Null: nothing is due. */
  readonly dueAt: number | null;
  /** When the scheduler has to look at it next: `dueAt` with jitter, or the end of the time that a process has for a look. */
  readonly wakeAt: number | null;
  /** Of a poll. */
  readonly state: PollState | null;
  /** The number of kept changes, 1 for a new one. Firings of schedules and polls count. */
  readonly revision: number;
}

export const TRIGGER_EVENT_KINDS = ['schedule', 'webhook', 'poll', 'manual'] as const;

/** Where an event came from; `manual`: a person fired the trigger. */
export type TriggerEventKind = (typeof TRIGGER_EVENT_KINDS)[number];

export const TRIGGER_OUTCOMES = ['started', 'refused', 'skipped', 'failed'] as const;

/** `refused`: what came could not start a run; `skipped`: times that were missed; `failed`: the address of a poll gave no items. */
export type TriggerOutcome = (typeof TRIGGER_OUTCOMES)[number];

/** One time that a trigger fired, or would have. */
export interface TriggerEvent {
  /** A UUIDv7: later events sort after earlier ones. */
  readonly id: string;
  readonly workspaceId: string;
  readonly triggerId: string;
  readonly workflowId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind: TriggerEventKind;
  readonly outcome: TriggerOutcome;
  /** What must not start a second run: there is one event of a trigger with it. Null: nothing. */
  readonly key: string | null;
  readonly runId: string | null;
  /** Why no run was started. */
  readonly reason: string | null;
  /** What came, in short. */
  readonly data: JsonObject;
}

/** `Run.source` of runs that triggers start. */
export const TRIGGER_SOURCE = 'trigger';

/** Which trigger began a run, as its `meta` says it. */
export function triggerMeta(
  trigger: Pick<Trigger, 'id' | 'name' | 'definition'>,
  eventId: string,
): Record<string, JsonValue> {
  const { id, name, definition } = trigger;
  return { trigger_id: id, trigger_name: name, trigger_type: definition.type, trigger_event_id: eventId };
}
