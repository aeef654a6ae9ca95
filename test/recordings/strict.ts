/**
 * What official Python clients demand of answers, as strictly as they do (noxus-api.md 1.4, 1.7, 2.1; noxus-nodes.md 1; measured with
 * noxus-sdk 0.5.0): a field that breaks one of these makes the client fail, often for a whole list.
 */

type Wire = Record<string, unknown>;

class Unparsable extends Error {}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Unparsable(`The client cannot parse this answer: ${what}.`);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is Wire =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** What pydantic parses as a date-time, with a zone. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

function object(value: unknown, what: string): Wire {
  must(isObject(value), `${what} is no object`);
  return value;
}

function list(value: unknown, what: string): unknown[] {
  must(Array.isArray(value), `${what} is no list`);
  return value;
}

function texts(record: Wire, names: readonly string[], what: string): void {
  for (const name of names) must(isText(record[name]), `${name} of ${what} is no text`);
}

function uuids(record: Wire, names: readonly string[], what: string): void {
  for (const name of names) must(isText(record[name]) && UUID.test(record[name]), `${name} of ${what} is no uuid`);
}

function times(record: Wire, names: readonly string[], what: string): void {
  for (const name of names) {
    must(isText(record[name]) && DATE_TIME.test(record[name]), `${name} of ${what} is no date-time`);
  }
}

const CONFIG_TYPES = 'int float bool dict str list Image Audio File Quote Custom Any GoogleSheet SourceType'.split(' ');

function catalogue(body: unknown): void {
  for (const entry of list(body, 'the catalogue').map((item) => object(item, 'an entry'))) {
    const what = `the entry ${entry['type']}`;
    texts(entry, ['type', 'title', 'description'], what);
    for (const name of ['is_available', 'visible'])
      must(typeof entry[name] === 'boolean', `${name} of ${what} is no flag`);
    must(entry['config_endpoint'] === null || isText(entry['config_endpoint']), `config_endpoint of ${what}`);
    for (const item of list(entry['integrations'], 'integrations')) must(isText(item) || Array.isArray(item), what);
    for (const side of ['inputs', 'outputs']) {
      for (const connector of list(entry[side], side)) texts(object(connector, side), ['name', 'type'], what);
    }
    for (const [name, given] of Object.entries(object(entry['config'], 'config'))) {
      const field = object(given, name);
      for (const key of ['type', 'description', 'visible', 'optional', 'default'])
        must(key in field, `${name} of ${what} lacks ${key}`);
      must(CONFIG_TYPES.includes(field['type'] as string), `${name} of ${what} has the type ${field['type']}`);
    }
  }
}

function me(body: unknown): void {
  const key = object(body, 'me');
  texts(key, ['id', 'name', 'value'], 'me');
  must(typeof key['tenant_admin'] === 'boolean', 'tenant_admin is no flag');
}

function definition(given: unknown): void {
  const graph = object(given, 'a definition');
  for (const item of list(graph['nodes'], 'nodes')) {
    const node = object(item, 'a node');
    texts(node, ['id', 'type', 'name'], 'a node');
    for (const name of ['node_config', 'connector_config', 'display'])
      object(node[name], `${name} of node ${node['id']}`);
    for (const connectors of Object.values(object(node['connector_config'], 'connector_config'))) {
      for (const connector of list(connectors, 'connectors')) texts(object(connector, 'one'), ['name', 'type'], 'one');
    }
  }
  for (const item of list(graph['edges'], 'edges')) {
    const edge = object(item, 'an edge');
    for (const end of ['from_id', 'to_id']) texts(object(edge[end], end), ['node_id', 'connector_name'], end);
  }
}

function workflow(body: unknown): void {
  const record = object(body, 'a workflow');
  uuids(record, ['id', 'group_id'], 'a workflow');
  texts(record, ['name', 'type'], 'a workflow');
  times(record, ['created_at', 'last_updated_at'], 'a workflow');
  must(Number.isInteger(record['runs_count']), 'runs_count of a workflow is no integer');
  definition(record['definition']);
}

function version(body: unknown): void {
  const record = object(body, 'a version');
  uuids(record, ['id'], 'a version');
  texts(record, ['name'], 'a version');
  times(record, ['created_at'], 'a version');
  must(record['description'] === null || isText(record['description']), 'description of a version');
  must(
    record['created_by'] === null || (isText(record['created_by']) && UUID.test(record['created_by'])),
    'created_by',
  );
  definition(record['definition']);
}

const RUN_STATUSES = ['queued', 'running', 'failed', 'completed', 'stopped', 'awaiting_human_feedback'];

function run(body: unknown): void {
  const record = object(body, 'a run');
  uuids(record, ['id', 'group_id', 'workflow_id'], 'a run');
  times(record, ['created_at'], 'a run');
  must(RUN_STATUSES.includes(record['status'] as string), `the status ${record['status']}`);
  object(record['input'], 'input of a run');
  const { progress } = record;
  must(Number.isInteger(progress) && (progress as number) >= 0 && (progress as number) <= 100, `progress ${progress}`);
  if (record['node_ids'] !== null) for (const id of list(record['node_ids'], 'node_ids')) must(isText(id), 'a node id');
  must(record['output'] === null || isObject(record['output']), 'output is neither an object nor null');
  if (record['finished_at'] !== null) times(record, ['finished_at'], 'a run');
}

const page = (item: (body: unknown) => void) => (body: unknown) => {
  const envelope = object(body, 'a page');
  for (const item_ of list(envelope['items'], 'items')) item(item_);
  for (const [name, least] of Object.entries({ total: 0, pages: 0, page: 1, size: 1 })) {
    must(Number.isInteger(envelope[name]) && (envelope[name] as number) >= least, `${name} of a page`);
  }
};

const SOURCE_TYPES =
  'Document,Google Drive,Notion,Website,OneDrive,Slack,Linear,Github,Teams,Sharepoint,ServiceNow,Custom'.split(',');

function file(body: unknown): void {
  const record = object(body, 'a file');
  uuids(record, ['id'], 'a file');
  texts(record, ['uri', 'filename', 'content_type'], 'a file');
  must(record['uri'] === `spot://${record['id']}`, 'the uri of a file');
  must(typeof record['size'] === 'number', 'size of a file');
  must(SOURCE_TYPES.includes(record['source_type'] as string), 'source_type of a file');
  must('source_metadata' in record, 'source_metadata is missing');
}

function deletion(body: unknown): void {
  const report = object(body, 'a deletion report');
  for (const name of ['succeeded', 'failed', 'matched']) must(Number.isInteger(report[name]), `${name} of a report`);
  for (const reason of Object.values(object(report['errors'], 'errors'))) must(isText(reason), 'a reason');
}

function unprocessable(body: unknown): void {
  const problems = list(object(body, 'a refusal')['detail'], 'detail');
  must(problems.length > 0, 'detail is empty');
  for (const problem of problems.map((item) => object(item, 'a problem'))) {
    texts(problem, ['msg', 'type'], 'a problem');
    for (const part of list(problem['loc'], 'loc')) must(isText(part) || Number.isInteger(part), 'a part of loc');
  }
}

/** One event of a stream, as the client takes it in. */
export interface StreamEvent {
  readonly type: string;
  readonly data: Wire;
  readonly redisId: string;
}

/** Reads a stream that was sent to its end. Events of another name than `message` would be dropped by the client. */
export function readEvents(text: string): StreamEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.split('\n').every((line) => line.startsWith(':')))
    .map((block) => {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
      must(fields.get('event') === 'message', `an event is called ${fields.get('event')}`);
      const event = object(JSON.parse(fields.get('data') ?? ''), 'an event');
      texts(event, ['type', 'redisId'], 'an event');
      must(['content', 'state'].includes(event['type'] as string), `the type ${event['type']}`);
      must(/^\d+-\d+$/.test(event['redisId'] as string), `the redisId ${event['redisId']}`);
      object(event['data'], 'data of an event');
      return event as unknown as StreamEvent;
    });
}

/** Whether the client stops waiting at this event; it looks at nothing else. */
export const endsWait = (event: StreamEvent): boolean =>
  event.data['workflow_status'] === 'completed' || event.data['workflow_status'] === 'failed';

function events(body: unknown): void {
  const received = readEvents(body as string);
  must(received.length > 0 && endsWait(received.at(-1)!), 'the stream does not end with a workflow_status');
  must(new Set(received.map(({ redisId }) => redisId)).size === received.length, 'a redisId came twice');
}

/** A parser for each form of answer. Those of streams and bytes get text, the others JSON. @throws Error that says what is wrong */
export const FORMS: Readonly<Record<string, (body: unknown) => void>> = {
  catalogue,
  me,
  workflow,
  workflows: page(workflow),
  version,
  versions: (body) => list(body, 'versions').forEach(version),
  run,
  runs: page(run),
  sync(body) {
    const result = object(body, 'a result');
    uuids(result, ['id'], 'a result');
    object(result['output'], 'output');
  },
  object: (body) => void object(body, 'the answer'),
  texts(body) {
    for (const item of list(body, 'the answer')) must(isText(item), 'an item is no text');
  },
  file,
  deletion,
  events,
  bytes: (body) => must(isText(body), 'no bytes came'),
  json: (body) => must(body !== undefined, 'it is not JSON'),
  unprocessable,
  refusal: (body) => texts(object(body, 'a refusal'), ['detail'], 'a refusal'),
};
