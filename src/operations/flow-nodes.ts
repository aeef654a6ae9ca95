import { codeOfDataType } from '../domain/declared-input.ts';
import { type Connector, type EdgeDefinition, type NodeDefinition, socketName } from '../domain/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { ValueType } from '../domain/value.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import { flowNodeId } from '../system/derived-id.ts';
import { socketId } from './flow-ids.ts';

/** A node of a flow with its sockets; edges stand at the inputs that they enter (runflow-fields.md, FlowNode). */
export interface FlowNode {
  readonly id: string;
  readonly flowId: string;
  /** Its id in the graph. */
  readonly nodeId: string;
  readonly label: string;
  readonly type: string;
  readonly config: JsonObject;
  /** Where the editor shows it; null: nowhere. */
  readonly x: number | null;
  readonly y: number | null;
  /** Place in the definition, from 0. */
  readonly position: number;
  /** Epoch milliseconds: when this definition was saved. */
  readonly savedAt: number;
  readonly inputs: readonly FlowNodeInput[];
  readonly outputs: readonly FlowNodeOutput[];
}

export interface FlowNodeOutput {
  readonly id: string;
  readonly name: string;
  readonly type: ValueType;
}

/** One connection of an input, or the input itself when nothing is connected. */
export interface FlowNodeInput extends FlowNodeOutput {
  readonly isRequired: boolean;
  /** What it has when nothing is connected. */
  readonly value: JsonValue;
  /** Id of the output that feeds it; null: none. */
  readonly sourceOutputId: string | null;
  readonly edgeId: string | null;
}

/** An input or output of a whole flow. */
export interface FlowSocket {
  readonly id: string;
  readonly flowId: string;
  readonly name: string;
  readonly displayName: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly defaultValue: JsonValue;
  readonly position: number;
  /** Epoch milliseconds: when this definition was saved. */
  readonly savedAt: number;
}

/** The nodes of a version of a flow. */
export function flowNodes({ id: flowId }: Pick<Workflow, 'id'>, version: WorkflowVersion): FlowNode[] {
  const { nodes, edges } = version.definition;
  const positions = positionsOf(version.document);
  const entering = Map.groupBy(edges, (edge) => edge.to.nodeId);
  const leaving = Map.groupBy(edges, (edge) => edge.from.nodeId);
  return nodes.map((node, position) => ({
    id: flowNodeId(flowId, node.id),
    flowId,
    nodeId: node.id,
    label: node.name,
    type: node.type,
    config: node.config,
    ...(positions.get(node.id) ?? { x: null, y: null }),
    position,
    savedAt: version.createdAt,
    inputs: inputsOf(flowId, node, entering.get(node.id) ?? []),
    outputs: outputsOf(flowId, node, leaving.get(node.id) ?? []),
  }));
}

function inputsOf(flowId: string, node: NodeDefinition, edges: readonly EdgeDefinition[]): FlowNodeInput[] {
  const bySocket = Map.groupBy(
    edges.filter(({ orderOnly }) => !orderOnly),
    ({ to }) => socketName(to.connector, to.key),
  );
  const names = new Set([...node.inputs.flatMap(socketsOf), ...bySocket.keys()]);
  return [...names].flatMap((name): FlowNodeInput[] => {
    const connector = connectorOf(node.inputs, name);
    const about = {
      name,
      type: typeOf(connector, name),
      isRequired: connector?.optional === false,
      value: node.constants?.[name] ?? null,
    };
    const feeding = bySocket.get(name) ?? [];
    if (feeding.length === 0) {
      return [{ ...about, id: socketId(flowId, node.id, 'input', name), sourceOutputId: null, edgeId: null }];
    }
    return feeding.map(({ id: edgeId, from }, index) => ({
      ...about,
      // The first connection is the input itself; further ones are told apart by their edges.
      id: socketId(flowId, node.id, 'input', index === 0 ? name : `${name} ${edgeId}`),
      sourceOutputId: socketId(flowId, from.nodeId, 'output', socketName(from.connector, from.key)),
      edgeId,
    }));
  });
}

function outputsOf(flowId: string, node: NodeDefinition, edges: readonly EdgeDefinition[]): FlowNodeOutput[] {
  const used = edges.filter(({ orderOnly }) => !orderOnly).map(({ from }) => socketName(from.connector, from.key));
  return [...new Set([...node.outputs.flatMap(socketsOf), ...used])].map((name) => ({
    id: socketId(flowId, node.id, 'output', name),
    name,
    type: typeOf(connectorOf(node.outputs, name), name),
  }));
}

const ANY: ValueType = { dataType: 'Any', isList: false };

/** The names of a connector's sockets: one for each key of a family. */
const socketsOf = ({ name, keys }: Connector): string[] => (keys ? keys.map((key) => socketName(name, key)) : [name]);

const connectorOf = (connectors: readonly Connector[], socket: string): Connector | undefined =>
  connectors.find(({ name }) => name === socket || socket.startsWith(`${name}::`));

function typeOf(connector: Connector | undefined, socket: string): ValueType {
  const key = connector === undefined ? '' : socket.slice(connector.name.length + 2);
  return connector?.keyTypes?.[key] ?? connector?.type ?? ANY;
}

function positionsOf(document: string): Map<string, { x: number; y: number }> {
  const positions = new Map<string, { x: number; y: number }>();
  const shown = JSON.parse(document) as JsonObject;
  for (const node of Array.isArray(shown['nodes']) ? shown['nodes'].filter(isJsonObject) : []) {
    const display = isJsonObject(node['display']) ? node['display'] : {};
    const { x, y } = isJsonObject(display['position']) ? display['position'] : {};
    if (typeof x === 'number' && typeof y === 'number') positions.set(String(node['id']), { x, y });
  }
  return positions;
}

/** What a flow takes, or gives: its input or output nodes under their labels. */
export function flowSockets(
  { id: flowId }: Pick<Workflow, 'id'>,
  { definition, createdAt }: WorkflowVersion,
  side: 'input' | 'output',
  catalogue: Catalogue,
): FlowSocket[] {
  const nodes = definition.nodes.filter((node) => catalogue.find(node.type)?.role === side);
  return nodes.map((node, position) => {
    const { label, type, value = null, optional } = node.config;
    const name = typeof label === 'string' && label !== '' ? label : node.id;
    const preset = value === '' ? null : value;
    return {
      id: socketId(flowId, node.id, `flow ${side}`, name),
      flowId,
      name,
      displayName: node.name,
      type: codeOfDataType(String(node.type === 'FileInputNode' ? 'File' : (type ?? 'Any'))),
      isRequired: side === 'input' && preset === null && optional !== true,
      defaultValue: side === 'input' ? preset : null,
      position,
      savedAt: createdAt,
    };
  });
}
