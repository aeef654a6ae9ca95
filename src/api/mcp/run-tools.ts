import Type, { type Static } from 'typebox';
import { PlatformError } from '../../domain/error.ts';
import { isSettled, NODE_STATUSES, type NodeRun } from '../../domain/node-run.ts';
import { isTerminal, type Run } from '../../domain/run.ts';
import { LOG_LEVELS, type RunLog } from '../../domain/run-log.ts';
import { logVocabulary } from '../../filter/log-vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { Excerpt, excerpt, stretch, stretchOf } from './excerpt.ts';
import { FilterText, NextCursor, nextCursor, PAGE_INPUT, readList } from './list.ts';
import { PersonRequestFacts, pendingOf } from './present-person-request.ts';
import { clipped, MESSAGE_LENGTH, namesOf, presentRun, RunFacts, timeOf } from './present-run.ts';
import { nullable, optional, READS, type Tool, type ToolCall, tool } from './tool.ts';

/** Log lines that the facts of a run end with. */
const LOG_TAIL = 20;

/** Nodes that the facts of a run name: the unfinished and failed ones first. */
const SHOWN_NODES = 50;

/** Characters that one call reads of an input, an output or a node. */
const MOST_READ = 50_000;
const READ = 10_000;

const RunId = Type.String({ description: 'Id of the run.' });

const LogLine = Type.Object({
  timestamp: Type.String(),
  level_code: Type.Enum([...LOG_LEVELS], { type: 'string' }),
  node_id: nullable(Type.String()),
  iteration: Type.Integer({ description: 'The item that a node worked on, from 1; 0 where it runs once.' }),
  message: Type.String(),
});

const NodeFacts = Type.Object({
  node_id: Type.String(),
  name: Type.String(),
  type: nullable(Type.String()),
  status: Type.Enum([...NODE_STATUSES], { type: 'string' }),
  attempts: Type.Integer(),
  iterations: Type.Integer({ description: 'Passes over items of a list; 1 where it runs once.' }),
  duration_ms: nullable(Type.Integer()),
  failure: nullable(Type.String()),
});

/** Everything about a run that fits into a model's context. */
export const RunDetail = Type.Object({
  run: RunFacts,
  input: Excerpt,
  output: nullable(Excerpt),
  metadata: nullable(Type.Record(Type.String(), Type.Unknown())),
  failing_node: nullable(
    Type.Object(
      { ...NodeFacts.properties, input: nullable(Excerpt) },
      { description: 'Of a failed run: where it failed, and what that node was given.' },
    ),
  ),
  nodes: Type.Array(NodeFacts),
  nodes_left_out: Type.Integer(),
  logs: Type.Array(LogLine, { description: 'The last lines, oldest first. list_run_logs has all.' }),
  person_requests: Type.Array(PersonRequestFacts, { description: 'What the run waits for persons to say.' }),
  hint: nullable(Type.String({ description: 'What can be done next.' })),
});

export async function presentRunDetail(
  parts: DialectParts,
  call: ToolCall,
  run: Run,
): Promise<Static<typeof RunDetail>> {
  const { runs, records } = parts;
  const { caller } = call;
  const lastLines = {
    filter: null,
    sort: [{ column: 'id', direction: 'desc' }],
    limit: LOG_TAIL,
    from: null,
    backward: false,
  } as const;
  const [names, nodeRuns, version, logs, requests] = await Promise.all([
    namesOf(parts, caller, [run.workflowId]),
    runs.nodeRuns(caller, run.id),
    runs.version(run),
    records.findLogs(caller, run.id, lastLines),
    pendingOf(parts, caller, run),
  ]);
  const nodeOf = new Map(version.definition.nodes.map((node) => [node.id, node]));
  const present = (nodeRun: NodeRun) => presentNode(nodeRun, nodeOf.get(nodeRun.nodeId) ?? null);
  const failing = nodeRuns.find(({ nodeId }) => nodeId === run.failure?.nodeId) ?? null;
  const failingIo =
    failing === null ? null : (await runs.nodeIo(caller, run.id, failing.nodeId, failing.currentIteration)).inputs;
  const telling = nodeRuns.toSorted((one, other) => rank(one) - rank(other)).slice(0, SHOWN_NODES);
  return {
    run: presentRun(run, names),
    input: await excerpt(runs, run.input),
    output: run.output === null ? null : await excerpt(runs, run.output),
    metadata: run.meta,
    failing_node:
      failing === null
        ? null
        : { ...present(failing), input: failingIo === null ? null : await excerpt(runs, failingIo) },
    nodes: telling.map(present),
    nodes_left_out: nodeRuns.length - telling.length,
    logs: logs.items.toReversed().map(presentLog),
    person_requests: requests,
    hint: hintOf(run, requests.length),
  };
}

/** Failed nodes, then those under way, then the rest: what is cut off is what went well. */
const rank = ({ status }: NodeRun): number => (status === 'failed' ? 0 : isSettled(status) ? 2 : 1);

function presentNode(nodeRun: NodeRun, node: { name: string; type: string } | null): Static<typeof NodeFacts> {
  const { startedAt, finishedAt, failure } = nodeRun;
  return {
    node_id: nodeRun.nodeId,
    name: node?.name ?? nodeRun.nodeId,
    type: node?.type ?? null,
    status: nodeRun.status,
    attempts: nodeRun.attempts,
    iterations: nodeRun.totalIterations,
    duration_ms: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    failure: failure === null ? null : clipped(failure.message, MESSAGE_LENGTH),
  };
}

const presentLog = ({ at, level, nodeId, iteration, message }: RunLog): Static<typeof LogLine> => ({
  timestamp: timeOf(at),
  level_code: level,
  node_id: nodeId,
  iteration,
  message: clipped(message, MESSAGE_LENGTH),
});

function hintOf({ id, status }: Run, requests: number): string | null {
  if (requests > 0)
    return 'A person must answer: answer_person_request, with request_id and an answer to each field of the form.';
  if (status === 'waiting') return 'The run waits for a person. A key with the scope people:read sees what is asked.';
  return isTerminal(status) ? null : `The run goes on. Call wait_for_run with run_id ${id} to wait for its end.`;
}

const getRun = tool({
  name: 'get_run',
  title: 'Get a run',
  description:
    'How a run stands: its facts, the beginning of its input and output, the node that failed with what it was given, its nodes, the last log lines, and what it waits for persons to say.',
  scopes: ['runs:read'],
  annotations: READS,
  input: { run_id: RunId },
  output: RunDetail,
  run: async (parts, call, { run_id: id }) => presentRunDetail(parts, call, await parts.runs.get(call.caller, id)),
});

const PARTS = ['input', 'output', 'node_input', 'node_output'] as const;

const readContent = tool({
  name: 'read_run_content',
  title: 'Read the content of a run',
  description: `The JSON text of a run's input or output, or of what a node was given or gave, stretch by stretch: ${MOST_READ} characters at most a call.`,
  scopes: ['runs:read'],
  annotations: READS,
  input: {
    run_id: RunId,
    part: Type.Enum([...PARTS], { type: 'string' }),
    node_id: optional(Type.String({ description: 'Of node_input and node_output: the node.' })),
    iteration: optional(Type.Integer({ minimum: 1, description: 'Of a node that works on a list: the item, from 1.' })),
    offset: optional(Type.Integer({ minimum: 0, description: 'Character to begin at; 0 when left out.' })),
    length: optional(
      Type.Integer({ minimum: 1, maximum: MOST_READ, description: `Characters; ${READ} when left out.` }),
    ),
  },
  output: Type.Object({
    text: Type.String(),
    next_offset: nullable(Type.Integer({ description: 'Where to read on; null: this is the end.' })),
  }),
  async run({ runs }, { caller }, { run_id: id, part, node_id: nodeId, iteration = 1, offset = 0, length = READ }) {
    const run = await runs.get(caller, id);
    if (part === 'input' || part === 'output') {
      if (run[part] === null) throw new PlatformError('not_found', `The run has no output: it is ${run.status}.`);
      const found = await stretch(runs, run[part], offset, length);
      return { text: found.text, next_offset: found.nextOffset };
    }
    if (nodeId === undefined) throw new PlatformError('invalid', `${part} takes node_id. get_run names the nodes.`);
    const io = await runs.nodeIo(caller, id, nodeId, iteration);
    const text = part === 'node_input' ? io.inputs : io.outputs;
    if (text === null) throw new PlatformError('not_found', `The node "${nodeId}" has none: it is ${io.status}.`);
    const found = stretchOf(text, offset, length);
    return { text: found.text, next_offset: found.nextOffset };
  },
});

const listLogs = tool({
  name: 'list_run_logs',
  title: 'List the log lines of a run',
  description: 'The log lines of a run, oldest first.',
  scopes: ['runs:read'],
  annotations: READS,
  input: {
    run_id: RunId,
    filter: optional({
      ...FilterText,
      description: "A condition on the lines, e.g. level_code:error or message.contains:'timeout'.",
    }),
    ...PAGE_INPUT,
  },
  output: Type.Object({ items: Type.Array(LogLine), next_cursor: NextCursor }),
  async run({ records, clock }, { caller }, { run_id: id, ...given }) {
    const list = readList(given, logVocabulary, ['logs', caller.workspaceId, id], clock());
    const page = await records.findLogs(caller, id, list);
    return { items: page.items.map(presentLog), next_cursor: nextCursor(page, list.digest) };
  },
});

const stopRun = tool({
  name: 'stop_run',
  title: 'Stop a run',
  description: 'Stops a run that is queued, under way or waiting. One that has ended stays as it is.',
  scopes: ['runs:stop'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  input: {
    run_id: RunId,
    reason: optional(Type.String({ maxLength: 500, description: 'Kept in the log of the run.' })),
  },
  output: Type.Object({ run_id: Type.String(), status: Type.String(), stopped: Type.Boolean() }),
  async run({ runs }, { caller }, { run_id: id, reason = null }) {
    const { run, stopped } = await runs.cancel(caller, id, reason);
    return { run_id: run.id, status: run.status, stopped };
  },
});

/** Reading runs one by one, and stopping them. */
export const RUN_TOOLS: readonly Tool[] = [getRun, readContent, listLogs, stopRun];
