import type {
  Connector,
  ConnectorAddress,
  Definition,
  EdgeDefinition,
  NodeDefinition,
} from '../../src/domain/definition.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Parent, Run } from '../../src/domain/run.ts';
import type { ValueType } from '../../src/domain/value.ts';
import type { Workflow, WorkflowVersion } from '../../src/domain/workflow.ts';
import type { ConnectorSpec, NodeType } from '../../src/nodes/node-type.ts';
import type { System } from '../../src/system/system.ts';

/** What a test may set of a node besides its id, type and configuration. */
export interface NodeOptions {
  readonly name?: string;
  readonly constants?: JsonObject;
  /** Chosen types by connector, for connectors whose type the author picks. */
  readonly types?: Readonly<Record<string, ValueType>>;
}

/** A node of this type, with the type's connectors as an editor would copy them. */
export function node(id: string, type: NodeType, config: JsonObject = {}, options: NodeOptions = {}): NodeDefinition {
  const connector = (spec: ConnectorSpec): Connector => ({
    name: spec.name,
    type: options.types?.[spec.name] ?? spec.type,
    optional: spec.optional === true,
    propagatesList: spec.propagatesList !== false,
  });
  return {
    id,
    type: type.type,
    name: options.name ?? id,
    config,
    inputs: type.inputs.map(connector),
    outputs: [...type.outputs, ...(type.outputsOf?.(config) ?? [])].map(connector),
    ...(options.constants === undefined ? {} : { constants: options.constants }),
  };
}

/** An edge between two addresses written `node::connector` or `node::connector::key`; an order-only edge may end at a bare `node`. */
export function edge(
  from: string,
  to: string,
  options: { readonly optional?: boolean; readonly orderOnly?: boolean } = {},
): EdgeDefinition {
  return {
    id: `${from} -> ${to}`,
    from: address(from),
    to: address(to),
    optional: options.optional === true,
    orderOnly: options.orderOnly === true,
  };
}

function address(text: string): ConnectorAddress {
  const [nodeId = '', connector = '', key = null] = text.split('::');
  return { nodeId, connector, key };
}

/** A workflow version that holds this definition. */
export function versionOf(
  definition: Definition,
  owner: { readonly workspaceId: string; readonly workflowId: string },
  system: System,
): WorkflowVersion {
  const document = JSON.stringify(definition);
  return {
    id: system.newId(),
    ...owner,
    name: null,
    description: null,
    createdAt: system.now(),
    createdBy: null,
    definition,
    document,
    hash: 'f'.repeat(64),
    validation: [],
  };
}

/** A workflow whose current version is `versionId`. */
export function workflowOf(workspaceId: string, versionId: string, system: System): Workflow {
  return {
    id: system.newId(),
    workspaceId,
    name: 'A workflow',
    kind: 'flow',
    slug: system.newId(),
    type: 'flow',
    description: null,
    currentVersionId: versionId,
    errorHandlerId: null,
    settings: {},
    meta: {},
    profile: {},
    authorName: null,
    createdAt: system.now(),
    updatedAt: system.now(),
    deletedAt: null,
    revision: 1,
  };
}

/** A queued run that was just made. */
export function queuedRun(
  owner: { readonly workspaceId: string; readonly workflowId: string },
  system: System,
  set: Partial<Run> = {},
): Run {
  return {
    id: system.newId(),
    ...owner,
    kind: 'flow',
    workflowVersionId: system.newId(),
    versionPinned: false,
    status: 'queued',
    revision: 0,
    progress: 0,
    nodesTotal: 0,
    nodesCompleted: 0,
    createdAt: system.now(),
    startedAt: null,
    finishedAt: null,
    source: 'test',
    nodeIds: null,
    singleNodeId: null,
    input: '{}',
    output: null,
    failure: null,
    meta: null,
    context: null,
    clientRef: null,
    batchId: null,
    requestId: null,
    cost: null,
    costBreakdown: null,
    feedback: null,
    dialect: 'noxus',
    callbackUrl: null,
    apiKeyId: null,
    tracing: false,
    trace: null,
    debugger: null,
    parent: null,
    subflows: null,
    ...set,
  };
}

/** The place of a run that a node of another one invoked. */
export function parentOf(run: Run, nodeId: string, iteration: number, set: Partial<Parent> = {}): Parent {
  const rootId = run.parent?.rootId ?? run.id;
  const depth = (run.parent?.depth ?? 0) + 1;
  return { runId: run.id, rootId, nodeId, iteration, attempt: 1, ordinal: 1, depth, deadlineAt: null, ...set };
}
