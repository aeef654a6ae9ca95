import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import type { PersonRequestRow } from '../../explorer-api.ts';
import { Due } from './due.tsx';
import styles from './request-list.module.css';

/** How a request ended, in a word and a tone. */
export const SETTLED = {
  answered: { word: 'Answered', tone: 'good' },
  canceled: { word: 'Canceled', tone: 'plain' },
  expired: { word: 'Expired', tone: 'warn' },
} as const;

/** The inbox: one line of what is asked, and who is meant, since when and until when. */
export function RequestList({
  requests,
  chosen,
  href,
  isLoading,
  more,
  nothing,
}: {
  readonly requests: readonly PersonRequestRow[];
  readonly chosen: string | undefined;
  readonly href: (requestId: string) => string;
  readonly isLoading: boolean;
  /** What reads further ones; null: these are all. */
  readonly more: { readonly isLoading: boolean; readonly onMore: () => void } | null;
  /** What stands in place of a list without any. */
  readonly nothing: string;
}) {
  const current = useRef<HTMLAnchorElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another one is chosen
  useEffect(() => {
    current.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  if (isLoading) return <ListSkeleton />;
  if (requests.length === 0) return <p className={styles['nothing']}>{nothing}</p>;
  return (
    <>
      <ul>
        {requests.map((request) => {
          const isChosen = request.id === chosen;
          return (
            <li key={request.id}>
              <Link
                ref={isChosen ? current : null}
                href={href(request.id)}
                replace
                className={styles['item']}
                aria-current={isChosen ? 'true' : undefined}
                data-request={request.id}
              >
                <span className={styles['title']}>{request.title || 'Please confirm'}</span>
                <span className={styles['about']}>
                  <span className={styles['workflow']}>{request.workflow.name ?? 'A workflow'}</span>
                  <Time at={request.settledAt ?? request.createdAt} />
                </span>
                {(request.status !== 'pending' || request.assignee !== null || request.dueAt !== null) && (
                  <span className={styles['marks']}>
                    {request.status !== 'pending' && (
                      <Badge tone={SETTLED[request.status].tone}>{SETTLED[request.status].word}</Badge>
                    )}
                    {request.assignee !== null && (
                      <span className={styles['mark']}>
                        <Icon name="person" size={12} />
                        <span className="unseen">For </span>
                        {request.assignee}
                      </span>
                    )}
                    {request.status === 'pending' && request.dueAt !== null && <Due at={request.dueAt} />}
                  </span>
                )}
              </Link>
            </li>
          );
        })}
      </ul>
      {more && (
        <div className={styles['more']}>
          <Button look="ghost" busy={more.isLoading} onClick={more.onMore}>
            Show more
          </Button>
        </div>
      )}
    </>
  );
}

function ListSkeleton() {
  return (
    <div role="status">
      <span className="unseen">Loading the requests</span>
      {['70%', '55%', '82%', '64%', '75%'].map((width) => (
        <div key={width} className={styles['item']} aria-hidden="true">
          <span className={styles['title']}>
            <Skeleton width={width} height={12} />
          </span>
          <span className={styles['about']}>
            <Skeleton width="40%" height={10} />
          </span>
        </div>
      ))}
    </div>
  );
}
