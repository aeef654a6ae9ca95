import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { JsonObject } from '../../domain/json.ts';
import { parseTraceparent } from '../../domain/trace.ts';
import type { WorkflowKind } from '../../domain/workflow.ts';
import { runVocabulary } from '../../filter/run-vocabulary.ts';
import type { DispatchRequest } from '../../operations/dispatch.ts';
import type { DialectParts } from '../dialect.ts';
import { BatchBody, presentBatchRecord, readBatch } from './batch-routes.ts';
import { originOf } from './idempotency.ts';
import { LIST_QUERY, type ListKind, type ListQuery, presentList, readList, within } from './list.ts';
import { payloadsFor, presentRun, RUN_FIELDS, runText } from './present-run.ts';
import { sendText } from './send.ts';

/** Characters of a caller's label for its run (runflow-api.md 3.2). */
const MAX_CLIENT_REF_LENGTH = 255;

/** Characters of a callback's address (runflow-api.md 4). */
const MAX_CALLBACK_URL_LENGTH = 2048;

/**
 * What each address starts runs of. A deployed ComfyUI workflow is also called under the models' address, as the plugin's readme does, and so may
 * be a flow.
 */
const TARGETS = [
  { noun: 'models', tag: 'Models', what: 'a model', kinds: ['model', 'comfyui_workflow', 'flow'] },
  { noun: 'comfyui-workflows', tag: 'ComfyUI', what: 'a ComfyUI workflow', kinds: ['comfyui_workflow'] },
  { noun: 'flows', tag: 'Flows', what: 'a flow', kinds: ['flow'] },
] as const satisfies readonly { noun: string; tag: string; what: string; kinds: readonly WorkflowKind[] }[];

const nullable = <T extends ReturnType<typeof Type.String>>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const JsonRecord = Type.Record(Type.String(), Type.Unknown());

const body = {
  input: Type.Optional(JsonRecord),
  metadata: Type.Optional(Type.Union([JsonRecord, Type.Null()])),
  callback_url: nullable(Type.String({ maxLength: MAX_CALLBACK_URL_LENGTH })),
  client_ref: nullable(Type.String({ maxLength: MAX_CLIENT_REF_LENGTH })),
};
const DispatchBody = Type.Object(body);
const FlowDispatchBody = Type.Object({ ...body, flow_version_id: nullable(Type.String()) });

const Params = Type.Object({ target: Type.String({ description: 'Id, or slug with or without its owner' }) });
const RunsQuery = Type.Object(LIST_QUERY);
const RUNS: ListKind = { name: 'target-runs', vocabulary: runVocabulary, fields: RUN_FIELDS, embeds: [] };

/** Starting runs of models, ComfyUI workflows and flows, one by one and in batches, and listing them. */
export function dispatchRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { dispatch, batches, runs, clock } = parts;
  for (const { noun, tag, what, kinds } of TARGETS) {
    const address = `/v1/${noun}/:target/runs`;
    const Body = noun === 'flows' ? FlowDispatchBody : DispatchBody;
    api.post(
      address,
      { schema: { tags: [tag], summary: `Dispatch a run of ${what}`, params: Params, body: Body } },
      async (request, reply) => {
        const target = await dispatch.target(request.caller, kinds, targetOf(request.params));
        const run = await dispatch.start(request.caller, target, readDispatch(request));
        reply.code(201);
        return sendText(reply, await runText({ run, hasLogs: false, hasNodeRuns: false }, request, parts));
      },
    );
    api.get(
      address,
      { schema: { tags: [tag], summary: `List the runs of ${what}`, params: Params, querystring: RunsQuery } },
      async (request, reply) => {
        const { caller, params, query } = request;
        const target = await dispatch.targetOfRuns(caller, kinds, targetOf(params));
        const list = readList(query as ListQuery, RUNS, [caller.workspaceId, target.id], clock());
        const page = await runs.find(caller, { ...list, filter: within(list.filter, 'workflowId', [target.id]) });
        const items = await Promise.all(
          page.items.map(async (found) => ({ found, ...(await runs.payloads(found.run)) })),
        );
        const show = payloadsFor(request, parts);
        return sendText(
          reply,
          presentList({ ...page, items }, list, (item) => presentRun(item, show)),
        );
      },
    );
    api.post(
      `/v1/${noun}/:target/batches`,
      { schema: { tags: [tag], summary: `Dispatch a batch of runs of ${what}`, params: Params, body: BatchBody } },
      async (request, reply) => {
        const { caller, params } = request;
        const target = await dispatch.target(caller, kinds, targetOf(params));
        const given = readBatch(request.body as Static<typeof BatchBody>);
        const batch = await batches.create(caller, target, { ...given, ...originOf(request) });
        reply.code(201);
        return presentBatchRecord(batch);
      },
    );
  }
}

const targetOf = (params: unknown): string => (params as Static<typeof Params>).target;

function readDispatch(request: FastifyRequest): DispatchRequest {
  const given = request.body as Static<typeof FlowDispatchBody>;
  return {
    input: (given.input ?? {}) as JsonObject,
    metadata: (given.metadata ?? null) as JsonObject | null,
    callbackUrl: given.callback_url ?? null,
    clientRef: given.client_ref ?? null,
    ...originOf(request),
    source: 'api',
    versionId: given.flow_version_id ?? null,
    trace: parseTraceparent(request.headers['traceparent']),
  };
}
