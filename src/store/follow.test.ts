import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from '../domain/event.ts';
import type { Write } from './change.ts';
import { type Follower, follow } from './follow.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

let folder: string;
let store: Store;
let followers: Follower[];
let heard: number[];
let errors: unknown[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrun-follow-'));
  store = openSqliteStore(folder);
  followers = [];
  heard = [];
  errors = [];
});

afterEach(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
  await store.close();
  await rm(folder, { recursive: true });
});

const event: Write = {
  kind: 'appendEvent',
  event: {
    workspaceId: 'w',
    runId: 'r',
    workflowId: 'f',
    at: 0,
    kind: 'advanced',
    data: { status: 'running', progress: 0 },
  },
};

const append = (count: number): Promise<unknown> => store.commit(Array.from({ length: count }, () => event));

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const hear = async (events: readonly RunEvent[]): Promise<void> => {
  heard.push(...events.map(({ position }) => position));
};

function started(start: number, handle = hear): Follower {
  const follower = follow(store, start, handle, (error) => errors.push(error));
  followers.push(follower);
  return follower;
}

test('a follower hears every event once and in order, also when they fill several batches', async () => {
  await append(1234);
  await started(0).reached(1234);
  expect(heard).toEqual(range(1, 1234));
});

test('a follower goes on after the position it starts from', async () => {
  await append(10);
  await started(7).reached(10);
  expect(heard).toEqual([8, 9, 10]);
});

test('a follower that has heard everything hears what is added later', async () => {
  const follower = started(0);
  for (let last = 1; last <= 20; last += 1) {
    await append(1);
    await follower.reached(last);
  }
  expect(heard).toEqual(range(1, 20));
});

test('events that are added while a batch is being dealt with are heard next', async () => {
  await append(1);
  const follower = started(0, async (events) => {
    if (heard.length === 0) await append(3);
    await hear(events);
  });
  await follower.reached(4);
  expect(heard).toEqual([1, 2, 3, 4]);
});

test('a handler that throws is given the same events again, and the error is told', async () => {
  await append(2);
  const failure = new Error('The disk is full.');
  const follower = started(0, async (events) => {
    if (errors.length === 0) throw failure;
    await hear(events);
  });
  await follower.reached(2);
  expect(heard).toEqual([1, 2]);
  expect(errors).toEqual([failure]);
});

test('a follower that waits to try again stops at once', async () => {
  await append(1);
  const thrown = Promise.withResolvers<void>();
  const follower = follow(
    store,
    0,
    () => Promise.reject(new Error('Never.')),
    () => thrown.resolve(),
  );
  await thrown.promise;
  await follower.stop();
  expect(follower.position).toBe(0);
});

test('stopping waits for the batch in hand and hears no other', async () => {
  await append(1000);
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const follower = started(0, async (events) => {
    entered.resolve();
    await release.promise;
    await hear(events);
  });
  await entered.promise;
  const stopped = follower.stop();
  release.resolve();
  await stopped;
  await append(1);
  expect(heard).toEqual(range(1, 500));
  expect(follower.position).toBe(500);
});

test('waiting for a position ends with an error when the follower is stopped before it', async () => {
  const follower = started(0);
  const waiting = expect(follower.reached(1)).rejects.toThrow('stopped at position 0');
  await follower.stop();
  await waiting;
  await expect(follower.reached(1)).rejects.toThrow('before it reached 1');
  await expect(follower.reached(0)).resolves.toBeUndefined();
});

test('a long log leaves turns of the event loop to others', async () => {
  await append(3000);
  const follower = started(0);
  let turns = 0;
  while (follower.position < 3000) {
    await nextTurn();
    turns += 1;
  }
  expect(turns).toBeGreaterThanOrEqual(6);
});
