import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link } from 'wouter';
import { Button, IconButton } from '../../components/button.tsx';
import { countText, durationText } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusPill } from '../../components/status.tsx';
import { api, type ChildRun, type IterationRow, type NodeRow } from '../../explorer-api.ts';
import styles from './iteration-walk.module.css';

/** Passes shown beside one another. */
const STRIP = 100;

const PASS_WORDS: Readonly<Record<IterationRow['status'], string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  unrecorded: 'not recorded',
  pending: 'not made yet',
};

/** The passes of a node that runs once per item: one after the other, or straight to one. */
export function IterationWalk({
  runId,
  row,
  iteration,
  made,
  onGo,
}: {
  readonly runId: string;
  readonly row: NodeRow;
  readonly iteration: number;
  /** The runs that this pass invoked. */
  readonly made: readonly ChildRun[];
  readonly onGo: (iteration: number) => void;
}) {
  const { nodeId, totalIterations, currentIteration } = row;
  const from = Math.floor((iteration - 1) / STRIP) * STRIP + 1;
  const { data } = useQuery({
    queryKey: ['run-iterations', runId, nodeId, from, currentIteration, row.status],
    queryFn: ({ signal }) => api.run.iterations(runId, { node: nodeId, from, limit: STRIP }, { signal }),
    placeholderData: (before) => (before?.nodeId === nodeId ? before : undefined),
  });
  const items = data?.items;
  const here = items?.find((pass) => pass.iteration === iteration);
  const failed = useMemo(() => items?.filter(({ status }) => status === 'failed') ?? [], [items]);
  const nextFailed = failed.find((pass) => pass.iteration > iteration) ?? failed[0];
  return (
    <section className={styles['walk']} aria-label="Items">
      <div className={styles['line']}>
        <IconButton
          icon="chevron-left"
          look="plain"
          label="Previous item"
          keys="p"
          disabled={iteration <= 1}
          onClick={() => onGo(iteration - 1)}
        />
        <span className={styles['which']}>
          <label>
            Item{' '}
            <input
              className={styles['number']}
              type="number"
              min={1}
              max={totalIterations}
              value={iteration}
              onChange={({ target }) => {
                const wanted = Math.round(Number(target.value));
                if (wanted >= 1 && wanted <= totalIterations) onGo(wanted);
              }}
            />
          </label>{' '}
          of {countText(totalIterations)}
        </span>
        <IconButton
          icon="chevron-right"
          look="plain"
          label="Next item"
          keys="n"
          disabled={iteration >= totalIterations}
          onClick={() => onGo(iteration + 1)}
        />
        <span className={styles['grow']} />
        {nextFailed && nextFailed.iteration !== iteration && (
          <Button look="ghost" icon="error" onClick={() => onGo(nextFailed.iteration)}>
            Failed: item {nextFailed.iteration}
          </Button>
        )}
      </div>
      {items !== undefined && items.length > 1 && (
        <div className={styles['strip']} aria-hidden="true">
          {items.map((pass) => (
            <button
              type="button"
              tabIndex={-1}
              key={pass.iteration}
              className={styles['pass']}
              data-pass={pass.status}
              data-here={pass.iteration === iteration || undefined}
              title={`Item ${pass.iteration}: ${PASS_WORDS[pass.status]}`}
              onClick={() => onGo(pass.iteration)}
            />
          ))}
        </div>
      )}
      {here && here.status !== 'unrecorded' && (
        <p className={styles['said']}>
          It {here.status === 'pending' ? 'was not made yet' : here.status}
          {here.startedAt !== null &&
            here.finishedAt !== null &&
            ` in ${durationText(here.finishedAt - here.startedAt)}`}
          {here.attempts > 1 && `, with ${here.attempts} tries`}.{here.failure && ` ${here.failure.message}`}
        </p>
      )}
      {here?.status === 'unrecorded' && (
        <p className={styles['said']}>Passes of pure nodes keep no times: what went in and came out is in the lists.</p>
      )}
      <MadeRuns made={made} />
    </section>
  );
}

/** Types of nodes that make runs of their own. */
const INVOKING = new Set(['InvokeSubflowNode', 'LoopNode', 'MapNode', 'AgentNode']);

/** The runs that a node invoked: those of a pass where one is given. */
export function useChildren(
  runId: string,
  { nodeId, type, status, startedAt, currentIteration }: NodeRow,
  iteration: number | undefined,
): readonly ChildRun[] {
  const { data } = useQuery({
    queryKey: ['run-children', runId, nodeId, iteration, status, currentIteration],
    queryFn: ({ signal }) =>
      api.run.children(runId, { node: nodeId, ...(iteration !== undefined && { iteration }) }, { signal }),
    enabled: type !== null && INVOKING.has(type) && startedAt !== null,
  });
  return data?.items ?? [];
}

/** The ways to runs within this one. */
export function MadeRuns({ made }: { readonly made: readonly ChildRun[] }) {
  if (made.length === 0) return null;
  return (
    <ul className={styles['made']} aria-label="Runs that it made">
      {made.map(({ run }, index) => (
        <li key={run.id}>
          <Link className={styles['child']} href={`/runs/${run.id}`}>
            <StatusPill status={run.status} />
            <span className={styles['grow']}>
              {run.workflow.name ?? 'A workflow without a name'}
              {made.length > 1 && ` · ${index + 1}`}
            </span>
            <span className="figures">{run.durationMs === null ? '' : durationText(run.durationMs)}</span>
            <Icon name="chevron-right" size={12} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
