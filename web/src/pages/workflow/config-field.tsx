import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { isJsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { Checkbox, Field, Input, Segments, Select } from '../../components/field.tsx';
import { api, type CatalogueField } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { ConditionBuilder, readText, shownText } from './condition-builder.tsx';
import styles from './fields.module.css';
import { JsonField } from './json-field.tsx';
import { TemplateField } from './template-field.tsx';

export interface ConfigFieldProps {
  readonly name: string;
  readonly field: CatalogueField;
  readonly value: JsonValue | undefined;
  /** Names that `((` offers. */
  readonly keys: readonly string[];
  readonly models: readonly string[];
  /** What the server says is wrong with it. */
  readonly problem: string | null;
  /** `undefined`: no value, so that the default counts. */
  readonly onChange: (value: JsonValue | undefined) => void;
}

/** `chunk_size` is `Chunk size`. */
function wordsOf(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** One setting of a node, with the editor that its type and its display ask for. */
export function ConfigField({ name, field, value, keys, models, problem, onChange }: ConfigFieldProps) {
  const id = useId();
  const label = wordsOf(name);
  const kind = kindOf(name, field, value);
  const limits = limitsText(field);
  const description =
    kind === 'condition'
      ? 'Values are compared as they are, or as ((Key)) what is connected under that name.'
      : field.description;
  const hint = [description, limits, defaultText(field)].filter(Boolean).join(' ');
  if (kind === 'checkbox') {
    return (
      <div className={styles['setting']}>
        <Checkbox
          label={label}
          checked={(value ?? field.default) === true || value === 'true'}
          aria-describedby={`${id}-hint`}
          onChange={({ target }) => onChange(target.checked === (field.default === true) ? undefined : target.checked)}
        />
        <p id={`${id}-hint`} className={styles['hint']}>
          {field.description}
        </p>
      </div>
    );
  }
  const isWide = kind === 'json' || kind === 'code' || kind === 'condition' || kind === 'list' || kind === 'any';
  const title = field.optional || field.default !== null ? label : `${label} (needed)`;
  if (isWide) {
    return (
      <fieldset className={styles['setting']} aria-describedby={`${id}-hint`}>
        <legend className={styles['legend']}>{title}</legend>
        {kind === 'json' && <JsonField label={label} value={value} onChange={onChange} />}
        {kind === 'json' && name === 'tools' && <CredentialNames />}
        {kind === 'code' && (
          <CodeEditor
            label={label}
            language="text"
            height={280}
            value={typeof value === 'string' ? value : ''}
            onChange={(text) => text !== (value ?? '') && onChange(text === '' ? undefined : text)}
          />
        )}
        {kind === 'condition' && <ConditionBuilder label={label} value={value} keys={keys} onChange={onChange} />}
        {kind === 'list' && (
          <ListField label={label} value={value} offered={name === 'model' ? models : []} onChange={onChange} />
        )}
        {kind === 'any' && <AnyField label={label} value={value} onChange={onChange} />}
        <p id={`${id}-hint`} className={problem ? styles['wrong'] : styles['hint']}>
          {problem ?? hint}
        </p>
      </fieldset>
    );
  }
  return (
    <Field label={title} hint={hint} error={problem}>
      {(attributes) => {
        if (kind === 'workflow') return <WorkflowPicker {...attributes} value={value} onChange={onChange} />;
        if (kind === 'credential') return <CredentialPicker {...attributes} value={value} onChange={onChange} />;
        if (kind === 'select') {
          return (
            <Select
              {...attributes}
              value={typeof value === 'string' ? value : ''}
              onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
            >
              <option value="">{field.default === null ? '–' : `${shownText(field.default)} (default)`}</option>
              {field.choices
                ?.filter((choice) => choice !== field.default || choice === value)
                .map((choice) => (
                  <option key={shownText(choice)} value={shownText(choice)}>
                    {shownText(choice)}
                  </option>
                ))}
            </Select>
          );
        }
        if (kind === 'number') {
          return (
            <Input
              {...attributes}
              type="number"
              step={field.type === 'int' ? 1 : 'any'}
              {...(field.minimum !== null && { min: field.minimum })}
              {...(field.maximum !== null && { max: field.maximum })}
              placeholder={field.default === null ? '' : shownText(field.default)}
              value={value === undefined || value === null ? '' : String(value)}
              onChange={({ target }) => onChange(target.value === '' ? undefined : Number(target.value))}
            />
          );
        }
        return (
          <TemplateField
            {...attributes}
            lines={kind === 'lines' ? 'many' : 1}
            keys={keys}
            placeholder={field.default === null ? '' : shownText(field.default)}
            value={value === undefined ? '' : shownText(value)}
            onChange={(text) => onChange(text === '' ? undefined : text)}
          />
        );
      }}
    </Field>
  );
}

type Kind =
  | 'checkbox'
  | 'select'
  | 'number'
  | 'line'
  | 'lines'
  | 'list'
  | 'json'
  | 'code'
  | 'condition'
  | 'any'
  | 'workflow'
  | 'credential';

function kindOf(name: string, field: CatalogueField, value: JsonValue | undefined): Kind {
  const display = isJsonObject(field.display) ? field.display['type'] : field.display;
  if (display === 'complex_condition') return 'condition';
  if (display === 'code') return 'code';
  if (display === 'workflow') return 'workflow';
  if (name === 'credential' && field.type === 'str') return 'credential';
  if (display === 'textarea') return 'lines';
  if (field.choices !== null && (value === undefined || typeof value === 'string')) return 'select';
  if (field.type === 'bool') return 'checkbox';
  if (field.type === 'int' || field.type === 'float') {
    return value === undefined || value === null || Number.isFinite(Number(value)) ? 'number' : 'line';
  }
  if (field.type === 'list') {
    const isFlat =
      value === undefined || (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null));
    // Forms and cases are lists of objects, which their description shows as JSON.
    return isFlat && !field.description.includes('{"') ? 'list' : 'json';
  }
  if (field.type === 'dict') return 'json';
  if (field.type === 'str') return name === 'template' ? 'lines' : 'line';
  return 'any';
}

function limitsText({ minimum, maximum }: CatalogueField): string {
  if (minimum !== null && maximum !== null) return `${minimum} to ${maximum}.`;
  if (minimum !== null) return `${minimum} or more.`;
  return maximum === null ? '' : `${maximum} or less.`;
}

function defaultText({ default: given, choices }: CatalogueField): string {
  if (given === null || given === '' || choices !== null || (Array.isArray(given) && given.length === 0)) return '';
  return `${shownText(given)} when left out.`;
}

/** Texts, one a line, in an order that can be changed. */
function ListField({
  label,
  value,
  offered,
  onChange,
}: {
  readonly label: string;
  readonly value: JsonValue | undefined;
  readonly offered: readonly string[];
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const id = useId();
  const items = Array.isArray(value) ? value : [];
  const put = (next: JsonValue[]) => onChange(next.length === 0 ? undefined : next);
  return (
    <div className={styles['list']}>
      {offered.length > 0 && (
        <datalist id={id}>
          {offered.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an item is known by its place alone
        <div key={index} className={styles['item']}>
          <Input
            aria-label={`${label}, ${index + 1}`}
            value={shownText(item)}
            {...(offered.length > 0 && { list: id })}
            onChange={({ target }) => put(items.with(index, readText(target.value)))}
          />
          <IconButton
            icon="arrow-up"
            label={`Move ${label}, ${index + 1} up`}
            disabled={index === 0}
            onClick={() => put(items.toSpliced(index, 1).toSpliced(index - 1, 0, item))}
          />
          <IconButton
            icon="trash"
            label={`Remove ${label}, ${index + 1}`}
            onClick={() => put(items.toSpliced(index, 1))}
          />
        </div>
      ))}
      <Button look="ghost" icon="plus" onClick={() => put([...items, ''])}>
        Add
      </Button>
    </div>
  );
}

/** A value of any type: text, or JSON. */
function AnyField({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const [wish, setWish] = useState<'text' | 'json'>(value === undefined || typeof value === 'string' ? 'text' : 'json');
  const form = value !== undefined && typeof value !== 'string' ? 'json' : wish;
  return (
    <>
      <Segments
        label={`${label}: how it is written`}
        value={form}
        options={[
          { value: 'text', label: 'Text' },
          { value: 'json', label: 'JSON' },
        ]}
        onChange={(next) => {
          setWish(next);
          if (next === 'text' && value !== undefined) onChange(shownText(value));
        }}
      />
      {form === 'text' ? (
        <Input
          aria-label={label}
          value={typeof value === 'string' ? value : ''}
          onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
        />
      ) : (
        <JsonField label={label} value={value} height={88} onChange={onChange} />
      )}
    </>
  );
}

/** Another workflow, by name. */
function WorkflowPicker({
  value,
  onChange,
  ...attributes
}: {
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const { data } = useQuery({
    queryKey: ['workflows', 'names'],
    queryFn: ({ signal }) => api.workflows.list({ limit: 500 }, { signal }),
  });
  const known = data?.items ?? [];
  const chosen = typeof value === 'string' ? value : '';
  return (
    <Select
      {...attributes}
      value={chosen}
      onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
    >
      <option value="">–</option>
      {chosen !== '' && !known.some(({ id }) => id === chosen) && <option value={chosen}>{chosen}</option>}
      {known.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </Select>
  );
}

/** The credentials of the workspace, for who may see them; null while they come, and for others. */
function useCredentials() {
  const may = useMay('credentials:read');
  const { data } = useQuery({
    queryKey: ['credentials'],
    queryFn: ({ signal }) => api.credentials.list({ signal }),
    enabled: may,
  });
  return data?.items ?? null;
}

/** A credential of the workspace, by name; written by hand where the key may not see them. */
function CredentialPicker({
  value,
  onChange,
  ...attributes
}: {
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const known = useCredentials();
  const chosen = value === undefined || value === null ? '' : shownText(value);
  const change = (text: string) => onChange(text === '' ? undefined : text);
  if (known === null) return <Input {...attributes} value={chosen} onChange={({ target }) => change(target.value)} />;
  const byId = known.find(({ id }) => id === chosen);
  return (
    <Select {...attributes} value={chosen} onChange={({ target }) => change(target.value)}>
      <option value="">–</option>
      {chosen !== '' && !known.some(({ name }) => name === chosen) && (
        <option value={chosen}>{byId ? `${byId.name} (by its id)` : `${chosen} (not there)`}</option>
      )}
      {known.map(({ id, name, kind }) => (
        <option key={id} value={name}>
          {name} · {kind}
        </option>
      ))}
    </Select>
  );
}

/** What the tools of an agent may name as their credential. */
function CredentialNames() {
  const known = useCredentials();
  if (known === null || known.length === 0) return null;
  return (
    <p className={styles['hint']}>
      Credentials of the workspace, for "credential":{' '}
      {known.map(({ id, name }, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <code>{name}</code>
        </span>
      ))}
    </p>
  );
}
