import type { ReactNode } from 'react';
import type { FormField } from '../../../../src/domain/form.ts';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { Nothing, Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import type { PersonRequestRow } from '../../explorer-api.ts';
import { FileLink, givenFile } from './file-answer.tsx';
import styles from './given-answer.module.css';

/** How a request ended: the answer by field, and who gave it. */
export function GivenAnswer({
  request,
  isOwn,
  children,
}: {
  readonly request: PersonRequestRow;
  /** It was answered just now, here. */
  readonly isOwn: boolean;
  /** What to do next. */
  readonly children?: ReactNode;
}) {
  const { status, settledBy, settledAt, answer, form } = request;
  return (
    <section className={styles['given']} aria-label="The answer">
      <div className={styles['head']} data-status={status} role={isOwn ? 'status' : undefined}>
        <Icon name={status === 'answered' ? 'check' : status === 'expired' ? 'clock' : 'close'} />
        <span className={styles['words']}>
          {isOwn ? 'Your answer was taken; the run goes on with it.' : WORDS[status](settledBy)}
        </span>
        {settledAt !== null && <Time at={settledAt} />}
      </div>
      {answer !== null && form.length > 0 && (
        <dl className={styles['fields']}>
          {form.map((field) => (
            <div key={field.name}>
              <dt>{field.label}</dt>
              <dd>
                <Value field={field} value={answer[field.name] ?? null} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {children}
    </section>
  );
}

const WORDS: Readonly<Record<PersonRequestRow['status'], (by: string | null) => string>> = {
  pending: () => '',
  answered: (by) => `Answered${by === null ? '' : ` by ${by}`}.`,
  canceled: (by) => `Canceled${by === null ? ' with its run' : ` by ${by}`}.`,
  expired: () => 'Nobody answered in time: the default answer counts.',
};

function Value({ field, value }: { readonly field: FormField; readonly value: JsonValue }) {
  if (value === null) return <Nothing />;
  if (typeof value === 'boolean') {
    return (
      <>
        <Icon name={value ? 'check' : 'close'} size={14} /> {value ? 'Yes' : 'No'}
      </>
    );
  }
  const file = field.kind === 'file' ? givenFile(value) : null;
  if (file) return <FileLink file={file} />;
  return typeof value === 'object' ? <code>{JSON.stringify(value)}</code> : <span>{String(value)}</span>;
}
