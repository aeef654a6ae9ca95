import { expect, test } from 'vitest';
import { queuedRun } from '../../test/support/definitions.ts';
import { heldSystem } from '../../test/support/system.ts';
import type { NodeRun } from '../domain/node-run.ts';
import type { RunRecords } from '../store/store.ts';
import { runTextOf } from './run-text.ts';

const system = heldSystem();
const owner = { workspaceId: system.newId(), workflowId: system.newId() };
const nodeRun: NodeRun = {
  nodeId: 'compose',
  status: 'succeeded',
  currentIteration: 0,
  totalIterations: 0,
  iterates: false,
  attempts: 1,
  taken: null,
  startedAt: null,
  finishedAt: null,
  inputs: '{"variables":{"Name":"Ann"}}',
  outputs: '@lost',
  failure: null,
  warnings: [{ identifier: 'general', detail: 'a key has no value' }],
  usage: null,
};

const records: RunRecords = {
  run: queuedRun(owner, system, {
    status: 'failed',
    input: '@large',
    output: '{"Greeting":"hello"}',
    failure: { code: 'invalid_input', message: 'no such thing', nodeId: 'compose' },
    meta: { team: 'blue' },
  }),
  workflowName: 'Greeter',
  nodeRuns: [nodeRun],
  logs: [
    { id: '1', runId: 'r', nodeId: 'compose', iteration: 0, level: 'info', message: 'asked', at: 1, meta: null },
    { id: '2', runId: 'r', nodeId: null, iteration: 0, level: 'info', message: 'done', at: 2, meta: null },
  ],
};

/** The JSON of a payload: in place, in a blob, or in a blob that is lost. */
const read = async (payload: string): Promise<string | null> =>
  payload === '@large' ? '{"Name":"large"}' : payload === '@lost' ? null : payload;

test('a run says what went in and came out, of itself and of its nodes, wherever it lies, and what people were told', async () => {
  expect(await runTextOf(records, read)).toEqual({
    ...owner,
    runId: records.run.id,
    workflowName: 'Greeter',
    input: '{"Name":"large"}',
    output: '{"Greeting":"hello"}',
    meta: '{"team":"blue"}',
    nodes: [{ nodeId: 'compose', input: '{"variables":{"Name":"Ann"}}' }],
    logs: [{ nodeId: 'compose', text: 'asked' }, { text: 'done' }],
    warnings: [{ nodeId: 'compose', text: 'a key has no value' }],
    failure: { nodeId: 'compose', text: 'no such thing' },
  });
});

test('a payload that is lost does not keep the rest from being found', async () => {
  const lost = await runTextOf({ ...records, run: { ...records.run, input: '@lost', output: '@lost' } }, read);
  expect(lost).toMatchObject({ input: '{}', workflowName: 'Greeter' });
  expect(lost).not.toHaveProperty('output');
});
