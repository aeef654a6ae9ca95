import { v5 } from 'uuid';

/** The id of a node of a workflow, the same in all its runs and versions: a UUIDv5 (RFC 9562) of its id in the graph. */
export function flowNodeId(workflowId: string, nodeId: string): string {
  return v5(nodeId, workflowId);
}

/** The id of one end of a node's connections, or of an input or output of the flow that it stands for. */
export function socketId(
  workflowId: string,
  nodeId: string,
  side: 'input' | 'output' | 'flow input' | 'flow output',
  name: string,
): string {
  return v5(`${side} ${name}`, flowNodeId(workflowId, nodeId));
}
