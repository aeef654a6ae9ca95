import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { isTerminal } from '../../../../src/domain/run.ts';
import { Duration } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { StatusIcon, StatusPill } from '../../components/status.tsx';
import { ApiError, api, type NodeRow, type RunRow } from '../../explorer-api.ts';
import styles from './run-progress.module.css';

/** Nodes shown one by one; of more, those at work matter. */
const MOST_NODES = 12;

interface Progress {
  readonly run: RunRow;
  readonly nodes: readonly NodeRow[];
  readonly position: number;
}

/** The run that a request belongs to, as it goes on. */
export function RunProgress({ runId }: { readonly runId: string }) {
  const client = useQueryClient();
  const queryKey = ['run', runId, 'progress'];
  const { data, error } = useQuery<Progress>({
    queryKey,
    queryFn: ({ signal }) => api.run.read(runId, { signal }),
    staleTime: 0,
  });
  const position = data?.position;
  const isOver = data ? isTerminal(data.run.status) : false;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the line stays while the position moves on
  useEffect(() => {
    if (position === undefined || isOver) return;
    const close = api.run.live(runId, position, {
      onEvent: ({ event, data }) => {
        if (event === 'state') client.setQueryData<Progress>(queryKey, data);
        if (event === 'end') close();
      },
    });
    return close;
  }, [runId, position === undefined, isOver]);

  if (error && !data) {
    const isGone = error instanceof ApiError && error.kind === 'not_found';
    return <p className={styles['small']}>{isGone ? 'The run was deleted.' : error.message}</p>;
  }
  return (
    <section className={styles['run']} aria-label="The run">
      <header className={styles['head']}>
        <h3>The run</h3>
        <span role="status">
          {data ? <StatusPill status={data.run.status} /> : <Skeleton width={80} height={20} />}
        </span>
        <span className={styles['small']}>
          {data && <Duration ms={data.run.durationMs} since={data.run.startedAt ?? data.run.createdAt} />}
        </span>
        <Link href={`/runs/${runId}`} className={styles['link']}>
          Open the run
          <Icon name="arrow-right" size={14} />
        </Link>
      </header>
      <div
        className={styles['bar']}
        role="progressbar"
        aria-label="Nodes that are settled"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(data?.run.progress ?? 0)}
      >
        <i data-status={data?.run.status} style={{ width: `${data?.run.progress ?? 0}%` }} />
      </div>
      <ul className={styles['nodes']}>
        {data &&
          data.nodes.length <= MOST_NODES &&
          inOrder(data.nodes).map(({ nodeId, name, status }) => (
            <li key={nodeId} data-pending={status === 'pending'}>
              {status === 'pending' ? <i className={styles['ring']} /> : <StatusIcon status={status} size={14} />}
              {name}
            </li>
          ))}
      </ul>
      {data?.run.failure && <p className={styles['failure']}>{data.run.failure.message}</p>}
    </section>
  );
}

/** As they began; those that have not, last. */
function inOrder(nodes: readonly NodeRow[]): readonly NodeRow[] {
  const begin = ({ startedAt }: NodeRow) => startedAt ?? Number.POSITIVE_INFINITY;
  return nodes.toSorted((a, b) => (begin(a) === begin(b) ? 0 : begin(a) - begin(b)));
}
