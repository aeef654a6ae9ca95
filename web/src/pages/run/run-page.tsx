import { useEffect, useRef, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { Button } from '../../components/button.tsx';
import { Segments } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Skeleton, SkeletonLines } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { STATUS_WORDS, StatusPill } from '../../components/status.tsx';
import { ApiError, type RunDetail } from '../../explorer-api.ts';
import { useShortcuts } from '../../shortcuts.ts';
import { Inspector, Relatives } from './inspector.tsx';
import { type LiveRun, useLiveRun } from './live-run.ts';
import { holderOf, nodeEntries } from './node-rows.ts';
import { RerunDialog, type RerunWish } from './rerun-dialog.tsx';
import { RunActions } from './run-actions.tsx';
import { type RunAddress, useRunAddress, type View } from './run-address.ts';
import { RunCompare } from './run-compare.tsx';
import { RunFacts } from './run-facts.tsx';
import { RunGraph } from './run-graph.tsx';
import { RunList } from './run-list.tsx';
import styles from './run-page.module.css';
import { RunWaterfall } from './run-waterfall.tsx';
import { hitPlace } from './search-hit.ts';

/** One run: what it was asked, what its nodes did and when, what came out, and what can be done with it. */
export default function RunPage() {
  const { id = '' } = useParams<{ id: string }>();
  const live = useLiveRun(id);
  const { detail, error, isDeleted, reload } = live;
  if (isDeleted) return <Gone />;
  if (detail) return <Shown key={id} live={live} detail={detail} />;
  if (error instanceof ApiError && error.status === 404) return <Gone />;
  if (error) {
    return (
      <>
        <PageHeader title="Run" lead={<Back />} />
        <ErrorState title="The run cannot be shown" error={error} onRetry={reload} />
      </>
    );
  }
  return (
    <>
      <PageHeader title="Run" lead={<Back />} />
      <div className={styles['loading']}>
        <Skeleton height={38} />
        <SkeletonLines lines={8} label="Reading the run" />
      </div>
    </>
  );
}

function Gone() {
  return (
    <>
      <PageHeader title="Run" lead={<Back />} />
      <EmptyState icon="search" title="There is no such run">
        <p>It was deleted, or it belongs to another workspace than the key you signed in with.</p>
      </EmptyState>
    </>
  );
}

function Back() {
  return (
    <Link className={styles['back']} href="/runs" aria-label="Back to the runs">
      <Icon name="chevron-left" />
    </Link>
  );
}

function Shown({ live, detail }: { readonly live: LiveRun; readonly detail: RunDetail }) {
  const [address, go] = useRunAddress();
  const [, navigate] = useLocation();
  const [wish, setWish] = useState<RerunWish | null>(null);
  const { run } = detail;
  const name = run.workflow.name ?? 'A workflow without a name';
  useShownHit(address, go);

  const nodeId = address.node === null ? null : (holderOf(address.node) ?? address.node);
  const node = detail.version.definition.nodes.find(({ id }) => id === nodeId);
  const choose = (chosen: string | null) =>
    go({
      node: chosen,
      iteration: null,
      line: null,
      find: '',
      field: '',
      path: '',
      ...(chosen === null && { tab: 'overview' }),
    });
  const step = (by: number) => {
    const ids = nodeEntries(detail).map(({ node: { nodeId: id } }) => id);
    const at = ids.indexOf(nodeId ?? '');
    const next = ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.max(0, Math.min(ids.length - 1, at + by))];
    if (next !== undefined && next !== address.node) {
      go({ node: next, iteration: null, line: null, find: '', field: '', path: '' }, 'quiet');
    }
  };
  const row = detail.nodes.find((one) => one.nodeId === address.node);
  const walk = (by: number) => {
    if (!row?.iterates) return;
    const wanted = Math.max(1, Math.min(row.totalIterations, (address.iteration ?? 1) + by));
    go({ iteration: wanted === 1 ? null : wanted }, 'quiet');
  };
  useShortcuts('Run', [
    { keys: '1', label: 'Graph', run: () => go({ view: 'graph' }) },
    { keys: '2', label: 'Waterfall', run: () => go({ view: 'waterfall' }) },
    { keys: '3', label: 'List', run: () => go({ view: 'list' }) },
    { keys: 'j', label: 'Next node', run: () => step(1) },
    { keys: 'k', label: 'Previous node', run: () => step(-1) },
    { keys: 'n', label: 'Next item of the node', run: () => walk(1) },
    { keys: 'p', label: 'Previous item of the node', run: () => walk(-1) },
    { keys: 'o', label: 'Overview', run: () => go({ tab: 'overview' }, 'quiet') },
    { keys: 'l', label: 'Log', run: () => go({ tab: 'logs' }, 'quiet') },
    {
      keys: 'Escape',
      label: 'The run as a whole, or back to the runs',
      run: () =>
        address.compare !== null ? go({ compare: null }) : address.node !== null ? choose(null) : navigate('/runs'),
    },
  ]);

  return (
    <div className={styles['page']}>
      <div className={styles['top']}>
        <PageHeader
          title={name}
          windowTitle={`${STATUS_WORDS[run.status]}: ${name}`}
          lead={
            <>
              <Back />
              <span role="status">
                <StatusPill status={run.status} />
              </span>
            </>
          }
        >
          <Relatives detail={detail} />
          <RunActions
            detail={detail}
            chosenNode={node ?? null}
            onRerun={setWish}
            onCompare={(otherId) => go({ compare: otherId })}
          />
        </PageHeader>
        <RunFacts detail={detail} />
        {live.line === 'lost' && (
          <p className={styles['lost']} role="status">
            <Icon name="warning" size={14} />
            The line to the server broke. What is shown may be old; the page takes it up again by itself.
          </p>
        )}
      </div>
      {address.compare !== null ? (
        <RunCompare detail={detail} otherId={address.compare} onClose={() => go({ compare: null })} />
      ) : (
        <Split
          view={
            <section className={styles['view']} aria-label="What happened">
              <div className={styles['bar']}>
                <Segments<View>
                  label="View"
                  value={address.view}
                  onChange={(view) => go({ view })}
                  options={[
                    { value: 'graph', label: 'Graph', icon: 'graph', hint: 'Key 1' },
                    { value: 'waterfall', label: 'Waterfall', icon: 'clock', hint: 'Key 2' },
                    { value: 'list', label: 'List', icon: 'runs', hint: 'Key 3' },
                  ]}
                />
                <span className={styles['grow']} />
                {address.find !== '' && (
                  <Button
                    look="ghost"
                    icon="close"
                    onClick={() => go({ find: '', field: '', path: '' }, 'quiet')}
                    title="Take the mark away"
                  >
                    Match: “{address.find.slice(0, 40)}”
                  </Button>
                )}
              </div>
              <div className={styles['stage']}>
                {address.view === 'graph' && <RunGraph detail={detail} chosen={address.node} onChoose={choose} />}
                {address.view === 'waterfall' && (
                  <RunWaterfall detail={detail} chosen={address.node} onChoose={choose} />
                )}
                {address.view === 'list' && <RunList detail={detail} chosen={address.node} onChoose={choose} />}
              </div>
            </section>
          }
          inspector={
            <Inspector
              detail={detail}
              live={live.lines}
              texts={live.texts}
              address={address}
              go={go}
              onRerun={setWish}
            />
          }
        />
      )}
      {wish && <RerunDialog detail={detail} wish={wish} onClose={() => setWish(null)} />}
    </div>
  );
}

/** An address with a match of a search chooses the node and the tab where it is, once. */
function useShownHit(address: RunAddress, go: (change: Partial<RunAddress>, how: 'quiet') => void): void {
  const shown = useRef('');
  useEffect(() => {
    const key = `${address.find} ${address.field} ${address.path}`;
    if (shown.current === key) return;
    shown.current = key;
    const place = hitPlace(address);
    if (place && (place.node !== address.node || place.tab !== address.tab)) {
      go({ node: place.node, tab: place.tab }, 'quiet');
    }
  });
}

/** Pixels of the inspector: what a JSON tree can be read in, up to most of the window. */
const NARROWEST = 320;
const WIDTH_KEY = 'millrun-inspector-width';

/** Two panes with an edge between them that can be moved. */
function Split({ view, inspector }: { readonly view: React.ReactNode; readonly inspector: React.ReactNode }) {
  const [width, setWidth] = useState(() => Number(localStorage.getItem(WIDTH_KEY)) || 460);
  const box = useRef<HTMLDivElement>(null);
  const most = () => Math.max(NARROWEST, (box.current?.clientWidth ?? 1200) - 320);
  const move = (wanted: number) => {
    const next = Math.round(Math.max(NARROWEST, Math.min(most(), wanted)));
    setWidth(next);
    localStorage.setItem(WIDTH_KEY, String(next));
  };
  return (
    <div ref={box} className={styles['split']} style={{ '--inspector': `${width}px` } as React.CSSProperties}>
      {view}
      {/* biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved */}
      <div
        className={styles['edge']}
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the inspector"
        aria-valuenow={width}
        aria-valuemin={NARROWEST}
        aria-valuemax={Math.max(width, 1200)}
        tabIndex={0}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          const right = box.current?.getBoundingClientRect().right;
          if (event.currentTarget.hasPointerCapture(event.pointerId) && right !== undefined)
            move(right - event.clientX);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') move(width + 24);
          if (event.key === 'ArrowRight') move(width - 24);
        }}
      />
      {inspector}
    </div>
  );
}
