import { useVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { JsonValue } from '../../../src/domain/json.ts';
import { IconButton } from './button.tsx';
import { copyText } from './copy-button.tsx';
import { Input } from './field.tsx';
import { Icon } from './icon.tsx';
import { holdersOf, type JsonLine, linesOf, pathsWith } from './json-tree.ts';
import styles from './json-view.module.css';
import { toast } from './toast.tsx';

/** Pixels of a line that is not wrapped. */
const LINE = 22;

/** Characters of a text shown in its line; the rest comes when it is opened. */
const MOST_CHARACTERS = 300;

/** JSON as a tree: folds, finds, copies values and their paths, and draws only the lines in sight. */
export function JsonView({
  label,
  value,
  openTo = 2,
  height = 420,
  search: initialSearch = '',
  at,
}: {
  /** What it is, for screen readers: `Input of the run`. */
  readonly label: string;
  readonly value: JsonValue;
  /** Levels that are open to begin with. */
  readonly openTo?: number;
  /** Pixels it takes at most. */
  readonly height?: number;
  /** Found and scrolled to at once. */
  readonly search?: string;
  /** The path of the match that is shown first; the first one when left out. */
  readonly at?: string;
}) {
  const [folds, setFolds] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [unwrapped, setUnwrapped] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState(initialSearch);
  const [chosenHit, setHit] = useState<number | null>(null);
  const [active, setActive] = useState('');
  const scroller = useRef<HTMLDivElement>(null);

  const asked = useDeferredValue(search.trim());
  const hits = useMemo(() => (asked === '' ? [] : pathsWith(value, asked)), [value, asked]);
  const hit = chosenHit ?? (at === undefined ? 0 : Math.max(0, hits.indexOf(at)));
  const current = hits[Math.min(hit, hits.length - 1)];
  const shown = useMemo(() => new Set(current === undefined ? [] : holdersOf(value, current)), [value, current]);
  const lines = useMemo(
    () => linesOf(value, (path, depth) => shown.has(path) || (folds.get(path) ?? depth < openTo)),
    [value, folds, openTo, shown],
  );
  const found = useMemo(() => new Set(hits), [hits]);

  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    getItemKey: (index) => lines[index]?.path ?? index,
    overscan: 12,
  });
  useEffect(() => {
    if (current === undefined) return;
    const at = lines.findIndex(({ path }) => path === current);
    if (at >= 0) virtual.scrollToIndex(at, { align: 'center' });
  }, [current, lines, virtual]);

  const fold = (path: string, open: boolean) => setFolds(new Map(folds).set(path, open));
  const focusLine = (index: number) => {
    const line = lines[Math.max(0, Math.min(lines.length - 1, index))];
    if (!line) return;
    setActive(line.path);
    virtual.scrollToIndex(lines.indexOf(line));
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(line.path)}"]`)?.focus(),
    );
  };
  const onKeyDown = (event: React.KeyboardEvent, line: JsonLine, index: number) => {
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => focusLine(index + 1),
      ArrowUp: () => focusLine(index - 1),
      Home: () => focusLine(0),
      End: () => focusLine(lines.length - 1),
      ArrowRight: () => (line.size && !line.isOpen ? fold(line.path, true) : focusLine(index + 1)),
      ArrowLeft: () => {
        if (line.isOpen) fold(line.path, false);
        else focusLine(lines.findLastIndex(({ depth }, at) => at < index && depth < line.depth));
      },
      Enter: () => (line.size === null ? toggleText(line.path) : fold(line.path, !line.isOpen)),
      c: () => void copyValue(line),
      p: () => void copyPath(line),
    };
    if (event.metaKey || event.ctrlKey || event.altKey || event.target !== event.currentTarget) return;
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };
  const toggleText = (path: string) => {
    const next = new Set(unwrapped);
    if (!next.delete(path)) next.add(path);
    setUnwrapped(next);
  };
  const step = (by: number) => setHit((hits.length + Math.min(hit, hits.length - 1) + by) % Math.max(1, hits.length));
  const tabbed = lines.some(({ path }) => path === active) ? active : '';

  return (
    <div className={styles['view']}>
      <div className={styles['bar']}>
        <Input
          icon="search"
          aria-label={`Find in ${label}`}
          placeholder="Find"
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setHit(0);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape' && search !== '') {
              event.stopPropagation();
              setSearch('');
            }
          }}
        />
        <span className={styles['hits']} role="status">
          {asked !== '' && (hits.length === 0 ? 'none' : `${Math.min(hit, hits.length - 1) + 1} of ${hits.length}`)}
        </span>
        {hits.length > 1 && (
          <>
            <IconButton icon="chevron-up" label="Previous match" onClick={() => step(-1)} />
            <IconButton icon="chevron-down" label="Next match" onClick={() => step(1)} />
          </>
        )}
        <IconButton
          icon="copy"
          label="Copy all"
          onClick={() => void copied(JSON.stringify(value, null, 2), 'The whole value')}
        />
      </div>
      <div ref={scroller} className={styles['scroller']} style={{ maxHeight: height }} role="tree" aria-label={label}>
        <div style={{ height: virtual.getTotalSize() }} className={styles['lines']} role="presentation">
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const line = lines[index];
            if (!line) return null;
            return (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                data-path={line.path}
                data-hit={line.path === current ? 'here' : found.has(line.path) ? 'also' : undefined}
                role="treeitem"
                aria-level={line.depth + 1}
                aria-expanded={line.size ? line.isOpen : undefined}
                aria-selected={line.path === tabbed}
                tabIndex={line.path === tabbed ? 0 : -1}
                className={styles['line']}
                style={{ transform: `translateY(${start}px)`, paddingLeft: 8 + line.depth * 16 }}
                onKeyDown={(event) => onKeyDown(event, line, index)}
                onClick={() => {
                  setActive(line.path);
                  if (line.size) fold(line.path, !line.isOpen);
                }}
              >
                <span className={styles['fold']} data-open={line.isOpen || undefined}>
                  {line.size ? <Icon name="chevron-right" size={12} /> : null}
                </span>
                {line.key !== null && <span className={styles['key']}>{line.key}</span>}
                <ValueText
                  line={line}
                  whole={unwrapped.has(line.path)}
                  needle={found.has(line.path) ? asked : ''}
                  onToggle={() => toggleText(line.path)}
                />
                <span className={styles['actions']}>
                  {line.path !== '' && (
                    <button
                      type="button"
                      tabIndex={-1}
                      className={styles['action']}
                      onClick={(event) => {
                        event.stopPropagation();
                        void copyPath(line);
                      }}
                    >
                      path
                    </button>
                  )}
                  <button
                    type="button"
                    tabIndex={-1}
                    className={styles['action']}
                    onClick={(event) => {
                      event.stopPropagation();
                      void copyValue(line);
                    }}
                  >
                    copy
                  </button>
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function ValueText({
  line,
  whole,
  needle,
  onToggle,
}: {
  readonly line: JsonLine;
  readonly whole: boolean;
  /** Marked in the text; empty for nothing. */
  readonly needle: string;
  readonly onToggle: () => void;
}) {
  const { value, size, isOpen } = line;
  if (size !== null) {
    const [open, close, noun] = Array.isArray(value) ? ['[', ']', 'item'] : ['{', '}', 'key'];
    if (size === 0) return <span className={styles['mark']}>{`${open}${close}`}</span>;
    return (
      <span className={styles['mark']}>
        {isOpen ? `${open}${size}${close}` : `${open} ${size} ${noun}${size === 1 ? '' : 's'} ${close}`}
      </span>
    );
  }
  if (typeof value !== 'string')
    return <span className={styles[value === null ? 'null' : typeof value]}>{String(value)}</span>;
  const isLong = value.length > MOST_CHARACTERS || value.includes('\n');
  const text = whole ? value : shortened(value, needle);
  return (
    <span className={whole ? styles['whole'] : styles['string']}>
      <Marked text={text} needle={needle} />
      {isLong && (
        <button
          type="button"
          tabIndex={-1}
          className={styles['rest']}
          onClick={(event) => {
            event.stopPropagation();
            onToggle();
          }}
        >
          {whole ? 'less' : `… ${value.length.toLocaleString('en-US')} characters`}
        </button>
      )}
    </span>
  );
}

/** Characters shown before a match that is further down in its text. */
const BEFORE_MATCH = 40;

/** What of a long text stands in its line: its beginning, or what is around the match. */
function shortened(value: string, needle: string): string {
  const first = value.slice(0, MOST_CHARACTERS).split('\n', 1)[0] ?? '';
  const at = needle === '' ? -1 : value.toLowerCase().indexOf(needle.toLowerCase());
  if (at < 0 || at + needle.length <= first.length) return first;
  return `…${value.slice(Math.max(0, at - BEFORE_MATCH), at + MOST_CHARACTERS).replaceAll(/\s+/g, ' ')}`;
}

function Marked({ text, needle }: { readonly text: string; readonly needle: string }) {
  const at = needle === '' ? -1 : text.toLowerCase().indexOf(needle.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark className={styles['match']}>{text.slice(at, at + needle.length)}</mark>
      {text.slice(at + needle.length)}
    </>
  );
}

async function copyPath({ path }: JsonLine): Promise<void> {
  await copied(path, 'The path');
}

async function copyValue({ value }: JsonLine): Promise<void> {
  await copied(typeof value === 'string' ? value : JSON.stringify(value, null, 2), 'The value');
}

async function copied(text: string, what: string): Promise<void> {
  if (await copyText(text)) toast(`${what} is in the clipboard.`);
  else toast('The browser does not let this page use the clipboard.', { tone: 'bad' });
}
