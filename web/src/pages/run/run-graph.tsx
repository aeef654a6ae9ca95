import '@xyflow/react/dist/base.css';
import {
  type Edge,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Panel,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { EdgeDefinition } from '../../../../src/domain/definition.ts';
import { isTerminal } from '../../../../src/domain/run.ts';
import { Badge } from '../../components/badge.tsx';
import { IconButton } from '../../components/button.tsx';
import { durationText, useNow } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import type { EdgeRow, NodeRow, RunDetail } from '../../explorer-api.ts';
import { NODE_HEIGHT, NODE_WIDTH, placesOf } from './graph-layout.ts';
import { holderOf, spentMs } from './node-rows.ts';
import { NodeStatusIcon, nodeStatusWord, statusOf } from './node-status.tsx';
import styles from './run-graph.module.css';

interface StepData extends Record<string, unknown> {
  readonly name: string;
  readonly type: string;
  /** Null for a node that takes no part in this run. */
  readonly row: NodeRow | null;
  readonly isChosen: boolean;
}

type StepNode = Node<StepData, 'step'>;

/** The zoom below which nodes cannot be read: a graph that is larger begins at a part of it. */
const LEGIBLE = 0.7;

/** Pixels around the graph. */
const MARGIN = 32;

const FIT = { padding: 0.1, maxZoom: 1 };

const NODE_TYPES = { step: memo(Step) };

/** The frozen definition with what its nodes and edges are in. */
export function RunGraph(props: {
  readonly detail: RunDetail;
  readonly chosen: string | null;
  readonly onChoose: (nodeId: string | null) => void;
}) {
  return (
    <ReactFlowProvider>
      <Graph {...props} />
    </ReactFlowProvider>
  );
}

function Graph({
  detail,
  chosen,
  onChoose,
}: {
  readonly detail: RunDetail;
  readonly chosen: string | null;
  readonly onChoose: (nodeId: string | null) => void;
}) {
  const { definition, document } = detail.version;
  const places = useMemo(() => placesOf(definition, document), [definition, document]);
  const chosenNode = chosen === null ? null : (holderOf(chosen) ?? chosen);
  const nodes = useMemo((): StepNode[] => {
    const rows = new Map(detail.nodes.map((row) => [row.nodeId, row]));
    return definition.nodes.map(({ id, name, type }) => ({
      id,
      type: 'step',
      position: places.get(id) ?? { x: 0, y: 0 },
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      data: { name, type, row: rows.get(id) ?? null, isChosen: id === chosenNode },
    }));
  }, [definition, detail.nodes, places, chosenNode]);
  const isOver = isTerminal(detail.run.status);
  const edges = useMemo((): Edge[] => {
    const statuses = new Map(detail.edges.map(({ id, status }) => [id, status]));
    const touching = ({ from, to }: EdgeDefinition) => from.nodeId === chosenNode || to.nodeId === chosenNode;
    // Those of the chosen node come last, above the others and below the nodes.
    const inOrder = definition.edges.toSorted((one, other) => Number(touching(one)) - Number(touching(other)));
    return inOrder.map((edge) => {
      const { id, from, to, orderOnly } = edge;
      const told: EdgeRow['status'] = statuses.get(id) ?? 'pending';
      // Nothing goes on in a run that is over, whatever its edges were in at that moment.
      const status = told === 'active' && isOver ? 'pending' : told;
      const touches = touching(edge);
      return {
        id,
        source: from.nodeId,
        target: to.nodeId,
        className: [styles['edge'], styles[status], orderOnly && styles['order'], touches && styles['touches']]
          .filter(Boolean)
          .join(' '),
      };
    });
  }, [definition, detail.edges, chosenNode, isOver]);
  const flow = useReactFlow();
  const surface = useRef<HTMLDivElement>(null);
  const [isLarge, setLarge] = useState(false);

  /** All of it where it can be read so; otherwise where the eye belongs: what is chosen, what failed, what is going on, or the beginning. */
  const showFirst = () => {
    const box = surface.current?.getBoundingClientRect();
    if (!box) return;
    const bounds = flow.getNodesBounds(nodes);
    const fits = Math.min(box.width / (bounds.width + 2 * MARGIN), box.height / (bounds.height + 2 * MARGIN));
    setLarge(fits < LEGIBLE);
    if (fits >= LEGIBLE) return void flow.fitView(FIT);
    const eye =
      nodes.find(({ id }) => id === chosenNode) ??
      nodes.find(({ data }) => data.row?.status === 'failed') ??
      nodes.find(({ data }) => data.row?.status === 'waiting' || data.row?.status === 'running');
    const at = eye?.position ?? { x: bounds.x, y: bounds.y + bounds.height / 2 };
    // The eye in the middle, but no more empty ground at the edges than there must be.
    const placed = (middle: number, size: number, first: number, length: number) => {
      const [end, begin] = [size - MARGIN - (first + length) * LEGIBLE, MARGIN - first * LEGIBLE];
      return end > begin ? (end + begin) / 2 : Math.max(end, Math.min(begin, size / 2 - middle * LEGIBLE));
    };
    void flow.setViewport({
      x: placed(at.x + NODE_WIDTH / 2, box.width, bounds.x, bounds.width),
      y: placed(at.y + NODE_HEIGHT / 2, box.height, bounds.y, bounds.height),
      zoom: LEGIBLE,
    });
  };

  useEffect(() => {
    if (chosenNode === null) return;
    // After the first fit: a chosen node that is out of sight is brought into it, and one in sight stays where it is.
    const timer = setTimeout(() => {
      const place = places.get(chosenNode);
      const box = surface.current?.getBoundingClientRect();
      if (!place || !box) return;
      const { x, y, zoom } = flow.getViewport();
      const [left, top] = [place.x * zoom + x, place.y * zoom + y];
      const isSeen =
        left >= 0 && top >= 0 && left + NODE_WIDTH * zoom <= box.width && top + NODE_HEIGHT * zoom <= box.height;
      if (!isSeen)
        void flow.setCenter(place.x + NODE_WIDTH / 2, place.y + NODE_HEIGHT / 2, { zoom: Math.max(zoom, 0.7) });
    }, 60);
    return () => clearTimeout(timer);
  }, [chosenNode, places, flow]);

  /** Arrow keys go to the nearest node that way. */
  const onKeyDown = (event: React.KeyboardEvent) => {
    const way = WAYS[event.key];
    const here = (event.target as Element).closest('[data-node]')?.getAttribute('data-node');
    const from = here ? places.get(here) : undefined;
    if (!way || !from) return;
    event.preventDefault();
    event.stopPropagation();
    let nearest: { readonly id: string; readonly distance: number } | null = null;
    for (const [id, { x, y }] of places) {
      const [dx, dy] = [x - from.x, y - from.y];
      const along = dx * way.x + dy * way.y;
      if (along <= 0) continue;
      const aside = Math.abs(dx * way.y) + Math.abs(dy * way.x);
      const distance = along + 2 * aside;
      if (nearest === null || distance < nearest.distance) nearest = { id, distance };
    }
    if (nearest) surface.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(nearest.id)}"]`)?.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the nodes in it
    <div ref={surface} className={styles['surface']} onKeyDown={onKeyDown}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onInit={showFirst}
        minZoom={0.1}
        maxZoom={1.75}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        disableKeyboardA11y
        proOptions={{ hideAttribution: true }}
        onNodeClick={(_, { id }) => onChoose(id)}
        onPaneClick={() => onChoose(null)}
        aria-label="Graph of the run"
      >
        <Panel position="bottom-left" className={styles['controls'] ?? ''}>
          <IconButton icon="plus" label="Zoom in" onClick={() => void flow.zoomIn()} />
          <IconButton icon="minus" label="Zoom out" onClick={() => void flow.zoomOut()} />
          <IconButton icon="fit" label="Show all of it" onClick={() => void flow.fitView(FIT)} />
        </Panel>
        {isLarge && (
          <MiniMap
            className={styles['map'] ?? ''}
            ariaLabel="Map of the graph"
            position="bottom-right"
            pannable
            zoomable
            nodeClassName={({ data }) => styles[mapClass(data as StepData)] ?? ''}
          />
        )}
      </ReactFlow>
    </div>
  );
}

const WAYS: Readonly<Record<string, { readonly x: number; readonly y: number }>> = {
  ArrowRight: { x: 1, y: 0 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowDown: { x: 0, y: 1 },
  ArrowUp: { x: 0, y: -1 },
};

/** Below this zoom words cannot be read: only names are drawn. */
const READABLE = 0.45;

function mapClass({ row, isChosen }: StepData): string {
  if (isChosen) return 'map-chosen';
  const status = row?.status ?? 'pending';
  return status === 'failed' || status === 'succeeded' || status === 'running' || status === 'waiting'
    ? `map-${status}`
    : 'map-other';
}

function Step({ id, data: { name, type, row, isChosen } }: NodeProps<StepNode>) {
  const isFar = useStore(({ transform }) => transform[2] < READABLE);
  const status = row?.status ?? null;
  const iterates = row?.iterates === true && row.totalIterations > 0;
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} className={styles['handle'] ?? ''} />
      <button
        type="button"
        className={styles['node']}
        data-node={id}
        data-status={status === null ? undefined : statusOf(status)}
        data-apart={status === null || status === 'pending' || undefined}
        aria-pressed={isChosen}
        tabIndex={0}
      >
        <span className={styles['line']}>
          {status !== null && <NodeStatusIcon status={status} size={14} />}
          <span className={styles['name']}>{name}</span>
          {row !== null && row.warnings.length > 0 && (
            <span className={styles['warned']}>
              <Icon name="warning" size={12} />
              <span className="unseen">{row.warnings.length} warnings</span>
            </span>
          )}
        </span>
        {!isFar && (
          <span className={styles['line']}>
            <span className={styles['type']}>{type.replace(/Node$/, '')}</span>
            {row !== null && row.attempts > 1 && !iterates && <Badge tone="warn">{row.attempts} tries</Badge>}
            {iterates && (
              <Badge>
                {row.currentIteration}/{row.totalIterations}
              </Badge>
            )}
            <span className={styles['time']}>
              {row === null ? 'not in this run' : status === 'pending' ? 'not reached' : <Spent row={row} />}
            </span>
          </span>
        )}
        <span className="unseen">{status === null ? 'Not in this run' : nodeStatusWord(status)}</span>
        {iterates && (
          <span className={styles['share']} aria-hidden="true">
            <span style={{ width: `${(100 * row.currentIteration) / row.totalIterations}%` }} />
          </span>
        )}
      </button>
      <Handle type="source" position={Position.Right} isConnectable={false} className={styles['handle'] ?? ''} />
    </>
  );
}

function Spent({ row }: { readonly row: NodeRow }) {
  const ms = spentMs(row, useNow());
  return ms === null ? null : <span className="figures">{durationText(ms)}</span>;
}
