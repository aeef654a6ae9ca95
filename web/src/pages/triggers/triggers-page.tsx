import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Checkbox } from '../../components/field.tsx';
import { Nothing, Time } from '../../components/figures.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { toastError } from '../../components/toast.tsx';
import { api, type TriggerRow } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { TriggerDetail } from './trigger-detail.tsx';
import { TriggerDialog } from './trigger-dialog.tsx';
import { momentText, OUTCOME, TYPE_WORDS, whenOf } from './trigger-words.ts';
import styles from './triggers-page.module.css';

/** Milliseconds between two readings: triggers fire while they are looked at. */
const LOOK_EVERY = 10_000;

const COLUMNS = ['Name', 'Starts', 'When', 'Next', 'Last', 'On'];

/** What starts runs by itself: schedules, webhooks, and addresses that are looked at. */
export default function TriggersPage() {
  const { id } = useParams<{ id?: string }>();
  return id === undefined ? <All /> : <TriggerDetail key={id} triggerId={id} />;
}

function All() {
  const [isMaking, setMaking] = useState(false);
  const [, navigate] = useLocation();
  const mayWrite = useMay('triggers:write');
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['triggers'],
    queryFn: ({ signal }) => api.triggers.list({ signal }),
    refetchInterval: LOOK_EVERY,
  });
  const make = mayWrite && (
    <Button look="primary" icon="plus" onClick={() => setMaking(true)}>
      New trigger
    </Button>
  );
  return (
    <>
      <PageHeader title="Triggers">{data && data.items.length > 0 && make}</PageHeader>
      {isMaking && (
        <TriggerDialog
          trigger={null}
          onClose={() => setMaking(false)}
          onSaved={({ id }) => navigate(`/triggers/${id}`)}
        />
      )}
      {error && !data ? (
        <ErrorState title="They could not be read" error={error} onRetry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <EmptyState icon="bolt" title="No triggers yet">
          <p>
            A trigger starts runs of a workflow by itself: at the times of a schedule, for each request to an address of
            its own, or for what is new in a feed.
          </p>
          {make}
        </EmptyState>
      ) : (
        <div className={styles['page']}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section className={styles['frame']} tabIndex={0} aria-label="Triggers">
            <table className={styles['table']}>
              <thead>
                <tr>
                  {COLUMNS.map((column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {isPending &&
                  [1, 2, 3].map((row) => (
                    <tr key={row}>
                      <td colSpan={COLUMNS.length}>
                        <Skeleton width="50%" />
                      </td>
                    </tr>
                  ))}
                {data?.items.map((trigger) => (
                  <Row key={trigger.id} trigger={trigger} mayWrite={mayWrite} />
                ))}
              </tbody>
            </table>
          </section>
        </div>
      )}
    </>
  );
}

function Row({ trigger, mayWrite }: { readonly trigger: TriggerRow; readonly mayWrite: boolean }) {
  const { id, name, enabled, workflowId, workflowName, definition, nextTimes, lastEvent, failures } = trigger;
  const client = useQueryClient();
  // Shown at once; the mutation says only a turn later that it has begun, and the box would jump back meanwhile.
  const [wanted, setWanted] = useState<boolean | null>(null);
  const switching = useMutation({
    mutationFn: (on: boolean) => api.triggers.change(id, { enabled: on }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['triggers'] }),
    onError: (error) => toastError(`${name} stays as it is`, error),
    onSettled: () => setWanted(null),
  });
  const [next] = nextTimes;
  return (
    <tr data-over={!enabled}>
      <th scope="row">
        <span className={styles['name']}>
          <Link href={`/triggers/${id}`}>{name}</Link>
          <Badge>{TYPE_WORDS[definition.type]}</Badge>
          {failures > 0 && <Badge tone="bad">{failures === 1 ? '1 failure' : `${failures} failures`}</Badge>}
        </span>
      </th>
      <td>
        {workflowName === null ? (
          <span className={styles['small']}>a workflow that is not there</span>
        ) : (
          <Link href={`/workflows/${workflowId}`}>{workflowName}</Link>
        )}
      </td>
      <td className={styles['when']}>{whenOf(definition)}</td>
      <td className="figures">{next === undefined ? <Nothing /> : momentText(next)}</td>
      <td>
        {lastEvent === null ? (
          'never'
        ) : (
          <span className={styles['name']}>
            <Badge tone={OUTCOME[lastEvent.outcome].tone}>{OUTCOME[lastEvent.outcome].word}</Badge>
            <Time at={lastEvent.at} />
          </span>
        )}
      </td>
      <td>
        <Checkbox
          label={`${name} is on`}
          shown={false}
          checked={wanted ?? enabled}
          disabled={!mayWrite}
          onChange={(event) => {
            setWanted(event.target.checked);
            switching.mutate(event.target.checked);
          }}
        />
      </td>
    </tr>
  );
}
