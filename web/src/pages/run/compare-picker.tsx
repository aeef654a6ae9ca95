import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input } from '../../components/field.tsx';
import { Cost, Duration, Time } from '../../components/figures.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { StatusPill } from '../../components/status.tsx';
import { api, type RunDetail, type RunRow } from '../../explorer-api.ts';
import styles from './compare-picker.module.css';

/** Runs that are offered: those that people remember. */
const OFFERED = 20;

/** Asks which run to compare with: one it repeats or that repeats it, another one of the workflow, or any by its id. */
export function ComparePicker({
  detail,
  onChoose,
  onClose,
}: {
  readonly detail: RunDetail;
  readonly onChoose: (runId: string) => void;
  readonly onClose: () => void;
}) {
  const { run, retryOf } = detail;
  const [given, setGiven] = useState('');
  const { data: recent } = useQuery({
    queryKey: ['compare-recent', run.workflow.id],
    queryFn: ({ signal }) => api.runs.list({ q: `workflow_id = "${run.workflow.id}"`, limit: OFFERED }, { signal }),
  });
  const { data: retries } = useQuery({
    queryKey: ['run-retries', run.id],
    queryFn: ({ signal }) => api.run.retries(run.id, { signal }),
  });
  const repeating = new Set(retries?.items.map(({ id }) => id));
  const offered = [
    ...new Map([...(retries?.items ?? []), ...(recent?.items ?? [])].map((one) => [one.id, one])).values(),
  ].filter(({ id }) => id !== run.id);
  // An address of a run does as well as its id.
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/i.exec(given)?.[0] ?? null;
  return (
    <Dialog open onClose={onClose} size="wide" title="Compare with another run">
      <div className={styles['picker']}>
        <form
          className={styles['form']}
          onSubmit={(event) => {
            event.preventDefault();
            if (id !== null) onChoose(id);
          }}
        >
          <Field label="Id or address of a run">
            {(attributes) => (
              <Input
                {...attributes}
                value={given}
                onChange={({ target }) => setGiven(target.value)}
                placeholder={run.id}
              />
            )}
          </Field>
          <Button type="submit" icon="compare" disabled={id === null || id === run.id}>
            Compare
          </Button>
        </form>
        {retryOf !== null && (
          <Button icon="undo" onClick={() => onChoose(retryOf)}>
            The run that this one repeats
          </Button>
        )}
        <h3>Runs of the same workflow</h3>
        {recent === undefined ? (
          <SkeletonLines lines={4} label="Reading runs" />
        ) : offered.length === 0 ? (
          <p className={styles['nothing']}>There is no other one yet. Rerun this one, and compare the two.</p>
        ) : (
          <ul className={styles['runs']}>
            {offered.map((one) => (
              <li key={one.id}>
                <Offered run={one} isRepeat={repeating.has(one.id)} onChoose={() => onChoose(one.id)} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  );
}

function Offered({
  run,
  isRepeat,
  onChoose,
}: {
  readonly run: RunRow;
  readonly isRepeat: boolean;
  readonly onChoose: () => void;
}) {
  return (
    <button type="button" className={styles['run']} onClick={onChoose}>
      <StatusPill status={run.status} />
      <code className={styles['id']}>…{run.id.slice(-10)}</code>
      <span className={styles['grow']}>{isRepeat ? 'repeats this run' : ''}</span>
      <Duration ms={run.durationMs} />
      <Cost amount={run.cost} />
      <Time at={run.createdAt} />
    </button>
  );
}
