import Type from 'typebox';
import type { NodeStatus } from '../domain/node-run.ts';
import type { Run, RunStatus } from '../domain/run.ts';
import {
  type DefinitionDifference,
  type FigureDifferences,
  type Figures,
  MAX_DIFFERENCES,
  MAX_VALUE_CHARACTERS,
  type NodeDiff,
  type NodeFacts,
  type PayloadDiff,
  type RunDiff,
  type Sides,
} from '../operations/run-diff.ts';

/** How two runs differ, on the wire. It is the same in both dialects but for their words, since neither has such a thing of its own. */

/** The words that a dialect has for statuses. */
export interface StatusWords {
  readonly run: Readonly<Record<RunStatus, string>>;
  readonly node: Readonly<Record<NodeStatus, string>>;
}

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const dateTime = () => nullable(Type.String({ format: 'date-time' }));
const integer = (description?: string) => nullable(Type.Integer(description === undefined ? {} : { description }));
const sides = <T extends Type.TSchema>(schema: T) => ({ before: schema, after: schema });

const FiguresForm = Type.Object({
  queue_ms: integer('From when it could have begun until it did.'),
  duration_ms: integer('From its begin to its end, waits between tries and for persons included.'),
  attempts: Type.Integer(),
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  cost: nullable(Type.String({ description: 'US dollars, a decimal number as text; null: it has no price.' })),
  warnings: Type.Integer(),
});

const Change = Type.Object(
  {
    queue_ms: integer(),
    duration_ms: integer(),
    attempts: integer(),
    input_tokens: integer(),
    output_tokens: integer(),
    cost: nullable(Type.String()),
    warnings: integer(),
  },
  { description: 'After less before; null where one of them is not known.' },
);

const Payload = Type.Object({
  differs: Type.Boolean(),
  differences: Type.Array(
    Type.Object({
      path: Type.String({ description: 'JSON Pointer (RFC 6901); the whole value is an empty text.' }),
      kind: Type.Enum(['added', 'removed', 'changed'], { type: 'string' }),
      before: Type.Optional(Type.Unknown()),
      after: Type.Optional(Type.Unknown()),
      cut: Type.Optional(
        Type.Array(Type.Enum(['before', 'after'], { type: 'string' }), {
          description: `Values that are longer than ${MAX_VALUE_CHARACTERS} characters and were cut: a text at its end, anything else as the beginning of its JSON text.`,
        }),
      ),
    }),
    { description: `At most ${MAX_DIFFERENCES}.` },
  ),
  is_cut: Type.Boolean({ description: 'There are more differences, or the values are too large to be taken apart.' }),
});

const RunSide = Type.Object({
  id: Type.String(),
  workflow_id: Type.String(),
  version_id: Type.String(),
  status: Type.String(),
  created_at: dateTime(),
  started_at: dateTime(),
  finished_at: dateTime(),
  error: nullable(Type.String()),
  retry_of: nullable(Type.String({ description: 'The run that it repeats.' })),
});

const NodeSide = nullable(
  Type.Object({
    status: Type.String(),
    started_at: dateTime(),
    finished_at: dateTime(),
    current_it: Type.Integer(),
    total_it: Type.Integer(),
    iterates: Type.Boolean(),
    ...FiguresForm.properties,
    warning_details: Type.Array(Type.Object({ identifier: Type.String(), detail: Type.String() }), {
      description: 'The first warnings.',
    }),
    error: nullable(Type.String()),
    taken_over_from: nullable(
      Type.String({ description: 'The run that the node really ran in; times are of that one.' }),
    ),
  }),
);

/** The answer of a comparison. */
export const RunDiffAnswer = Type.Object(
  {
    ...sides(RunSide),
    same_workflow: Type.Boolean(),
    version: Type.Object({
      same: Type.Boolean(),
      nodes: Type.Array(
        Type.Object({
          node_id: Type.String(),
          change: Type.Enum(['added', 'removed', 'changed', 'reconnected'], { type: 'string' }),
        }),
        { description: 'Nodes that do something else or get something else; empty: the versions do the same.' },
      ),
    }),
    input: Payload,
    output: Payload,
    nodes: Type.Array(
      Type.Object({
        node_id: Type.String(),
        in: Type.Enum(['both', 'before', 'after'], { type: 'string' }),
        ...sides(NodeSide),
        change: nullable(Change),
        inputs_differ: Type.Boolean(),
        outputs_differ: Type.Boolean(),
      }),
    ),
    totals: Type.Object({ ...sides(FiguresForm), change: Change }),
  },
  { description: 'Two runs side by side. An addition of Millrun.' },
);

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const CHANGES: Readonly<Record<DefinitionDifference['kind'], string>> = {
  added: 'added',
  removed: 'removed',
  changed: 'changed',
  'connected otherwise': 'reconnected',
};

/** The answer as an object. References to files in values stand as the domain has them. */
export function presentRunDiff(diff: RunDiff, words: StatusWords): object {
  return {
    ...both(diff.runs, (run) => presentRun(run, words)),
    same_workflow: diff.isSameWorkflow,
    version: {
      same: diff.isSameVersion,
      nodes: diff.definition.map(({ nodeId, kind }) => ({ node_id: nodeId, change: CHANGES[kind] })),
    },
    input: presentPayload(diff.input),
    output: presentPayload(diff.output),
    nodes: diff.nodes.map((node) => presentNode(node, words)),
    totals: { ...both(diff.totals, presentFigures), change: presentFigures(diff.totals.change) },
  };
}

const both = <T>({ before, after }: Sides<T>, present: (side: T) => object | null) => ({
  before: present(before),
  after: present(after),
});

function presentRun(run: Run, words: StatusWords): object {
  return {
    id: run.id,
    workflow_id: run.workflowId,
    version_id: run.workflowVersionId,
    status: words.run[run.status],
    created_at: time(run.createdAt),
    started_at: time(run.startedAt),
    finished_at: time(run.finishedAt),
    error: run.failure?.message ?? null,
    retry_of: run.context?.['retry_of'] ?? null,
  };
}

function presentPayload({ differs, differences, isCut }: PayloadDiff): object {
  return {
    differs,
    differences: differences.map(({ cut, ...one }) => ({ ...one, ...(cut.length > 0 ? { cut } : {}) })),
    is_cut: isCut,
  };
}

function presentNode(node: NodeDiff, words: StatusWords): object {
  return {
    node_id: node.nodeId,
    in: node.before === null ? 'after' : node.after === null ? 'before' : 'both',
    ...both(node, (facts) => facts && presentFacts(facts, words)),
    change: node.change && presentFigures(node.change),
    inputs_differ: node.inputsDiffer,
    outputs_differ: node.outputsDiffer,
  };
}

function presentFacts(facts: NodeFacts, words: StatusWords): object {
  return {
    status: words.node[facts.status],
    started_at: time(facts.startedAt),
    finished_at: time(facts.finishedAt),
    current_it: facts.currentIteration,
    total_it: facts.totalIterations,
    iterates: facts.iterates,
    ...presentFigures(facts.figures),
    warning_details: facts.warnings.map(({ identifier, detail }) => ({ identifier, detail })),
    error: facts.failure,
    taken_over_from: facts.takenOverFrom,
  };
}

function presentFigures(figures: Figures | FigureDifferences): object {
  return {
    queue_ms: figures.queueMs,
    duration_ms: figures.durationMs,
    attempts: figures.attempts,
    input_tokens: figures.inputTokens,
    output_tokens: figures.outputTokens,
    cost: figures.cost,
    warnings: figures.warnings,
  };
}
