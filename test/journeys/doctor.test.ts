import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectPostgres, inspectSqlite } from '../../src/platform-doctor.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { startsPostgres } from '../support/postgres.ts';
import { startPlatform } from '../support/server.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-doctor-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the embedded store, looked at from outside', () => {
  it('is not there, there, in use, or of a newer version', async () => {
    expect(inspectSqlite(folder)).toMatchObject({ step: null, isInUse: false });
    const store = openSqliteStore(folder);
    const { knownSteps } = inspectSqlite(folder);
    expect(inspectSqlite(folder)).toMatchObject({ step: knownSteps, isInUse: true, damage: null });
    await store.close();
    expect(inspectSqlite(folder)).toMatchObject({ step: knownSteps, isInUse: false });
    const newer = new DatabaseSync(join(folder, 'millrun.db'));
    newer.exec(`pragma user_version = ${knownSteps + 5}`);
    newer.close();
    expect(inspectSqlite(folder)).toMatchObject({ step: knownSteps + 5, knownSteps });
  });

  it('that is something else cannot be read', () => {
    writeFileSync(
      join(folder, 'millrun.db'),
      'notes of a meeting, longer than the head of a database would be'.repeat(100),
    );
    expect(() => inspectSqlite(folder)).toThrow();
  });
});

describe('a store on PostgreSQL, looked at from outside', () => {
  const cluster = startsPostgres();

  it('tells its version, its step, its clock and whether notices arrive, and changes nothing', async () => {
    const { url, drop } = cluster.newSchema();
    expect(await inspectPostgres(url)).toMatchObject({ step: null, hearsNotices: true });
    expect(await inspectPostgres(url)).toMatchObject({ step: null });
    const server = await startPlatform({ settings: { store: url } });
    await server.stop();
    const facts = await inspectPostgres(url);
    expect(facts).toMatchObject({ kind: 'postgres', step: facts.knownSteps, version: expect.stringMatching(/^\d+/) });
    expect(facts.clockAhead).toEqual(expect.any(Number));
    await drop();
    await expect(inspectPostgres('postgres://nobody@127.0.0.1:1/nothing')).rejects.toThrow();
  });
});
