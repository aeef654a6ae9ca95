import Big from 'big.js';
import type { Caller } from '../domain/caller.ts';
import { notFound } from '../domain/error.ts';
import type { JsonValue } from '../domain/json.ts';
import { diffJson, isSameJson, type JsonDifference } from '../domain/json-diff.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { type Payload, referencedBlob } from '../domain/payload.ts';
import type { Run } from '../domain/run.ts';
import type { Warning } from '../domain/warning.ts';
import type { WorkflowVersion } from '../domain/workflow.ts';
import type { Engine } from '../engine/engine.ts';
import type { Graph } from '../engine/graph.ts';
import type { Payloads } from '../engine/payloads.ts';
import { differences, type NodeDifference } from '../engine/takeover.ts';
import type { Store } from '../store/store.ts';
import { demand } from './access.ts';

/** Differences of an input or an output that are told: what a person reads through. */
export const MAX_DIFFERENCES = 500;

/** Characters of a differing value that are told, so that 500 of them are an answer of at most some MB. */
export const MAX_VALUE_CHARACTERS = 1000;

/**
 * Characters of JSON up to which a payload is taken apart: some 0.1 s of the event loop for two of them. Of larger ones it is told whether they
 * differ.
 */
const MAX_COMPARED_CHARACTERS = 4 * 1024 * 1024;

/** Warnings of a node that are told, of each run: a node over 10,000 items may have as many. */
const MAX_WARNINGS = 20;

/** Something of one run, and the same of the run that it is compared with. */
export interface Sides<T> {
  readonly before: T;
  readonly after: T;
}

/** A difference with values that are cut to `MAX_VALUE_CHARACTERS`: a text at its end, anything else as the beginning of its JSON text. */
export type ToldDifference = JsonDifference & { readonly cut: readonly ('before' | 'after')[] };

/** How an input or an output differs. */
export interface PayloadDiff {
  readonly differs: boolean;
  readonly differences: readonly ToldDifference[];
  /** There are more differences than are told, or the values are too large to be taken apart. */
  readonly isCut: boolean;
}

/** What was spent and how long it took; null where it is not known (yet). */
export interface Figures {
  /** Milliseconds from when it could have begun until it did. */
  readonly queueMs: number | null;
  readonly durationMs: number | null;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** A decimal string in US dollars. */
  readonly cost: string | null;
  readonly warnings: number;
}

/** `after` less `before`; null where one of them is not known. */
export type FigureDifferences = { readonly [K in keyof Figures]: Figures[K] | null };

/** What one run says of a node. */
export interface NodeFacts {
  readonly status: NodeRun['status'];
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly iterates: boolean;
  readonly currentIteration: number;
  readonly totalIterations: number;
  readonly figures: Figures;
  /** The first ones. */
  readonly warnings: readonly Warning[];
  readonly failure: string | null;
  /** The run that it really ran in, when its record was taken over; times are of that one. */
  readonly takenOverFrom: string | null;
}

/** One node in both runs. A side is null where the run has no record of it. */
export interface NodeDiff extends Sides<NodeFacts | null> {
  readonly nodeId: string;
  readonly inputsDiffer: boolean;
  readonly outputsDiffer: boolean;
  /** Null where one side is. */
  readonly change: FigureDifferences | null;
}

/** How a node of the one definition differs from that of the other. */
export interface DefinitionDifference {
  readonly nodeId: string;
  readonly kind: NodeDifference['kind'] | 'added';
}

/** Two runs side by side. */
export interface RunDiff {
  readonly runs: Sides<Run>;
  readonly isSameWorkflow: boolean;
  readonly isSameVersion: boolean;
  /** Nodes that do something else, or get something else; empty for versions that do the same. */
  readonly definition: readonly DefinitionDifference[];
  readonly input: PayloadDiff;
  readonly output: PayloadDiff;
  /** In the order of the second definition, what is only in the first at the end. */
  readonly nodes: readonly NodeDiff[];
  /** Sums over the nodes but for times and costs, which are those of the runs. */
  readonly totals: Sides<Figures> & { readonly change: FigureDifferences };
}

/** Holds runs against each other. */
export class RunDiffs {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #payloads: Payloads;

  constructor(parts: { store: Store; engine: Engine; payloads: Payloads }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#payloads = parts.payloads;
  }

  /**
   * What is different in the second run. They may be of different workflows: nodes of one id are compared then. Runs that have not ended are compared
   * as they stand.
   * @throws PlatformError `not_found`
   */
  async compare(caller: Caller, beforeId: string, afterId: string): Promise<RunDiff> {
    demand(caller, 'runs:read');
    const before = await this.#read(caller, beforeId);
    const after = await this.#read(caller, afterId);
    const runs = { before: before.run, after: after.run };
    const totals = { before: totalsOf(before), after: totalsOf(after) };
    return {
      runs,
      isSameWorkflow: runs.before.workflowId === runs.after.workflowId,
      isSameVersion: before.version.id === after.version.id,
      definition: before.version.id === after.version.id ? [] : definitionDifferences(before.version, after.version),
      input: await this.#payloadDiff(runs.before.input, runs.after.input),
      output: await this.#payloadDiff(runs.before.output, runs.after.output),
      nodes: await this.#nodeDiffs(before, after),
      totals: { ...totals, change: changeOf(totals) },
    };
  }

  async #read(caller: Caller, runId: string): Promise<ReadRun> {
    const run = await this.#store.getRun(caller.workspaceId, runId);
    if (run === null) throw notFound('run', runId);
    const version = await this.#store.getVersion(run.workspaceId, run.workflowVersionId);
    if (version === null) throw new Error(`Run ${runId} has lost its version ${run.workflowVersionId}.`);
    const records = await this.#store.listNodeRuns(run.workspaceId, runId, { payloads: true });
    return {
      run,
      version,
      graph: this.#engine.graphOf(version),
      records: new Map(records.map((one) => [one.nodeId, one])),
    };
  }

  async #nodeDiffs(before: ReadRun, after: ReadRun): Promise<NodeDiff[]> {
    const diffs: NodeDiff[] = [];
    // One after the other: the large payloads of two nodes at a time are enough to hold.
    for (const nodeId of new Set([...idsInOrder(after), ...idsInOrder(before)])) {
      const records = { before: before.records.get(nodeId), after: after.records.get(nodeId) };
      const facts = { before: factsOf(records.before, before), after: factsOf(records.after, after) };
      const bothDiffer = async (name: 'inputs' | 'outputs') =>
        this.#differ(records.before?.[name] ?? null, records.after?.[name] ?? null);
      diffs.push({
        nodeId,
        ...facts,
        inputsDiffer: await bothDiffer('inputs'),
        outputsDiffer: await bothDiffer('outputs'),
        change:
          facts.before === null || facts.after === null
            ? null
            : changeOf({ before: facts.before.figures, after: facts.after.figures }),
      });
    }
    return diffs;
  }

  async #payloadDiff(before: Payload | null, after: Payload | null): Promise<PayloadDiff> {
    const texts = await this.#textsToCompare(before, after);
    if (texts === 'same') return { differs: false, differences: [], isCut: false };
    if (texts === 'different') return { differs: true, differences: [], isCut: true };
    const diff = diffJson(parsed(texts.before), parsed(texts.after), MAX_DIFFERENCES);
    return { differs: diff.differences.length > 0, differences: diff.differences.map(told), isCut: diff.isCut };
  }

  async #differ(before: Payload | null, after: Payload | null): Promise<boolean> {
    // All of our JSON texts are written by one writer: what says the same in another order has the same length.
    if (lengthOf(before) !== lengthOf(after)) return true;
    const texts = await this.#textsToCompare(before, after);
    if (texts === 'same' || texts === 'different') return texts === 'different';
    return !isSameJson(parsed(texts.before), parsed(texts.after));
  }

  /** The JSON texts, unless it is clear without parsing them, or they are too large for that. */
  async #textsToCompare(
    before: Payload | null,
    after: Payload | null,
  ): Promise<'same' | 'different' | Sides<string | null>> {
    const texts = {
      before: before && (await this.#payloads.text(before)),
      after: after && (await this.#payloads.text(after)),
    };
    if (texts.before === texts.after) return 'same';
    const longest = Math.max(texts.before?.length ?? 0, texts.after?.length ?? 0);
    return longest > MAX_COMPARED_CHARACTERS ? 'different' : texts;
  }
}

interface ReadRun {
  readonly run: Run;
  readonly version: WorkflowVersion;
  readonly graph: Graph;
  readonly records: ReadonlyMap<string, NodeRun>;
}

const parsed = (text: string | null): JsonValue => (text === null ? null : (JSON.parse(text) as JsonValue));

/** How long a payload is, in a unit that is the same for payloads that may be equal. */
function lengthOf(payload: Payload | null): string {
  if (payload === null) return 'none';
  const blob = referencedBlob(payload);
  return blob === null ? `${payload.length} characters` : `${blob.bytes} bytes`;
}

/** Reached nodes in the order of the graph, each with the steps inside of it behind it. */
function idsInOrder({ graph, records }: ReadRun): string[] {
  const ids = [...records.keys()];
  const steps = Map.groupBy(
    ids.filter((id) => !graph.byId.has(id)),
    (id) => id.slice(0, id.indexOf('/')),
  );
  return graph.nodes.flatMap(({ id }) => (records.has(id) ? [id, ...(steps.get(id) ?? [])] : []));
}

function definitionDifferences(before: WorkflowVersion, after: WorkflowVersion): DefinitionDifference[] {
  const known = new Set(before.definition.nodes.map(({ id }) => id));
  const added = after.definition.nodes.filter(({ id }) => !known.has(id));
  return [
    ...differences(before.definition, after.definition, known),
    ...added.map(({ id }): DefinitionDifference => ({ nodeId: id, kind: 'added' })),
  ];
}

function factsOf(record: NodeRun | undefined, read: ReadRun): NodeFacts | null {
  if (record === undefined) return null;
  const { status, startedAt, finishedAt, iterates, currentIteration, totalIterations, failure, warnings } = record;
  const origin = takenOverFrom(record);
  return {
    ...{ status, startedAt, finishedAt, iterates, currentIteration, totalIterations },
    figures: {
      queueMs: origin === null ? queueMs(record, read) : null,
      durationMs: between(startedAt, finishedAt),
      attempts: record.attempts,
      inputTokens: record.usage?.inputTokens ?? 0,
      outputTokens: record.usage?.outputTokens ?? 0,
      cost: record.usage?.cost ?? null,
      warnings: warnings.length,
    },
    warnings: warnings.slice(0, MAX_WARNINGS),
    failure: failure?.message ?? null,
    takenOverFrom: origin,
  };
}

function takenOverFrom({ warnings }: NodeRun): string | null {
  const origin = warnings.find(({ params }) => params?.['taken_over_from'] !== undefined);
  return origin === undefined ? null : String(origin.params!['taken_over_from']);
}

/** Milliseconds from when the last node before it had ended, or from when the run was accepted, until it began. */
function queueMs({ nodeId, startedAt }: NodeRun, { run, graph, records }: ReadRun): number | null {
  const node = graph.byId.get(nodeId);
  if (node === undefined || startedAt === null) return null;
  const edges = [...node.after, ...node.inputs.flatMap((socket) => socket.edges)];
  const ends = edges.map(({ from }) => records.get(from.id)?.finishedAt ?? 0);
  return Math.max(0, startedAt - Math.max(run.createdAt, ...ends));
}

function totalsOf({ run, graph, records }: ReadRun): Figures {
  const nodes = [...records.values()].filter(({ nodeId }) => graph.byId.has(nodeId));
  const sum = (of: (record: NodeRun) => number) => nodes.reduce((total, record) => total + of(record), 0);
  return {
    queueMs: between(run.createdAt, run.startedAt),
    durationMs: between(run.startedAt, run.finishedAt),
    attempts: sum((record) => (takenOverFrom(record) === null ? record.attempts : 0)),
    inputTokens: sum(({ usage }) => usage?.inputTokens ?? 0),
    outputTokens: sum(({ usage }) => usage?.outputTokens ?? 0),
    cost: run.cost,
    warnings: sum(({ warnings }) => warnings.length),
  };
}

const between = (from: number | null, to: number | null): number | null =>
  from === null || to === null ? null : to - from;

function changeOf({ before, after }: Sides<Figures>): FigureDifferences {
  return {
    queueMs: between(before.queueMs, after.queueMs),
    durationMs: between(before.durationMs, after.durationMs),
    attempts: after.attempts - before.attempts,
    inputTokens: after.inputTokens - before.inputTokens,
    outputTokens: after.outputTokens - before.outputTokens,
    cost: before.cost === null || after.cost === null ? null : new Big(after.cost).minus(before.cost).toFixed(),
    warnings: after.warnings - before.warnings,
  };
}

/** A difference as it is told: values that are too long are cut. */
function told(difference: JsonDifference): ToldDifference {
  const cut: ('before' | 'after')[] = [];
  const shortened = (side: 'before' | 'after', value: JsonValue): JsonValue => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text.length <= MAX_VALUE_CHARACTERS) return value;
    cut.push(side);
    return text.slice(0, MAX_VALUE_CHARACTERS);
  };
  const { kind, path } = difference;
  const before = kind === 'added' ? null : shortened('before', difference.before);
  const after = kind === 'removed' ? null : shortened('after', difference.after);
  if (kind === 'added') return { kind, path, after, cut };
  return kind === 'removed' ? { kind, path, before, cut } : { kind, path, before, after, cut };
}
