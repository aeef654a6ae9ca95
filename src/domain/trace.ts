/** Where a run stands in a trace (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all of them 0. */
  readonly traceId: string;
  /** The span that the run's own hangs below: 16 lower-case hexadecimal digits. Null: the run begins the trace. */
  readonly parentSpanId: string | null;
}

/** A header of version 00, or of a later one that goes on behind the flags. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/;

/** What a `traceparent` header says; null for one that says nothing, which is to be taken as if it were not there. */
export function parseTraceparent(header: unknown): TraceContext | null {
  const [, traceId, parentSpanId] = (typeof header === 'string' && TRACEPARENT.exec(header.trim())) || [];
  return traceId === undefined || parentSpanId === undefined ? null : { traceId, parentSpanId };
}

/** The header that hands a span on. @param isRecorded whether whoever is called shall record, too */
export function traceparentOf(traceId: string, spanId: string, isRecorded: boolean): string {
  return `00-${traceId}-${spanId}-${isRecorded ? '01' : '00'}`;
}

/** The trace that a run begins by itself: its id without the dashes. @param runId a UUID */
export function ownTraceOf(runId: string): TraceContext {
  return { traceId: runId.replaceAll('-', '').toLowerCase(), parentSpanId: null };
}
