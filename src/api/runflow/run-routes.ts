import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { runVocabulary } from '../../filter/run-vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { LIST_QUERY, type ListKind, presentList, readList } from './list.ts';
import { presentRun, RUN_FIELDS } from './present-run.ts';

const RUNS: ListKind = { name: 'runs', vocabulary: runVocabulary, fields: RUN_FIELDS, embeds: [] };

const RunsQuery = Type.Object({ ...LIST_QUERY });

/** Runs: search, read. */
export function runRoutes(api: FastifyInstance, { runs, clock }: DialectParts): void {
  api.get(
    '/v1/runs',
    { schema: { tags: ['Runs'], summary: 'Search runs', querystring: RunsQuery } },
    async ({ caller, query }, reply) => {
      const list = readList(query as Static<typeof RunsQuery>, RUNS, [caller.workspaceId], clock());
      const page = await runs.find(caller, list);
      const shown = await Promise.all(
        page.items.map(async (found) => ({ found, ...(await runs.payloads(found.run)) })),
      );
      reply.type('application/json; charset=utf-8');
      return presentList({ ...page, items: shown }, list, presentRun);
    },
  );
}
