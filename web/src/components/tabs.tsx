import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import styles from './tabs.module.css';

export interface Tab<T extends string> {
  readonly value: T;
  readonly label: ReactNode;
  readonly content: ReactNode;
}

/** Views of one thing, one at a time. What is not shown is not drawn. */
export function Tabs<T extends string>({
  label,
  value,
  tabs,
  onChange,
  aside,
}: {
  readonly label: string;
  readonly value: T;
  readonly tabs: readonly Tab<T>[];
  readonly onChange: (value: T) => void;
  /** At the end of the line of tabs. */
  readonly aside?: ReactNode;
}) {
  return (
    <Radix.Root className={styles['root']} value={value} onValueChange={(chosen) => onChange(chosen as T)}>
      <div className={styles['line']}>
        <Radix.List className={styles['list']} aria-label={label}>
          {tabs.map((tab) => (
            <Radix.Trigger key={tab.value} className={styles['tab']} value={tab.value}>
              {tab.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {aside}
      </div>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} className={styles['content']} value={tab.value}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
