import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { invalid } from '../../domain/error.ts';
import type { Boundary } from '../../domain/keyset.ts';
import type { Run } from '../../domain/run.ts';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import { demand, demandVerdicts } from '../../operations/access.ts';
import { type ReadList, within } from '../keyset-list.ts';
import { exactly, readList } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { type Names, namesOf } from './present-run.ts';
import type { ExportColumn } from './wire.ts';

const ExportQuery = exactly({
  format: Type.Enum(['csv', 'jsonl']),
  q: Type.Optional(Type.String()),
  sort: Type.Optional(Type.String()),
  ids: Type.Optional(Type.String()),
  columns: Type.Optional(Type.String()),
});

/** Runs read at a time: what waits for a slow receiver lies in memory. */
const PAGE = 200;

/** What a line is made of. Payloads are JSON texts. */
interface Line {
  readonly run: Run;
  readonly names: Names;
  readonly input: string;
  readonly output: string | null;
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** The value of each column; `json` gives JSON text, which is spliced in as it is. */
const COLUMNS: Readonly<Record<ExportColumn, (line: Line) => string | number | null | { readonly json: string }>> = {
  id: ({ run }) => run.id,
  status: ({ run }) => run.status,
  workflow_id: ({ run }) => run.workflowId,
  workflow: ({ run, names }) => names.get(run.workflowId)?.workflow.name ?? null,
  target_type: ({ run }) => run.kind,
  version: ({ run }) => run.workflowVersionId,
  source: ({ run }) => run.source,
  created_at: ({ run }) => time(run.createdAt),
  started_at: ({ run }) => time(run.startedAt),
  finished_at: ({ run }) => time(run.finishedAt),
  duration_ms: ({ run }) => (run.startedAt === null || run.finishedAt === null ? null : run.finishedAt - run.startedAt),
  cost: ({ run }) => run.cost,
  failure_code: ({ run }) => run.failure?.code ?? null,
  failure_message: ({ run }) => run.failure?.message ?? null,
  client_ref: ({ run }) => run.clientRef,
  batch_id: ({ run }) => run.batchId,
  metadata: ({ run }) => (run.meta === null ? null : { json: JSON.stringify(run.meta) }),
  input: ({ input }) => ({ json: input }),
  output: ({ output }) => (output === null ? null : { json: output }),
};

/** Runs as a download, streamed: what a filter finds, or some by id. */
export function runExportRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { runs, clock } = parts;

  api.get('/v1/runs/export', { schema: { querystring: ExportQuery } }, async ({ caller, query }, reply) => {
    demand(caller, 'runs:read');
    const { format, ids, columns: named, ...given } = query as Static<typeof ExportQuery>;
    const columns = readColumns(named);
    const list = readList({ ...given, limit: PAGE }, explorerVocabulary, ['export'], clock());
    // Refused now: once the download has begun it can only break off.
    demandVerdicts(caller, list.filter, list.sort);
    const filter = ids === undefined ? list.filter : within(null, 'id', ids.split(','));
    const isCsv = format === 'csv';
    const stamp = new Date(clock()).toISOString().slice(0, 19).replaceAll(/[:T]/g, '-');
    return reply
      .type(isCsv ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8')
      .header('content-disposition', `attachment; filename="runs-${stamp}.${format}"`)
      .send(Readable.from(texts(caller, { ...list, filter }, columns, isCsv)));
  });

  async function* texts(caller: Caller, list: ReadList, columns: readonly ExportColumn[], isCsv: boolean) {
    if (isCsv) yield `${columns.join(',')}\r\n`;
    const write = isCsv ? csvLine : jsonLine;
    const payloads = columns.includes('input') || columns.includes('output');
    let from: Boundary | null = null;
    do {
      const page: Awaited<ReturnType<typeof runs.find>> = await runs.find(caller, { ...list, from }, { payloads });
      const found = page.items.map(({ run }) => run);
      const names = await namesOf(
        parts,
        caller,
        found.map(({ workflowId }) => workflowId),
      );
      let text = '';
      for (const run of found) {
        const io = payloads ? await runs.payloads(run) : { input: '{}', output: null };
        text += write({ run, names, ...io }, columns);
      }
      if (text !== '') yield text;
      from = page.next;
    } while (from !== null);
  }
}

function readColumns(text: string | undefined): readonly ExportColumn[] {
  const known = Object.keys(COLUMNS) as ExportColumn[];
  if (text === undefined || text === '') return known;
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !known.includes(name as ExportColumn));
  if (unknown === undefined) return wanted as ExportColumn[];
  const message = `${JSON.stringify(unknown.slice(0, 80))} is no column. There are ${known.join(', ')}.`;
  throw invalid([{ at: ['query', 'columns'], message, type: 'unknown_name' }]);
}

function jsonLine(line: Line, columns: readonly ExportColumn[]): string {
  const fields = columns.map((column) => {
    const value = COLUMNS[column](line);
    return `"${column}":${typeof value === 'object' && value !== null ? value.json : JSON.stringify(value)}`;
  });
  return `{${fields.join(',')}}\n`;
}

function csvLine(line: Line, columns: readonly ExportColumn[]): string {
  return `${columns.map((column) => csvCell(COLUMNS[column](line))).join(',')}\r\n`;
}

/** A cell of RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvCell(value: string | number | null | { readonly json: string }): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : value.json;
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
