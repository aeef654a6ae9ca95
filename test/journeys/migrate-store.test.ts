import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import postgres from '../../src/store/postgres/driver.ts';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { openPostgresTables } from '../../src/store/postgres/postgres-tables.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { openSqliteTables } from '../../src/store/sqlite/sqlite-tables.ts';
import type { Store } from '../../src/store/store.ts';
import { moveStore, type StoreTables, type TransferRow } from '../../src/store/transfer.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { startS3Server } from '../support/s3-server.ts';
import { KEY, runBinary, startPlatform } from '../support/server.ts';

const BINARY = join(import.meta.dirname, '../../bin/millrun.js');
const cluster = startsPostgres();

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-move-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function newSchema(): string {
  const { url, drop } = cluster.newSchema();
  onTestFinished(drop);
  return url;
}

/** Texts that stores, drivers and JSON have stumbled over. */
const TEXTS = ["it's", '"x"', '\\', '\\n\n\t\r', '\\u0000', '𝔘\u{1f600}é', '', '{}', 'null', '%_$1', 'Z', 'a'];

/** Fills every table of an embedded store with rows that no table refuses, whatever their columns are. */
function fill(folder: string, rowsOfTable: number): void {
  const db = new DatabaseSync(join(folder, 'millrun.db'));
  const tables = db.prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'").all();
  db.exec('begin; delete from followers');
  for (const { name } of tables) {
    const columns = db
      .prepare(`pragma table_xinfo("${name}")`)
      .all()
      .filter((column) => column['hidden'] === 0);
    const insert = db.prepare(`insert into "${name}" values (${columns.map(() => '?').join(', ')})`);
    for (let n = 1; n <= rowsOfTable; n += 1) {
      insert.run(
        ...columns.map((column, place) => {
          if (column['type'] === 'REAL') return n / 7;
          if (column['type'] !== 'TEXT') return n * 1_000_003 + place;
          if (column['name'] === 'settings') return `{"max_concurrent_runs":${(n % 9) + 1}}`;
          // Generated columns read it.
          if (column['name'] === 'failure') return n % 2 === 0 ? null : `{"code":"c${n}"}`;
          if (column['notnull'] === 0 && n % 3 === 0) return null;
          return `${TEXTS[n % TEXTS.length]} ${String.fromCharCode(65 + (n % 57))}${n}`;
        }),
      );
    }
  }
  db.exec('commit');
  db.close();
}

async function contents(tables: StoreTables): Promise<Record<string, readonly TransferRow[]>> {
  const found: Record<string, readonly TransferRow[]> = {};
  for (const table of await tables.tables()) {
    const rows = await tables.read({ ...table, key: [...table.key].sort() }, null, 100_000);
    found[table.name] = rows.map((row) => ({ ...row }));
  }
  return found;
}

describe('moving a store', () => {
  it('brings every table over, there and back, and goes on where it was broken off', async () => {
    const [from, back] = [newFolder(), newFolder()];
    const url = newSchema();
    await openSqliteStore(from).close();
    fill(from, 150);
    const source = openSqliteTables(from, false)!;
    let target = await openPostgresTables(url);
    const before = await contents(source);
    expect(Object.keys(before).length).toBeGreaterThan(25);
    expect(Object.values(before).every((rows) => rows.length === 150)).toBe(true);

    // Each try is broken off a little later; what was written stays.
    let tries = 0;
    for (let done = false; !done; tries += 1) {
      let steps = 0;
      try {
        await moveStore(source, target, ({ rows }) => {
          if (rows > 0) steps += 1;
          if (tries < 5 && steps > 3 * tries) throw new Error('broken off');
        });
        done = true;
      } catch (error) {
        expect(String(error)).toContain('broken off');
        await target.close();
        await expect(openPostgresStore(url)).rejects.toThrow(/half of a move from sqlite:/);
        target = await openPostgresTables(url);
      }
    }
    expect(tries).toBe(6);
    expect(await contents(target)).toEqual(before);
    expect(await target.head()).toBe(Math.max(...before['events']!.map((row) => Number(row['position']))));

    const again = openSqliteTables(back, true)!;
    await moveStore(target, again, () => undefined);
    expect(await contents(again)).toEqual(before);
    await expect(moveStore(source, again, () => undefined)).rejects.toThrow(/is not empty: there are rows in/);
    await again.close();
    await source.close();

    const sql = postgres(cluster.url, { max: 1 });
    const schema = new URL(url).searchParams.get('schema');
    const limits = await sql.unsafe(`select settings, run_limit from ${schema}.workflows`);
    expect(limits.every((row) => JSON.parse(row['settings']).max_concurrent_runs === Number(row['run_limit']))).toBe(
      true,
    );
    await sql.end();
    await target.close();
  });

  it('tells when the source was changed meanwhile, table, counts and checksums', async () => {
    const from = newFolder();
    await openSqliteStore(from).close();
    fill(from, 20);
    const source = openSqliteTables(from, false)!;
    const target = await openPostgresTables(newSchema());
    const other = new DatabaseSync(join(from, 'millrun.db'));
    let isChanged = false;
    const moving = moveStore(source, target, ({ doing }) => {
      if (doing === 'verify' && !isChanged)
        other.exec("update files set name = 'another' where size = (select max(size) from files)");
      isChanged ||= doing === 'verify';
    });
    await expect(moving).rejects.toThrow(/^Table files has 20 rows with checksum .* was written to during the move/);
    other.close();
    await source.close();
    await target.close();
  });

  it('is refused for stores that servers use, that are not there, and that are something else', async () => {
    const folder = newFolder();
    const store = openSqliteStore(folder);
    const empty = newFolder();
    await openSqliteStore(empty).close();
    const url = newSchema();
    const shared = await openPostgresStore(url);
    const move = (...operands: string[]) => runBinary(['migrate-store', ...operands]);
    const answers = await Promise.all([
      move(`sqlite:${folder}`, newSchema()),
      move(url, newSchema()),
      move(`sqlite:${join(folder, 'nothing')}`, newSchema()),
      move('mysql://x', newSchema()),
      move(`sqlite:${folder}`),
      move(`sqlite:${empty}`, 'postgres://127.0.0.1:9/nothing'),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(answers.map(({ stderr }) => stderr)).toEqual([
      expect.stringContaining('Another millrun process owns'),
      expect.stringMatching(/^Servers are connected to postgres:\/\/127.0.0.1:\d+\/postgres\?schema=\w+\. Stop them/),
      expect.stringContaining('There is no store in'),
      expect.stringContaining('A store is sqlite:<folder> or postgres://'),
      expect.stringContaining('Usage:'),
      expect.stringMatching(/^A store went away or cannot be reached \(.*ECONNREFUSED.*give the same command again/),
    ]);
    await store.close();
    await shared.close();
  });

  it('survives a kill, and servers on the new store go on with everything: runs, log, payloads on S3, and search', async () => {
    const folder = newFolder();
    const url = newSchema();
    const s3 = await startS3Server();
    onTestFinished(() => s3.stop());
    const old = await startPlatform({ folder });
    const workflow = await old.client.save(GREETING);
    const names = ['Wilhelmina', `Zyzzogeton ${'x'.repeat(300_000)}`, 'Ottokar'];
    const runs = [];
    for (const Name of names) runs.push(await old.client.run(workflow.id, { input: { Name } }));
    for (const run of runs) await old.client.until(workflow.id, run.id, ['completed']);
    await old.stop();
    multiply(folder, 20_000);

    const flags = Object.entries(s3.settings).flatMap(([flag, value]) => [`--${flag}`, value]);
    const command = ['migrate-store', `sqlite:${folder}`, url, ...flags];
    const child = spawn(process.execPath, [BINARY, ...command], { stdio: 'ignore', cwd: folder });
    await untilSomeIsMoved(url, 'run_logs');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const refused = await runBinary(['serve', '--store', url, '--data', newFolder()]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('half of a move from sqlite:')]);

    const moved = await runBinary(command, {}, folder);
    expect(moved).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Moved and verified \d+ rows .*\d+ blobs of/),
    });
    expect(Number(/moving run_logs: (\d+) of 20000/.exec(moved.stderr)?.[1])).toBeGreaterThan(0);
    expect(await runBinary(command, {}, folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not empty'),
    });

    const [one, other] = [openSqliteStore(folder), await openPostgresStore(url)];
    const workspaceId = (await one.readLog(0, 1))[0]!.workspaceId;
    for (const { id } of runs) expect(await other.loadRun(workspaceId, id)).toEqual(await one.loadRun(workspaceId, id));
    expect(await everything(other, workspaceId)).toEqual(await everything(one, workspaceId));
    await one.close();
    await other.close();

    const data = newFolder();
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.key'))) {
      copyFileSync(join(folder, name), join(data, name));
    }
    const next = await startPlatform({ folder: data, settings: { ...s3.settings, store: url } });
    onTestFinished(() => next.stop());
    for (const [index, word] of ['Wilhelmina', 'Zyzzogeton', 'Ottokar'].entries()) {
      // The index is built anew from the log.
      const found = async () => {
        const { items } = await next.client.post('/v1/runs/search', { query: word });
        return items.map(({ id }: { id: string }) => id);
      };
      await expect.poll(found, { timeout: 60_000 }).toEqual([runs[index]!.id]);
    }
    const run = await next.client.run(workflow.id, { input: { Name: 'Kunigunde' } });
    await next.client.until(workflow.id, run.id, ['completed']);
    const large = await next.client.get(`/v1/workflows/${workflow.id}/runs/${runs[1]!.id}`);
    expect(large.output.Greeting).toBe(`Hello ${names[1]}`);
    expect(next.client.key).toBe(KEY);
  }, 180_000);
});

/** What a store says of a workspace through its port. */
async function everything(store: Store, workspaceId: string): Promise<unknown> {
  const page = { page: 1, size: 100 };
  return {
    log: await store.readLog(0, 1000),
    stats: await store.stats(),
    followers: await Promise.all(
      ['callbacks', 'evaluations', 'error_handlers'].map((one) => store.followerPosition(one)),
    ),
    runs: await store.listRuns({ workspaceId }, page, { output: true }),
  };
}

/** Adds lines to the log of a run, so that a move takes a while. */
function multiply(folder: string, lines: number): void {
  const db = new DatabaseSync(join(folder, 'millrun.db'));
  db.exec(`delete from run_logs;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${lines})
    insert into run_logs (workspace_id, run_id, id, iteration, level, message, at)
    select workspace_id, id, printf('%s-%08d', id, i), 0, 'info', 'line ' || i, i from n, (select * from runs limit 1)`);
  db.close();
}

async function untilSomeIsMoved(url: string, table: string): Promise<void> {
  const sql = postgres(cluster.url, { max: 1, onnotice: () => undefined });
  const schema = new URL(url).searchParams.get('schema');
  for (;;) {
    const rows = await sql
      .unsafe(`select done from ${schema}.platform_move where table_name = $1`, [table])
      .catch(() => []);
    if (Number(rows[0]?.['done'] ?? 0) > 0) break;
    await sleep(5);
  }
  await sql.end();
}
