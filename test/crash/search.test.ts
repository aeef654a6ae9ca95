import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomOf } from './random.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/*
 * The search index is derived: whatever becomes of its file, searches are right again without anybody's help. What is right follows from the
 * runs as the API itself lists them.
 */

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

const KILLS = LONG ? 30 : 3;
const DAMAGE_ROUNDS = LONG ? 10 : 1;

/** Clients that run workflows one after the other until the kill. */
const CLIENTS = 8;

/** Milliseconds under load before a kill, at most. */
const LOAD_MS = 600;

/** Looks at a search that is not right yet, and the time between two: far more than the rebuild of so few runs takes. */
const PATIENCE = { looks: 150, everyMs: 100 };

/** What every run has one of, so that each is looked for in many places of the index. */
const ANIMALS = ['heron', 'ibex', 'jackal', 'kestrel', 'lemming', 'marmot', 'newt'];

const definition = {
  nodes: [
    { id: 'in', type: 'InputNode', node_config: { label: 'Text', type: 'str' } },
    { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
  ],
  edges: [{ id: 'e', from_id: 'in::output', to_id: 'out::input' }],
};

interface Found {
  readonly items: readonly { readonly id: string; readonly input: { readonly Text: string } }[];
  readonly total: number;
  readonly total_is_lower_bound?: boolean;
  readonly index_rebuild?: object;
}

const seed = Math.floor(Math.random() * 1e9);
const random = randomOf(seed);
let folder: string;
let file: string;
let server: ServerProcess;
let workflowId: string;
let made = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-search-crash-'));
  file = join(folder, 'search.db');
  server = await startServer({ folder });
  const { body } = await server.call('POST', '/v1/workflows', { name: 'Echo', definition });
  workflowId = (body as { id: string }).id;
});

afterAll(async () => {
  server.signal('SIGKILL');
  await server.exited;
  rmSync(folder, { recursive: true, force: true });
});

async function run(): Promise<void> {
  const number = made++;
  const Text = `${ANIMALS[number % ANIMALS.length]} number ${number}, ${'some words about it. '.repeat(number % 40)}`;
  await server.call('POST', `/v1/workflows/${workflowId}/runs/sync`, { input: { Text } });
}

async function kill(): Promise<void> {
  server.signal('SIGKILL');
  await server.exited;
}

/** Every run that the API lists, newest first. */
async function listed(): Promise<{ id: string; text: string }[]> {
  const runs = [];
  for (let page = 1; ; page++) {
    const { body } = await server.call('GET', `/v1/runs?size=100&page=${page}`);
    const { items } = body as Found;
    runs.push(...items.map(({ id, input }) => ({ id, text: input.Text })));
    if (items.length < 100) return runs;
  }
}

/** What a search says that claims to be complete, page by page. */
async function found(query: string): Promise<string[] | 'not yet complete'> {
  const ids: string[] = [];
  for (let offset = 0; ; offset += 100) {
    const { status, body } = await server.call('POST', '/v1/runs/search', { query, limit: 100, offset });
    if (status !== 200) return 'not yet complete';
    const { items, index_rebuild: rebuild, total_is_lower_bound: isLowerBound } = body as Found;
    if (rebuild !== undefined || isLowerBound === true) return 'not yet complete';
    ids.push(...items.map(({ id }) => id));
    if (items.length < 100) return ids;
  }
}

/** Looks until every search is right, for a bounded time. @returns what was still wrong then */
async function wrongAnswers(): Promise<string[]> {
  const runs = await listed();
  const queries = [...ANIMALS, 'number 1', 'words about it', runs[0]?.id ?? '', 'no such words'];
  const right = (query: string) =>
    runs.filter(({ id, text }) => text.includes(query) || id.startsWith(query)).map(({ id }) => id);
  let wrong: string[] = queries;
  for (let look = 0; look < PATIENCE.looks && wrong.length > 0; look++) {
    if (look > 0) await sleep(PATIENCE.everyMs);
    const answers = await Promise.all(wrong.map(found));
    wrong = wrong.filter((query, place) => JSON.stringify(answers[place]) !== JSON.stringify(right(query)));
  }
  return wrong;
}

function garbage(path: string, from: number): void {
  const bytes = readFileSync(path);
  for (let at = from; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256);
  writeFileSync(path, bytes);
}

/** Moves what the write-ahead log holds to the file, which would otherwise hold next to nothing of so small an index. */
function checkpoint(): void {
  const db = new DatabaseSync(file, { timeout: 5000 });
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

/** What may become of a file on a disk that is full, failing or tidied by hand. */
const DAMAGE: Readonly<Record<string, () => void>> = {
  removed: () => rmSync(file),
  'cut short': () => truncateSync(file, Math.floor(random() * statSync(file).size)),
  emptied: () => truncateSync(file, 0),
  'filled with garbage': () => garbage(file, 0),
  'filled with garbage from somewhere on': () => garbage(file, Math.floor(random() * statSync(file).size)),
  'replaced by a text': () => writeFileSync(file, 'no index at all'),
};

const LOG_DAMAGE: Readonly<Record<string, () => void>> = {
  removed: () => rmSync(`${file}-wal`, { force: true }),
  'cut short': () => {
    const log = `${file}-wal`;
    if (existsSync(log)) truncateSync(log, Math.floor(random() * statSync(log).size));
  },
  'filled with garbage': () => {
    if (existsSync(`${file}-wal`)) garbage(`${file}-wal`, 0);
  },
};

async function runSome(count: number): Promise<void> {
  for (let left = count; left > 0; left -= CLIENTS) await Promise.all(Array.from({ length: CLIENTS }, run));
}

describe('while the server is down', () => {
  it.each(Object.keys(DAMAGE))('an index that was %s is built anew', async (damage) => {
    for (let round = 0; round < DAMAGE_ROUNDS; round++) {
      await runSome(16);
      expect(await wrongAnswers()).toEqual([]);
      await kill();
      checkpoint();
      DAMAGE[damage]?.();
      server = await startServer({ folder });
      expect(await wrongAnswers(), `seed ${seed}, round ${round}`).toEqual([]);
    }
  });

  it.each(Object.keys(LOG_DAMAGE))('an index whose write-ahead log was %s is right again', async (damage) => {
    await runSome(16);
    expect(await wrongAnswers()).toEqual([]);
    await kill();
    LOG_DAMAGE[damage]?.();
    server = await startServer({ folder });
    expect(await wrongAnswers(), `seed ${seed}`).toEqual([]);
  });
});

describe('while the server answers', () => {
  it.each(Object.keys(DAMAGE))('an index that is %s does not keep searches from being right', async (damage) => {
    for (let round = 0; round < DAMAGE_ROUNDS; round++) {
      await runSome(16);
      expect(await wrongAnswers()).toEqual([]);
      checkpoint();
      DAMAGE[damage]?.();
      expect(await wrongAnswers(), `seed ${seed}, at once, round ${round}`).toEqual([]);
      await runSome(16);
      expect(await wrongAnswers(), `seed ${seed}, later, round ${round}`).toEqual([]);
    }
  });
});

it('a server that is killed again and again while it indexes finds every run, and none twice', async () => {
  for (let cycle = 0; cycle < KILLS; cycle++) {
    let isKilled = false;
    const client = async () => {
      while (!isKilled) await run().catch(() => undefined);
    };
    const clients = Array.from({ length: CLIENTS }, client);
    const asking = (async () => {
      while (!isKilled) await found('heron').catch(() => undefined);
    })();
    await sleep(LOAD_MS * random());
    await kill();
    isKilled = true;
    await Promise.all([...clients, asking]);
    server = await startServer({ folder });
    expect(await wrongAnswers(), `seed ${seed}, kill ${cycle}`).toEqual([]);
  }
  console.info(JSON.stringify({ seed, kills: KILLS, runs: (await listed()).length }));
});
