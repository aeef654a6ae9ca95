/** A span, as exporters send it. Times are epoch milliseconds; ids are hexadecimal. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  /** `client`: it calls somebody else; `server`: somebody else called it. */
  readonly kind: 'internal' | 'client' | 'server';
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Why it failed; null: it did not. */
  readonly error: string | null;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

interface SpanEvent {
  readonly name: string;
  readonly at: number;
  readonly attributes: Attributes;
}
