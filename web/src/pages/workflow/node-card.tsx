import { Handle, type Node, type NodeProps, Position, useUpdateNodeInternals } from '@xyflow/react';
import { memo, useEffect, useRef } from 'react';
import { Icon, type IconName } from '../../components/icon.tsx';
import { STATUS_WORDS, type Status, StatusIcon } from '../../components/status.tsx';
import type { CatalogueEntry } from '../../explorer-api.ts';
import type { DraftNode } from './draft-graph.ts';
import type { Mark } from './graph-diff.ts';
import styles from './node-card.module.css';
import { type Family, type Side, type Socket, type Sockets, typeText } from './sockets.ts';

/** How a node stands in the run that tries it. */
export interface NodeState {
  readonly status: Status | 'pending';
  readonly passes: string | null;
}

export type CardNode = Node<
  {
    readonly node: DraftNode;
    readonly entry: CatalogueEntry | undefined;
    readonly sockets: Sockets;
    readonly problems: number;
    readonly state: NodeState | undefined;
    readonly mark: Mark | undefined;
    readonly readOnly: boolean;
  },
  'card'
>;

/** The drawing of a kind of node. */
const CATEGORY_ICONS: Readonly<Record<string, IconName>> = {
  core: 'arrow-right',
  ai: 'meaning',
  flow: 'graph',
  data_ops: 'sliders',
  files: 'download',
  web: 'external',
  code: 'exact',
  models: 'cube',
  agents: 'person',
  subflows: 'runs',
};

export const iconOf = (entry: CatalogueEntry | undefined): IconName =>
  entry?.role === 'output' ? 'leave' : (CATEGORY_ICONS[entry?.category ?? ''] ?? 'bolt');

/** The sign of a change, since its colour alone says nothing to some. */
export const MARK_SIGNS: Readonly<Record<Mark, string>> = { added: '+', removed: '−', changed: '~' };

/**
 * The id of a handle: the socket it stands for. A key of no characters: one more of the family. Without quotes, since React Flow writes ids into selectors
 * as they are.
 */
export const handleId = (connector: string, key: string | null): string =>
  key === null ? encodeURIComponent(connector) : `${encodeURIComponent(connector)}:${encodeURIComponent(key)}`;

export function socketOfHandle(id: string | null | undefined): { connector: string; key: string | null } | null {
  if (!id) return null;
  const [connector = '', key] = id.split(':').map(decodeURIComponent);
  return { connector, key: key ?? null };
}

/** A node on the canvas, with a handle for each of its sockets. */
export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<CardNode>) {
  const { node, entry, sockets, problems, state, mark, readOnly } = data;
  const update = useUpdateNodeInternals();
  const handles = [...sockets.inputs, ...sockets.outputs].map(({ connector, key }) => `${connector} ${key}`).join('|');
  const known = useRef(handles);
  useEffect(() => {
    // At first React Flow measures by itself, all nodes at once.
    if (known.current === handles) return;
    known.current = handles;
    update(id);
  }, [handles, id, update]);
  return (
    <div
      className={styles['card']}
      data-selected={selected || undefined}
      data-mark={mark}
      data-state={state?.status}
      data-problems={problems > 0 || undefined}
    >
      <div className={styles['head']}>
        <span className={styles['kind']}>
          <Icon name={iconOf(entry)} size={14} />
        </span>
        <span className={styles['names']}>
          <span className={styles['name']} title={node.name}>
            {node.name}
          </span>
          <span className={styles['type']}>{entry?.title ?? node.type}</span>
        </span>
        {mark && (
          <span className={styles['sign']}>
            {MARK_SIGNS[mark]}
            <span className="unseen">{mark}</span>
          </span>
        )}
        {problems > 0 && (
          <span className={styles['problems']}>
            <Icon name="warning" size={14} />
            {problems}
            <span className="unseen">{problems === 1 ? 'problem' : 'problems'}</span>
          </span>
        )}
        {state && state.status !== 'pending' && (
          <span className={styles['state']} title={STATUS_WORDS[state.status]}>
            {state.passes !== null && <span className={styles['passes']}>{state.passes}</span>}
            <StatusIcon status={state.status} size={16} />
          </span>
        )}
      </div>
      <div className={styles['sockets']}>
        <SocketList side="inputs" sockets={sockets.inputs} families={readOnly ? [] : sockets.families.inputs} />
        <SocketList side="outputs" sockets={sockets.outputs} families={readOnly ? [] : sockets.families.outputs} />
      </div>
    </div>
  );
});

function SocketList({
  side,
  sockets,
  families,
}: {
  readonly side: Side;
  readonly sockets: readonly Socket[];
  readonly families: readonly Family[];
}) {
  const [type, position] =
    side === 'inputs' ? (['target', Position.Left] as const) : (['source', Position.Right] as const);
  return (
    <ul data-side={side}>
      {sockets.map(({ connector, key, label, type: valueType, optional, isUnknown }) => (
        <li
          key={handleId(connector, key)}
          title={`${label}: ${typeText(valueType)}${side === 'inputs' ? (optional ? ', may be left out' : ', needed') : ''}`}
          data-error={connector === 'on_error' || undefined}
          data-unknown={isUnknown || undefined}
        >
          <Handle
            type={type}
            position={position}
            id={handleId(connector, key)}
            className={styles['handle'] ?? ''}
            data-type={valueType.dataType}
            data-needed={(side === 'inputs' && !optional) || undefined}
          />
          <span className={styles['label']}>{label}</span>
        </li>
      ))}
      {families.map(({ connector, label }) => (
        <li key={connector} title={`${label}: connect here to add one`} data-more>
          <Handle
            type={type}
            position={position}
            id={handleId(connector, '')}
            className={styles['handle'] ?? ''}
            data-more
          />
          <span className={styles['label']}>+ {label.toLowerCase()}</span>
        </li>
      ))}
    </ul>
  );
}
