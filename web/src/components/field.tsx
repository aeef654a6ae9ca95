import { type ComponentProps, type ReactNode, useId } from 'react';
import styles from './field.module.css';
import { Icon, type IconName } from './icon.tsx';

/** A control with its label above it, and what is wrong or worth knowing below. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: ReactNode;
  /** Given the attributes that tie the control to its label and words. */
  readonly children: (attributes: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode;
}) {
  const id = useId();
  const hasWords = Boolean(hint) || Boolean(error);
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label}
      </label>
      {children({
        id,
        ...(hasWords && { 'aria-describedby': `${id}-words` }),
        ...(Boolean(error) && { 'aria-invalid': true }),
      })}
      {hasWords && (
        <p id={`${id}-words`} className={error ? styles['error'] : styles['hint']}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

/** One line of text. */
export function Input({ icon, className, ...rest }: ComponentProps<'input'> & { readonly icon?: IconName }) {
  if (!icon) return <input className={[styles['control'], className].filter(Boolean).join(' ')} {...rest} />;
  return (
    <span className={[styles['with-icon'], className].filter(Boolean).join(' ')}>
      <Icon name={icon} size={14} />
      <input className={styles['control']} {...rest} />
    </span>
  );
}

/** Several lines of text. */
export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea className={[styles['control'], styles['lines'], className].filter(Boolean).join(' ')} {...rest} />;
}

/** One of a few: the platform's own list, which every keyboard, reader and telephone knows. */
export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={[styles['select'], className].filter(Boolean).join(' ')}>
      <select className={styles['control']} {...rest}>
        {children}
      </select>
      <Icon name="chevron-down" size={14} />
    </span>
  );
}

/** A tick box. Its label is shown beside it, or said only. `some`: part of what it stands for is ticked. */
export function Checkbox({
  label,
  shown = true,
  some = false,
  ...rest
}: Omit<ComponentProps<'input'>, 'type'> & {
  readonly label: string;
  readonly shown?: boolean;
  readonly some?: boolean;
}) {
  const id = useId();
  const box = (
    <input
      id={id}
      type="checkbox"
      className={styles['box']}
      ref={(element) => {
        if (element) element.indeterminate = some;
      }}
      {...(!shown && { 'aria-label': label })}
      {...rest}
    />
  );
  if (!shown) return box;
  return (
    <label className={styles['ticked']} htmlFor={id}>
      {box}
      {label}
    </label>
  );
}

/** One of two or three ways, all of them in sight. */
export function Segments<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly {
    readonly value: T;
    readonly label: string;
    readonly icon?: IconName;
    readonly hint?: string;
  }[];
  readonly onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className={styles['segments']}>
      <legend className="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={styles['segment']} title={option.hint}>
          <input
            type="radio"
            className="unseen"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.icon && <Icon name={option.icon} size={14} />}
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}
