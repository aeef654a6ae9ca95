import { describe, expect, it } from 'vitest';
import { queuedRun } from '../../test/support/definitions.ts';
import { heldSystem } from '../../test/support/system.ts';
import type { Attempt } from '../domain/attempt.ts';
import type { Iteration, NodeRun } from '../domain/node-run.ts';
import { spanIdOf } from '../system/derived-id.ts';
import { spansOfRun, type TracedRun } from './run-spans.ts';

const system = heldSystem();
const at = system.now();
const run = queuedRun({ workspaceId: 'w', workflowId: 'f' }, system, {
  status: 'succeeded',
  finishedAt: at + 100,
  tracing: true,
  trace: { traceId: 'a'.repeat(32), parentSpanId: null },
});

const nodeRun = (nodeId: string, set: Partial<NodeRun> = {}): NodeRun => ({
  nodeId,
  status: 'succeeded',
  currentIteration: 1,
  totalIterations: 1,
  iterates: false,
  attempts: 1,
  startedAt: at + 10,
  finishedAt: at + 90,
  inputs: null,
  outputs: null,
  taken: null,
  failure: null,
  warnings: [],
  usage: null,
  ...set,
});

const attempt = (nodeId: string, set: Partial<Attempt> = {}): Attempt => ({
  nodeId,
  iteration: 0,
  attempt: 1,
  startedAt: at + 20,
  finishedAt: at + 30,
  failure: null,
  usage: null,
  modelCalls: [],
  ...set,
});

const record = (set: Partial<TracedRun>): TracedRun => ({
  run,
  workflowName: 'Flow',
  nodes: [
    { id: 'each', type: 'HttpRequestNode', name: 'Each', config: {}, inputs: [], outputs: [] },
    { id: 'agent', type: 'AgentNode', name: 'Clerk', config: {}, inputs: [], outputs: [] },
  ],
  nodeRuns: [],
  iterations: [],
  attempts: [],
  logs: [],
  endedBy: at + 100,
  content: null,
  ...set,
});

const idOf = (place: Parameters<typeof spanIdOf>[1]) => spanIdOf(run.id, place);

describe('the spans of a run', () => {
  it('has one for each pass of a node that runs once per item, from its first try on, with the tries below', () => {
    const pass: Iteration = {
      nodeId: 'each',
      iteration: 2,
      status: 'succeeded',
      attempts: 2,
      startedAt: at + 50,
      finishedAt: at + 60,
      inputs: null,
      outputs: null,
      failure: null,
    };
    const failure = { code: 'timeout', message: 'Too slow.' } as const;
    const spans = spansOfRun(
      record({
        nodeRuns: [nodeRun('each', { iterates: true, totalIterations: 2 })],
        iterations: [pass],
        attempts: [
          attempt('each', { iteration: 2, failure }),
          attempt('each', { iteration: 2, attempt: 2, startedAt: at + 50, finishedAt: at + 60 }),
        ],
      }),
    );
    const [, node, item, ...tries] = spans;
    expect(item).toMatchObject({
      name: 'Each #2',
      spanId: idOf({ nodeId: 'each', iteration: 2 }),
      parentSpanId: node?.spanId,
      startedAt: at + 20,
      finishedAt: at + 60,
    });
    expect(tries.map(({ spanId, parentSpanId, error }) => [spanId, parentSpanId, error])).toEqual([
      [idOf({ nodeId: 'each', iteration: 2, attempt: 1 }), item?.spanId, 'Too slow.'],
      [idOf({ nodeId: 'each', iteration: 2, attempt: 2 }), item?.spanId, null],
    ]);
  });

  it('tells what an agent does with tools below the try that did it', () => {
    const spans = spansOfRun(
      record({
        nodeRuns: [
          nodeRun('agent'),
          nodeRun('agent/001.00.model', { startedAt: at + 21 }),
          nodeRun('agent/try2.001.01.weather', { startedAt: at + 45 }),
        ],
        attempts: [attempt('agent'), attempt('agent', { attempt: 2, startedAt: at + 40, finishedAt: at + 80 })],
      }),
    );
    expect(spans.find(({ name }) => name === 'execute_tool weather')).toMatchObject({
      parentSpanId: idOf({ nodeId: 'agent', iteration: 0, attempt: 2 }),
      attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'weather' },
    });
    expect(spans.find(({ name }) => name === 'Clerk attempt 1')?.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'Clerk',
    });
  });

  it('sends messages as they are where taking a secret out of them left no JSON', () => {
    const said = { input: '[{"role":"user","content":"[secret my "key"]"}]', output: '[]' };
    const about = { operation: 'chat', protocol: 'openai', provider: 'openai', model: 'one' } as const;
    const call = { ...about, startedAt: at, finishedAt: at, usage: null, failure: null, said };
    const spans = spansOfRun(
      record({ nodeRuns: [nodeRun('agent')], attempts: [attempt('agent', { modelCalls: [call] })] }),
    );
    expect(spans.at(-1)?.attributes).toMatchObject({ 'gen_ai.input.messages': said.input });
  });

  it('ends with the run at the root, whatever has not heard of its end', () => {
    const below = { ...run, status: 'running', finishedAt: null } as const;
    const open = nodeRun('each', { status: 'running', finishedAt: null, attempts: 0 });
    const spans = spansOfRun(record({ run: below, nodeRuns: [open], endedBy: at + 50 }));
    expect(spans.map(({ finishedAt }) => finishedAt)).toEqual([at + 50, at + 50, at + 50]);
    expect(spans[0]?.attributes).toMatchObject({ 'millrun.run.status': 'canceled' });
    expect(spans[2]?.attributes).toMatchObject({ 'millrun.attempt': 1, 'millrun.attempt.canceled': true });
  });

  it('is nothing of a run that is in no trace, and the same whenever it is made', () => {
    expect(spansOfRun(record({ run: { ...run, trace: null } }))).toEqual([]);
    const given = record({ nodeRuns: [nodeRun('each')], attempts: [attempt('each')] });
    expect(spansOfRun(given)).toEqual(spansOfRun(structuredClone(given)));
  });
});
