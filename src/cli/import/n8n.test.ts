import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Wire } from '../../../test/support/client.ts';
import { executionsIn, readExecution } from './n8n.ts';

const RECORDINGS = join(import.meta.dirname, '../../../test/recordings');
const page = JSON.parse(readFileSync(join(RECORDINGS, 'n8n-executions.json'), 'utf8'));
const rows = readFileSync(join(RECORDINGS, 'n8n-execution-rows.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

/** The workflow and the run that an execution is read as. */
function read(execution: Wire): { workflow: Wire; run: Wire } {
  const reading = readExecution(execution, 'test');
  if ('skipped' in reading) throw new Error(reading.skipped);
  const [workflow, run] = reading.lines.map((line) => JSON.parse(line));
  return { workflow, run };
}

const byId = (id: string) => page.data.find((execution: Wire) => execution.id === id);

describe('executions of n8n', () => {
  it('are found in an answer of the API, a list and alone, and in nothing else', () => {
    expect(executionsIn(page)).toHaveLength(4);
    expect(executionsIn(page.data)).toHaveLength(4);
    expect(executionsIn(rows[0])).toHaveLength(1);
    expect(executionsIn({ data: [] })).toBeNull();
    expect(executionsIn({ nodes: [] })).toBeNull();
  });

  it('become runs with what each node got and gave, a round of a loop being a pass', () => {
    const { run, workflow } = read(byId('1041'));
    expect(workflow).toMatchObject({
      name: 'Order intake',
      versions: [
        { graph: { nodes: [{ id: 'Webhook', type: 'n8n-nodes-base.webhook' }, {}, {}, { id: 'Summarise' }] } },
      ],
    });
    expect(workflow.versions[0].graph.edges).toContainEqual({ from: 'Reserve stock', to: 'Each order' });
    expect(JSON.stringify(workflow)).not.toContain('Sticky');
    expect(run).toMatchObject({
      status: 'succeeded',
      source: 'import',
      created_at: '2026-04-02T08:47:19.390Z',
      finished_at: '2026-04-02T08:47:21.020Z',
      client_ref: '1041',
      input: { Webhook: [{ body: { orders: [{ order: 'A-17' }, { order: 'A-18' }] } }] },
      output: { output: [{ reserved: 2, $binary: { receipt: { fileName: 'receipt.pdf' } } }] },
      meta: { n8n: { mode: 'webhook', custom_data: { channel: 'shop' } } },
    });
    const reserve = run.node_runs.find(({ node_id: id }: Wire) => id === 'Reserve stock');
    expect(reserve).toMatchObject({ iterates: true, total_iterations: 2, status: 'succeeded' });
    const passes = run.iterations.filter(({ node_id: id }: Wire) => id === 'Reserve stock');
    expect(passes.map(({ inputs, outputs }: Wire) => [inputs.input[0].order, outputs.output[0].reserved])).toEqual([
      ['A-17', true],
      ['A-18', true],
    ]);
    expect(JSON.stringify(run)).not.toContain('filesystem-v2"');
  });

  it('that failed name the node, the reason and what the service answered', () => {
    const { run } = read(byId('1042'));
    expect(run).toMatchObject({
      status: 'failed',
      output: null,
      failure: {
        code: 'http_status',
        http_status: 422,
        node_id: 'Reserve stock',
        message: 'The service refused to process your request. sku DESK-31 is unknown',
      },
    });
    const failed = run.node_runs.find(({ status }: Wire) => status === 'failed');
    expect(failed).toMatchObject({ node_id: 'Reserve stock', inputs: { input: [{ sku: 'DESK-31' }] }, outputs: null });
  });

  it('of agents show what their models were asked and said', () => {
    const { run, workflow } = read(byId('1043'));
    expect(workflow.versions[0].graph.edges).toContainEqual({ from: 'OpenAI Chat Model', to: 'AI Agent' });
    const model = run.node_runs.find(({ node_id: id }: Wire) => id === 'OpenAI Chat Model');
    expect(JSON.stringify(model.outputs)).toContain('left the warehouse');
  });

  it('are read alike from the rows of the database', () => {
    const fromRow = read(rows[0]).run;
    const fromApi = read(byId('1041')).run;
    expect(fromRow.node_runs).toEqual(fromApi.node_runs);
    expect([fromRow.input, fromRow.output, fromRow.status]).toEqual([fromApi.input, fromApi.output, fromApi.status]);
    expect(read(rows[1]).run.failure).toEqual(read(byId('1042')).run.failure);
  });

  it('have one id however often they are read, and another for another n8n', () => {
    expect(read(byId('1041')).run.id).toBe(read(byId('1041')).run.id);
    const elsewhere = readExecution(byId('1041'), 'other');
    expect('lines' in elsewhere && JSON.parse(elsewhere.lines[1]!).id).not.toBe(read(byId('1041')).run.id);
  });

  it.each([
    [{ ...byId('1041'), status: 'running', finished: false }, 'has not ended'],
    [{ ...byId('1041'), status: undefined, finished: false, stoppedAt: null }, 'has not ended'],
    [{ ...byId('1041'), data: '[{"a":"9"}]' }, 'cannot be read'],
    [{ ...byId('1041'), createdAt: undefined, startedAt: undefined }, 'when it began'],
  ])('that are no finished record are passed over with the reason', (execution, told) => {
    expect(readExecution(execution, 'test')).toEqual({ skipped: expect.stringContaining(told) });
  });

  it('of older versions, which have no status, are told by whether they finished', () => {
    expect(read({ ...byId('1041'), status: undefined }).run.status).toBe('succeeded');
    expect(read({ ...byId('1042'), status: undefined }).run.status).toBe('failed');
  });
});
