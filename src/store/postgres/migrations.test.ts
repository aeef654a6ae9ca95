import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startsPostgres } from '../../../test/support/postgres.ts';
import { openConnections, readAddress } from './connection.ts';
import { migrate } from './migrations.ts';
import { openPostgresStore } from './postgres-store.ts';

const cluster = startsPostgres();

type Steps = NonNullable<NonNullable<Parameters<typeof migrate>[2]>['steps']>;

const FIRST: Steps = [{ while: 'needs all stopped', sql: 'create table things (id text)' }];
const COMPATIBLE: Steps = [...FIRST, { while: 'compatible', sql: 'alter table things add column name text' }];
const STOPPING: Steps = [...COMPATIBLE, { while: 'needs all stopped', sql: 'alter table things rename name to title' }];

describe('the schema', () => {
  let address: ReturnType<typeof readAddress>;
  let starting: ReturnType<typeof openConnections>;
  const open: ReturnType<typeof openConnections>[] = [];
  const connections = (name?: string) => {
    const sql = openConnections(address, name);
    open.push(sql);
    return sql;
  };
  const bring = (steps: Steps) => migrate(starting, address.schema, { steps });
  beforeEach(() => {
    const { url, drop } = cluster.newSchema();
    address = readAddress(url);
    starting = connections('millrun start');
    return drop;
  });
  afterEach(() => Promise.all(open.splice(0).map((sql) => sql.end({ timeout: 1 }))));

  it('is brought to the newest step, and tells from where', async () => {
    expect(await bring(FIRST)).toEqual({ from: 0, to: 1 });
    expect(await bring(STOPPING)).toEqual({ from: 1, to: 3 });
    expect(await bring(STOPPING)).toEqual({ from: 3, to: 3 });
  });

  it('takes a step that is compatible while servers of the version before go on', async () => {
    await bring(FIRST);
    const server = connections();
    await server.unsafe("insert into things values ('a')");
    expect(await bring(COMPATIBLE)).toEqual({ from: 1, to: 2 });
    expect(await server.unsafe('select id from things')).toHaveLength(1);
  });

  it('refuses a step that needs all servers stopped while one is connected, and changes nothing', async () => {
    await bring(FIRST);
    const server = connections();
    await server.unsafe('select 1');
    await expect(bring(STOPPING)).rejects.toMatchObject({
      name: 'ServersInTheWay',
      message: expect.stringMatching(
        /^Step 3 of the schema needs every server .* 1 connections are open\. Stop them all/,
      ),
    });
    expect(await server.unsafe('select * from platform_schema')).toHaveLength(1);
    await server.end({ timeout: 1 });
    await expect.poll(() => bring(STOPPING).catch(() => null), { timeout: 10_000 }).toEqual({ from: 1, to: 3 });
  });

  it('is not held up by servers of another schema, or by those that start at the same time', async () => {
    await bring(FIRST);
    await openAndUse(connections('millrun'));
    await openAndUse(connections('millrun start'));
    expect(await bring(STOPPING)).toEqual({ from: 1, to: 3 });
  });

  it('may be one that a role was given that may make none', async () => {
    await starting.unsafe('create role guest login');
    await starting.unsafe(`create schema ${address.schema} authorization guest`);
    const sql = openConnections({ ...address, url: asRole(address.url, 'guest') }, 'millrun start');
    open.push(sql);
    expect(await migrate(sql, address.schema, { steps: FIRST })).toEqual({ from: 0, to: 1 });
  });

  it('is the one that was named, and not one that the search path of a role leads to', async () => {
    await starting.unsafe('create role "user of its own" login');
    await starting.unsafe('create schema "user of its own" authorization "user of its own"');
    const sql = openConnections({ schema: 'public', url: asRole(address.url, 'user of its own') }, 'millrun start');
    open.push(sql);
    await expect(migrate(sql, 'public', { steps: FIRST })).rejects.toMatchObject({
      name: 'AnotherSchema',
      message: expect.stringContaining('connections are in "user of its own"'),
    });
  });

  it('has a name that leaves room in the names that are made of it', async () => {
    const named = (length: number) => `${cluster.url}?schema=${'s'.repeat(length)}`;
    expect(() => readAddress(named(51))).toThrow(/at most 50 small letters/);
    const store = await openPostgresStore(named(50));
    const workspace = { id: 'w', name: 'w', createdAt: 1 };
    expect(await store.commit([{ kind: 'createWorkspace', workspace }])).toBe('kept');
    await store.close();
  });

  it('that is newer is taken by the version before when what it does not know is compatible, and refused otherwise', async () => {
    await bring(COMPATIBLE);
    expect(await bring(FIRST)).toEqual({ from: 2, to: 2 });
    await bring(STOPPING);
    await expect(bring(COMPATIBLE)).rejects.toMatchObject({
      name: 'NewerSchema',
      message: expect.stringContaining("The store's schema is at step 3, this version of millrun knows 2."),
    });
    expect(await bring(STOPPING)).toEqual({ from: 3, to: 3 });
  });
});

async function openAndUse(sql: ReturnType<typeof openConnections>): Promise<void> {
  await sql.unsafe('select 1');
}

function asRole(url: string, role: string): string {
  const address = new URL(url);
  address.username = role;
  return address.href;
}
