import { describe, expect, it } from 'vitest';
import { edge, node, queuedRun } from '../../test/support/definitions.ts';
import { heldSystem } from '../../test/support/system.ts';
import type { Definition } from '../domain/definition.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Task } from '../domain/task.ts';
import { textGeneration } from '../nodes/ai/text-generation.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { delay } from '../nodes/builtin/delay.ts';
import { httpRequest } from '../nodes/builtin/http-request.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { modelChat } from '../nodes/model/model-chat.ts';
import { failed, type NodeType, type Outcome, succeeded } from '../nodes/node-type.ts';
import { many, one } from '../nodes/value-types.ts';
import type { Change } from '../store/change.ts';
import { ActiveRun } from './active-run.ts';
import { edgeStatus, progressOf, withDependencies } from './decide.ts';
import { compile } from './graph.ts';
import { resolveInput } from './run-input.ts';

const catalogue = createCatalogue();
const system = heldSystem();

/** in → wait → text → out, where `text` also handles the failure of `wait` through `oops`. */
const definition: Definition = {
  nodes: [
    node('in', inputNode, { label: 'In' }),
    node('wait', delay, { seconds: 1 }),
    node('text', composeText, { template: '((X))' }),
    node('oops', composeText, { template: 'Failed: ((Reason))' }),
    node('out', outputNode, { label: 'Out' }),
  ],
  edges: [
    edge('in::output', 'wait::value'),
    edge('wait::output', 'text::variables::X'),
    edge('wait::on_error', 'oops::variables::Reason'),
    edge('text::output', 'out::input'),
    edge('oops::output', 'out::input'),
  ],
};

function begun(input: JsonObject = { In: 'x' }): { active: ActiveRun; task: Task } {
  const graph = compile(definition, catalogue);
  const active = new ActiveRun(queuedRun({ workspaceId: 'w', workflowId: 'f' }, system), graph, input, system);
  const [task] = tasksIn(active.advance());
  return { active, task: task! };
}

const tasksIn = (change: Change) => change.flatMap((write) => (write.kind === 'addTask' ? [write.task] : []));
const settle = (active: ActiveRun, task: Task, outcome: Outcome) =>
  active.settle(task, outcome, { startedAt: system.now(), finishedAt: system.now() }, []);
const statuses = (active: ActiveRun) =>
  Object.fromEntries(active.graph.edges.map((each) => [each.id.split(' ->')[0], edgeStatus(each, active.state)]));

describe('the edges of a run', () => {
  it('are pending until the node they leave ends, active until the node they enter ends, then completed', () => {
    const { active, task } = begun();
    expect(statuses(active)).toEqual({
      'in::output': 'active',
      'wait::output': 'pending',
      'wait::on_error': 'pending',
      'text::output': 'pending',
      'oops::output': 'pending',
    });
    expect(progressOf(active.state)).toBe(20);
    settle(active, task, succeeded({ output: 'x' }));
    expect(statuses(active)).toEqual({
      'in::output': 'completed',
      'wait::output': 'completed',
      'wait::on_error': 'skipped',
      'text::output': 'completed',
      'oops::output': 'skipped',
    });
    expect(progressOf(active.state)).toBe(100);
  });

  it('show the way of a failure that is led to its branch', () => {
    const { active, task } = begun();
    settle(active, task, failed({ code: 'provider', message: 'Gone.' }));
    expect(active.run).toMatchObject({ status: 'succeeded', output: '{"Out":"Failed: Gone."}' });
    expect(statuses(active)).toMatchObject({
      'wait::output': 'skipped',
      'wait::on_error': 'completed',
      'text::output': 'skipped',
      'oops::output': 'completed',
    });
  });

  it('of a run that was stopped lead nowhere', () => {
    const { active } = begun();
    active.cancel();
    expect(statuses(active)).toMatchObject({ 'in::output': 'skipped', 'wait::output': 'skipped' });
    expect(statuses(active)['text::output']).toBe('pending');
  });
});

it('an answer that comes after the node or the run has ended is not taken', () => {
  const { active, task } = begun();
  settle(active, task, succeeded({ output: 'x' }));
  expect(settle(active, task, succeeded({ output: 'y' }))).toBeNull();
  expect(active.inputFor(task)).toBeNull();
  const other = begun();
  other.active.cancel();
  expect(settle(other.active, other.task, succeeded({ output: 'y' }))).toBeNull();
});

it('a wait is recorded with its outputs, and is due when it is over', () => {
  const { active, task } = begun();
  const change = settle(active, task, { kind: 'later', dueAt: 123, outputs: { output: 'x' } });
  expect(tasksIn(change!)).toMatchObject([{ nodeId: 'wait', dueAt: 123, attempt: 1, outputs: '{"output":"x"}' }]);
  expect(active.run.status).toBe('running');
});

it('nodes that are asked for bring with them everything they depend on', () => {
  const graph = compile(definition, catalogue);
  expect([...withDependencies(graph, ['oops'])].toSorted()).toEqual(['in', 'oops', 'wait']);
  expect([...withDependencies(graph, ['out'])]).toHaveLength(5);
  expect([...withDependencies(graph, [])]).toEqual([]);
});

describe('a compiled definition', () => {
  it('has its nodes in an order that respects the edges, however they are listed', () => {
    const turned = { ...definition, nodes: definition.nodes.toReversed() };
    expect(compile(definition, catalogue).nodes.map((each) => each.id)).toEqual(['in', 'wait', 'text', 'oops', 'out']);
    expect(compile(turned, catalogue).nodes.map((each) => each.id)).toEqual(['in', 'wait', 'text', 'oops', 'out']);
  });

  it('is refused when it has a cycle, an edge to nowhere, or an unknown type', () => {
    const { nodes, edges } = definition;
    const back = edge('text::output', 'wait::value');
    expect(() => compile({ nodes, edges: [...edges, back] }, catalogue)).toThrow('cycle');
    const nowhere = edge('text::output', 'gone::value');
    expect(() => compile({ nodes, edges: [...edges, nowhere] }, catalogue)).toThrow('does not exist');
    expect(() => compile({ nodes: [{ ...nodes[0]!, type: 'NoSuchNode' }], edges: [] }, catalogue)).toThrow(
      'NoSuchNode',
    );
  });

  it('takes time limit and retries from the configuration, as whole milliseconds that timers hold', () => {
    const compiled = (config: JsonObject) =>
      compile({ nodes: [node('wait', delay, config)], edges: [] }, catalogue).nodes[0]!;
    expect(compiled({})).toMatchObject({ timeoutMs: delay.timeoutMs, retry: delay.retry });
    expect(compiled({ node_timeout: 0 }).timeoutMs).toBe(delay.timeoutMs);
    expect(compiled({ node_timeout: 1.23456 }).timeoutMs).toBe(1235);
    expect(compiled({ node_timeout: 1e15 }).timeoutMs).toBeLessThan(2 ** 31 - 10_000);
    expect(compiled({ max_retries: 3, retry_delay: 2 }).retry).toMatchObject({ retries: 3, delayMs: 2000 });
    expect(compiled({ max_retries: -1, retry_delay: 'soon' }).retry).toEqual(delay.retry);
  });

  it('takes from the configuration how it is tried again', () => {
    const retryOf = (config: JsonObject) =>
      compile({ nodes: [node('call', httpRequest, config)], edges: [] }, catalogue).nodes[0]!.retry;
    const own = httpRequest.retry;
    expect(retryOf({ max_retries: '4' })).toEqual({ ...own, retries: 4 });
    expect(retryOf({ retry_backoff: 'fixed' })).toEqual({ ...own, factor: 1 });
    expect(retryOf({ retry_backoff: 'exponential' })).toEqual(own);
    expect(retryOf({ retry_jitter: false })).toEqual({ ...own, jitter: false });
    expect(retryOf({ retry_delay: 5 })).toEqual({ ...own, delayMs: 5_000, maxDelayMs: 600_000 });
    expect(retryOf({ retry_delay: 900 })).toEqual({ ...own, delayMs: 900_000, maxDelayMs: 900_000 });
    expect(retryOf({ retry_delay: 5, retry_max_delay: 8 })).toEqual({ ...own, delayMs: 5_000, maxDelayMs: 8_000 });
    expect(retryOf({ retry_on: ['timeout', '5xx', 'no such thing'] })).toEqual({
      ...own,
      on: [{ code: 'timeout' }, { least: 500, most: 599 }],
    });
    expect(retryOf({ retry_on: [] })).toEqual(own);
    const wait = compile({ nodes: [node('wait', delay, { retry_backoff: 'exponential' })], edges: [] }, catalogue);
    expect(wait.nodes[0]!.retry.factor).toBe(2);
  });

  it('has the settings of its workflow where a node leaves something out', () => {
    const settings: JsonObject = {
      ...{ model: ['preset:cost'], temperature: 0.7, max_tokens: 64_000, timeout: 60, top_k: 40 },
      ...{ node_timeout: 30, max_retries: 1, retry_delay: 3, retry_on: [429] },
    };
    const compiled = (type: NodeType, config: JsonObject = {}) =>
      compile({ nodes: [node('n', type, config)], edges: [], settings }, catalogue).nodes[0]!;
    expect(compiled(textGeneration).config).toMatchObject({
      ...{ model: ['preset:cost'], temperature: 0.7, max_tokens: 64_000, timeout_seconds: 60 },
    });
    const chosen = { model: ['mine'], temperature: 0, max_tokens: null, timeout_seconds: 5, max_retries: 0 };
    expect(compiled(textGeneration, chosen).config).toMatchObject({
      ...{ model: ['mine'], temperature: 0, max_tokens: 64_000, timeout_seconds: 5 },
    });
    expect(compiled(textGeneration, { model: [], temperature: '' }).config).toMatchObject({
      ...{ model: ['preset:cost'], temperature: 0.7 },
    });
    expect(compiled(textGeneration, chosen).retry.retries).toBe(0);
    const call = compiled(httpRequest);
    expect(call).toMatchObject({
      timeoutMs: 30_000,
      retry: { retries: 1, delayMs: 3_000, on: [{ least: 429, most: 429 }] },
    });
    // Its own time is no model's.
    expect(call.config).toMatchObject({ timeout_seconds: 30 });
    expect(call.config).not.toHaveProperty('model');
    expect(compiled(modelChat, { model: 'm' }).config['model']).toBe('m');
    expect(compiled(modelChat).config['model'] ?? null).toBeNull();
    expect(compiled(composeText)).toMatchObject({ timeoutMs: 0, retry: { retries: 0 } });
  });
});

describe('the input that a run is given', () => {
  const everything = { nodeIds: null, singleNodeId: null };
  const list = node('many', inputNode, { label: 'Many', value: [] }, { types: { output: many('str') } });
  const set = node('set', inputNode, { label: 'Set', fixed_value: true, value: '' }, { types: { output: one('str') } });
  const graph = compile({ ...definition, nodes: [...definition.nodes, list, set] }, catalogue);
  const problems = (input: JsonObject, scope: Parameters<typeof resolveInput>[1] = everything) =>
    resolveInput(graph, scope, input).problems.map((problem) => `${problem.type} ${problem.at.join('.')}`);

  it('is complete when every input without a value of its own has one', () => {
    expect(problems({ In: 'x' })).toEqual([]);
    expect(problems({ In: null, Many: [] })).toEqual([]);
    expect(resolveInput(graph, everything, { In: 'x' }).given).toEqual(
      new Map([
        ['in', { input: 'x' }],
        ['many', { input: [] }],
        ['set', { input: '' }],
      ]),
    );
  });

  it('that is wrong is told with every mistake at once', () => {
    expect(problems({ Inn: 'x', other: 1 })).toEqual([
      'unknown_input body.input.Inn',
      'unknown_input body.input.other',
      'missing body.input.In',
    ]);
    expect(problems({}, { nodeIds: ['text', 'gone'], singleNodeId: null })).toEqual([
      'unknown_node body.node_ids',
      'missing body.input.In',
    ]);
  });

  it('of a single node means its inputs', () => {
    const alone = (id: string) => ({ nodeIds: null, singleNodeId: id });
    expect(problems({}, alone('gone'))).toEqual(['unknown_node body.single_node_id']);
    expect(problems({}, alone('out'))).toEqual(['missing body.input.input']);
    expect(problems({ 'out::input': 1, wrong: 2 }, alone('out'))).toEqual(['unknown_input body.input.wrong']);
    expect(problems({ X: 'x' }, alone('text'))).toEqual([]);
    expect(resolveInput(graph, alone('text'), { X: 'x' }).given.get('text')).toEqual({ 'variables::X': 'x' });
    expect(resolveInput(graph, alone('in'), { In: 'x' }).given.get('in')).toEqual({ input: 'x' });
    expect(resolveInput(graph, alone('set'), { Set: 'x' }).given.get('set')).toEqual({ input: '' });
  });
});
