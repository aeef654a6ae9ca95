import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ConnectorAddress } from '../../../../src/domain/definition.ts';
import { isJsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import type { DefinitionIssue } from '../../../../src/domain/workflow.ts';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { Field, Input, Select } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { api, type CatalogueField } from '../../explorer-api.ts';
import { ConfigField } from './config-field.tsx';
import {
  type Catalogue,
  type DraftGraph,
  type DraftNode,
  withEdge,
  withKey,
  withNode,
  without,
} from './draft-graph.ts';
import { handleId } from './node-card.tsx';
import styles from './panel.module.css';
import { type Family, refusalOf, type Side, type Socket, type Sockets, typeText } from './sockets.ts';
import { referencesIn } from './template-field.tsx';

type Change = (change: (graph: DraftGraph) => DraftGraph, tag?: string) => void;

/** All that can be set on one node: its name, what is connected, its configuration. */
export function NodePanel({
  node,
  graph,
  catalogue,
  sockets,
  issues,
  models,
  onChange,
  onTry,
  onDuplicate,
  onRemove,
}: {
  readonly node: DraftNode;
  readonly graph: DraftGraph;
  readonly catalogue: Catalogue;
  /** Of every node, by its id. */
  readonly sockets: ReadonlyMap<string, Sockets>;
  readonly issues: readonly DefinitionIssue[];
  readonly models: readonly string[];
  readonly onChange: Change;
  readonly onTry: () => void;
  readonly onDuplicate: () => void;
  readonly onRemove: () => void;
}) {
  const entry = catalogue.get(node.type);
  const own = sockets.get(node.id);
  const keys = own?.inputs.flatMap(({ key }) => (key === null ? [] : [key])) ?? [];
  const set = (name: string, value: JsonValue | undefined) =>
    onChange(
      (now) =>
        withNode(now, node.id, (changed) => {
          const { [name]: _, ...others } = changed.config;
          return { ...changed, config: value === undefined ? others : { ...others, [name]: value } };
        }),
      `${node.id} ${name}`,
    );
  const fields = Object.entries(entry?.config ?? {});
  const unknown = Object.keys(node.config).filter((name) => !fields.some(([known]) => known === name));
  const family = own?.families.inputs[0];
  const unconnected = family ? referencesIn(JSON.stringify(node.config)).filter((name) => !keys.includes(name)) : [];
  const problemOf = (name: string) =>
    issues.find(({ message, type }) => type.endsWith('_config') && message.includes(`"${name}"`))?.message ?? null;
  const setting = ([name, field]: readonly [string, CatalogueField]) => (
    <ConfigField
      key={name}
      name={name}
      field={field}
      value={node.config[name]}
      keys={keys}
      models={models}
      problem={problemOf(name)}
      onChange={(value) => set(name, value)}
    />
  );
  const asked = fields.find(([, { display }]) => isJsonObject(display) && display['type'] === 'workflow');
  const subflow = asked && node.config[asked[0]];
  const addKeys = (side: Side, connector: string, names: readonly string[]) =>
    onChange(
      (now) => names.reduce((grown, name) => withKey(grown, node.id, side, connector, name, true), now),
      `${node.id} keys`,
    );
  const plain = fields.filter(([, { advanced }]) => !advanced);
  const advanced = fields.filter(([, field]) => field.advanced);
  return (
    <div className={styles['panel']}>
      <div className={styles['actions']}>
        <Button icon="play" onClick={onTry}>
          Try this node
        </Button>
        <span className={styles['grow']} />
        <IconButton icon="copy" label="Duplicate" keys="mod+d" onClick={onDuplicate} />
        <IconButton icon="trash" label="Remove the node" keys="Delete" onClick={onRemove} />
      </div>
      <Issues issues={issues} />
      <Field label="Name">
        {(attributes) => (
          <Input
            {...attributes}
            value={node.name}
            onChange={({ target }) =>
              onChange(
                (now) => withNode(now, node.id, (changed) => ({ ...changed, name: target.value })),
                `${node.id} name`,
              )
            }
          />
        )}
      </Field>
      <p className={styles['about']}>
        {entry ? entry.description : `This server has no node of the type ${node.type}.`}
      </p>
      {own && (own.inputs.length > 0 || own.families.inputs.length > 0) && entry?.role !== 'input' && (
        <section aria-label="Inputs" className={styles['part']}>
          <h2>Inputs</h2>
          {own.inputs.map((socket) => (
            <InputRow
              key={handleId(socket.connector, socket.key)}
              node={node}
              socket={socket}
              graph={graph}
              sockets={sockets}
              onChange={onChange}
            />
          ))}
          {unconnected.map((name) => (
            <p key={name} className={styles['missing']}>
              <Icon name="warning" size={14} />
              <span>
                <code>(({name}))</code> is written, and no input has that name.
              </span>
              <Button
                onClick={() =>
                  family && onChange((now) => withKey(now, node.id, 'inputs', family.connector, name, true))
                }
              >
                Add it
              </Button>
            </p>
          ))}
          {own.families.inputs.map((one) => (
            <NewKey
              key={one.connector}
              family={one}
              taken={keys}
              onAdd={(key) => onChange((now) => withKey(now, node.id, 'inputs', one.connector, key, true))}
            />
          ))}
        </section>
      )}
      {own?.families.outputs.map((one) => {
        const taken = own.outputs
          .filter(({ connector }) => connector === one.connector)
          .flatMap(({ key }) => (key === null ? [] : [key]));
        return (
          <section key={one.connector} aria-label="Outputs" className={styles['part']}>
            <h2>Outputs</h2>
            {taken.map((key) => (
              <KeyRow
                key={key}
                name={key}
                onRemove={() => onChange((now) => withKey(now, node.id, 'outputs', one.connector, key, false))}
              />
            ))}
            <NewKey
              family={one}
              taken={taken}
              onAdd={(key) => onChange((now) => withKey(now, node.id, 'outputs', one.connector, key, true))}
            />
          </section>
        );
      })}
      {own && typeof subflow === 'string' && subflow !== '' && (
        <SubflowKeys workflowId={subflow} sockets={own} catalogue={catalogue} onAdd={addKeys} />
      )}
      {plain.length > 0 && (
        <section aria-label="Settings" className={styles['part']}>
          <h2>Settings</h2>
          {plain.map(setting)}
        </section>
      )}
      {(advanced.length > 0 || unknown.length > 0) && (
        <details className={styles['more']} open={advanced.some(([name]) => name in node.config)}>
          <summary>More settings</summary>
          <div className={styles['part']}>
            {advanced.map(setting)}
            {unknown.map((name) => (
              <KeyRow
                key={name}
                name={`${name}, which this node does not read`}
                onRemove={() => set(name, undefined)}
              />
            ))}
          </div>
        </details>
      )}
      <p className={styles['about']}>
        id <code>{node.id}</code> · <code>{node.type}</code>
      </p>
    </div>
  );
}

/** An input, and what feeds it: choosing connects. */
function InputRow({
  node,
  socket,
  graph,
  sockets,
  onChange,
}: {
  readonly node: DraftNode;
  readonly socket: Socket;
  readonly graph: DraftGraph;
  readonly sockets: ReadonlyMap<string, Sockets>;
  readonly onChange: Change;
}) {
  const to: ConnectorAddress = { nodeId: node.id, connector: socket.connector, key: socket.key };
  const isHere = (address: ConnectorAddress) =>
    address.nodeId === to.nodeId && address.connector === to.connector && address.key === to.key;
  const feeding = graph.edges.filter((edge) => isHere(edge.to));
  const [first] = feeding;
  const unfed = { ...graph, edges: graph.edges.filter((edge) => edge !== first) };
  const choices = graph.nodes.flatMap((other) =>
    (sockets.get(other.id)?.outputs ?? []).map((output) => {
      const from = { nodeId: other.id, connector: output.connector, key: output.key };
      const refusal = refusalOf(unfed, { ...from, type: output.type }, { ...to, type: socket.type });
      return { from, refusal, label: `${other.name} · ${output.label}`, type: output.type };
    }),
  );
  const idOf = (from: ConnectorAddress) => JSON.stringify([from.nodeId, from.connector, from.key]);
  const connect = (chosen: string) =>
    onChange((now) => {
      const cleared = first ? without(now, new Set([first.id])) : now;
      const choice = choices.find(({ from }) => idOf(from) === chosen);
      return choice ? withEdge(cleared, choice.from, to) : cleared;
    });
  const canName = `${socket.label}: ${typeText(socket.type)}`;
  return (
    <div className={styles['input']}>
      <div className={styles['input-head']}>
        <span className={styles['socket']}>{socket.label}</span>
        <Badge>{typeText(socket.type)}</Badge>
        {!socket.optional && <span className={styles['needed']}>needed</span>}
        <span className={styles['grow']} />
        {socket.key !== null && (
          <IconButton
            icon="close"
            label={`Remove the input ${socket.label}`}
            onClick={() =>
              onChange((now) => withKey(now, node.id, 'inputs', socket.connector, socket.key ?? '', false))
            }
          />
        )}
      </div>
      <Select
        aria-label={`${canName}, connected with`}
        value={first ? idOf(first.from) : ''}
        onChange={({ target }) => connect(target.value)}
      >
        <option value="">Not connected</option>
        {first && !choices.some(({ from }) => idOf(from) === idOf(first.from)) && (
          <option value={idOf(first.from)}>{first.from.nodeId}</option>
        )}
        {choices
          .filter(
            ({ from, refusal }) => from.nodeId !== node.id && (refusal === null || !refusal.startsWith('That would')),
          )
          .map(({ from, refusal, label, type }) => (
            <option key={idOf(from)} value={idOf(from)} disabled={refusal !== null}>
              {refusal === null ? label : `${label} (${typeText(type)} does not fit)`}
            </option>
          ))}
      </Select>
      {feeding.length > 1 && <p className={styles['about']}>and {feeding.length - 1} more, listed under List.</p>}
    </div>
  );
}

/** Offers the inputs and outputs of the workflow that a node runs, which its own go by. */
function SubflowKeys({
  workflowId,
  sockets,
  catalogue,
  onAdd,
}: {
  readonly workflowId: string;
  readonly sockets: Sockets;
  readonly catalogue: Catalogue;
  readonly onAdd: (side: Side, connector: string, names: readonly string[]) => void;
}) {
  const { data } = useQuery({
    queryKey: ['workflow', workflowId, 'subflow'],
    queryFn: ({ signal }) => api.workflows.read(workflowId, { signal }),
  });
  if (!data) return null;
  const labels = data.definition.nodes
    .filter(({ type }) => catalogue.get(type)?.role === 'output')
    .map(({ id, config: { label } }) => (typeof label === 'string' && label !== '' ? label : id));
  const names: Readonly<Record<Side, readonly string[]>> = {
    inputs: data.inputs.map(({ name }) => name),
    outputs: labels,
  };
  return (['inputs', 'outputs'] as const).map((side) => {
    const [family] = sockets.families[side];
    const missing = names[side].filter((name) => !sockets[side].some(({ key }) => key === name));
    if (!family || missing.length === 0) return null;
    return (
      <p key={side} className={styles['missing']}>
        <Icon name="info" size={14} />
        <span>
          Its {side}: {missing.join(', ')}.
        </span>
        <Button onClick={() => onAdd(side, family.connector, missing)}>{`Add its ${side}`}</Button>
      </p>
    );
  });
}

function KeyRow({ name, onRemove }: { readonly name: string; readonly onRemove: () => void }) {
  return (
    <div className={styles['input-head']}>
      <span className={styles['socket']}>{name}</span>
      <span className={styles['grow']} />
      <IconButton icon="close" label={`Remove ${name}`} onClick={onRemove} />
    </div>
  );
}

/** Typing a name gives a family of sockets one more. */
function NewKey({
  family,
  taken,
  onAdd,
}: {
  readonly family: Family;
  readonly taken: readonly string[];
  readonly onAdd: (key: string) => void;
}) {
  const [key, setKey] = useState('');
  const refusal = keyProblem(key, taken);
  return (
    <form
      className={styles['new-key']}
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() === '' || refusal !== null) return;
        onAdd(key.trim());
        setKey('');
      }}
    >
      <Input
        aria-label={`New name among ${family.label}`}
        placeholder={`Name of a new one (${family.label.toLowerCase()})`}
        value={key}
        aria-invalid={refusal !== null || undefined}
        title={refusal ?? undefined}
        onChange={({ target }) => setKey(target.value)}
      />
      <Button type="submit" icon="plus" disabled={key.trim() === '' || refusal !== null}>
        Add
      </Button>
    </form>
  );
}

/** Why a key cannot be used; null when it can. */
export function keyProblem(key: string, taken: readonly string[]): string | null {
  if (taken.includes(key.trim())) return 'There is one of that name already.';
  if (key.includes('::')) return 'A name cannot hold "::", which parts it from its connector.';
  if (/[()]/.test(key)) return 'A name cannot hold brackets, since templates write it as ((Name)).';
  return null;
}

/** What the server says is wrong, and what to do about it. */
export function Issues({ issues }: { readonly issues: readonly DefinitionIssue[] }) {
  if (issues.length === 0) return null;
  return (
    <ul className={styles['issues']} aria-label="Problems">
      {issues.map(({ message, hint }) => (
        <li key={message}>
          <Icon name="warning" size={14} />
          <span>
            {message} <span className={styles['hint']}>{hint}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
