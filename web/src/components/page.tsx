import { type ReactNode, useEffect } from 'react';
import styles from './page.module.css';

/** The head of a page with its name, which is also that of the window, and what can be done on it. */
export function PageHeader({
  title,
  lead,
  windowTitle = title,
  children,
}: {
  readonly title: string;
  /** Before the title, such as the way back. */
  readonly lead?: ReactNode;
  readonly windowTitle?: string;
  readonly children?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${windowTitle} · Millrun`;
  }, [windowTitle]);
  return (
    <header className={styles['header']}>
      {lead}
      <h1 className={styles['title']}>{title}</h1>
      <div className={styles['actions']}>{children}</div>
    </header>
  );
}
