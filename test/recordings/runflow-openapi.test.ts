import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlatform, type TestServer } from '../support/server.ts';

/**
 * `/runflow/openapi.json` beside the reference page "Search runs", which lies in `source/` as it was published: parameters in prose, and the
 * answer as a sample whose values say what they are. What is ours alone is listed.
 */

type Json = { readonly [name: string]: unknown };

/** Properties that the sample does not show and that are there: nullable enumerations are left out of it (runflow-api.md 2.8), and so is `flow`. */
const HIDDEN = [
  'items.target_type',
  'items.status_code',
  'items.source_code',
  'items.failure_stage_code',
  'items.flow',
];

/** Properties of our own. */
const ADDITIONS = ['items.node_runs.node_key'];

/** Properties that the sample shows as one sort of value and that hold any: a default is of the sort of its input (runflow-fields.md). */
const ANY_VALUE = /\.default_value$/;

const page = readFileSync(join(import.meta.dirname, 'source/runflow-search-runs.txt'), 'utf8');

let server: TestServer;
let ours: Json;
let operation: Json;
beforeAll(async () => {
  server = await startPlatform();
  ours = await server.client.get('/runflow/openapi.json');
  operation = at(ours, 'paths', '/v1/runs', 'get') as Json;
});
afterAll(() => server.stop());

/** A parameter as the page tells it. */
interface Told {
  readonly type: string;
  readonly nullable: boolean;
  readonly description: string;
  readonly default?: unknown;
  readonly options?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

describe('the reference page of search runs', () => {
  const told = readParameters(page);

  it('is read whole', () => {
    expect([...told.keys()].toSorted()).toEqual([
      ...['embed', 'evaluation_issue_category', 'evaluation_issue_subcategory', 'evaluation_status', 'fields'],
      ...['from_prev', 'limit', 'pq', 'q', 'sort_by'],
    ]);
    expect(told.get('limit')).toMatchObject({ type: 'integer', nullable: true, minimum: 1, maximum: 500 });
    expect(told.get('from_prev')).toMatchObject({ type: 'boolean', nullable: false, default: false });
    expect(told.get('evaluation_status')?.options).toEqual(['passed', 'failed', 'not_evaluated']);
  });

  it('has its operation here, under the same credential and with the same header', () => {
    expect(operation['summary']).toBe('Search runs');
    expect(at(ours, 'components', 'securitySchemes')).toEqual({ HTTPBearer: { type: 'http', scheme: 'bearer' } });
    expect(parametersIn('header')).toEqual({
      'X-Organization-Id': { type: 'string', nullable: true, description: '' },
    });
    expect(page).toMatch(/X-Organization-Id\nstring \| null/);
  });

  it('has its parameters here, with their types, limits and defaults, and no others', () => {
    const mine = parametersIn('query');
    expect(Object.keys(mine).toSorted()).toEqual([...told.keys()].toSorted());
    for (const [name, { description, ...rest }] of told) {
      const { description: ourDescription, ...ourRest } = mine[name]!;
      expect(ourRest, name).toEqual(rest);
      // What we say of a parameter begins as theirs and goes on about this server.
      expect(ourDescription.startsWith(description.slice(0, 30)), name).toBe(true);
    }
    expect(mine['embed']?.description).toBe(told.get('embed')?.description);
  });

  it('has every property of its answer here, nested ones too, of the same type and nullable', () => {
    const sample = JSON.parse(/^\{$.*?^\}$/ms.exec(page)![0]) as Json;
    const answer = schemaAt(at(operation, 'responses', '200', 'content', 'application/json', 'schema') as Json);
    expect(answer.schema['required']).toEqual(['items']);
    const mine = new Map(propertiesOf(answer.schema, ''));
    const theirs = new Map(sampleProperties(sample, ''));
    expect(theirs.size).toBeGreaterThan(200);
    for (const [path, type] of theirs) {
      const property = mine.get(path);
      expect(property, path).toBeDefined();
      expect(property?.type, path).toBe(ANY_VALUE.test(path) ? 'any' : type);
      if (path !== 'items') expect(property?.isFree, path).toBe(true);
    }
    const more = [...mine.keys()].filter((path) => !theirs.has(path) && !path.startsWith('items.flow.'));
    expect(more.toSorted()).toEqual([...HIDDEN, ...ADDITIONS].toSorted());
  });

  it('has its enumerations and refusals here', () => {
    const run = at(ours, 'components', 'schemas', 'Run', 'properties') as Json;
    expect(schemaAt(run['status_code'] as Json).schema['enum']).toContain('partial_succeeded');
    expect(schemaAt(run['target_type'] as Json).schema['enum']).toEqual(['flow', 'model', 'comfyui_workflow']);
    const error = { $ref: '#/components/schemas/Error' };
    for (const code of ['401', '403', '422']) {
      expect(at(operation, 'responses', code, 'content', 'application/json', 'schema')).toEqual(error);
    }
    expect(at(ours, 'components', 'schemas', 'Error', 'required')).toEqual(['code', 'message']);
  });
});

/** The query parameters of a page: a name, its type, a description, and what follows it. */
function readParameters(text: string): Map<string, Told> {
  const lines = text
    .split('Query Parameters\n')[1]!
    .split('\nResponse\n')[0]!
    .split('\n')
    .filter((line) => line !== '');
  const starts = lines.flatMap((line, index) => (isType(lines[index + 1]) && /^[a-z_]+$/.test(line) ? [index] : []));
  return new Map(
    starts.map((start, index) => {
      const [name, type = '', ...rest] = lines.slice(start, starts[index + 1]) as [string, ...string[]];
      return [name, readParameter(type, rest)];
    }),
  );
}

const isType = (line: string | undefined): boolean =>
  /^(string|integer|boolean|enum<string>)( \| null)?$/.test(line ?? '');

function readParameter(type: string, lines: readonly string[]): Told {
  const text = lines.join('\n');
  const value = /^default:(.*)$/m.exec(text)?.[1];
  const range = /(\d+) <= x <= (\d+)/.exec(text);
  const options = /Available options:\n(.*)/s.exec(text)?.[1];
  const description = lines.find((line) => !/^(default:|Required range|Available options)/.test(line)) ?? '';
  return {
    type: type.replace(/ \| null$/, '').replace('enum<string>', 'string'),
    nullable: type.endsWith('| null'),
    description,
    ...(value === undefined ? {} : { default: JSON.parse(value) }),
    ...(range === null ? {} : { minimum: Number(range[1]), maximum: Number(range[2]) }),
    ...(options === undefined ? {} : { options: options.split(/,?\n/).filter((option) => option !== '') }),
  };
}

function parametersIn(place: string): Record<string, Told> {
  const listed = (operation['parameters'] as Json[]).filter((parameter) => parameter['in'] === place);
  return Object.fromEntries(
    listed.map((parameter) => {
      const outer = parameter['schema'] as Json;
      const { schema, isNullable } = schemaAt(outer);
      expect(parameter['required'] ?? false).toBe(false);
      const told: Told = {
        type: schema['type'] as string,
        nullable: isNullable,
        description: String(parameter['description'] ?? outer['description'] ?? ''),
        ...('default' in outer ? { default: outer['default'] } : {}),
        ...('minimum' in schema ? { minimum: schema['minimum'] as number, maximum: schema['maximum'] as number } : {}),
        ...('enum' in schema ? { options: schema['enum'] as string[] } : {}),
      };
      return [parameter['name'], told];
    }),
  );
}

function at(document: Json, ...names: string[]): unknown {
  return names.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document);
}

/** A schema without its alternative null, its reference followed. */
function schemaAt(given: Json): { schema: Json; isNullable: boolean } {
  const forms = (given['anyOf'] as Json[] | undefined) ?? [given];
  const form = forms.find(({ type }) => type !== 'null')!;
  const reference = form['$ref'] as string | undefined;
  const schema = reference === undefined ? form : (at(ours, ...reference.split('/').slice(1)) as Json);
  return { schema, isNullable: forms.some(({ type }) => type === 'null') };
}

interface Property {
  readonly type: string;
  /** Whether it may be null and left out. */
  readonly isFree: boolean;
}

/** Every property of a schema with the path to it; lists count by what is in them. A run inside a log line is not looked into. */
function* propertiesOf(schema: Json, path: string): Generator<[string, Property]> {
  const required = (schema['required'] ?? []) as string[];
  for (const [name, given] of Object.entries((schema['properties'] ?? {}) as { [name: string]: Json })) {
    const place = path === '' ? name : `${path}.${name}`;
    const { schema: property, isNullable } = schemaAt(given);
    const isAny = Object.keys(given).length === 0;
    yield [place, { type: typeOf(property), isFree: isAny || (isNullable && !required.includes(name)) }];
    if (place.endsWith('.logs.run')) continue;
    const inside = property['type'] === 'array' ? schemaAt((property['items'] ?? {}) as Json).schema : property;
    yield* propertiesOf(inside, place);
  }
}

function typeOf(schema: Json): string {
  if (schema['properties']) return 'object';
  return String(schema['format'] ?? schema['type'] ?? 'any');
}

/** The same of a sample: `<string>`, 123, true and the like say what a value is. */
function* sampleProperties(value: Json, path: string): Generator<[string, string]> {
  for (const [name, given] of Object.entries(value)) {
    const place = path === '' ? name : `${path}.${name}`;
    const isRun = place.endsWith('.logs.run');
    yield [place, isRun ? 'object' : sampleType(given)];
    const inside = Array.isArray(given) ? given[0] : given;
    if (typeof inside === 'object' && inside !== null) yield* sampleProperties(inside as Json, place);
  }
}

function sampleType(value: unknown): string {
  if (value === null) return 'any';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  if (typeof value !== 'string') return typeof value;
  if (/^[0-9a-f]{8}-/.test(value)) return 'uuid';
  return /^\d{4}-\d\d-\d\dT/.test(value) ? 'date-time' : 'string';
}
