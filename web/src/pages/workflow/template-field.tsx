import { type ComponentProps, useId, useRef, useState } from 'react';
import { Input, TextArea } from '../../components/field.tsx';
import styles from './fields.module.css';

/** What is being written after `((`, up to the cursor; null: the cursor is in no reference. */
function referenceAt(text: string, cursor: number): { readonly from: number; readonly typed: string } | null {
  const found = /\(\(([^()\n]*)$/.exec(text.slice(0, cursor));
  return found ? { from: cursor - (found[1]?.length ?? 0), typed: found[1] ?? '' } : null;
}

/** The names that a template refers to as ((Name)). */
export function referencesIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\(\(([^()\n]+)\)\)/g)].map(([, name]) => (name ?? '').trim()))];
}

/** Text in which `((` offers the keys that are connected. */
export function TemplateField({
  value,
  keys,
  lines,
  onChange,
  ...attributes
}: {
  readonly value: string;
  readonly keys: readonly string[];
  /** One line, or several. */
  readonly lines: 1 | 'many';
  readonly onChange: (value: string) => void;
} & Pick<ComponentProps<'input'>, 'id' | 'aria-describedby' | 'aria-invalid' | 'aria-label' | 'placeholder'>) {
  const listId = useId();
  const field = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  const reference = cursor === null ? null : referenceAt(value, cursor);
  const offered = reference ? keys.filter((key) => key.toLowerCase().startsWith(reference.typed.toLowerCase())) : [];
  const isOpen = offered.length > 0;
  const follow = () => setCursor(field.current?.selectionStart ?? null);
  const take = (key: string) => {
    if (!reference || cursor === null) return;
    const after = value.slice(cursor).replace(/^\)\)?/, '');
    const end = reference.from + key.length + 2;
    onChange(`${value.slice(0, reference.from)}${key}))${after}`);
    setCursor(null);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(end, end);
    });
  };
  const shared = {
    ...attributes,
    ref: field,
    value,
    spellCheck: false,
    'aria-autocomplete': 'list' as const,
    ...(isOpen && { 'aria-controls': listId, 'aria-activedescendant': `${listId}-${active}` }),
    onChange: (event: { readonly target: { readonly value: string; readonly selectionStart: number | null } }) => {
      onChange(event.target.value);
      setCursor(event.target.selectionStart);
      setActive(0);
    },
    onSelect: follow,
    onBlur: () => setCursor(null),
    onKeyDown: (event: React.KeyboardEvent) => {
      if (!isOpen) return;
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      if (step !== 0) setActive((active + step + offered.length) % offered.length);
      else if (event.key === 'Enter' || event.key === 'Tab') take(offered[active] ?? '');
      else if (event.key === 'Escape') setCursor(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
  return (
    <div className={styles['template']}>
      {lines === 1 ? <Input {...shared} /> : <TextArea {...shared} rows={6} className={styles['long'] ?? ''} />}
      {isOpen && (
        <div id={listId} role="listbox" aria-label="Connected values" className={styles['offers']}>
          {offered.map((key, index) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field above
            <div
              key={key}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              className={styles['offer']}
              // Before the field loses the focus.
              onPointerDown={(event) => {
                event.preventDefault();
                take(key);
              }}
            >
              (({key}))
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
