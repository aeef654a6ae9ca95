import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { invalid, type Problem } from '../../domain/error.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Boundary } from '../../domain/keyset.ts';
import type { RecordedParts, RecordedRun } from '../../domain/recorded-run.ts';
import { isTerminal, type Run } from '../../domain/run.ts';
import { WORKFLOW_KINDS } from '../../domain/workflow.ts';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import { readFilter } from '../../filter/filter.ts';
import { readSort } from '../../filter/sort.ts';
import { demand, SCOPE_OF_KIND } from '../../operations/access.ts';
import { MAX_RECORDED_RUNS, type RecordedWorkflow } from '../../operations/run-import.ts';
import { standInDefinition } from '../../operations/stand-in.ts';
import type { DialectParts } from '../dialect.ts';
import { nestsDeeper } from '../json-text.ts';
import { parseExactly, RecordMistake } from '../record-codec.ts';
import {
  RUN_FORMAT,
  readRun,
  readWorkflow,
  type WireWorkflow,
  WORKFLOW_FORMAT,
  writeRun,
  writeRunHead,
  writeWorkflow,
} from '../record-form.ts';
import { readDefinition } from './definition.ts';
import { answers, params } from './route-schema.ts';
import { sendText } from './send.ts';

const NDJSON = 'application/x-ndjson; charset=utf-8';

/** Where a page of records ends: what the next one is asked for with. */
const NEXT_HEADER = 'millrun-next';

const DEFAULT_LIMIT = 50;
/** Runs of one page: heads, or whole ones. They are written as they are read. */
const MAX_LIMIT = 500;

/** Workflows that one request brings. */
const MAX_WORKFLOWS = 500;

/** Levels of lists and objects in a record, as of any body (`api/server.ts`). */
const MAX_DEPTH = 500;

const RecordsQuery = Type.Object({
  q: Type.Optional(Type.String({ description: 'A filter; docs/filter-language.md' })),
  sort: Type.Optional(Type.String({ description: 'e.g. created_at:desc' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT })),
  cursor: Type.Optional(Type.String({ description: `What the header ${NEXT_HEADER} of the page before said.` })),
  whole: Type.Optional(Type.Boolean({ description: 'With all that the runs recorded, and their workflows.' })),
});

/** What search shows of a run. */
const CONTEXT_SIZE = 40;
const MATCHES_PER_RUN = 3;

const SearchBody = Type.Object({
  query: Type.String({ description: 'The text to look for.' }),
  by: Type.Optional(Type.Enum(['text', 'meaning'], { type: 'string', description: 'text (the default) or meaning.' })),
  q: Type.Optional(Type.String({ description: 'A filter; docs/filter-language.md' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
});

const RecordsBody = Type.Object({ records: Type.Array(Type.Record(Type.String(), Type.Unknown())) });

/** Runs as records: what a command line, another server or a script reads and writes. All of it is an addition. */
export function recordRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { runs, records, search, runImport, runExport, catalogue, clock } = parts;
  const tags = ['V1 - Runs'];

  api.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });

  api.get<{ Querystring: Static<typeof RecordsQuery> }>(
    '/v1/runs/records',
    {
      schema: {
        tags,
        summary: 'List Records Of Runs',
        description: `One JSON object a line (docs/records.md): runs that a filter finds, in an order, page by page; the header ${NEXT_HEADER} leads to the next. With \`whole\`, workflows come before the runs that executed them. An addition.`,
        querystring: RecordsQuery,
      },
    },
    async ({ caller, query }, reply) => {
      const { whole = false, ...wanted } = query;
      const list = readRecordList(wanted, [caller.workspaceId], clock());
      const page = await runs.find(caller, list, { payloads: false });
      if (page.next !== null) reply.header(NEXT_HEADER, writeCursor(page.next, list.digest));
      const found = page.items.map(({ run }) => run);
      return reply.type(NDJSON).send(Readable.from(lines(caller, found, whole)));
    },
  );

  api.post<{ Body: Static<typeof SearchBody> }>(
    '/v1/runs/records/search',
    {
      schema: {
        tags,
        summary: 'Search Records Of Runs',
        description:
          'Runs by what they say, with the places where they say it; the filter speaks of runs as the list of records does. An addition.',
        body: SearchBody,
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, body: { query, by = 'text', q = '', limit = 10, offset = 0 } }, reply) => {
      const { filter } = readRecordList({ q }, [], clock());
      const found = await search.find(caller, {
        query,
        exact: by === 'text',
        similarityThreshold: 0,
        limit,
        offset,
        contextSize: CONTEXT_SIZE,
        maxMatchesPerRun: MATCHES_PER_RUN,
        ignoreAccents: false,
        ...(filter === null ? {} : { filter }),
      });
      const names = await namesOf(
        caller,
        found.items.map(({ run }) => run),
      );
      const items = found.items.map(({ run, hit }) => {
        const head = writeRunHead(run, names.get(run.workflowId) ?? null);
        const more = JSON.stringify({ similarity: hit.similarity, matches: hit.matches });
        return `${head.slice(0, -1)},${more.slice(1)}`;
      });
      const { total, totalIsLowerBound, degraded } = found;
      const about = JSON.stringify({ total, total_is_lower_bound: totalIsLowerBound, degraded });
      return sendText(reply, `${about.slice(0, -1)},"items":[${items.join(',')}]}`);
    },
  );

  api.get<{ Params: { run_id: string } }>(
    '/v1/runs/:run_id/record',
    {
      schema: {
        tags,
        summary: 'Get The Record Of A Run',
        description: 'The whole run with all that it recorded, whatever its status (docs/records.md). An addition.',
        params: params('run_id'),
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, params: { run_id: id } }, reply) => {
      const run = await runs.get(caller, id);
      const names = await namesOf(caller, [run]);
      const text = writeRun(await runExport.record(caller, run), names.get(run.workflowId) ?? null);
      return sendText(reply, text);
    },
  );

  api.post<{ Body: string | Static<typeof RecordsBody> }>(
    '/v1/runs/records',
    {
      schema: {
        tags,
        summary: 'Import Records Of Runs',
        description: `Takes in finished runs and their workflows (docs/records.md), at most ${MAX_RECORDED_RUNS} runs a request: one JSON object a line as application/x-ndjson, or as a list. Those that are here already stay as they are, so that the request may be made again. An addition.`,
        body: Type.Union([Type.String(), RecordsBody]),
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, body }) => {
      demand(caller, 'runs:import');
      const read = readRecords(typeof body === 'string' ? linesOf(body) : body.records.map((record) => ({ record })));
      const workflows = read.workflows.map((workflow) => given(workflow));
      const report = await runImport.take(caller, workflows, read.runs);
      const refused = [...read.mistakes, ...[...report.refused].map(([id, message]) => ({ line: null, id, message }))];
      return { imported: report.imported, present: report.present, refused };
    },
  );

  async function* lines(caller: Caller, found: readonly Run[], whole: boolean): AsyncGenerator<string> {
    const names = await namesOf(caller, found);
    const nameOf = (run: Run) => names.get(run.workflowId) ?? null;
    if (!whole) {
      for (const run of found) yield `${writeRunHead(run, nameOf(run))}\n`;
      return;
    }
    const told = new Set<string>();
    for (const { workspaceId: _, id } of found) {
      const run = await runs.get(caller, id).catch(() => null);
      // It may have been deleted since the page was read; and what has not ended is no record yet.
      if (run === null || !isTerminal(run.status)) continue;
      const record = await runExport.record(caller, run);
      yield* workflowLines(caller, record, told);
      yield `${writeRun(record, nameOf(run))}\n`;
    }
  }

  /** Workflows and versions of a record that were not told yet. */
  async function* workflowLines(caller: Caller, record: RecordedRun, told: Set<string>): AsyncGenerator<string> {
    const executed: readonly RecordedParts['run'][] = [record, ...record.below].map(({ run }) => run);
    for (const [workflowId, some] of Map.groupBy(executed, (run) => run.workflowId)) {
      const versionIds = [...new Set(some.map((run) => run.workflowVersionId))].filter((id) => !told.has(id));
      if (versionIds.length === 0) continue;
      const found = await runExport.workflow(caller, workflowId, versionIds);
      if (found === null) continue;
      for (const { id } of found.versions) told.add(id);
      yield `${writeWorkflow(found.workflow, found.versions)}\n`;
    }
  }

  /** Names of the workflows of some runs, of those that the caller may read. */
  async function namesOf(caller: Caller, some: readonly Run[]): Promise<ReadonlyMap<string, string>> {
    const kinds = new Set(WORKFLOW_KINDS.filter((kind) => caller.scopes.has(SCOPE_OF_KIND[kind])));
    const ids = some.map(({ workflowId }) => workflowId);
    const found = await records.targets(caller, ids, kinds);
    return new Map([...found].map(([id, { workflow }]) => [id, workflow.name]));
  }

  function given(workflow: WireWorkflow): RecordedWorkflow {
    return {
      ...workflow,
      versions: workflow.versions.map(({ definition, graph, ...version }) => ({
        ...version,
        given:
          definition === null
            ? standInDefinition((graph ?? { nodes: [], edges: [] }) as Parameters<typeof standInDefinition>[0])
            : readDefinition(definition, catalogue),
      })),
    };
  }
}

/** A list as it is asked for, checked. @throws PlatformError `invalid` with every mistake and its place */
function readRecordList(
  query: Omit<Static<typeof RecordsQuery>, 'whole'>,
  scope: readonly string[],
  now: number,
): Parameters<DialectParts['runs']['find']>[1] & { readonly digest: string } {
  const { filter, diagnostics } = readFilter(query.q ?? '', explorerVocabulary, { now, strict: true });
  const sort = readSort(query.sort ?? '', explorerVocabulary);
  const told = [
    ...diagnostics.map((each) => ({ ...each, name: 'q' })),
    ...sort.diagnostics.map((each) => ({ ...each, name: 'sort' })),
  ];
  const problems = told
    .filter(({ severity }) => severity === 'error')
    .map(
      ({ name, from, to, message, hint }): Problem => ({
        at: ['query', name],
        message: `${message} (characters ${from} to ${to})`,
        type: name === 'q' ? 'filter' : 'sort',
        ...(hint === undefined ? {} : { hint }),
      }),
    );
  if (problems.length > 0) throw invalid(problems);
  const bound = JSON.stringify([query.q ?? '', query.sort ?? '', ...scope]);
  const digest = createHash('sha256').update(bound).digest('base64url').slice(0, 16);
  const from = query.cursor === undefined ? null : readCursor(query.cursor, digest);
  return { filter, sort: sort.keys, limit: query.limit ?? DEFAULT_LIMIT, from, backward: false, digest };
}

const writeCursor = (boundary: Boundary, digest: string): string =>
  Buffer.from(JSON.stringify([digest, boundary])).toString('base64url');

/** @throws PlatformError `invalid` for a cursor of another list */
function readCursor(given: string, digest: string): Boundary {
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(given, 'base64url').toString('utf8'));
  } catch {
    read = null;
  }
  const [ofList, boundary] = Array.isArray(read) ? read : [];
  const isValue = (value: unknown) => value === null || typeof value === 'string' || typeof value === 'number';
  if (ofList === digest && Array.isArray(boundary) && boundary.every(isValue)) return boundary as Boundary;
  const message = 'This cursor is none of this list as it is filtered and sorted now. Leave it out to begin anew.';
  throw invalid([{ at: ['query', 'cursor'], message, type: 'cursor' }]);
}

/** A record that was sent, or why it cannot be read. `line` counts from 1. */
type SentRecord = { readonly record: unknown } | { readonly unread: string };

function linesOf(body: string): SentRecord[] {
  return body.split('\n').flatMap((line): SentRecord[] => {
    if (line.trim() === '') return [];
    if (nestsDeeper(line, MAX_DEPTH)) return [{ unread: `It nests more than ${MAX_DEPTH} levels deep.` }];
    try {
      return [{ record: parseExactly(line) }];
    } catch (error) {
      return [{ unread: `It is not JSON: ${(error as Error).message}` }];
    }
  });
}

interface ReadRecords {
  readonly workflows: readonly WireWorkflow[];
  readonly runs: readonly RecordedRun[];
  readonly mistakes: readonly { readonly line: number; readonly id: string | null; readonly message: string }[];
}

/** @throws PlatformError `invalid` when there are too many */
function readRecords(sent: readonly SentRecord[]): ReadRecords {
  const workflows: WireWorkflow[] = [];
  const runs: RecordedRun[] = [];
  const mistakes: ReadRecords['mistakes'][number][] = [];
  for (const [index, each] of sent.entries()) {
    const line = index + 1;
    if ('unread' in each) {
      mistakes.push({ line, id: null, message: each.unread });
      continue;
    }
    const { record } = each;
    const { format, id } = isJsonObject(record) ? record : ({} as JsonObject);
    try {
      if (format === RUN_FORMAT) runs.push(readRun(record));
      else if (format === WORKFLOW_FORMAT) workflows.push(readWorkflow(record));
      else throw new RecordMistake('format', `${RUN_FORMAT} or ${WORKFLOW_FORMAT}`, format);
    } catch (error) {
      if (!(error instanceof RecordMistake)) throw error;
      mistakes.push({ line, id: typeof id === 'string' ? id.slice(0, 80) : null, message: error.message });
    }
  }
  if (runs.length <= MAX_RECORDED_RUNS && workflows.length <= MAX_WORKFLOWS) return { workflows, runs, mistakes };
  const message = `There are ${runs.length} runs and ${workflows.length} workflows; a request takes ${MAX_RECORDED_RUNS} and ${MAX_WORKFLOWS} at most. Send several.`;
  throw invalid([{ at: ['body'], message, type: 'too_many' }]);
}
