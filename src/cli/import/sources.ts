import { Obstacle } from '../server-access.ts';
import { executionsIn, readExecution } from './n8n.ts';
import { type Failure, isJson, type Json, linesOf, type NodeRecord, type Reading, textOf, timeOf } from './record.ts';

/** A server that runs are brought from, and how far that came. */
export interface Source {
  readonly url: string;
  readonly key: string;
  /** Epoch milliseconds: runs made before are passed over. */
  readonly since: number | null;
}

/** Some runs that were read, and what the next ones are asked for with; null: there are no more. */
export interface Page {
  readonly readings: readonly Reading[];
  readonly next: string | null;
}

/** Reads runs of one server, from a cursor on. */
export type Reader = (source: Source, cursor: string | null) => Promise<Page>;

/** Items of one page: what all these servers give at most, or more. */
const PAGE = 100;

/** Tries of a request that the other server was too busy for. */
const TRIES = 5;
const RETRY_MS = 1000;

/** @throws Obstacle when it refuses, or does not answer */
async function get(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    let answer: Response;
    try {
      answer = await fetch(url, { headers });
    } catch (cause) {
      throw new Obstacle(`${new URL(url).origin} does not answer.`, { cause });
    }
    const isBusy = answer.status === 429 || answer.status >= 500;
    if (!isBusy || tries >= TRIES) return answer;
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
    await answer.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, Number.isNaN(seconds) ? RETRY_MS * tries : seconds * 1000));
  }
}

/** @throws Obstacle */
async function getJson(url: string, headers: Readonly<Record<string, string>>): Promise<Json> {
  const answer = await get(url, headers);
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok && isJson(body)) return body;
  throw new Obstacle(
    `${new URL(url).origin} answered ${answer.status}. ${answer.status === 401 || answer.status === 403 ? KEY_ADVICE : ''}`.trim(),
  );
}

const KEY_ADVICE = 'Give a key of it with --source-key or MILLRUN_SOURCE_KEY.';

const itemsOf = (body: Json, name: string): Json[] => (Array.isArray(body[name]) ? body[name].filter(isJson) : []);

const isBefore = (at: number | null, { since }: Source): boolean => since !== null && at !== null && at < since;

/** n8n's public API: `GET /api/v1/executions`, newest first. */
export const readN8n: Reader = async (source, cursor) => {
  const query = new URLSearchParams({
    includeData: 'true',
    limit: String(PAGE),
    ...(cursor === null ? {} : { cursor }),
  });
  const body = await getJson(`${source.url}/api/v1/executions?${query}`, { 'x-n8n-api-key': source.key });
  const executions = executionsIn(body) ?? [];
  const wanted = executions.filter((execution) => !isBefore(timeOf(execution['startedAt']), source));
  const isOver = wanted.length < executions.length;
  return {
    readings: wanted.map((execution) => readExecution(execution, source.url)),
    next: isOver ? null : textOf(body['nextCursor']),
  };
};

/** What the Noxus API calls how a run ended. */
const NOXUS_STATUS: Readonly<Record<string, string>> = {
  completed: 'succeeded',
  failed: 'failed',
  stopped: 'canceled',
};
const NODE_STATUS: Readonly<Record<string, string>> = {
  succeeded: 'succeeded',
  errored: 'failed',
  skipped: 'skipped',
  payment_required: 'failed',
};

/**
 * A server with the Noxus API. Another Millrun gives whole records; of others the runs are read one by one, with their nodes and logs as far as they
 * are told. Pages are numbered from the newest run: what is made meanwhile makes some come twice, and none is missed.
 */
export const readNoxus: Reader = async (source, cursor) => {
  const headers = { 'x-api-key': source.key };
  if (cursor === null || cursor.startsWith('records:')) {
    const page = await readRecords(source, cursor === null ? null : cursor.slice('records:'.length));
    if (page !== null) return page;
  }
  const page = Number(/^page:(\d+)$/.exec(cursor ?? '')?.[1] ?? 1);
  const body = await getJson(`${source.url}/v1/runs?page=${page}&size=${PAGE}`, headers);
  const items = itemsOf(body, 'items');
  const wanted = items.filter((run) => !isBefore(timeOf(run['created_at']), source));
  const readings: Reading[] = [];
  for (const run of wanted) readings.push(await readNoxusRun(source, run));
  const isOver = items.length === 0 || wanted.length < items.length || page >= Number(body['pages'] ?? page);
  return { readings, next: isOver ? null : `page:${page + 1}` };
};

/** Null: the server knows no records. */
async function readRecords(source: Source, cursor: string | null): Promise<Page | null> {
  const since = source.since === null ? {} : { q: `created_at >= ${new Date(source.since).toISOString()}` };
  const query = new URLSearchParams({
    whole: 'true',
    limit: String(PAGE),
    ...since,
    ...(cursor === null ? {} : { cursor }),
  });
  const answer = await get(`${source.url}/v1/runs/records?${query}`, { 'x-api-key': source.key });
  if (!answer.ok || !answer.headers.get('content-type')?.includes('x-ndjson')) {
    await answer.body?.cancel();
    if (answer.status === 401 || answer.status === 403)
      throw new Obstacle(`${source.url} answered ${answer.status}. ${KEY_ADVICE}`);
    return null;
  }
  const lines = (await answer.text()).split('\n').filter((line) => line !== '');
  // Each by itself: a page of large runs is more than one request takes, and --limit may end within it.
  const readings = lines.map((line) => ({ lines: [line], runs: line.startsWith('{"format":"millrun.run/') ? 1 : 0 }));
  const next = answer.headers.get('millrun-next');
  return { readings, next: next === null ? null : `records:${next}` };
}

async function readNoxusRun(source: Source, listed: Json): Promise<Reading> {
  const headers = { 'x-api-key': source.key };
  const key = textOf(listed['id']) ?? '';
  const workflowKey = textOf(listed['workflow_id']) ?? '';
  const word = textOf(listed['status']) ?? 'unknown';
  const status = NOXUS_STATUS[word];
  if (status === undefined) return { skipped: `run ${key} has not ended (${word})` };
  const [run, told] = await Promise.all([
    getJson(`${source.url}/v1/workflows/${workflowKey}/runs/${key}`, headers),
    getJson(`${source.url}/v1/runs/${key}`, headers),
  ]);
  const workflow = isJson(listed['workflow']) ? listed['workflow'] : {};
  const definition = isJson(told['definitions']) ? told['definitions'][workflowKey] : undefined;
  const details = isJson(run['progress_details']) ? run['progress_details'] : {};
  const nodes = isJson(details['per_node_progress']) ? details['per_node_progress'] : {};
  const nodeRuns = await Promise.all(
    Object.entries(nodes).map(([nodeId, node]) => readNoxusNode(source, key, nodeId, isJson(node) ? node : {})),
  );
  const createdAt = timeOf(run['created_at']) ?? timeOf(listed['created_at']) ?? 0;
  const finishedAt = timeOf(run['finished_at']) ?? timeOf(listed['finished_at']) ?? createdAt;
  const failed = nodeRuns.find((node) => node.status === 'failed');
  const message = textOf(run['error']) ?? failed?.failure?.message ?? 'It failed on the server that it ran on.';
  return linesOf({
    origin: source.url,
    key,
    workflow: {
      key: workflowKey,
      name: textOf(workflow['name']) ?? `workflow ${workflowKey}`,
      graph: isJson(definition)
        ? null
        : { nodes: nodeRuns.map(({ nodeId }) => ({ id: nodeId, name: nodeId, type: 'noxus' })), edges: [] },
      ...(isJson(definition) ? { definition } : {}),
    },
    status,
    createdAt,
    startedAt: timeOf(told['started_at']) ?? timeOf(listed['started_at']),
    finishedAt,
    input: isJson(run['input']) ? run['input'] : {},
    output: isJson(run['output']) ? run['output'] : null,
    failure: status === 'failed' ? { code: 'provider', message, ...(failed ? { node_id: failed.nodeId } : {}) } : null,
    meta: isJson(told['meta']) ? told['meta'] : null,
    clientRef: null,
    nodeRuns: nodeRuns.filter((node) => node.status !== ''),
    logs: logsOf(details['run_logs'], createdAt),
  });
}

async function readNoxusNode(source: Source, runId: string, nodeId: string, node: Json): Promise<NodeRecord> {
  const answer = await get(`${source.url}/v1/runs/${runId}/io/${encodeURIComponent(nodeId)}`, {
    'x-api-key': source.key,
  });
  const io: unknown = await answer.json().catch(() => null);
  const part = (name: string): Json | null => (answer.ok && isJson(io) && isJson(io[name]) ? io[name] : null);
  const status = NODE_STATUS[textOf(node['status']) ?? ''] ?? '';
  const usage = isJson(node['usage']) ? node['usage'] : null;
  const warnings = itemsOf(node, 'warnings').flatMap((warning) => textOf(warning['detail']) ?? []);
  const failure: Failure | null =
    status === 'failed'
      ? { code: 'provider', message: textOf(node['error']) ?? 'The node failed.', node_id: nodeId }
      : null;
  return {
    nodeId,
    status,
    startedAt: timeOf(node['started_at']),
    finishedAt: timeOf(node['finished_at']),
    inputs: part('inputs'),
    outputs: part('outputs'),
    failure,
    warnings,
    ...(usage === null
      ? {}
      : {
          usage: {
            input_tokens: Number(usage['input_tokens'] ?? 0),
            output_tokens: Number(usage['output_tokens'] ?? 0),
            cost: textOf(usage['cost']),
          },
        }),
  };
}

const LEVELS: readonly string[] = ['debug', 'info', 'warning', 'error'];

/** Log lines by id, each a text or an object. */
function logsOf(
  given: unknown,
  otherwise: number,
): { at: number; level: string; message: string; nodeId: string | null }[] {
  const lines = isJson(given) ? Object.values(given) : Array.isArray(given) ? given : [];
  return lines.map((line: unknown) => {
    const log = isJson(line) ? line : { message: line };
    const level = textOf(log['level']) ?? textOf(log['level_code']) ?? 'info';
    return {
      at: timeOf(log['timestamp']) ?? otherwise,
      level: LEVELS.includes(level) ? level : 'info',
      message: textOf(log['message']) ?? JSON.stringify(line),
      nodeId: textOf(log['node_id']) ?? (isJson(log['meta']) ? textOf(log['meta']['node_key']) : null),
    };
  });
}

const RUNFLOW_STATUS: Readonly<Record<string, string>> = {
  succeeded: 'succeeded',
  partial_succeeded: 'partial',
  failed: 'failed',
  canceled: 'canceled',
};
const STATE: Readonly<Record<string, string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  skipped: 'skipped',
  canceled: 'canceled',
  cached: 'cached',
};

/** A server with the Runflow API, by its cursors. */
export const readRunflow: Reader = async (source, cursor) => {
  const since = source.since === null ? {} : { q: `created_at>=${new Date(source.since).toISOString()}` };
  const query = new URLSearchParams({
    limit: String(PAGE),
    embed: 'flow,model,comfyui_workflow,node_runs,logs',
    ...since,
    ...(cursor === null ? {} : { pq: cursor }),
  });
  const body = await getJson(`${source.url}/v1/runs?${query}`, { authorization: `Bearer ${source.key}` });
  return { readings: itemsOf(body, 'items').map((run) => readRunflowRun(run, source)), next: textOf(body['next']) };
};

function readRunflowRun(run: Json, source: Source): Reading {
  const key = textOf(run['id']) ?? '';
  const word = textOf(run['status_code']) ?? 'unknown';
  const status = RUNFLOW_STATUS[word];
  if (status === undefined) return { skipped: `run ${key} has not ended (${word})` };
  const kind = textOf(run['target_type']) ?? 'flow';
  const target = isJson(run[kind]) ? run[kind] : {};
  const workflowKey = textOf(run[`${kind}_id`]) ?? textOf(target['id']) ?? kind;
  const nodeRuns = itemsOf(run, 'node_runs').map((node): NodeRecord => {
    const nodeId = textOf(node['node_key']) ?? textOf(node['node_id']) ?? textOf(node['id']) ?? 'node';
    const nodeStatus = STATE[textOf(node['state_code']) ?? ''] ?? 'canceled';
    const failure: Failure | null =
      nodeStatus === 'failed'
        ? { code: 'provider', message: textOf(node['error_message']) ?? 'The node failed.', node_id: nodeId }
        : null;
    const cost = textOf(node['cost']);
    return {
      nodeId,
      status: nodeStatus,
      startedAt: timeOf(node['started_at']),
      finishedAt: timeOf(node['completed_at']),
      inputs: isJson(node['input']) ? node['input'] : null,
      outputs: isJson(node['output']) ? node['output'] : null,
      failure,
      ...(cost === null ? {} : { usage: { input_tokens: 0, output_tokens: 0, cost } }),
    };
  });
  const createdAt = timeOf(run['created_at']) ?? 0;
  const failed = nodeRuns.find((node) => node.status === 'failed');
  const message = textOf(run['failure_message']) ?? 'It failed on the server that it ran on.';
  return linesOf({
    origin: source.url,
    // Its workflow is a stand-in, of a flow: a model is more than a run tells.
    key,
    workflow: {
      key: `${workflowKey} as run`,
      name: textOf(target['name']) ?? textOf(target['slug']) ?? `${kind} ${workflowKey}`,
      graph: {
        nodes: nodeRuns.map(({ nodeId }) => ({ id: nodeId, name: nodeId, type: `runflow ${kind}` })),
        edges: [],
      },
    },
    status,
    createdAt,
    startedAt: timeOf(run['started_at']),
    finishedAt: timeOf(run['completed_at']) ?? createdAt,
    input: isJson(run['input']) ? run['input'] : {},
    output: isJson(run['output']) ? run['output'] : null,
    failure: status === 'failed' ? { code: 'provider', message, ...(failed ? { node_id: failed.nodeId } : {}) } : null,
    meta: isJson(run['metadata']) ? run['metadata'] : null,
    clientRef: textOf(run['client_ref']),
    cost: textOf(run['cost']),
    nodeRuns,
    logs: logsOf(run['logs'], createdAt),
  });
}
