import type { Callbacks } from '../callbacks/callbacks.ts';
import type { Batch, BatchItem } from '../domain/batch.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, type Problem } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import type { Run } from '../domain/run.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { FindRequest, FoundBatchItem, Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import { refuseRedelivery, type ToldDelivery } from './deliveries.ts';
import type { Dispatch } from './dispatch.ts';
import type { Runs } from './runs.ts';

export type { FoundBatchItem };

/** Runs of a batch at most (runflow-api.md 5): all of them are recorded in one write. */
export const MAX_BATCH_ITEMS = 100;

/** A batch that is asked for. */
export interface BatchRequest {
  readonly items: readonly { readonly input: JsonObject; readonly clientRef: string | null }[];
  readonly metadata: JsonObject | null;
  readonly callbackUrl: string | null;
  readonly requestId: string;
  /** The same request came before, and its answer was lost: a batch that it made is given back instead of another. */
  readonly isRepeat: boolean;
}

/** A batch with its items in the order that they were asked for in. */
export interface BatchRecord {
  readonly batch: Batch;
  readonly items: readonly FoundBatchItem[];
}

/** Many runs of one target that are asked for together. */
export class Batches {
  readonly #store: Store;
  readonly #runs: Runs;
  readonly #dispatch: Dispatch;
  readonly #callbacks: Callbacks;
  readonly #system: System;

  constructor(parts: { store: Store; runs: Runs; dispatch: Dispatch; callbacks: Callbacks; system: System }) {
    this.#store = parts.store;
    this.#runs = parts.runs;
    this.#dispatch = parts.dispatch;
    this.#callbacks = parts.callbacks;
    this.#system = parts.system;
  }

  /**
   * Records the runs of a batch and queues them, all of them or none.
   * @throws PlatformError `invalid` with every mistake of every item
   */
  async create(caller: Caller, target: Workflow, request: BatchRequest): Promise<BatchRecord> {
    demand(caller, 'runs:create');
    const made = request.isRepeat ? await this.#madeBy(caller, request.requestId) : null;
    if (made !== null) return made;
    const problems: Problem[] = [];
    const inputs = request.items.map((item, index) => {
      const checked = this.#dispatch.check(target, item.input, ['body', 'input', index]);
      problems.push(...checked.problems);
      return checked.input;
    });
    if (problems.length > 0) throw invalid(problems);
    const id = this.#system.newId();
    const requests = await Promise.all(
      request.items.map((item, index) =>
        this.#dispatch.prepare(caller, target, {
          input: inputs[index] ?? {},
          metadata: request.metadata,
          // The end of the whole is told, not that of each.
          callbackUrl: null,
          clientRef: item.clientRef,
          requestId: request.requestId,
          source: 'batch',
          batchId: id,
        }),
      ),
    );
    const batch: Batch = {
      id,
      workspaceId: caller.workspaceId,
      kind: target.kind,
      workflowId: target.id,
      itemsTotal: requests.length,
      itemsSucceeded: 0,
      itemsPartial: 0,
      itemsFailed: 0,
      itemsCanceled: 0,
      meta: request.metadata,
      callbackUrl: this.#runs.checkedCallbackUrl(request.callbackUrl),
      requestId: request.requestId,
      apiKeyId: caller.keyId,
      createdAt: this.#system.now(),
      startedAt: null,
      finishedAt: null,
    };
    const itemsOf = (runs: readonly Run[]): BatchItem[] =>
      runs.map((run, index) => ({ batchId: id, index, runId: run.id }));
    let items: BatchItem[] = [];
    const runs = await this.#runs.createBatch(caller, requests, (made) => {
      items = itemsOf(made);
      return [{ kind: 'createBatch', batch, items }];
    });
    return {
      batch,
      items: runs.map((run, index) => ({ run, item: items[index]!, hasLogs: false, hasNodeRuns: false })),
    };
  }

  /** The batch that a request made, whose answer was lost with a process. */
  async #madeBy({ workspaceId }: Caller, requestId: string): Promise<BatchRecord | null> {
    const ofRequest = {
      kind: 'in',
      target: { column: 'requestId', kind: 'text', path: [] },
      values: [requestId],
    } as const;
    const page = { filter: ofRequest, sort: [], limit: 1, from: null, backward: false };
    const [batch] = (await this.#store.find('batches', { ...page, workspaceId })).items;
    return batch === undefined ? null : this.#recordOf(batch);
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, batchId: string): Promise<BatchRecord> {
    demand(caller, 'runs:read');
    const batch = await this.#store.getBatch(caller.workspaceId, batchId);
    if (batch === null) throw notFound('batch', batchId);
    return this.#recordOf(batch);
  }

  async #recordOf(batch: Batch): Promise<BatchRecord> {
    const ofBatch = { kind: 'in', target: { column: 'batchId', kind: 'uuid', path: [] }, values: [batch.id] } as const;
    const page = { filter: ofBatch, sort: [], limit: MAX_BATCH_ITEMS, from: null, backward: false };
    const { items } = await this.#store.find('batchItems', { ...page, workspaceId: batch.workspaceId });
    return { batch, items };
  }

  async find(caller: Caller, request: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<Batch>> {
    demand(caller, 'runs:read');
    return this.#store.find('batches', { ...request, workspaceId: caller.workspaceId });
  }

  async findItems(caller: Caller, request: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<FoundBatchItem>> {
    demand(caller, 'runs:read');
    return this.#store.find('batchItems', { ...request, workspaceId: caller.workspaceId });
  }

  /** @param batchId `any`: of whichever batch. @throws PlatformError `not_found` */
  async item(caller: Caller, batchId: string, itemId: string): Promise<FoundBatchItem> {
    const isItem = { kind: 'in', target: { column: 'id', kind: 'uuid', path: [] }, values: [itemId] } as const;
    const page = await this.findItems(caller, { filter: isItem, sort: [], limit: 1, from: null, backward: false });
    const found = page.items.find(({ item }) => batchId === 'any' || item.batchId === batchId);
    if (found === undefined) throw notFound('batch item', itemId);
    return found;
  }

  /** Stops every run of a batch that has not ended. @throws PlatformError `not_found` */
  async cancel(caller: Caller, batchId: string): Promise<BatchRecord> {
    demand(caller, 'runs:stop');
    const { batch, items } = await this.get(caller, batchId);
    if (batch.finishedAt !== null) return { batch, items };
    for (const { run } of items) await this.#runs.stop(caller, run.id);
    return this.get(caller, batchId);
  }

  /** Oldest first. @throws PlatformError `not_found` */
  async deliveries(caller: Caller, batchId: string): Promise<ToldDelivery[]> {
    await this.get(caller, batchId);
    return this.#store.listDeliveries(caller.workspaceId, batchId);
  }

  /**
   * Tells a batch's callback address again, of how the batch stands now.
   * @throws PlatformError `not_found`; `invalid` when it has not ended, has no callback address, or is being told at this moment
   */
  async redeliver(caller: Caller, batchId: string): Promise<ToldDelivery> {
    demand(caller, 'runs:execute');
    const { batch } = await this.get(caller, batchId);
    const told = await this.#store.listDeliveries(caller.workspaceId, batchId);
    refuseRedelivery('batch', batch.finishedAt !== null, batch.callbackUrl, told);
    return { delivery: await this.#callbacks.redeliverBatch(batch), attempts: [] };
  }
}
