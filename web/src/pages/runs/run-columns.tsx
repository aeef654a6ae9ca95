import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { isTerminal } from '../../../../src/domain/run.ts';
import { Badge } from '../../components/badge.tsx';
import { Cost, Duration, Nothing, Time } from '../../components/figures.tsx';
import { StatusPill } from '../../components/status.tsx';
import type { RunRow } from '../../explorer-api.ts';
import styles from './run-columns.module.css';

/** A column of the table of runs. */
export interface RunColumn {
  readonly label: string;
  /** Pixels at least; the rest of the width is shared among those with `grows`. */
  readonly width: number;
  readonly grows?: number;
  /** Figures stand at the right, one below the other. */
  readonly isFigure?: boolean;
  /** What `sort` calls it; absent where runs have no order by it. */
  readonly sort?: string;
  readonly cell: (run: RunRow) => ReactNode;
}

const KIND_WORDS = { flow: 'Workflow', model: 'Model', comfyui_workflow: 'ComfyUI' } as const;

const COLUMNS = {
  status: { label: 'Status', width: 118, sort: 'status', cell: (run) => <StatusPill status={run.status} /> },
  workflow: {
    label: 'Workflow',
    width: 140,
    grows: 2,
    cell: (run) => (
      <Link href={`/runs/${run.id}`} className={styles['name']}>
        {run.workflow.name ?? 'Without a name'}
      </Link>
    ),
  },
  outcome: { label: 'Outcome', width: 140, grows: 3, cell: (run) => <Outcome run={run} /> },
  created: {
    label: 'Created',
    width: 104,
    sort: 'created_at',
    isFigure: true,
    cell: (run) => <Time at={run.createdAt} />,
  },
  duration: {
    label: 'Duration',
    width: 88,
    sort: 'duration_ms',
    isFigure: true,
    cell: (run) => <Duration ms={run.durationMs} since={isTerminal(run.status) ? null : run.startedAt} />,
  },
  cost: { label: 'Cost', width: 84, sort: 'cost', isFigure: true, cell: (run) => <Cost amount={run.cost} /> },
  verdict: { label: 'Verdict', width: 88, cell: (run) => <VerdictBadge run={run} /> },
  source: { label: 'Source', width: 88, sort: 'source_code', cell: (run) => run.source },
  id: { label: 'Id', width: 108, sort: 'id', cell: (run) => <code title={run.id}>…{run.id.slice(-10)}</code> },
  clientRef: { label: 'Client ref', width: 128, sort: 'client_ref', cell: (run) => run.clientRef ?? <Nothing /> },
  kind: { label: 'Kind', width: 92, sort: 'target_type', cell: (run) => KIND_WORDS[run.workflow.kind] },
  nodes: {
    label: 'Nodes',
    width: 76,
    isFigure: true,
    cell: (run) => (
      <span className="figures">
        {run.nodesCompleted}/{run.nodesTotal}
      </span>
    ),
  },
  started: {
    label: 'Started',
    width: 104,
    sort: 'started_at',
    isFigure: true,
    cell: (run) => (run.startedAt === null ? <Nothing /> : <Time at={run.startedAt} />),
  },
  finished: {
    label: 'Finished',
    width: 104,
    sort: 'completed_at',
    isFigure: true,
    cell: (run) => (run.finishedAt === null ? <Nothing /> : <Time at={run.finishedAt} />),
  },
  batch: {
    label: 'Batch',
    width: 128,
    sort: 'batch_id',
    cell: (run) => (run.batchId === null ? <Nothing /> : <code>{run.batchId}</code>),
  },
  metadata: {
    label: 'Metadata',
    width: 180,
    grows: 1,
    cell: (run) => (run.metadata === null ? <Nothing /> : <code>{JSON.stringify(run.metadata)}</code>),
  },
  feedback: {
    label: 'Feedback',
    width: 92,
    cell: ({ feedback }) =>
      feedback?.isPositive == null ? <Nothing /> : feedback.isPositive ? 'Positive' : 'Negative',
  },
} satisfies Readonly<Record<string, RunColumn>>;

export type ColumnKey = keyof typeof COLUMNS;

/** All columns, in the order in which they are offered. */
export const COLUMN_KEYS = Object.keys(COLUMNS) as ColumnKey[];

/** Those shown unless others were chosen. */
export const DEFAULT_COLUMNS: readonly ColumnKey[] = ['status', 'workflow', 'outcome', 'created', 'duration', 'cost'];

export function columnOf(key: ColumnKey): RunColumn {
  return COLUMNS[key];
}

/** What came of it in a line: why it failed, or how far it is. */
function Outcome({ run }: { readonly run: RunRow }) {
  if (run.failure) {
    return (
      <span className={styles['failure']} title={run.failure.message}>
        <b>{run.failure.code}</b> {run.failure.message}
      </span>
    );
  }
  if (run.status === 'waiting') return <span className={styles['quiet']}>Waits for a person</span>;
  if (isTerminal(run.status))
    return <span className={styles['quiet']}>{`${run.nodesCompleted} of ${run.nodesTotal} nodes`}</span>;
  return (
    <span className={styles['progress']}>
      <progress value={run.progress} max={100} aria-label="Progress" />
      <span className="figures">{run.progress} %</span>
    </span>
  );
}

function VerdictBadge({ run: { evaluation } }: { readonly run: RunRow }) {
  if (evaluation?.passed == null) return <Nothing />;
  return <Badge tone={evaluation.passed ? 'good' : 'bad'}>{evaluation.passed ? '✓ passed' : '✗ failed'}</Badge>;
}
