import { codeOfDataType } from '../../domain/declared-input.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { FlowNode, FlowNodeInput, FlowSocket } from '../../operations/flow-nodes.ts';
import type { Flow, FoundVersion } from '../../operations/flows.ts';

const time = (at: number): string => new Date(at).toISOString();

/** The properties of a flow, in the order in which they are shown; the last three are lists. */
export const FLOW_FIELDS = [
  'id',
  'slug',
  'name',
  'description',
  'cover_url',
  'org_id',
  'flow_type_code',
  'category_code',
  'visibility_code',
  'source_visibility_code',
  'status_code',
  'version',
  'current_version_id',
  'estimated_cost',
  'context_variables',
  'run_count',
  'avg_duration',
  'cost_per_run',
  'featured_at',
  'created_by',
  'created_at',
  'updated_at',
  'nodes',
  'inputs',
  'outputs',
] as const;

/** A flow with its nodes, inputs and outputs. What nobody can say of a flow here is null. */
export function presentFlow(
  { workflow, version, versionNumber, runsCount }: Flow,
  parts: { nodes: readonly FlowNode[]; inputs: readonly FlowSocket[]; outputs: readonly FlowSocket[] },
): Record<(typeof FLOW_FIELDS)[number], JsonObject[string]> {
  return {
    id: workflow.id,
    slug: workflow.slug,
    name: workflow.name,
    description: workflow.description,
    cover_url: null,
    org_id: workflow.workspaceId,
    flow_type_code: workflow.type,
    category_code: null,
    visibility_code: 'private',
    source_visibility_code: 'private',
    status_code: version.validation.length === 0 ? 'active' : 'draft',
    version: versionNumber,
    current_version_id: workflow.currentVersionId,
    estimated_cost: null,
    context_variables: null,
    run_count: runsCount,
    avg_duration: null,
    cost_per_run: null,
    featured_at: null,
    created_by: version.createdBy,
    created_at: time(workflow.createdAt),
    updated_at: time(workflow.updatedAt),
    nodes: parts.nodes.map(presentFlowNode),
    inputs: parts.inputs.map(presentFlowInput),
    outputs: parts.outputs.map(presentFlowOutput),
  };
}

/** The properties of a flow in `flow-summaries`. */
export const FLOW_SUMMARY_FIELDS = [
  'id',
  'org_id',
  'slug',
  'name',
  'description',
  'status_code',
  'category_code',
  'visibility_code',
  'flow_type_code',
  'run_count',
  'estimated_cost',
  'created_at',
  'updated_at',
  'node_count',
  'nodes',
] as const;

/** A flow as a card shows it: of its nodes what an overview draws. */
export function presentFlowSummary(
  flow: Flow,
  nodes: readonly FlowNode[],
): Record<(typeof FLOW_SUMMARY_FIELDS)[number], JsonObject[string]> {
  const whole = presentFlow(flow, { nodes: [], inputs: [], outputs: [] });
  return {
    id: whole.id,
    org_id: whole.org_id,
    slug: whole.slug,
    name: whole.name,
    description: whole.description,
    status_code: whole.status_code,
    category_code: whole.category_code,
    visibility_code: whole.visibility_code,
    flow_type_code: whole.flow_type_code,
    run_count: whole.run_count,
    estimated_cost: whole.estimated_cost,
    created_at: whole.created_at,
    updated_at: whole.updated_at,
    node_count: nodes.length,
    nodes: nodes.map(({ id, nodeId, label, type, x, y }) => ({ id, slug: nodeId, label, type_code: type, x, y })),
  };
}

/** The properties of a node of a flow. */
export const FLOW_NODE_FIELDS = [
  'id',
  'flow_id',
  'slug',
  'label',
  'subtitle',
  'type_code',
  'x',
  'y',
  'width',
  'config',
  'collapsed',
  'model_id',
  'builtin_node_code',
  'comfyui_workflow_id',
  'sub_flow_id',
  'created_at',
  'updated_at',
  'inputs',
  'outputs',
] as const;

/** A node of a flow with its sockets: edges are `source_output_id` of the inputs that they enter. */
export function presentFlowNode(node: FlowNode): Record<(typeof FLOW_NODE_FIELDS)[number], JsonObject[string]> {
  const times = { created_at: time(node.savedAt), updated_at: time(node.savedAt) };
  return {
    id: node.id,
    flow_id: node.flowId,
    slug: node.nodeId,
    label: node.label,
    subtitle: null,
    type_code: node.type,
    x: node.x,
    y: node.y,
    width: null,
    config: node.config,
    collapsed: false,
    model_id: null,
    builtin_node_code: node.type,
    comfyui_workflow_id: null,
    sub_flow_id: null,
    ...times,
    inputs: node.inputs.map((input, index) => ({ ...presentNodeInput(node.id, input, index), ...times })),
    outputs: node.outputs.map(({ id, name, type }, index) => ({
      id,
      flow_node_id: node.id,
      name,
      display_name: name,
      variable_type_code: codeOfDataType(type.dataType),
      sort_order: index,
      ...times,
    })),
  };
}

function presentNodeInput(nodeId: string, input: FlowNodeInput, index: number): JsonObject {
  return {
    id: input.id,
    flow_node_id: nodeId,
    name: input.name,
    display_name: input.name,
    variable_type_code: codeOfDataType(input.type.dataType),
    validator_code: null,
    validator_attrs: null,
    is_required: input.isRequired,
    default_value: input.value,
    sort_order: index,
    behavior_code: input.sourceOutputId === null ? 'value' : 'connection',
    value: input.value,
    source_output_id: input.sourceOutputId,
    connection_label: input.edgeId,
    connection_style_code: null,
    retry_source_output_id: null,
  };
}

/** The properties of an output of a flow. */
export const FLOW_OUTPUT_FIELDS = [
  'id',
  'flow_id',
  'name',
  'display_name',
  'description',
  'variable_type_code',
  'validator_code',
  'validator_attrs',
  'sort_order',
  'created_at',
  'updated_at',
] as const;

export function presentFlowOutput(socket: FlowSocket): Record<(typeof FLOW_OUTPUT_FIELDS)[number], JsonObject[string]> {
  return {
    id: socket.id,
    flow_id: socket.flowId,
    name: socket.name,
    display_name: socket.displayName,
    description: null,
    variable_type_code: socket.type,
    validator_code: null,
    validator_attrs: null,
    sort_order: socket.position,
    created_at: time(socket.savedAt),
    updated_at: time(socket.savedAt),
  };
}

/** The properties of an input of a flow. */
export const FLOW_INPUT_FIELDS = [...FLOW_OUTPUT_FIELDS, 'is_required', 'default_value'] as const;

export function presentFlowInput(socket: FlowSocket): Record<(typeof FLOW_INPUT_FIELDS)[number], JsonObject[string]> {
  return { ...presentFlowOutput(socket), is_required: socket.isRequired, default_value: socket.defaultValue };
}

/** The properties of a version of a flow. */
export const FLOW_VERSION_FIELDS = [
  'id',
  'flow_id',
  'version',
  'name',
  'notes',
  'snapshot',
  'created_by',
  'created_at',
  'published_at',
] as const;

/** A version; a version is published by being saved. */
export function presentFlowVersion({
  version,
  number,
}: FoundVersion): Record<(typeof FLOW_VERSION_FIELDS)[number], JsonObject[string]> {
  return {
    id: version.id,
    flow_id: version.workflowId,
    version: number,
    name: version.name,
    notes: version.description,
    snapshot: JSON.parse(version.document) as JsonObject,
    created_by: version.createdBy,
    created_at: time(version.createdAt),
    published_at: time(version.createdAt),
  };
}
