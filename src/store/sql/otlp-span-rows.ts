import type { TakenSpan } from '../../domain/taken-span.ts';
import type { Row } from './rows.ts';

/** Spans that were taken in: rows to domain values and back. */
export const OTLP_SPAN_COLUMNS = ['workspace_id', 'trace_id', 'span_id', 'run_id', 'received_at', 'span'] as const;

export function otlpSpanCells(
  workspaceId: string,
  runId: string | null,
  at: number,
  span: TakenSpan,
): (string | number | null)[] {
  return [workspaceId, span.traceId, span.spanId, runId, at, JSON.stringify(span)];
}

/** What is kept of a trace, of its rows in any order. */
export function takenTraceOf(found: readonly Row[]): { spans: TakenSpan[]; runId: string | null } {
  const spans = found.map((row) => JSON.parse(String(row['span'])) as TakenSpan);
  spans.sort((a, b) => a.startedAt - b.startedAt || (a.spanId < b.spanId ? -1 : 1));
  const runId = found.map((row) => row['run_id']).find((id) => typeof id === 'string');
  return { spans, runId: typeof runId === 'string' ? runId : null };
}
