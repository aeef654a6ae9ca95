import type { ReactNode } from 'react';
import styles from './badge.module.css';

/** A word set apart from others, such as a version or a kind. */
export function Badge({
  tone = 'plain',
  children,
}: {
  readonly tone?: 'plain' | 'accent' | 'good' | 'bad' | 'warn';
  readonly children: ReactNode;
}) {
  return (
    <span className={styles['badge']} data-tone={tone}>
      {children}
    </span>
  );
}
