import type { Attempt, ModelCallRecord } from '../domain/attempt.ts';
import type { NodeDefinition } from '../domain/definition.ts';
import type { Failure } from '../domain/failure.ts';
import { type Iteration, isSettled, type NodeRun } from '../domain/node-run.ts';
import { isTerminal, type Run, type Usage } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { TraceContext } from '../domain/trace.ts';
import { spanIdOf } from '../system/derived-id.ts';
import type { Attributes, Span } from './span.ts';

/** A run as its spans are made of it, after its end. */
export interface TracedRun {
  readonly run: Run;
  readonly workflowName: string;
  readonly nodes: readonly NodeDefinition[];
  readonly nodeRuns: readonly NodeRun[];
  /** Of nodes that iterate. */
  readonly iterations: readonly Iteration[];
  readonly attempts: readonly Attempt[];
  readonly logs: readonly RunLog[];
  /** When the run at the root ended: what lies below it has ended by then, whatever its own record says. */
  readonly endedBy: number;
  /** Input and output as JSON texts, where contents are exported. */
  readonly content: { readonly input: string; readonly output: string | null } | null;
}

/** A pass of a node that invoked a run: its span is there, if only for the run's to hang below. */
export interface InvokingTry {
  readonly nodeId: string;
  readonly iteration: number;
  readonly attempt: number;
  readonly startedAt: number;
}

/** What model providers are called in traces, by their protocol; others go by the name that they were given. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  openai: 'openai',
  azure: 'azure.ai.openai',
  anthropic: 'anthropic',
  google: 'gcp.gemini',
  mistral: 'mistral_ai',
  bedrock: 'aws.bedrock',
};

/** Events of one span: what a collector takes without cutting (128 is the default limit of the SDKs). */
const MAX_EVENTS = 128;

/**
 * The spans of a run: one for the run, and below it one for each node that ran, for each pass of a node that iterates, for each try, and for each call
 * of a model. They follow from the run's record alone, ids included: made again they are the same.
 *
 * Attributes are those of the OpenTelemetry conventions for generative AI where there are any (semantic conventions 1.41), and `millrun.*` otherwise.
 */
export function spansOfRun(given: TracedRun, invoked: readonly InvokingTry[] = []): Span[] {
  const record = atEnd(given);
  const { run } = record;
  if (run.trace === null) return [];
  const own = new RunSpans(record, run.trace);
  const spans: Span[] = [own.run()];
  const definitions = new Map(record.nodes.map((node) => [node.id, node]));
  const iterations = Map.groupBy(record.iterations, ({ nodeId }) => nodeId);
  const attempts = Map.groupBy(record.attempts, ({ nodeId }) => nodeId);
  const invokedBy = Map.groupBy(invoked, ({ nodeId }) => nodeId);
  for (const nodeRun of record.nodeRuns) {
    const { nodeId, status, startedAt } = nodeRun;
    const node = definitions.get(nodeId);
    if (status === 'skipped' || startedAt === null) continue;
    if (node === undefined) {
      spans.push(own.step(nodeRun, definitions, attempts));
      continue;
    }
    spans.push(own.node(nodeRun, node));
    const ofNode = attempts.get(nodeId) ?? [];
    const passes = nodeRun.iterates ? (iterations.get(nodeId) ?? []) : [];
    for (const pass of passes) spans.push(own.iteration(nodeRun, node, pass, ofNode));
    const hasPass = new Set(passes.map(({ iteration }) => iteration));
    for (const attempt of ofNode) {
      spans.push(own.attempt(node, begunBy(attempt, invokedBy.get(nodeId) ?? []), hasPass.has(attempt.iteration)));
      spans.push(...attempt.modelCalls.map((call, index) => own.modelCall(attempt, call, index + 1)));
    }
    const made = new Set(ofNode.map(({ iteration, attempt }) => `${iteration} ${attempt}`));
    for (const attempt of brokenOff(nodeRun, invokedBy.get(nodeId) ?? [], made)) {
      spans.push(own.brokenAttempt(nodeRun, node, attempt, hasPass.has(attempt.iteration)));
    }
  }
  return spans;
}

/** What lies below a run that ended is stopped right after it; some of it may not have heard yet. */
function atEnd(record: TracedRun): TracedRun {
  const { run, nodeRuns, endedBy: finishedAt } = record;
  if (isTerminal(run.status)) return record;
  return {
    ...record,
    run: { ...run, status: 'canceled', finishedAt },
    nodeRuns: nodeRuns.map((one) => (isSettled(one.status) ? one : { ...one, status: 'canceled', finishedAt })),
  };
}

/** Tries that were under way when the run ended: nobody recorded their end, but others may hang below them. */
function brokenOff(nodeRun: NodeRun, invoked: readonly InvokingTry[], made: ReadonlySet<string>): InvokingTry[] {
  const open = new Map<string, InvokingTry>();
  const { nodeId, startedAt, status, iterates } = nodeRun;
  if (status === 'canceled' && !iterates) {
    const attempt = nodeRun.attempts + 1;
    open.set(`0 ${attempt}`, { nodeId, iteration: 0, attempt, startedAt: startedAt ?? 0 });
  }
  for (const one of invoked) {
    const key = `${one.iteration} ${one.attempt}`;
    const known = open.get(key);
    if (known === undefined || known.startedAt > one.startedAt) open.set(key, one);
  }
  return [...open].flatMap(([key, one]) => (made.has(key) ? [] : [one]));
}

/** A try that invoked runs one after the other began with the first of them; what is recorded is when the last began. */
function begunBy(made: Attempt, invoked: readonly InvokingTry[]): Attempt {
  const own = invoked.filter(({ iteration, attempt }) => iteration === made.iteration && attempt === made.attempt);
  return { ...made, startedAt: Math.min(made.startedAt, ...own.map(({ startedAt }) => startedAt)) };
}

class RunSpans {
  readonly #record: TracedRun;
  readonly #trace: TraceContext;
  readonly #logs: ReadonlyMap<string, readonly RunLog[]>;

  constructor(record: TracedRun, trace: TraceContext) {
    this.#record = record;
    this.#trace = trace;
    this.#logs = Map.groupBy(record.logs, ({ nodeId }) => nodeId ?? '');
  }

  run(): Span {
    const { run, workflowName, content } = this.#record;
    const { parent } = run;
    const above =
      parent === null
        ? this.#trace.parentSpanId
        : spanIdOf(parent.runId, { nodeId: parent.nodeId, iteration: parent.iteration, attempt: parent.attempt });
    return this.#span(spanIdOf(run.id, {}), above, `invoke_workflow ${workflowName}`, {
      kind: parent === null && above !== null ? 'server' : 'internal',
      startedAt: run.createdAt,
      finishedAt: run.finishedAt,
      failure: run.failure,
      status: run.status,
      attributes: {
        'gen_ai.operation.name': 'invoke_workflow',
        'gen_ai.workflow.name': workflowName,
        'millrun.run.id': run.id,
        'millrun.run.status': run.status,
        'millrun.run.source': run.source,
        'millrun.workflow.id': run.workflowId,
        'millrun.workflow.version_id': run.workflowVersionId,
        'millrun.workspace.id': run.workspaceId,
        ...(run.clientRef === null ? {} : { 'millrun.run.client_ref': run.clientRef }),
        ...(run.cost === null ? {} : { 'millrun.cost_usd': Number(run.cost) }),
        ...(content === null ? {} : { 'millrun.input': content.input }),
        ...(content?.output ? { 'millrun.output': content.output } : {}),
      },
      logs: this.#logs.get('') ?? [],
    });
  }

  node(nodeRun: NodeRun, node: NodeDefinition): Span {
    const { nodeId, usage } = nodeRun;
    return this.#span(this.#id({ nodeId }), this.#id({}), node.name === '' ? nodeId : node.name, {
      kind: 'internal',
      startedAt: nodeRun.startedAt ?? 0,
      finishedAt: nodeRun.finishedAt,
      failure: nodeRun.failure,
      status: nodeRun.status,
      attributes: {
        ...this.#aboutNode(node),
        'millrun.node.status': nodeRun.status,
        'millrun.node.attempts': nodeRun.attempts,
        ...(nodeRun.iterates ? { 'millrun.node.iterations': nodeRun.totalIterations } : {}),
        ...(usage?.cost ? { 'millrun.cost_usd': Number(usage.cost) } : {}),
        ...this.#contentOf(nodeRun),
      },
      logs: (this.#logs.get(nodeId) ?? []).filter(({ iteration }) => iteration === 0),
    });
  }

  iteration(nodeRun: NodeRun, node: NodeDefinition, pass: Iteration, attempts: readonly Attempt[]): Span {
    const { nodeId, iteration } = pass;
    // What is recorded of a pass is its last try.
    const began = attempts.filter((one) => one.iteration === iteration).map(({ startedAt }) => startedAt);
    const startedAt = Math.max(nodeRun.startedAt ?? 0, Math.min(pass.startedAt, ...began));
    return this.#span(this.#id({ nodeId, iteration }), this.#id({ nodeId }), `${node.name} #${iteration}`, {
      kind: 'internal',
      startedAt,
      finishedAt: pass.finishedAt,
      failure: pass.failure,
      status: pass.status,
      attributes: {
        ...this.#aboutNode(node),
        'millrun.iteration': iteration,
        'millrun.node.attempts': pass.attempts,
        ...this.#contentOf(pass),
      },
      logs: (this.#logs.get(nodeId) ?? []).filter((log) => log.iteration === iteration),
    });
  }

  attempt(node: NodeDefinition, one: Attempt, hasPass: boolean): Span {
    const { nodeId, iteration, attempt } = one;
    const above = hasPass ? this.#id({ nodeId, iteration }) : this.#id({ nodeId });
    const name = `${node.name} attempt ${attempt}`;
    return this.#span(this.#id({ nodeId, iteration, attempt }), above, name, {
      kind: 'internal',
      startedAt: one.startedAt,
      finishedAt: one.finishedAt,
      failure: one.failure,
      status: one.failure === null ? 'succeeded' : 'failed',
      attributes: {
        ...this.#aboutNode(node),
        ...(iteration === 0 ? {} : { 'millrun.iteration': iteration }),
        'millrun.attempt': attempt,
        ...(node.type === 'AgentNode'
          ? { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': node.name, ...tokens(one.usage) }
          : {}),
      },
      logs: [],
    });
  }

  brokenAttempt(nodeRun: NodeRun, node: NodeDefinition, one: InvokingTry, hasPass: boolean): Span {
    const { nodeId, iteration, attempt } = one;
    const above = hasPass ? this.#id({ nodeId, iteration }) : this.#id({ nodeId });
    return this.#span(this.#id({ nodeId, iteration, attempt }), above, `${node.name} attempt ${attempt}`, {
      kind: 'internal',
      startedAt: one.startedAt,
      finishedAt: nodeRun.finishedAt,
      failure: null,
      status: 'canceled',
      attributes: {
        ...this.#aboutNode(node),
        ...(iteration === 0 ? {} : { 'millrun.iteration': iteration }),
        'millrun.attempt': attempt,
        'millrun.attempt.canceled': true,
      },
      logs: [],
    });
  }

  modelCall(one: Attempt, call: ModelCallRecord, place: number): Span {
    const { nodeId, iteration, attempt } = one;
    const { operation, model, protocol, said } = call;
    const provider = PROVIDER_NAMES[protocol] ?? call.provider;
    const above = this.#id({ nodeId, iteration, attempt });
    return this.#span(this.#id({ nodeId, iteration, attempt, call: place }), above, `${operation} ${model}`, {
      kind: 'client',
      startedAt: call.startedAt,
      finishedAt: call.finishedAt,
      failure: call.failure,
      status: call.failure === null ? 'succeeded' : 'failed',
      attributes: {
        'gen_ai.operation.name': operation,
        'gen_ai.provider.name': provider,
        // What it was called before 1.37, which many tools still read.
        'gen_ai.system': provider,
        'gen_ai.request.model': model,
        ...tokens(call.usage),
        ...(call.usage?.cost ? { 'millrun.cost_usd': Number(call.usage.cost) } : {}),
        ...(said === null
          ? {}
          : { 'gen_ai.input.messages': messages(said.input), 'gen_ai.output.messages': messages(said.output) }),
      },
      logs: [],
    });
  }

  /** What a node did inside: it hangs below the try that was under way when it began. */
  step(
    record: NodeRun,
    nodes: ReadonlyMap<string, NodeDefinition>,
    attempts: ReadonlyMap<string, readonly Attempt[]>,
  ): Span {
    const { nodeId: id, startedAt, finishedAt, status, failure } = record;
    const slash = id.lastIndexOf('/');
    const nodeId = id.slice(0, slash);
    const node = nodes.get(nodeId);
    const [, iteration = '0'] = /^item(\d+)\./.exec(id.slice(slash + 1)) ?? [];
    const under = (attempts.get(nodeId) ?? [])
      .filter((one) => one.iteration === Number(iteration) && one.startedAt <= (startedAt ?? 0))
      .at(-1);
    const above =
      under === undefined
        ? this.#id({ nodeId })
        : this.#id({ nodeId, iteration: under.iteration, attempt: under.attempt });
    const [, place = '', name = ''] = /(?:^|\.)\d{3}\.(\d{2})\.(.+)$/.exec(id.slice(slash + 1)) ?? [];
    const isTool = node?.type === 'AgentNode' && name !== '' && place !== '00';
    return this.#span(this.#id({ nodeId: id }), above, isTool ? `execute_tool ${name}` : id, {
      kind: 'internal',
      startedAt: startedAt ?? 0,
      finishedAt,
      failure,
      status,
      attributes: {
        'millrun.node.id': id,
        'millrun.node.status': status,
        ...(isTool ? { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name } : {}),
        ...this.#contentOf(record),
      },
      logs: this.#logs.get(id) ?? [],
    });
  }

  #aboutNode(node: NodeDefinition): Attributes {
    return { 'millrun.node.id': node.id, 'millrun.node.type': node.type, 'millrun.run.id': this.#record.run.id };
  }

  /** Payloads that lie in blobs are left where they are: a span is no place for megabytes. */
  #contentOf({ inputs, outputs }: Pick<NodeRun, 'inputs' | 'outputs'>): Attributes {
    if (this.#record.content === null) return {};
    return {
      ...(inputs === null || inputs.startsWith('@') ? {} : { 'millrun.input': inputs }),
      ...(outputs === null || outputs.startsWith('@') ? {} : { 'millrun.output': outputs }),
    };
  }

  #id(place: Parameters<typeof spanIdOf>[1]): string {
    return spanIdOf(this.#record.run.id, place);
  }

  #span(
    spanId: string,
    parentSpanId: string | null,
    name: string,
    about: {
      readonly kind: Span['kind'];
      readonly startedAt: number;
      readonly finishedAt: number | null;
      readonly failure: Failure | null;
      readonly status: string;
      readonly attributes: Attributes;
      readonly logs: readonly RunLog[];
    },
  ): Span {
    const { endedBy } = this.#record;
    const finishedAt = Math.min(about.finishedAt ?? endedBy, endedBy);
    const failed = about.status === 'failed' ? about.failure : null;
    return {
      traceId: this.#trace.traceId,
      spanId,
      parentSpanId,
      name,
      kind: about.kind,
      startedAt: Math.min(about.startedAt, finishedAt),
      finishedAt,
      attributes: { ...about.attributes, ...(failed === null ? {} : { 'error.type': failed.code }) },
      events: about.logs.slice(0, MAX_EVENTS).map(({ at, level, message }) => ({
        name: 'log',
        at,
        attributes: { 'log.severity': level, 'log.message': message },
      })),
      error: about.status === 'failed' ? (failed?.message ?? 'It failed.') : null,
    };
  }
}

function tokens(usage: Usage | null): Attributes {
  if (usage === null) return {};
  return { 'gen_ai.usage.input_tokens': usage.inputTokens, 'gen_ai.usage.output_tokens': usage.outputTokens };
}

/** Messages in the form of the conventions: a list of parts each. What a secret was taken out of may be no JSON any more, and is sent as it is. */
function messages(text: string): string {
  let list: readonly Readonly<Record<string, unknown>>[];
  try {
    list = JSON.parse(text);
  } catch {
    return text;
  }
  const inParts = list.map(({ content, ...message }) => ({
    ...message,
    parts: typeof content === 'string' ? [{ type: 'text', content }] : content,
  }));
  return JSON.stringify(inParts);
}
