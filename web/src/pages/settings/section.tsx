import type { ReactNode } from 'react';
import { Icon } from '../../components/icon.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { EmptyState } from '../../components/states.tsx';
import styles from './settings-page.module.css';

/** A part of the settings: what it is, what can be done, and what there is. */
export function Section({
  title,
  about,
  action,
  children,
}: {
  readonly title: string;
  readonly about: ReactNode;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles['section']}>
      <header className={styles['head']}>
        <div className={styles['words']}>
          <h2>{title}</h2>
          <p>{about}</p>
        </div>
        {action}
      </header>
      {children}
    </section>
  );
}

/** A table in a frame that scrolls sideways where the window is narrow. */
export function Table({
  label,
  columns,
  children,
}: {
  readonly label: string;
  readonly columns: readonly string[];
  readonly children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={styles['frame']} tabIndex={0} aria-label={label}>
      <table className={styles['table']}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column === '' ? <span className="unseen">Actions</span> : column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** Rows that are on their way. */
export function SkeletonRows({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  return Array.from({ length: rows }, (_, row) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: rows without identity
    <tr key={row}>
      {Array.from({ length: columns }, (_, column) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: nor have cells
        <td key={column}>{column < columns - 1 && <Skeleton width={column === 0 ? 140 : 80} />}</td>
      ))}
    </tr>
  ));
}

/** The server's words below a form. */
export function Refusal({ error }: { readonly error: Error | null }) {
  if (!error) return null;
  return (
    <p className={styles['refusal']} role="alert">
      <Icon name="error" />
      {error.message}
    </p>
  );
}

/** In place of a part that the key may not see. */
export function Refused({ what, scope }: { readonly what: string; readonly scope: string }) {
  return (
    <EmptyState icon="key" title={`This key may not see them`}>
      <p>
        {what} take the scope <code>{scope}</code>. Sign in with a key that has it.
      </p>
    </EmptyState>
  );
}
