import { useState } from 'react';
import type { JsonValue } from '../../../../src/domain/json.ts';
import type { ValueType } from '../../../../src/domain/value.ts';
import { Button } from '../../components/button.tsx';
import { Checkbox, Field, Input, TextArea } from '../../components/field.tsx';
import { toastError } from '../../components/toast.tsx';
import { api } from '../../explorer-api.ts';
import fields from './fields.module.css';
import { JsonField } from './json-field.tsx';
import { typeText } from './sockets.ts';

/** A value of a type, to try something with. */
export function ValueField({
  label,
  type,
  hint,
  value,
  onChange,
}: {
  readonly label: string;
  readonly type: ValueType;
  readonly hint?: string | null;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const words = [hint, `Takes ${typeText(type)}.`].filter(Boolean).join(' ');
  const isFile = ['File', 'Image', 'Audio'].includes(type.dataType) && !type.isList;
  if (type.dataType === 'bool' && !type.isList) {
    return <Checkbox label={label} checked={value === true} onChange={({ target }) => onChange(target.checked)} />;
  }
  const isText = ['str', 'datetime', 'Any'].includes(type.dataType) && !type.isList;
  if (!isText && !isFile && (type.dataType !== 'number' || type.isList)) {
    return (
      <fieldset className={fields['setting']}>
        <legend className={fields['legend']}>{label}</legend>
        <JsonField label={label} value={value} height={96} onChange={onChange} />
        <p className={fields['hint']}>{words} Written as JSON.</p>
      </fieldset>
    );
  }
  return (
    <Field label={label} hint={type.dataType === 'Any' ? `${words} JSON, or plain text.` : words}>
      {(attributes) => {
        if (type.dataType === 'number') {
          return (
            <Input
              {...attributes}
              type="number"
              step="any"
              value={typeof value === 'number' ? value : ''}
              onChange={({ target }) => onChange(target.value === '' ? undefined : Number(target.value))}
            />
          );
        }
        if (isFile) return <FileInput {...attributes} value={value} onChange={onChange} />;
        return (
          <TextArea
            {...attributes}
            rows={3}
            value={typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)}
            onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
          />
        );
      }}
    </Field>
  );
}

/** Text that spells JSON is meant as such where any type is taken. */
export function givenValue(value: JsonValue, { dataType }: ValueType): JsonValue {
  if (dataType !== 'Any' || typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
}

/** A file of this machine, or the address of one. */
function FileInput({
  value,
  onChange,
  ...attributes
}: {
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const [isBusy, setIsBusy] = useState(false);
  const upload = () => {
    const input = document.createElement('input');
    input.type = 'file';
    input.onchange = async () => {
      const [file] = input.files ?? [];
      if (!file) return;
      setIsBusy(true);
      try {
        onChange((await api.files.upload(file)).uri);
      } catch (error) {
        toastError('The file was not uploaded', error);
      }
      setIsBusy(false);
    };
    input.click();
  };
  return (
    <div className={fields['item']}>
      <Input
        {...attributes}
        placeholder="spot://… or https://…"
        value={typeof value === 'string' ? value : ''}
        onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
      />
      <Button icon="upload" busy={isBusy} onClick={upload}>
        Upload
      </Button>
    </div>
  );
}
