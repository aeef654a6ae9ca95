import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid } from '../../domain/error.ts';
import { runVocabulary } from '../../filter/run-vocabulary.ts';
import type { EvaluationCondition, FoundRun } from '../../operations/runs.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import {
  embedQuery,
  FIELDS_QUERY,
  LIST_QUERY,
  type ListKind,
  listAnswer,
  type Projection,
  presentList,
  projected,
  readList,
  readProjection,
  wants,
} from './list.ts';
import { payloadsFor, presentRun, RUN_FIELDS, runText } from './present-run.ts';
import { RUN_EMBEDS, runEmbeds } from './run-embeds.ts';
import { answers, nullable, opt } from './schemas.ts';
import { sendText } from './send.ts';
import { RUN_STATUSES_TOLD } from './words.ts';

const RUNS: ListKind = { name: 'runs', vocabulary: runVocabulary, fields: RUN_FIELDS, embeds: RUN_EMBEDS };

const EMBED = embedQuery(RUN_EMBEDS, ' Protected: current_evaluation_summary requires evaluations:read.');

const VERDICTS = ['passed', 'failed', 'not_evaluated'] as const;

const NEEDS_SCOPE = ' Requires evaluations:read.';
const EVALUATION_QUERY = {
  evaluation_issue_category: Type.Optional(
    nullable(Type.String(), {
      description: `Filter to runs whose current evaluation (completed and not superseded) has at least one evaluation_issue with this category. Superseded or non-completed evaluations are ignored, so a retried run whose latest evaluation passed will not match.${NEEDS_SCOPE}`,
    }),
  ),
  evaluation_issue_subcategory: Type.Optional(
    nullable(Type.String(), {
      description: `Filter to runs whose current evaluation (completed and not superseded) has at least one evaluation_issue with this subcategory. When combined with evaluation_issue_category both must match the same issue row. Superseded or non-completed evaluations are ignored.${NEEDS_SCOPE}`,
    }),
  ),
  evaluation_status: Type.Optional(
    nullable(Type.Enum([...VERDICTS], { type: 'string' }), {
      description: `Filter by the run's current evaluation verdict. passed / failed require a completed non-superseded evaluation with overall_passed true / false. not_evaluated: there is none, or it completed without a verdict (overall_passed is null). Combined with evaluation_issue_category / evaluation_issue_subcategory, both resolve against the same evaluation.${NEEDS_SCOPE}`,
    }),
  ),
};

const RunsQuery = Type.Object({ ...EVALUATION_QUERY, ...LIST_QUERY, ...EMBED });
const OneQuery = Type.Object({ ...FIELDS_QUERY, ...EMBED });
const RunParams = Type.Object({ id: Type.String() });

/** Clients cut a reason off here. */
const MAX_REASON_LENGTH = 2000;

const FeedbackBody = Type.Object({
  is_positive: opt(Type.Boolean()),
  reason: opt(Type.String({ maxLength: MAX_REASON_LENGTH })),
});

/** Runs: search, read, feedback, and the words of their statuses. */
export function runRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { runs, clock } = parts;

  api.get(
    '/v1/runs',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Search runs',
        operationId: 'search_runs',
        querystring: RunsQuery,
        response: answers(listAnswer('Run', 'Paginated run list.')),
      },
    },
    async (request, reply) => {
      const { caller } = request;
      const query = request.query as Static<typeof RunsQuery>;
      const evaluation = evaluationCondition(query);
      const scope = [caller.workspaceId, ...Object.values(evaluation ?? {})];
      const list = readList(query, RUNS, scope, clock());
      const options = { payloads: wants(list, 'input', 'output'), ...(evaluation && { evaluation }) };
      const page = await runs.find(caller, list, options);
      const present = await presenter(request, page.items, list);
      return sendText(reply, presentList(page, list, present));
    },
  );

  // Before the run of an id: it is a word that no id is.
  api.get(
    '/v1/runs/statuses',
    {
      schema: {
        tags: ['Runs'],
        summary: 'List run statuses',
        operationId: 'list_run_statuses',
        response: answers(Type.Object({ items: Type.Array(Type.Unknown()) })),
      },
    },
    async () => ({ items: RUN_STATUSES_TOLD, first: null, next: null, previous: null }),
  );

  api.get(
    '/v1/runs/:id',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Get run',
        operationId: 'get_run',
        params: RunParams,
        querystring: OneQuery,
        response: answers(Type.Ref('Run')),
      },
    },
    async (request, reply) => {
      const projection = readProjection(request.query as Static<typeof OneQuery>, RUNS);
      const found = await runs.found(await runs.get(request.caller, (request.params as Static<typeof RunParams>).id));
      const present = await presenter(request, [found], projection);
      return sendText(reply, objectText(projected(present(found), projection)));
    },
  );

  api.patch(
    '/v1/runs/:id/feedback',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Set feedback on a run',
        operationId: 'set_run_feedback',
        params: RunParams,
        body: FeedbackBody,
        response: answers(Type.Ref('Run')),
      },
    },
    async (request, reply) => {
      const { is_positive: isPositive, reason } = request.body as Static<typeof FeedbackBody>;
      if (isPositive === undefined && reason === undefined) {
        const message =
          'The body says nothing. Give is_positive (true, false, or null to clear) and, if you like, reason.';
        throw invalid([{ at: ['body'], message, type: 'missing' }]);
      }
      const { id } = request.params as Static<typeof RunParams>;
      const found = await runs.setFeedback(request.caller, id, {
        ...(isPositive === undefined ? {} : { isPositive }),
        ...(reason === undefined ? {} : { reason: reason?.trim() || null }),
      });
      return sendText(reply, await runText(found, request, parts));
    },
  );

  async function presenter(
    request: FastifyRequest,
    found: readonly FoundRun[],
    projection: Projection,
  ): Promise<(found: FoundRun) => Readonly<Record<string, string>>> {
    const hasPayloads = wants(projection, 'input', 'output');
    const payloads = new Map(
      await Promise.all(
        found.map(async ({ run }) => [run.id, hasPayloads ? await runs.payloads(run) : NO_PAYLOADS] as const),
      ),
    );
    const shown = found.map(({ run }) => run);
    const embedded = await runEmbeds(request, parts, shown, projection.embeds);
    const show = payloadsFor(request, parts);
    return (each) => ({ ...presentRun({ found: each, ...payloads.get(each.run.id)! }, show), ...embedded(each.run) });
  }
}

const NO_PAYLOADS = { input: null, output: null };

/** Null: nothing is asked about evaluations. */
function evaluationCondition(query: Static<typeof RunsQuery>): EvaluationCondition | null {
  const condition = {
    verdict: query.evaluation_status ?? null,
    category: query.evaluation_issue_category || null,
    subcategory: query.evaluation_issue_subcategory || null,
  };
  return Object.values(condition).some((value) => value !== null) ? condition : null;
}
