import {
  Background,
  BackgroundVariant,
  type Connection,
  type Edge,
  type EdgeChange,
  type FinalConnectionState,
  MiniMap,
  type NodeChange,
  Panel,
  ReactFlow,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { useMemo, useState } from 'react';
import type { ConnectorAddress, NodeDefinition } from '../../../../src/domain/definition.ts';
import { IconButton } from '../../components/button.tsx';
import { STATUS_WORDS } from '../../components/status.tsx';
import type { CatalogueEntry, EdgeRow } from '../../explorer-api.ts';
import styles from './canvas.module.css';
import type { Catalogue, DraftGraph } from './draft-graph.ts';
import type { Mark } from './graph-diff.ts';
import { GRID, NODE_WIDTH } from './layout.ts';
import { type CardNode, handleId, MARK_SIGNS, NodeCard, type NodeState, socketOfHandle } from './node-card.tsx';
import { refusalOf, type Socket, type Sockets, socketsOf } from './sockets.ts';

const NODE_TYPES = { card: NodeCard };

/** With fewer nodes everything is in sight anyway. */
const MAP_FROM = 16;

/** Below this nothing small can be read: names are drawn larger, and the rest is left out. */
const FAR = 0.5;

/** What drags from the palette carry. */
export const DRAGGED_TYPE = 'application/x-millrun-node';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is done on the canvas. Without it, it is to be looked at. */
export interface CanvasActions {
  readonly onMove: (positions: ReadonlyMap<string, Point>) => void;
  /** A key of no characters: one more of the family, to be named. */
  readonly onConnect: (from: ConnectorAddress, to: ConnectorAddress) => void;
  readonly onRefuse: (reason: string) => void;
  readonly onDrop: (type: string, at: Point) => void;
}

/** Where the graph meets the run, a node has a socket that nothing is connected to as a rule: it is drawn when something is. */
function drawn(
  id: string,
  entry: CatalogueEntry | undefined,
  sockets: ReadonlyMap<string, Sockets>,
  edges: DraftGraph['edges'],
): Sockets {
  const { inputs, outputs, families } = sockets.get(id) ?? {
    inputs: [],
    outputs: [],
    families: { inputs: [], outputs: [] },
  };
  return {
    inputs: entry?.role === 'input' && !edges.some(({ to }) => to.nodeId === id) ? [] : inputs,
    outputs: entry?.role === 'output' && !edges.some(({ from }) => from.nodeId === id) ? [] : outputs,
    families,
  };
}

/** The graph, drawn. */
export function Canvas({
  label,
  graph,
  catalogue,
  made,
  problems,
  states,
  edgeStates,
  marks,
  selection,
  onSelect,
  actions,
}: {
  readonly label: string;
  readonly graph: DraftGraph;
  readonly catalogue: Catalogue;
  /** Nodes as the server last read them. */
  readonly made?: ReadonlyMap<string, NodeDefinition>;
  /** How many there are of a node or an edge. */
  readonly problems?: ReadonlyMap<string, number>;
  readonly states?: ReadonlyMap<string, NodeState>;
  readonly edgeStates?: ReadonlyMap<string, EdgeRow['status']>;
  readonly marks?: ReadonlyMap<string, Mark>;
  readonly selection: ReadonlySet<string>;
  readonly onSelect: (ids: ReadonlySet<string>) => void;
  readonly actions?: CanvasActions;
}) {
  const flow = useReactFlow<CardNode>();
  const [moves, setMoves] = useState<ReadonlyMap<string, Point>>(new Map());
  const [sizes, setSizes] = useState<ReadonlyMap<string, { readonly width: number; readonly height: number }>>(
    new Map(),
  );
  const readOnly = actions === undefined;
  const isFar = useStore(({ transform }) => transform[2] < FAR);

  const sockets = useMemo(
    () => new Map(graph.nodes.map((node) => [node.id, socketsOf(node, graph.edges, catalogue, made?.get(node.id))])),
    [graph.nodes, graph.edges, catalogue, made],
  );
  // Apart from where nodes lie: while one is dragged, the others are not drawn anew.
  const cards = useMemo(
    () =>
      graph.nodes.map((node) => {
        const entry = catalogue.get(node.type);
        const count = problems?.get(node.id) ?? 0;
        const state = states?.get(node.id);
        const words = [
          `${node.name}, ${entry?.title ?? node.type}`,
          ...(count > 0 ? [`${count} ${count === 1 ? 'problem' : 'problems'}`] : []),
          ...(state && state.status !== 'pending' ? [STATUS_WORDS[state.status]] : []),
        ];
        const data: CardNode['data'] = {
          node,
          entry,
          sockets: drawn(node.id, entry, sockets, graph.edges),
          problems: count,
          state,
          mark: marks?.get(node.id),
          readOnly,
        };
        return { node, data, ariaLabel: words.join(', ') };
      }),
    [graph.nodes, graph.edges, catalogue, problems, states, sockets, marks, readOnly],
  );
  const nodes = useMemo(
    () =>
      cards.map(({ node: { id, x, y }, data, ariaLabel }): CardNode => {
        const size = sizes.get(id);
        return {
          ...{ id, type: 'card', data, ariaLabel },
          position: moves.get(id) ?? { x, y },
          selected: selection.has(id),
          ...(size && { measured: { ...size } }),
        };
      }),
    [cards, sizes, moves, selection],
  );
  const edges = useMemo(() => {
    const nameOf = (id: string) => graph.nodes.find((node) => node.id === id)?.name ?? id;
    return graph.edges
      .filter(({ from, to }) => sockets.has(from.nodeId) && sockets.has(to.nodeId) && from.connector !== '')
      .map((edge): Edge => {
        const mark = marks?.get(edge.id);
        const hasProblem = (problems?.get(edge.id) ?? 0) > 0;
        return {
          id: edge.id,
          source: edge.from.nodeId,
          sourceHandle: handleId(edge.from.connector, edge.from.key),
          target: edge.to.nodeId,
          targetHandle: handleId(edge.to.connector, edge.to.key),
          selected: selection.has(edge.id),
          ariaLabel: `From ${nameOf(edge.from.nodeId)} to ${nameOf(edge.to.nodeId)}${hasProblem ? ', with a problem' : ''}`,
          data: {},
          className: [
            mark ?? edgeStates?.get(edge.id) ?? '',
            hasProblem ? 'problem' : '',
            edge.optional ? 'optional' : '',
          ].join(' '),
          ...(mark && { label: MARK_SIGNS[mark] }),
          ...(hasProblem && { label: '!' }),
        };
      });
  }, [graph.nodes, graph.edges, sockets, selection, edgeStates, marks, problems]);

  const onNodesChange = (changes: readonly NodeChange<CardNode>[]) => {
    const nextMoves = new Map(moves);
    let hasSettled = false;
    for (const change of changes) {
      if (change.type === 'position' && change.position) {
        nextMoves.set(change.id, change.position);
        if (change.dragging !== true) hasSettled = true;
      }
    }
    const measured = changes.flatMap((change) => (change.type === 'dimensions' && change.dimensions ? [change] : []));
    if (measured.length > 0) {
      setSizes(
        (now) =>
          new Map([
            ...now,
            ...measured.flatMap(({ id, dimensions }) => (dimensions ? [[id, dimensions] as const] : [])),
          ]),
      );
    }
    if (hasSettled) {
      actions?.onMove(nextMoves);
      setMoves(new Map());
    } else if (nextMoves.size !== moves.size || changes.some(({ type }) => type === 'position')) setMoves(nextMoves);
    select(changes);
  };
  const select = (changes: readonly (NodeChange<CardNode> | EdgeChange)[]) => {
    const chosen = changes.filter((change) => change.type === 'select');
    if (chosen.length === 0) return;
    const next = new Set(selection);
    for (const { id, selected } of chosen) {
      if (selected) next.add(id);
      else next.delete(id);
    }
    onSelect(next);
  };

  const addressOf = (nodeId: string | null, handle: string | null | undefined): ConnectorAddress | null => {
    const socket = socketOfHandle(handle);
    return socket && nodeId ? { nodeId, ...socket } : null;
  };
  const typed = (address: ConnectorAddress, side: 'inputs' | 'outputs') => {
    const of = sockets.get(address.nodeId);
    const isSame = ({ connector, key }: Socket) => connector === address.connector && key === address.key;
    const found =
      of?.[side].find(isSame) ?? of?.families[side].find(({ connector }) => connector === address.connector);
    return { ...address, type: found?.type ?? ({ dataType: 'Any', isList: false } as const) };
  };
  const refusal = (from: ConnectorAddress | null, to: ConnectorAddress | null): string | null =>
    from && to ? refusalOf(graph, typed(from, 'outputs'), typed(to, 'inputs')) : 'Connect an output to an input.';
  const onConnectEnd = (_: unknown, { isValid, fromHandle, toHandle }: FinalConnectionState) => {
    if (isValid !== false || !fromHandle || !toHandle) return;
    const [source, target] = fromHandle.type === 'source' ? [fromHandle, toHandle] : [toHandle, fromHandle];
    const isPair = source.type === 'source' && target.type === 'target';
    const [from, to] = [addressOf(source.nodeId, source.id), addressOf(target.nodeId, target.id)];
    actions?.onRefuse((isPair ? refusal(from, to) : null) ?? 'Connect an output to an input.');
  };

  return (
    <section className={styles['canvas']} aria-label={label} data-far={isFar || undefined}>
      <ReactFlow<CardNode>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={select}
        onConnect={({ source, sourceHandle, target, targetHandle }: Connection) => {
          const [from, to] = [addressOf(source, sourceHandle), addressOf(target, targetHandle)];
          if (from && to) actions?.onConnect(from, to);
        }}
        isValidConnection={({ source, sourceHandle, target, targetHandle }) =>
          refusal(addressOf(source, sourceHandle), addressOf(target, targetHandle)) === null
        }
        onConnectEnd={onConnectEnd}
        onDragOver={(event) => {
          if (readOnly || !event.dataTransfer.types.includes(DRAGGED_TYPE)) return;
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
        }}
        onDrop={(event) => {
          const type = event.dataTransfer.getData(DRAGGED_TYPE);
          if (type === '') return;
          event.preventDefault();
          const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
          actions?.onDrop(type, { x: at.x - NODE_WIDTH / 2, y: at.y - 24 });
        }}
        nodesDraggable={!readOnly}
        nodesConnectable={!readOnly}
        edgesReconnectable={false}
        deleteKeyCode={null}
        selectionKeyCode="Shift"
        multiSelectionKeyCode={['Meta', 'Control']}
        snapToGrid
        snapGrid={[GRID, GRID]}
        minZoom={0.2}
        maxZoom={1.6}
        fitView
        fitViewOptions={{ padding: 0.08, maxZoom: 1 }}
        connectionRadius={24}
      >
        <Background variant={BackgroundVariant.Dots} gap={GRID * 3} size={1.5} />
        <Panel position="bottom-left">
          <div className={styles['tools']}>
            <IconButton icon="plus" label="Zoom in" onClick={() => void flow.zoomIn()} />
            <IconButton icon="minus" label="Zoom out" onClick={() => void flow.zoomOut()} />
            <IconButton icon="fit" label="Show all" onClick={() => void flow.fitView({ padding: 0.08, maxZoom: 1 })} />
          </div>
        </Panel>
        {graph.nodes.length >= MAP_FROM && (
          <MiniMap
            style={{ width: 160, height: 104 }}
            pannable
            zoomable
            ariaLabel="The whole graph"
            className={styles['map'] ?? ''}
            nodeStrokeWidth={6}
          />
        )}
      </ReactFlow>
    </section>
  );
}
