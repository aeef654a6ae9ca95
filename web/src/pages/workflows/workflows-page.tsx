import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { Input } from '../../components/field.tsx';
import { Cost, countText, Duration, exactTime, Nothing, Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Menu } from '../../components/menu.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type WorkflowRow } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { useCommands } from '../../shell/commands.ts';
import { useShortcuts } from '../../shortcuts.ts';
import { chooseFile, downloadText, exportText, readPortable } from './portable.ts';
import { CreateDialog, RemoveDialog } from './workflow-dialogs.tsx';
import styles from './workflows-page.module.css';

/** Workflows asked for at once; all of them are read before they are sorted. */
const PAGE = 200;

const SORTS = ['name', 'type', 'runs', 'success', 'p95', 'cost', 'last'] as const;
type Sort = (typeof SORTS)[number];

const SORT_WORDS: Readonly<Record<Sort, string>> = {
  name: 'Name',
  type: 'Type',
  runs: 'Runs, 14 days',
  success: 'Success',
  p95: 'p95',
  cost: 'Cost',
  last: 'Last run',
};

/** What is small comes first in these; of figures, what is large. */
const RISING: ReadonlySet<Sort> = new Set(['name', 'type']);

/** Stand at the right of their column. */
const FIGURES: ReadonlySet<Sort> = new Set(['success', 'p95', 'cost']);

/** All workflows with how they did of late. */
export default function WorkflowsPage() {
  const [, navigate] = useLocation();
  const [address, setAddress] = useSearchParams();
  const mayWrite = useMay('workflows:write');
  const client = useQueryClient();
  const search = address.get('search') ?? '';
  const [sort, direction] = sortOf(address.get('sort'));
  const asked = useDeferredValue(search.trim());
  const [current, setCurrent] = useState(-1);
  const [isCreating, setIsCreating] = useState(false);
  const [removing, setRemoving] = useState<WorkflowRow | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const table = useRef<HTMLTableElement>(null);
  const set = (name: string, value: string) =>
    setAddress(
      (now) => {
        const next = new URLSearchParams(now);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );

  const list = useInfiniteQuery({
    queryKey: ['workflows', 'list', asked],
    queryFn: ({ pageParam, signal }) =>
      api.workflows.list({ search: asked, limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const rows = useMemo(() => {
    const all = list.data?.pages.flatMap(({ items }) => items) ?? [];
    return sort === null ? all : all.toSorted((one, other) => compared(one, other, sort) * direction);
  }, [list.data, sort, direction]);

  const focus = (index: number) => {
    const at = Math.max(0, Math.min(rows.length - 1, index));
    setCurrent(at);
    table.current?.querySelectorAll<HTMLElement>('tbody a')[at]?.focus();
  };
  const importFile = async () => {
    const file = await chooseFile();
    if (!file) return;
    try {
      const found = readPortable(await file.text(), file.name);
      const made = [];
      for (const workflow of found) made.push(await api.workflows.create(workflow));
      void client.invalidateQueries({ queryKey: ['workflows'] });
      const [only] = made;
      if (only && made.length === 1) navigate(`/workflows/${only.workflow.id}`);
      else toast(`${made.length} workflows were imported.`);
    } catch (error) {
      toastError('The file was not imported', error);
    }
  };
  const exportRows = async (chosen: readonly WorkflowRow[], fileName: string) => {
    try {
      const details = await Promise.all(chosen.map(({ id }) => api.workflows.read(id)));
      downloadText(fileName, exportText(details));
    } catch (error) {
      toastError('Nothing was exported', error);
    }
  };
  const copy = async (row: WorkflowRow) => {
    try {
      const { document, settings, meta } = await api.workflows.read(row.id);
      const made = await api.workflows.create({
        name: `${row.name} (copy)`,
        type: row.type,
        description: row.description,
        document,
        settings,
        meta,
      });
      void client.invalidateQueries({ queryKey: ['workflows'] });
      navigate(`/workflows/${made.workflow.id}`);
    } catch (error) {
      toastError('It was not duplicated', error);
    }
  };

  useShortcuts('Workflows', [
    { keys: '/', label: 'Find a workflow', run: () => field.current?.focus() },
    { keys: 'j', label: 'Next workflow', run: () => focus(current + 1) },
    { keys: 'k', label: 'Previous workflow', run: () => focus(current - 1) },
    { keys: 'ArrowDown', label: 'Next workflow', run: () => focus(current + 1) },
    { keys: 'ArrowUp', label: 'Previous workflow', run: () => focus(current - 1) },
    { keys: 'c', label: 'New workflow', run: () => mayWrite && setIsCreating(true) },
  ]);
  useCommands(
    mayWrite
      ? [
          { label: 'Workflows: create one', icon: 'plus', keys: 'c', run: () => setIsCreating(true) },
          { label: 'Workflows: import from a file', icon: 'upload', run: () => void importFile() },
        ]
      : [],
  );

  return (
    <div className={styles['page']}>
      <PageHeader title="Workflows">
        <span className={styles['count']} role="status">
          {list.data && `${countText(rows.length, hasNextPage)} ${rows.length === 1 ? 'workflow' : 'workflows'}`}
        </span>
        {mayWrite && (
          <>
            <Button icon="upload" onClick={() => void importFile()}>
              Import
            </Button>
            <Button
              icon="download"
              disabled={rows.length === 0}
              onClick={() => void exportRows(rows, 'workflows.json')}
            >
              Export
            </Button>
            <Button look="primary" icon="plus" onClick={() => setIsCreating(true)}>
              New workflow
            </Button>
          </>
        )}
      </PageHeader>
      <div className={styles['ask']}>
        <Input
          ref={field}
          icon="search"
          type="search"
          aria-label="Find a workflow"
          placeholder="Name, slug or description"
          value={search}
          onChange={({ target }) => {
            set('search', target.value);
            setCurrent(-1);
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') focus(0);
            if (event.key === 'Escape') field.current?.blur();
          }}
        />
      </div>
      {list.error ? (
        <ErrorState title="The workflows cannot be read" error={list.error} onRetry={() => void list.refetch()} />
      ) : list.data && rows.length === 0 ? (
        asked === '' ? (
          <EmptyState icon="graph" title="No workflows yet">
            <p>
              A workflow is a graph of nodes that runs again and again. Draw the first one, or import one from a file.
            </p>
            {mayWrite && (
              <Button look="primary" icon="plus" onClick={() => setIsCreating(true)}>
                New workflow
              </Button>
            )}
          </EmptyState>
        ) : (
          <EmptyState icon="search" title="No workflow is called that">
            <Button icon="close" onClick={() => set('search', '')}>
              Show all
            </Button>
          </EmptyState>
        )
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
        <section className={styles['scroller']} aria-label="Workflows" tabIndex={0}>
          <table ref={table} className={styles['table']}>
            <thead>
              <tr>
                {SORTS.map((one) => (
                  <th
                    key={one}
                    scope="col"
                    data-column={one}
                    aria-sort={sort === one ? (direction === 1 ? 'ascending' : 'descending') : 'none'}
                  >
                    <button
                      type="button"
                      className={styles['sort']}
                      data-figure={FIGURES.has(one) || undefined}
                      onClick={() => set('sort', nextSort(one, sort, direction))}
                    >
                      {SORT_WORDS[one]}
                      {sort === one && <Icon name={direction === 1 ? 'arrow-up' : 'arrow-down'} size={12} />}
                    </button>
                  </th>
                ))}
                <th scope="col">
                  <span className="unseen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {!list.data && <Waiting />}
              {rows.map((row, index) => (
                <Row
                  key={row.id}
                  row={row}
                  mayWrite={mayWrite}
                  onFocus={() => setCurrent(index)}
                  onExport={() => void exportRows([row], `${row.slug}.json`)}
                  onCopy={() => void copy(row)}
                  onRemove={() => setRemoving(row)}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {isCreating && (
        <CreateDialog
          onClose={() => setIsCreating(false)}
          onCreated={({ workflow }) => navigate(`/workflows/${workflow.id}`)}
        />
      )}
      {removing && (
        <RemoveDialog workflow={removing} onClose={() => setRemoving(null)} onRemoved={() => setRemoving(null)} />
      )}
    </div>
  );
}

function Row({
  row,
  mayWrite,
  onFocus,
  onExport,
  onCopy,
  onRemove,
}: {
  readonly row: WorkflowRow;
  readonly mayWrite: boolean;
  readonly onFocus: () => void;
  readonly onExport: () => void;
  readonly onCopy: () => void;
  readonly onRemove: () => void;
}) {
  const [, navigate] = useLocation();
  const { stats } = row;
  const href = `/workflows/${row.id}`;
  const refused = mayWrite ? null : 'Not with this key.';
  return (
    <tr onClick={({ target }) => target instanceof Element && !target.closest('a, button') && navigate(href)}>
      <th scope="row" data-column="name">
        <Link href={href} className={styles['name']} onFocus={onFocus}>
          {row.name}
        </Link>
        {row.issues > 0 && <Badge tone="warn">{row.issues === 1 ? '1 problem' : `${row.issues} problems`}</Badge>}
        {row.description !== null && <span className={styles['about']}>{row.description}</span>}
      </th>
      <td data-column="type">
        <Badge>{row.type.replaceAll('_', ' ')}</Badge>
      </td>
      <td data-column="runs">
        <span className={styles['runs']}>
          <Sparkline days={stats.sparkline} />
          <span className="figures">{countText(stats.runs, stats.isPartial)}</span>
        </span>
      </td>
      <td data-column="success">
        {stats.successRate === null ? <Nothing /> : <span className="figures">{percent(stats.successRate)}</span>}
      </td>
      <td data-column="p95">
        <Duration ms={stats.p95} />
      </td>
      <td data-column="cost">{stats.runs === 0 ? <Nothing /> : <Cost amount={stats.cost} />}</td>
      <td data-column="last">{row.lastRunAt === null ? <Nothing /> : <Time at={row.lastRunAt} />}</td>
      <td className={styles['actions']}>
        <Menu
          trigger={<IconButton icon="more" label={`More about ${row.name}`} />}
          groups={[
            {
              items: [
                { label: 'Open', icon: 'edit', onChoose: () => navigate(href) },
                {
                  label: 'Runs of it',
                  icon: 'runs',
                  onChoose: () => navigate(`/runs?q=${encodeURIComponent(`workflow_id:${row.id}`)}`),
                },
                { label: 'Export as JSON', icon: 'download', onChoose: onExport },
                { label: 'Duplicate', icon: 'copy', refused, onChoose: onCopy },
              ],
            },
            { items: [{ label: 'Delete', icon: 'trash', danger: true, refused, onChoose: onRemove }] },
          ]}
        />
      </td>
    </tr>
  );
}

/** Pixels. */
const BAR = 5;
const GAP = 2;
const HEIGHT = 22;

/** Runs a day as bars; what failed stands on top of each. */
function Sparkline({ days }: { readonly days: WorkflowRow['stats']['sparkline'] }) {
  const most = Math.max(1, ...days.map(({ runs }) => runs));
  const failed = days.reduce((sum, day) => sum + day.failed, 0);
  const total = days.reduce((sum, day) => sum + day.runs, 0);
  const [first] = days;
  const words = `${total} runs in ${days.length} days${first ? ` since ${exactTime(first.at)}` : ''}, ${failed} failed`;
  return (
    <svg
      className={styles['sparkline']}
      role="img"
      aria-label={words}
      width={days.length * (BAR + GAP)}
      height={HEIGHT}
    >
      {days.map(({ at, runs, failed: bad }, index) => {
        const height = runs === 0 ? 1 : Math.max(2, (runs / most) * HEIGHT);
        const badHeight = runs === 0 ? 0 : (bad / runs) * height;
        const x = index * (BAR + GAP);
        return (
          <g key={at}>
            <rect x={x} y={HEIGHT - height} width={BAR} height={height} rx={1} data-none={runs === 0 || undefined} />
            {bad > 0 && (
              <rect x={x} y={HEIGHT - height} width={BAR} height={Math.max(2, badHeight)} rx={1} data-failed />
            )}
          </g>
        );
      })}
    </svg>
  );
}

function Waiting() {
  return Array.from({ length: 8 }, (_, line) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines without identity
    <tr key={line}>
      {[...SORTS, 'more'].map((column) => (
        <td key={column} data-column={column}>
          <Skeleton width={column === 'name' ? '60%' : 48} />
        </td>
      ))}
    </tr>
  ));
}

function percent(share: number): string {
  const shown = (share * 100).toFixed(share > 0.99 && share < 1 ? 2 : 1).replace(/\.0$/, '');
  return `${shown} %`;
}

function sortOf(text: string | null): [Sort | null, 1 | -1] {
  const [name, direction] = (text ?? '').split(':');
  const sort = SORTS.find((one) => one === name) ?? null;
  return [sort, direction === 'desc' ? -1 : 1];
}

/** Pressed once: the direction that is wanted most; twice: the other; then as the server has them, last changed first. */
function nextSort(pressed: Sort, sort: Sort | null, direction: 1 | -1): string {
  const first = RISING.has(pressed) ? 1 : -1;
  if (pressed !== sort) return `${pressed}:${first === 1 ? 'asc' : 'desc'}`;
  return direction === first ? `${pressed}:${first === 1 ? 'desc' : 'asc'}` : '';
}

function compared(one: WorkflowRow, other: WorkflowRow, sort: Sort): number {
  if (sort === 'name') return one.name.localeCompare(other.name);
  if (sort === 'type') return one.type.localeCompare(other.type);
  const figure = ({ stats, lastRunAt }: WorkflowRow): number =>
    ({
      runs: stats.runs,
      success: stats.successRate ?? -1,
      p95: stats.p95 ?? -1,
      cost: Number(stats.cost),
      last: lastRunAt ?? 0,
    })[sort];
  return figure(one) - figure(other);
}
