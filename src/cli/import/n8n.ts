import { readFlatted } from './flatted.ts';
import { type Failure, isJson, type Json, linesOf, type NodeRecord, type Reading, textOf, timeOf } from './record.ts';

/**
 * Executions of n8n (github.com/n8n-io/n8n: `IRun`, `IRunExecutionData`, `ITaskData` in packages/workflow/src/interfaces.ts), as its public API answers
 * them (`GET /api/v1/executions?includeData=true`) and as its database keeps them: `data` is then text in the flatted form.
 */

/** What n8n calls how an execution ended; others are still under way. */
const STATUS: Readonly<Record<string, string>> = {
  success: 'succeeded',
  error: 'failed',
  crashed: 'failed',
  canceled: 'canceled',
};

/** Whether a JSON value looks like an execution of n8n. */
function isExecution(value: unknown): value is Json {
  return isJson(value) && 'workflowId' in value && ('mode' in value || 'startedAt' in value);
}

/** The executions in what a file holds: one, a list, or an answer of the API. Null: it is nothing of n8n's. */
export function executionsIn(value: unknown): readonly Json[] | null {
  if (isExecution(value)) return [value];
  const list = Array.isArray(value) ? value : isJson(value) && Array.isArray(value['data']) ? value['data'] : null;
  return list !== null && list.length > 0 && list.every(isExecution) ? list : null;
}

/** A run of one execution. @param origin which n8n it comes from */
export function readExecution(execution: Json, origin: string): Reading {
  const key = textOf(execution['id']);
  if (key === null) return { skipped: 'an execution without an id' };
  const status = statusOf(execution);
  if (status === null)
    return { skipped: `execution ${key} has not ended (${textOf(execution['status']) ?? 'unknown'})` };
  let data: Json;
  let workflow: Json;
  try {
    data = objectOf(execution['data']);
    workflow = objectOf(execution['workflowData']);
  } catch (error) {
    return { skipped: `execution ${key}: its data cannot be read (${(error as Error).message})` };
  }
  const result = objectOf(data['resultData']);
  const runData = objectOf(result['runData']);
  const created = timeOf(execution['createdAt']) ?? timeOf(execution['startedAt']);
  if (created === null) return { skipped: `execution ${key} does not say when it began` };
  const started = timeOf(execution['startedAt']) ?? created;
  const nodeRuns = Object.entries(runData).map(([name, tasks]) => nodeOf(name, listOf(tasks), runData));
  const inOrder = nodeRuns.toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
  const last = textOf(result['lastNodeExecuted']);
  const ended = Math.max(started, ...inOrder.map(({ finishedAt }) => finishedAt ?? 0));
  const workflowKey = textOf(execution['workflowId']) ?? textOf(workflow['id']) ?? 'unknown';
  const failedNode = inOrder.find((node) => node.status === 'failed');
  const error = failureOf(result['error'], textOf(objectOf(objectOf(result['error'])['node'])['name']) ?? last);
  return linesOf({
    origin,
    key,
    workflow: {
      key: workflowKey,
      name: textOf(workflow['name']) ?? `n8n workflow ${workflowKey}`,
      graph: graphOf(workflow, inOrder),
    },
    status,
    createdAt: created,
    startedAt: started,
    finishedAt: timeOf(execution['stoppedAt']) ?? ended,
    input: inputOf(runData, inOrder),
    output: last === null ? null : (inOrder.find(({ nodeId }) => nodeId === last)?.outputs ?? null),
    failure:
      status === 'failed'
        ? (error ?? failedNode?.failure ?? { code: 'provider', message: crashText(execution) })
        : null,
    meta: {
      n8n: {
        execution_id: key,
        mode: execution['mode'] ?? null,
        workflow_id: workflowKey,
        ...(textOf(execution['retryOf']) === null ? {} : { retry_of: execution['retryOf'] }),
        ...(isJson(execution['customData']) ? { custom_data: execution['customData'] } : {}),
      },
    },
    clientRef: key,
    nodeRuns: inOrder,
    logs: [],
  });
}

/** Null: it has not ended. Older versions say only whether it is finished. */
function statusOf(execution: Json): string | null {
  const status = textOf(execution['status']);
  if (status !== null && status !== 'unknown') return STATUS[status] ?? null;
  if (execution['finished'] === true) return 'succeeded';
  return timeOf(execution['stoppedAt']) === null ? null : 'failed';
}

const crashText = ({ status }: Json): string =>
  status === 'crashed' ? 'n8n ended while it ran.' : 'It failed in n8n, which kept no reason.';

/** An object, from its JSON or flatted text too. @throws SyntaxError */
function objectOf(value: unknown): Json {
  if (typeof value === 'string' && value !== '') {
    const read: unknown = value.trimStart().startsWith('[') ? readFlatted(value) : JSON.parse(value);
    return isJson(read) ? read : {};
  }
  return isJson(value) ? value : {};
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A node with its passes: a node in a loop is executed once a round. */
function nodeOf(name: string, tasks: readonly unknown[], runData: Json): NodeRecord {
  const passes = tasks.filter(isJson).map((task) => passOf(name, task, runData));
  const [first] = passes;
  const node = {
    nodeId: name,
    status: 'succeeded',
    startedAt: null,
    finishedAt: null,
    inputs: null,
    outputs: null,
    failure: null,
  };
  if (first === undefined) return node;
  if (passes.length === 1) return { ...node, ...first };
  const failed = passes.find(({ status }) => status === 'failed');
  return {
    ...node,
    status: failed === undefined ? 'succeeded' : 'failed',
    startedAt: first.startedAt,
    finishedAt: passes.at(-1)?.finishedAt ?? null,
    inputs: { input: passes.map(({ inputs }) => inputs?.['input'] ?? null) },
    outputs: { output: passes.map(({ outputs }) => outputs?.['output'] ?? null) },
    failure: failed?.failure ?? null,
    passes,
  };
}

function passOf(name: string, task: Json, runData: Json): Omit<NodeRecord, 'nodeId' | 'passes'> {
  const startedAt = timeOf(task['startTime']);
  const failure = failureOf(task['error'], name);
  const isFailed = failure !== null && task['executionStatus'] !== 'success';
  const outputs = outputsOf(objectOf(task['data']));
  const hints = listOf(task['hints']).flatMap((hint) => (isJson(hint) ? (textOf(hint['message']) ?? []) : []));
  return {
    status: isFailed ? 'failed' : task['executionStatus'] === 'canceled' ? 'canceled' : 'succeeded',
    startedAt,
    finishedAt: startedAt === null ? null : startedAt + (timeOf(task['executionTime']) ?? 0),
    inputs: inputsOf(task, runData),
    outputs: Object.keys(outputs).length === 0 ? null : outputs,
    failure: isFailed ? failure : null,
    warnings: failure !== null && !isFailed ? [failure.message, ...hints] : hints,
  };
}

/** What each output gave: the first of `main` is `output`, the next `output_1`; those of models, tools and memories have their kind's name. */
function outputsOf(data: Json): Json {
  const outputs: Record<string, unknown> = {};
  for (const [kind, branches] of Object.entries(data)) {
    for (const [index, items] of listOf(branches).entries()) {
      if (!Array.isArray(items) || (items.length === 0 && index > 0)) continue;
      outputs[`${kind === 'main' ? 'output' : kind}${index === 0 ? '' : `_${index}`}`] = items.map(itemOf);
    }
  }
  return outputs;
}

/** The data of an item; of its files, what they are. */
function itemOf(item: unknown): unknown {
  if (!isJson(item)) return item;
  const { json = {}, binary } = item;
  if (!isJson(binary)) return json;
  const files = Object.entries(binary).map(([name, file]) => {
    const { data: _, ...about } = objectOf(file);
    return [name, about];
  });
  return { ...objectOf(json), $binary: Object.fromEntries(files) };
}

/** What went in: what the nodes before gave, by the output and the round that it says it came from. */
function inputsOf(task: Json, runData: Json): Json | null {
  const parts = listOf(task['source']).flatMap((source) => {
    if (!isJson(source)) return [];
    const { previousNode, previousNodeOutput, previousNodeRun } = source;
    const before = listOf(runData[String(previousNode)])[Number(previousNodeRun ?? 0)];
    const items = listOf(objectOf(objectOf(before)['data'])['main'])[Number(previousNodeOutput ?? 0)];
    return Array.isArray(items) ? [items.map(itemOf)] : [];
  });
  if (parts.length > 0) return { input: parts.length === 1 ? parts[0] : parts };
  // Models and tools of an agent are asked, not fed: what they were asked with is kept by itself.
  const asked = outputsOf(objectOf(task['inputOverride']));
  return Object.keys(asked).length === 0 ? null : { input: Object.values(asked)[0] };
}

/** What started it: what the nodes without one before them gave. */
function inputOf(runData: Json, nodes: readonly NodeRecord[]): Json {
  const first = nodes.filter(({ nodeId }) => {
    const [task] = listOf(runData[nodeId]);
    return isJson(task) && listOf(task['source']).filter(isJson).length === 0;
  });
  return Object.fromEntries(
    first.slice(0, 1).flatMap(({ nodeId, outputs }) => (outputs ? [[nodeId, outputs['output'] ?? outputs]] : [])),
  );
}

function failureOf(error: unknown, nodeName: string | null): Failure | null {
  if (!isJson(error)) return null;
  const message = [textOf(error['message']), textOf(error['description'])].filter(
    (part, index, all) => part !== null && all.indexOf(part) === index,
  );
  const http = Number(textOf(error['httpCode']) ?? Number.NaN);
  return {
    code: Number.isInteger(http) ? 'http_status' : 'provider',
    message: message.join('. ') || textOf(error['name']) || 'It failed.',
    ...(nodeName === null ? {} : { node_id: nodeName }),
    ...(Number.isInteger(http) ? { http_status: http } : {}),
  };
}

/** The workflow's nodes and wires; of one that is not in the execution, the nodes that ran. Nodes go by their names, which are unique in n8n. */
function graphOf(workflow: Json, ran: readonly NodeRecord[]): { nodes: Json[]; edges: Json[] } {
  const nodes = listOf(workflow['nodes'])
    .filter(isJson)
    .filter((node) => node['type'] !== 'n8n-nodes-base.stickyNote')
    .flatMap((node) => {
      const name = textOf(node['name']);
      if (name === null) return [];
      const config = isJson(node['parameters']) ? { config: node['parameters'] } : {};
      return [{ id: name, name, type: textOf(node['type']) ?? 'n8n', ...config }];
    });
  const known = new Set(nodes.map(({ id }) => id));
  const others = ran
    .filter(({ nodeId }) => !known.has(nodeId))
    .map(({ nodeId }) => ({ id: nodeId, name: nodeId, type: 'n8n' }));
  const edges = Object.entries(objectOf(workflow['connections'])).flatMap(([from, byKind]) =>
    Object.values(objectOf(byKind)).flatMap((branches) =>
      listOf(branches).flatMap((targets) =>
        listOf(targets).flatMap((target) =>
          isJson(target) && typeof target['node'] === 'string' ? [{ from, to: target['node'] }] : [],
        ),
      ),
    ),
  );
  return { nodes: [...nodes, ...others], edges };
}
