import type { Caller } from '../domain/caller.ts';
import { notFound } from '../domain/error.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import type { WorkflowKind } from '../domain/workflow.ts';
import type { CheckedFilter, CheckedTest } from '../filter/checked-filter.ts';
import type {
  CountedWorkflow,
  FindOptions,
  FindRequest,
  FoundLog,
  FoundNodeRun,
  RecordsOfRuns,
  RecordsWanted,
  Store,
} from '../store/store.ts';
import { runIdsAround } from '../system/derived-id.ts';
import { demand, SCOPE_OF_KIND } from './access.ts';

export type { CountedWorkflow, FoundLog, FoundNodeRun };

type ListRequest = Omit<FindRequest, 'workspaceId'>;

/** What runs recorded while they executed: nodes and log lines, of one run or of all. A run id of null means all. */
export class RunRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Of one run in the order of time; of all, the newest run first. @throws PlatformError `not_found` for an unknown run */
  async findNodeRuns(
    caller: Caller,
    runId: string | null,
    request: ListRequest,
    options?: FindOptions,
  ): Promise<KeysetPage<FoundNodeRun>> {
    await this.#demandRun(caller, runId);
    const { workspaceId } = caller;
    const filter = ofRun(runId, request.filter && located(request.filter));
    const sort = request.sort.length > 0 || runId !== null ? request.sort : NEWEST_RUN_FIRST;
    return this.#store.find('nodeRuns', { ...request, workspaceId, filter, sort }, options);
  }

  /** @throws PlatformError `not_found`, also for a node of another run */
  async getNodeRun(caller: Caller, runId: string | null, id: string): Promise<FoundNodeRun> {
    const filter: CheckedFilter = { kind: 'in', target: target('id'), values: [id.toLowerCase()] };
    const found = await this.findNodeRuns(caller, runId, { ...ONE, filter });
    return found.items[0] ?? missing('node run', id);
  }

  /** Of one run oldest first; of all, newest first. @throws PlatformError `not_found` for an unknown run */
  async findLogs(caller: Caller, runId: string | null, request: ListRequest): Promise<KeysetPage<FoundLog>> {
    await this.#demandRun(caller, runId);
    const { workspaceId } = caller;
    const sort = request.sort.length > 0 || runId !== null ? request.sort : NEWEST_LINE_FIRST;
    return this.#store.find('logs', { ...request, workspaceId, filter: ofRun(runId, request.filter), sort });
  }

  /** @throws PlatformError `not_found`, also for a line of another run */
  async getLog(caller: Caller, runId: string | null, id: string): Promise<FoundLog> {
    const filter: CheckedFilter = { kind: 'in', target: target('id'), values: [id.toLowerCase()] };
    const found = await this.findLogs(caller, runId, { ...ONE, filter });
    return found.items[0] ?? missing('log', id);
  }

  /** What several runs recorded, in one reading. */
  async ofRuns(caller: Caller, runIds: readonly string[], wanted: RecordsWanted): Promise<RecordsOfRuns> {
    demand(caller, 'runs:read');
    return this.#store.recordsOfRuns(caller.workspaceId, runIds, wanted);
  }

  /** The workflows of some runs by id, also those that were deleted since; only of kinds that are asked for. */
  async targets(
    caller: Caller,
    workflowIds: readonly string[],
    kinds: ReadonlySet<WorkflowKind>,
  ): Promise<ReadonlyMap<string, CountedWorkflow>> {
    for (const kind of kinds) demand(caller, SCOPE_OF_KIND[kind]);
    if (kinds.size === 0) return new Map();
    const found = await this.#store.listWorkflowsById(caller.workspaceId, [...new Set(workflowIds)]);
    return new Map(found.filter(({ workflow }) => kinds.has(workflow.kind)).map((each) => [each.workflow.id, each]));
  }

  async #demandRun(caller: Caller, runId: string | null): Promise<void> {
    demand(caller, 'runs:read');
    if (runId !== null && (await this.#store.getRun(caller.workspaceId, runId)) === null) throw notFound('run', runId);
  }
}

/** Both follow an index: a list over all runs is read from its end, not sorted. */
const NEWEST_RUN_FIRST = [{ column: 'runId', direction: 'desc' }] as const;
const NEWEST_LINE_FIRST = [{ column: 'id', direction: 'desc' }] as const;

const ONE = { sort: [], limit: 1, from: null, backward: false } as const;

const target = (column: string): CheckedTest['target'] => ({ column, kind: 'uuid', path: [] });

function ofRun(runId: string | null, filter: CheckedFilter | null): CheckedFilter | null {
  if (runId === null) return filter;
  const test: CheckedFilter = { kind: 'in', target: target('runId'), values: [runId] };
  return filter === null ? test : { kind: 'and', terms: [test, filter] };
}

/** A filter of node runs where each test of an id also says among which runs it is: ids are computed, and no index holds them. */
function located(filter: CheckedFilter): CheckedFilter {
  if (filter.kind === 'and' || filter.kind === 'or') return { ...filter, terms: filter.terms.map(located) };
  if (filter.kind === 'not') return { ...filter, term: located(filter.term) };
  if (filter.kind !== 'in' || filter.target.column !== 'id' || filter.values.length === 0) return filter;
  const terms = filter.values.map((value): CheckedFilter => {
    const [first, last] = runIdsAround(String(value));
    return {
      kind: 'and',
      terms: [
        { kind: 'order', target: target('runId'), order: 'gte', value: first },
        { kind: 'order', target: target('runId'), order: 'lte', value: last },
        { ...filter, values: [value] },
      ],
    };
  });
  return terms.length === 1 ? terms[0]! : { kind: 'or', terms };
}

function missing(noun: string, id: string): never {
  throw notFound(noun, id);
}
