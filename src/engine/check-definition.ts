import { CONFIG_CONNECTOR, tokensIn } from '../domain/config-tokens.ts';
import { type Definition, type EdgeDefinition, type NodeDefinition, ON_ERROR } from '../domain/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import { typeFits } from '../domain/value.ts';
import type { DefinitionIssue } from '../domain/workflow.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import { checkCommonConfig } from '../nodes/common-config.ts';
import type { ConfigField, ConfigType, NodeType } from '../nodes/node-type.ts';
import { settingsFor } from '../nodes/workflow-settings.ts';
import { connectorType } from './graph.ts';

/**
 * Every mistake in a definition, in the order nodes and edges are written. `invalid` ones have no meaning and are not saved; `incomplete` ones
 * keep a draft from running.
 */
export function checkDefinition(definition: Definition, catalogue: Catalogue): DefinitionIssue[] {
  const issues: DefinitionIssue[] = [];
  const nodes = new Map<string, NodeDefinition>();
  const settings = definition.settings ?? {};
  for (const node of definition.nodes) {
    if (nodes.has(node.id)) {
      issues.push(
        issue(
          { nodeId: node.id },
          'duplicate_node_id',
          `Two nodes have the id "${node.id}".`,
          'Give each node an id of its own.',
        ),
      );
      continue;
    }
    nodes.set(node.id, node);
    const type = catalogue.find(node.type);
    if (type) {
      const config = { ...node.config, ...settingsFor(type, catalogue.fieldsOf(type), node.config, settings) };
      issues.push(
        ...checkConfig(node, type, catalogue),
        ...checkCommonConfig({ ...node, config }, type),
        ...(type.check?.(node) ?? []),
      );
      for (const found of checkSettings(node, type, catalogue, settings)) {
        // Every node that takes a wrong setting finds the same mistake.
        if (!issues.some((known) => known.message === found.message)) issues.push(found);
      }
    } else issues.push(unknownType(node, catalogue));
  }
  const edgeIds = new Set<string>();
  for (const edge of definition.edges) {
    if (edgeIds.has(edge.id)) {
      issues.push(
        issue(
          { edgeId: edge.id },
          'duplicate_edge_id',
          `Two edges have the id "${edge.id}".`,
          'Give each edge an id of its own.',
        ),
      );
    }
    edgeIds.add(edge.id);
    issues.push(...checkEdge(edge, nodes, catalogue));
  }
  issues.push(...checkCycles(definition, nodes));
  for (const node of nodes.values()) issues.push(...checkInputs(node, definition, catalogue));
  return issues;
}

type Where = { readonly nodeId?: string; readonly edgeId?: string };

function issue(
  where: Where,
  type: string,
  message: string,
  hint: string,
  severity: DefinitionIssue['severity'] = 'invalid',
): DefinitionIssue {
  return { type, message, hint, nodeId: where.nodeId ?? null, edgeId: where.edgeId ?? null, severity };
}

function unknownType(node: NodeDefinition, catalogue: Catalogue): DefinitionIssue {
  const guess = nearest(
    node.type,
    catalogue.types.map((type) => type.type),
  );
  return issue(
    { nodeId: node.id },
    'unknown_node_type',
    `Node "${node.id}" has the type "${node.type}", which this server does not have.`,
    guess === undefined
      ? 'GET /v1/nodes lists the types there are.'
      : `Did you mean "${guess}"? GET /v1/nodes lists them all.`,
  );
}

function checkConfig(node: NodeDefinition, type: NodeType, catalogue: Catalogue): DefinitionIssue[] {
  const issues: DefinitionIssue[] = [];
  for (const [name, field] of Object.entries(catalogue.fieldsOf(type))) {
    const value = node.config[name] ?? null;
    if (value === null || value === '') {
      if (field.optional || field.default !== null) continue;
      issues.push(
        issue(
          { nodeId: node.id },
          'missing_config',
          `Node "${node.id}" (${node.type}) needs a value for "${name}".`,
          field.description,
          'incomplete',
        ),
      );
      continue;
    }
    const problem = tokensIn(value).length > 0 ? null : fieldProblem(field, value);
    if (problem !== null) {
      issues.push(
        issue(
          { nodeId: node.id },
          'invalid_config',
          `"${name}" of node "${node.id}" (${node.type}) ${problem}`,
          field.description,
          'incomplete',
        ),
      );
    }
  }
  return issues;
}

/** What the workflow's settings say of fields that a node leaves out is checked as if the node said it. */
function checkSettings(
  node: NodeDefinition,
  type: NodeType,
  catalogue: Catalogue,
  settings: JsonObject,
): DefinitionIssue[] {
  const fields = catalogue.fieldsOf(type);
  const issues: DefinitionIssue[] = [];
  for (const [name, value] of Object.entries(settingsFor(type, fields, node.config, settings))) {
    const field = fields[name]!;
    const problem = fieldProblem(field, value);
    if (problem === null) continue;
    const message = `The setting "${name}" of the workflow ${problem}`;
    issues.push(
      issue({ nodeId: node.id }, 'invalid_setting', message, `A node takes it as: ${field.description}`, 'incomplete'),
    );
  }
  return issues;
}

const FIELD_CHECKS: Readonly<Partial<Record<ConfigType, readonly [(value: JsonValue) => boolean, string]>>> = {
  int: [(value) => Number.isInteger(typeof value === 'string' ? Number(value) : value), 'a whole number'],
  float: [(value) => Number.isFinite(typeof value === 'string' ? Number(value) : value), 'a number'],
  bool: [(value) => typeof value === 'boolean' || value === 'true' || value === 'false', 'true or false'],
  list: [(value) => Array.isArray(value) || typeof value === 'string', 'a list'],
  dict: [isJsonObject, 'an object'],
};

function fieldProblem(field: ConfigField, value: JsonValue): string | null {
  const shown = JSON.stringify(value).slice(0, 80);
  const check = FIELD_CHECKS[field.type];
  if (check && !check[0](value)) return `is ${shown}, but takes ${check[1]}.`;
  if (field.choices && typeof value === 'string' && !field.choices.includes(value)) {
    return `is ${shown}, but takes one of ${field.choices.map((choice) => `"${choice}"`).join(', ')}.`;
  }
  const number = Number(value);
  if (field.minimum !== undefined && number < field.minimum) return `is ${shown}, but takes ${field.minimum} or more.`;
  if (field.maximum !== undefined && number > field.maximum) return `is ${shown}, but takes ${field.maximum} or less.`;
  return null;
}

/** Names of the outputs a node has: its type's, those its configuration makes, and what its definition declares. */
function outputNames(node: NodeDefinition, type: NodeType): Set<string> {
  const specs = [...type.outputs, ...(type.outputsOf?.(node.config) ?? [])];
  const names = new Set([...specs.map((spec) => spec.name), ...node.outputs.map((connector) => connector.name)]);
  if (type.role === undefined) names.add(ON_ERROR);
  return names;
}

function inputNames(node: NodeDefinition, type: NodeType): Set<string> {
  return new Set([
    CONFIG_CONNECTOR,
    ...type.inputs.map((spec) => spec.name),
    ...node.inputs.map((connector) => connector.name),
  ]);
}

function checkEdge(
  edge: EdgeDefinition,
  nodes: ReadonlyMap<string, NodeDefinition>,
  catalogue: Catalogue,
): DefinitionIssue[] {
  const issues: DefinitionIssue[] = [];
  const where = { edgeId: edge.id };
  const from = nodes.get(edge.from.nodeId);
  const to = nodes.get(edge.to.nodeId);
  for (const [end, node, id] of [
    ['starts at', from, edge.from.nodeId],
    ['leads to', to, edge.to.nodeId],
  ] as const) {
    if (node) continue;
    const guess = nearest(id, [...nodes.keys()]);
    const hint = guess === undefined ? 'Add the node or remove the edge.' : `Did you mean "${guess}"?`;
    issues.push(issue(where, 'unknown_node', `Edge "${edge.id}" ${end} node "${id}", which does not exist.`, hint));
  }
  const fromType = from && catalogue.find(from.type);
  const toType = to && catalogue.find(to.type);
  if (!from || !to || !fromType || !toType || edge.orderOnly) return issues;
  const outputs = outputNames(from, fromType);
  if (!outputs.has(edge.from.connector))
    issues.push(unknownConnector(edge, 'output', edge.from.connector, from, outputs));
  else if (edge.from.key === null && isKeyed(fromType, edge.from.connector)) {
    issues.push(
      issue(
        { ...where, nodeId: from.id },
        'missing_key',
        `Edge "${edge.id}" leaves the output "${edge.from.connector}" of node "${from.id}" (${from.type}) without saying which of its keys.`,
        'Name the "key" in "from_id".',
        'incomplete',
      ),
    );
  }
  const inputs = inputNames(to, toType);
  if (!inputs.has(edge.to.connector)) issues.push(unknownConnector(edge, 'input', edge.to.connector, to, inputs));
  if (issues.length > 0 || edge.to.connector === CONFIG_CONNECTOR) return issues;
  const given = connectorType(from.outputs, edge.from.connector, edge.from.key);
  const wanted = connectorType(to.inputs, edge.to.connector, edge.to.key);
  if (!typeFits(given.dataType, wanted.dataType)) {
    issues.push(
      issue(
        { ...where, nodeId: to.id },
        'type_mismatch',
        `Edge "${edge.id}" brings ${given.dataType} to the input "${edge.to.connector}" of node "${to.id}", which takes ${wanted.dataType}.`,
        'Put a node between them that converts the value, or connect another output.',
        'incomplete',
      ),
    );
  }
  return issues;
}

/** Whether an output is a family of sockets: without a key nothing would ever come from it. */
function isKeyed(type: NodeType, connector: string): boolean {
  // A node that invokes a workflow delivers all of its outputs as one object too.
  if (type.effect && type.invokes === true) return false;
  return type.outputs.some(({ name, kind }) => name === connector && kind === 'variable_type_size_connector');
}

function unknownConnector(
  edge: EdgeDefinition,
  side: 'input' | 'output',
  name: string,
  node: NodeDefinition,
  names: ReadonlySet<string>,
): DefinitionIssue {
  const known = [...names].filter((candidate) => candidate !== CONFIG_CONNECTOR).map((candidate) => `"${candidate}"`);
  return issue(
    { edgeId: edge.id, nodeId: node.id },
    'unknown_connector',
    `Edge "${edge.id}" uses the ${side} "${name}" of node "${node.id}" (${node.type}), which does not exist.`,
    known.length === 0 ? `The node has no ${side}s.` : `Its ${side}s are ${known.join(', ')}.`,
  );
}

/** One issue a cycle, naming its nodes in order. */
function checkCycles(definition: Definition, nodes: ReadonlyMap<string, NodeDefinition>): DefinitionIssue[] {
  const next = new Map<string, EdgeDefinition[]>();
  for (const edge of definition.edges) {
    if (!nodes.has(edge.from.nodeId) || !nodes.has(edge.to.nodeId)) continue;
    next.set(edge.from.nodeId, [...(next.get(edge.from.nodeId) ?? []), edge]);
  }
  const done = new Set<string>();
  const issues: DefinitionIssue[] = [];
  for (const start of nodes.keys()) {
    // An explicit stack: a chain of ten thousand nodes must not overflow the call stack.
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack: { id: string; edges: EdgeDefinition[] }[] = [];
    const enter = (id: string) => {
      path.push(id);
      onPath.add(id);
      stack.push({ id, edges: [...(next.get(id) ?? [])] });
    };
    if (!done.has(start)) enter(start);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const edge = top.edges.pop();
      if (edge === undefined) {
        stack.pop();
        path.pop();
        onPath.delete(top.id);
        done.add(top.id);
      } else if (onPath.has(edge.to.nodeId)) {
        const cycle = [...path.slice(path.indexOf(edge.to.nodeId)), edge.to.nodeId];
        issues.push(
          issue(
            { edgeId: edge.id, nodeId: edge.to.nodeId },
            'cycle',
            `The nodes ${cycle.map((id) => `"${id}"`).join(' → ')} form a cycle: none of them could ever run.`,
            `Remove edge "${edge.id}", or repeat work with a list instead.`,
          ),
        );
      } else if (!done.has(edge.to.nodeId)) enter(edge.to.nodeId);
    }
  }
  return issues;
}

function checkInputs(node: NodeDefinition, definition: Definition, catalogue: Catalogue): DefinitionIssue[] {
  const type = catalogue.find(node.type);
  if (!type || type.role === 'input') return [];
  const fed = new Set<string>();
  const fedConnectors = new Set<string>();
  for (const edge of definition.edges) {
    if (edge.to.nodeId !== node.id || edge.orderOnly) continue;
    fed.add(`${edge.to.connector} ${edge.to.key ?? ''}`);
    fedConnectors.add(edge.to.connector);
  }
  const issues: DefinitionIssue[] = [];
  for (const connector of node.inputs) {
    if (connector.optional) continue;
    const missing =
      connector.keys === undefined || connector.keys.length === 0
        ? fedConnectors.has(connector.name)
          ? []
          : [null]
        : connector.keys.filter((key) => !fed.has(`${connector.name} ${key}`));
    for (const key of missing) {
      const name = key === null ? connector.name : `${connector.name}::${key}`;
      if (node.constants && Object.hasOwn(node.constants, name)) continue;
      issues.push(
        issue(
          { nodeId: node.id },
          'missing_input',
          `Nothing is connected to the input "${name}" of node "${node.id}" (${node.type}).`,
          'Connect an output to it.',
          'incomplete',
        ),
      );
    }
  }
  return issues;
}
