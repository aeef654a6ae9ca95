import { createHash } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';
import { slugOf } from '../domain/slug.ts';
import type { TakenSpan } from '../domain/taken-span.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';
import { Payloads } from '../engine/payloads.ts';
import type { Change, Write } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import { tracedRunId, tracedWorkflowId } from '../system/derived-id.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import type { Keyring } from './keyring.ts';
import { arrange, logsOf, nameOf, runOf, type TakenTrace } from './taken-run.ts';

/** `Run.source` of runs that were made elsewhere. */
const SOURCE = 'otlp';

/** Spans of one trace that are kept: more of them no page shows, and each arrival reads them all. */
const MAX_SPANS = 10_000;

/** Characters of JSON of one trace that are kept, for the same reason: all of it is in memory then. A request brings as many at most. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** Milliseconds without a new span after which a trace without a root is taken as it is. Exporters send every 5 s, collectors every 10 s or less. */
const QUIET_MS = 30_000;

const SWEEP_EVERY_MS = 10_000;

/** Traces that one sweep deals with. */
const SWEPT_AT_ONCE = 500;

/** Attempts at making a run of a trace while others make it too. */
const TRIES = 20;

/** What became of spans. */
export interface Taken {
  readonly rejected: number;
  readonly reason: string | null;
}

/**
 * Makes finished runs of the traces of other programs.
 *
 * Spans are kept as they come, each under its id, and a run is made of all that there are of its trace once the root is among them, or once nothing more
 * has come for a while; those that come later make it anew. So the run is the same in whichever order, in however many requests and however often they come.
 * A trace in which nothing has to do with models is let go of.
 */
export class TakenTraces {
  readonly #store: Store;
  readonly #payloads: Payloads;
  readonly #keyring: Keyring;
  readonly #system: System;
  readonly #log: Log;
  readonly #maxCharacters: number;
  /** Traces in hand: one step at a time for each. */
  readonly #inHand = new Map<string, Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<unknown> = Promise.resolve();
  #isStopping = false;

  constructor(parts: {
    store: Store;
    payloads: Payloads;
    keyring: Keyring;
    system: System;
    log: Log;
    /** Characters of JSON of one trace that are kept. */
    maxCharacters?: number;
  }) {
    this.#store = parts.store;
    this.#payloads = parts.payloads;
    this.#keyring = parts.keyring;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#maxCharacters = parts.maxCharacters ?? MAX_CHARACTERS;
  }

  /** Looks for traces that have become quiet, those of the last process among them. */
  start(): void {
    this.#timer = setTimeout(() => {
      this.#sweeping = this.sweep()
        .catch((error: unknown) => this.#log.error({ err: error }, 'traces that wait could not be read; trying again'))
        .then(() => {
          if (!this.#isStopping) this.start();
        });
    }, SWEEP_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  /** @throws PlatformError `forbidden` */
  demand(caller: Caller): void {
    demand(caller, 'runs:create');
  }

  /** Keeps spans; they are on disk when it resolves, and runs are made of the traces whose roots are known. */
  async take(caller: Caller, spans: readonly TakenSpan[]): Promise<Taken> {
    this.demand(caller);
    const redactor = await this.#keyring.redactorOf(caller.workspaceId);
    const clean = (span: TakenSpan): TakenSpan =>
      redactor === null ? span : (redactor.value(span as unknown as JsonValue) as unknown as TakenSpan);
    let rejected = 0;
    for (const [traceId, ofTrace] of Map.groupBy(spans, (span) => span.traceId)) {
      rejected += await this.#inTurn(`${caller.workspaceId} ${traceId}`, () =>
        this.#takeTrace(caller, traceId, ofTrace.map(clean)),
      );
    }
    if (rejected === 0) return { rejected, reason: null };
    const most = `${MAX_SPANS} spans and ${this.#maxCharacters} characters of JSON`;
    return { rejected, reason: `A trace has ${most} at most here. Spans beyond were left out.` };
  }

  /** Makes runs of traces that nothing more is expected of, and lets go of those that are about no model. @returns how many there were */
  async sweep(): Promise<number> {
    const pending = await this.#store.pendingTraces(this.#system.now() - QUIET_MS, SWEPT_AT_ONCE);
    for (const { workspaceId, traceId } of pending) {
      if (this.#isStopping) break;
      // One that nothing can be made of must not keep the others from it.
      await this.#inTurn(`${workspaceId} ${traceId}`, () => this.#make(workspaceId, traceId, [], true, null)).catch(
        (error: unknown) => this.#log.error({ err: error, traceId }, 'no run could be made of a trace; trying again'),
      );
    }
    return pending.length;
  }

  /** @returns how many were not kept */
  async #takeTrace({ workspaceId, keyId }: Caller, traceId: string, given: readonly TakenSpan[]): Promise<number> {
    const { spans: known, runId } = await this.#store.takenTrace(workspaceId, traceId);
    const texts = new Map(known.map((span) => [span.spanId, JSON.stringify(span)]));
    let characters = [...texts.values()].reduce((sum, text) => sum + text.length, 0);
    const kept: TakenSpan[] = [];
    let beyond = 0;
    for (const [spanId, span] of new Map(given.map((one) => [one.spanId, one]))) {
      const text = JSON.stringify(span);
      const before = texts.get(spanId);
      if (before === text) continue;
      const more = text.length - (before?.length ?? 0);
      if ((before === undefined && texts.size >= MAX_SPANS) || (more > 0 && characters + more > this.#maxCharacters)) {
        beyond += 1;
        continue;
      }
      texts.set(spanId, text);
      characters += more;
      kept.push(span);
    }
    // A repetition changes nothing; one that a crash cut off before the run was made is made good.
    if (kept.length === 0 && (runId !== null || known.length === 0)) return beyond;
    const at = this.#system.now();
    if (kept.length > 0)
      await this.#store.commit([{ kind: 'putOtlpSpans', workspaceId, runId: null, spans: kept, at }]);
    await this.#make(workspaceId, traceId, kept, runId !== null, keyId);
    return beyond;
  }

  /**
   * Makes the run of a trace, or makes it anew.
   * @param own spans that must be among those it is made of, although another process may have made it without them
   */
  async #make(
    workspaceId: string,
    traceId: string,
    own: readonly TakenSpan[],
    isComplete: boolean,
    keyId: string | null,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { spans: read, runId } = await this.#store.takenTrace(workspaceId, traceId);
      const all = [...new Map([...read, ...own].map((span) => [span.spanId, span])).values()];
      const spans = all.toSorted((a, b) => a.startedAt - b.startedAt || (a.spanId < b.spanId ? -1 : 1));
      if (!spans.some(({ isGenAi }) => isGenAi)) {
        if (isComplete) await this.#store.commit([{ kind: 'dropOtlpSpans', workspaceId, traceId }]);
        return;
      }
      const trace = arrange(spans, isComplete || runId !== null);
      if (trace === null) return;
      const before = runId === null ? null : await this.#store.getRun(workspaceId, runId);
      try {
        const change = await this.#changeOf(workspaceId, trace, spans, before, keyId);
        const result = await this.#store.commit(
          Payloads.needsMove(change) ? await this.#payloads.moveOut(change) : change,
        );
        if (result === 'kept') return;
      } catch (error) {
        // Another process made it at the same time: then there is one now.
        if (attempt >= TRIES || before !== null) throw error;
        if ((await this.#store.takenTrace(workspaceId, traceId)).runId === null) throw error;
      }
      if (attempt >= TRIES)
        throw new Error(`The run of trace ${traceId} could not be written, since others wrote it all the time.`);
    }
  }

  async #changeOf(
    workspaceId: string,
    trace: TakenTrace,
    spans: readonly TakenSpan[],
    before: Run | null,
    keyId: string | null,
  ): Promise<Change> {
    const { root } = trace;
    const workflow = await this.#workflowOf(workspaceId, root, keyId);
    const { nodeRuns, ...made } = runOf(trace);
    const runId = before?.id ?? tracedRunId(workspaceId, root.traceId, root.startedAt);
    const run: Run = {
      id: runId,
      workspaceId,
      kind: 'flow',
      workflowId: workflow.id,
      workflowVersionId: workflow.currentVersionId,
      versionPinned: false,
      // The one in between is that of the write which rests on nobody else having written it.
      revision: before === null ? 0 : before.revision + 2,
      progress: 100,
      nodesTotal: nodeRuns.length,
      nodesCompleted: nodeRuns.length,
      source: SOURCE,
      nodeIds: null,
      singleNodeId: null,
      parent: null,
      subflows: null,
      context: null,
      clientRef: null,
      batchId: null,
      requestId: null,
      feedback: before?.feedback ?? null,
      dialect: 'noxus',
      callbackUrl: null,
      apiKeyId: before?.apiKeyId ?? keyId,
      tracing: false,
      trace: { traceId: root.traceId, parentSpanId: root.parentSpanId },
      debugger: null,
      ...made,
    };
    const replaced: Write[] =
      before === null
        ? []
        : [
            { kind: 'updateRun', run: { ...before, revision: before.revision + 1 }, before: before.status },
            { kind: 'deleteRun', workspaceId, runId },
          ];
    const logs = logsOf(trace, runId, () => this.#system.newId());
    return [
      ...replaced,
      { kind: 'createRun', run },
      ...nodeRuns.map((nodeRun): Write => ({ kind: 'putNodeRun', workspaceId, runId, nodeRun })),
      ...logs.map((log): Write => ({ kind: 'appendLog', workspaceId, log })),
      { kind: 'putOtlpSpans', workspaceId, runId, spans, at: this.#system.now() },
      {
        kind: 'appendEvent',
        event: {
          workspaceId,
          runId,
          workflowId: run.workflowId,
          at: run.finishedAt ?? run.createdAt,
          kind: 'finished',
          data: { status: run.status, progress: 100 },
        },
      },
    ];
  }

  /** The workflow that holds the runs of one program and one name. It has no nodes and says that it cannot be run. */
  async #workflowOf(workspaceId: string, root: TakenSpan, keyId: string | null): Promise<Workflow> {
    const { service, name } = nameOf(root);
    const id = tracedWorkflowId(workspaceId, service, name);
    const known = await this.#store.getWorkflow(workspaceId, id);
    if (known !== null) return known;
    const now = this.#system.now();
    const document = '{"nodes":[],"edges":[]}';
    const message = `Runs of "${name}" were made by "${service}" and taken in as traces: there is nothing here that could be run.`;
    const version: WorkflowVersion = {
      id: this.#system.newId(),
      workspaceId,
      workflowId: id,
      name: null,
      description: null,
      createdAt: now,
      createdBy: keyId,
      definition: { nodes: [], edges: [] },
      document,
      hash: createHash('sha256').update(document).digest('hex'),
      validation: [
        {
          type: 'made_elsewhere',
          message,
          hint: `Run it where "${service}" runs.`,
          nodeId: null,
          edgeId: null,
          severity: 'incomplete',
        },
      ],
    };
    const workflow: Workflow = {
      id,
      workspaceId,
      name: `${service}: ${name}`,
      kind: 'flow',
      slug: `${slugOf(`${service} ${name}`).slice(0, 150)}-${id.slice(-12)}`,
      type: 'flow',
      description: `Runs that "${service}" made, taken in as OpenTelemetry traces.`,
      currentVersionId: version.id,
      errorHandlerId: null,
      settings: {},
      meta: { source: SOURCE, service },
      profile: {},
      authorName: null,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
      revision: 1,
    };
    const change: Change = [
      { kind: 'createWorkflow', workflow },
      { kind: 'createVersion', version },
    ];
    const result = await this.#store.commit(change).catch((error: unknown) => error);
    if (result === 'kept') return workflow;
    const made = await this.#store.getWorkflow(workspaceId, id);
    if (made !== null) return made;
    throw result instanceof Error ? result : new Error(`The workflow ${id} of taken traces could not be made.`);
  }

  /** One step at a time for each trace, in the order in which they are asked for. */
  async #inTurn<T>(key: string, step: () => Promise<T>): Promise<T> {
    const before = this.#inHand.get(key) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(step);
    this.#inHand.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#inHand.get(key) === mine) this.#inHand.delete(key);
    }
  }
}
