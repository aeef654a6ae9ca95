import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid } from '../../domain/error.ts';
import type { EvaluationPlan } from '../../domain/evaluation.ts';
import { bucketSpan } from '../../domain/run-survey.ts';
import { evaluationVocabulary } from '../../filter/evaluation-vocabulary.ts';
import { MAX_JUDGES } from '../../operations/evaluations.ts';
import { exactly, LIST_QUERY, pageOf, readList } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { presentEvaluation, presentEvaluationDetail } from './present-evaluation.ts';
import { namesOf } from './present-run.ts';
import type * as wire from './wire.ts';

const ListQuery = exactly(LIST_QUERY);
const TrendsQuery = exactly({
  from: Type.Optional(Type.Integer({ minimum: 0 })),
  to: Type.Optional(Type.Integer({ minimum: 0 })),
  buckets: Type.Optional(Type.Integer({ minimum: 2, maximum: 200 })),
});
const FeedbackBody = exactly({
  isPositive: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  reason: Type.Optional(Type.Union([Type.String({ maxLength: 10_000 }), Type.Null()])),
});
const PlanBody = Type.Union([
  Type.Null(),
  exactly({
    judges: Type.Array(
      exactly({
        workflowId: Type.String(),
        name: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
        category: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
        weight: Type.Number({ exclusiveMinimum: 0, maximum: 1000 }),
        gate: Type.Boolean(),
      }),
      { maxItems: MAX_JUDGES },
    ),
    threshold: Type.Number({ minimum: 0, maximum: 1 }),
  }),
]);

/** What trends are about when nobody says: the last 30 days. */
const TREND_MS = 30 * 86_400_000;
const TREND_BUCKETS = 30;

/** Judgements of runs: the list, one of them, and what they say over time. */
export function evaluationRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { evaluations, surveys, clock } = parts;

  api.get(
    '/v1/evaluations',
    { schema: { querystring: ListQuery } },
    async ({ caller, query }): Promise<wire.EvaluationPage> => {
      const scope = ['evaluations', caller.workspaceId];
      const list = readList(query as Static<typeof ListQuery>, evaluationVocabulary, scope, clock());
      const page = await evaluations.find(caller, list, { judges: false });
      const names = await namesOf(
        parts,
        caller,
        page.items.flatMap(({ evaluation }) => evaluation.target?.workflowId ?? []),
      );
      const items = page.items.map(({ evaluation }) => presentEvaluation(evaluation, names));
      return pageOf(page, list.digest, items);
    },
  );

  api.get(
    '/v1/evaluations/trends',
    { schema: { querystring: TrendsQuery } },
    async ({ caller, query }): Promise<wire.EvaluationTrends> => {
      const given = query as Static<typeof TrendsQuery>;
      const until = given.to ?? clock() + 1;
      const since = given.from ?? until - TREND_MS;
      if (since >= until) {
        const message = `The time from ${since} to ${until} is none: "from" must come before "to".`;
        throw invalid([{ at: ['query', 'from'], message, type: 'range' }]);
      }
      const bucketMs = bucketSpan(until - since, given.buckets ?? TREND_BUCKETS);
      const from = Math.floor(since / bucketMs) * bucketMs;
      const to = Math.ceil(until / bucketMs) * bucketMs;
      return { from, to, bucketMs, ...(await surveys.evaluations(caller, { from, to, bucketMs })) };
    },
  );

  api.get('/v1/evaluations/:id', async ({ caller, params }): Promise<wire.EvaluationDetail> => {
    const judged = await evaluations.get(caller, (params as { id: string }).id);
    const workflowId = judged.evaluation.target?.workflowId;
    return presentEvaluationDetail(judged, await namesOf(parts, caller, workflowId === undefined ? [] : [workflowId]));
  });

  api.patch(
    '/v1/evaluations/:id/feedback',
    { schema: { body: FeedbackBody } },
    async ({ caller, params, body }): Promise<wire.EvaluationDetail> => {
      const given = body as Static<typeof FeedbackBody>;
      const judged = await evaluations.setFeedback(caller, (params as { id: string }).id, given);
      const workflowId = judged.evaluation.target?.workflowId;
      const names = await namesOf(parts, caller, workflowId === undefined ? [] : [workflowId]);
      return presentEvaluationDetail(judged, names);
    },
  );

  api.put('/v1/settings/evaluation', { schema: { body: PlanBody } }, async ({ caller, body }, reply) => {
    const plan = body as EvaluationPlan | null;
    await evaluations.setPlan(caller, plan);
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(plan));
  });
}
