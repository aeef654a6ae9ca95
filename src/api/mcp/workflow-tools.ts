import Type from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { KeysetPage } from '../../domain/keyset.ts';
import { WORKFLOW_KINDS, type Workflow, type WorkflowKind, type WorkflowVersion } from '../../domain/workflow.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { flowVocabulary } from '../../filter/flow-vocabulary.ts';
import { literalPattern } from '../../filter/text.ts';
import { granted } from '../../operations/access.ts';
import type { DialectParts } from '../dialect.ts';
import type { ReadList } from '../keyset-list.ts';
import { inputSchema } from './input-schema.ts';
import { NextCursor, nextCursor, PAGE_INPUT, readList } from './list.ts';
import { presentRunDetail, RunDetail } from './run-tools.ts';
import { nullable, optional, READS, type Tool, type ToolCall, tool } from './tool.ts';
import { DEFAULT_WAIT_S, MAX_WAIT_S, waitForRun } from './wait.ts';

/** What a run says it came from. */
const SOURCE = 'mcp';

const JsonMap = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

/** A workflow with its definition, which only flows need. */
interface Listed {
  readonly workflow: Workflow;
  readonly version: WorkflowVersion | null;
}

/** One page of workflows of a kind. */
export async function findWorkflows(
  { flows, modelRegistry, comfyuiWorkflows }: DialectParts,
  caller: Caller,
  kind: WorkflowKind,
  list: Omit<ReadList, 'digest'>,
): Promise<KeysetPage<Listed>> {
  if (kind === 'flow') return flows.find(caller, list);
  const page = await (kind === 'model' ? modelRegistry : comfyuiWorkflows).find(caller, list);
  return { ...page, items: page.items.map((workflow) => ({ workflow, version: null })) };
}

const listWorkflows = tool({
  name: 'list_workflows',
  title: 'List workflows',
  description:
    'What can be run: workflows that people drew, models, ComfyUI workflows, each with the JSON Schema of its input.',
  scopes: ['workflows:read', 'models:read', 'comfyui-workflows:read'],
  oneScopeIsEnough: true,
  annotations: READS,
  input: {
    kind: optional(Type.Enum([...WORKFLOW_KINDS], { type: 'string', description: 'flow when left out.' })),
    query: optional(Type.String({ maxLength: 200, description: 'Part of a name, slug or description.' })),
    ...PAGE_INPUT,
  },
  output: Type.Object({
    items: Type.Array(
      Type.Object({
        id: Type.String(),
        slug: Type.String(),
        name: Type.String(),
        kind: Type.Enum([...WORKFLOW_KINDS], { type: 'string' }),
        description: nullable(Type.String()),
        input_schema: JsonMap('JSON Schema of the input of its runs.'),
        is_runnable: Type.Boolean({ description: 'False: its definition has mistakes.' }),
      }),
    ),
    next_cursor: NextCursor,
  }),
  async run(parts, { caller }, { kind = 'flow', query = '', ...given }) {
    const list = readList(given, flowVocabulary, ['workflows', caller.workspaceId, kind, query], parts.clock());
    const filter = query === '' ? null : nameHas(query);
    const page = await findWorkflows(parts, caller, kind, { ...list, filter, sort: LAST_CHANGED });
    return {
      items: page.items.map(({ workflow, version }) => ({
        id: workflow.id,
        slug: workflow.slug,
        name: workflow.name,
        kind: workflow.kind,
        description: workflow.description,
        input_schema: inputSchema(workflow, version, parts.catalogue),
        is_runnable: (version?.validation.length ?? 0) === 0,
      })),
      next_cursor: nextCursor(page, list.digest),
    };
  },
});

const LAST_CHANGED = [{ column: 'updatedAt', direction: 'desc' }] as const;

function nameHas(text: string): CheckedFilter {
  const like = (column: string): CheckedFilter => ({
    kind: 'like',
    target: { column, kind: 'text', path: [] },
    pattern: `%${literalPattern(text)}%`,
    ignoreCase: true,
  });
  return { kind: 'or', terms: [like('name'), like('slug'), like('description')] };
}

const WaitSeconds = Type.Integer({
  minimum: 0,
  maximum: MAX_WAIT_S,
  description: `Seconds to wait for its end; ${DEFAULT_WAIT_S} when left out, 0 to answer at once. It goes on when the time is up.`,
});

const runWorkflow = tool({
  name: 'run_workflow',
  title: 'Run a workflow',
  description:
    'Starts a run and waits for its end, or until it waits for a person. list_workflows tells which there are and what input each takes.',
  scopes: ['runs:create'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: {
    workflow: Type.String({ description: 'Id or slug of a workflow, model or ComfyUI workflow.' }),
    input: optional(JsonMap('Values by the names of its input_schema.')),
    wait_seconds: optional(WaitSeconds),
    client_ref: optional(Type.String({ maxLength: 255, description: 'A label of yours; several runs may share one.' })),
    metadata: optional(JsonMap('Data of yours, given back as it is and found by filters.')),
  },
  output: RunDetail,
  run: (
    parts,
    call,
    { workflow, input = {}, wait_seconds: seconds = DEFAULT_WAIT_S, client_ref: clientRef = null, metadata = null },
  ) =>
    startRun(parts, call, {
      path: workflow,
      input: input as JsonObject,
      seconds,
      clientRef,
      metadata: metadata as JsonObject | null,
    }),
});

/** Starts a run of a workflow and waits for it. */
export async function startRun(
  parts: DialectParts,
  call: ToolCall,
  wanted: { path: string; input: JsonObject; seconds: number; clientRef: string | null; metadata: JsonObject | null },
) {
  const { dispatch, runs } = parts;
  const { path, input, seconds, clientRef, metadata } = wanted;
  const target = await dispatch.target(call.caller, WORKFLOW_KINDS, path);
  const run = await dispatch.start(call.caller, target, {
    ...{ input, metadata, clientRef },
    callbackUrl: null,
    requestId: call.requestId,
    source: SOURCE,
  });
  // Whoever may start a run is told of the one that it started.
  const starter = { ...call, caller: granted(call.caller, 'runs:read') };
  return presentRunDetail(parts, starter, await waitForRun(runs, starter.caller, run.id, seconds, call));
}

const waitRun = tool({
  name: 'wait_for_run',
  title: 'Wait for a run',
  description: 'Waits until a run has ended or waits for a person, and tells how it stands, as get_run does.',
  scopes: ['runs:read'],
  annotations: READS,
  input: { run_id: Type.String(), wait_seconds: optional(WaitSeconds) },
  output: RunDetail,
  run: async (parts, call, { run_id: id, wait_seconds: seconds = DEFAULT_WAIT_S }) =>
    presentRunDetail(parts, call, await waitForRun(parts.runs, call.caller, id, seconds, call)),
});

/** What can be run, and running it. */
export const WORKFLOW_TOOLS: readonly Tool[] = [listWorkflows, runWorkflow, waitRun];
