import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edge, node, queuedRun } from '../../test/support/definitions.ts';
import { heldSystem } from '../../test/support/system.ts';
import type { Definition } from '../domain/definition.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { type Iteration, isSettled, type NodeRun } from '../domain/node-run.ts';
import type { PersonRequest, PersonSettlement } from '../domain/person-request.ts';
import type { PriceRule } from '../domain/price-rule.ts';
import { isTerminal, type Run } from '../domain/run.ts';
import type { Task } from '../domain/task.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import {
  type ConnectorSpec,
  failed,
  type NodeInput,
  type NodeType,
  type Outcome,
  succeeded,
} from '../nodes/node-type.ts';
import { many, one } from '../nodes/value-types.ts';
import type { Change } from '../store/change.ts';
import type { LoadedRun } from '../store/store.ts';
import { ActiveRun } from './active-run.ts';
import { compile, type Graph } from './graph.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const RUNS = LONG ? 20_000 : 400;
const RETRIES = 2;
/** Far more steps than the largest scenario has passes and tries: a run that needs more does not end. */
const STEPS = 20_000;

/** How a node behaves, given with its configuration: the same input has the same outcome, whenever it is asked. */
interface Behaviour {
  /** Outputs it takes when it succeeds. */
  readonly takes: readonly ('text' | 'list')[];
  readonly listLength: number;
  /** Of three inputs, how many fail: by their text. */
  readonly failing: number;
  /** Tries that fail before one succeeds, for inputs that fail; more than the retries: it never does. */
  readonly failures: number;
  readonly retryable: boolean;
  /** An effect whose outputs are to be delivered later. */
  readonly later: boolean;
  /** An effect that asks a person: without end, or until a time. */
  readonly asks: 'nobody' | 'ever' | 'until';
}

interface NodeSpec extends Behaviour {
  readonly kind: 'pure' | 'effect' | 'gather' | 'output';
  readonly continueOnError: boolean;
  readonly edges: readonly EdgeSpec[];
}

interface EdgeSpec {
  /** Taken modulo the number of nodes before. */
  readonly from: number;
  readonly output: 'text' | 'list' | 'on_error' | '';
  readonly input: 'must' | 'may' | 'whole';
  readonly optional: boolean;
  readonly orderOnly: boolean;
}

const spec = (name: string, type: ConnectorSpec['type'], optional = false): ConnectorSpec => ({
  name,
  label: name,
  kind: 'connector',
  type,
  optional,
});
const base = {
  title: '',
  description: '',
  category: 'test',
  inputs: [spec('must', one('str')), spec('may', one('str'), true), spec('whole', many('str'), true)],
  outputs: [spec('text', one('str')), spec('list', many('str'))],
  config: {},
} as const;
const retry = { retries: RETRIES, delayMs: 10, factor: 2, maxDelayMs: 100 };
const TYPES: readonly NodeType[] = [
  { ...base, type: 'pure', effect: false, run: (input) => answer(input, RETRIES + 1) },
  { ...base, type: 'gather', effect: false, gathersList: true, run: (input) => answer(input, RETRIES + 1) },
  { ...base, type: 'effect', effect: true, timeoutMs: 1000, retry, run: async (input) => answer(input, 1) },
  outputNode,
];
const catalogue = createCatalogue(TYPES);

/** Charged for the run, and for what it gives. */
const PRICING: readonly PriceRule[] = (['requests', 'images'] as const).map((quantity) => ({
  ...{ id: quantity, effect: 'base', quantity, per: 1, price: '0.1', when: null, tier: null },
  ...{ source: null, disabledAt: null },
}));

/** A short text that differs between different values, so that texts do not grow along the graph. */
function digest(value: JsonValue): number {
  let sum = 7;
  for (const char of JSON.stringify(value)) sum = (sum * 31 + char.charCodeAt(0)) % 1_000_003;
  return sum;
}

function answer(input: NodeInput, attempt: number): Outcome {
  const behaviour = input.config['behaviour'] as unknown as Behaviour;
  const seen = digest([input.nodeId, input.values as JsonObject]);
  if (seen % 3 < behaviour.failing && attempt <= behaviour.failures) {
    return failed({ code: 'provider', message: `Failed on ${seen}.` }, behaviour.retryable);
  }
  const outputs: JsonObject = {};
  for (const name of behaviour.takes) {
    const items = Array.from({ length: behaviour.listLength }, (_, index) => `${seen}.${index}`);
    outputs[name] = name === 'list' ? items : String(seen);
  }
  if (behaviour.asks !== 'nobody') {
    const dueAt = behaviour.asks === 'until' ? 0 : null;
    const ask = { title: 'Well?', description: '', form: [], assignee: null, dueAt, fallback: outputs };
    return { kind: 'person', ask };
  }
  return behaviour.later ? { kind: 'later', dueAt: 0, outputs } : succeeded(outputs);
}

function definitionOf(specs: readonly NodeSpec[]): Definition {
  const typeOf = (each: NodeSpec) => (each.kind === 'output' ? outputNode : catalogue.find(each.kind)!);
  const nodes = specs.map((each, index) => {
    const { kind, continueOnError, edges: _, ...behaviour } = each;
    const later = behaviour.later && kind === 'effect';
    const asks = kind === 'effect' ? behaviour.asks : 'nobody';
    const config: JsonObject = { behaviour: { ...behaviour, takes: [...behaviour.takes], later, asks } };
    if (kind === 'output') config['label'] = `label ${index % 2}`;
    return node(`n${index}`, typeOf(each), { ...config, continue_on_error: continueOnError });
  });
  const edges = specs.flatMap((each, index) =>
    index === 0
      ? []
      : each.edges.map((drawn, place) => {
          const from = specs[drawn.from % index]!;
          const output = from.kind === 'output' ? 'output' : drawn.output;
          const input = each.kind === 'output' ? 'input' : drawn.input;
          const address =
            output === '' && drawn.orderOnly ? `n${drawn.from % index}` : `n${drawn.from % index}::${output || 'text'}`;
          const drawnEdge = edge(address, `n${index}::${input}`, drawn);
          return { ...drawnEdge, id: `${drawnEdge.id} ${place}` };
        }),
  );
  return { nodes, edges, pricing: PRICING };
}

const nodeSpec: fc.Arbitrary<NodeSpec> = fc.record({
  kind: fc.constantFrom('pure', 'effect', 'effect', 'gather', 'output'),
  takes: fc.constantFrom(['text', 'list'], ['text', 'list'], ['list'], ['text'], []) as fc.Arbitrary<
    ('text' | 'list')[]
  >,
  // Ten is more than the passes that run at once.
  listLength: fc.constantFrom(0, 1, 1, 2, 2, 3, 10),
  failing: fc.constantFrom(0, 0, 0, 0, 0, 1, 3),
  failures: fc.integer({ min: 1, max: RETRIES + 1 }),
  retryable: fc.boolean(),
  later: fc.boolean(),
  asks: fc.constantFrom('nobody', 'nobody', 'ever', 'until'),
  continueOnError: fc.boolean(),
  edges: fc.array(
    fc.record({
      from: fc.nat(20),
      output: fc.constantFrom('text', 'text', 'list', 'list', 'on_error', ''),
      input: fc.constantFrom('must', 'must', 'may', 'whole'),
      optional: fc.boolean(),
      orderOnly: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 4 },
  ),
});

/** A definition, and the nodes that are asked for (null: all). */
const scenario = fc.record({
  specs: fc.array(nodeSpec, { minLength: 1, maxLength: 9 }),
  asked: fc.option(fc.array(fc.nat(20), { minLength: 1, maxLength: 3 })),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** Numbers that say which of the due tasks answers next; used over and over. */
const order = fc.array(fc.nat(100), { minLength: 1, maxLength: 30 });
/** What happens at each step: nothing, a crash after its commit, or a crash before it; used over and over. */
const crashes = fc.array(fc.constantFrom('none', 'none', 'after', 'before'), { minLength: 1, maxLength: 30 });

/** What a store holds of one run: the changes of the engine taken in as data. */
class Records {
  run: Run;
  readonly nodeRuns = new Map<string, NodeRun>();
  readonly iterations: Iteration[] = [];
  readonly tasks = new Map<string, Task>();
  readonly requests = new Map<string, PersonRequest>();

  constructor(run: Run) {
    this.run = run;
  }

  keep(change: Change): void {
    for (const write of change) {
      switch (write.kind) {
        case 'updateRun':
          expect(write.run.revision).toBe(this.run.revision + 1);
          expect(write.before).toBe(this.run.status);
          expect(isTerminal(this.run.status)).toBe(false);
          this.run = write.run;
          break;
        case 'putNodeRun': {
          const before = this.nodeRuns.get(write.nodeRun.nodeId);
          // What is settled stays settled: it is not even written again.
          expect(before !== undefined && isSettled(before.status)).toBe(false);
          const { inputs, outputs } = write.nodeRun;
          this.nodeRuns.set(write.nodeRun.nodeId, {
            ...write.nodeRun,
            inputs: inputs ?? before?.inputs ?? null,
            outputs: outputs ?? before?.outputs ?? null,
          });
          break;
        }
        case 'putIteration':
          this.iterations.push(write.iteration);
          break;
        case 'addTask':
          this.tasks.set(write.task.id, write.task);
          break;
        case 'endTask':
          expect(this.tasks.delete(write.lease.task.id)).toBe(true);
          break;
        case 'endTasksOfRun':
          this.tasks.clear();
          break;
        case 'dropTask':
          expect(this.tasks.delete(write.taskId)).toBe(true);
          break;
        case 'createPersonRequest':
          this.requests.set(write.request.id, write.request);
          break;
        case 'settlePersonRequest':
          // Nobody answers what is answered, and no time ends twice.
          expect(this.requests.delete(write.requestId)).toBe(true);
          break;
        case 'cancelPersonRequests':
          this.requests.clear();
          break;
        default:
          break;
      }
    }
  }

  loaded(): LoadedRun {
    const tasks = [...this.tasks.values()];
    const asked = [...this.requests.values()].map(({ id, ...request }) => ({ ...request, requestId: id }));
    return {
      run: this.run,
      nodeRuns: [...this.nodeRuns.values()],
      iterations: this.iterations,
      tasks,
      asked,
      invoked: [],
    };
  }

  /** A run waits for persons exactly when nothing is left but questions and the ends of their times. */
  checkWaiting(): void {
    if (isTerminal(this.run.status)) return;
    const places = new Set([...this.requests.values()].map(({ nodeId, iteration }) => `${nodeId} ${iteration}`));
    const work = [...this.tasks.values()].filter(({ nodeId, iteration }) => !places.has(`${nodeId} ${iteration}`));
    expect(this.run.status).toBe(work.length === 0 && places.size > 0 ? 'waiting' : 'running');
  }
}

interface Result {
  readonly status: Run['status'];
  readonly output: string | null;
  readonly cost: string | null;
  readonly progress: number;
  readonly skipped: readonly string[];
  readonly nodes: readonly (readonly [id: string, status: string, outputs: string | null])[];
}

/** Runs a scenario to its end, the tasks answering in the given order, with crashes between steps. */
function play(given: Scenario, picks: readonly number[], faults: readonly string[]): Result {
  const system = heldSystem();
  const graph = compile(definitionOf(given.specs), catalogue);
  const nodeIds = given.asked?.map((index) => `n${index % given.specs.length}`) ?? null;
  const records = new Records(queuedRun({ workspaceId: 'w', workflowId: 'f' }, system, { nodeIds }));
  const parse = (text: string | null) => (text === null ? null : (JSON.parse(text) as JsonObject));
  const restored = () => ActiveRun.restore(records.loaded(), graph, {}, system, parse);
  const kept = new Set<string>();
  let active = new ActiveRun(records.run, graph, {}, system);
  let step = 0;

  /** Commits what a step makes, unless a crash comes before. */
  const commit = (decide: (active: ActiveRun) => Change): boolean => {
    const fault = faults[step % faults.length];
    step += 1;
    const change = decide(active);
    // Faults are used over and over: were every one a crash before the commit, nothing would ever happen.
    const lost = fault === 'before' && step % 7 !== 0;
    if (!lost) records.keep(change);
    if (fault !== 'none') active = restored();
    return !lost;
  };

  while (!commit((run) => run.advance()));
  while (!isTerminal(records.run.status)) {
    expect(step).toBeLessThan(STEPS);
    records.checkWaiting();
    const due = [...records.tasks.values(), ...records.requests.values()];
    expect(due).not.toEqual([]);
    const task = due[picks[step % picks.length]! % due.length]!;
    if ('form' in task) {
      expect(kept.has(task.id)).toBe(false);
      if (commit((run) => run.settleRequest(task, answerTo(task), null)!)) kept.add(task.id);
      continue;
    }
    const outcome = outcomeOf(active, task);
    const lease = { task, token: '' };
    const times = { startedAt: system.now(), finishedAt: system.now() };
    const name = `${task.nodeId} ${task.iteration} ${task.attempt} ${task.outputs === null}`;
    expect(kept.has(name)).toBe(false);
    const held = commit((run) => run.settle(task, outcome, times, [{ kind: 'endTask', lease }])!);
    if (held) kept.add(name);
  }
  return resultOf(records, graph);
}

/** What a person answers: the same as comes when nobody does. */
const answerTo = ({ fallback }: PersonRequest): PersonSettlement => ({
  ...{ status: 'answered', answer: fallback, settledBy: null, keyId: null },
});

function outcomeOf(active: ActiveRun, task: Task): Outcome {
  if (task.outputs !== null) return succeeded(JSON.parse(task.outputs) as JsonObject);
  const work = active.inputFor(task);
  expect(work).not.toBeNull();
  return answer(work!.input, task.attempt);
}

function resultOf(records: Records, graph: Graph): Result {
  expect(records.tasks.size).toBe(0);
  expect(records.requests.size).toBe(0);
  const nodes = graph.nodes.flatMap((each) => {
    const record = records.nodeRuns.get(each.id);
    if (record) expect(isSettled(record.status)).toBe(true);
    // Whether a person was in time is for chance to say.
    const outputs = record?.outputs?.replaceAll('expired', 'answered') ?? null;
    return record ? [[each.id, record.status, outputs] as const] : [];
  });
  const { status, cost, progress } = records.run;
  const output = records.run.output?.replaceAll('expired', 'answered') ?? null;
  const skipped = nodes.filter(([, nodeStatus]) => nodeStatus === 'skipped').map(([id]) => id);
  expect(cost).toBe(status === 'succeeded' ? '0.1' : '0');
  return { status, output, cost, progress, skipped, nodes };
}

/** What must be the same whatever the order and the crashes: of a run that fails, only that it does. */
const essence = (result: Result) => (result.status === 'succeeded' ? result : { status: result.status });

const IN_ORDER = [0];
const NO_CRASH = ['none'];

describe('any run of any definition', { timeout: LONG ? 300_000 : 5_000 }, () => {
  it('ends, and comes out the same in whatever order its nodes answer', () => {
    fc.assert(
      fc.property(scenario, order, (given, picks) => {
        expect(essence(play(given, picks, NO_CRASH))).toEqual(essence(play(given, IN_ORDER, NO_CRASH)));
      }),
      { numRuns: RUNS },
    );
  });

  it('comes out the same after crashes at any point, and nothing that was recorded is worked on again', () => {
    fc.assert(
      fc.property(scenario, order, crashes, (given, picks, faults) => {
        expect(essence(play(given, picks, faults))).toEqual(essence(play(given, IN_ORDER, NO_CRASH)));
      }),
      { numRuns: RUNS },
    );
  });

  it('is found by these properties in all its kinds: runs that succeed, fail, skip, iterate, and wait', () => {
    const seen = { succeeded: 0, failed: 0, skipped: 0, lists: 0, people: 0 };
    for (const given of fc.sample(scenario, { numRuns: 600, seed: 1 })) {
      const result = play(given, IN_ORDER, NO_CRASH);
      if (result.status === 'succeeded') seen.succeeded += 1;
      if (result.status === 'failed') seen.failed += 1;
      if (result.skipped.length > 0) seen.skipped += 1;
      if (result.nodes.some(([, , outputs]) => outputs?.includes('"text":['))) seen.lists += 1;
      if (result.nodes.some(([, , outputs]) => outputs?.includes('"outcome":["answered"'))) seen.people += 1;
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });

  it('is canceled at any point: nothing is left to do, and what was settled stays', () => {
    fc.assert(
      fc.property(scenario, fc.nat(10), (given, after) => {
        const system = heldSystem();
        const graph = compile(definitionOf(given.specs), catalogue);
        const records = new Records(queuedRun({ workspaceId: 'w', workflowId: 'f' }, system));
        const active = new ActiveRun(records.run, graph, {}, system);
        records.keep(active.advance());
        for (let step = 0; step < after && !isTerminal(records.run.status); step += 1) {
          const [task] = records.tasks.values();
          // Persons who are asked do not answer any more.
          if (task === undefined) break;
          const times = { startedAt: 0, finishedAt: 0 };
          records.keep(
            active.settle(task!, outcomeOf(active, task!), times, [
              { kind: 'endTask', lease: { task: task!, token: '' } },
            ])!,
          );
        }
        if (isTerminal(records.run.status)) return;
        records.keep(active.cancel());
        expect(resultOf(records, graph).status).toBe('canceled');
      }),
      { numRuns: RUNS / 4 },
    );
  });
});
