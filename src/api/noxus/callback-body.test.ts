import { expect, test } from 'vitest';
import type { Run } from '../../domain/run.ts';
import { presentCallbackBody } from './callback-body.ts';

const STARTED = Date.UTC(2025, 0, 15, 10, 30, 0);

const finished: Run = {
  id: '0194690a-0000-7000-8000-000000000001',
  workspaceId: '0194690a-0000-7000-8000-000000000002',
  workflowId: '0194690a-0000-7000-8000-000000000003',
  workflowVersionId: '0194690a-0000-7000-8000-000000000004',
  versionPinned: false,
  status: 'succeeded',
  revision: 3,
  progress: 100,
  createdAt: STARTED - 10,
  startedAt: STARTED,
  finishedAt: STARTED + 5000,
  source: 'api',
  nodeIds: null,
  singleNodeId: null,
  input: '{}',
  output: '{"Answer":"42"}',
  failure: null,
  kind: 'flow',
  nodesTotal: 0,
  nodesCompleted: 0,
  meta: null,
  context: null,
  clientRef: null,
  batchId: null,
  requestId: null,
  cost: null,
  costBreakdown: null,
  feedback: null,
  dialect: 'noxus',
  callbackUrl: 'https://example.com/hook',
  apiKeyId: null,
  tracing: false,
  trace: null,
  debugger: null,
  parent: null,
  subflows: null,
};

const body = (run: Run, output: string | null): unknown => JSON.parse(presentCallbackBody(run, output));

test('a completed run is told in the documented fields, in their order', () => {
  expect(presentCallbackBody(finished, '{"Answer":"42"}')).toBe(
    JSON.stringify({
      run_id: finished.id,
      workflow_id: finished.workflowId,
      status: 'completed',
      outputs: { Answer: '42' },
      error: null,
      started_at: '2025-01-15T10:30:00.000000',
      completed_at: '2025-01-15T10:30:05.000000',
      duration_ms: 5000,
    }),
  );
});

test('milliseconds are kept in the six digits of a time', () => {
  expect(body({ ...finished, finishedAt: STARTED + 1234 }, null)).toMatchObject({
    completed_at: '2025-01-15T10:30:01.234000',
    duration_ms: 1234,
  });
});

test('a failed run tells why, with an empty object for outputs', () => {
  const failure = { code: 'http_status', message: 'The answer was 500.\n"Oops"' } as const;
  expect(body({ ...finished, status: 'failed', failure }, null)).toMatchObject({
    status: 'failed',
    outputs: {},
    error: 'The answer was 500.\n"Oops"',
  });
});

test('a run that was stopped before it began has no start and took no time', () => {
  expect(body({ ...finished, status: 'canceled', startedAt: null }, null)).toMatchObject({
    status: 'stopped',
    started_at: null,
    completed_at: '2025-01-15T10:30:05.000000',
    duration_ms: 0,
    error: null,
  });
});
