import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import {
  api,
  type FoundRunRow,
  type LiveRun,
  type RunPage,
  type RunRow,
  type SearchPage,
  type Snippet,
} from '../../explorer-api.ts';

/** Rows that one call brings: three windows full. */
const PAGE = 100;

/** Milliseconds for which events are gathered before the table changes: often enough to look alive, seldom enough for a thousand runs a second. */
const GATHER = 250;

/** Milliseconds between two counts of a live view: facets and chart read many rows. */
const RECOUNT = 5000;

/** Runs that wait to be shown at most; more are read anew. */
const MOST_HELD = 500;

/** One line of the table. */
export interface ListedRun {
  readonly run: RunRow;
  /** Where the search found it. */
  readonly matches: readonly Snippet[];
  readonly similarity: number | null;
  /** It came while the page was open. */
  readonly isNew: boolean;
  /** It was let through by the filter and is not any more. */
  readonly hasLeft: boolean;
}

/** What the table shows, whether it comes from the list or from the search. */
export interface RunList {
  readonly rows: readonly ListedRun[];
  readonly isLoading: boolean;
  readonly error: Error | null;
  readonly retry: () => void;
  /** Asks for the next page, if there is one and it is not on its way. */
  readonly more: () => void;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  /** New runs that are held back. */
  readonly held: number;
  /** Shows them. */
  readonly release: () => void;
  readonly line: 'off' | 'open' | 'lost';
  /** What the search has to say of itself: counts, and what it could not do. */
  readonly search: SearchPage | null;
}

/** The runs that a filter lets through, by pages, kept as they are now by the server's events. */
export function useListedRuns({
  q,
  sort,
  category,
  subcategory,
  enabled,
  live,
  mayMove,
}: {
  readonly q: string;
  readonly sort: string;
  /** Of issues that evaluations found; empty for all. */
  readonly category: string;
  readonly subcategory: string;
  readonly enabled: boolean;
  readonly live: boolean;
  /** Whether new rows may push the others down now. */
  readonly mayMove: () => boolean;
}): RunList {
  const client = useQueryClient();
  const key = useMemo(() => ['runs', 'list', q, sort, category, subcategory], [q, sort, category, subcategory]);
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      api.runs.list(
        {
          ...{ q, sort, limit: PAGE },
          ...(category !== '' && { category }),
          ...(subcategory !== '' && { subcategory }),
          ...(pageParam !== '' && { cursor: pageParam }),
        },
        { signal },
      ),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    // Events keep it fresh; reading it anew would move what is read.
    staleTime: Number.POSITIVE_INFINITY,
    enabled,
  });
  const position = query.data?.pages[0]?.position;
  const [held, setHeld] = useState<readonly RunRow[]>([]);
  const [isNew, setIsNew] = useState<ReadonlySet<string>>(new Set());
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [line, setLine] = useState<RunList['line']>('off');
  const move = useRef(mayMove);
  move.current = mayMove;
  const isNewestFirst = sort === '' || sort === 'created_at:desc';

  const change = (edit: (rows: readonly RunRow[], page: number) => readonly RunRow[]) =>
    client.setQueryData<InfiniteData<RunPage, string>>(
      key,
      (data) =>
        data && { ...data, pages: data.pages.map((page, index) => ({ ...page, items: edit(page.items, index) })) },
    );
  const prepend = (runs: readonly RunRow[]) => {
    if (runs.length === 0) return;
    const ids = new Set(runs.map(({ id }) => id));
    change((rows, page) => (page === 0 ? [...runs, ...rows.filter(({ id }) => !ids.has(id))] : rows));
    setIsNew((known) => new Set([...known, ...ids]));
  };

  const started = position !== undefined && enabled && live;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the line is opened where the first page stood, and taken up by the browser from there
  useEffect(() => {
    if (!started) {
      setLine('off');
      return;
    }
    setHeld([]);
    setLeft(new Set());
    const gathered = new Map<string, LiveRun>();
    let lastCount = Date.now();
    const flush = () => {
      if (gathered.size === 0) return;
      const events = [...gathered.values()];
      gathered.clear();
      const rows = new Map(events.map(({ id, row }) => [id, row]));
      const shown = new Set<string>();
      change((items) =>
        items.flatMap((item) => {
          if (!rows.has(item.id)) return [item];
          shown.add(item.id);
          return rows.get(item.id) ?? [];
        }),
      );
      setLeft((known) => {
        const next = new Set(known);
        for (const { id, fits, row } of events) fits || row === null || !shown.has(id) ? next.delete(id) : next.add(id);
        return next;
      });
      const fresh = events.flatMap(({ id, fits, row }) => (fits && row && !shown.has(id) ? [row] : []));
      const gone = new Set(events.filter(({ fits, row }) => !fits || row === null).map(({ id }) => id));
      setHeld((waiting) => {
        const kept = waiting.filter(({ id }) => !gone.has(id)).map((run) => rows.get(run.id) ?? run);
        const known = new Set(kept.map(({ id }) => id));
        // Runs from further down the list that change are no news; only those above the first row are.
        const newest = client.getQueryData<InfiniteData<RunPage>>(key)?.pages[0]?.items[0]?.createdAt ?? 0;
        const news = fresh.filter(({ id, createdAt }) => !known.has(id) && (!isNewestFirst || createdAt >= newest));
        const all = [...kept, ...news].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
        return all.slice(0, MOST_HELD);
      });
      if (Date.now() - lastCount > RECOUNT && document.visibilityState === 'visible') {
        lastCount = Date.now();
        for (const counted of ['facets', 'histogram', 'count'])
          void client.invalidateQueries({ queryKey: ['runs', counted] });
      }
    };
    const timer = setInterval(flush, GATHER);
    const close = api.runs.live(
      { q, position },
      {
        onEvent: (event) => {
          if (event.event === 'reset') void client.resetQueries({ queryKey: key });
          else
            gathered.set(event.data.id, {
              ...event.data,
              isNew: gathered.get(event.data.id)?.isNew || event.data.isNew,
            });
        },
        onState: setLine,
      },
    );
    return () => {
      clearInterval(timer);
      close();
    };
  }, [started, key]);

  const release = () => {
    if (held.length >= MOST_HELD || !isNewestFirst) void client.resetQueries({ queryKey: key });
    else prepend(held);
    setHeld([]);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is held is shown as soon as nothing is in the way
  useEffect(() => {
    if (held.length === 0) return;
    const show = () => {
      if (isNewestFirst && move.current()) release();
    };
    show();
    const timer = setInterval(show, GATHER);
    return () => clearInterval(timer);
  }, [held]);

  const rows = useMemo(
    () =>
      (query.data?.pages ?? []).flatMap(({ items }) =>
        items.map(
          (run): ListedRun => ({
            run,
            matches: [],
            similarity: null,
            isNew: isNew.has(run.id),
            hasLeft: left.has(run.id),
          }),
        ),
      ),
    [query.data, isNew, left],
  );
  return {
    rows,
    isLoading: query.isPending && enabled,
    error: query.error,
    retry: () => void query.refetch(),
    more: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    held: held.length,
    release,
    line: started ? line : 'off',
    search: null,
  };
}

/** The runs that say or mean a text, among those that a filter lets through. */
export function useFoundRuns({
  q,
  text,
  mode,
  enabled,
}: {
  readonly q: string;
  readonly text: string;
  readonly mode: 'exact' | 'meaning';
  readonly enabled: boolean;
}): RunList {
  const query = useInfiniteQuery({
    queryKey: ['runs', 'search', q, text, mode],
    queryFn: ({ pageParam, signal }) =>
      api.runs.search({ query: text, mode, limit: PAGE, offset: pageParam, ...(q !== '' && { q }) }, { signal }),
    initialPageParam: 0,
    getNextPageParam: ({ items, total, totalIsLowerBound }, _, offset) =>
      items.length > 0 && (offset + items.length < total || totalIsLowerBound) ? offset + items.length : null,
    enabled,
  });
  const rows = useMemo(
    () =>
      (query.data?.pages ?? []).flatMap(({ items }) =>
        items.map(
          ({ run, matches, similarity }: FoundRunRow): ListedRun => ({
            run,
            matches,
            similarity,
            isNew: false,
            hasLeft: false,
          }),
        ),
      ),
    [query.data],
  );
  return {
    rows,
    isLoading: query.isPending && enabled,
    error: query.error,
    retry: () => void query.refetch(),
    more: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    held: 0,
    release: () => {},
    line: 'off',
    search: query.data?.pages[0] ?? null,
  };
}
