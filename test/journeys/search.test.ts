import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCollection } from '../../bench/search-quality/collection.ts';
import { measure } from '../../bench/search-quality/measure.ts';
import { indexWords } from '../../bench/search-quality/word-index.ts';
import { readConfig } from '../../src/config/read.ts';
import { SCOPES } from '../../src/domain/caller.ts';
import type { JsonObject, JsonValue } from '../../src/domain/json.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import { openPlatform, type Platform } from '../../src/platform.ts';
import type { Change } from '../../src/store/change.ts';
import { openLog } from '../../src/system/log.ts';
import { startServer } from '../crash/server-process.ts';
import { queuedRun } from '../support/definitions.ts';
import { openStoreOf, storeEnvironment } from '../support/store-under-test.ts';
import { heldSystem } from '../support/system.ts';

const KEY = 'mr_search_0123456789';
/** The key of another workspace of the same installation. */
const STRANGER = 'mr_stranger_0123456789';

interface Match {
  readonly field: string;
  readonly path: string;
  readonly node_id?: string;
  readonly match: string;
  readonly context: string;
  readonly before: string;
  readonly after: string;
  readonly start: string;
  readonly end: string;
  readonly words?: string;
}

interface Item {
  readonly id: string;
  readonly workflow_id: string;
  readonly status: string;
  readonly similarity: number;
  readonly matches: readonly Match[];
  readonly input: JsonObject;
  readonly output: JsonObject | null;
}

interface Found {
  readonly items: readonly Item[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
  readonly pages: number;
  readonly total_is_lower_bound: boolean;
}

/** The product in this process, with a data folder of its own, spoken to over HTTP. */
class House {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrun-search-'));
  #platform: Platform | undefined;
  #url = '';

  async open(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const given = { MILLRUN_DATA: this.folder, MILLRUN_API_KEY: KEY, MILLRUN_PORT: '0' };
    const env = { ...given, ...storeEnvironment(this.folder), ...settings };
    this.#platform = await openPlatform(readConfig({}, env).config, 'test', openLog('silent'));
    await this.#platform.server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = this.#platform.server.server.address() as AddressInfo;
    this.#url = `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    await this.#platform?.stop(0);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async call(method: string, path: string, body?: unknown, key = KEY): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  async #done<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
    const answer = await this.call(method, path, body, key);
    expect(answer.body).toBeDefined();
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }

  /** Saves a workflow. @returns its id */
  async save(name: string, definition: JsonObject, key?: string): Promise<string> {
    return (await this.#done<{ id: string }>('POST', '/v1/workflows', { name, definition }, key)).id;
  }

  /** Runs a workflow to its end. @param input an object, or its JSON text as it shall be sent */
  async run(workflowId: string, input: JsonObject | string, key?: string): Promise<Item> {
    const body = typeof input === 'string' ? `{"input":${input}}` : { input };
    return this.#done('POST', `/v1/workflows/${workflowId}/runs/sync`, body, key);
  }

  /** Queues a run. @returns its id */
  async queue(workflowId: string, input: JsonObject): Promise<string> {
    return (await this.#done<Item>('POST', `/v1/workflows/${workflowId}/runs`, { input })).id;
  }

  async search(query: string, options: JsonObject = {}, address = '', key?: string): Promise<Found> {
    return this.#done('POST', `/v1/runs/search${address}`, { query, ...options }, key);
  }

  async ids(query: string, options: JsonObject = {}, address = '', key?: string): Promise<string[]> {
    return (await this.search(query, options, address, key)).items.map(({ id }) => id);
  }

  /** The first match of the first run. */
  async match(query: string, options: JsonObject = {}): Promise<Match> {
    const [item] = (await this.search(query, options)).items;
    if (!item?.matches[0]) throw new Error(`Nothing was found for ${JSON.stringify(query)}.`);
    return item.matches[0];
  }
}

/** One value in, the same one out. */
function passing(label: string, type = 'Any'): JsonObject {
  return {
    nodes: [
      { id: 'in', type: 'InputNode', node_config: { label, type } },
      { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
    ],
    edges: [{ id: 'e', from_id: 'in::output', to_id: 'out::input' }],
  };
}

const house = new House();
let ticket: string;
let data: string;

beforeAll(async () => {
  await addStranger(house.folder);
  await house.open();
  ticket = await house.save('Ticket triage', passing('Text', 'str'));
  data = await house.save('Record keeper', passing('Data'));
});
afterAll(() => house.close());

/** A second workspace with a key, made before the product opens the store. */
async function addStranger(folder: string): Promise<void> {
  const store = await openStoreOf(folder);
  const [first, second] = [v7(), v7()];
  const about = { id: v7(), workspaceId: second, name: 'stranger', scopes: SCOPES, createdAt: 1 };
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: first, name: 'default', createdAt: 1 } },
    { kind: 'createWorkspace', workspace: { id: second, name: 'strangers', createdAt: 2 } },
    { kind: 'putApiKey', key: keyRecord(STRANGER, about) },
  ]);
  await store.close();
}

describe('what is found', () => {
  it('is there right after the run that a caller waited for', async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await house.run(ticket, { Text: `fresh as dew ${round}.` });
      expect(await house.ids(`dew ${round}.`)).toEqual([id]);
    }
  });

  it('never belongs to another workspace, however it is asked for', async () => {
    const foreign = await house.save('Foreign triage', passing('Text', 'str'), STRANGER);
    const theirs = await house.run(foreign, { Text: 'a walrus in the bathtub' }, STRANGER);
    const ours = await house.run(ticket, { Text: 'a walrus in the kitchen' });
    expect(await house.ids('walrus')).toEqual([ours.id]);
    expect(await house.ids('walrus', {}, '', STRANGER)).toEqual([theirs.id]);
    expect(await house.ids('walrus', { exact: false, limit: 100 })).not.toContain(theirs.id);
    expect(await house.ids(theirs.id)).toEqual([]);
    expect(await house.ids('walrus', { workflow_ids: [foreign] })).toEqual([]);
    expect(await house.ids('walrus', { filter: `workflow_id = "${foreign}"` })).toEqual([]);
  });

  it('a run in flight, and then the same run at its end', async () => {
    const slow = await house.save('Slow', {
      nodes: [
        { id: 'in', type: 'InputNode', node_config: { label: 'Text' } },
        { id: 'wait', type: 'DelayNode', node_config: { seconds: 600 } },
        { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
      ],
      edges: [
        { id: 'a', from_id: 'in::output', to_id: 'wait::value' },
        { id: 'b', from_id: 'wait::output', to_id: 'out::input' },
      ],
    });
    const id = await house.queue(slow, { Text: 'a tortoise on the motorway' });
    const inFlight = await house.search('TORTOISE');
    expect(inFlight.items).toMatchObject([{ id, output: null }]);
    expect(['queued', 'running']).toContain(inFlight.items[0]?.status);
    await house.call('POST', `/v1/runs/${id}/stop`);
    expect((await house.search('tortoise')).items).toMatchObject([{ id, status: 'stopped' }]);
    expect(await house.ids('tortoise', { filter: 'status:stopped' })).toEqual([id]);
  });

  it('text beyond what fits in rows, to its last character', async () => {
    const text = `${'lorem ipsum '.repeat(30_000)}the needle in the haystack`;
    const { id } = await house.run(ticket, { Text: text });
    const { items } = await house.search('needle in the haystack', { max_matches_per_run: 1 });
    expect(items).toMatchObject([{ id, input: { Text: text } }]);
    expect(items[0]?.matches[0]).toMatchObject({ field: 'input', end: String([...text].length) });
    const large = text.slice(-200_000);
    expect(await house.ids(large)).toEqual([id]);
    expect(await house.ids(`${large}!`)).toEqual([]);
  });

  it('text as a person reads it: without the quotes and escapes of JSON', async () => {
    const json = String.raw`{"Data":{"said":"He \"left\"\nat caf\u00e9 \ud83d\ude00 C:\\temp","tab":"a\tb"}}`;
    const { id } = await house.run(data, json);
    for (const query of ['"left"', '"left"\nat', 'at café 😀', 'C:\\temp', 'a\tb']) {
      expect(await house.ids(query), query).toContain(id);
    }
    expect(await house.ids('\\"left')).toEqual([]);
    expect(await house.match('café 😀')).toMatchObject({ field: 'input', path: '$.Data.said', match: 'café 😀' });
  });

  it('numbers and keys as they were written', async () => {
    const { id } = await house.run(
      data,
      '{"Data":{"grandTotal":18800.50,"big key":-3e7,"list":[{"sku":12345678901234567890}]}}',
    );
    expect(await house.ids('grandtotal')).toEqual([id]);
    expect(await house.match('big key')).toMatchObject({ path: "$.Data['big key']", match: 'big key' });
    expect((await house.ids('18800.5'))[0]).toBe(id);
    expect(await house.match('sku')).toMatchObject({ path: '$.Data.list[0].sku' });
  });

  it('words of other languages and scripts, whatever their case', async () => {
    const texts: Record<string, string> = {
      'die längste STRASSE': 'Die längste Straße',
      москва: 'Привет из МОСКВА',
      東京: '東京タワーへ行く',
      ΣΊΣΥΦΟΣ: 'ο σίσυφος',
      한국: '대한민국 한국어',
      '👩‍🚀': 'ready 👩‍🚀 to go',
      مرحبا: 'مرحبا بالعالم',
    };
    for (const [query, text] of Object.entries(texts)) {
      const { id } = await house.run(ticket, { Text: text });
      expect(await house.ids(query), query).toEqual([id]);
    }
  });

  it('é only as é, unless accents are ignored', async () => {
    const { id } = await house.run(ticket, { Text: 'Crème brûlée für Zoë' });
    expect(await house.ids('creme brulee')).toEqual([]);
    expect(await house.ids('creme brulee', { ignore_accents: true })).toEqual([id]);
    expect((await house.match('creme brulee', { ignore_accents: true })).match).toBe('Crème brûlée');
  });

  it.each([
    '%',
    '_',
    "it's",
    '"quoted"',
    'a*b',
    '[x]',
    '?',
    '\\',
    'NEAR(',
    'AND',
    '--',
    ';',
    '$.a',
    '{{',
    "'; drop table",
  ])('text with %s in it, taken as written', async (sign) => {
    const text = `${sign}|sign ${createHash('sha1').update(sign).digest('hex')}`;
    const { id } = await house.run(ticket, { Text: text });
    expect(await house.ids(text)).toEqual([id]);
    expect(await house.ids(sign, { limit: 100 })).toContain(id);
    expect((await house.match(`${sign}|`)).match).toBe(`${sign}|`);
  });

  it('the name of a workflow, warnings, failures and node values, with the node they belong to', async () => {
    const composing = await house.save('Quarterly penguin report', {
      nodes: [
        { id: 'in', type: 'InputNode', node_config: { label: 'Text' } },
        { id: 'compose', type: 'ComposeTextNode', node_config: { template: 'Between ((Text)) and ((Unplugged))' } },
        { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
      ],
      edges: [
        { id: 'a', from_id: 'in::output', to_id: { node_id: 'compose', connector_name: 'variables', key: 'Text' } },
        { id: 'b', from_id: 'compose::output', to_id: 'out::input' },
      ],
    });
    const run = await house.run(composing, { Text: 'glaciers' });
    expect(await house.ids('penguin report')).toEqual([run.id]);
    expect(await house.match('penguin report')).toMatchObject({ field: 'other', path: '$.workflow_name' });
    expect(await house.match('Unplugged', { search_in: ['other'] })).toMatchObject({
      field: 'other',
      node_id: 'compose',
    });
    expect(
      (await house.search('Unplugged', { search_in: ['other'] })).items[0]?.matches.map(({ path }) => path),
    ).toContain('$.warnings[0]');

    const failing = await house.save('Numbers only', passing('Amount', 'number'));
    const failed = await house.run(failing, { Amount: 'eleventy' });
    expect(failed.status).toBe('failed');
    const found = (await house.search('takes a number', { search_in: ['other'] })).items[0];
    expect(found).toMatchObject({ id: failed.id, status: 'failed' });
    expect(found?.matches[0]).toMatchObject({ path: '$.failure', node_id: 'in' });
  });

  it('the names of files', async () => {
    const { id } = await house.run(data, { Data: { uri: 'spot://x', filename: 'flat_lease-2024.pdf' } });
    expect(await house.ids('flat_lease-2024.PDF')).toEqual([id]);
  });

  it('nothing of a run that was deleted, by whichever way', async () => {
    const one = await house.run(ticket, { Text: 'ephemeral mayfly' });
    const two = await house.run(ticket, { Text: 'ephemeral moth' });
    expect(await house.ids('ephemeral')).toEqual([two.id, one.id]);
    await house.call('DELETE', `/v1/runs/${one.id}`);
    expect((await house.search('ephemeral')).total).toBe(1);
    await house.call('POST', '/v1/runs/bulk/delete', { run_ids: [two.id] });
    expect(await house.search('ephemeral')).toMatchObject({ items: [], total: 0 });
    expect(await house.ids('ephemeral', { exact: false, limit: 100 })).not.toContain(two.id);
    expect(await house.ids(two.id)).toEqual([]);
  });
});

describe('where it is looked for', () => {
  let run: Item;
  let workflow: string;
  beforeAll(async () => {
    workflow = await house.save('Zebra crossing', {
      nodes: [
        { id: 'in', type: 'InputNode', node_config: { label: 'Text' } },
        { id: 'answer', type: 'InputNode', node_config: { label: 'Answer', fixed_value: true, value: 'quagga' } },
        { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
      ],
      edges: [{ id: 'a', from_id: 'answer::output', to_id: 'out::input' }],
    });
    run = await house.run(workflow, { Text: 'okapi' });
  });

  it.each([
    ['okapi', 'input'],
    ['quagga', 'output'],
    ['zebra', 'other'],
  ])('%s is in the field %s and found there alone or with others', async (query, field) => {
    const fields = ['input', 'output', 'other', 'run_id'];
    expect(await house.ids(query, { search_in: [field] })).toEqual([run.id]);
    expect(await house.ids(query, { search_in: fields })).toEqual([run.id]);
    expect(await house.ids(query, { search_in: null })).toEqual([run.id]);
    expect((await house.match(query, { search_in: [field] })).field).toBe(field);
    // Nodes carry what goes in and comes out, so that it is among the rest, too.
    const others = fields.filter((other) => other !== field && other !== 'other');
    expect(await house.ids(query, { search_in: others })).toEqual([]);
    const { items } = await house.search(query, { exact: false, search_in: others });
    expect(items.flatMap(({ matches }) => matches.filter((match) => !others.includes(match.field)))).toEqual([]);
  });

  it('a run is found by its id and the beginning of it, not by the middle', async () => {
    expect(await house.ids(run.id.toUpperCase())).toEqual([run.id]);
    const found = await house.search(run.id.slice(0, 30), { search_in: ['run_id'] });
    expect(found.items.map(({ id }) => id)).toEqual([run.id]);
    expect(found.items[0]?.matches).toEqual([
      {
        field: 'run_id',
        path: '$',
        match: run.id.slice(0, 30),
        context: run.id,
        before: '',
        after: run.id.slice(30),
        start: '0',
        end: '30',
      },
    ]);
    expect(await house.ids(run.id.slice(24), { search_in: ['run_id'] })).toEqual([]);
    expect(await house.ids(run.id, { search_in: ['input', 'output'] })).toEqual([]);
  });

  it('only runs of the given workflows, and only those a filter lets through', async () => {
    const again = await house.run(ticket, { Text: 'okapi' });
    expect(await house.ids('okapi')).toEqual([again.id, run.id]);
    expect(await house.ids('okapi', { workflow_ids: [workflow] })).toEqual([run.id]);
    expect(await house.ids('okapi', { workflow_ids: [workflow, ticket] })).toEqual([again.id, run.id]);
    expect(await house.ids('okapi', { workflow_ids: [] })).toEqual([]);
    expect(await house.ids('okapi', { workflow_ids: [v7()] })).toEqual([]);
    expect(await house.ids('okapi', { filter: 'status:completed AND output.Result:quagga' })).toEqual([run.id]);
    expect(await house.ids('okapi', { filter: 'status:failed' })).toEqual([]);
    expect(await house.ids('okapi', { filter: '' })).toEqual([again.id, run.id]);
    expect(await house.search('okapi', { filter: 'output.Result:okapi', limit: 1 })).toMatchObject({ total: 1 });
    for (const exact of [true, false]) {
      const both = { exact, filter: 'created_at > now-1h', workflow_ids: [ticket], limit: 100 };
      const found = await house.search('okapi', both);
      expect(found.items.map((item) => item.workflow_id)).toEqual(found.items.map(() => ticket));
      expect(found.items[0]?.id).toBe(again.id);
    }
  });

  it('a mistake in the filter is told with its place and a way out', async () => {
    const answer = await house.call('POST', '/v1/runs/search', { query: 'okapi', filter: 'statsu:failed' });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      detail: [{ loc: ['body', 'filter'], type: 'filter', msg: expect.stringContaining('characters 0 to 6') }],
    });
    const open = await house.call('POST', '/v1/runs/search', { query: 'okapi', filter: '(status:failed' });
    expect(open.status).toBe(422);
  });
});

describe('the list', () => {
  const ids: string[] = [];
  beforeAll(async () => {
    for (let number = 0; number < 25; number++) {
      ids.unshift((await house.run(ticket, { Text: `gnu ${number} gnu, gnu gnu gnu gnu gnu.` })).id);
    }
  });

  it('is newest first, ten long unless said otherwise, and counts all that match', async () => {
    const found = await house.search('gnu ');
    expect(found.items.map(({ id }) => id)).toEqual(ids.slice(0, 10));
    expect(found).toMatchObject({ total: 25, total_is_lower_bound: false, page: 1, size: 10, pages: 1 });
    expect(found.items.every(({ similarity }) => similarity === 1)).toBe(true);
  });

  it('is bounded by limit and offset', async () => {
    expect(await house.ids('gnu ', { limit: 100 })).toEqual(ids);
    expect(await house.ids('gnu ', { limit: 7, offset: 3 })).toEqual(ids.slice(3, 10));
    expect(await house.ids('gnu ', { limit: 7, offset: 23 })).toEqual(ids.slice(23));
    expect(await house.search('gnu ', { offset: 10_000 })).toMatchObject({ items: [], total: 25 });
  });

  it.each([
    ['?page=2&size=10', { limit: 100 }, [10, 20], { page: 2, size: 10, pages: 3 }],
    ['?page=3&size=10', { limit: 100 }, [20, 25], { page: 3, size: 10, pages: 3 }],
    ['?page=2&size=10', { limit: 15 }, [10, 15], { page: 2, size: 10, pages: 2 }],
    ['?page=2&size=10', { limit: 15, offset: 5 }, [15, 20], { page: 2, size: 10, pages: 2 }],
    ['?page=2&size=10', { limit: 100, offset: 12 }, [22, 25], { page: 2, size: 10, pages: 2 }],
    ['?page=2&size=10', {}, [10, 10], { page: 2, size: 10, pages: 1 }],
    ['?page=1000000000', { limit: 100 }, [25, 25], { page: 1_000_000_000, size: 50, pages: 1 }],
    ['?size=4', {}, [0, 4], { page: 1, size: 4, pages: 3 }],
    ['?page=1', { limit: 100 }, [0, 25], { page: 1, size: 50, pages: 1 }],
  ])('of %s with %o holds the right runs', async (address, options, [from, to], page) => {
    for (const exact of [true, false]) {
      const filter = "input.Text.startswith:'gnu'";
      const found = await house.search('gnu', { ...options, exact, filter, max_matches_per_run: 1 }, address);
      expect(found).toMatchObject({ ...page, total: 25 });
      if (exact) expect(found.items.map(({ id }) => id)).toEqual(ids.slice(from, to));
      else expect(found.items).toHaveLength(to! - from!);
    }
  });

  it('shows as many matches of a run as wanted, in order', async () => {
    expect((await house.search('gnu', { limit: 1 })).items[0]?.matches).toHaveLength(5);
    expect((await house.search('gnu', { limit: 1, max_matches_per_run: 0 })).items[0]?.matches).toEqual([]);
    const { matches } = (await house.search('gnu', { limit: 1, max_matches_per_run: 3 })).items[0]!;
    expect(matches.map(({ start }) => start)).toEqual(['0', '7', '12']);
  });

  it('shows the wanted number of characters on each side of a match, and never half a character', async () => {
    await house.run(ticket, { Text: 'ab👩‍🚀cd é́ needlework 🇩🇪🇫🇷 xyz' });
    const none = await house.match('needlework', { context_size: 0 });
    expect(none).toMatchObject({ before: '', after: '', context: 'needlework', match: 'needlework' });
    expect(await house.match('needlework', { context_size: 2 })).toMatchObject({ before: ' ', after: ' ' });
    expect(await house.match('needlework', { context_size: 3 })).toMatchObject({ after: ' 🇩🇪' });
    const all = await house.match('needlework', { context_size: 1000 });
    expect(all.context).toBe('ab👩‍🚀cd é́ needlework 🇩🇪🇫🇷 xyz');
    expect(Number(all.end) - Number(all.start)).toBe('needlework'.length);
  });

  it('carries matches whose every value is a text', async () => {
    for (const exact of [true, false]) {
      for (const { matches } of (await house.search('gnu', { exact })).items) {
        for (const match of matches) {
          expect(Object.values(match).filter((value) => typeof value !== 'string')).toEqual([]);
          expect(match.context).toBe(match.before + match.match + match.after);
          expect(['input', 'output', 'other', 'run_id']).toContain(match.field);
        }
      }
    }
  });

  it.each([
    [{ query: '' }],
    [{}],
    [{ query: 7 }],
    [{ query: 'a', limit: 0 }],
    [{ query: 'a', limit: 101 }],
    [{ query: 'a', limit: 1.5 }],
    [{ query: 'a', offset: -1 }],
    [{ query: 'a', offset: 10_001 }],
    [{ query: 'a', context_size: -1 }],
    [{ query: 'a', context_size: 1001 }],
    [{ query: 'a', max_matches_per_run: -1 }],
    [{ query: 'a', similarity_threshold: 1.1 }],
    [{ query: 'a', similarity_threshold: 'high' }],
    [{ query: 'a', search_in: ['inputs'] }],
    [{ query: 'a', exact: 'maybe' }],
    [{ query: 'a', workflow_ids: ['7'] }],
  ])('is refused for %j, and the answer says where the mistake is', async (body) => {
    const answer = await house.call('POST', '/v1/runs/search', body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ detail: [{ loc: expect.arrayContaining(['body']), msg: expect.any(String) }] });
  });

  it.each(['?page=0', '?size=0', '?size=101', '?page=x'])('is refused for %s', async (address) => {
    const answer = await house.call('POST', `/v1/runs/search${address}`, { query: 'a' });
    expect(answer.status).toBe(422);
  });

  it('has everything that official clients read of a run', async () => {
    const { body } = await house.call('POST', '/v1/runs/search', {
      query: 'gnu 7',
      limit: 5,
      offset: 0,
      exact: true,
      search_in: ['input'],
    });
    const [item] = (body as Found).items;
    expect(item).toMatchObject({
      status: 'completed',
      input: { Text: expect.any(String) },
      progress: 100,
      similarity: 1,
    });
    expect(Object.keys(item!)).toEqual(
      expect.arrayContaining(['id', 'group_id', 'workflow_id', 'created_at', 'output', 'matches']),
    );
  });
});

describe('by meaning', () => {
  let parcel: string;
  beforeAll(async () => {
    parcel = (
      await house.run(ticket, {
        Text: 'Good morning. My parcel arrived crushed and the vase inside is in pieces. I live at number 6.',
      })
    ).id;
    await house.run(ticket, { Text: 'How do I change the language of the keyboard?' });
  });

  it('a run is found in other words, and shows the sentence that says it with the words that carried it', async () => {
    const { items } = await house.search('package was damaged during delivery', { exact: false, context_size: 10 });
    expect(items[0]?.id).toBe(parcel);
    expect(items[0]?.matches[0]).toMatchObject({
      field: 'input',
      path: '$.Text',
      match: 'My parcel arrived crushed and the vase inside is in pieces.',
      before: ' morning. ',
      start: '14',
    });
    expect(items[0]?.matches[0]?.words).toContain('parcel');
  });

  it('runs come with their similarity, the most similar first, and none below the threshold', async () => {
    const { items, total } = await house.search('package was damaged', { exact: false, limit: 100 });
    const similarities = items.map(({ similarity }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
    expect(similarities.every((similarity) => similarity > 0 && similarity <= 1)).toBe(true);
    const threshold = similarities[0]! - 0.001;
    const above = await house.search('package was damaged', { exact: false, similarity_threshold: threshold });
    expect(above.items.map(({ id }) => id)).toEqual([parcel]);
    expect(above.total).toBe(1);
    expect(total).toBeGreaterThan(1);
  });

  it('an exact search pays no heed to the threshold', async () => {
    expect(await house.ids('parcel arrived', { similarity_threshold: 1 })).toEqual([parcel]);
  });

  it('a text is shown once, though the run carried it through its nodes, and a name of a field is no sentence', async () => {
    const { items } = await house.search('damaged vase', { exact: false, limit: 1, max_matches_per_run: 100 });
    const texts = items[0]!.matches.map(({ match }) => match);
    expect(texts).toEqual([...new Set(texts)]);
    expect(texts).not.toContain('Text');
    expect(texts).not.toContain('Result');
  });

  it('a question without words finds nothing, and one of many words is answered', async () => {
    for (const query of ['!?', ' ', '\u{1F600}']) {
      expect((await house.call('POST', '/v1/runs/search', { query, exact: false })).status).toBe(200);
    }
    const long = 'the parcel arrived crushed '.repeat(5000);
    expect((await house.ids(long, { exact: false }))[0]).toBe(parcel);
  });
});

describe('a limit on what is indexed of one run', () => {
  const small = new House();
  afterAll(() => small.close());

  it('is told on the run itself, once, and where the search ends', async () => {
    await small.open({ MILLRUN_SEARCH_MAX_CHARACTERS: '1000' });
    const workflow = await small.save('Echo', passing('Text', 'str'));
    const short = await small.run(workflow, { Text: 'short enough' });
    const long = await small.run(workflow, { Text: `beginning ${'x'.repeat(2000)} ending` });
    expect(await small.ids('beginning')).toEqual([long.id]);
    expect(await small.ids('ending')).toEqual([]);
    const logsOf = async (id: string) => {
      const { body } = await small.call('GET', `/v1/workflows/${workflow}/runs/${id}`);
      const { run_logs: logs } = (body as { progress_details: { run_logs: Record<string, JsonObject> } })
        .progress_details;
      return Object.values(logs);
    };
    while ((await logsOf(long.id)).length === 0) await sleep(20);
    await small.call('POST', '/v1/admin/search/rebuild');
    expect(await small.ids('beginning')).toEqual([long.id]);
    expect(await logsOf(long.id)).toMatchObject([
      { level: 'warning', message: expect.stringContaining('Search covers the first 1000 characters of this run') },
    ]);
    expect(await logsOf(short.id)).toEqual([]);
  });
});

describe('many runs', () => {
  const MANY = 10_050;
  const many = new House();
  beforeAll(async () => {
    await seed(many.folder, MANY);
    await many.open();
  });
  afterAll(() => many.close());

  it('are counted exactly up to 10,000, beyond which the count says that it is a lower bound', async () => {
    // Until everything is indexed, any count is a lower bound.
    for (let built = false; !built; ) {
      const { body } = await many.call('GET', '/v1/admin/search');
      built = (body as { indexed_runs: number }).indexed_runs === MANY;
      if (!built) await many.search('flamingo');
    }
    expect(await many.search('flamingo', { limit: 1 })).toMatchObject({ total: 10_000, total_is_lower_bound: true });
    const even = await many.search('flamingo even', { limit: 1 });
    expect(even).toMatchObject({ total: MANY / 2, total_is_lower_bound: false });
    const filtered = await many.search('flamingo', { limit: 1, filter: 'status:completed' });
    expect(filtered).toMatchObject({ total: 10_000, total_is_lower_bound: true });
    const last = await many.search('flamingo', { limit: 100, offset: 9_990 });
    expect(last.items).toHaveLength(60);
  });
});

/** Writes runs that have ended into a store that nobody has open. */
async function seed(folder: string, runs: number): Promise<void> {
  const store = await openStoreOf(folder);
  const system = heldSystem();
  const owner = { workspaceId: system.newId(), workflowId: system.newId() };
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: owner.workspaceId, name: 'default', createdAt: 1 } },
  ]);
  for (let from = 0; from < runs; from += 1000) {
    const change = Array.from({ length: Math.min(1000, runs - from) }, (_, place): Change => {
      const input = JSON.stringify({ Text: `flamingo ${(from + place) % 2 === 0 ? 'even' : 'odd'}` });
      const run = queuedRun(owner, system, { status: 'succeeded', progress: 100, input, output: '{}' });
      const event = {
        ...owner,
        runId: run.id,
        at: system.now(),
        kind: 'finished',
        data: { status: 'succeeded', progress: 100 },
      };
      return [
        { kind: 'createRun', run },
        { kind: 'appendEvent', event: event as never },
      ];
    });
    await store.commit(change.flat());
  }
  await store.close();
}

describe('the quality of the search by meaning, end to end', () => {
  const quality = new House();
  const collection = readCollection('search-eval', '../search-eval');
  const paraphrases = { ...collection, queries: collection.queries.filter(({ kind }) => kind === 'paraphrase') };
  beforeAll(() => quality.open());
  afterAll(() => quality.close());

  it('is far above what matching words gives', async () => {
    const named = new Map<string, string>();
    const path = join(import.meta.dirname, '../../bench/search-eval/records.jsonl');
    const records = readFileSync(path, 'utf8').trim().split('\n');
    for (const line of records) {
      const record = JSON.parse(line) as { id: string; workflow: string; input: JsonObject; output: JsonObject };
      const workflow = await quality.save(record.workflow, workflowOf(record));
      const { id, output } = await quality.run(workflow, record.input);
      expect(output).toEqual(record.output);
      named.set(id, record.id);
    }
    const product = await measure(paraphrases, async (query) =>
      (await quality.ids(query, { exact: false })).map((id) => named.get(id)!),
    );
    const words = indexWords(collection);
    const bm25 = await measure(paraphrases, async (query) =>
      [...words.search(query)].sort(([, a], [, b]) => b.bm25 - a.bm25).map(([id]) => id),
    );
    const [ours, theirs] = [product.get('paraphrase')!.ndcg, bm25.get('paraphrase')!.ndcg];
    console.info(`nDCG@10 over HTTP: ${ours.toFixed(3)}; BM25 alone: ${theirs.toFixed(3)}`);
    expect(ours).toBeGreaterThan(theirs + 0.4);
  });
});

/** A workflow as a user would have it that takes such an input and gives such an output. */
function workflowOf({ input, output }: { input: JsonObject; output: JsonObject }): JsonObject {
  const inputNode = (label: string, more: JsonObject = {}): JsonObject => ({
    id: `in-${label}`,
    type: 'InputNode',
    node_config: { label, type: 'Any', ...more },
  });
  return {
    nodes: [
      ...Object.keys(input).map((label) => inputNode(label)),
      ...Object.entries(output).flatMap(([label, value]: [string, JsonValue]) => [
        { ...inputNode(label, { fixed_value: true, value }), id: `made-${label}` },
        { id: `out-${label}`, type: 'OutputNode', node_config: { label } },
      ]),
    ],
    edges: Object.keys(output).map((label) => ({
      id: label,
      from_id: `made-${label}::output`,
      to_id: `out-${label}::input`,
    })),
  };
}

it('the index is opened on the threads of the search alone: the thread that answers requests does not load it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-search-'));
  const server = await startServer({ folder, preload: join(import.meta.dirname, 'told-modules.ts') });
  try {
    const { body } = await server.call('POST', '/v1/workflows', { name: 'Echo', definition: passing('Text') });
    const workflowId = (body as { id: string }).id;
    await server.call('POST', `/v1/workflows/${workflowId}/runs/sync`, { input: { Text: 'heron' } });
    for (const exact of [true, false]) {
      const found = await server.call('POST', '/v1/runs/search', { query: 'heron', exact });
      expect(found.body).toMatchObject({ total: 1 });
    }
    const loaded = (thread: string) =>
      server
        .output()
        .split('\n')
        .filter((line) => line.startsWith(`${thread} loads `) && line.includes('/src/search/'))
        .map((line) => line.replace(/.*\/src\/search\//, ''));
    expect(loaded('main')).toContain('service.ts');
    for (const searching of ['sqlite/search-index.ts', 'sqlite/exact.ts', 'sqlite/by-meaning.ts']) {
      expect(loaded('main')).not.toContain(searching);
    }
    expect(loaded('other')).toContain('sqlite/exact.ts');
  } finally {
    server.signal('SIGKILL');
    await server.exited;
    rmSync(folder, { recursive: true });
  }
});
