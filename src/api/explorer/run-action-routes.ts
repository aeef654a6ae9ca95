import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { BULK_JOB_ACTIONS } from '../../domain/bulk-job.ts';
import { PlatformError } from '../../domain/error.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import { parseTraceparent } from '../../domain/trace.ts';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import { type BulkWanted, MOST_RUNS } from '../../operations/bulk-jobs.ts';
import { MAX_JUDGES, NO_SUBJECT } from '../../operations/evaluations.ts';
import { exactly, readQ } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { presentDelivery } from './present-delivery.ts';
import { presentEvaluation } from './present-evaluation.ts';
import { namesOf, presentOneRow } from './present-run.ts';
import type * as wire from './wire.ts';

const idOf = (params: unknown): string => (params as { id: string }).id;

const AnyObject = Type.Record(Type.String(), Type.Unknown());

const StartBody = exactly({
  workflowId: Type.String(),
  versionId: Type.Optional(Type.String()),
  input: AnyObject,
  singleNodeId: Type.Optional(Type.String()),
  metadata: Type.Optional(AnyObject),
  clientRef: Type.Optional(Type.String({ maxLength: 255 })),
  retryOf: Type.Optional(Type.String()),
  debugger: Type.Optional(Type.String({ maxLength: 200 })),
});
const StopBody = exactly({ reason: Type.Optional(Type.String({ maxLength: 500 })) });
const RETRY = {
  from: Type.Optional(Type.Enum(['start', 'failed_node'])),
  version: Type.Optional(Type.Enum(['original', 'current'])),
};
const RetryBody = exactly({
  from: Type.Optional(
    Type.Union([Type.Enum(['start', 'failed_node']), Type.Array(Type.String(), { minItems: 1, maxItems: 1000 })]),
  ),
  version: RETRY.version,
  input: Type.Optional(AnyObject),
  overrides: Type.Optional(AnyObject),
});
const FeedbackBody = exactly({
  isPositive: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  reason: Type.Optional(Type.Union([Type.String({ maxLength: 2000 }), Type.Null()])),
});
const JudgeBody = exactly({
  workflowId: Type.String(),
  name: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
  category: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
  weight: Type.Number({ exclusiveMinimum: 0, maximum: 1000 }),
  gate: Type.Boolean(),
});
const EvaluateBody = exactly({
  judges: Type.Optional(Type.Array(JudgeBody, { maxItems: MAX_JUDGES })),
  threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
});
const BULK = {
  action: Type.Enum([...BULK_JOB_ACTIONS]),
  runs: Type.Union([
    exactly({ ids: Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: MOST_RUNS }) }),
    exactly({ q: Type.String() }),
  ]),
  ...RETRY,
};
const PreviewBody = exactly(BULK);
const BulkBody = exactly({ ...BULK, expectedCount: Type.Optional(Type.Integer({ minimum: 0 })) });

/** Runs that are started on the page say so. */
const SOURCE = 'explorer';

/** Acting on runs: one by one, and on many at once. */
export function runActionRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { runs, replays, evaluations, deliveries, bulkJobs, clock } = parts;
  const started = (run: Run): wire.StartedRun => ({ runId: run.id });

  api.post('/v1/runs', { schema: { body: StartBody } }, async ({ caller, body, headers, id: requestId }) => {
    const {
      workflowId,
      versionId,
      input,
      singleNodeId,
      metadata,
      clientRef,
      retryOf,
      debugger: session,
    }: wire.StartRun = body as wire.StartRun;
    // What is named as repeated is a run of this workspace, or the link would lead nowhere.
    if (retryOf !== undefined) await runs.get(caller, retryOf);
    const run = await runs.create(caller, {
      workflowId,
      versionId: versionId ?? null,
      workspaceId: null,
      input: input as JsonObject,
      nodeIds: null,
      singleNodeId: singleNodeId ?? null,
      callbackUrl: null,
      tracing: false,
      debugger: session ?? null,
      trace: parseTraceparent(headers['traceparent']),
      source: SOURCE,
      meta: (metadata as JsonObject | undefined) ?? null,
      context: retryOf === undefined ? null : { retry_of: retryOf },
      clientRef: clientRef ?? null,
      requestId,
    });
    return started(run);
  });

  api.post(
    '/v1/runs/:id/stop',
    { schema: { body: StopBody } },
    async ({ caller, params, body }): Promise<wire.RunRow> => {
      const given: wire.StopRun = body as Static<typeof StopBody>;
      const { run } = await runs.cancel(caller, idOf(params), given.reason ?? null);
      return presentOneRow(parts, caller, run);
    },
  );

  api.post('/v1/runs/:id/retry', { schema: { body: RetryBody } }, async ({ caller, params, body, id: requestId }) => {
    const { from = 'start', version = 'original', input = null, overrides = {} } = body as wire.RetryRun;
    return started(
      await replays.replay(caller, idOf(params), { from, version, input, overrides, requestId, dialect: 'noxus' }),
    );
  });

  api.post(
    '/v1/runs/:id/evaluate',
    { schema: { body: EvaluateBody } },
    async ({ caller, params, body, id: requestId }): Promise<wire.EvaluationRow> => {
      const { judges, threshold }: wire.EvaluateRun = body as Static<typeof EvaluateBody>;
      const evaluation = await evaluations.create(caller, {
        ...{ runId: idOf(params), subject: NO_SUBJECT, parentId: null, clientRef: null, callbackUrl: null },
        judges: judges ?? null,
        threshold: threshold ?? null,
        requestId,
        isRepeat: false,
      });
      return presentEvaluation(evaluation, await namesOf(parts, caller, [evaluation.target?.workflowId ?? '']));
    },
  );

  api.patch(
    '/v1/runs/:id/feedback',
    { schema: { body: FeedbackBody } },
    async ({ caller, params, body }): Promise<wire.RunRow> => {
      const given: wire.GiveFeedback = body as Static<typeof FeedbackBody>;
      const { run } = await runs.setFeedback(caller, idOf(params), given);
      return presentOneRow(parts, caller, run);
    },
  );

  api.post('/v1/runs/:id/redeliver', async ({ caller, params }): Promise<wire.DeliveryRow> => {
    return presentDelivery(await deliveries.redeliverRun(caller, idOf(params)));
  });

  api.delete('/v1/runs/:id', async ({ caller, params }, reply) => {
    const id = idOf(params);
    const { errors } = await runs.delete(caller, id);
    const problem = errors[id];
    if (problem !== undefined) throw new PlatformError('conflict', problem);
    return reply.code(204).send();
  });

  api.post(
    '/v1/bulk/preview',
    { schema: { body: PreviewBody } },
    async ({ caller, body }): Promise<wire.BulkPreview> => {
      const { chosen, applies, isLowerBound, byStatus } = await bulkJobs.preview(caller, readBulk(body));
      return {
        chosen: { count: chosen, isLowerBound },
        applies: { count: applies, isLowerBound },
        byStatus,
        limit: MOST_RUNS,
      };
    },
  );

  api.post('/v1/bulk', { schema: { body: BulkBody } }, async ({ caller, body }, reply) => {
    const { expectedCount = null } = body as Static<typeof BulkBody>;
    const job: wire.BulkJob = await bulkJobs.start(caller, readBulk(body), expectedCount);
    return reply.code(201).send(job);
  });

  api.get(
    '/v1/bulk',
    async ({ caller }): Promise<{ items: readonly wire.BulkJob[] }> => ({
      items: await bulkJobs.list(caller),
    }),
  );

  api.get('/v1/bulk/:id', async ({ caller, params }): Promise<wire.BulkJob> => bulkJobs.get(caller, idOf(params)));

  api.post('/v1/bulk/:id/cancel', async ({ caller, params }): Promise<wire.BulkJob> => {
    return bulkJobs.cancel(caller, idOf(params));
  });

  function readBulk(body: unknown): BulkWanted {
    const {
      action,
      runs: chosen,
      from = 'start',
      version = 'original',
    }: wire.BulkStart = body as Static<typeof BulkBody>;
    return {
      action,
      runs:
        'ids' in chosen
          ? { ids: [...new Set(chosen.ids)] }
          : { q: chosen.q, filter: readQ(chosen.q, explorerVocabulary, clock(), ['body', 'runs', 'q']) },
      retry: { from, version },
      judges: null,
    };
  }
}
