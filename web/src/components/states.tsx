import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';
import styles from './states.module.css';

/** Nothing is here, why, and what to do about it. */
export function EmptyState({
  icon,
  title,
  children,
}: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className={styles['state']}>
      <span className={styles['sign']}>
        <Icon name={icon} size={20} />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Something went wrong: the server's own words, which say what to do, and a way to try again. */
export function ErrorState({
  title,
  error,
  onRetry,
}: {
  readonly title: string;
  readonly error: unknown;
  readonly onRetry?: () => void;
}) {
  const requestId = error instanceof Error && 'requestId' in error ? String(error.requestId ?? '') : '';
  return (
    <div className={styles['state']} role="alert">
      <span className={styles['sign']} data-tone="bad">
        <Icon name="error" size={20} />
      </span>
      <h2>{title}</h2>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {requestId !== '' && <p className={styles['small']}>The server's log has it under {requestId}.</p>}
      {onRetry && (
        <Button icon="retry" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
