import Big from 'big.js';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject } from '../domain/json.ts';
import { type NodeRun, stepRecordId } from '../domain/node-run.ts';
import type { Run, Usage } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { TakenSpan } from '../domain/taken-span.ts';

/** Characters of a span's name in the id of its node. */
const MAX_NAME = 80;

/** Levels of spans below each other that ids tell; what lies deeper is told as if it lay there. */
const MAX_LEVELS = 12;

/** A trace as a run is made of it. */
export interface TakenTrace {
  readonly root: TakenSpan;
  /** All but the root, in the order in which they began, with the ids that their nodes have: `<parent>/<name>`. */
  readonly nodes: readonly { readonly nodeId: string; readonly span: TakenSpan }[];
}

/**
 * Finds the root of a trace and the place of each of its spans.
 * @param spans in the order in which they began
 * @param isComplete nothing more is expected: where there is no root, the first span whose parent is not there is taken for it
 * @returns null for a trace whose root is still to come
 */
export function arrange(spans: readonly TakenSpan[], isComplete: boolean): TakenTrace | null {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const isOrphan = ({ parentSpanId }: TakenSpan) => parentSpanId !== null && !byId.has(parentSpanId);
  const root =
    spans.find(({ parentSpanId }) => parentSpanId === null) ??
    (isComplete ? (spans.find(isOrphan) ?? spans[0]) : undefined);
  if (root === undefined) return null;
  const ids = new Map<string, string>();
  const used = new Set<string>();
  const idOf = (span: TakenSpan, seen: readonly string[]): string => {
    const known = ids.get(span.spanId);
    if (known !== undefined) return known;
    const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
    const isBelow =
      parent !== undefined &&
      parent !== root &&
      seen.length < MAX_LEVELS &&
      !seen.includes(parent.spanId) &&
      parent !== span;
    // A slash parts the levels of an id.
    const name = span.name.replaceAll('/', '∕').slice(0, MAX_NAME);
    const own = isBelow ? stepRecordId(idOf(parent, [...seen, span.spanId]), name) : name;
    let id = own;
    for (let place = 2; used.has(id); place += 1) id = `${own}#${place}`;
    used.add(id);
    ids.set(span.spanId, id);
    return id;
  };
  // A model that was asked without anything around it is the run, and what it did inside.
  const inside = spans.filter((span) => span !== root || root.role === 'model');
  return { root, nodes: inside.map((span) => ({ nodeId: idOf(span, []), span })) };
}

/** What the runs of a trace are called together: the program and what it was asked to do. */
export function nameOf({ service, name, attributes }: TakenSpan): { service: string; name: string } {
  const told = attributes['traceloop.workflow.name'] ?? attributes['gen_ai.workflow.name'];
  return {
    service: service.slice(0, 100),
    name: (typeof told === 'string' && told !== '' ? told : name).slice(0, 100),
  };
}

/** The parts of a run that follow from its spans. Times are rounded to milliseconds. */
export function runOf({
  root,
  nodes,
}: TakenTrace): Omit<
  Pick<
    Run,
    | 'status'
    | 'createdAt'
    | 'startedAt'
    | 'finishedAt'
    | 'input'
    | 'output'
    | 'failure'
    | 'meta'
    | 'cost'
    | 'costBreakdown'
  >,
  'startedAt' | 'finishedAt'
> & { readonly startedAt: number; readonly finishedAt: number; readonly nodeRuns: readonly NodeRun[] } {
  const nodeRuns = nodes.map(({ nodeId, span }) => nodeRunOf(nodeId, span));
  const failed = nodes.filter(({ span }) => span.error !== null).at(-1);
  const asked = root.inputs ?? nodes.find(({ span }) => span.isGenAi && span.inputs !== null)?.span.inputs ?? {};
  const answered =
    root.outputs ??
    nodes
      .filter(({ span }) => span.isGenAi && span.outputs !== null)
      .toSorted((a, b) => a.span.finishedAt - b.span.finishedAt)
      .at(-1)?.span.outputs;
  const used = nodeRuns.flatMap(({ nodeId, usage }) => (usage === null ? [] : [[nodeId, usage] as const]));
  const costs = used.flatMap(([, { cost }]) => (cost === null ? [] : [cost]));
  return {
    status: root.error === null ? 'succeeded' : 'failed',
    createdAt: Math.floor(root.startedAt),
    startedAt: Math.floor(root.startedAt),
    finishedAt: Math.max(Math.floor(root.startedAt), Math.round(root.finishedAt)),
    input: JSON.stringify(asked),
    output: answered === undefined || answered === null ? null : JSON.stringify(answered),
    failure:
      root.error === null
        ? null
        : {
            ...failureOf(failed?.span ?? root, root.error),
            ...(failed === undefined ? {} : { nodeId: failed.nodeId }),
          },
    meta: { service: root.service, attributes: root.attributes },
    cost: costs.length === 0 ? null : costs.reduce((sum, cost) => sum.plus(cost), new Big(0)).toFixed(),
    costBreakdown:
      used.length === 0 ? null : { nodes: Object.fromEntries(used.map(([id, usage]) => [id, partOf(usage)])) },
    nodeRuns,
  };
}

const partOf = ({ inputTokens, outputTokens, cost }: Usage): JsonObject => ({
  input_tokens: inputTokens,
  output_tokens: outputTokens,
  cost,
});

function failureOf({ role }: TakenSpan, message: string): Failure {
  return { code: role === 'model' ? 'provider' : 'code_error', message };
}

function nodeRunOf(nodeId: string, span: TakenSpan): NodeRun {
  const startedAt = Math.floor(span.startedAt);
  // What an agent or a chain says it used is the sum of what the models in it say.
  const usage = span.role === 'model' ? span.usage : null;
  const about = { ...(span.model === null ? {} : { model: span.model }), ...span.attributes };
  const inputs = { ...span.inputs, ...(Object.keys(about).length === 0 ? {} : { attributes: about }) };
  return {
    nodeId,
    status: span.error === null ? 'succeeded' : 'failed',
    currentIteration: 1,
    totalIterations: 1,
    iterates: false,
    attempts: 1,
    startedAt,
    finishedAt: Math.max(startedAt, Math.round(span.finishedAt)),
    inputs: JSON.stringify(inputs),
    outputs: span.outputs === null ? null : JSON.stringify(span.outputs),
    taken: span.outputs === null ? null : Object.keys(span.outputs),
    failure: span.error === null ? null : { ...failureOf(span, span.error), nodeId },
    warnings: [],
    usage,
  };
}

/** Log lines of a run's spans, oldest first. @param newId gives ids in the order in which they are asked for */
export function logsOf({ root, nodes }: TakenTrace, runId: string, newId: () => string): RunLog[] {
  const ofRoot = { nodeId: null, span: root };
  const all = nodes.some(({ span }) => span === root) ? nodes : [ofRoot, ...nodes];
  return all
    .flatMap(({ nodeId, span }) => span.events.map((event) => ({ nodeId, event })))
    .toSorted((a, b) => a.event.at - b.event.at)
    .map(({ nodeId, event }) => ({
      id: newId(),
      runId,
      nodeId,
      iteration: 0,
      level: event.isError ? 'error' : 'info',
      message: event.message,
      at: Math.round(event.at),
      meta: Object.keys(event.attributes).length === 0 ? null : event.attributes,
    }));
}
