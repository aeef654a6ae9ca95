import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { RUN_STATUSES } from '../../../../src/domain/run.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Select } from '../../components/field.tsx';
import { countText } from '../../components/figures.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { StatusPill } from '../../components/status.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type BulkAction, type BulkAsked, type BulkJob, type RunsChosen } from '../../explorer-api.ts';
import styles from './bulk-dialog.module.css';

/** The words of each action, before and after it. */
const WORDS: Readonly<
  Record<BulkAction, { readonly verb: string; readonly done: string; readonly tells: string; readonly none: string }>
> = {
  stop: {
    verb: 'Stop',
    done: 'stopped',
    tells: 'Nodes that run are told to end; what they did is kept.',
    none: 'None of them is running.',
  },
  retry: {
    verb: 'Retry',
    done: 'started again',
    tells: 'Each becomes a new run; the old ones stay as they are.',
    none: 'None of them has ended.',
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    tells: 'Their inputs, outputs, logs and evaluations go with them. This cannot be undone.',
    none: 'None of them has ended; stop them first.',
  },
  evaluate: {
    verb: 'Evaluate',
    done: 'put before the judges',
    tells: 'Judges of the settings look at each; that may cost money.',
    none: 'None of them has ended.',
  },
};

/** Milliseconds between two looks at a job. */
const LOOK = 600;

/** Asks before many runs are acted on: how many it means, and how many of them it can mean. Then shows how far it is. */
export function BulkDialog({
  action,
  runs,
  onClose,
}: {
  readonly action: BulkAction;
  readonly runs: RunsChosen;
  readonly onClose: (done: boolean) => void;
}) {
  const client = useQueryClient();
  const [from, setFrom] = useState<'start' | 'failed_node'>('start');
  const [version, setVersion] = useState<'original' | 'current'>('original');
  const words = WORDS[action];
  const asked: BulkAsked = { action, runs, ...(action === 'retry' && { from, version }) };
  const preview = useQuery({
    queryKey: ['bulk', 'preview', asked],
    queryFn: ({ signal }) => api.bulk.preview(asked, { signal }),
    // Runs end meanwhile: each question is asked anew.
    staleTime: 0,
    gcTime: 0,
  });
  const start = useMutation({
    mutationFn: () => {
      const { applies } = preview.data ?? {};
      return api.bulk.start({ ...asked, ...(applies && !applies.isLowerBound && { expectedCount: applies.count }) });
    },
    onError: () => void preview.refetch(),
  });
  const job = useQuery({
    queryKey: ['bulk', start.data?.id],
    queryFn: ({ signal }) => api.bulk.read(start.data?.id ?? '', { signal }),
    enabled: start.data !== undefined,
    refetchInterval: ({ state }) => (isOver(state.data) ? false : LOOK),
  });
  const now = job.data ?? start.data;
  const close = () => {
    if (now) {
      void client.invalidateQueries({ queryKey: ['runs'], predicate: ({ queryKey }) => queryKey[1] !== 'list' });
      if (action === 'delete') void client.resetQueries({ queryKey: ['runs', 'list'] });
      if (!isOver(now))
        toast(
          `It goes on in the background: ${countText(now.succeeded)} of ${countText(now.total)} are ${words.done}.`,
        );
    }
    onClose(now !== undefined);
  };
  const { chosen, applies, byStatus, limit } = preview.data ?? {};
  const count = Math.min(applies?.count ?? 0, limit ?? 0);
  const title = now
    ? `${words.verb} runs`
    : `${words.verb} ${chosen ? countText(chosen.count, chosen.isLowerBound) : ''} ${chosen?.count === 1 ? 'run' : 'runs'}?`;
  return (
    <Dialog
      open
      onClose={close}
      title={title}
      {...(!now && { description: words.tells })}
      footer={
        now ? (
          <>
            {!isOver(now) && (
              <Button icon="stop" onClick={() => void api.bulk.cancel(now.id).then(() => job.refetch())}>
                End it here
              </Button>
            )}
            <Button look="primary" onClick={close}>
              {isOver(now) ? 'Done' : 'Leave it running'}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={close}>Do nothing</Button>
            <Button
              look={action === 'delete' ? 'danger' : 'primary'}
              busy={start.isPending}
              disabled={preview.data === undefined || count === 0}
              onClick={() => start.mutate()}
            >
              {preview.data === undefined
                ? words.verb
                : `${words.verb} ${countText(count)} ${count === 1 ? 'run' : 'runs'}`}
            </Button>
          </>
        )
      }
    >
      {now ? (
        <Progress job={now} done={words.done} />
      ) : (
        <>
          {action === 'retry' && (
            <div className={styles['choices']}>
              <Field label="Begin">
                {(attributes) => (
                  <Select {...attributes} value={from} onChange={(event) => setFrom(event.target.value as typeof from)}>
                    <option value="start">at the start</option>
                    <option value="failed_node">at the node that failed</option>
                  </Select>
                )}
              </Field>
              <Field label="With">
                {(attributes) => (
                  <Select
                    {...attributes}
                    value={version}
                    onChange={(event) => setVersion(event.target.value as typeof version)}
                  >
                    <option value="original">the version they ran</option>
                    <option value="current">the current version</option>
                  </Select>
                )}
              </Field>
            </div>
          )}
          <div className={styles['preview']} aria-live="polite">
            {preview.error && <p className={styles['wrong']}>{preview.error.message}</p>}
            {start.error && <p className={styles['wrong']}>{start.error.message}</p>}
            {!preview.data && !preview.error && <SkeletonLines lines={2} label="Counting the runs" />}
            {chosen && applies && (
              <>
                <p>
                  {applies.count === 0
                    ? words.none
                    : applies.count === chosen.count
                      ? 'It applies to all of them.'
                      : `It applies to ${countText(applies.count, applies.isLowerBound)} of them; the others are left as they are.`}
                  {limit !== undefined && applies.count > limit && ` One go takes the newest ${countText(limit)}.`}
                </p>
                <ul className={styles['statuses']}>
                  {RUN_STATUSES.filter((status) => byStatus?.[status]).map((status) => (
                    <li key={status}>
                      <StatusPill status={status} />
                      <span className="figures">{countText(byStatus?.[status] ?? 0)}</span>
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
        </>
      )}
    </Dialog>
  );
}

function isOver(job: BulkJob | undefined): boolean {
  return job?.status === 'done' || job?.status === 'canceled' || job?.status === 'failed';
}

function Progress({ job, done }: { readonly job: BulkJob; readonly done: string }) {
  const settled = job.succeeded + job.skipped + job.failed;
  return (
    <div className={styles['progress']} aria-live="polite">
      <progress value={settled} max={Math.max(1, job.total)} aria-label="Progress" />
      <p>
        {job.status === 'collecting' && 'Looking up the runs. '}
        {`${countText(job.succeeded)} of ${countText(job.total)} ${done}`}
        {job.skipped > 0 && `, ${countText(job.skipped)} needed nothing`}
        {job.failed > 0 && `, ${countText(job.failed)} could not be`}
        {job.status === 'canceled' && '. It was ended before the rest'}.
      </p>
      {job.message !== null && <p className={styles['wrong']}>{job.message}</p>}
      {job.errors.length > 0 && (
        <ul className={styles['errors']}>
          {job.errors.slice(0, 50).map(({ runId, message }) => (
            <li key={runId}>
              <code>{runId}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
