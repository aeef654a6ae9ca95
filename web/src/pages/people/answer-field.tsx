import { useId } from 'react';
import type { FormField } from '../../../../src/domain/form.ts';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { Checkbox, Field, Input, Select, TextArea } from '../../components/field.tsx';
import styles from './answer-form.module.css';
import { FileAnswer } from './file-answer.tsx';

/** One field of the form, by its kind. A value of null is a field that was left out. */
export function AnswerField({
  field,
  value,
  error,
  onChange,
  onUploading,
}: {
  readonly field: FormField;
  readonly value: JsonValue;
  /** The server's words about it. */
  readonly error: string | undefined;
  readonly onChange: (value: JsonValue) => void;
  readonly onUploading: (isOn: boolean) => void;
}) {
  const errorId = useId();
  const { kind, label, isRequired, options } = field;
  if (kind === 'checkbox') {
    return (
      <div className={styles['box']}>
        <Checkbox
          label={label}
          checked={value === true}
          {...(error !== undefined && { 'aria-invalid': true, 'aria-describedby': errorId })}
          onChange={(event) => onChange(event.target.checked)}
        />
        {error !== undefined && (
          <p id={errorId} className={styles['error']}>
            {error}
          </p>
        )}
      </div>
    );
  }
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return (
    <Field label={label} hint={isRequired ? undefined : 'May be left empty.'} error={error}>
      {(attributes) => {
        const given = { ...attributes, 'aria-required': isRequired };
        switch (kind) {
          case 'select':
            return (
              <Select {...given} value={text} onChange={(event) => onChange(event.target.value || null)}>
                {/* With a choice made and required there is no way back to none. */}
                {(!isRequired || text === '') && <option value="">{isRequired ? 'Choose…' : 'None'}</option>}
                {options.map((option) => (
                  <option key={option} value={option}>
                    {option}
                  </option>
                ))}
              </Select>
            );
          case 'number':
            return (
              <Input
                {...given}
                inputMode="decimal"
                autoComplete="off"
                value={text}
                onChange={(event) => onChange(event.target.value === '' ? null : event.target.value)}
              />
            );
          case 'file':
            return <FileAnswer attributes={given} value={value} onChange={onChange} onUploading={onUploading} />;
          default:
            return (
              <TextArea
                {...given}
                rows={2}
                className={styles['text']}
                value={text}
                onChange={(event) => onChange(event.target.value === '' ? null : event.target.value)}
              />
            );
        }
      }}
    </Field>
  );
}
