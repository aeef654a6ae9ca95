import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { IconButton } from '../../components/button.tsx';
import { Input } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import type { CatalogueEntry } from '../../explorer-api.ts';
import { DRAGGED_TYPE } from './canvas.tsx';
import { iconOf } from './node-card.tsx';
import styles from './palette.module.css';

const CATEGORY_WORDS: Readonly<Record<string, string>> = {
  core: 'Inputs and outputs',
  ai: 'AI',
  data_ops: 'Data',
  flow: 'Flow',
  files: 'Files',
  web: 'Web',
  code: 'Code',
};

/** Nodes there are, by kind. Typing narrows them; Enter adds the marked one, dragging puts it where it is dropped. */
export function Palette({
  entries,
  onAdd,
  onClose,
}: {
  readonly entries: readonly CatalogueEntry[];
  readonly onAdd: (entry: CatalogueEntry) => void;
  readonly onClose: () => void;
}) {
  const id = useId();
  const [search, setSearch] = useState('');
  const [active, setActive] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => field.current?.focus(), []);
  const groups = useMemo(() => groupsOf(entries, search), [entries, search]);
  const found = groups.flatMap(([, members]) => members);
  const marked = found[Math.min(active, found.length - 1)];
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is marked is to be seen
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [marked]);
  return (
    <section className={styles['palette']} aria-label="Add a node">
      <div className={styles['head']}>
        <Input
          ref={field}
          icon="search"
          role="combobox"
          aria-label="Find a node"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={marked && `${id}-${marked.type}`}
          placeholder="Find a node"
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setActive(0);
          }}
          onKeyDown={(event) => {
            const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
            if (step !== 0)
              setActive((Math.min(active, found.length - 1) + step + found.length) % Math.max(1, found.length));
            else if (event.key === 'Enter' && marked) onAdd(marked);
            else if (event.key === 'Escape') onClose();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
        <IconButton icon="close" label="Close the palette" onClick={onClose} />
      </div>
      <div ref={list} id={`${id}-list`} className={styles['list']} role="listbox" aria-label="Nodes">
        {groups.map(([category, members]) => (
          // biome-ignore lint/a11y/useSemanticElements: a group of options in a listbox has no element of its own
          <div key={category} role="group" aria-labelledby={`${id}-${category}`}>
            <div id={`${id}-${category}`} className={styles['category']} role="presentation">
              {CATEGORY_WORDS[category] ?? category.charAt(0).toUpperCase() + category.slice(1).replaceAll('_', ' ')}
            </div>
            {members.map((entry) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above
              // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field above
              <div
                key={entry.type}
                id={`${id}-${entry.type}`}
                className={styles['entry']}
                role="option"
                aria-selected={entry === marked}
                title={entry.description}
                draggable
                onDragStart={(event) => {
                  event.dataTransfer.setData(DRAGGED_TYPE, entry.type);
                  event.dataTransfer.effectAllowed = 'copy';
                }}
                onClick={() => onAdd(entry)}
              >
                <span className={styles['icon']}>
                  <Icon name={iconOf(entry)} size={14} />
                </span>
                <span className={styles['words']}>
                  <span className={styles['title']}>{entry.title}</span>
                  <span className={styles['about']}>{entry.description}</span>
                </span>
              </div>
            ))}
          </div>
        ))}
        {found.length === 0 && <p className={styles['none']}>No node is called that.</p>}
      </div>
      <p className={styles['foot']}>Enter adds the marked node; or drag it onto the canvas.</p>
    </section>
  );
}

function groupsOf(entries: readonly CatalogueEntry[], search: string): [string, CatalogueEntry[]][] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  const named = entries.filter(({ title, type }) => fits(`${title} ${type}`));
  // Those whose description alone speaks of it come only when no name does.
  const found =
    named.length > 0
      ? named
      : entries.filter(({ title, type, description }) => fits(`${title} ${type} ${description}`));
  const groups = new Map<string, CatalogueEntry[]>();
  for (const entry of found) groups.set(entry.category, [...(groups.get(entry.category) ?? []), entry]);
  return [...groups];
}
