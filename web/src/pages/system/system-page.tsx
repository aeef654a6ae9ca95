import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { RunStatus } from '../../../../src/domain/run.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { bytesText, countText, Duration, exactTime } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { STATUS_WORDS, StatusIcon } from '../../components/status.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type SystemState } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import styles from './system-page.module.css';

/** Milliseconds between two readings; none is made while the window is hidden. */
const EVERY = 3000;

const QUERY_KEY = ['system'];

/** Due tasks for each worker from which on the queue is long: each worker has a minute and more of work before it. */
const LONG_QUEUE = 20;

/** Changes that the index may lag behind before it is worth a look: it takes in some thousand a second. */
const LONG_LAG = 2000;

/** How the installation does: each figure with what it means and when to worry. */
export default function SystemPage() {
  const isAdmin = useMay('admin');
  return isAdmin ? (
    <System />
  ) : (
    <>
      <PageHeader title="System" />
      <EmptyState icon="key" title="This key may not see it">
        <p>
          How the installation does is about all workspaces. It takes the scope <code>admin</code>.
        </p>
      </EmptyState>
    </>
  );
}

function System() {
  const { data, error, refetch, dataUpdatedAt } = useQuery({
    queryKey: QUERY_KEY,
    queryFn: ({ signal }) => api.system.read({ signal }),
    refetchInterval: EVERY,
    staleTime: 0,
  });
  return (
    <>
      <PageHeader title="System">
        <span className={styles['live']} data-line={error ? 'lost' : 'open'} title={data && exactTime(dataUpdatedAt)}>
          <i />
          {error && data ? 'The server does not answer' : `Read every ${EVERY / 1000} s`}
        </span>
      </PageHeader>
      {error && !data ? (
        <ErrorState title="The state could not be read" error={error} onRetry={() => void refetch()} />
      ) : (
        <div className={styles['page']}>
          <Work state={data} />
          <Search state={data} />
          <Storage state={data} />
          <Process state={data} />
        </div>
      )}
    </>
  );
}

type Given = { readonly state: SystemState | undefined };

function Part({
  title,
  action,
  children,
}: {
  readonly title: string;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles['part']} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {action}
      </header>
      <div className={styles['figures']}>{children}</div>
    </section>
  );
}

/** One figure: its name and value, what it means, and when it asks for somebody. */
function Figure({
  name,
  value,
  means,
  worry,
  alarm = null,
  share,
}: {
  readonly name: string;
  /** Undefined: on its way. */
  readonly value: ReactNode;
  readonly means: ReactNode;
  /** When to worry, and what to do then. */
  readonly worry?: ReactNode;
  /** Why to worry now. */
  readonly alarm?: string | null;
  /** How full something is, 0 to 1. */
  readonly share?: number | undefined;
}) {
  return (
    <article className={styles['figure']} data-alarm={alarm !== null}>
      <h3>
        {name}
        {alarm !== null && (
          <Badge tone="warn">
            <Icon name="warning" size={12} />
            Look at this
          </Badge>
        )}
      </h3>
      <p className={styles['value']}>{value === undefined ? <Skeleton width={72} height={20} /> : value}</p>
      {share !== undefined && (
        <div className={styles['bar']} aria-hidden="true">
          <i style={{ width: `${Math.min(100, share * 100)}%` }} />
        </div>
      )}
      <p>{means}</p>
      {alarm !== null && <p className={styles['alarm']}>{alarm}</p>}
      {worry !== undefined && <p className={styles['worry']}>{worry}</p>}
    </article>
  );
}

const OPEN: readonly RunStatus[] = ['queued', 'running', 'waiting'];
const ENDED: readonly RunStatus[] = ['succeeded', 'partial', 'failed', 'canceled'];

function Work({ state }: Given) {
  const queue = state?.queue;
  const isFull = queue !== undefined && queue.busy >= queue.concurrency;
  const isLong = queue !== undefined && isFull && queue.tasks > queue.concurrency * LONG_QUEUE;
  const runs = state?.runsByStatus;
  const counts = (statuses: readonly RunStatus[]) =>
    runs && (
      <span className={styles['statuses']}>
        {statuses.map((status) => (
          <Link key={status} href={`/runs?q=status%3A${status}`}>
            <StatusIcon status={status} worded size={14} />
            <b className="figures">{countText(runs[status] ?? 0)}</b>
            <span>{STATUS_WORDS[status].toLowerCase()}</span>
          </Link>
        ))}
      </span>
    );
  return (
    <Part title="Work">
      <Figure
        name="Queue"
        value={queue && countText(queue.tasks)}
        means="Tasks that are written down to be done: starts of runs and of their nodes, now or at a time to come."
        worry="Worry when it grows while all workers are busy: raise MILLRUN_WORKER_CONCURRENCY, or let slow services answer sooner."
        alarm={isLong ? `${countText(queue.tasks)} tasks wait for ${queue.concurrency} workers.` : null}
      />
      <Figure
        name="Workers at work"
        value={queue && `${queue.busy} of ${queue.concurrency}`}
        share={queue && queue.busy / Math.max(1, queue.concurrency)}
        means="Nodes that run at this moment, and how many may at once. Runs that wait for persons or for a time take none."
        worry="All busy now and then is what they are for; all busy for minutes with a growing queue is too few."
      />
      <Figure
        name="Runs that go on"
        value={counts(OPEN)}
        means="Of all workspaces. Waiting ones wait for persons."
        worry="Worry when queued ones stay queued while workers are free."
      />
      <Figure
        name="Runs that ended"
        value={counts(ENDED)}
        means="Since the first day, but for those that were deleted."
      />
    </Part>
  );
}

function Search({ state }: Given) {
  const client = useQueryClient();
  const rebuilding = useMutation({
    mutationFn: api.system.rebuildSearch,
    onSuccess: () => {
      toast('The index is being built anew.');
      void client.invalidateQueries({ queryKey: QUERY_KEY });
    },
    onError: (error) => toastError('The index is not built anew', error),
  });
  const search = state?.search;
  const lag = state && Math.max(0, state.log.position - state.search.position);
  return (
    <Part
      title="Search"
      action={
        <Button
          icon="retry"
          busy={rebuilding.isPending || search?.rebuilding === true}
          onClick={() => rebuilding.mutate()}
        >
          {search?.rebuilding ? 'Being built' : 'Build the index anew'}
        </Button>
      }
    >
      <Figure
        name="Behind the log"
        value={lag === undefined ? undefined : lag === 0 ? 'up to date' : `${countText(lag)} changes`}
        means={`The index follows the log of changes${state ? `, which is at ${countText(state.log.position)}` : ''}. What it has not read yet is not found.`}
        worry="Worry when it does not shrink while few runs start."
        alarm={
          search?.trouble ??
          (lag !== undefined && lag > LONG_LAG && !search?.rebuilding ? 'The index falls behind.' : null)
        }
      />
      <Figure
        name="Indexed runs"
        // A run that was indexed between the two counts is one of them.
        value={
          search && `${countText(search.indexedRuns)} of ${countText(Math.max(search.indexedRuns, search.totalRuns))}`
        }
        share={search && (search.totalRuns === 0 ? 1 : search.indexedRuns / search.totalRuns)}
        means="Runs that exact search and search by meaning look through."
        worry="Build the index anew when it says that everything is read and runs are missing all the same."
      />
      <Figure
        name="Without vectors"
        value={search && countText(search.runsWithoutVectors)}
        means="Runs that search by meaning compares by their words alone, until their vectors are made."
        worry="Worry when it stays above 0: the embedder does not answer; the server's log says why."
      />
      {state &&
        search?.machines.map((machine) => <Machine key={machine.url} machine={machine} log={state.log.position} />)}
    </Part>
  );
}

/** One of the machines that answer searches. `log`: the position of the log. */
function Machine({ machine, log }: { machine: SystemState['search']['machines'][number]; log: number }) {
  const lag = Math.max(0, log - machine.position);
  const standing = lag === 0 ? 'up to date' : `${countText(lag)} changes behind`;
  return (
    <Figure
      name={`Machine for ${machine.partition}`}
      value={machine.rebuilding ? `being built: ${countText(machine.indexedRuns)} runs` : standing}
      means={`${countText(machine.indexedRuns)} runs, at ${machine.url}.`}
      worry="Worry when another of the same share is not there too: searches of its workspaces rest on it alone."
      alarm={machine.trouble}
    />
  );
}

function Storage({ state }: Given) {
  const storage = state?.storage;
  return (
    <Part title="Storage">
      <Figure
        name="Store"
        value={storage && bytesText(storage.store)}
        means="The database of runs, workflows and keys: millrun.db in the data folder."
        worry="Worry when the disk has less room left than it is large: backups and upgrades copy it."
      />
      <Figure
        name="Search index"
        value={storage && bytesText(storage.searchIndex)}
        means="It can be lost: it is built anew from the store."
      />
      <Figure
        name="Files"
        value={storage && (storage.blobs === null ? 'not counted' : bytesText(storage.blobs))}
        means="What was uploaded and what runs put out: blobs in the data folder."
        worry="Grows with every picture and video; delete runs that nobody needs."
      />
    </Part>
  );
}

function Process({ state }: Given) {
  return (
    <Part title="Process">
      <Figure name="Version" value={state?.version} means="Of the server that answers this page." />
      <Figure
        name="Up for"
        value={state && <Duration ms={null} since={state.startedAt} />}
        means={state ? `Since ${exactTime(state.startedAt)}.` : 'Since the server was started.'}
        worry="A short time that nobody caused is a crash: runs went on where they were; the log says why."
      />
      <Figure
        name="Memory"
        value={state && bytesText(state.memory.rss)}
        means={`Of the process as the system counts it${state ? `; ${bytesText(state.memory.heapUsed)} of it are objects` : ''}.`}
        worry="Worry when it grows for hours without more runs."
      />
      <article className={styles['figure']}>
        <h3>For machines</h3>
        <p>The same figures for Prometheus, without a key, and whether it is ready:</p>
        <CodeBlock
          label="commands that read the state"
          text={`curl ${location.origin}/metrics\ncurl ${location.origin}/readyz`}
        />
      </article>
    </Part>
  );
}
