import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { queuedRun } from '../../test/support/definitions.ts';
import { startOtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { startsPostgres } from '../../test/support/postgres.ts';
import { heldSystem } from '../../test/support/system.ts';
import { ownTraceOf } from '../domain/trace.ts';
import { openPostgresStore } from '../store/postgres/postgres-store.ts';
import type { Span } from './span.ts';
import { countAtOnce, Tracing } from './tracing.ts';

const cluster = startsPostgres({ log_statement: 'none' });

it('of several processes one sends the spans, and another goes on when that one stops', async () => {
  const schema = cluster.newSchema();
  const receiver = await startOtlpReceiver();
  const stores = [await openPostgresStore(schema.url), await openPostgresStore(schema.url)];
  onTestFinished(async () => {
    for (const store of stores) await store.close();
    await receiver.stop();
    await schema.drop();
  });
  const system = heldSystem();
  const target = { url: receiver.url, headers: {}, serviceName: 'runs', version: '1' };
  const readPayload = async () => '{}';
  const processes = stores.map(
    (store) =>
      new Tracing({ store, target, readPayload, exportsContent: false, turnMs: 6000, log: pino({ level: 'silent' }) }),
  );
  for (const process of processes) await process.start();
  const ends = async () => {
    const run = queuedRun({ workspaceId: 'w', workflowId: 'f' }, system);
    const now = system.now();
    const ended = {
      status: 'succeeded',
      startedAt: now,
      finishedAt: now,
      tracing: true,
      trace: ownTraceOf(run.id),
    } as const;
    const of = { workspaceId: 'w', runId: run.id, workflowId: 'f', at: now };
    await stores[0]!.commit([
      { kind: 'createRun', run: { ...run, ...ended } },
      { kind: 'appendEvent', event: { ...of, kind: 'finished', data: { status: 'succeeded', progress: 100 } } },
    ]);
  };
  const counts = () => processes.map(({ counts: { sent } }) => sent);
  await ends();
  await ends();
  await receiver.received(2);
  const last = (await stores[0]!.stats()).lastPosition;
  while ((await stores[0]!.followerPosition('tracing')) < last) await sleep(5);
  const first = counts().indexOf(2);
  await processes[first]!.stop();
  await ends();
  await receiver.received(3);
  await processes[1 - first]!.stop();
  expect(counts().toSorted()).toEqual([1, 2]);
  expect(receiver.spans).toHaveLength(3);
});

const span = (content: string): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: null, name: 'x', kind: 'internal' },
  ...{ startedAt: 0, finishedAt: 1, attributes: { 'millrun.input': content }, events: [], error: null },
});

describe('a request with spans', () => {
  it('has 512 of them, and no more than a megabyte of contents unless one span alone has more', () => {
    const spans = (count: number, length: number) => Array.from({ length: count }, () => span('x'.repeat(length)));
    expect(countAtOnce(spans(600, 10))).toBe(512);
    expect(countAtOnce(spans(3, 10))).toBe(3);
    expect(countAtOnce(spans(512, 50_000))).toBe(20);
    expect(countAtOnce(spans(3, 2_000_000))).toBe(1);
  });
});
