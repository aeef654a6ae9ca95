import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid, PlatformError } from '../../domain/error.ts';
import { LOG_LEVELS, type LogLevel } from '../../domain/run-log.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { literalPattern } from '../../filter/text.ts';
import { within } from '../keyset-list.ts';
import { exactly, PAGE_QUERY, pageOf, readPage } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { payloadHref, payloadPart } from './payload-part.ts';
import { presentEvaluationDetail } from './present-evaluation.ts';
import { presentLog } from './present-log.ts';
import { namesOf, presentRows } from './present-run.ts';
import { readChildren, readRunDetail } from './present-run-detail.ts';
import type * as wire from './wire.ts';

const Params = Type.Object({ id: Type.String() });
const idOf = (params: unknown): string => (params as Static<typeof Params>).id;

const NodeQuery = exactly({
  node: Type.String({ minLength: 1 }),
  iteration: Type.Optional(Type.Integer({ minimum: 1 })),
});
const IterationsQuery = exactly({
  node: Type.String({ minLength: 1 }),
  from: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
});
const ChildrenQuery = exactly({
  node: Type.String({ minLength: 1 }),
  iteration: Type.Optional(Type.Integer({ minimum: 0 })),
  page: Type.Optional(Type.Integer({ minimum: 1 })),
  size: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
});
const DiffQuery = exactly({ with: Type.String({ minLength: 1 }) });
const PayloadQuery = exactly({
  part: Type.Enum(['input', 'output', 'node-inputs', 'node-outputs']),
  node: Type.Optional(Type.String()),
  iteration: Type.Optional(Type.Integer({ minimum: 1 })),
});
const LogsQuery = exactly({
  ...PAGE_QUERY,
  search: Type.Optional(Type.String({ maxLength: 1000 })),
  levels: Type.Optional(Type.String()),
  node: Type.Optional(Type.String()),
  at: Type.Optional(Type.String()),
});

/** Lines whose levels are counted. */
const COUNTED_LINES = 10_000;

/** Repetitions and evaluations of a run that are named: more of them have a list of their own. */
const OTHERS = 50;

/** One run: what it was, what its nodes did, what they said. */
export function runRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { runs, records, runDiffs, evaluations } = parts;

  api.get('/v1/runs/:id', async ({ caller, params }): Promise<wire.RunDetail> => {
    return readRunDetail(parts, caller, idOf(params));
  });

  api.get(
    '/v1/runs/:id/node',
    { schema: { querystring: NodeQuery } },
    async ({ caller, params, query }): Promise<wire.NodeDetail> => {
      const id = idOf(params);
      const { node, iteration = 1 } = query as Static<typeof NodeQuery>;
      const run = await runs.get(caller, id);
      const [io, { definition }] = await Promise.all([runs.nodeIo(caller, id, node, iteration), runs.version(run)]);
      const part = (text: string | null, kind: wire.PayloadKind) =>
        text === null ? null : payloadPart(text, payloadHref(id, kind, { id: node, iteration }));
      return {
        nodeId: node,
        status: io.status,
        iteration: io.iteration,
        totalIterations: io.totalIterations,
        inputs: part(io.inputs, 'node-inputs'),
        outputs: part(io.outputs, 'node-outputs'),
        failure: io.failure,
        config: definition.nodes.find((each) => each.id === node)?.config ?? null,
      };
    },
  );

  api.get(
    '/v1/runs/:id/iterations',
    { schema: { querystring: IterationsQuery } },
    async ({ caller, params, query }): Promise<wire.IterationPage> => {
      const id = idOf(params);
      const { node, from = 1, limit = 100 } = query as Static<typeof IterationsQuery>;
      const nodeRun = (await runs.nodeRuns(caller, id)).find(({ nodeId }) => nodeId === node);
      if (nodeRun === undefined) throw new PlatformError('not_found', `Run ${id} has no record of a node "${node}".`);
      const recorded = await runs.iterations(caller, id, node, { from, limit });
      const byNumber = new Map(recorded.map((pass) => [pass.iteration, pass]));
      const total = nodeRun.iterates ? nodeRun.totalIterations : 0;
      const count = Math.max(0, Math.min(limit, total - from + 1));
      const isKept = nodeRun.finishedAt === null || recorded.length > 0;
      const items = Array.from({ length: count }, (_, index): wire.IterationRow => {
        const pass = byNumber.get(from + index);
        if (pass === undefined) {
          const none = { attempts: 0, startedAt: null, finishedAt: null, failure: null };
          return { iteration: from + index, status: isKept ? 'pending' : 'unrecorded', ...none };
        }
        const { iteration, status, attempts, startedAt, finishedAt, failure } = pass;
        return { iteration, status, attempts, startedAt, finishedAt, failure };
      });
      return { nodeId: node, total, items, next: from + count <= total ? from + count : null };
    },
  );

  api.get(
    '/v1/runs/:id/payload',
    { schema: { querystring: PayloadQuery } },
    async ({ caller, params, query }, reply) => {
      const { part, node, iteration = 1 } = query as Static<typeof PayloadQuery>;
      const id = idOf(params);
      const text = part === 'input' || part === 'output' ? await ofRun(part) : await ofNode(part);
      if (text === null) throw new PlatformError('not_found', `Run ${id} has no ${part} yet.`);
      const name = [id, node, part]
        .filter(Boolean)
        .join('-')
        .replaceAll(/[^\w.-]+/g, '_');
      return reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', `inline; filename="${name}.json"`)
        .send(text);

      async function ofRun(which: 'input' | 'output'): Promise<string | Readable | null> {
        const run = await runs.get(caller, id);
        const payload = run[which];
        return payload === null ? null : (await runs.open(payload)).text;
      }

      async function ofNode(which: 'node-inputs' | 'node-outputs'): Promise<string | null> {
        if (node === undefined) {
          const message = 'A payload of a node takes the id of the node.';
          throw invalid([{ at: ['query', 'node'], message, type: 'missing' }]);
        }
        const io = await runs.nodeIo(caller, id, node, iteration);
        return which === 'node-inputs' ? io.inputs : io.outputs;
      }
    },
  );

  api.get(
    '/v1/runs/:id/logs',
    { schema: { querystring: LogsQuery } },
    async ({ caller, params, query }): Promise<wire.LogPage> => {
      const id = idOf(params);
      const given: wire.LogQuery = query as Static<typeof LogsQuery>;
      const { search = '', levels = '', node = '', at = '' } = given;
      const list = readPage(given, ['logs', caller.workspaceId, id, search, levels, node, at]);
      const terms: CheckedFilter[] = [];
      if (search !== '') terms.push(contains('message', search));
      if (levels !== '') terms.push(within(null, 'level', readLevels(levels)));
      if (node !== '') terms.push(within(null, 'nodeId', [node]));
      if (at !== '')
        terms.push({ kind: 'order', target: { column: 'id', kind: 'uuid', path: [] }, order: 'gte', value: at });
      const filter: CheckedFilter | null = terms.length === 0 ? null : { kind: 'and', terms };
      const sort = [{ column: 'id', direction: 'asc' }] as const;
      const [page, counted] = await Promise.all([
        records.findLogs(caller, id, { ...list, filter, sort }),
        records.ofRuns(caller, [id], { nodeRuns: 0, logs: COUNTED_LINES }),
      ]);
      const counts: Partial<Record<LogLevel, number>> = {};
      for (const { level } of counted.logs.get(id) ?? []) counts[level] = (counts[level] ?? 0) + 1;
      return { ...pageOf(page, list.digest, page.items.map(presentLog)), levels: counts };
    },
  );

  api.get('/v1/runs/:id/retries', async ({ caller, params }): Promise<{ items: wire.RunRow[] }> => {
    const run = await runs.get(caller, idOf(params));
    const filter: CheckedFilter = {
      kind: 'and',
      terms: [
        within(null, 'workflowId', [run.workflowId]),
        {
          kind: 'order',
          target: { column: 'createdAt', kind: 'datetime', path: [] },
          order: 'gte',
          value: run.createdAt,
        },
        { kind: 'in', target: { column: 'context', kind: 'json', path: ['retry_of'] }, values: [run.id] },
      ],
    };
    const page = { filter, sort: [], limit: OTHERS, from: null, backward: false };
    const found = await runs.find(caller, page, { payloads: false });
    return {
      items: await presentRows(
        parts,
        caller,
        found.items.map((each) => each.run),
      ),
    };
  });

  api.get(
    '/v1/runs/:id/children',
    { schema: { querystring: ChildrenQuery } },
    async ({ caller, params, query }): Promise<wire.ChildrenPage> => {
      const { node, iteration = null, page = 1, size = 50 } = query as Static<typeof ChildrenQuery>;
      return readChildren(parts, caller, idOf(params), node, { page, size }, iteration);
    },
  );

  api.get(
    '/v1/runs/:id/diff',
    { schema: { querystring: DiffQuery } },
    async ({ caller, params, query }): Promise<wire.RunComparison> => {
      const { runs: compared, ...diff } = await runDiffs.compare(
        caller,
        idOf(params),
        (query as Static<typeof DiffQuery>).with,
      );
      const [before, after] = await presentRows(parts, caller, [compared.before, compared.after]);
      return { runs: { before: before!, after: after! }, ...diff };
    },
  );

  api.get('/v1/runs/:id/evaluations', async ({ caller, params }): Promise<{ items: wire.EvaluationDetail[] }> => {
    const run = await runs.get(caller, idOf(params));
    const sort = [{ column: 'attempt', direction: 'desc' }] as const;
    const page = { filter: within(null, 'runId', [run.id]), sort, limit: OTHERS, from: null, backward: false };
    const found = await evaluations.find(caller, page, { judges: true });
    const names = await namesOf(parts, caller, [run.workflowId]);
    return { items: found.items.map((judged) => presentEvaluationDetail(judged, names)) };
  });
}

function contains(column: string, text: string): CheckedFilter {
  const target = { column, kind: 'text', path: [] } as const;
  return { kind: 'like', target, pattern: `%${literalPattern(text)}%`, ignoreCase: true };
}

function readLevels(text: string): string[] {
  const levels = text.split(',');
  const unknown = levels.find((level) => !(LOG_LEVELS as readonly string[]).includes(level));
  if (unknown === undefined) return levels;
  const message = `${JSON.stringify(unknown.slice(0, 80))} is no level. There are ${LOG_LEVELS.join(', ')}.`;
  throw invalid([{ at: ['query', 'levels'], message, type: 'unknown_name' }]);
}
