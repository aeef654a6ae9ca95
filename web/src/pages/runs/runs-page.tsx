import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { explorerVocabulary } from '../../../../src/filter/explorer-vocabulary.ts';
import { readFilter } from '../../../../src/filter/filter.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { Sheet } from '../../components/dialog.tsx';
import { Select } from '../../components/field.tsx';
import { countText, shortTime } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Menu } from '../../components/menu.tsx';
import { PageHeader } from '../../components/page.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { api, type BulkAction, type RunsChosen } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { useCommands } from '../../shell/commands.ts';
import { useShortcuts } from '../../shortcuts.ts';
import { BulkDialog } from './bulk-dialog.tsx';
import { ColumnPicker } from './column-picker.tsx';
import { Facets } from './facets.tsx';
import { FilterBar } from './filter-bar.tsx';
import { sinceText, timeBounds, withTime } from './filter-edit.ts';
import { Histogram } from './histogram.tsx';
import { NoRuns } from './no-runs.tsx';
import { type ListedRun, useFoundRuns, useListedRuns } from './run-list.ts';
import { RunTable, type TableHandle } from './run-table.tsx';
import { useRunsAddress } from './runs-address.ts';
import styles from './runs-page.module.css';
import { type Selection, useSelection } from './selection.ts';
import { ViewsMenu } from './views-menu.tsx';

const TIMES = [
  ['now-15m', 'Last 15 minutes'],
  ['now-1h', 'Last hour'],
  ['now-24h', 'Last 24 hours'],
  ['now-7d', 'Last 7 days'],
  ['now-30d', 'Last 30 days'],
] as const;

/** Why runs that are listed by more than the filter cannot be acted on together. */
const ONLY_FILTER = 'Select runs first: what is done to all of them knows only the filter.';

/** Finding runs, watching them come, and acting on many of them. */
export default function RunsPage() {
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const actions = useActions();
  const [address, change] = useRunsAddress();
  const { q, text, mode, category, subcategory, sort, columns } = address;
  const [isLive, setIsLive] = useState(true);
  const [narrowFacets, setNarrowFacets] = useState(false);
  const [asking, setAsking] = useState<{ readonly action: BulkAction; readonly runs: RunsChosen } | null>(null);
  const table = useRef<TableHandle>(null);

  const mistakes = useMemo(
    () =>
      readFilter(q, explorerVocabulary, { now: Date.now() }).diagnostics.filter(({ severity }) => severity === 'error'),
    [q],
  );
  const isReadable = mistakes.length === 0;
  const isSearch = text !== '';
  // Counts, the live line and actions on all of them know only the filter.
  const isNarrower = isSearch || category !== '';
  const mayMove = () => table.current?.isAtRest() ?? true;
  const listed = useListedRuns({
    ...{ q, sort, category, subcategory, mayMove },
    enabled: isReadable && !isSearch,
    live: isLive && !isNarrower,
  });
  const found = useFoundRuns({ q, text, mode, enabled: isReadable && isSearch });
  const list = isSearch ? found : listed;
  const count = useQuery({
    queryKey: ['runs', 'count', q],
    queryFn: ({ signal }) => api.runs.count(q, { signal }),
    enabled: isReadable && !isNarrower,
    placeholderData: keepPreviousData,
  });
  const order = useMemo(() => list.rows.map(({ run }) => run.id), [list.rows]);
  const selection = useSelection(order);
  const total = isSearch
    ? list.search && countText(list.search.total, list.search.totalIsLowerBound)
    : !isNarrower && count.data && countText(count.data.count, count.data.isLowerBound);

  const setFilter = (filter: string) => {
    selection.clear();
    change({ q: filter });
  };
  const open = ({ run, matches: [match] }: ListedRun, aside = false) => {
    const where = match && {
      match: match.match,
      field: match.field,
      path: match.path,
      ...(match.nodeId !== null && { node: match.nodeId }),
    };
    const href = `/runs/${run.id}${where ? `?${new URLSearchParams(where)}` : ''}`;
    if (aside) window.open(href, '_blank', 'noopener');
    else navigate(href);
  };
  const chosen: RunsChosen = selection.isAll ? { q } : { ids: [...selection.ids] };
  const ask = (action: BulkAction) => setAsking({ action, runs: selection.isEmpty ? { q } : chosen });
  const toggleFacets = () => {
    if (matchMedia('(max-width: 820px)').matches) setNarrowFacets(!narrowFacets);
    else change({ facets: !address.facets }, 'quiet');
  };

  useShortcuts('Runs', [
    { keys: 'j', label: 'Next run', run: () => table.current?.step(1) },
    { keys: 'k', label: 'Previous run', run: () => table.current?.step(-1) },
    {
      keys: 'Enter',
      label: 'Open the run',
      run: () => {
        const row = table.current?.current();
        if (row) open(row);
      },
    },
    { keys: 'x', label: 'Select the run', run: () => toggle() },
    { keys: 'shift+x', label: 'Select up to the run', run: () => toggle(true) },
    { keys: 'Escape', label: 'Clear the selection', run: () => selection.clear() },
    {
      keys: 'n',
      label: 'Show the new runs',
      run: () => {
        list.release();
        table.current?.toTop();
      },
    },
    { keys: 'f', label: 'Facets on and off', run: toggleFacets },
  ]);
  const toggle = (upTo = false) => {
    const row = table.current?.current();
    if (row) selection.toggle(row.run.id, upTo);
  };
  const exported = {
    q,
    ...(sort !== '' && { sort }),
    ...(!selection.isEmpty && !selection.isAll && { ids: [...selection.ids] }),
  };
  const download = (format: 'csv' | 'jsonl') => location.assign(api.runs.exportHref({ format, ...exported }));
  useCommands([
    {
      label: 'Runs: failed in the last 24 hours',
      icon: 'error',
      run: () => setFilter('status:failed AND created_at>=now-24h'),
    },
    { label: 'Runs: running now', icon: 'clock', run: () => setFilter('status.in:(queued, running)') },
    { label: 'Runs: waiting for a person', icon: 'person', run: () => setFilter('status:waiting') },
    ...(category === '' || !selection.isEmpty
      ? ([
          { label: 'Export these runs as CSV', icon: 'download', words: 'download', run: () => download('csv') },
          {
            label: 'Export these runs as JSON lines',
            icon: 'download',
            words: 'download',
            run: () => download('jsonl'),
          },
        ] as const)
      : []),
  ]);

  const isEmpty = list.rows.length === 0 && !list.isLoading && !list.error && isReadable;
  const isFirst = isEmpty && q === '' && !isNarrower;
  const bounds = timeBounds(q, 'created_at', Date.now());
  const hasTime = bounds.from !== null || bounds.to !== null;
  const onTime = (since: string) => setFilter(withTime(q, 'created_at', since === '' ? null : since, null));
  const onRange = (from: number, to: number) => setFilter(withTime(q, 'created_at', timeText(from), timeText(to)));
  const retry = () => {
    list.retry();
    // What was counted failed with them.
    for (const counted of ['facets', 'histogram', 'count'])
      void client.invalidateQueries({ queryKey: ['runs', counted] });
  };
  const facets = isReadable ? <Facets q={q} onFilter={setFilter} /> : null;

  return (
    <div className={styles['page']}>
      <PageHeader title="Runs">
        <span className={styles['count']} role="status">
          {total && `${total} ${total === '1' ? 'run' : 'runs'}`}
        </span>
        <ViewsMenu
          address={address}
          onChange={(view) => {
            selection.clear();
            change(view);
          }}
        />
      </PageHeader>
      <div className={styles['ask']}>
        <FilterBar
          q={q}
          text={text}
          mode={mode}
          onApply={(filter, words) => {
            selection.clear();
            change({ q: filter, text: words });
          }}
          onMode={(chosenMode) => change({ mode: chosenMode })}
          onLeave={() => table.current?.step(0)}
        />
        <TimeChoice q={q} onTime={onTime} />
      </div>
      <div className={styles['body']} data-facets={address.facets && !isFirst}>
        {address.facets && !isFirst && (
          <aside className={styles['facets']} aria-label="Facets">
            {facets}
          </aside>
        )}
        <section className={styles['main']} aria-label="Results">
          {isReadable && !isFirst && <Histogram q={q} onRange={onRange} />}
          <div className={styles['tools']} hidden={isFirst}>
            {selection.isEmpty ? (
              <>
                <IconButton icon="filter" label="Facets" keys="f" pressed={address.facets} onClick={toggleFacets} />
                {category !== '' && (
                  <Category
                    name={subcategory === '' ? category : `${category} / ${subcategory}`}
                    hasFilter={q !== ''}
                    onClear={() => {
                      selection.clear();
                      change({ category: '', subcategory: '' });
                    }}
                  />
                )}
                <SearchWords list={list} isSearch={isSearch} mode={mode} hasFilter={q !== ''} />
                <span className={styles['grow']} />
                {!isNarrower && (
                  <Button
                    look="ghost"
                    aria-pressed={isLive}
                    className={styles['live']}
                    data-line={list.line}
                    title={isLive ? 'New runs appear as they start' : 'The table stands still'}
                    onClick={() => setIsLive(!isLive)}
                  >
                    <i />
                    {!isLive ? 'Paused' : list.line === 'lost' ? 'Reconnecting' : 'Live'}
                  </Button>
                )}
                <Menu
                  trigger={<IconButton icon="more" label="Act on all of these runs" />}
                  groups={[
                    {
                      title: 'All of these runs',
                      items: [
                        {
                          label: 'Export as CSV',
                          icon: 'download',
                          refused: category === '' ? null : ONLY_FILTER,
                          onChoose: () => download('csv'),
                        },
                        {
                          label: 'Export as JSON lines',
                          icon: 'download',
                          refused: category === '' ? null : ONLY_FILTER,
                          onChoose: () => download('jsonl'),
                        },
                      ],
                    },
                    {
                      items: actions.map(({ action, label, icon }) => ({
                        label: `${label}…`,
                        icon,
                        danger: action === 'delete',
                        refused: isNarrower ? ONLY_FILTER : null,
                        onChoose: () => ask(action),
                      })),
                    },
                  ]}
                />
                <ColumnPicker columns={columns} onColumns={(next) => change({ columns: next }, 'quiet')} />
              </>
            ) : (
              <BulkBar
                actions={actions}
                selection={selection}
                total={total || null}
                mayChooseAll={!isNarrower}
                onAsk={ask}
                onExport={download}
              />
            )}
          </div>
          {!isReadable ? (
            <EmptyState icon="warning" title="The filter cannot be read">
              {mistakes.slice(0, 3).map(({ message, hint, from }) => (
                <p key={`${from} ${message}`}>
                  {message} {hint}
                </p>
              ))}
              <Button onClick={() => setFilter('')}>Clear the filter</Button>
            </EmptyState>
          ) : list.error && list.rows.length === 0 ? (
            <ErrorState title="The runs could not be read" error={list.error} onRetry={retry} />
          ) : isEmpty ? (
            <div className={styles['none']}>
              <NoRuns
                isFiltered={q !== '' || category !== ''}
                isSearch={isSearch}
                hasTime={hasTime}
                onWiden={() => onTime('')}
                onClear={() => change({ q: '', text: '', category: '', subcategory: '' })}
                onMeaning={mode === 'exact' ? () => change({ mode: 'meaning' }) : undefined}
              />
            </div>
          ) : (
            <RunTable
              list={list}
              listKey={[q, text, mode, sort, category, subcategory].join('\n')}
              columns={columns}
              sort={sort}
              selection={selection}
              handle={table}
              onSort={(next) => change({ sort: next })}
              onColumns={(next) => change({ columns: next }, 'quiet')}
              onOpen={open}
            />
          )}
        </section>
      </div>
      <Sheet open={narrowFacets} onClose={() => setNarrowFacets(false)} title="Facets">
        <div className={styles['sheet']}>
          <div className={styles['sheet-head']}>
            <h2>Facets</h2>
            <IconButton icon="close" label="Close" onClick={() => setNarrowFacets(false)} />
          </div>
          {narrowFacets && facets}
        </div>
      </Sheet>
      {asking && (
        <BulkDialog
          {...asking}
          onClose={(done) => {
            setAsking(null);
            if (done) selection.clear();
          }}
        />
      )}
    </div>
  );
}

/** A time as a filter has it, without the milliseconds that are none. */
function timeText(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

/** What the key may do to many runs. */
function useActions() {
  const may = {
    retry: useMay('runs:create'),
    stop: useMay('runs:stop'),
    evaluate: useMay('evaluations:create'),
    delete: useMay('runs:delete'),
  };
  return ACTIONS.filter(({ action }) => may[action]);
}

const ACTIONS = [
  { action: 'retry', label: 'Retry', icon: 'retry' },
  { action: 'stop', label: 'Stop', icon: 'stop' },
  { action: 'evaluate', label: 'Evaluate', icon: 'verdict' },
  { action: 'delete', label: 'Delete', icon: 'trash' },
] as const;

function BulkBar({
  actions,
  selection,
  total,
  mayChooseAll,
  onAsk,
  onExport,
}: {
  readonly actions: ReturnType<typeof useActions>;
  readonly selection: Selection;
  readonly total: string | null;
  readonly mayChooseAll: boolean;
  readonly onAsk: (action: BulkAction) => void;
  readonly onExport: (format: 'csv' | 'jsonl') => void;
}) {
  return (
    <div className={styles['bulk']} role="toolbar" aria-label="Selected runs">
      <span className={styles['chosen']} role="status">
        {selection.isAll ? `All ${total ?? ''} selected` : `${countText(selection.ids.size)} selected`}
      </span>
      {mayChooseAll && !selection.isAll && total !== null && (
        <button type="button" className={styles['all']} onClick={selection.chooseAll}>
          {`Select all ${total}`}
        </button>
      )}
      <span className={styles['grow']} />
      {actions.map(({ action, label, icon }) => (
        <Button key={action} look="ghost" icon={icon} onClick={() => onAsk(action)}>
          {label}
        </Button>
      ))}
      <Menu
        trigger={
          <Button look="ghost" icon="download">
            Export
          </Button>
        }
        groups={[
          {
            items: [
              { label: 'As CSV', onChoose: () => onExport('csv') },
              { label: 'As JSON lines', onChoose: () => onExport('jsonl') },
            ],
          },
        ]}
      />
      <IconButton icon="close" label="Clear the selection" keys="Escape" onClick={selection.clear} />
    </div>
  );
}

/** That only runs with an issue of one category are listed. */
function Category({
  name,
  hasFilter,
  onClear,
}: {
  readonly name: string;
  readonly hasFilter: boolean;
  readonly onClear: () => void;
}) {
  return (
    <span className={styles['words']}>
      <Button look="ghost" icon="close" title="List runs of all categories" onClick={onClear}>
        Issues: {name}
      </Button>
      <span>Chart and facets count {hasFilter ? 'what the filter finds' : 'all runs'}.</span>
    </span>
  );
}

/** The time since when, as the filter says it. */
function TimeChoice({ q, onTime }: { readonly q: string; readonly onTime: (since: string) => void }) {
  const { from, to } = timeBounds(q, 'created_at', Date.now());
  const since = sinceText(q, 'created_at');
  const isNone = from === null && to === null;
  const isOwn = !isNone && !TIMES.some(([value]) => value === since);
  const span = (to ?? Date.now()) - (from ?? 0);
  const words = `${from === null ? '' : shortTime(from, span)} – ${to === null ? 'now' : shortTime(to, span)}`;
  return (
    <span className={styles['time']}>
      <Select
        aria-label="Created"
        value={isNone ? '' : isOwn ? 'own' : (since ?? '')}
        onChange={(event) => event.target.value !== 'own' && onTime(event.target.value)}
      >
        <option value="">All times</option>
        {TIMES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
        {isOwn && <option value="own">{words}</option>}
      </Select>
      {!isNone && <IconButton icon="close" label="All times" onClick={() => onTime('')} />}
    </span>
  );
}

function SearchWords({
  list,
  isSearch,
  mode,
  hasFilter,
}: {
  readonly list: ReturnType<typeof useFoundRuns>;
  readonly isSearch: boolean;
  readonly mode: 'exact' | 'meaning';
  readonly hasFilter: boolean;
}) {
  if (!isSearch) return null;
  const { search } = list;
  return (
    <span className={styles['words']}>
      <Icon name={mode === 'exact' ? 'exact' : 'meaning'} size={14} />
      <span>
        {mode === 'exact' ? 'Newest match first.' : 'Nearest in meaning first.'} Chart and facets count{' '}
        {hasFilter ? 'what the filter finds' : 'all runs'}.{search?.degraded && ` ${search.degraded}`}
        {search?.rebuild &&
          ` The index is being built: ${countText(search.rebuild.indexedRuns)} runs are in it, others may be missing.`}
      </span>
    </span>
  );
}
