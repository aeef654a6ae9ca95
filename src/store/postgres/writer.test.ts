import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queuedRun } from '../../../test/support/definitions.ts';
import { startsPostgres } from '../../../test/support/postgres.ts';
import { heldSystem } from '../../../test/support/system.ts';
import type { Change } from '../change.ts';
import type { Store } from '../store.ts';
import { openConnections, readAddress } from './connection.ts';
import { openPostgresStore } from './postgres-store.ts';
import { Writer } from './writer.ts';

const cluster = startsPostgres({ log_statement: 'none', autovacuum: 'off' });

/** What becomes of a statement on its way: it is done and its answer lost, or an answer comes that says nothing, or the server says an error code instead. */
type Mishap = 'answer lost' | 'answer empty' | '25006' | 'ECONNRESET' | null;

let store: Store;
let sql: Sql;
beforeAll(async () => {
  const { url } = cluster.newSchema();
  store = await openPostgresStore(url);
  sql = openConnections(readAddress(url), 'the writers of a test');
});
afterAll(async () => {
  await sql.end();
  await store.close();
});

/** A writer whose next statements meet with what is planned. */
async function writerWith(plan: Mishap[]): Promise<Writer> {
  const trouble = (code: string) => Object.assign(new Error(code), { code });
  const unsafe: Sql['unsafe'] = ((...given: Parameters<Sql['unsafe']>) => {
    const mishap = plan.shift() ?? null;
    if (mishap === null) return sql.unsafe(...given);
    if (mishap === 'answer empty') return sql.unsafe(...given).then(() => []);
    if (mishap !== 'answer lost') return Promise.reject(trouble(mishap));
    return sql.unsafe(...given).then(() => Promise.reject(trouble('ECONNRESET')));
  }) as Sql['unsafe'];
  const writer = new Writer({ unsafe } as Sql, null, () => {});
  await writer.begin();
  return writer;
}

let made = 0;
const change = (): { change: Change; id: string } => {
  made += 1;
  const id = `w${String(made).padStart(6, '0')}`;
  return { id, change: [{ kind: 'createWorkspace', workspace: { id, name: id, createdAt: 1 } }] };
};

it.each([
  ['its answer was lost', ['answer lost']],
  ['its answer says nothing', ['answer empty']],
  ['its answer was lost, and so was the first asking for what became of it', ['answer lost', 'answer lost']],
  ['it never reached the server', ['ECONNRESET']],
] as const)('a change is kept once and said to be when %s', async (_, mishaps) => {
  const plan: Mishap[] = [];
  const writer = await writerWith(plan);
  plan.push(...mishaps);
  const first = change();
  expect(await writer.submit(first.change)).toBe('kept');
  const [row] = await sql`select count(*)::int as n from workspaces where id = ${first.id}`;
  expect(row?.['n']).toBe(1);
  expect(await writer.submit(change().change)).toBe('kept');
  await writer.end();
});

it('a change of which nobody can say what became of it fails as that, and the next ones do not', async () => {
  const plan: Mishap[] = [];
  const writer = await writerWith(plan);
  // As a standby answers that is not promoted yet.
  plan.push('answer lost', '25006');
  await expect(writer.submit(change().change)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await writer.submit(change().change)).toBe('kept');
  await writer.end();
});

it('an asking that comes late, and a store that has lost its last commits, stop nobody', async () => {
  const writer = await writerWith([]);
  for (let kept = 0; kept < 3; kept += 1) await writer.submit(change().change);
  await sql`update platform_writers set sequence = 1, outcome = null where id = ${writer.id}`;
  expect(await writer.submit(change().change)).toBe('kept');
  await sql`delete from platform_writers where id = ${writer.id}`;
  expect(await writer.submit(change().change)).toBe('kept');
  await writer.end();
});

it('a store that was just made is analyzed by who has written a thousand groups to it', async () => {
  const run = queuedRun({ workspaceId: 'w', workflowId: 'f' }, heldSystem());
  await store.commit([{ kind: 'createRun', run }]);
  for (let group = 0; group < 1000; group += 1) await store.commit(change().change);
  await expect
    .poll(async () => (await sql`select reltuples from pg_class where oid = 'runs'::regclass`)[0]?.['reltuples'])
    .toBeGreaterThan(0);
});
