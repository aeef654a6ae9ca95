import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { MAX_RETENTION_DAYS } from '../../../../src/domain/retention.ts';
import { Button } from '../../components/button.tsx';
import { Field, Input, Select } from '../../components/field.tsx';
import { countText } from '../../components/figures.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type RetentionState } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { Confirm } from './confirm.tsx';
import { Refusal, Section } from './section.tsx';
import styles from './settings-page.module.css';

type Choice = 'server' | 'days' | 'forever';

const QUERY_KEY = ['settings', 'retention'];

/** How long finished runs are kept, and how many would go, before it is said. */
export function Retention() {
  const mayRead = useMay('runs:read');
  const { data, error, refetch } = useQuery({
    queryKey: QUERY_KEY,
    queryFn: ({ signal }) => api.settings.retention({ signal }),
    enabled: mayRead,
  });
  if (!mayRead) return null;
  return (
    <Section
      title="How long runs are kept"
      about="Finished runs that are older are deleted with everything they own: logs, payloads, evaluations, requests. Runs that wait or run are never touched."
    >
      {data ? (
        <Form key={JSON.stringify(data)} state={data} />
      ) : error ? (
        <ErrorState title="The setting could not be read" error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton width={320} />
      )}
    </Section>
  );
}

function Form({ state }: { readonly state: RetentionState }) {
  const { own, serverDays } = state;
  const mayChange = useMay('runs:delete');
  const client = useQueryClient();
  const chosenBefore: Choice = own === null ? 'server' : own.days === null ? 'forever' : 'days';
  const daysBefore = String(own?.days ?? serverDays ?? 90);
  const [choice, setChoice] = useState<Choice>(chosenBefore);
  const [text, setText] = useState(daysBefore);
  const [asks, setAsks] = useState(false);
  const given = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const isWrong = choice === 'days' && !(given >= 1 && given <= MAX_RETENTION_DAYS);
  const days = choice === 'forever' ? null : choice === 'server' ? serverDays : given;
  const isChanged = choice !== chosenBefore || (choice === 'days' && text !== daysBefore);
  const preview = useQuery({
    queryKey: [...QUERY_KEY, 'preview', days],
    queryFn: ({ signal }) => api.settings.retentionPreview(days ?? 0, { signal }),
    enabled: days !== null && !isWrong,
  });
  const save = useMutation({
    mutationFn: () => api.settings.saveRetention(choice === 'server' ? null : { days }),
    onSuccess: (saved) => {
      client.setQueryData(QUERY_KEY, saved);
      toast('How long runs are kept was saved.');
    },
  });
  const goes = days === null ? 0 : preview.data?.runs;
  return (
    <form
      className={styles['retention']}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (isWrong || goes === undefined) return;
        if (goes > 0) setAsks(true);
        else save.mutate();
      }}
    >
      <Field label="Keep finished runs">
        {(attributes) => (
          <Select
            {...attributes}
            value={choice}
            disabled={!mayChange}
            onChange={(event) => setChoice(event.target.value as Choice)}
          >
            <option value="server">As the server says: {spanText(serverDays)}</option>
            <option value="forever">For ever</option>
            <option value="days">For some days</option>
          </Select>
        )}
      </Field>
      {choice === 'days' && (
        <Field label="Days" error={isWrong && `A whole number from 1 to ${countText(MAX_RETENTION_DAYS)}.`}>
          {(attributes) => (
            <Input
              {...attributes}
              inputMode="numeric"
              value={text}
              disabled={!mayChange}
              onChange={(event) => setText(event.target.value.trim())}
            />
          )}
        </Field>
      )}
      <p className={styles['goes']} role="status">
        {isWrong ? '' : goes === undefined ? <Skeleton width={160} /> : goesText(goes)}
      </p>
      {preview.error && <Refusal error={preview.error} />}
      <Refusal error={save.error} />
      <div>
        {mayChange ? (
          <Button type="submit" look="primary" busy={save.isPending} disabled={!isChanged || isWrong}>
            Save
          </Button>
        ) : (
          <p className={styles['second']}>
            To change it takes the scope <code>runs:delete</code>.
          </p>
        )}
      </div>
      {asks && (
        <Confirm
          title={`Delete ${runsText(goes ?? 0)}?`}
          action={`Keep runs for ${spanText(days).replace(/^for /, '')}`}
          onConfirm={() => save.mutateAsync()}
          onClose={() => setAsks(false)}
        >
          {runsText(goes ?? 0)} finished longer ago than {days} days, and {goes === 1 ? 'goes' : 'go'} within the hour;
          others follow day by day. They cannot be brought back.
        </Confirm>
      )}
    </form>
  );
}

function goesText(runs: number): string {
  return runs === 0 ? 'No run would be deleted now.' : `${runsText(runs)} would be deleted now.`;
}

const runsText = (runs: number): string => (runs === 1 ? '1 run' : `${countText(runs)} runs`);

function spanText(days: number | null): string {
  if (days === null) return 'for ever';
  return days === 1 ? 'for 1 day' : `for ${countText(days)} days`;
}
