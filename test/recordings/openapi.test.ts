import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startPlatform, type TestServer } from '../support/server.ts';

/**
 * `/noxus/openapi.json` beside the reference pages that the dialect follows. Two of the pages carry OpenAPI and lie in `source/`; what the
 * other two say in prose and samples is written out below. Whatever else our answers have is listed in `ADDITIONS`.
 */

type Json = { readonly [name: string]: unknown };

/** A schema with its references followed, as far as a comparison needs: annotations are left out. */
type Shape = { readonly [name: string]: unknown };

/** Properties of ours that the pages do not have, by `<schema title>.<property>`. */
const ADDITIONS: ReadonlySet<string> = new Set([
  'SearchRunRequest.filter',
  'SearchRunRequest.workflow_ids',
  'SearchRunRequest.ignore_accents',
  'Page_PublicRunWithSearchData_.total_is_lower_bound',
  'Page_PublicRunWithSearchData_.index_rebuild',
  'ValidationError.node_id',
  'ValidationError.hint',
  'SimplifiedRun.error',
  'SimplifiedRun.warnings',
  'ListedRun.started_at',
  'ListedRun.meta',
  'ListedRun.single_node_id',
  'ListedRun.workflow_version_id',
  ...['RunNoIO', 'ListedRun', 'PublicRunWithSearchData'].flatMap((title) => [
    `${title}.error_handler_run_id`,
    `${title}.failed_run_id`,
  ]),
  'WorkflowRecord.workflow_hash',
  'WorkflowRecord.flow_version',
  'WorkflowRecord.meta',
  'WorkflowRecord.settings',
  'WorkflowRecord.triggers',
  'WorkflowRecord.validation',
]);

/** Pages with OpenAPI in them. When the search route is there: `['noxus-search-runs.txt', 'post', '/v1/runs/search']`. */
const PAGES: readonly (readonly [page: string, method: string, path: string])[] = [
  ['noxus-get-run.txt', 'get', '/v1/runs/{run_id}'],
  ['noxus-search-runs.txt', 'post', '/v1/runs/search'],
];

/** Numbers that the pages leave without limits and that have some here: a wrong one is refused instead of guessed about. */
const BOUNDED: ReadonlySet<string> = new Set(['similarity_threshold', 'offset', 'context_size', 'max_matches_per_run']);

const uuid = { type: 'string', format: 'uuid' };
const time = { type: 'string', format: 'date-time' };
const text = { type: 'string' };
const free = { type: 'object', additionalProperties: true };
const orNull = (shape: Shape): Shape => ({ anyOf: [shape, { type: 'null' }] });
const status = {
  type: 'string',
  enum: ['awaiting_human_feedback', 'completed', 'failed', 'queued', 'running', 'stopped'],
};

/** What the page "Create Run" says. */
const CREATE_RUN = {
  body: {
    required: ['input'],
    properties: {
      input: free,
      node_ids: orNull({ type: 'array', items: text }),
      single_node_id: orNull(text),
      group_id: orNull(text),
      workflow_version_id: orNull(uuid),
      tracing: { type: 'boolean', default: false },
      debugger: orNull(text),
      callback_url: orNull({ type: 'string', minLength: 1, maxLength: 2083 }),
    },
  },
  answer: {
    required: ['created_at', 'group_id', 'id', 'status', 'workflow_id'],
    properties: {
      id: uuid,
      group_id: uuid,
      workflow_id: uuid,
      status,
      created_at: time,
      input: orNull(free),
      output: orNull(free),
      node_ids: { anyOf: [{ type: 'array', items: text }, free, { type: 'null' }] },
      single_node_id: orNull(text),
      workflow_version_id: orNull(uuid),
      progress: { type: 'integer', default: 0 },
      finished_at: orNull(time),
    },
  },
};

/** What the page "Get Paginated Runs" says. */
const LIST_RUNS = {
  parameters: {
    page: { type: 'integer', minimum: 1, default: 1 },
    size: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
  },
  envelope: {
    total: { type: 'integer', minimum: 0 },
    page: { type: 'integer', minimum: 1 },
    size: { type: 'integer', minimum: 1 },
    pages: { type: 'integer', minimum: 0 },
  },
  item: [
    ...['id', 'group_id', 'workflow_id', 'input', 'node_ids', 'status', 'progress', 'definitions'],
    ...['created_at', 'finished_at', 'workflow', 'source'],
  ],
  workflow: [
    ...['id', 'group_id', 'name', 'type', 'definition', 'last_updated_at', 'last_run_at', 'created_at', 'deleted_at'],
    ...['runs_count', 'author_name', 'description', 'saved', 'error_handler'],
  ],
};

let server: TestServer;
let ours: Json;
beforeAll(async () => {
  server = await startPlatform();
  ours = await server.client.get('/noxus/openapi.json');
});
afterAll(() => server.stop());

describe.each(PAGES)('the reference page %s', (page, method, path) => {
  const source = readSource(page);

  it('has its operation here, with the same parameters', () => {
    expect(operationOf(ours, method, path)['operationId']).toBe(operationOf(source, method, path)['operationId']);
    expect(parametersOf(ours, method, path)).toEqual(parametersOf(source, method, path));
  });

  it('has the same body here', () => {
    const [mine, theirs] = [bodyOf(ours, method, path), bodyOf(source, method, path)];
    if (theirs === null) expect(mine).toBeNull();
    else expectFits({ ...mine, name: theirs['name'] }, theirs);
  });

  it.each(['200', '422'])('has the same answer %s here', (code) => {
    expectFits(answerOf(ours, method, path, code), answerOf(source, method, path, code));
  });

  it('asks for the same credential', () => {
    const schemes = (document: Json) => at(document, 'components', 'securitySchemes') as Json;
    expect(schemes(ours)).toEqual(schemes(source));
  });
});

describe('the reference page of create run', () => {
  const path = '/v1/workflows/{workflow_id}/runs';

  it('has its body here', () => {
    expect(Object.keys(parametersOf(ours, 'post', path))).toEqual(['path workflow_id']);
    const body = bodyOf(ours, 'post', path)!;
    expect(body['required']).toEqual(CREATE_RUN.body.required);
    expect(body['properties']).toEqual(CREATE_RUN.body.properties);
  });

  it('has its answer here', () => {
    const answer = answerOf(ours, 'post', path, '200');
    expect(answer['required']).toEqual(CREATE_RUN.answer.required);
    const { progress_details: details, ...properties } = withoutAdditions(answer);
    expect(properties).toEqual(CREATE_RUN.answer.properties);
    // The page shows the object's name only; the page "Search Runs" has its schema.
    const theirs = shapeOf(readSource('noxus-search-runs.txt'), { $ref: '#/components/schemas/WorkflowProgress' });
    expectFits((details as { anyOf: Shape[] }).anyOf[0]!, theirs);
  });
});

describe('the reference page of list runs', () => {
  it('has its parameters here', () => {
    expect(parametersOf(ours, 'get', '/v1/runs')).toEqual({
      'query page': { required: false, schema: LIST_RUNS.parameters.page },
      'query size': { required: false, schema: LIST_RUNS.parameters.size },
    });
  });

  it('has its page of runs here', () => {
    const answer = answerOf(ours, 'get', '/v1/runs', '200');
    const { items, ...envelope } = answer['properties'] as { [name: string]: Shape };
    expect(envelope).toEqual(LIST_RUNS.envelope);
    expect(answer['required']).toEqual(['items', 'page', 'pages', 'size', 'total']);
    const item = withoutAdditions(items!['items'] as Shape);
    expect(Object.keys(item).toSorted()).toEqual(LIST_RUNS.item.toSorted());
    const workflow = withoutAdditions((item['workflow'] as { anyOf: Shape[] }).anyOf[0]!);
    expect(Object.keys(workflow).toSorted()).toEqual(LIST_RUNS.workflow.toSorted());
  });
});

function readSource(page: string): Json {
  const page_ = readFileSync(join(import.meta.dirname, 'source', page), 'utf8');
  const yaml = /````yaml[^\n]*\n(.*?)````/s.exec(page_)?.[1];
  if (yaml === undefined) throw new Error(`${page} has no OpenAPI in it.`);
  return parse(yaml);
}

function at(document: Json, ...names: string[]): unknown {
  return names.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document);
}

function operationOf(document: Json, method: string, path: string): Json {
  return at(document, 'paths', path, method) as Json;
}

function parametersOf(document: Json, method: string, path: string): Json {
  const listed = (operationOf(document, method, path)['parameters'] ?? []) as Json[];
  return Object.fromEntries(
    listed.map((parameter) => [
      `${parameter['in']} ${parameter['name']}`,
      { required: parameter['required'] ?? false, schema: shapeOf(document, parameter['schema'] as Json) },
    ]),
  );
}

function bodyOf(document: Json, method: string, path: string): Shape | null {
  const schema = at(operationOf(document, method, path), 'requestBody', 'content', 'application/json', 'schema');
  return schema === undefined ? null : shapeOf(document, schema as Json);
}

function answerOf(document: Json, method: string, path: string, code: string): Shape {
  const schema = at(operationOf(document, method, path), 'responses', code, 'content', 'application/json', 'schema');
  return shapeOf(document, schema as Json);
}

/** Words of a schema that say something about values; titles and descriptions do not. */
const TELLING = ['type', 'format', 'default', 'minimum', 'maximum', 'minLength', 'maxLength'];

function shapeOf(document: Json, schema: Json, above: readonly string[] = []): Shape {
  const reference = schema['$ref'] as string | undefined;
  if (reference !== undefined) {
    const name = reference.split('/').at(-1)!;
    // A progress holds the progress of subflows.
    if (above.includes(name)) return { again: name };
    const meant = shapeOf(document, at(document, 'components', 'schemas', name) as Json, [...above, name]);
    return { ...meant, ...told(schema), ...(meant['properties'] ? { name } : {}) };
  }
  const alternatives = (schema['anyOf'] ?? schema['oneOf']) as Json[] | undefined;
  if (alternatives)
    return { anyOf: alternatives.flatMap((item) => flat(shapeOf(document, item, above))), ...told(schema) };
  const properties = schema['properties'] as { [name: string]: Json } | undefined;
  return {
    ...told(schema),
    ...(schema['enum'] ? { enum: (schema['enum'] as string[]).toSorted() } : {}),
    ...(schema['items'] ? { items: shapeOf(document, schema['items'] as Json, above) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, shapeOf(document, property, above)]),
          ),
          required: ((schema['required'] ?? []) as string[]).toSorted(),
        }
      : valuesOf(document, schema, above)),
  };
}

/** A map: `additionalProperties` of a schema, or of any value, which TypeBox writes as a pattern that every name fits. */
function valuesOf(document: Json, schema: Json, above: readonly string[]): Shape {
  if (schema['type'] !== 'object') return {};
  const patterns = Object.values((schema['patternProperties'] ?? {}) as { [pattern: string]: Json });
  const values = patterns[0] ?? schema['additionalProperties'] ?? true;
  const isAny = typeof values !== 'object' || values === null || Object.keys(values).length === 0;
  return { additionalProperties: isAny ? true : shapeOf(document, values as Json, above) };
}

const told = (schema: Json): Shape =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => TELLING.includes(name)));

const flat = (shape: Shape): Shape[] => (Array.isArray(shape['anyOf']) ? (shape['anyOf'] as Shape[]) : [shape]);

function withoutAdditions(shape: Shape): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(shape['properties'] as Json).filter(([name]) => !ADDITIONS.has(`${shape['name']}.${name}`)),
  );
}

/** Ours has everything that theirs has, the same way, and of its own only what is listed. */
function expectFits(mine: unknown, theirs: unknown, path = ''): void {
  if (typeof theirs !== 'object' || theirs === null) return void expect(mine, path).toEqual(theirs);
  if (Array.isArray(theirs)) {
    expect(mine, path).toHaveLength(theirs.length);
    const [a, b] = [mine as unknown[], theirs].map((list) => list.toSorted(byText)) as [unknown[], unknown[]];
    for (const [index, item] of b.entries()) expectFits(a[index], item, `${path}[${index}]`);
    return;
  }
  const shape = mine as Shape;
  const isBounded = BOUNDED.has(path.split('.').at(-1) ?? '');
  for (const name of Object.keys({ ...shape, ...theirs })) {
    if (name === 'name' || (isBounded && (name === 'minimum' || name === 'maximum'))) continue;
    if (name === 'properties') {
      expectFits(withoutAdditions(shape), (theirs as Shape)['properties'], `${path}.properties`);
    } else expectFits(shape[name], (theirs as Shape)[name], `${path}.${name}`);
  }
}

/** Alternatives have no order: sorted by what kind they are. */
function byText(a: unknown, b: unknown): number {
  const kind = (value: unknown) => {
    const shape = value as Shape;
    return typeof value === 'object' ? `${shape['type']}${shape['format'] ?? ''}` : String(value);
  };
  return kind(a).localeCompare(kind(b));
}
