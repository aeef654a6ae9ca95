import fc from 'fast-check';
import type { Sql } from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startsPostgres } from '../../../test/support/postgres.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { decimalKey } from '../../filter/decimal.ts';
import { NOW, runExpression, runRecord } from '../../filter/filter.arbitrary.ts';
import { readFilter } from '../../filter/filter.ts';
import { type FilterRecord, matcher } from '../../filter/match.ts';
import { print } from '../../filter/print.ts';
import { runVocabulary } from '../../filter/run-vocabulary.ts';
import type { FieldKind } from '../../filter/vocabulary.ts';
import { flowNodeId, nodeRunId } from '../../system/derived-id.ts';
import { filterToSql } from '../sql/filter-to-sql.ts';
import postgres from './driver.ts';
import { BoundParameters, postgresFilter } from './postgres-filter.ts';
import { VALUE_FUNCTIONS } from './value-functions.ts';

/** `MILLRUN_LONG_TESTS=1` compares 10,000 expressions on 2,000 runs, which takes minutes. */
const IS_LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const EXPRESSIONS = IS_LONG ? 10_000 : 400;
const RUNS = IS_LONG ? 2000 : 150;

const COLUMNS = Object.fromEntries(runVocabulary.fields.map(({ column }) => [column, `runs."${column}"`]));

const TYPE_OF_KIND: Readonly<Record<FieldKind, string>> = {
  uuid: 'text',
  text: 'text',
  code: 'text',
  datetime: 'bigint',
  integer: 'bigint',
  decimal: 'text',
  boolean: 'bigint',
  json: 'text',
};

const cluster = startsPostgres();
let sql: Sql;

beforeEach(async () => {
  sql = postgres(cluster.url, { max: 1, fetch_types: false, onnotice: () => undefined });
  await sql.unsafe(`begin; ${VALUE_FUNCTIONS}`).simple();
});
afterEach(async () => {
  await sql.unsafe('rollback').simple();
  await sql.end();
});

test('PostgreSQL finds the same runs as the matcher in memory, nulls included', { timeout: 1_800_000 }, async () => {
  const records = fc.sample(runRecord, { numRuns: RUNS, seed: 1 });
  await fill(records);
  let found = 0;
  await fc.assert(
    fc.asyncProperty(runExpression, async (expression) => {
      const text = print(expression);
      const reading = readFilter(text, runVocabulary, { now: NOW });
      if (!reading.filter) throw new Error(`${text}: ${JSON.stringify(reading.diagnostics)}`);
      const matches = matcher(reading.filter);
      const expected = records.flatMap((record, index) => (matches(record) ? [index] : []));
      expect(await select(reading.filter), text).toEqual(expected);
      found += expected.length;
    }),
    { numRuns: EXPRESSIONS, ...(IS_LONG ? {} : { seed: 2 }) },
  );
  // Were everything or nothing found each time, the comparison would prove little.
  expect(found / EXPRESSIONS / RUNS).toBeGreaterThan(0.1);
  expect(found / EXPRESSIONS / RUNS).toBeLessThan(0.6);
});

test('what a person writes is bound and never part of the SQL', () => {
  const text = `client_ref:'''; DROP TABLE runs; --' AND metadata.${'`'}x'") OR 1=1 --${'`'}:'%' AND cost>0.07`;
  const { filter } = readFilter(text, runVocabulary, { now: NOW });
  const { values, bind } = new BoundParameters();
  expect(filter && filterToSql(filter, COLUMNS, postgresFilter, bind)).not.toMatch(/DROP|OR 1|%|0\.07/);
  expect(values).toContain("'; DROP TABLE runs; --");
  expect(values).toContain(`x'") OR 1=1 --`);
});

test.each([
  ['cost>0.05', ['0.1', '0.051', '12', '100'], ['0.05', '0.050', '-1', '0', '-100']],
  ['cost<-1', ['-1.5', '-2', '-10', '-1.01'], ['-1', '-0.99', '0', '1.5']],
  ['cost:1.50', ['1.5', '01.5000'], ['1.501', '15', '-1.5']],
])('%s compares money as numbers, exactly', async (text, inside, outside) => {
  await fill([...inside, ...outside].map((cost) => ({ cost })));
  const { filter } = readFilter(text, runVocabulary, { now: NOW });
  if (!filter) throw new Error(text);
  expect(await select(filter)).toEqual(inside.map((_, index) => index));
});

test('JSON that PostgreSQL does not know, with NUL or half a character, is found by all the rest of it', async () => {
  const halves = ['\\u0000', '\\ud800', '\\udc00', '\\udc00\\ud800', '\\\\\\u0000'];
  const whole = ['\\ud83d\\ude00', '\\\\u0000', '\\\\ud800', 'é'];
  for (const part of [...halves, ...whole]) {
    const [row] = await sql.unsafe("select json_of($1::text) ->> 'a' as a, json_of($1::text) ->> 'b' as b", [
      `{"a":1,"b":"${part}"}`,
    ]);
    const value = JSON.parse(`"${part}"`) as string;
    const kept = value.toWellFormed().replaceAll('\0', '\ufffd');
    expect([part, row?.['a'], row?.['b']]).toEqual([part, '1', kept]);
  }
});

test('JSON numbers that are no doubles are the nearest ones', async () => {
  for (const number of [
    '1e999',
    '-1e999',
    '1e-999',
    '0',
    '-0.5',
    '9007199254740993',
    '1.7976931348623157e308',
    '5e-324',
  ]) {
    const [row] = await sql.unsafe('select json_number($1::text::jsonb)::text as n', [number]);
    expect([number, Number(row?.['n'])]).toEqual([number, JSON.parse(number)]);
  }
});

test('ids and keys that are computed in SQL are those that the platform computes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uuid(), fc.string({ unit: 'grapheme', maxLength: 200 }), async (id, made) => {
      const node = made.replaceAll('\0', '');
      const [row] = await sql.unsafe(
        'select node_run_id($1::text, $2::text) as run, flow_node_id($1::text, $2::text) as flow',
        [id, node],
      );
      expect([row?.['run'], row?.['flow']]).toEqual([nodeRunId(id, node), flowNodeId(id, node)]);
    }),
    { numRuns: 100 },
  );
  const text = fc.oneof(
    fc.string({ maxLength: 5 }),
    fc
      .tuple(fc.constantFrom('', '-', '+'), fc.bigInt(), fc.nat())
      .map(([sign, a, b]) => `${sign}${a < 0n ? -a : a}.${b}`),
  );
  await fc.assert(
    fc.asyncProperty(text, async (made) => {
      const given = made.replaceAll('\0', '');
      const [row] = await sql.unsafe('select decimal_key($1::text) as key', [given]);
      expect(row?.['key']).toBe(decimalKey(given));
    }),
    { numRuns: 200 },
  );
});

async function select(filter: CheckedFilter): Promise<unknown[]> {
  const { values, bind } = new BoundParameters();
  const condition = filterToSql(filter, COLUMNS, postgresFilter, bind);
  // The first parameter is the workspace in every list.
  const text = `SELECT position::int AS position FROM runs WHERE $1 <> '' AND ${condition} ORDER BY position`;
  return (await sql.unsafe(text, ['w', ...values])).map((row) => row['position']);
}

async function fill(records: readonly FilterRecord[]): Promise<void> {
  const { fields } = runVocabulary;
  const columns = fields.map(({ column, kind }) => {
    const type = TYPE_OF_KIND[kind];
    return `"${column}" ${type}${type === 'text' ? ' COLLATE "C"' : ''}`;
  });
  await sql.unsafe(`CREATE TABLE runs (position bigint PRIMARY KEY, ${columns.join(', ')})`);
  for (const [index, record] of records.entries()) {
    const cells = fields.map(({ column, kind }) => stored(record[column] ?? null, kind));
    await sql.unsafe(`INSERT INTO runs VALUES (${[index, ...cells].map((_, n) => `$${n + 1}`).join(', ')})`, [
      index,
      ...cells,
    ]);
  }
}

function stored(value: unknown, kind: FieldKind): string | number | null {
  if (value === null) return null;
  if (kind === 'json') return JSON.stringify(value);
  if (kind === 'decimal') return decimalKey(String(value));
  return kind === 'boolean' || typeof value === 'number' ? Number(value) : String(value);
}
