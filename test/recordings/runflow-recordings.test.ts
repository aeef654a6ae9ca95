import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { queuedRun } from '../support/definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { heldSystem } from '../support/system.ts';
import { type Recording, replayAll } from './replay.ts';
import { FORMS } from './runflow-strict.ts';

const recordings: readonly Recording[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'runflow-clients.json'), 'utf8'),
);

/** What a client did before: runs that carry its label. */
const system = heldSystem();
const workspaceId = system.newId();
const runs = ['succeeded', 'failed'].map((status) =>
  queuedRun({ workspaceId, workflowId: system.newId() }, system, {
    status: status as 'succeeded',
    clientRef: 'grid-7f3a',
    cost: '0.04',
    output: '{"outputs":[{"type":"image","url":"https://cdn.example.com/1.png"}]}',
  }),
);

async function prepare(store: Store): Promise<void> {
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: workspaceId, name: 'ours', createdAt: 1 } },
    ...runs.map((run) => ({ kind: 'createRun', run }) as const),
  ]);
}

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform({ prepare });
});
afterAll(() => server.stop());

describe.each(['', '/runflow'])('under the prefix "%s"', (prefix) => {
  it.each(recordings.map((recording) => [recording.client, recording] as const))(
    'what %s sends is answered as it needs',
    async (_, recording) => {
      const kept = new Map([
        ['key', KEY],
        ['client_ref', 'grid-7f3a'],
        ['run_id', runs[0]!.id],
      ]);
      await replayAll(server.url + prefix, recording, FORMS, kept);
    },
  );
});
