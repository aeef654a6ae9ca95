import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { decimalKey } from '../../filter/decimal.ts';
import { NOW, runExpression, runRecord } from '../../filter/filter.arbitrary.ts';
import { readFilter } from '../../filter/filter.ts';
import { type FilterRecord, matcher } from '../../filter/match.ts';
import { print } from '../../filter/print.ts';
import { runVocabulary } from '../../filter/run-vocabulary.ts';
import type { FieldKind } from '../../filter/vocabulary.ts';
import { filterToSql, type SqlValue } from './filter-to-sql.ts';
import { sqliteFilter } from './sqlite-filter.ts';

/** `MILLRUN_LONG_TESTS=1` compares 10,000 expressions on 2,000 runs, which takes minutes. */
const IS_LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const EXPRESSIONS = IS_LONG ? 10_000 : 400;
const RUNS = IS_LONG ? 2000 : 150;

const COLUMNS = Object.fromEntries(runVocabulary.fields.map(({ column }) => [column, `runs."${column}"`]));

test('SQLite finds the same runs as the matcher in memory, nulls included', { timeout: 1_800_000 }, () => {
  const records = fc.sample(runRecord, { numRuns: RUNS, seed: 1 });
  using database = databaseOf(records);
  let found = 0;
  fc.assert(
    fc.property(runExpression, (expression) => {
      const text = print(expression);
      const reading = readFilter(text, runVocabulary, { now: NOW });
      if (!reading.filter) throw new Error(`${text}: ${JSON.stringify(reading.diagnostics)}`);
      const matches = matcher(reading.filter);
      const expected = records.flatMap((record, index) => (matches(record) ? [index] : []));
      expect(select(database, reading.filter)).toEqual(expected);
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
  const parameters: SqlValue[] = [];
  const sql = filter && filterToSql(filter, COLUMNS, sqliteFilter, (value) => `?${parameters.push(value)}`);
  expect(sql).not.toMatch(/DROP|OR 1|%|0\.07/);
  expect(parameters).toContain("'; DROP TABLE runs; --");
  expect(parameters).toContain(`$."x'\\") OR 1=1 --"`);
});

test.each([
  ['cost>0.05', ['0.1', '0.051', '12', '100'], ['0.05', '0.050', '-1', '0', '-100']],
  ['cost<-1', ['-1.5', '-2', '-10', '-1.01'], ['-1', '-0.99', '0', '1.5']],
  ['cost:1.50', ['1.5', '01.5000'], ['1.501', '15', '-1.5']],
])('%s compares money as numbers, exactly, in memory and in SQLite', (text, inside, outside) => {
  const records = [...inside, ...outside].map((cost) => ({ cost }));
  using database = databaseOf(records);
  const { filter } = readFilter(text, runVocabulary, { now: NOW });
  if (!filter) throw new Error(text);
  const expected = inside.map((_, index) => index);
  expect(select(database, filter)).toEqual(expected);
  expect(records.flatMap((record, index) => (matcher(filter)(record) ? [index] : []))).toEqual(expected);
});

test('a column without SQL is refused', () => {
  const { filter } = readFilter('cost>1', runVocabulary, { now: NOW });
  expect(() => filter && filterToSql(filter, {}, sqliteFilter, () => '?')).toThrow('The column cost');
});

function select(database: DatabaseSync, filter: CheckedFilter): unknown[] {
  const parameters: SqlValue[] = [];
  const condition = filterToSql(filter, COLUMNS, sqliteFilter, (value) => `?${parameters.push(value)}`);
  const rows = database.prepare(`SELECT position FROM runs WHERE ${condition} ORDER BY position`).all(...parameters);
  return rows.map((row) => row['position']);
}

function databaseOf(records: readonly FilterRecord[]): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  const fields = runVocabulary.fields;
  const columns = fields.map(({ column, kind }) => `"${column}" ${TYPE_OF_KIND[kind]}`);
  database.exec(`CREATE TABLE runs (position INTEGER PRIMARY KEY, ${columns.join(', ')}) STRICT`);
  const insert = database.prepare(`INSERT INTO runs VALUES (?, ${fields.map(() => '?').join(', ')})`);
  records.forEach((record, index) => {
    insert.run(index, ...fields.map(({ column, kind }) => stored(record[column] ?? null, kind)));
  });
  return database;
}

const TYPE_OF_KIND: Readonly<Record<FieldKind, string>> = {
  uuid: 'TEXT',
  text: 'TEXT',
  code: 'TEXT',
  datetime: 'INTEGER',
  integer: 'INTEGER',
  decimal: 'TEXT',
  boolean: 'INTEGER',
  json: 'TEXT',
};

function stored(value: unknown, kind: FieldKind): string | number | null {
  if (value === null) return null;
  if (kind === 'json') return JSON.stringify(value);
  if (kind === 'decimal') return decimalKey(String(value));
  return kind === 'boolean' || typeof value === 'number' ? Number(value) : String(value);
}
