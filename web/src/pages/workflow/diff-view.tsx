import { ReactFlowProvider } from '@xyflow/react';
import { useMemo, useState } from 'react';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { Canvas } from './canvas.tsx';
import styles from './diff-view.module.css';
import type { Catalogue, DraftGraph } from './draft-graph.ts';
import { type GraphDiff, graphDiff, type Mark } from './graph-diff.ts';
import { MARK_SIGNS } from './node-card.tsx';

const NOTHING: ReadonlySet<string> = new Set();

/** What changed between two definitions: drawn, and told. */
export function DiffView({
  before,
  after,
  catalogue,
  withCanvas = true,
}: {
  readonly before: DraftGraph;
  readonly after: DraftGraph;
  readonly catalogue: Catalogue;
  readonly withCanvas?: boolean;
}) {
  const diff = useMemo(() => graphDiff(before, after), [before, after]);
  const [selection, setSelection] = useState<ReadonlySet<string>>(NOTHING);
  const marks = useMemo(() => marksOf(diff), [diff]);
  if (diff.nodes.length + diff.edges.length === 0) {
    return <p className={styles['same']}>Both are the same, apart from where nodes lie.</p>;
  }
  return (
    <div className={styles['diff']} data-canvas={withCanvas || undefined}>
      {withCanvas && (
        <ReactFlowProvider>
          <Canvas
            label="What changed, drawn"
            graph={diff.union}
            catalogue={catalogue}
            marks={marks}
            selection={selection}
            onSelect={setSelection}
          />
        </ReactFlowProvider>
      )}
      <Told diff={diff} onSelect={(id) => setSelection(new Set([id]))} />
    </div>
  );
}

function Told({ diff, onSelect }: { readonly diff: GraphDiff; readonly onSelect: (id: string) => void }) {
  const nameOf = (id: string) => diff.union.nodes.find((node) => node.id === id)?.name ?? id;
  return (
    <ul className={styles['told']} aria-label="What changed">
      {diff.nodes.map(({ node, mark, settings }) => (
        <li key={node.id} data-mark={mark}>
          <button type="button" className={styles['what']} onClick={() => onSelect(node.id)}>
            <Sign mark={mark} /> <strong>{node.name}</strong>
          </button>
          {settings.map(({ name, before, after }) => (
            <div key={name} className={styles['setting']}>
              <span className={styles['name']}>{name}</span>
              {before !== undefined && (
                <pre data-mark="removed">
                  <span aria-hidden="true">− </span>
                  <span className="unseen">before: </span>
                  {shown(before)}
                </pre>
              )}
              {after !== undefined && (
                <pre data-mark="added">
                  <span aria-hidden="true">+ </span>
                  <span className="unseen">after: </span>
                  {shown(after)}
                </pre>
              )}
            </div>
          ))}
        </li>
      ))}
      {diff.edges.map(({ edge: { id, from, to }, mark }) => (
        <li key={`${mark} ${id}`} data-mark={mark}>
          <span className={styles['what']}>
            <Sign mark={mark} /> {nameOf(from.nodeId)} · {from.key ?? from.connector} → {nameOf(to.nodeId)} ·{' '}
            {to.key ?? to.connector}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Sign({ mark }: { readonly mark: Mark }) {
  return (
    <span className={styles['sign']} data-mark={mark}>
      <span aria-hidden="true">{MARK_SIGNS[mark]}</span>
      <span className="unseen">{mark}</span>
    </span>
  );
}

function marksOf(diff: GraphDiff): ReadonlyMap<string, Mark> {
  const byEdge = new Map(diff.union.edges.map((edge) => [edge, edge.id]));
  const marks = new Map<string, Mark>(diff.nodes.map(({ node, mark }) => [node.id, mark]));
  for (const { edge, mark } of diff.edges) {
    const drawn = byEdge.get(edge) ?? `${edge.id} (removed)`;
    marks.set(drawn, mark);
  }
  return marks;
}

function shown(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
