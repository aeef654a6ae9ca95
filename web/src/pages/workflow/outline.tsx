import { useState } from 'react';
import type { ConnectorAddress } from '../../../../src/domain/definition.ts';
import type { DefinitionIssue } from '../../../../src/domain/workflow.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { Input, Select } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { StatusPill } from '../../components/status.tsx';
import type { Catalogue, DraftGraph } from './draft-graph.ts';
import { iconOf, type NodeState } from './node-card.tsx';
import { keyProblem } from './node-panel.tsx';
import styles from './outline.module.css';
import { keyFor, refusalOf, type Sockets, typeText } from './sockets.ts';

/** The graph as two lists: all that can be done on the canvas, for the keyboard and for screen readers. */
export function Outline({
  graph,
  catalogue,
  sockets,
  issues,
  states,
  selection,
  readOnly,
  onSelect,
  onConnect,
  onRemove,
}: {
  readonly graph: DraftGraph;
  readonly catalogue: Catalogue;
  readonly sockets: ReadonlyMap<string, Sockets>;
  readonly issues: readonly DefinitionIssue[];
  readonly states: ReadonlyMap<string, NodeState>;
  readonly selection: ReadonlySet<string>;
  readonly readOnly: boolean;
  readonly onSelect: (ids: ReadonlySet<string>) => void;
  readonly onConnect: (from: ConnectorAddress, to: ConnectorAddress) => void;
  readonly onRemove: (ids: ReadonlySet<string>) => void;
}) {
  const nameOf = (id: string) => graph.nodes.find((node) => node.id === id)?.name ?? id;
  const socketOf = ({ nodeId, connector, key }: ConnectorAddress) => `${nameOf(nodeId)} · ${key ?? connector}`;
  const count = (id: string) => issues.filter(({ nodeId, edgeId }) => nodeId === id || edgeId === id).length;
  return (
    <div className={styles['outline']}>
      <h2 id="outline-nodes">Nodes</h2>
      <table aria-labelledby="outline-nodes">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Node</th>
            <th scope="col">Fed by</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {graph.nodes.map((node) => {
            const entry = catalogue.get(node.type);
            const state = states.get(node.id);
            const problems = count(node.id);
            const feeding = new Set(
              graph.edges.flatMap(({ from, to }) => (to.nodeId === node.id ? [nameOf(from.nodeId)] : [])),
            );
            return (
              <tr key={node.id} data-selected={selection.has(node.id) || undefined}>
                <th scope="row">
                  <button
                    type="button"
                    className={styles['open']}
                    aria-pressed={selection.has(node.id)}
                    onClick={() => onSelect(new Set([node.id]))}
                  >
                    <Icon name={iconOf(entry)} size={14} />
                    {node.name}
                  </button>
                </th>
                <td>{entry?.title ?? node.type}</td>
                <td>{[...feeding].join(', ') || '–'}</td>
                <td>
                  {problems > 0 && (
                    <span className={styles['problems']}>
                      <Icon name="warning" size={14} /> {problems} {problems === 1 ? 'problem' : 'problems'}
                    </span>
                  )}
                  {state && state.status !== 'pending' && <StatusPill status={state.status} />}
                </td>
                <td>
                  {!readOnly && (
                    <IconButton
                      icon="trash"
                      label={`Remove ${node.name}`}
                      onClick={() => onRemove(new Set([node.id]))}
                    />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <h2 id="outline-edges">Connections</h2>
      {!readOnly && graph.nodes.length > 1 && <Connect graph={graph} sockets={sockets} onConnect={onConnect} />}
      <table aria-labelledby="outline-edges">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {graph.edges.map((edge) => (
            <tr key={edge.id} data-selected={selection.has(edge.id) || undefined}>
              <th scope="row">
                <button
                  type="button"
                  className={styles['open']}
                  aria-pressed={selection.has(edge.id)}
                  onClick={() => onSelect(new Set([edge.id]))}
                >
                  {socketOf(edge.from)}
                </button>
              </th>
              <td>{socketOf(edge.to)}</td>
              <td>
                {count(edge.id) > 0 && (
                  <span className={styles['problems']}>
                    <Icon name="warning" size={14} /> does not fit
                  </span>
                )}
              </td>
              <td>
                {!readOnly && (
                  <IconButton
                    icon="trash"
                    label={`Remove the connection from ${socketOf(edge.from)} to ${socketOf(edge.to)}`}
                    onClick={() => onRemove(new Set([edge.id]))}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Joins an output with an input, and says why two do not go together. */
function Connect({
  graph,
  sockets,
  onConnect,
}: {
  readonly graph: DraftGraph;
  readonly sockets: ReadonlyMap<string, Sockets>;
  readonly onConnect: (from: ConnectorAddress, to: ConnectorAddress) => void;
}) {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [key, setKey] = useState<string | null>(null);
  const outputs = graph.nodes.flatMap((node) =>
    (sockets.get(node.id)?.outputs ?? []).map((socket) => ({
      address: { nodeId: node.id, connector: socket.connector, key: socket.key },
      label: `${node.name} · ${socket.label}`,
      type: socket.type,
    })),
  );
  const inputs = graph.nodes.flatMap((node) => {
    const own = sockets.get(node.id);
    const plain = (own?.inputs ?? []).map((socket) => ({
      address: { nodeId: node.id, connector: socket.connector, key: socket.key },
      label: `${node.name} · ${socket.label}`,
      type: socket.type,
    }));
    const more = (own?.families.inputs ?? []).map((family) => ({
      address: { nodeId: node.id, connector: family.connector, key: '' },
      label: `${node.name} · new among ${family.label.toLowerCase()}`,
      type: family.type,
    }));
    return [...plain, ...more];
  });
  const idOf = (address: ConnectorAddress) => JSON.stringify(address);
  const output = outputs.find(({ address }) => idOf(address) === from);
  const input = inputs.find(({ address }) => idOf(address) === to);
  const isNew = input?.address.key === '';
  const name = key ?? (output ? keyFor(graph, output.address) : '');
  const taken = isNew
    ? (sockets.get(input.address.nodeId)?.inputs ?? []).flatMap((socket) =>
        socket.connector === input.address.connector && socket.key !== null ? [socket.key] : [],
      )
    : [];
  const refusal =
    output && input
      ? (refusalOf(graph, { ...output.address, type: output.type }, { ...input.address, type: input.type }) ??
        (isNew ? keyProblem(name, taken) : null))
      : null;
  return (
    <form
      className={styles['connect']}
      aria-label="Connect"
      onSubmit={(event) => {
        event.preventDefault();
        if (!output || !input || refusal !== null) return;
        onConnect(output.address, isNew ? { ...input.address, key: name } : input.address);
        setTo('');
        setKey(null);
      }}
    >
      <Select aria-label="From" value={from} onChange={({ target }) => setFrom(target.value)}>
        <option value="">From an output…</option>
        {outputs.map(({ address, label, type }) => (
          <option key={idOf(address)} value={idOf(address)}>
            {label} ({typeText(type)})
          </option>
        ))}
      </Select>
      <Icon name="arrow-right" size={14} />
      <Select aria-label="To" value={to} onChange={({ target }) => setTo(target.value)}>
        <option value="">To an input…</option>
        {inputs.map(({ address, label, type }) => (
          <option key={idOf(address)} value={idOf(address)}>
            {label} ({typeText(type)})
          </option>
        ))}
      </Select>
      {isNew && (
        <Input
          aria-label="Name of the new input"
          className={styles['key'] ?? ''}
          value={name}
          onChange={({ target }) => setKey(target.value)}
        />
      )}
      <Button type="submit" disabled={!output || !input || refusal !== null}>
        Connect
      </Button>
      <p role="status" className={styles['refusal']}>
        {refusal}
      </p>
    </form>
  );
}
