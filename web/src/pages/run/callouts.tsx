import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Failure } from '../../../../src/domain/failure.ts';
import type { Warning } from '../../../../src/domain/warning.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusIcon } from '../../components/status.tsx';
import type { PersonRequestRow } from '../../explorer-api.ts';
import styles from './callouts.module.css';
import { nextStep } from './next-step.ts';

/** Why something did not succeed, and what to do about it. */
export function FailureNote({
  failure,
  onShowNode,
  children,
}: {
  readonly failure: Failure;
  readonly onShowNode?: (() => void) | undefined;
  readonly children?: ReactNode;
}) {
  return (
    <section className={styles['callout']} data-tone="bad" aria-label="Failure">
      <header className={styles['head']}>
        <Icon name="error" />
        <h3>It failed</h3>
        <Badge tone="bad">{failure.code}</Badge>
        {failure.httpStatus !== undefined && <Badge tone="bad">HTTP {failure.httpStatus}</Badge>}
      </header>
      <p className={styles['message']}>{failure.message}</p>
      <p className={styles['next']}>
        <Icon name="arrow-right" size={14} />
        {nextStep(failure)}
      </p>
      {(onShowNode || children) && (
        <div className={styles['actions']}>
          {onShowNode && (
            <Button icon="graph" onClick={onShowNode}>
              Show the node
            </Button>
          )}
          {children}
        </div>
      )}
    </section>
  );
}

/** Warnings of one kind and text, as often as there were. */
export function WarningNotes({ warnings }: { readonly warnings: readonly Warning[] }) {
  if (warnings.length === 0) return null;
  const kinds = Map.groupBy(warnings, ({ identifier, detail }) => `${identifier} ${detail}`);
  return (
    <section className={styles['callout']} data-tone="warn" aria-label="Warnings">
      <header className={styles['head']}>
        <Icon name="warning" />
        <h3>{warnings.length === 1 ? 'A warning' : `${warnings.length} warnings`}</h3>
      </header>
      <ul className={styles['list']}>
        {[...kinds].map(([key, [first, ...others]]) => (
          <li key={key}>
            <Badge tone="warn">{first?.identifier}</Badge> {first?.detail}
            {others.length > 0 && <span className={styles['times']}> {others.length + 1} times</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is asked of a person, and where it is answered. */
export function RequestNote({ request }: { readonly request: PersonRequestRow }) {
  const isOpen = request.status === 'pending';
  return (
    <section className={styles['callout']} data-tone={isOpen ? 'person' : 'plain'} aria-label="Request to a person">
      <header className={styles['head']}>
        <StatusIcon status="waiting" worded />
        <h3>{isOpen ? 'It waits for a person' : `A person was asked: ${request.status}`}</h3>
      </header>
      <p className={styles['message']}>{request.title}</p>
      <p className={styles['times']}>
        {request.assignee === null ? 'Anybody may answer' : `For ${request.assignee}`}, asked{' '}
        <Time at={request.createdAt} />
        {request.dueAt !== null && (
          <>
            , due <Time at={request.dueAt} exact />
          </>
        )}
        {request.settledBy !== null && `, answered by ${request.settledBy}`}
      </p>
      <div className={styles['actions']}>
        <Link className={styles['link']} href={`/people/${request.id}`}>
          {isOpen ? 'Answer it' : 'Show the request'}
        </Link>
      </div>
    </section>
  );
}
