import type { FormField } from './form.ts';
import type { JsonObject } from './json.ts';

export const PERSON_REQUEST_STATUSES = ['pending', 'answered', 'canceled', 'expired'] as const;

/** `expired`: nobody answered in time, and the default answer counts. All but `pending` are for good. */
export type PersonRequestStatus = (typeof PERSON_REQUEST_STATUSES)[number];

/** What a node asks a person. */
export interface PersonAsk {
  readonly title: string;
  readonly description: string;
  readonly form: readonly FormField[];
  /** Who is meant to answer, in the author's own words; null: anybody. Binds nobody. */
  readonly assignee: string | null;
  /** Epoch milliseconds from which on `fallback` counts as the answer; null: it is waited for without end. */
  readonly dueAt: number | null;
  readonly fallback: JsonObject | null;
}

/** A question to a person that one pass of a node waits for. Times are epoch milliseconds. */
export interface PersonRequest extends PersonAsk {
  readonly id: string;
  readonly workspaceId: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly nodeId: string;
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  readonly status: PersonRequestStatus;
  /** A value for every field; of an expired request the default answer; null for a pending or canceled one. */
  readonly answer: JsonObject | null;
  /** Who answered or canceled it: the name that was given, else that of the key. Null while pending, and when nobody did. */
  readonly settledBy: string | null;
  /** The key that it was answered or canceled with. */
  readonly keyId: string | null;
  readonly createdAt: number;
  readonly settledAt: number | null;
  /** 1 for a pending request, 2 for any other. */
  readonly revision: number;
}

/** How a request ends. */
export interface PersonSettlement {
  readonly status: Exclude<PersonRequestStatus, 'pending'>;
  readonly answer: JsonObject | null;
  readonly settledBy: string | null;
  readonly keyId: string | null;
}

/** What a node that asked a person delivers: one value for each field, who answered and whether anybody did. */
export function outputsOfAnswer(
  answer: JsonObject,
  outcome: 'answered' | 'expired',
  answeredBy: string | null,
): JsonObject {
  return { ...answer, answered_by: answeredBy, outcome };
}
