import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Segments } from '../../components/field.tsx';
import { countText, Time } from '../../components/figures.tsx';
import { ErrorState } from '../../components/states.tsx';
import { api, type TriggerEventRow, type TriggerRow } from '../../explorer-api.ts';
import { OUTCOME } from './trigger-words.ts';
import styles from './triggers-page.module.css';

const SIZE = 20;
const LOOK_EVERY = 5000;

/** Every time that a trigger fired, or would have, with the run that it led to. */
export function TriggerEvents({ trigger: { id } }: { readonly trigger: TriggerRow }) {
  const [page, setPage] = useState(1);
  const [which, setWhich] = useState<'all' | 'errored'>('all');
  const { data, error, refetch } = useQuery({
    queryKey: ['triggers', id, 'events', page, which],
    queryFn: ({ signal }) =>
      api.triggers.events(id, { page, size: SIZE, ...(which === 'errored' && { errored: true }) }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_EVERY,
  });
  const pages = data === undefined ? 1 : Math.max(1, Math.ceil(data.total / SIZE));
  return (
    <section className={styles['part']}>
      <div className={styles['head']}>
        <h2>{data === undefined || data.total === 0 ? 'Events' : `Events (${countText(data.total)})`}</h2>
        <Segments
          label="Which events"
          value={which}
          options={[
            { value: 'all', label: 'All' },
            { value: 'errored', label: 'Refused and failed' },
          ]}
          onChange={(next) => {
            setWhich(next);
            setPage(1);
          }}
        />
        <Link href={`/runs?${new URLSearchParams({ q: `metadata.trigger_id:'${id}'` })}`}>Its runs</Link>
      </div>
      {error && !data && <ErrorState title="They could not be read" error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && (
        <p className={styles['small']}>
          {which === 'all' ? 'Nothing has come yet.' : 'None was refused, none failed.'}
        </p>
      )}
      {data !== undefined && data.items.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className={styles['frame']} tabIndex={0} aria-label="Events">
          <table className={styles['table']}>
            <thead>
              <tr>
                {['When', 'What became of it', 'What came', 'Run'].map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.items.map((event) => (
                <EventRow key={event.id} event={event} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {pages > 1 && (
        <nav className={styles['pages']} aria-label="Pages of events">
          <Button disabled={page <= 1} onClick={() => setPage(page - 1)}>
            Newer
          </Button>
          <span className="figures">
            {page} of {pages}
          </span>
          <Button disabled={page >= pages} onClick={() => setPage(page + 1)}>
            Older
          </Button>
        </nav>
      )}
    </section>
  );
}

function EventRow({ event: { at, kind, outcome, reason, data, runId } }: { readonly event: TriggerEventRow }) {
  return (
    <tr>
      <td>
        <Time at={at} />
      </td>
      <td className={styles['reason']}>
        <Badge tone={OUTCOME[outcome].tone}>{OUTCOME[outcome].word}</Badge>
        {kind === 'manual' && <span className={styles['small']}> by hand</span>}
        {reason !== null && <span className={styles['small']}> {reason}</span>}
      </td>
      <td>
        <code className={styles['came']}>{cameOf(data)}</code>
      </td>
      <td>{runId !== null && <Link href={`/runs/${runId}`}>{runId.slice(-8)}</Link>}</td>
    </tr>
  );
}

/** What came, on one line: the thing itself where there is one. */
function cameOf(data: JsonObject): string {
  const main = data['due_at'] ?? data['title'] ?? data['item'] ?? data['body'] ?? data['payload'] ?? null;
  if (typeof main === 'string' && main !== '') return main;
  const { method, bytes } = data;
  return typeof method === 'string' && typeof bytes === 'number' ? `${method}, ${bytes} bytes` : JSON.stringify(data);
}
