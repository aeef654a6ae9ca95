import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createDiskBlobs } from '../blobs/disk/disk-blobs.ts';
import { INLINE_PAYLOAD_LIMIT, referencedBlob } from '../domain/payload.ts';
import type { Run } from '../domain/run.ts';
import { realSystem } from '../system/system.ts';
import { Payloads } from './payloads.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrun-payloads-'));
const payloads = new Payloads(createDiskBlobs(folder), realSystem);
const large = JSON.stringify({ Text: 'x'.repeat(INLINE_PAYLOAD_LIMIT) });

const run: Run = {
  id: '0194690a-0000-7000-8000-000000000001',
  workspaceId: '0194690a-0000-7000-8000-000000000002',
  workflowId: '0194690a-0000-7000-8000-000000000003',
  workflowVersionId: '0194690a-0000-7000-8000-000000000004',
  versionPinned: false,
  status: 'running',
  revision: 1,
  progress: 0,
  createdAt: 1,
  startedAt: 1,
  finishedAt: null,
  source: 'api',
  nodeIds: null,
  singleNodeId: null,
  input: large,
  output: null,
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
  callbackUrl: null,
  apiKeyId: null,
  tracing: false,
  trace: null,
  debugger: null,
  parent: null,
  subflows: null,
};

const blobs = () => globSync('runs/*/*', { cwd: folder }).length;

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('a large input becomes a blob when its run is recorded', async () => {
  const [write] = await payloads.moveOut([{ kind: 'createRun', run }]);
  const input = write?.kind === 'createRun' ? write.run.input : '';
  expect(referencedBlob(input)?.bytes).toBe(large.length);
  expect(await payloads.text(input)).toBe(large);
});

it('later steps of a run with a large input write no blob of it again', async () => {
  const step = [{ kind: 'updateRun', run, before: 'running' }] as const;
  expect(Payloads.needsMove(step)).toBe(false);
  await payloads.moveOut(step);
  expect(blobs()).toBe(0);
});

it('a large output becomes a blob when its run ends', async () => {
  await payloads.moveOut([
    { kind: 'updateRun', run: { ...run, status: 'succeeded', output: large }, before: 'running' },
  ]);
  expect(blobs()).toBe(1);
});
