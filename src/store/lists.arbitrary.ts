// What the tests of lists draw from: runs of all kinds in a store, requests for lists of them, and what these lists must be. Not part of the product.
import fc from 'fast-check';
import { queuedRun, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject } from '../domain/json.ts';
import { RUN_STATUSES, type Run } from '../domain/run.ts';
import type { WorkflowKind } from '../domain/workflow.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import { decimalKey } from '../filter/decimal.ts';
import { NOW, runExpression, runRecord } from '../filter/filter.arbitrary.ts';
import { readFilter } from '../filter/filter.ts';
import { type FilterRecord, matcher } from '../filter/match.ts';
import { print } from '../filter/print.ts';
import { runVocabulary } from '../filter/run-vocabulary.ts';
import type { SortKey } from '../filter/sort.ts';
import { compareText } from '../filter/text.ts';
import type { Change } from './change.ts';
import type { Store } from './store.ts';

/** The workspace of the runs: one of the ids that random filters name. */
export const WORKSPACE = '3c90c3cc-0d44-4b50-8888-8dd25736052a';
/** The other id that they name. */
export const OTHER_ID = '00000000-0000-7000-8000-000000000000';

/** What can be run: two under ids, and some under slugs, that random filters name; the last one is not kept as a workflow at all. */
const TARGETS: readonly { readonly id: string; readonly kind: WorkflowKind; readonly slug: string | null }[] = [
  { id: WORKSPACE, kind: 'model', slug: 'a' },
  { id: OTHER_ID, kind: 'flow', slug: 'ab' },
  { id: 'comfyui-1', kind: 'comfyui_workflow', slug: 'a%' },
  { id: 'model-2', kind: 'model', slug: "it's" },
  { id: 'lost', kind: 'flow', slug: null },
];

/** A run with what is known of it beside. */
export interface MadeRun {
  readonly run: Run;
  /** As filters see it. */
  readonly record: FilterRecord;
}

/** Some rows of what a run can be made of. */
const runParts = fc.record({
  record: runRecord,
  target: fc.constantFrom(...TARGETS),
  status: fc.constantFrom(...RUN_STATUSES),
  // Times near each other, so that many are the same.
  createdAt: fc.integer({ min: NOW - 5, max: NOW }),
  duration: fc.option(fc.integer({ min: -2, max: 3 }), { freq: 3, nil: null }),
  isInBlob: fc.constantFrom(true, false, false, false),
  cost: fc.option(
    fc.oneof(
      fc.constantFrom('0', '0.05', '12.5', '100', '9.99', '-120.5', '0.000000000000000000001'),
      fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map((digits) => `${digits}.${digits < 0n ? -digits : digits}`),
    ),
    { freq: 3, nil: null },
  ),
});

/** Makes so many runs, the same ones for one seed. */
export function makeRuns(count: number, seed: number, system: HeldSystem): MadeRun[] {
  return fc.sample(runParts, { numRuns: count, seed }).map((parts, index) => {
    const id = index === 0 ? OTHER_ID : system.newId();
    return madeRun(id, parts, system);
  });
}

type RunParts = typeof runParts extends fc.Arbitrary<infer Parts> ? Parts : never;

function madeRun(id: string, parts: RunParts, system: HeldSystem): MadeRun {
  const { record, target, status, createdAt, duration, cost, isInBlob } = parts;
  const textOf = (column: string) => (record[column] ?? null) as string | null;
  const jsonOf = (column: string) => (record[column] ?? null) as JsonObject | null;
  const startedAt = (record['startedAt'] ?? null) as number | null;
  const finishedAt = startedAt === null || duration === null ? null : startedAt + duration;
  const code = textOf('failureCode');
  const failure =
    code === null
      ? null
      : {
          code,
          message: textOf('failureMessage') ?? '',
          ...(record['failureStage'] === null ? {} : { stage: textOf('failureStage') }),
        };
  const isPositive = (record['feedbackIsPositive'] ?? null) as boolean | null;
  const reason = textOf('feedbackReason');
  const run = queuedRun({ workspaceId: WORKSPACE, workflowId: target.id }, system, {
    id,
    kind: target.kind,
    workflowVersionId: textOf('targetVersion') ?? OTHER_ID,
    status,
    nodesTotal: Number(record['nodesTotal'] ?? 0),
    nodesCompleted: Number(record['nodesCompleted'] ?? 0),
    createdAt,
    startedAt,
    finishedAt,
    source: textOf('source') ?? '',
    input: isInBlob ? '@7:runs/blob' : JSON.stringify(jsonOf('input') ?? {}),
    output: jsonOf('output') && JSON.stringify(jsonOf('output')),
    failure: failure as Failure | null,
    meta: jsonOf('metadata'),
    context: jsonOf('context'),
    clientRef: textOf('clientRef'),
    batchId: textOf('batchId'),
    requestId: textOf('requestId'),
    cost,
    costBreakdown: jsonOf('costBreakdown'),
    feedback: isPositive === null && reason === null ? null : { isPositive, reason },
    callbackUrl: textOf('callbackUrl'),
    apiKeyId: textOf('createdBy'),
  });
  return { run, record: recordOf(run, record['hasLogs'] === true, record['hasNodeRuns'] === true) };
}

/** A run as filters see it. */
function recordOf(run: Run, hasLogs: boolean, hasNodeRuns: boolean): FilterRecord {
  const target = TARGETS.find(({ id }) => id === run.workflowId);
  const ofKind = (kind: WorkflowKind, value: string | null | undefined) => (run.kind === kind ? value : null);
  const jsonOf = (payload: string | null) => (payload?.startsWith('@') ? null : JSON.parse(payload ?? 'null'));
  const hasTimes = run.startedAt !== null && run.finishedAt !== null;
  return {
    ...run,
    completedAt: run.finishedAt,
    durationMs: hasTimes ? Number(run.finishedAt) - Number(run.startedAt) : null,
    targetType: run.kind,
    targetVersion: run.workflowVersionId,
    modelSlug: ofKind('model', target?.slug),
    flowSlug: ofKind('flow', target?.slug),
    comfyuiWorkflowSlug: ofKind('comfyui_workflow', target?.slug),
    modelId: ofKind('model', run.workflowId),
    flowId: ofKind('flow', run.workflowId),
    flowVersionId: ofKind('flow', run.workflowVersionId),
    comfyuiWorkflowId: ofKind('comfyui_workflow', run.workflowId),
    createdBy: run.apiKeyId,
    failureCode: run.failure?.code,
    failureStage: run.failure && (run.failure.stage ?? 'execution'),
    failureMessage: run.failure?.message,
    feedbackIsPositive: run.feedback?.isPositive,
    feedbackReason: run.feedback?.reason,
    hasLogs,
    hasNodeRuns,
    input: jsonOf(run.input),
    output: jsonOf(run.output),
    metadata: run.meta,
  };
}

/** Keeps runs, with what can be run and with log lines and node runs where they have some. */
export async function keepRuns(
  store: Store,
  made: readonly MadeRun[],
  system: HeldSystem = heldSystem(),
): Promise<void> {
  for (const { id, kind, slug } of TARGETS) {
    if (slug === null) continue;
    const owner = { workspaceId: WORKSPACE, workflowId: id };
    const version = versionOf({ nodes: [], edges: [] }, owner, system);
    const workflow = { ...workflowOf(WORKSPACE, version.id, system), id, kind, slug };
    const deletedAt = id === 'model-2' ? NOW : null;
    await store.commit([
      { kind: 'createVersion', version },
      { kind: 'createWorkflow', workflow: { ...workflow, deletedAt } },
    ]);
  }
  await Promise.all(made.map((each) => store.commit(changeOf(each, system))));
}

/** What keeps one run. */
export function changeOf({ run, record }: MadeRun, system: HeldSystem): Change {
  const { workspaceId, id: runId } = run;
  const log = {
    id: system.newId(),
    runId,
    nodeId: null,
    iteration: 0,
    level: 'info',
    message: '',
    at: 1,
    meta: null,
  } as const;
  const times = { startedAt: 1, finishedAt: 1, attempts: 1, currentIteration: 1, totalIterations: 1, iterates: false };
  const nothing = { inputs: null, outputs: null, taken: null, failure: null, warnings: [], usage: null };
  return [
    { kind: 'createRun', run },
    ...(record['hasLogs'] === true ? [{ kind: 'appendLog', workspaceId, log } as const] : []),
    ...(record['hasNodeRuns'] === true
      ? [
          {
            kind: 'putNodeRun',
            workspaceId,
            runId,
            nodeRun: { nodeId: 'node', status: 'succeeded', ...times, ...nothing },
          } as const,
        ]
      : []),
  ];
}

/** A filter as it is written and as it is run. */
export interface MadeFilter {
  readonly text: string;
  readonly filter: CheckedFilter;
}

/** Reads a filter on runs. @throws Error when it has a mistake */
export function runFilter(text: string): MadeFilter {
  const { filter, diagnostics } = readFilter(text, runVocabulary, { now: NOW });
  if (filter === null) throw new Error(`${text}: ${JSON.stringify(diagnostics)}`);
  return { text, filter };
}

/** Any filter on runs. */
export const anyRunFilter: fc.Arbitrary<MadeFilter> = runExpression.map((expression) => runFilter(print(expression)));

/** A condition that an index may lead to, in all forms, many in one filter now and then. */
const indexedTest = fc.constantFrom(
  ...['status_code:succeeded', 'status_code!=running', 'status_code.in:(failed,queued)', 'status_code.nin:(failed)'],
  ...[
    'status_code:failed OR status_code:queued',
    'client_ref:a',
    "client_ref.in:('a','A','é','''')",
    'client_ref.notnull',
  ],
  ...[
    "client_ref.startswith:'a'",
    "client_ref.like:'a%b'",
    'client_ref>a',
    'batch_id.notnull',
    `batch_id:'${WORKSPACE}'`,
  ],
  ...[
    `model_id:'${WORKSPACE}'`,
    `flow_id.in:('${OTHER_ID}','${WORKSPACE}')`,
    'model.slug:a',
    "flow.slug:'nobody'",
    'model.slug!=a',
  ],
  ...[
    "model.slug:'it''s'",
    'cost>0.05',
    'cost<=12.5',
    'cost.between:(0,100)',
    'cost:100',
    'cost.notnull',
    'cost.isnull',
    'cost<0',
  ],
  ...[
    'duration_ms>0',
    'duration_ms.between:(-1,1)',
    'duration_ms:2',
    'duration_ms.isnull',
    'failure_code:a',
    'failure_code>=A',
  ],
  ...[
    'failure_code.notnull',
    'created_at>2026-04-08T09:59:59.996Z',
    'created_at<=2026-04-08T09:59:59.998Z',
    'has_logs:true',
  ],
  ...[
    `id:'${OTHER_ID}'`,
    `id.in:('${OTHER_ID}','${WORKSPACE}')`,
    'target_type:model',
    'output.n.notnull',
    'source_code!=a',
  ],
);

/** Filters that indexes can serve. */
export const indexedFilter: fc.Arbitrary<MadeFilter> = fc
  .array(indexedTest, { minLength: 1, maxLength: 3 })
  .map((tests) => runFilter(tests.map((test) => `(${test})`).join(' AND ')));

const SORTABLE = runVocabulary.fields.filter(({ sortable }) => sortable).map(({ column }) => column);

/** Up to three keys; often those that an index lies along. */
export const anySort: fc.Arbitrary<SortKey[]> = fc.uniqueArray(
  fc.record({
    column: fc.oneof(
      fc.constantFrom('createdAt', 'durationMs', 'cost', 'status', 'id', 'clientRef'),
      fc.constantFrom(...SORTABLE),
    ),
    direction: fc.constantFrom('asc', 'desc'),
  }),
  { maxLength: 3, selector: ({ column }) => column },
);

/** The ids of the runs that a list must have, in its order. */
export function expectedIds(
  made: readonly MadeRun[],
  filter: CheckedFilter | null,
  sort: readonly SortKey[],
): string[] {
  const matches = filter === null ? () => true : matcher(filter);
  const keys = sort.length === 0 ? [{ column: 'createdAt', direction: 'desc' } as const] : sort;
  const order = [...keys, { column: 'id', direction: keys.at(-1)!.direction }];
  const compare = (a: MadeRun, b: MadeRun) => {
    for (const { column, direction } of order) {
      const ascending = compareCells(cellOf(a, column), cellOf(b, column));
      if (ascending !== 0) return direction === 'asc' ? ascending : -ascending;
    }
    return 0;
  };
  return made
    .filter(({ record }) => matches(record))
    .sort(compare)
    .map(({ run }) => run.id);
}

function cellOf({ record }: MadeRun, column: string): unknown {
  const value = record[column] ?? null;
  return column === 'cost' && value !== null ? decimalKey(String(value)) : value;
}

/** Nulls are greater than everything. */
function compareCells(a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return typeof a === 'string' ? compareText(a, String(b)) : Number(a) - Number(b);
}
