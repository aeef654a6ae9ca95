import { useInfiniteQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { LOG_LEVELS, type LogLevel } from '../../../../src/domain/run-log.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { copyText } from '../../components/copy-button.tsx';
import { Input } from '../../components/field.tsx';
import { countText, durationText, exactTime } from '../../components/figures.tsx';
import { Icon, type IconName } from '../../components/icon.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type LogRow, type RunDetail } from '../../explorer-api.ts';
import styles from './log-view.module.css';
import { runSearch } from './run-address.ts';

/** Lines read at a time. */
const LINES = 500;

/** Pixels of a line that is not wrapped. */
const LINE = 26;

/** Pixels from the end within which the newest line is followed. */
const AT_END = 40;

const LEVEL_ICONS: Readonly<Record<LogLevel, IconName>> = {
  debug: 'more',
  info: 'info',
  warning: 'warning',
  error: 'error',
};

/** What a run, or one of its nodes, has said: searched, by level, as far as it goes. */
export function LogView({
  detail,
  node,
  live,
  find,
  line,
  onLine,
}: {
  readonly detail: RunDetail;
  /** Only its lines; null: all. */
  readonly node: string | null;
  /** Lines that came since the page was opened. */
  readonly live: readonly LogRow[];
  readonly find: string;
  /** The line that a link leads to. */
  readonly line: string | null;
  readonly onLine: (id: string | null) => void;
}) {
  const runId = detail.run.id;
  const [search, setSearch] = useState(find);
  const [levels, setLevels] = useState<ReadonlySet<LogLevel>>(new Set());
  // A linked line may be far down: reading begins there, until the rest is asked for.
  const [begin, setBegin] = useState(line);
  const asked = useDeferredValue(search.trim());
  const chosen = [...levels].join(',');
  const query = useInfiniteQuery({
    queryKey: ['run-logs', runId, node, asked, chosen, begin],
    queryFn: ({ pageParam, signal }) =>
      api.run.logs(
        runId,
        {
          limit: LINES,
          ...(asked !== '' && { search: asked }),
          ...(chosen !== '' && { levels: chosen }),
          ...(node !== null && { node }),
          ...(begin !== null && { at: begin }),
          ...(pageParam !== null && { cursor: pageParam }),
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const lines = useMemo(() => {
    const read = data?.pages.flatMap(({ items }) => items) ?? [];
    if (hasNextPage) return read;
    const known = new Set(read.map(({ id }) => id));
    const fits = (one: LogRow) =>
      !known.has(one.id) &&
      (node === null || one.nodeId === node) &&
      (levels.size === 0 || levels.has(one.level)) &&
      one.message.toLowerCase().includes(asked.toLowerCase()) &&
      (begin === null || one.id >= begin);
    return [...read, ...live.filter(fits)];
  }, [data, hasNextPage, live, node, levels, asked, begin]);
  const names = useMemo(
    () => new Map(detail.version.definition.nodes.map(({ id, name }) => [id, name])),
    [detail.version],
  );

  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(false);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 12,
  });
  const shown = virtual.getVirtualItems();
  const isNearEnd = (shown.at(-1)?.index ?? 0) >= lines.length - 50;
  useEffect(() => {
    if (isNearEnd && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [isNearEnd, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const linkedAt = line === null ? -1 : lines.findIndex(({ id }) => id === line);
  useEffect(() => {
    if (linkedAt >= 0) virtual.scrollToIndex(linkedAt, { align: 'center' });
  }, [linkedAt, virtual]);
  useEffect(() => {
    if (follows.current && lines.length > 0) virtual.scrollToIndex(lines.length - 1);
  }, [lines.length, virtual]);

  const copyLink = async (id: string) => {
    onLine(id);
    const href = `${location.origin}/runs/${runId}?${runSearch({ node, tab: 'logs', line: id })}`;
    if (await copyText(href)) toast('The link to the line is in the clipboard.');
  };
  const counts = data?.pages[0]?.levels ?? {};
  return (
    <div className={styles['logs']}>
      <div className={styles['bar']}>
        <Input
          icon="search"
          aria-label="Find in the log"
          placeholder="Find in the log"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <fieldset className={styles['levels']}>
          <legend className="unseen">Levels</legend>
          {LOG_LEVELS.map((level) => (
            <Button
              key={level}
              look="ghost"
              aria-pressed={levels.has(level)}
              onClick={() => setLevels(toggled(levels, level))}
            >
              <span className={styles['level']} data-level={level}>
                <Icon name={LEVEL_ICONS[level]} size={12} />
              </span>
              {level}
              {node === null && <span className={styles['count']}>{countText(counts[level] ?? 0)}</span>}
            </Button>
          ))}
        </fieldset>
      </div>
      {begin !== null && (
        <p className={styles['note']}>
          Lines from a linked one on.
          <Button
            look="ghost"
            onClick={() => {
              setBegin(null);
              onLine(null);
            }}
          >
            Show all lines
          </Button>
        </p>
      )}
      {query.error ? (
        <ErrorState title="The log cannot be read" error={query.error} onRetry={() => void query.refetch()} />
      ) : query.isPending ? (
        <SkeletonLines lines={6} label="Reading the log" />
      ) : lines.length === 0 ? (
        <p className={styles['nothing']}>
          {asked !== '' || levels.size > 0
            ? 'No line fits. Take a level away, or search for less.'
            : 'It has said nothing. Code nodes and agents write here, and so does what goes wrong.'}
        </p>
      ) : (
        <section
          ref={scroller}
          className={styles['scroller']}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label="Lines of the log"
          onScroll={({ currentTarget: box }) => {
            follows.current = box.scrollHeight - box.scrollTop - box.clientHeight < AT_END;
          }}
        >
          <ol style={{ height: virtual.getTotalSize() }} className={styles['lines']}>
            {shown.map(({ index, start, key }) => {
              const one = lines[index];
              if (!one) return null;
              return (
                <li
                  key={key}
                  ref={virtual.measureElement}
                  data-index={index}
                  data-linked={one.id === line || undefined}
                  className={styles['line']}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <time className={styles['time']} dateTime={new Date(one.at).toISOString()} title={exactTime(one.at)}>
                    +{durationText(Math.max(0, one.at - detail.run.createdAt))}
                  </time>
                  <span className={styles['level']} data-level={one.level}>
                    <Icon name={LEVEL_ICONS[one.level]} size={12} />
                    <span className="unseen">{one.level}</span>
                  </span>
                  <span className={styles['words']}>
                    {node === null && one.nodeId !== null && (
                      <span className={styles['node']}>{names.get(one.nodeId) ?? one.nodeId}</span>
                    )}
                    {one.iteration > 0 && <span className={styles['node']}>#{one.iteration}</span>}
                    <Message text={one.message} needle={asked} />
                    {one.meta && <span className={styles['meta']}>{metaText(one.meta)}</span>}
                  </span>
                  <span className={styles['link']}>
                    <IconButton icon="link" label="Copy a link to this line" onClick={() => void copyLink(one.id)} />
                  </span>
                </li>
              );
            })}
          </ol>
        </section>
      )}
    </div>
  );
}

function Message({ text, needle }: { readonly text: string; readonly needle: string }) {
  const at = needle === '' ? -1 : text.toLowerCase().indexOf(needle.toLowerCase());
  if (at < 0) return <span>{text}</span>;
  return (
    <span>
      {text.slice(0, at)}
      <mark className={styles['match']}>{text.slice(at, at + needle.length)}</mark>
      {text.slice(at + needle.length)}
    </span>
  );
}

/** What a line knows besides its words, as `status=503 bytes=39`. */
function metaText(meta: JsonObject): string {
  return Object.entries(meta)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

function toggled<T>(all: ReadonlySet<T>, one: T): ReadonlySet<T> {
  const next = new Set(all);
  if (!next.delete(one)) next.add(one);
  return next;
}
