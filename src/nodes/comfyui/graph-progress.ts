import type { Failure } from '../../domain/failure.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { LogLevel } from '../../domain/run-log.ts';
import type { NodeStep } from '../node-type.ts';
import type { ComfyuiEvent, HistoryEntry } from './comfyui-client.ts';
import { type Graph, nodeName } from './graph.ts';

/** Steps are told at most this often: a sampler of 100 steps says more than 100 things a second. */
const REPORT_EVERY_MS = 200;

/** A node with fewer steps than this is done too soon for lines on how far it is. */
const LEAST_LOGGED_STEPS = 10;

/** How a step ends that was running when its prompt ended. */
type Ending = 'succeeded' | 'failed' | 'canceled';

interface Reports {
  /** Epoch milliseconds. */
  now(): number;
  log(level: LogLevel, message: string, meta?: JsonObject): void;
  steps(steps: readonly NodeStep[], progress: { readonly total: number; readonly completed: number }): void;
}

/**
 * What becomes of the nodes of one prompt, as its events tell it: steps and lines of the run's log. Events may be missing (a dropped
 * websocket), and may come twice (the history repeats some): what is told last counts.
 */
export class GraphProgress {
  readonly #prompt: Graph;
  readonly #reports: Reports;
  readonly #steps = new Map<string, NodeStep>();
  readonly #changed = new Set<string>();
  /** Tenths that were logged, by node. */
  readonly #tenths = new Map<string, number>();
  readonly #logged = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #startedAt: number | null = null;
  /** The server tells the states of all nodes together; then `executing` alone ends none. */
  #tellsStates = false;

  constructor(prompt: Graph, reports: Reports) {
    this.#prompt = prompt;
    this.#reports = reports;
  }

  /** When execution began, epoch milliseconds; null when that was not heard. */
  get startedAt(): number | null {
    return this.#startedAt;
  }

  apply({ type, data }: ComfyuiEvent): void {
    // By the platform's clock: the server's, which some events carry, may be another.
    const at = this.#reports.now();
    switch (type) {
      case 'execution_start':
        this.#startedAt ??= at;
        this.#logOnce(type, 'info', 'ComfyUI began to execute the graph.');
        break;
      case 'execution_cached':
        this.#cached(data['nodes'], at);
        break;
      case 'executing':
        this.#executing(data, at);
        break;
      case 'progress':
        this.#tell(idOf(data['node']), data['value'], data['max']);
        break;
      case 'progress_state':
        this.#states(data['nodes'], at);
        break;
      case 'executed':
        this.#executed(this.#stepOf(data['node'], data['display_node']), data['output'], at);
        break;
      case 'execution_error':
        this.#failed(data, at);
        break;
      case 'execution_interrupted':
        if (this.#steps.get(idOf(data['node_id']))?.status !== 'canceled')
          this.#put(idOf(data['node_id']), { status: 'canceled', finishedAt: at });
        this.#logOnce(type, 'warning', 'ComfyUI interrupted the graph.');
        break;
      default:
        return;
    }
    this.#report();
  }

  /** Takes in how the prompt ended, with what was not heard on the way, and tells what is left to tell. */
  finish(entry: HistoryEntry): void {
    for (const message of entry.messages) this.apply(message);
    for (const [id, output] of Object.entries(entry.outputs)) {
      if (this.#steps.get(id)?.outputs == null) this.#executed(id, output, this.#reports.now());
    }
    const wasInterrupted = entry.messages.some(({ type }) => type === 'execution_interrupted');
    this.end(entry.succeeded ? 'succeeded' : wasInterrupted ? 'canceled' : 'failed');
  }

  /** Ends what runs. Nothing is told after it. */
  end(ending: Ending): void {
    const at = this.#reports.now();
    for (const [id, step] of this.#steps)
      if (step.status === 'running') this.#put(id, { status: ending, finishedAt: at });
    this.#flush(ending === 'succeeded');
  }

  #cached(nodes: JsonValue | undefined, at: number): void {
    const ids = (Array.isArray(nodes) ? nodes : []).map(idOf).filter((id) => this.#steps.get(id)?.status !== 'cached');
    for (const id of ids) this.#put(id, { status: 'cached', startedAt: at, finishedAt: at });
    if (ids.length > 0)
      this.#logOnce('cached', 'info', `ComfyUI has ${ids.length} nodes in its cache.`, { nodes: ids });
  }

  #executing(data: JsonObject, at: number): void {
    const id = this.#stepOf(data['node'], data['display_node']);
    if (!this.#tellsStates) {
      for (const [other, step] of this.#steps)
        if (step.status === 'running' && other !== id) this.#put(other, { status: 'succeeded', finishedAt: at });
    }
    if (id !== '') this.#start(id, at);
  }

  #states(nodes: JsonValue | undefined, at: number): void {
    if (!isJsonObject(nodes)) return;
    this.#tellsStates = true;
    for (const [node, state] of Object.entries(nodes)) {
      if (!isJsonObject(state)) continue;
      const id = this.#stepOf(node, state['display_node_id']);
      const isInner = id !== node;
      const known = this.#steps.get(id)?.status;
      if (state['state'] === 'running') {
        if (known !== 'running') this.#start(id, at);
        if (!isInner) this.#tell(id, state['value'], state['max']);
      }
      if (state['state'] === 'finished' && known === 'running' && !isInner)
        this.#put(id, { status: 'succeeded', finishedAt: at });
    }
  }

  #executed(id: string, output: JsonValue | undefined, at: number): void {
    const step = this.#steps.get(id);
    const isCached = step?.status === 'cached';
    this.#put(id, {
      ...(isCached ? {} : { status: 'succeeded', finishedAt: at }),
      outputs: isJsonObject(output) ? output : null,
    });
  }

  #failed(data: JsonObject, at: number): void {
    const id = idOf(data['node_id']);
    if (this.#steps.get(id)?.status === 'failed') return;
    const failure = executionFailure(data, this.#prompt);
    this.#put(id, { status: 'failed', finishedAt: at, failure });
    const { node_id = null, node_type = null, exception_type = null, traceback = null } = data;
    this.#logOnce(`error ${id}`, 'error', failure.message, { node: node_id, node_type, exception_type, traceback });
  }

  #start(id: string, at: number): void {
    const status = this.#steps.get(id)?.status;
    this.#put(id, { status: 'running', startedAt: this.#steps.get(id)?.startedAt ?? at, finishedAt: null });
    if (status === undefined) this.#log('info', `Node ${nodeName(id, this.#prompt[id])} began.`, { node: id });
  }

  /** Writes a line for each tenth that a node has come further. */
  #tell(id: string, value: JsonValue | undefined, max: JsonValue | undefined): void {
    if (typeof value !== 'number' || typeof max !== 'number' || max < LEAST_LOGGED_STEPS) return;
    const tenth = Math.floor((10 * value) / max);
    if (tenth <= (this.#tenths.get(id) ?? 0)) return;
    this.#tenths.set(id, tenth);
    this.#log('info', `Node ${nodeName(id, this.#prompt[id])}: ${tenth * 10} %`, { node: id, value, max });
  }

  /** The node of the prompt that an event is about: a node that came about while it ran is shown as the one that made it. */
  #stepOf(node: JsonValue | undefined, shownAs: JsonValue | undefined): string {
    const id = idOf(node);
    return Object.hasOwn(this.#prompt, id) ? id : idOf(shownAs) || id;
  }

  #put(id: string, change: Partial<NodeStep>): void {
    const node = this.#prompt[id];
    if (node === undefined) return;
    const blank: NodeStep = {
      id,
      status: 'running',
      startedAt: null,
      finishedAt: null,
      inputs: { class_type: node.class_type, inputs: node.inputs },
      outputs: null,
      failure: null,
    };
    this.#steps.set(id, { ...(this.#steps.get(id) ?? blank), ...change });
    this.#changed.add(id);
  }

  #log(level: LogLevel, message: string, meta?: JsonObject): void {
    this.#reports.log(level, message, meta);
  }

  #logOnce(key: string, level: LogLevel, message: string, meta?: JsonObject): void {
    if (this.#logged.has(key)) return;
    this.#logged.add(key);
    this.#log(level, message, meta);
  }

  #report(): void {
    if (this.#changed.size === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(false), REPORT_EVERY_MS);
  }

  #flush(isDone: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const steps = [...this.#changed].map((id) => this.#steps.get(id)!);
    this.#changed.clear();
    const total = Object.keys(this.#prompt).length;
    // A graph that succeeded has nothing left to do, although ComfyUI never ran the nodes that nothing needed.
    const completed = isDone ? total : [...this.#steps.values()].filter(({ status }) => status !== 'running').length;
    if (steps.length > 0 || isDone) this.#reports.steps(steps, { total, completed });
  }
}

/** What ComfyUI says of a node that threw an exception, as the failure of that node. */
export function executionFailure(data: JsonObject, prompt: Graph): Failure {
  const id = idOf(data['node_id']);
  const { node_type: type, exception_type: kind, exception_message: said } = data;
  const node = prompt[id] === undefined ? `${id} (${String(type ?? 'unknown class')})` : nodeName(id, prompt[id]);
  const what = [kind, typeof said === 'string' ? said.trim() : null].filter((part) => part).join(': ');
  return { code: 'provider', message: `Node ${node} of the ComfyUI graph failed. ${what}`.trim() };
}

/** An id as text; '' for none. */
function idOf(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
