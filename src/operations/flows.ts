import type { Caller } from '../domain/caller.ts';
import { notFound } from '../domain/error.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import type { WorkflowVersion } from '../domain/workflow.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import { flowNodeVocabulary, flowSocketVocabulary } from '../filter/flow-vocabulary.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import type { FindRequest, FoundVersion, FoundWorkflow, Store } from '../store/store.ts';
import { demand } from './access.ts';
import { findTarget } from './dispatch.ts';
import { type FlowNode, type FlowSocket, flowNodes, flowSockets } from './flow-nodes.ts';
import { type Listed, type ListRequest, pageOf } from './list-in-memory.ts';

export type { FoundVersion };

/** Flows that are read at a time when the nodes of all of them are listed. */
const FLOWS_AT_ONCE = 100;

/** A flow with its current definition. */
export interface Flow extends FoundWorkflow {
  readonly version: WorkflowVersion;
}

/** The workflows that people draw, as graphs to be read. */
export class Flows {
  readonly #store: Store;
  readonly #catalogue: Catalogue;

  constructor(parts: { store: Store; catalogue: Catalogue }) {
    this.#store = parts.store;
    this.#catalogue = parts.catalogue;
  }

  /** One page of flows. */
  async find(caller: Caller, request: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<Flow>> {
    demand(caller, 'workflows:read');
    const filter = both(isOneOf('kind', 'flow'), request.filter);
    const page = await this.#store.find(
      'workflows',
      { ...request, filter, workspaceId: caller.workspaceId },
      { definitions: true },
    );
    return { ...page, items: page.items.map(asFlow) };
  }

  /** By id, by slug, or by slug behind an owner's name. @throws PlatformError `not_found` */
  async get(caller: Caller, path: string): Promise<Flow> {
    demand(caller, 'workflows:read');
    const target = await findTarget(this.#store, caller.workspaceId, ['flow'], path);
    if (target === null) throw notFound('flow', path);
    const { items } = await this.find(caller, { ...FIRST, limit: 1, filter: isOneOf('id', target.id) });
    const [flow] = items;
    if (flow === undefined) throw notFound('flow', path);
    return flow;
  }

  /** What a flow takes, or gives, in the order of its definition. */
  socketsOf(flow: Flow, side: 'input' | 'output'): FlowSocket[] {
    return flowSockets(flow.workflow, flow.version, side, this.#catalogue);
  }

  /** The nodes of a flow in the order of its definition. */
  nodesOf(flow: Flow): FlowNode[] {
    return flowNodes(flow.workflow, flow.version);
  }

  /** One page of the nodes of a flow; without a path of those of all flows. */
  async findNodes(caller: Caller, path: string | null, request: ListRequest): Promise<KeysetPage<FlowNode>> {
    const flows = await this.#flows(caller, path);
    const items = flows.flatMap((flow) => this.nodesOf(flow).map(listedNode));
    return pageOf(items, request, { vocabulary: flowNodeVocabulary, defaultSort: IN_PLACE });
  }

  /** @param path null: of whichever flow @throws PlatformError `not_found` */
  async node(caller: Caller, path: string | null, id: string): Promise<FlowNode> {
    for (const flow of await this.#flows(caller, path)) {
      const found = this.nodesOf(flow).find((node) => node.id === id.toLowerCase());
      if (found !== undefined) return found;
    }
    throw notFound('flow node', id);
  }

  /** One page of what a flow takes, or gives; without a path of that of all flows. */
  async findSockets(
    caller: Caller,
    path: string | null,
    side: 'input' | 'output',
    request: ListRequest,
  ): Promise<KeysetPage<FlowSocket>> {
    const flows = await this.#flows(caller, path);
    const items = flows.flatMap((flow) => this.socketsOf(flow, side).map(listedSocket));
    return pageOf(items, request, { vocabulary: flowSocketVocabulary, defaultSort: IN_PLACE });
  }

  /** One page of the versions of a flow, newest first: every definition that was saved. Without a path of those of all flows. */
  async findVersions(
    caller: Caller,
    path: string | null,
    request: Omit<FindRequest, 'workspaceId'>,
  ): Promise<KeysetPage<FoundVersion>> {
    demand(caller, 'workflows:read');
    const bound =
      path === null ? isOneOf('kind', 'flow') : isOneOf('workflowId', (await this.get(caller, path)).workflow.id);
    const filter = both(bound, request.filter);
    return this.#store.find('versions', { ...request, filter, workspaceId: caller.workspaceId });
  }

  /** @throws PlatformError `not_found` */
  async version(caller: Caller, path: string | null, versionId: string): Promise<FoundVersion> {
    const request = { ...FIRST, limit: 1, filter: isOneOf('id', versionId.toLowerCase()) };
    const [found] = (await this.findVersions(caller, path, request)).items;
    if (found === undefined) throw notFound('flow version', versionId);
    return found;
  }

  async #flows(caller: Caller, path: string | null): Promise<Flow[]> {
    if (path !== null) return [await this.get(caller, path)];
    const flows: Flow[] = [];
    let from: KeysetPage<unknown>['next'] = null;
    do {
      const page: KeysetPage<Flow> = await this.find(caller, { ...FIRST, limit: FLOWS_AT_ONCE, from });
      flows.push(...page.items);
      from = page.next;
    } while (from !== null);
    return flows;
  }
}

const FIRST = { filter: null, sort: [], from: null, backward: false } as const;

/** Flow by flow, each in the order of its definition. */
const IN_PLACE = [
  { column: 'flowId', direction: 'asc' },
  { column: 'position', direction: 'asc' },
] as const;

const isOneOf = (column: string, value: string): CheckedFilter => ({
  kind: 'in',
  target: { column, kind: 'text', path: [] },
  values: [value],
});

const both = (bound: CheckedFilter, filter: CheckedFilter | null): CheckedFilter =>
  filter === null ? bound : { kind: 'and', terms: [bound, filter] };

function asFlow(found: FoundWorkflow): Flow {
  if (found.version === null) throw new Error(`The definition of workflow ${found.workflow.id} was not read.`);
  return { ...found, version: found.version };
}

const listedNode = (node: FlowNode): Listed<FlowNode> => ({ item: node, record: { ...node } });

const listedSocket = (socket: FlowSocket): Listed<FlowSocket> => ({ item: socket, record: { ...socket } });
