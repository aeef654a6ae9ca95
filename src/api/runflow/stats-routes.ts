import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid } from '../../domain/error.ts';
import { isBareDate, readDatetime } from '../../filter/datetime.ts';
import type { DialectParts } from '../dialect.ts';
import { answers, nullable, opt } from './schemas.ts';

const bound = (description: string) => Type.Optional(nullable(Type.String(), { description }));
const LOWER = 'Runs created at this time or later: a date, a date and time, or now-7d.';
const UPPER = 'Runs created at this time or earlier; a date means its end.';

const StatsQuery = Type.Object({
  created_at_from: bound(LOWER),
  created_at_to: bound(UPPER),
  from: bound('The same as created_at_from.'),
  to: bound('The same as created_at_to.'),
});

const count = Type.Integer();
const money = Type.String();
const text = Type.String();

const StatsAnswer = Type.Object({
  timeline: Type.Array(Type.Object({ date: Type.String({ format: 'date' }), runs: count, spend: money })),
  by_flow: Type.Array(
    Type.Object({
      target_type: text,
      target_id: text,
      flow_slug: text,
      flow_name: text,
      runs: count,
      spend: money,
      avg_duration_ms: opt(Type.Integer()),
    }),
  ),
  by_source: Type.Array(Type.Object({ source_code: text, runs: count, pct: Type.Number() })),
});

const DAY_MS = 24 * 60 * 60 * 1000;

/** How many runs there were, and what they cost: by day, by target, by source. */
export function statsRoutes(api: FastifyInstance, { runs, clock }: DialectParts): void {
  api.get(
    '/v1/runs-stats',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Get run statistics',
        operationId: 'get_runs_stats',
        querystring: StatsQuery,
        response: answers(StatsAnswer),
      },
    },
    async ({ caller, query: given }): Promise<Static<typeof StatsAnswer>> => {
      const query = given as Static<typeof StatsQuery>;
      const now = clock();
      const lower = query.created_at_from ? 'created_at_from' : 'from';
      const upper = query.created_at_to ? 'created_at_to' : 'to';
      const stats = await runs.stats(caller, {
        from: readBound(lower, query[lower], now, 0),
        to: readBound(upper, query[upper], now, DAY_MS - 1),
      });
      const total = stats.sources.reduce((sum, source) => sum + source.runs, 0);
      return {
        timeline: stats.days.map(({ day, runs: n, spend }) => ({ date: day, runs: n, spend })),
        by_flow: stats.workflows.map((workflow) => ({
          target_type: workflow.kind,
          target_id: workflow.id,
          flow_slug: workflow.slug,
          flow_name: workflow.name,
          runs: workflow.runs,
          spend: workflow.spend,
          avg_duration_ms: workflow.averageMs,
        })),
        by_source: stats.sources.map(({ source, runs: n }) => ({
          source_code: source,
          runs: n,
          pct: Math.round((n / total) * 10_000) / 100,
        })),
      };
    },
  );
}

/**
 * A bound in epoch milliseconds; null for none.
 * @param afterDate milliseconds after its midnight that a date without a time means
 */
function readBound(name: string, text: string | null | undefined, now: number, afterDate: number): number | null {
  if (!text) return null;
  const time = readDatetime(text, now);
  if (time !== null) return time + (isBareDate(text) ? afterDate : 0);
  const message = `${JSON.stringify(text.slice(0, 80))} is no time. Write 2026-04-01, 2026-04-01T12:00:00Z or now-7d.`;
  throw invalid([{ at: ['query', name], message, type: 'datetime' }]);
}
