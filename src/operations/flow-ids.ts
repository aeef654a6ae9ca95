import { v5 } from 'uuid';
import { flowNodeId } from '../system/derived-id.ts';

/** The id of one end of a node's connections, or of an input or output of the flow that it stands for. */
export function socketId(
  workflowId: string,
  nodeId: string,
  side: 'input' | 'output' | 'flow input' | 'flow output',
  name: string,
): string {
  return v5(`${side} ${name}`, flowNodeId(workflowId, nodeId));
}
