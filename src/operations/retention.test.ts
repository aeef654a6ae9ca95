import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRunStore, type RunStore } from '../../test/support/run-store.ts';
import { memoryBlobs } from '../../test/support/system.ts';
import { type Caller, SCOPES, type Scope } from '../domain/caller.ts';
import type { Run } from '../domain/run.ts';
import { Payloads } from '../engine/payloads.ts';
import { Retentions } from './retention.ts';

const DAY_MS = 86_400_000;

let runs: RunStore;
let blobs: ReturnType<typeof memoryBlobs>;

beforeEach(async () => {
  runs = openRunStore();
  blobs = memoryBlobs();
  const workspace = { id: runs.workspaceId, name: 'Home', createdAt: runs.system.now() };
  await runs.store.commit([{ kind: 'createWorkspace', workspace }]);
});
afterEach(() => runs.close());

const retentions = (serverDays: number | null) =>
  new Retentions({
    store: runs.store,
    engine: { letGo: () => undefined },
    payloads: new Payloads(blobs, runs.system),
    system: runs.system,
    log: pino({ level: 'silent' }),
    serverDays,
  });

/** A run that finished so many days ago, unless it says otherwise. */
function ago(days: number, set: Partial<Run> = {}): Promise<Run> {
  const at = runs.system.now() - days * DAY_MS;
  return runs.addRun({ text: 'x' }, { createdAt: at, startedAt: at, finishedAt: at, ...set });
}

const isThere = async ({ id }: Run) => (await runs.store.getRun(runs.workspaceId, id)) !== null;

function caller(scopes: readonly Scope[] = SCOPES): Caller {
  const { workspaceId } = runs;
  return { keyId: 'k', keyName: 'k', keyPrefix: 'mr_', workspaceId, scopes: new Set(scopes) };
}

it('deletes runs that finished longer ago than the server keeps them, with their payloads, and tells the log', async () => {
  const [old, young] = [await ago(31), await ago(29)];
  for (const { id } of [old, young]) await blobs.put(`runs/${id}/1`, Buffer.from('large'));
  expect(await retentions(30).sweep()).toBe(1);
  expect([await isThere(old), await isThere(young)]).toEqual([false, true]);
  expect(blobs.ids()).toEqual([`runs/${young.id}/1`]);
  const told = await runs.store.readRunEvents(runs.workspaceId, old.id, 0);
  expect(told.at(-1)?.kind).toBe('deleted');
});

it('leaves what runs, waits or has only just finished, however long ago it was made', async () => {
  const finishedAt = null;
  const kept = [
    await ago(400, { status: 'queued', finishedAt }),
    await ago(400, { status: 'running', finishedAt }),
    await ago(400, { status: 'waiting', finishedAt }),
    await ago(400, { finishedAt: runs.system.now() - DAY_MS }),
  ];
  expect(await retentions(30).sweep()).toBe(0);
  for (const run of kept) expect(await isThere(run)).toBe(true);
});

it('keeps everything for ever where nobody says otherwise', async () => {
  const old = await ago(4000);
  expect(await retentions(null).sweep()).toBe(0);
  expect(await isThere(old)).toBe(true);
});

it('does as the workspace says rather than the server, for ever included', async () => {
  const [old, older] = [await ago(20), await ago(40)];
  const all = retentions(30);
  await all.set(caller(), { days: null });
  expect(await all.sweep()).toBe(0);
  await all.set(caller(), { days: 10 });
  expect(await all.sweep()).toBe(2);
  expect([await isThere(old), await isThere(older)]).toEqual([false, false]);
  await all.set(caller(), null);
  expect(await all.get(caller())).toEqual({ own: null, serverDays: 30 });
});

it('deletes more runs than it looks up at once', async () => {
  for (let made = 0; made < 1001; made += 1) await ago(31);
  expect(await retentions(30).sweep()).toBe(1001);
});

it('says how many runs would go, and takes whole days and the scope that deletes runs', async () => {
  await ago(31);
  await ago(8);
  const all = retentions(null);
  expect([await all.preview(caller(), 30), await all.preview(caller(), 7)]).toEqual([1, 2]);
  await expect(all.preview(caller(), 0)).rejects.toMatchObject({ kind: 'invalid' });
  await expect(all.set(caller(), { days: 1.5 })).rejects.toMatchObject({ kind: 'invalid' });
  await expect(all.set(caller(['runs:read', 'admin']), { days: 7 })).rejects.toMatchObject({ kind: 'forbidden' });
});
