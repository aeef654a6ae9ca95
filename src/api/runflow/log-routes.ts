import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { logVocabulary } from '../../filter/log-vocabulary.ts';
import type { FoundLog } from '../../operations/run-records.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import {
  embedQuery,
  FIELDS_QUERY,
  LIST_QUERY,
  type ListKind,
  listAnswer,
  type Projection,
  parentId,
  presentList,
  projected,
  readList,
  readProjection,
} from './list.ts';
import { LOG_FIELDS, presentLog } from './present-log.ts';
import { runText } from './present-run.ts';
import { answers } from './schemas.ts';
import { sendText } from './send.ts';

const EMBEDS = ['run'] as const;
const LOGS: ListKind = { name: 'logs', vocabulary: logVocabulary, fields: LOG_FIELDS, embeds: EMBEDS };

const ListQuery = Type.Object({ ...LIST_QUERY, ...embedQuery(EMBEDS) });
const OneQuery = Type.Object({ ...FIELDS_QUERY, ...embedQuery(EMBEDS) });
const ListParams = Type.Object({ run_id: Type.String() });
const OneParams = Type.Object({ run_id: Type.String(), id: Type.String() });

/** What a run wrote for people; with `any` for the run, what all runs wrote. */
export function logRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { runs, records, clock } = parts;

  api.get(
    '/v1/runs/:run_id/logs',
    {
      schema: {
        tags: ['Runs'],
        summary: 'List run logs',
        operationId: 'list_run_logs',
        params: ListParams,
        querystring: ListQuery,
        response: answers(listAnswer('RunLog', 'Paginated list response.')),
      },
    },
    async (request, reply) => {
      const { caller, params, query } = request;
      const runId = parentId((params as Static<typeof ListParams>).run_id);
      const list = readList(query as Static<typeof ListQuery>, LOGS, [caller.workspaceId, runId], clock());
      const page = await records.findLogs(caller, runId, list);
      return sendText(reply, presentList(page, list, await presenter(request, page.items, list)));
    },
  );

  api.get(
    '/v1/runs/:run_id/logs/:id',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Get run log',
        operationId: 'get_run_log',
        params: OneParams,
        querystring: OneQuery,
        response: answers(Type.Ref('RunLog')),
      },
    },
    async (request, reply) => {
      const { caller, params, query } = request;
      const { run_id: runId, id } = params as Static<typeof OneParams>;
      const projection = readProjection(query as Static<typeof OneQuery>, LOGS);
      const log = await records.getLog(caller, parentId(runId), id);
      const present = await presenter(request, [log], projection);
      return sendText(reply, objectText(projected(present(log), projection)));
    },
  );

  /** Lines are often of one run: each run is read once. */
  async function presenter(request: FastifyRequest, logs: readonly FoundLog[], { embeds }: Projection) {
    const texts = new Map<string, string>();
    for (const { runId } of embeds.has('run') ? logs : []) {
      if (texts.has(runId)) continue;
      const found = await runs.found(await runs.get(request.caller, runId));
      texts.set(runId, await runText(found, request, parts));
    }
    return (log: FoundLog) => ({ ...presentLog(log), run: texts.get(log.runId) ?? 'null' });
  }
}
