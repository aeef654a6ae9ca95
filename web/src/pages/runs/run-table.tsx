// biome-ignore-all lint/a11y/useSemanticElements: rows that are placed one by one are no rows of a table element
// biome-ignore-all lint/a11y/useFocusableInteractive: rows are what is gone to; cells and heads hold boxes and buttons of their own
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Checkbox } from '../../components/field.tsx';
import { countText } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import type { Snippet } from '../../explorer-api.ts';
import { type ColumnKey, columnOf } from './run-columns.tsx';
import type { ListedRun, RunList } from './run-list.ts';
import styles from './run-table.module.css';
import type { Selection } from './selection.ts';

/** Pixels of a row, and of one with the place where the search found it below. */
const ROW = 36;
const FOUND_ROW = 60;

/** Rows below the window at which the next page is asked for. */
const AHEAD = 40;

/** What the page moves through the table with. */
export interface TableHandle {
  readonly step: (by: number) => void;
  readonly current: () => ListedRun | undefined;
  /** Whether rows may come in above without moving what is read. */
  readonly isAtRest: () => boolean;
  readonly toTop: () => void;
}

/** Where each list was scrolled to, so that the way back from a run leads to the same place. */
const places = new Map<string, { readonly top: number; readonly current: string | null }>();

export function RunTable({
  list,
  listKey,
  columns,
  sort,
  selection,
  handle,
  onSort,
  onColumns,
  onOpen,
}: {
  readonly list: RunList;
  /** Tells lists apart, for the places above. */
  readonly listKey: string;
  readonly columns: readonly ColumnKey[];
  readonly sort: string;
  readonly selection: Selection;
  readonly handle: RefObject<TableHandle | null>;
  readonly onSort: (sort: string) => void;
  readonly onColumns: (columns: readonly ColumnKey[]) => void;
  readonly onOpen: (row: ListedRun, aside: boolean) => void;
}) {
  const { rows } = list;
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(() => places.get(listKey)?.current ?? null);
  const [isPointedAt, setIsPointedAt] = useState(false);
  const isSearch = list.search !== null;
  const height = isSearch ? FOUND_ROW : ROW;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.run.id ?? index,
    overscan: 10,
    initialOffset: places.get(listKey)?.top ?? 0,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height are measured anew
  useEffect(() => virtual.measure(), [height]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { more, hasMore } = list;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks when the end comes near, and again for each new end
  useEffect(() => {
    if (hasMore && last > rows.length - AHEAD) more();
  }, [last, rows.length, hasMore]);

  const indexOf = (id: string | null) => (id === null ? -1 : rows.findIndex(({ run }) => run.id === id));
  const goTo = (index: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!row) return;
    setCurrent(row.run.id);
    virtual.scrollToIndex(rows.indexOf(row), { align: 'auto' });
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-run="${row.run.id}"]`)?.focus({ preventScroll: true }),
    );
  };
  useLayoutEffect(() => {
    handle.current = {
      step: (by) => goTo(indexOf(current) + by),
      current: () => rows[indexOf(current)],
      isAtRest: () => (scroller.current?.scrollTop ?? 0) < 4 && !isPointedAt && current === null && selection.isEmpty,
      toTop: () => {
        setCurrent(null);
        scroller.current?.scrollTo({ top: 0 });
      },
    };
  });
  useEffect(() => {
    const element = scroller.current;
    return () => {
      if (element) places.set(listKey, { top: element.scrollTop, current });
    };
  }, [listKey, current]);
  // Another list begins at its top.
  const shownKey = useRef(listKey);
  useEffect(() => {
    if (shownKey.current === listKey) return;
    shownKey.current = listKey;
    scroller.current?.scrollTo({ top: 0 });
    setCurrent(null);
  }, [listKey]);

  // One object for the life of the table, so that scrolling draws only the rows that come into sight.
  const newest = useRef({ onOpen, toggle: selection.toggle });
  newest.current = { onOpen, toggle: selection.toggle };
  const [acts] = useState<LineActs>(() => ({
    focus: setCurrent,
    open: (row, aside) => newest.current.onOpen(row, aside),
    toggle: (id, upTo) => newest.current.toggle(id, upTo),
  }));

  const template = `36px ${columns.map((key) => templateOf(key)).join(' ')} 8px`;
  const width = columns.reduce((sum, key) => sum + columnOf(key).width, 44);
  const tabbed = indexOf(current) >= 0 ? current : (rows[0]?.run.id ?? null);
  const chosenHere = rows.filter(({ run }) => selection.has(run.id)).length;
  return (
    <div className={styles['place']}>
      {list.held > 0 && (
        <button
          type="button"
          className={styles['pill']}
          onClick={() => {
            list.release();
            handle.current?.toTop();
          }}
        >
          <Icon name="arrow-up" size={12} />
          {`${countText(list.held)} new ${list.held === 1 ? 'run' : 'runs'}`}
        </button>
      )}
      <div
        ref={scroller}
        className={styles['scroller']}
        onPointerEnter={() => setIsPointedAt(true)}
        onPointerLeave={() => setIsPointedAt(false)}
      >
        <div
          role="grid"
          tabIndex={-1}
          aria-label="Runs"
          aria-rowcount={hasMore ? -1 : rows.length + 1}
          aria-multiselectable="true"
          aria-busy={list.isLoading}
          className={styles['table']}
          style={{ ['--columns' as string]: template, minWidth: width }}
          onKeyDown={(event) => {
            const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
            if (step === undefined || event.metaKey || event.ctrlKey || event.altKey) return;
            event.preventDefault();
            goTo(indexOf(current ?? tabbed) + step);
          }}
        >
          <div role="rowgroup" className={styles['head']}>
            <div role="row" className={styles['row']} aria-rowindex={1}>
              <div role="columnheader" className={styles['tick']}>
                <Checkbox
                  label="Select all runs that are loaded"
                  shown={false}
                  checked={rows.length > 0 && chosenHere === rows.length}
                  some={chosenHere > 0 && chosenHere < rows.length}
                  disabled={rows.length === 0}
                  onChange={() =>
                    chosenHere === rows.length ? selection.clear() : selection.set(rows.map(({ run }) => run.id))
                  }
                />
              </div>
              {columns.map((key) => (
                <Head
                  key={key}
                  column={key}
                  columns={columns}
                  sort={isSearch ? null : sort}
                  onSort={onSort}
                  onColumns={onColumns}
                />
              ))}
            </div>
          </div>
          {list.isLoading ? (
            <Waiting columns={columns} height={height} />
          ) : (
            <div role="rowgroup" className={styles['body']} style={{ height: virtual.getTotalSize() }}>
              {items.map(({ index, start, key }) => {
                const row = rows[index];
                if (!row) return null;
                return (
                  <Line
                    key={key}
                    row={row}
                    index={index}
                    start={start}
                    height={height}
                    columns={columns}
                    isSelected={selection.has(row.run.id)}
                    isTabbed={row.run.id === tabbed}
                    acts={acts}
                  />
                );
              })}
            </div>
          )}
        </div>
        {list.isLoadingMore && (
          <p className={styles['more']} role="status">
            Loading older runs
          </p>
        )}
      </div>
    </div>
  );
}

interface LineActs {
  readonly focus: (id: string) => void;
  readonly open: (row: ListedRun, aside: boolean) => void;
  readonly toggle: (id: string, upTo: boolean) => void;
}

const Line = memo(function Line({
  row,
  index,
  start,
  height,
  columns,
  isSelected,
  isTabbed,
  acts,
}: {
  readonly row: ListedRun;
  readonly index: number;
  readonly start: number;
  readonly height: number;
  readonly columns: readonly ColumnKey[];
  readonly isSelected: boolean;
  readonly isTabbed: boolean;
  readonly acts: LineActs;
}) {
  const { run } = row;
  return (
    <div
      role="row"
      data-run={run.id}
      data-new={row.isNew || undefined}
      data-left={row.hasLeft || undefined}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      tabIndex={isTabbed ? 0 : -1}
      className={styles['row']}
      style={{ transform: `translateY(${start}px)`, height }}
      onFocus={() => acts.focus(run.id)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) {
          event.preventDefault();
          acts.open(row, event.metaKey || event.ctrlKey);
        }
      }}
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest('a, input, label, button')) return;
        // Who marks text to copy it does not mean to leave.
        if (getSelection()?.isCollapsed !== false) acts.open(row, event.metaKey || event.ctrlKey);
      }}
      onAuxClick={(event) => event.button === 1 && acts.open(row, true)}
    >
      <div role="gridcell" className={styles['tick']}>
        <Checkbox
          label={`Select run ${run.id}`}
          shown={false}
          tabIndex={-1}
          checked={isSelected}
          onChange={(event) => acts.toggle(run.id, (event.nativeEvent as MouseEvent).shiftKey)}
        />
      </div>
      {columns.map((column) => (
        <div key={column} role="gridcell" className={styles['cell']} data-figure={columnOf(column).isFigure}>
          {columnOf(column).cell(run)}
        </div>
      ))}
      {row.matches[0] && (
        <div role="gridcell" className={styles['match']}>
          <Match snippet={row.matches[0]} others={row.matches.length - 1} similarity={row.similarity} />
        </div>
      )}
    </div>
  );
});

function templateOf(key: ColumnKey): string {
  const { width, grows } = columnOf(key);
  return grows ? `minmax(${width}px, ${grows}fr)` : `${width}px`;
}

function Head({
  column,
  columns,
  sort,
  onSort,
  onColumns,
}: {
  readonly column: ColumnKey;
  readonly columns: readonly ColumnKey[];
  /** Null while a search decides the order. */
  readonly sort: string | null;
  readonly onSort: (sort: string) => void;
  readonly onColumns: (columns: readonly ColumnKey[]) => void;
}) {
  const { label, sort: name, isFigure } = columnOf(column);
  const [by, direction] = (sort === '' ? 'created_at:desc' : (sort ?? '')).split(':');
  const isBy = name !== undefined && by === name;
  const next = isBy && direction === 'desc' ? `${name}:asc` : `${name}:desc`;
  return (
    <div
      role="columnheader"
      className={styles['title']}
      data-figure={isFigure}
      aria-sort={isBy ? (direction === 'asc' ? 'ascending' : 'descending') : undefined}
      draggable
      onDragStart={(event) => event.dataTransfer.setData('text/x-column', column)}
      onDragOver={(event) => event.dataTransfer.types.includes('text/x-column') && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        onColumns(moved(columns, event.dataTransfer.getData('text/x-column') as ColumnKey, column));
      }}
    >
      {name !== undefined && sort !== null ? (
        <button type="button" className={styles['sort']} onClick={() => onSort(next === 'created_at:desc' ? '' : next)}>
          {label}
          {isBy && <Icon name={direction === 'asc' ? 'arrow-up' : 'arrow-down'} size={12} />}
        </button>
      ) : (
        label
      )}
    </div>
  );
}

/** The columns with one of them in the place of another. */
export function moved(columns: readonly ColumnKey[], column: ColumnKey, to: ColumnKey): readonly ColumnKey[] {
  const [from, at] = [columns.indexOf(column), columns.indexOf(to)];
  if (from < 0 || at < 0) return columns;
  const others = columns.filter((one) => one !== column);
  return [...others.slice(0, at), column, ...others.slice(at)];
}

function Match({
  snippet,
  others,
  similarity,
}: {
  readonly snippet: Snippet;
  readonly others: number;
  readonly similarity: number | null;
}) {
  return (
    <>
      <span
        className={styles['where']}
      >{`${snippet.field === 'other' ? '' : snippet.field}${snippet.path.replace(/^\$/, '')}`}</span>
      <span className={styles['said']}>
        {snippet.before}
        <mark>{snippet.match}</mark>
        {snippet.after}
      </span>
      {others > 0 && <span className={styles['others']}>{`+ ${others}`}</span>}
      {similarity !== null && similarity < 1 && (
        <span className={styles['others']}>{`${Math.round(similarity * 100)} %`}</span>
      )}
    </>
  );
}

function Waiting({ columns, height }: { readonly columns: readonly ColumnKey[]; readonly height: number }) {
  return (
    <div role="rowgroup" className={styles['waiting']}>
      {Array.from({ length: 24 }, (_, line) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: lines without identity
          key={line}
          role="row"
          className={styles['row']}
          style={{ height, transform: `translateY(${line * height}px)` }}
        >
          <div role="gridcell" className={styles['tick']} />
          {columns.map((column, at) => (
            <div key={column} role="gridcell" className={styles['cell']} data-figure={columnOf(column).isFigure}>
              <Skeleton width={`${[70, 60, 80, 50, 40][(line + at) % 5]}%`} />
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
