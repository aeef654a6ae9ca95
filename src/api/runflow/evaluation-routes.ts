import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid, type Problem } from '../../domain/error.ts';
import {
  DEFAULT_THRESHOLD,
  EVALUATION_STATUSES,
  type EvaluationStatus,
  type JudgePlan,
} from '../../domain/evaluation.ts';
import type { JsonObject } from '../../domain/json.ts';
import { INLINE_PAYLOAD_LIMIT } from '../../domain/payload.ts';
import { evaluationVocabulary } from '../../filter/evaluation-vocabulary.ts';
import { runVocabulary } from '../../filter/run-vocabulary.ts';
import { BULK_LIMIT, type EvaluationRequest, type JudgedEvaluation, MAX_JUDGES } from '../../operations/evaluations.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import { presentDelivery } from './callback-routes.ts';
import { originOf } from './idempotency.ts';
import {
  embedQuery,
  FIELDS_QUERY,
  LIST_QUERY,
  type ListKind,
  listAnswer,
  presentList,
  projected,
  readList,
  readProjection,
  texts,
} from './list.ts';
import { EVALUATION_EMBEDS, EVALUATION_FIELDS, JOB_CLASS, presentEvaluation } from './present-evaluation.ts';
import { answers } from './schemas.ts';
import { sendText } from './send.ts';

const tags = ['Evaluations'];

const EVALUATIONS: ListKind = {
  name: 'evaluations',
  vocabulary: evaluationVocabulary,
  fields: EVALUATION_FIELDS,
  embeds: EVALUATION_EMBEDS,
};

/** The runs of a bulk call: nothing of them is shown. */
const RUNS: ListKind = { name: 'bulk evaluation', vocabulary: runVocabulary, fields: [], embeds: [] };

const optional = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

/** Characters of the texts that say what is judged. */
const MAX_TEXT = 20_000;
const MAX_NAME = 255;
const MAX_URL = 2048;
const MAX_REASON = 2000;

const JudgeBody = Type.Object({
  workflow_id: Type.String({
    description: 'The workflow that judges: its inputs are told the facts, its output is the verdict.',
  }),
  name: optional(Type.String({ maxLength: MAX_NAME })),
  category: optional(Type.String({ maxLength: MAX_NAME })),
  weight: optional(Type.Number({ exclusiveMinimum: 0, description: 'How much its verdict counts; 1 when left out.' })),
  gate: optional(
    Type.Boolean({ description: 'Whether the evaluation fails when this judge fails, whatever the others say.' }),
  ),
});
const Judges = Type.Array(JudgeBody, { minItems: 1, maxItems: MAX_JUDGES });
const Threshold = Type.Number({
  minimum: 0,
  maximum: 1,
  description: 'The share of the weight that must have passed.',
});

const EvaluationBody = Type.Object({
  run_id: optional(
    Type.String({ description: 'The run whose result is judged. With it, everything else may be left out.' }),
  ),
  generated_image_url: optional(
    Type.String({
      description: 'An https or http address, runflow://assets/{id}, or a data: URL. Needed without run_id.',
    }),
  ),
  task_type: optional(
    Type.String({
      maxLength: MAX_NAME,
      description: 'What the result was made for, e.g. headshot. Needed without run_id.',
    }),
  ),
  task_description: optional(Type.String({ maxLength: MAX_TEXT })),
  generation_prompt: optional(Type.String({ maxLength: MAX_TEXT })),
  evaluation_instructions: optional(Type.String({ maxLength: MAX_TEXT })),
  input_attributes: optional(Type.Record(Type.String(), Type.Unknown())),
  reference_images: optional(
    Type.Array(
      Type.Object({
        url: Type.String(),
        kind: optional(Type.String({ maxLength: MAX_NAME })),
        description: optional(Type.String({ maxLength: MAX_TEXT })),
      }),
      { maxItems: 4 },
    ),
  ),
  parent_evaluation_id: optional(Type.String({ description: 'Without run_id: the evaluation that this one follows.' })),
  judges: optional(Judges),
  threshold: optional(Threshold),
  client_ref: optional(Type.String({ maxLength: MAX_NAME })),
  job_class: optional(Type.Enum([JOB_CLASS])),
  callback_url: optional(Type.String({ maxLength: MAX_URL })),
});

const BulkBody = Type.Object({
  q: optional(Type.String({ description: 'A filter over runs, as that of GET /v1/runs.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: BULK_LIMIT, default: 100 })),
  judges: optional(Judges),
  threshold: optional(Threshold),
  expected_count: optional(Type.Integer({ minimum: 0, description: 'Conflicts when another number of runs matches.' })),
  dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Counts the runs and begins nothing.' })),
});

const DefaultsBody = Type.Object({ judges: optional(Judges), threshold: optional(Threshold) });

const FeedbackBody = Type.Object({
  is_positive: optional(Type.Boolean()),
  reason: optional(Type.String({ maxLength: MAX_REASON })),
});

const EvaluationParams = Type.Object({ evaluation_id: Type.String() });
const EvaluationsQuery = Type.Object({ ...LIST_QUERY, ...embedQuery(EVALUATION_EMBEDS) });
const EvaluationQuery = Type.Object({ ...FIELDS_QUERY, ...embedQuery(EVALUATION_EMBEDS) });

/** What each status means, for people. */
const STATUS_DESCRIPTION: Readonly<Record<EvaluationStatus, string>> = {
  pending: 'No judge has begun.',
  running: 'Judges are at work.',
  completed: 'All judges have ended; the verdict is null when none came to one.',
  failed: 'No judge could judge.',
};

/** Evaluations: make, in bulk too, search, read, say what one thinks of them, and who judges (runflow-api.md 6; docs/evaluations.md). */
export function evaluationRoutes(api: FastifyInstance, { evaluations, clock }: DialectParts): void {
  const shown = (judged: JudgedEvaluation, embeds: ReadonlySet<string> = new Set()) =>
    presentEvaluation(judged, embeds);

  api.post(
    '/v1/evaluations',
    {
      schema: {
        tags,
        summary: 'Evaluate a run or a picture',
        body: EvaluationBody,
        response: answers(Type.Ref('Evaluation'), 202),
      },
    },
    async (request, reply) => {
      const asked = readRequest(request.body as Static<typeof EvaluationBody>, originOf(request));
      const evaluation = await evaluations.create(request.caller, asked);
      reply.code(202);
      return shown({ evaluation, judges: [] });
    },
  );

  api.get(
    '/v1/evaluations',
    {
      schema: {
        tags,
        summary: 'Search evaluations',
        querystring: EvaluationsQuery,
        response: answers(listAnswer('Evaluation', 'Paginated evaluation list.')),
      },
    },
    async ({ caller, query }, reply) => {
      const list = readList(query as Static<typeof EvaluationsQuery>, EVALUATIONS, [caller.workspaceId], clock());
      const judges = list.embeds.has('judges') || list.embeds.has('gate_failures');
      const page = await evaluations.find(caller, list, { judges });
      return sendText(
        reply,
        presentList(page, list, (judged) => texts(shown(judged, list.embeds))),
      );
    },
  );

  api.get('/v1/evaluations/statuses', { schema: { tags, summary: 'List evaluation statuses' } }, async () =>
    lookup(EVALUATION_STATUSES.map((code) => ({ code, description: STATUS_DESCRIPTION[code] }))),
  );

  api.get('/v1/evaluations/job-classes', { schema: { tags, summary: 'List classes of evaluations' } }, async () =>
    lookup([{ code: JOB_CLASS, description: 'Costs what the runs of its judges cost.', price: '0', currency: 'USD' }]),
  );

  api.get(
    '/v1/evaluations/defaults',
    { schema: { tags, summary: 'Get the judges of the workspace' } },
    async (request) => {
      const plan = await evaluations.plan(request.caller);
      return { judges: plan?.judges.map(presentPlan) ?? null, threshold: plan?.threshold ?? DEFAULT_THRESHOLD };
    },
  );

  api.put(
    '/v1/evaluations/defaults',
    { schema: { tags, summary: 'Set the judges of the workspace', body: DefaultsBody } },
    async ({ caller, body }) => {
      const { judges, threshold } = body as Static<typeof DefaultsBody>;
      const plan = { judges: readJudges(judges) ?? [], threshold: threshold ?? DEFAULT_THRESHOLD };
      const says = (judges ?? null) !== null || (threshold ?? null) !== null;
      await evaluations.setPlan(caller, says ? plan : null);
      return { judges: plan.judges.length === 0 ? null : plan.judges.map(presentPlan), threshold: plan.threshold };
    },
  );

  api.post(
    '/v1/evaluations/bulk',
    { schema: { tags, summary: 'Evaluate the runs that a filter finds', body: BulkBody } },
    async (request, reply) => {
      const given = request.body as Static<typeof BulkBody>;
      const { filter } = readList({ q: given.q ?? null }, RUNS, [], clock());
      const dryRun = given.dry_run === true;
      const report = await evaluations.createMany(request.caller, {
        filter,
        limit: given.limit ?? 100,
        judges: readJudges(given.judges),
        threshold: given.threshold ?? null,
        expectedCount: given.expected_count ?? null,
        dryRun,
        ...originOf(request),
      });
      reply.code(dryRun ? 200 : 202);
      const { matched, evaluationIds, errors } = report;
      return {
        matched,
        succeeded: evaluationIds.length,
        failed: Object.keys(errors).length,
        errors,
        evaluation_ids: evaluationIds,
        dry_run: dryRun,
      };
    },
  );

  api.get(
    '/v1/evaluations/:evaluation_id',
    {
      schema: {
        tags,
        summary: 'Get an evaluation',
        params: EvaluationParams,
        querystring: EvaluationQuery,
        response: answers(Type.Ref('Evaluation')),
      },
    },
    async ({ caller, params, query }, reply) => {
      const projection = readProjection(query as Static<typeof EvaluationQuery>, EVALUATIONS);
      const judged = await evaluations.get(caller, (params as Static<typeof EvaluationParams>).evaluation_id);
      return sendText(reply, objectText(projected(texts(shown(judged, projection.embeds)), projection)));
    },
  );

  api.get(
    '/v1/evaluations/:evaluation_id/callback',
    { schema: { tags, summary: 'List the callback deliveries of an evaluation', params: EvaluationParams } },
    async ({ caller, params }) =>
      (await evaluations.deliveries(caller, (params as Static<typeof EvaluationParams>).evaluation_id)).map(
        presentDelivery,
      ),
  );

  api.patch(
    '/v1/evaluations/:evaluation_id/feedback',
    {
      schema: {
        tags,
        summary: 'Set feedback on an evaluation',
        params: EvaluationParams,
        body: FeedbackBody,
        response: answers(Type.Ref('Evaluation')),
      },
    },
    async ({ caller, params, body }) => {
      const { is_positive: isPositive, reason } = body as Static<typeof FeedbackBody>;
      if (isPositive === undefined && reason === undefined) {
        const message =
          'The body says nothing. Give is_positive (true, false, or null to clear) and, if you like, reason.';
        throw invalid([{ at: ['body'], message, type: 'missing' }]);
      }
      const judged = await evaluations.setFeedback(caller, (params as Static<typeof EvaluationParams>).evaluation_id, {
        ...(isPositive === undefined ? {} : { isPositive }),
        // Clients that take a thumb back say nothing of the reason, which goes with it.
        ...(reason === undefined ? isPositive === null && { reason: null } : { reason: reason?.trim() || null }),
      });
      return shown(judged);
    },
  );
}

const lookup = (items: readonly object[]) => ({ items, first: null, next: null, previous: null });

/** @throws PlatformError `invalid` with every mistake that the schema cannot see */
function readRequest(
  body: Static<typeof EvaluationBody>,
  request: Pick<EvaluationRequest, 'requestId' | 'isRepeat'>,
): EvaluationRequest {
  const problems: Problem[] = [];
  const runId = body.run_id ?? null;
  const taskType = body.task_type ?? null;
  const imageUrl = body.generated_image_url ?? null;
  const missing = (name: string, is: string) => {
    const message = `"${name}" is required without a run_id: ${is}`;
    problems.push({ at: ['body', name], message, type: 'missing' });
  };
  if (runId === null && imageUrl === null) missing('generated_image_url', 'it is the picture to judge.');
  if (runId === null && taskType === null)
    missing('task_type', 'it says what the picture was made for, e.g. headshot.');
  if (runId !== null && (body.parent_evaluation_id ?? null) !== null) {
    const message = 'Evaluations of one run are joined by themselves. Leave parent_evaluation_id out.';
    problems.push({ at: ['body', 'parent_evaluation_id'], message, type: 'not_with_run' });
  }
  if (imageUrl !== null) problems.push(...imageProblems(imageUrl, ['body', 'generated_image_url']));
  const references = body.reference_images ?? [];
  references.forEach(({ url }, index) => {
    problems.push(...imageProblems(url, ['body', 'reference_images', index, 'url']));
  });
  if (problems.length > 0) throw invalid(problems);
  return {
    runId,
    subject: {
      taskType,
      taskDescription: body.task_description ?? null,
      prompt: body.generation_prompt ?? null,
      imageUrl,
      inputAttributes: (body.input_attributes ?? null) as JsonObject | null,
      instructions: body.evaluation_instructions ?? null,
      referenceImages: references.map(({ url, kind = null, description = null }) => ({ url, kind, description })),
    },
    judges: readJudges(body.judges),
    threshold: body.threshold ?? null,
    parentId: body.parent_evaluation_id ?? null,
    clientRef: body.client_ref ?? null,
    callbackUrl: body.callback_url ?? null,
    ...request,
  };
}

function imageProblems(url: string, at: Problem['at']): Problem[] {
  const refuse = (message: string): Problem[] => [{ at, message, type: 'image_url' }];
  if (/^data:image\//i.test(url)) {
    // It is kept with the evaluation, whose rows are listed.
    if (url.length <= INLINE_PAYLOAD_LIMIT) return [];
    return refuse(
      `The data: URL has ${url.length} characters; ${INLINE_PAYLOAD_LIMIT} are allowed. Upload the picture and give runflow://assets/{id}.`,
    );
  }
  if (url.length > MAX_URL) return refuse(`The address has ${url.length} characters; ${MAX_URL} are allowed.`);
  if (/^(https?:\/\/[^/\s]|runflow:\/\/assets\/[0-9a-f-]{36}$)/i.test(url)) return [];
  const given = JSON.stringify(url.slice(0, 80));
  return refuse(`Given was ${given}. Give an https address, runflow://assets/{id}, or a data: URL of a picture.`);
}

function readJudges(given: Static<typeof Judges> | null | undefined): JudgePlan[] | null {
  if (given === null || given === undefined) return null;
  return given.map((judge) => ({
    workflowId: judge.workflow_id,
    name: judge.name ?? null,
    category: judge.category ?? null,
    weight: judge.weight ?? 1,
    gate: judge.gate ?? false,
  }));
}

const presentPlan = ({ workflowId, ...plan }: JudgePlan) => ({ workflow_id: workflowId, ...plan });
