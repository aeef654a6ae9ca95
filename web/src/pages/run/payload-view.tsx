import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { Button } from '../../components/button.tsx';
import { bytesText } from '../../components/figures.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { api, type PayloadPart } from '../../explorer-api.ts';
import { Media } from './media.tsx';
import styles from './payload-view.module.css';

/** Bytes up to which a payload is fetched without asking: a moment on a slow line. */
const FETCHED_BYTES = 1_000_000;

/** Bytes beyond which a tree of it would hold up the page. */
const MOST_BYTES = 50_000_000;

/** What went in or came out: as a tree, with the images and files it names. */
export function PayloadView({
  title,
  part,
  nothing,
  find = '',
  at,
}: {
  readonly title: string;
  readonly part: PayloadPart | null;
  /** In place of a payload that is not there. */
  readonly nothing: string;
  readonly find?: string;
  readonly at?: string | undefined;
}) {
  return (
    <section className={styles['payload']} aria-label={title}>
      <header className={styles['head']}>
        <h3>{title}</h3>
        {part && (
          <>
            <span className={styles['size']}>{bytesText(part.bytes)}</span>
            <a className={styles['raw']} href={part.href} target="_blank" rel="noreferrer">
              Raw
            </a>
          </>
        )}
      </header>
      {part === null ? (
        <p className={styles['nothing']}>{nothing}</p>
      ) : part.value === undefined ? (
        <Large key={part.href} title={title} part={part} find={find} at={at} />
      ) : (
        <Value title={title} value={part.value} find={find} at={at} />
      )}
    </section>
  );
}

function Value({
  title,
  value,
  find,
  at,
}: {
  readonly title: string;
  readonly value: JsonValue;
  readonly find: string;
  readonly at: string | undefined;
}) {
  return (
    <>
      <Media value={value} />
      <JsonView
        key={`${find} ${at ?? ''}`}
        label={title}
        value={value}
        search={find}
        {...(at !== undefined && { at })}
      />
    </>
  );
}

function Large({
  title,
  part,
  find,
  at,
}: {
  readonly title: string;
  readonly part: PayloadPart;
  readonly find: string;
  readonly at: string | undefined;
}) {
  const [isWanted, setWanted] = useState(part.bytes <= FETCHED_BYTES || find !== '');
  const { data, error, isFetching } = useQuery({
    queryKey: ['payload', part.href, part.bytes],
    queryFn: ({ signal }) => api.run.payload(part.href, { signal }),
    enabled: isWanted && part.bytes <= MOST_BYTES,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (data !== undefined) return <Value title={title} value={data} find={find} at={at} />;
  if (isFetching) return <Skeleton height={200} />;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className={styles['beginning']} tabIndex={0}>
        {part.beginning}…
      </pre>
      {error && <p className={styles['error']}>{error.message}</p>}
      {part.bytes <= MOST_BYTES ? (
        <Button icon="download" onClick={() => setWanted(true)}>
          Show all {bytesText(part.bytes)}
        </Button>
      ) : (
        <p className={styles['nothing']}>It is too large for a tree. “Raw” gives all of it.</p>
      )}
    </>
  );
}
