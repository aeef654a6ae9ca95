import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { type Batch, batchStatus } from '../../domain/batch.ts';
import type { JsonObject } from '../../domain/json.ts';
import { batchItemVocabulary, batchVocabulary } from '../../filter/batch-vocabulary.ts';
import { type BatchRecord, type BatchRequest, type FoundBatchItem, MAX_BATCH_ITEMS } from '../../operations/batches.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import { presentDelivery } from './callback-routes.ts';
import { embedQuery, LIST_QUERY, type ListKind, presentList, readList, texts, within } from './list.ts';
import { payloadsFor, presentRun, type ShowPayload } from './present-run.ts';
import { BATCH_STATUS_CODE, RUN_STATUS_CODE } from './words.ts';

const tags = ['Batches'];
const JSON_TYPE = 'application/json; charset=utf-8';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);
const Input = Type.Record(Type.String(), Type.Unknown());

/** Body of `POST /v1/models/{model}/batches`: the schema says `input`, a guide says `items: [{input}]`; both are taken. */
export const BatchBody = Type.Object({
  input: Type.Optional(
    Type.Array(Input, {
      minItems: 1,
      maxItems: MAX_BATCH_ITEMS,
      description: 'One object for each run; each may carry a client_ref, which is taken out of it.',
    }),
  ),
  items: Type.Optional(
    Type.Array(Type.Object({ input: Input, client_ref: Type.Optional(nullable(Type.String({ maxLength: 255 }))) }), {
      minItems: 1,
      maxItems: MAX_BATCH_ITEMS,
    }),
  ),
  metadata: Type.Optional(nullable(Input)),
  callback_url: Type.Optional(nullable(Type.String({ maxLength: 2048 }))),
});

const BATCH_FIELDS = [
  'id',
  'org_id',
  'target_type_code',
  'target_type',
  'target_id',
  'status_code',
  'source_code',
  'items_total',
  'items_succeeded',
  'items_failed',
  'items_cancelled',
  'metadata',
  'callback_url',
  'duration_ms',
  'created_by',
  'created_at',
  'started_at',
  'completed_at',
  'links',
] as const;

const ITEM_FIELDS = [
  'id',
  'batch_id',
  'sequence_index',
  'run_id',
  'created_at',
  'client_ref',
  'status_code',
  'input',
  'cost',
  'output',
  'error',
  'started_at',
  'completed_at',
] as const;

const BATCHES: ListKind = { name: 'batches', vocabulary: batchVocabulary, fields: BATCH_FIELDS, embeds: [] };
const ITEMS: ListKind = { name: 'batch-items', vocabulary: batchItemVocabulary, fields: ITEM_FIELDS, embeds: ['run'] };

const BatchesQuery = Type.Object(LIST_QUERY);
const ItemsQuery = Type.Object({ ...LIST_QUERY, ...embedQuery(ITEMS.embeds) });
const BatchParams = Type.Object({ batch_id: Type.String() });
const ItemParams = Type.Object({ batch_id: Type.String(), id: Type.String() });

/** Batches of runs (runflow-api.md 5). They are made at `/v1/models/{model}/batches`. */
export function batchRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { batches, runs, clock } = parts;
  api.get(
    '/v1/batches',
    { schema: { tags, summary: 'Search batches', querystring: BatchesQuery } },
    async ({ caller, query }, reply) => {
      const list = readList(query as Static<typeof BatchesQuery>, BATCHES, [caller.workspaceId], clock());
      reply.type(JSON_TYPE);
      return presentList(await batches.find(caller, list), list, (batch) => texts(presentBatch(batch)));
    },
  );
  api.get(
    '/v1/batches/:batch_id',
    { schema: { tags, summary: 'Get a batch', params: BatchParams } },
    async ({ caller, params }) => presentBatchRecord(await batches.get(caller, idOf(params))),
  );
  api.post(
    '/v1/batches/:batch_id/cancellation',
    { schema: { tags, summary: 'Cancel the runs of a batch', params: BatchParams } },
    async ({ caller, params }) => presentBatchRecord(await batches.cancel(caller, idOf(params))),
  );
  api.get(
    '/v1/batches/:batch_id/items',
    { schema: { tags, summary: 'List the items of a batch', params: BatchParams, querystring: ItemsQuery } },
    async (request, reply) => {
      const { caller, params, query } = request;
      const batchId = idOf(params);
      if (batchId !== 'any') await batches.get(caller, batchId);
      const list = readList(query as Static<typeof ItemsQuery>, ITEMS, [caller.workspaceId, batchId], clock());
      const filter = batchId === 'any' ? list.filter : within(list.filter, 'batchId', [batchId]);
      const page = await batches.findItems(caller, { ...list, filter });
      const items = await Promise.all(
        page.items.map(async (found) => ({ found, ...(await runs.payloads(found.run)) })),
      );
      reply.type(JSON_TYPE);
      const show = payloadsFor(request, parts);
      return presentList({ ...page, items }, list, (item) => presentItem(item, list.embeds.has('run'), show));
    },
  );
  api.get(
    '/v1/batches/:batch_id/items/:id',
    { schema: { tags, summary: 'Get an item of a batch', params: ItemParams } },
    async (request, reply) => {
      const { batch_id, id } = request.params as Static<typeof ItemParams>;
      const found = await batches.item(request.caller, batch_id, id);
      const show = payloadsFor(request, parts);
      reply.type(JSON_TYPE);
      return objectText(presentItem({ found, ...(await runs.payloads(found.run)) }, true, show));
    },
  );
  api.get(
    '/v1/batches/:batch_id/callback',
    { schema: { tags: ['Webhooks'], summary: 'List the callback deliveries of a batch', params: BatchParams } },
    async ({ caller, params }) => (await batches.deliveries(caller, idOf(params))).map(presentDelivery),
  );
  api.post(
    '/v1/batches/:batch_id/callback-redeliveries',
    { schema: { tags: ['Webhooks'], summary: 'Deliver the callback of a batch again', params: BatchParams } },
    async ({ caller, params }, reply) => {
      reply.code(201);
      return presentDelivery(await batches.redeliver(caller, idOf(params)));
    },
  );
}

const idOf = (params: unknown): string => (params as Static<typeof BatchParams>).batch_id;

/** The body of create batch in the domain's words. */
export function readBatch(body: Static<typeof BatchBody>): Omit<BatchRequest, 'requestId' | 'isRepeat'> {
  const given = body.items?.map((item) => ({ ...item.input, client_ref: item.client_ref })) ?? body.input ?? [];
  return {
    items: given.map(({ client_ref: clientRef, ...input }) => ({
      input: input as JsonObject,
      clientRef: typeof clientRef === 'string' ? clientRef : null,
    })),
    metadata: (body.metadata ?? null) as JsonObject | null,
    callbackUrl: body.callback_url ?? null,
  };
}

/** A batch with its items in short. */
export function presentBatchRecord({ batch, items }: BatchRecord): object {
  return {
    ...presentBatch(batch),
    items: items.map(({ item, run }) => ({
      id: item.runId,
      sequence_index: item.index,
      run_id: item.runId,
      status_code: RUN_STATUS_CODE[run.status],
      client_ref: run.clientRef,
    })),
  };
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

function presentBatch(batch: Batch): Record<(typeof BATCH_FIELDS)[number], unknown> {
  const self = `/v1/batches/${batch.id}`;
  return {
    id: batch.id,
    org_id: batch.workspaceId,
    target_type_code: batch.kind,
    target_type: batch.kind,
    target_id: batch.workflowId,
    status_code: BATCH_STATUS_CODE[batchStatus(batch)],
    source_code: 'api',
    items_total: batch.itemsTotal,
    items_succeeded: batch.itemsSucceeded + batch.itemsPartial,
    items_failed: batch.itemsFailed,
    items_cancelled: batch.itemsCanceled,
    metadata: batch.meta,
    callback_url: batch.callbackUrl,
    duration_ms: batch.startedAt === null || batch.finishedAt === null ? null : batch.finishedAt - batch.startedAt,
    created_by: batch.apiKeyId,
    created_at: time(batch.createdAt),
    started_at: time(batch.startedAt),
    completed_at: time(batch.finishedAt),
    links: { self, items: `${self}/items`, callback: `${self}/callback` },
  };
}

/** The JSON text of each property of an item; its run on request. */
function presentItem(
  { found, input, output }: { found: FoundBatchItem; input: string; output: string | null },
  embedRun: boolean,
  show: ShowPayload,
): Record<string, string> {
  const { item, run } = found;
  const shown = presentRun({ found, input, output }, show);
  return {
    ...texts({
      id: item.runId,
      batch_id: item.batchId,
      sequence_index: item.index,
      run_id: item.runId,
      client_ref: run.clientRef,
      status_code: RUN_STATUS_CODE[run.status],
      error: run.failure === null ? null : { code: run.failure.code, message: run.failure.message },
    }),
    input: shown.input,
    output: shown.output,
    cost: shown.cost,
    created_at: shown.created_at,
    started_at: shown.started_at,
    completed_at: shown.completed_at,
    ...(embedRun ? { run: objectText(shown) } : {}),
  };
}
