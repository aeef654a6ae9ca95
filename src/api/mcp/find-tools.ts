import Type from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import type { Run } from '../../domain/run.ts';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { FilterText, NextCursor, nextCursor, PAGE_INPUT, readFilterText, readList } from './list.ts';
import { namesOf, presentRun, RunFacts } from './present-run.ts';
import { nullable, optional, READS, type Tool, tool } from './tool.ts';

/** Runs that one search answers with, when nothing is said and at most. */
const FOUND = 10;
const MOST_FOUND = 50;

/** Snippets of one run, and code points of context on each side of a match: enough to see whether it is the one. */
const SNIPPETS = 3;
const CONTEXT = 80;

const listRuns = tool({
  name: 'list_runs',
  title: 'List runs',
  description:
    'Runs that a filter lets through, newest first or in the order of sort. Filter by status, workflow, time, cost, failure, or by values in input, output and metadata. To find runs by what they say, use search_runs.',
  scopes: ['runs:read'],
  annotations: READS,
  input: {
    filter: optional(FilterText),
    sort: optional(Type.String({ description: 'Fields with a direction, e.g. cost:desc,created_at:desc.' })),
    ...PAGE_INPUT,
  },
  output: Type.Object({ items: Type.Array(RunFacts), next_cursor: NextCursor }),
  async run(parts, { caller }, given) {
    const list = readList(given, explorerVocabulary, ['runs', caller.workspaceId], parts.clock());
    const page = await parts.runs.find(caller, list, { payloads: false });
    const present = await presenter(
      parts,
      caller,
      page.items.map(({ run }) => run),
    );
    return { items: page.items.map(({ run }) => present(run)), next_cursor: nextCursor(page, list.digest) };
  },
});

const Match = Type.Object({
  field: Type.Enum(['input', 'output', 'other', 'run_id'], { type: 'string' }),
  path: Type.String({ description: 'JSON path into the field.' }),
  node_id: nullable(Type.String()),
  before: Type.String(),
  match: Type.String(),
  after: Type.String(),
});

const searchRuns = tool({
  name: 'search_runs',
  title: 'Search runs',
  description:
    'Finds runs by what they say in input, output, logs and failures. exact: the text as it stands, newest first. meaning: what is said in other words too, best first. Each run comes with the places that match.',
  scopes: ['runs:read'],
  annotations: READS,
  input: {
    query: Type.String({ minLength: 1, maxLength: 10_000 }),
    mode: optional(Type.Enum(['exact', 'meaning'], { type: 'string', description: 'meaning when left out.' })),
    filter: optional(FilterText),
    limit: optional(Type.Integer({ minimum: 1, maximum: MOST_FOUND, description: `Runs; ${FOUND} when left out.` })),
    offset: optional(
      Type.Integer({ minimum: 0, maximum: 10_000, description: 'Runs to leave out, for the next page.' }),
    ),
  },
  output: Type.Object({
    items: Type.Array(Type.Object({ run: RunFacts, similarity: Type.Number(), matches: Type.Array(Match) })),
    total: Type.Integer(),
    total_is_lower_bound: Type.Boolean(),
    next_offset: nullable(Type.Integer()),
    remark: nullable(Type.String({ description: 'Why runs may be missing.' })),
  }),
  async run(parts, { caller }, { query, mode = 'meaning', filter: text, limit = FOUND, offset = 0 }) {
    const filter = readFilterText(text, explorerVocabulary, parts.clock());
    const found = await parts.search.find(caller, {
      query,
      exact: mode === 'exact',
      similarityThreshold: 0,
      limit,
      offset,
      contextSize: CONTEXT,
      maxMatchesPerRun: SNIPPETS,
      ...(filter === null ? {} : { filter }),
    });
    const present = await presenter(
      parts,
      caller,
      found.items.map(({ run }) => run),
    );
    const remarks = [
      ...(found.rebuild === null ? [] : ['The search index is being built; older runs may be missing.']),
      ...(found.degraded === null ? [] : [found.degraded]),
    ];
    return {
      items: found.items.map(({ run, hit }) => ({
        run: present(run),
        similarity: hit.similarity,
        matches: hit.matches.map(({ field, path, node_id: nodeId = null, before, match, after }) => ({
          ...{ field, path, node_id: nodeId, before, match, after },
        })),
      })),
      total: found.total,
      total_is_lower_bound: found.totalIsLowerBound,
      next_offset: offset + limit < found.total ? offset + limit : null,
      remark: remarks.length === 0 ? null : remarks.join(' '),
    };
  },
});

async function presenter(parts: DialectParts, caller: Caller, runs: readonly Run[]) {
  const names = await namesOf(
    parts,
    caller,
    runs.map(({ workflowId }) => workflowId),
  );
  return (run: Run) => presentRun(run, names);
}

/** Finding runs. */
export const FIND_TOOLS: readonly Tool[] = [listRuns, searchRuns];
