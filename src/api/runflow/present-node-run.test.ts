import { v7 } from 'uuid';
import { expect, it } from 'vitest';
import type { NodeRun } from '../../domain/node-run.ts';
import { presentNodeRun } from './present-node-run.ts';

const nodeRun: NodeRun = {
  nodeId: 'say',
  status: 'waiting',
  currentIteration: 0,
  totalIterations: 1,
  iterates: false,
  attempts: 3,
  startedAt: null,
  finishedAt: null,
  inputs: null,
  outputs: null,
  taken: null,
  failure: null,
  warnings: [
    { identifier: 'retry_warning', detail: 'Again.' },
    { identifier: 'general', detail: 'Look.' },
  ],
  usage: null,
};
const found = { runId: v7(), kind: 'model', workflowId: v7(), runCreatedAt: 1000, nodeRun } as const;
const show = (payload: string | null) => payload ?? 'null';

it('a node that waits is running, has no times but the one of its run, and counts its retries', () => {
  expect(presentNodeRun({ found, inputs: null, outputs: null }, show)).toMatchObject({
    state_code: '"running"',
    flow_id: 'null',
    created_at: '"1970-01-01T00:00:01.000Z"',
    started_at: 'null',
    duration_ms: 'null',
    retry_count: '1',
    input_signature: 'null',
    preview_type: 'null',
  });
});

it.each([
  [{ output: 'Hello' }, 'text', 'Hello'],
  [{ nothing: null, n: 3 }, 'text', '3'],
  [{ text: 'x'.repeat(300) }, 'text', 'x'.repeat(200)],
  [{ url: 'https://example.com/a/b.MP4?x=1' }, 'video', 'https://example.com/a/b.MP4?x=1'],
  [{ page: 'https://example.com/' }, 'text', 'https://example.com/'],
  [{ file: { uri: 'spot://1', name: 'a.wav' } }, 'audio', 'spot://1'],
  [{ file: { uri: 'spot://1', content_type: 'application/pdf' } }, 'file', 'spot://1'],
  [
    { images: [{ url: 'https://example.com/1', mime_type: 'image/png' }, { url: 'b' }] },
    'image',
    'https://example.com/1',
  ],
  [{ result: { outputs: [{ type: 'image', url: 'https://example.com/2' }] } }, 'image', 'https://example.com/2'],
  [{ list: [1, 2] }, 'json', '[1,2]'],
])('%j is previewed as %s', (outputs, type, value) => {
  const shown = presentNodeRun({ found, inputs: '{}', outputs: JSON.stringify(outputs) }, show);
  expect([shown.preview_type, shown.preview_value]).toEqual([JSON.stringify(type), JSON.stringify(value)]);
  expect(shown.input_signature).toHaveLength(66);
});
