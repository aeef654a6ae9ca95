import {
  EVALUATION_STATUSES,
  type Evaluation,
  type EvaluationIssue,
  type EvaluationSubject,
  type Judge,
  type ReferenceImage,
} from '../domain/evaluation.ts';
import { FAILURE_CODES, type Failure, type FailureStage } from '../domain/failure.ts';
import type { JsonObject } from '../domain/json.ts';
import { type Iteration, NODE_STATUSES, type NodeRun } from '../domain/node-run.ts';
import type { RecordedEvaluation, RecordedFacts, RecordedParts, RecordedRun } from '../domain/recorded-run.ts';
import { type Feedback, type Parent, RUN_STATUSES, type Usage } from '../domain/run.ts';
import { LOG_LEVELS, type RunLog } from '../domain/run-log.ts';
import type { TraceContext } from '../domain/trace.ts';
import { WARNING_IDENTIFIERS, type Warning } from '../domain/warning.ts';
import { WORKFLOW_KINDS, WORKFLOW_TYPES, type Workflow, type WorkflowVersion } from '../domain/workflow.ts';
import {
  type Codec,
  flag,
  hex,
  integer,
  json,
  list,
  money,
  nullable,
  number,
  object,
  oneOf,
  optional,
  orElse,
  payload,
  record,
  text,
  time,
  uuid,
} from './record-codec.ts';

/** Records of runs as they travel between servers (`docs/records.md`): one JSON object a line, which says in `format` what it is. */
export const RUN_FORMAT = 'millrun.run/1';
export const WORKFLOW_FORMAT = 'millrun.workflow/1';

const STAGES: readonly FailureStage[] = ['validation', 'dispatch', 'execution', 'output'];

const failure = object<Failure>({
  code: oneOf(FAILURE_CODES),
  message: text,
  stage: optional(oneOf(STAGES)),
  nodeId: optional(text),
  httpStatus: optional(integer),
} as never);

const warning = object<Warning>({
  identifier: oneOf(WARNING_IDENTIFIERS),
  detail: text,
  params: optional(json),
  partial: optional(flag),
} as never);

const usage = object<Usage>({ inputTokens: integer, outputTokens: integer, cost: nullable(money) });

const feedback = object<Feedback>({ isPositive: nullable(flag), reason: nullable(text) });

const parent = object<Parent>({
  runId: uuid,
  rootId: uuid,
  nodeId: text,
  iteration: integer,
  attempt: integer,
  ordinal: integer,
  depth: integer,
  deadlineAt: nullable(time),
});

const trace = object<TraceContext>({ traceId: hex(32), parentSpanId: nullable(hex(16)) });

const nodeRun = object<NodeRun>({
  nodeId: text,
  status: oneOf(NODE_STATUSES),
  currentIteration: orElse(integer, 1),
  totalIterations: orElse(integer, 1),
  iterates: orElse(flag, false),
  attempts: orElse(integer, 1),
  startedAt: nullable(time),
  finishedAt: nullable(time),
  inputs: nullable(payload),
  outputs: nullable(payload),
  taken: nullable(list(text)),
  failure: nullable(failure),
  warnings: list(warning),
  usage: nullable(usage),
});

const iteration = object<Iteration>({
  nodeId: text,
  iteration: integer,
  status: oneOf(['succeeded', 'failed']),
  attempts: integer,
  startedAt: time,
  finishedAt: time,
  inputs: nullable(payload),
  outputs: nullable(payload),
  failure: nullable(failure),
});

const log = object<Omit<RunLog, 'runId'>>({
  id: uuid,
  nodeId: nullable(text),
  iteration: orElse(integer, 0),
  level: oneOf(LOG_LEVELS),
  message: text,
  at: time,
  meta: nullable(json),
});

const facts: Parameters<typeof object<RecordedFacts>>[0] = {
  id: uuid,
  kind: orElse(oneOf(WORKFLOW_KINDS), 'flow'),
  workflowId: uuid,
  workflowVersionId: uuid,
  versionPinned: orElse(flag, false),
  status: oneOf(RUN_STATUSES),
  progress: orElse(integer, 100),
  nodesTotal: orElse(integer, 0),
  nodesCompleted: orElse(integer, 0),
  createdAt: time,
  startedAt: nullable(time),
  finishedAt: nullable(time),
  source: orElse(text, 'import'),
  nodeIds: nullable(list(text)),
  singleNodeId: nullable(text),
  parent: nullable(parent),
  subflows: nullable(record(uuid)),
  input: payload,
  output: nullable(payload),
  failure: nullable(failure),
  meta: nullable(json),
  context: nullable(json),
  clientRef: nullable(text),
  batchId: nullable(uuid),
  cost: nullable(money),
  costBreakdown: nullable(json),
  feedback: nullable(feedback),
  trace: orElse(nullable(trace), null),
  dialect: orElse(oneOf(['noxus', 'runflow']), 'noxus'),
};

const run = object<RecordedFacts>(facts);
const { input: _input, output: _output, ...headFields } = facts;
const head = object<Omit<RecordedFacts, 'input' | 'output'>>(headFields);

const issue = object<EvaluationIssue>({
  id: text,
  category: text,
  subcategory: nullable(text),
  detail: nullable(text),
});

type RecordedJudge = Omit<Judge, 'evaluationId' | 'runId'>;

const judge = object<RecordedJudge>({
  id: uuid,
  workflowId: uuid,
  name: text,
  description: nullable(text),
  category: nullable(text),
  weight: number,
  gate: flag,
  status: oneOf(['pending', 'ended', 'failed']),
  createdAt: time,
  passed: nullable(flag),
  confidence: nullable(number),
  reasoning: nullable(text),
  evidence: list(text),
  strengths: list(text),
  subPoints: nullable(json),
  issues: list(issue),
});

const subject = object<EvaluationSubject>({
  taskType: nullable(text),
  taskDescription: nullable(text),
  prompt: nullable(text),
  imageUrl: nullable(text),
  inputAttributes: nullable(json),
  instructions: nullable(text),
  referenceImages: list(object<ReferenceImage>({ url: text, kind: nullable(text), description: nullable(text) })),
});

/** Those that belong to the server it was made on are not in it. */
type RecordedVerdict = Omit<
  Evaluation,
  'workspaceId' | 'runId' | 'target' | 'revision' | 'parentId' | 'supersededAt' | 'callbackUrl'
> & { readonly judges: readonly RecordedJudge[] };

const evaluation = object<RecordedVerdict>({
  id: uuid,
  status: oneOf(EVALUATION_STATUSES),
  subject,
  threshold: number,
  clientRef: nullable(text),
  passed: nullable(flag),
  passRate: nullable(number),
  overrideReason: nullable(text),
  topIssues: list(text),
  topStrengths: list(text),
  checks: nullable(object({ judges: integer, passed: integer, failed: integer, withoutVerdict: integer })),
  action: nullable(oneOf(['accept', 'retry', 'review'])),
  attempt: integer,
  feedback: nullable(feedback),
  failure: nullable(object({ code: oneOf(['no_judge', 'judges_failed']), message: text })),
  cost: nullable(money),
  createdAt: time,
  updatedAt: time,
  completedAt: nullable(time),
  judges: list(judge),
});

const judged: Codec<RecordedEvaluation> = {
  write: (value) => evaluation.write({ ...value.evaluation, judges: value.judges }),
  read(given, at) {
    const { judges, ...read } = evaluation.read(given, at);
    const own = { workspaceId: '', runId: null, target: null, revision: 1, parentId: null, supersededAt: null };
    return {
      evaluation: { ...read, ...own, callbackUrl: null },
      judges: judges.map((each) => ({ ...each, evaluationId: read.id, runId: null })),
    };
  },
};

const partFields = { nodeRuns: list(nodeRun), iterations: list(iteration), logs: list(log) };
const parts = object<Omit<RecordedParts, 'run'>>(partFields);

/** The facts of a run stand beside what its nodes did. */
function flat<T extends { readonly run: RecordedFacts }>(rest: Codec<Omit<T, 'run'>>): Codec<T> {
  return {
    write(value) {
      const more = rest.write(value);
      return `${run.write(value.run).slice(0, -1)},${more.slice(1)}`;
    },
    read: (given, at) => ({ run: run.read(given, at), ...rest.read(given, at) }) as T,
  };
}

const recordedRun: Codec<RecordedRun> = flat(
  object<Omit<RecordedRun, 'run'>>({
    ...partFields,
    evaluation: nullable(judged),
    below: list(flat<RecordedParts>(parts)),
  }),
);

/** A run on one line. @param workflowName for people: nothing is made of it */
export function writeRun(value: RecordedRun, workflowName: string | null): string {
  return withHead({ format: RUN_FORMAT, workflow: workflowName }, recordedRun.write(value));
}

/** The facts of a run alone, without what went in and came out, on one line. */
export function writeRunHead(value: Omit<RecordedFacts, 'input' | 'output'>, workflowName: string | null): string {
  return withHead({ format: RUN_FORMAT, workflow: workflowName }, head.write(value));
}

/** @throws RecordMistake */
export function readRun(given: unknown): RecordedRun {
  return recordedRun.read(given, '');
}

const withHead = (head: object, text: string): string => `${JSON.stringify(head).slice(0, -1)},${text.slice(1)}`;

/** A node and an edge of a workflow that runs elsewhere only. */
const graph = object<{
  readonly nodes: readonly { id: string; name: string; type: string; config: JsonObject | undefined }[];
  readonly edges: readonly { from: string; to: string }[];
}>({
  nodes: list(object({ id: text, name: text, type: text, config: optional(json) } as never)),
  edges: list(object({ from: text, to: text })),
});

/** What of a version travels. A `definition` is one as workflows are saved with; a `graph` stands for a workflow that runs elsewhere only. */
interface WireVersion extends Pick<WorkflowVersion, 'id' | 'name' | 'description' | 'createdAt'> {
  readonly definition: JsonObject | null;
  readonly graph: ReturnType<typeof graph.read> | null;
}

/** What of a workflow travels. */
export interface WireWorkflow
  extends Pick<
    Workflow,
    | 'id'
    | 'name'
    | 'kind'
    | 'slug'
    | 'type'
    | 'description'
    | 'currentVersionId'
    | 'settings'
    | 'meta'
    | 'authorName'
    | 'createdAt'
    | 'updatedAt'
  > {
  readonly versions: readonly WireVersion[];
}

const workflow = object<WireWorkflow>({
  id: uuid,
  name: text,
  kind: orElse(oneOf(WORKFLOW_KINDS), 'flow'),
  slug: orElse(text, ''),
  type: orElse(oneOf(WORKFLOW_TYPES), 'flow'),
  description: nullable(text),
  currentVersionId: uuid,
  settings: orElse(json, {}),
  meta: orElse(json, {}),
  authorName: nullable(text),
  createdAt: time,
  updatedAt: time,
  versions: list(
    object<WireVersion>({
      id: uuid,
      name: nullable(text),
      description: nullable(text),
      createdAt: time,
      definition: nullable(json),
      graph: nullable(graph),
    }),
  ),
});

/** A workflow with some of its versions, on one line. */
export function writeWorkflow(value: Workflow, versions: readonly WorkflowVersion[]): string {
  const wire = versions.map((version) => ({
    ...version,
    definition: JSON.parse(version.document) as JsonObject,
    graph: null,
  }));
  return withHead({ format: WORKFLOW_FORMAT }, workflow.write({ ...value, versions: wire }));
}

/** @throws RecordMistake */
export function readWorkflow(given: unknown): WireWorkflow {
  return workflow.read(given, '');
}
