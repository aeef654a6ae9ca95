import type { JsonObject } from './json.ts';

/** What a span is about, as far as its attributes say. */
export const SPAN_ROLES = ['model', 'agent', 'tool', 'workflow', 'retrieval', 'other'] as const;
export type SpanRole = (typeof SPAN_ROLES)[number];

/** A span of another program's trace, in the words of this one. Times are epoch milliseconds, with fractions. */
export interface TakenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Null: it is the root of its trace. */
  readonly parentSpanId: string | null;
  readonly name: string;
  /** `service.name` of the program. */
  readonly service: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly role: SpanRole;
  /** Whether it follows one of the conventions for generative AI. */
  readonly isGenAi: boolean;
  readonly model: string | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number; readonly cost: string | null } | null;
  /** Null: it does not say. */
  readonly inputs: JsonObject | null;
  readonly outputs: JsonObject | null;
  /** Why it failed; null: it did not. */
  readonly error: string | null;
  readonly events: readonly TakenSpanEvent[];
  /** What else its attributes say. */
  readonly attributes: JsonObject;
}

export interface TakenSpanEvent {
  readonly at: number;
  readonly message: string;
  readonly isError: boolean;
  readonly attributes: JsonObject;
}

/** A trace that waits for its root. */
export interface PendingTrace {
  readonly workspaceId: string;
  readonly traceId: string;
}
