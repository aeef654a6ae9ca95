import type { Forms } from './replay.ts';

/** What official clients of the Runflow API read in answers, as strictly as they do (runflow-api.md 1.2, 3.9, 8.1). */

type Wire = Readonly<Record<string, unknown>>;

class Unparsable extends Error {}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Unparsable(`The client cannot parse this answer: ${what}.`);
}

function object(value: unknown, what: string): Wire {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is no object`);
  return value as Wire;
}

function texts(record: Wire, names: readonly string[], what: string): void {
  for (const name of names) must(typeof record[name] === 'string' && record[name] !== '', `${name} of ${what}`);
}

const STATUSES = ['queued', 'dispatching', 'running', 'succeeded', 'failed', 'canceled', 'partial_succeeded'];

function run(body: unknown): void {
  const record = object(body, 'a run');
  texts(record, ['id', 'status_code'], 'a run');
  must(STATUSES.includes(record['status_code'] as string), `the status ${record['status_code']}`);
  if (record['output'] !== null) object(record['output'], 'output');
  if (record['cost'] !== null) must(/^-?\d+(\.\d+)?$/.test(String(record['cost'])), 'cost is no decimal');
}

function items(body: unknown): readonly unknown[] {
  const listed = object(body, 'a list')['items'];
  must(Array.isArray(listed), 'items is no list');
  return listed;
}

/** A parser for each form of answer. */
export const FORMS: Forms = {
  json: (body) => must(body !== undefined, 'it is not JSON'),
  object: (body) => void object(body, 'the answer'),
  health: (body) => must(object(body, 'health')['status'] === 'ok', 'status is not ok'),
  run,
  grid(body) {
    const found = items(body);
    must(found.length > 0, 'no run was found');
    for (const one of found) {
      run(one);
      must(Object.keys(one as Wire).length === 8, 'a run has other properties than those that were asked for');
    }
  },
  list: (body) => void items(body),
  found: (body) => must(items(body).length === 1, 'not one item was found'),
  upload: (body) => texts(object(body, 'an upload'), ['asset_id', 'upload_url'], 'an upload'),
  asset: (body) => texts(object(body, 'an asset'), ['id', 'url', 'mime_type'], 'an asset'),
  balance: (body) => must(Number(object(body, 'a balance')['balance_usd']) > 0, 'there is no balance_usd'),
  cents: (body) => must(Number.isInteger(object(body, 'a balance')['balance_cents']), 'balance_cents is no integer'),
  workflow: (body) => texts(object(body, 'a workflow'), ['id', 'slug', 'name'], 'a workflow'),
  evaluation: (body) => texts(object(body, 'an evaluation'), ['id', 'status_code'], 'an evaluation'),
  error: (body) => texts(object(body, 'a refusal'), ['code', 'message'], 'a refusal'),
};
