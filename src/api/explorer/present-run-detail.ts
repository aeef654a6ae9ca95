import type { Caller, Scope } from '../../domain/caller.ts';
import type { RunEvent } from '../../domain/event.ts';
import { type Iteration, isSettled, type NodeRun } from '../../domain/node-run.ts';
import type { PageRequest } from '../../domain/page.ts';
import { isTerminal, type Parent, type Run } from '../../domain/run.ts';
import type { Warning } from '../../domain/warning.ts';
import type { WorkflowVersion } from '../../domain/workflow.ts';
import type { ExplorerParts } from './parts.ts';
import { payloadHref, runPart } from './payload-part.ts';
import { presentDelivery } from './present-delivery.ts';
import { presentPersonRequest } from './present-person-request.ts';
import { namesOf, presentOneRow, presentRows } from './present-run.ts';
import type * as wire from './wire.ts';

/** Passes of a node whose spans are shown: more of them cannot be told apart in a waterfall. */
const SPANS_OF_NODE = 200;

/** Requests to persons that one answer names. */
const REQUESTS = 100;

/** Runs that one node invoked that are named at first. */
const INVOKED_RUNS = 20;

/** A run as it stands, and what it was made of. */
interface StandingRun {
  readonly run: Run;
  readonly nodeRuns: readonly NodeRun[];
  readonly state: wire.RunState;
}

/**
 * Reads a run with its nodes and edges. Whoever shows more of it shows that of the run given back: read once more, it may have ended meanwhile.
 * @throws PlatformError `not_found`
 */
export async function readRunState(parts: ExplorerParts, caller: Caller, id: string): Promise<StandingRun> {
  const { runs } = parts;
  const position = await runs.live.position();
  // Read after the position: what happens to it from there on is told by the live view, which begins there.
  const run = await runs.get(caller, id);
  const version = await runs.version(run);
  const [row, nodeRuns, progress, events, requests] = await Promise.all([
    presentOneRow(parts, caller, run),
    runs.nodeRuns(caller, run.id),
    runs.progress(run),
    runs.eventsSince(caller, run.id, 0),
    requestsOf(parts, caller, run),
  ]);
  const transitions = transitionsOf(events);
  const nodes = await Promise.all(
    nodeRuns.map(async (nodeRun) => {
      const isList = nodeRun.iterates && nodeRun.totalIterations > 1;
      const passes = isList
        ? await runs.iterations(caller, run.id, nodeRun.nodeId, { from: 1, limit: SPANS_OF_NODE })
        : [];
      return presentNode(nodeRun, version, transitions.get(nodeRun.nodeId) ?? [], passes);
    }),
  );
  const reached = new Set(nodes.map(({ nodeId }) => nodeId));
  const pending = progress.remaining
    .filter((nodeId) => !reached.has(nodeId))
    .map((nodeId) => pendingNode(nodeId, version));
  const edges = progress.edges.map(([edgeId, status]) => ({ id: edgeId, status }));
  return { run, nodeRuns, state: { run: row, position, nodes: [...nodes, ...pending], edges, requests } };
}

/**
 * Reads everything that the page of a run shows at first.
 * @throws PlatformError `not_found`
 */
export async function readRunDetail(parts: ExplorerParts, caller: Caller, id: string): Promise<wire.RunDetail> {
  const { runs, keys, workflows } = parts;
  const { run, nodeRuns, state } = await readRunState(parts, caller, id);
  const [version, [input, output], deliveries, record] = await Promise.all([
    runs.version(run),
    Promise.all([
      runPart(runs, run.input, payloadHref(run.id, 'input', null)),
      run.output === null ? null : runPart(runs, run.output, payloadHref(run.id, 'output', null)),
    ]),
    runs.deliveries(caller, run.id),
    workflows.recordOfRun(caller, run.workflowId),
  ]);
  const invoking = new Set((await runs.progress(run, INVOKED_RUNS)).subflows.map(({ nodeId }) => nodeId));
  const first = { page: 1, size: INVOKED_RUNS };
  const children = await Promise.all(
    [...invoking].map(async (nodeId) => (await readChildren(parts, caller, run.id, nodeId, first)).items),
  );
  const retryOf = run.context?.['retry_of'];
  return {
    run: state.run,
    position: state.position,
    context: run.context,
    costBreakdown: run.costBreakdown,
    requestId: run.requestId,
    trace: run.trace && {
      id: run.trace.traceId,
      href: parts.traceLink?.replaceAll('{trace_id}', run.trace.traceId) ?? null,
    },
    callbackUrl: run.callbackUrl,
    startedBy: run.apiKeyId === null ? null : { keyId: run.apiKeyId, name: await keys.nameOf(caller, run.apiKeyId) },
    nodeIds: run.nodeIds,
    singleNodeId: run.singleNodeId,
    versionPinned: run.versionPinned,
    input,
    output,
    version: {
      id: version.id,
      name: version.name,
      createdAt: version.createdAt,
      isCurrent: record?.workflow.currentVersionId === version.id,
      definition: version.definition,
      document: JSON.parse(version.document),
    },
    nodes: state.nodes,
    edges: state.edges,
    usage: runs.usage(nodeRuns),
    requests: state.requests,
    deliveries: deliveries.map(presentDelivery),
    children: children.flat(),
    parent: run.parent === null ? null : { ...placeOf(run.parent), runId: run.parent.runId, rootId: run.parent.rootId },
    retryOf: typeof retryOf === 'string' ? retryOf : null,
    actions: actionsOf(
      caller,
      run,
      deliveries.some(({ delivery }) => delivery.status === 'pending'),
    ),
  };
}

/** Runs that a node of a run invoked. @throws PlatformError `not_found` */
export async function readChildren(
  parts: ExplorerParts,
  caller: Caller,
  runId: string,
  nodeId: string,
  wanted: PageRequest,
  iteration: number | null = null,
): Promise<wire.ChildrenPage> {
  const { items, total, page, size } = await parts.runs.listInvoked(caller, runId, nodeId, wanted, iteration);
  const rows = await presentRows(parts, caller, items);
  const children = items.flatMap((child, index) =>
    child.parent === null ? [] : [{ run: rows[index]!, ...placeOf(child.parent) }],
  );
  return { items: children, total, page, size };
}

const placeOf = ({ nodeId, iteration, attempt, ordinal }: Parent) => ({ nodeId, iteration, attempt, ordinal });

async function requestsOf(parts: ExplorerParts, caller: Caller, run: Run): Promise<wire.PersonRequestRow[]> {
  if (!caller.scopes.has('people:read')) return [];
  const ofRun = { kind: 'in', target: { column: 'runId', kind: 'uuid', path: [] }, values: [run.id] } as const;
  const page = { filter: ofRun, sort: [], limit: REQUESTS, from: null, backward: false };
  const [found, names] = await Promise.all([
    parts.personRequests.find(caller, page),
    namesOf(parts, caller, [run.workflowId]),
  ]);
  return found.items.map((request) => presentPersonRequest(request, names));
}

/** A status that a node came to, and when. */
interface Transition {
  readonly at: number;
  readonly status: NodeRun['status'];
}

function transitionsOf(events: readonly RunEvent[]): Map<string, Transition[]> {
  const transitions = new Map<string, Transition[]>();
  for (const { at, data } of events) {
    for (const [nodeId, status] of data.nodes ?? []) {
      const ofNode = transitions.get(nodeId) ?? [];
      ofNode.push({ at, status });
      transitions.set(nodeId, ofNode);
    }
  }
  return transitions;
}

function presentNode(
  nodeRun: NodeRun,
  { definition }: WorkflowVersion,
  transitions: readonly Transition[],
  passes: readonly Iteration[],
): wire.NodeRow {
  const node = definition.nodes.find(({ id }) => id === nodeRun.nodeId);
  const isDelay = node?.type === 'DelayNode';
  return {
    nodeId: nodeRun.nodeId,
    name: node?.name ?? nodeRun.nodeId,
    type: node?.type ?? null,
    status: nodeRun.status,
    currentIteration: nodeRun.currentIteration,
    totalIterations: nodeRun.totalIterations,
    iterates: nodeRun.iterates,
    attempts: nodeRun.attempts,
    startedAt: nodeRun.startedAt,
    finishedAt: nodeRun.finishedAt,
    failure: nodeRun.failure,
    warnings: nodeRun.warnings,
    usage: nodeRun.usage,
    spans: passes.length > 0 ? passes.map(spanOfPass) : spansOf(nodeRun, transitions, isDelay),
  };
}

const spanOfPass = ({ startedAt, finishedAt, attempts, iteration }: Iteration): wire.NodeSpan => ({
  kind: 'running',
  from: startedAt,
  to: finishedAt,
  attempt: attempts,
  iteration,
});

/**
 * The stretches of a node that runs once, of the statuses it came to: each try leaves a warning that says how long was waited for the next, a
 * person a status of its own.
 */
function spansOf(nodeRun: NodeRun, transitions: readonly Transition[], isDelay: boolean): wire.NodeSpan[] {
  const { startedAt, finishedAt, warnings } = nodeRun;
  if (startedAt === null) return [];
  const waits = warnings.filter(isRetry).map(({ params }) => Number(params?.['delay_ms'] ?? 0));
  const spans: wire.NodeSpan[] = [];
  let kind: wire.NodeSpan['kind'] = isDelay ? 'delay' : 'running';
  let from = startedAt;
  let attempt = 1;
  const add = (to: number | null) => {
    if (to === null || to > from || spans.length === 0) spans.push({ kind, from, to, attempt, iteration: 0 });
  };
  for (const { at, status } of transitions) {
    if (at < from || isSettled(status)) continue;
    if (status === 'waiting' && kind !== 'person') {
      add(at);
      [kind, from] = ['person', at];
    } else if (status === 'running' && kind === 'person') {
      add(at);
      [kind, from] = ['running', at];
    } else if (status === 'running' && at > startedAt && attempt <= waits.length) {
      add(at);
      const until = Math.min(at + waits[attempt - 1]!, finishedAt ?? Number.POSITIVE_INFINITY);
      spans.push({ kind: 'backoff', from: at, to: until, attempt, iteration: 0 });
      attempt += 1;
      from = until;
    }
  }
  add(finishedAt);
  return spans;
}

const isRetry = ({ identifier }: Warning): boolean => identifier === 'retry_warning';

function pendingNode(nodeId: string, { definition }: WorkflowVersion): wire.NodeRow {
  const node = definition.nodes.find(({ id }) => id === nodeId);
  return {
    nodeId,
    name: node?.name ?? nodeId,
    type: node?.type ?? null,
    status: 'pending',
    currentIteration: 0,
    totalIterations: 0,
    iterates: false,
    attempts: 0,
    startedAt: null,
    finishedAt: null,
    failure: null,
    warnings: [],
    usage: null,
    spans: [],
  };
}

/** Why each action cannot be done; null: it can. */
function actionsOf({ scopes }: Caller, run: Run, isBeingTold: boolean): wire.RunActions {
  const hasEnded = isTerminal(run.status);
  const lacks = (...needed: Scope[]) => {
    const missing = needed.find((scope) => !scopes.has(scope));
    return missing === undefined ? null : `Your key lacks the scope ${missing}.`;
  };
  const ended = hasEnded ? null : `The run is ${run.status}. Wait for its end, or stop it.`;
  return {
    stop: lacks('runs:stop') ?? (hasEnded ? 'The run has ended.' : null),
    retry: lacks('runs:create') ?? ended,
    retryFailed: lacks('runs:create') ?? ended ?? (run.status === 'succeeded' ? 'Nothing of it failed.' : null),
    rerun: lacks('runs:create'),
    delete:
      lacks('runs:delete') ?? ended ?? (run.parent === null ? null : 'It is a part of another run, and goes with it.'),
    evaluate: lacks('evaluations:create') ?? ended,
    redeliver:
      lacks('runs:execute') ??
      (run.callbackUrl === null ? 'The run was made without a callback address.' : ended) ??
      (isBeingTold ? 'A delivery of it is still being tried.' : null),
  };
}
