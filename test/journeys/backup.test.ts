import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { GREETING } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { needsProgram } from '../support/programs.ts';
import { startS3Server } from '../support/s3-server.ts';
import { startPlatform } from '../support/server.ts';

const program = needsProgram('postgres');
const cluster = startsPostgres();
const fresh = startsPostgres();

const call = promisify(execFile);
// The package may have made a link to the server alone.
const tool = (name: string, ...args: string[]) => call(join(dirname(realpathSync(program ?? '')), name), args);

/** Runs whose payloads lie in the bucket, among others. */
const LARGE = 'x'.repeat(300_000);

it('a backup of PostgreSQL and then of the bucket, taken while runs are made, brings every run back on other machines', async () => {
  const s3 = await startS3Server();
  const other = await startS3Server();
  const folders = ['data', 'backup', 'restored'].map((name) => mkdtempSync(join(tmpdir(), `millrun-${name}-`)));
  const [data = '', backup = '', restored = ''] = folders;
  const schema = 'millrun';
  const old = await startPlatform({
    folder: data,
    settings: { ...s3.settings, store: `${cluster.url}?schema=${schema}` },
  });
  onTestFinished(async () => {
    await Promise.all([s3.stop(), other.stop()]);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const workflow = await old.client.save(GREETING);
  const told = new Map<string, string>();
  const make = async (n: number) => {
    const name = `Wilhelmina${n} ${n % 3 === 0 ? LARGE : ''}`;
    const { id } = await old.client.run(workflow.id, { input: { Name: name } });
    await old.client.until(workflow.id, id, ['completed']);
    told.set(id, name);
  };
  for (let n = 0; n < 6; n += 1) await make(n);
  const before = new Map(told);

  let isOver = false;
  const making = (async () => {
    for (let n = 6; !isOver; n += 1) await make(n);
  })();
  await tool('pg_dump', '--format=custom', `--schema=${schema}`, `--file=${join(backup, 'store.dump')}`, cluster.url);
  // The bucket comes second: a row is written after its blob.
  const bucket = new Map(s3.objects);
  for (const name of readdirSync(data).filter((file) => file.endsWith('.key')))
    copyFileSync(join(data, name), join(restored, name));
  isOver = true;
  await making;
  await old.stop();

  await tool('pg_restore', '--exit-on-error', '--no-owner', `--dbname=${fresh.url}`, join(backup, 'store.dump'));
  for (const [key, bytes] of bucket) (other.objects as Map<string, Buffer>).set(key, bytes);
  const next = await startPlatform({
    folder: restored,
    settings: { ...other.settings, store: `${fresh.url}?schema=${schema}` },
  });
  onTestFinished(() => next.stop());

  const { items } = await next.client.get(`/v1/workflows/${workflow.id}/runs?size=100`);
  const listed: string[] = items.map(({ id }: { id: string }) => id);
  expect(listed).toEqual(expect.arrayContaining([...before.keys()]));
  for (const id of listed) {
    await next.client.until(workflow.id, id, ['completed']);
    const run = await next.client.get(`/v1/workflows/${workflow.id}/runs/${id}`);
    if (told.has(id)) expect(run.output).toEqual({ Greeting: `Hello ${told.get(id)}` });
  }
  for (const [id, name] of before) {
    const found = async () => {
      const answer = await next.client.post('/v1/runs/search', { query: name.split(' ')[0] });
      return answer.items.map((item: { id: string }) => item.id);
    };
    await expect.poll(found, { timeout: 60_000 }).toContain(id);
  }
  await next.client.run(workflow.id, { input: { Name: 'Kunigunde' } });
}, 180_000);
