import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';

/** A node of a ComfyUI graph in API format. Values of `inputs` are literals, or links `[node id, output index]`. */
export interface GraphNode {
  class_type: string;
  inputs: JsonObject;
  _meta?: JsonObject;
}

/** A ComfyUI graph in API format ("Export (API)"): node id → node. Ids are mostly numbers, and paths like `75:12` in subgraphs. */
export type Graph = Record<string, GraphNode>;

/** The virtual node that deploys from within ComfyUI. Its widgets hold an API key: it is never kept, and never sent to a server. */
export const DEPLOY_CLASS = 'RunflowDeploy';

/** The node id and output index of a link, or null for any other value. ComfyUI's rule: a list of text and number is a link. */
export function linkOf(value: JsonValue | undefined): readonly [node: string, output: number] | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [node, output] = value;
  return typeof node === 'string' && typeof output === 'number' ? [node, output] : null;
}

/** What a node is called in messages: its id and class. */
export function nodeName(id: string, node: GraphNode | undefined): string {
  return node === undefined ? id : `${id} (${node.class_type})`;
}

/** True for an object that can be a node of a graph in API format. */
export function isGraphNode(value: JsonValue | undefined): value is JsonValue & GraphNode {
  return isJsonObject(value) && typeof value['class_type'] === 'string' && isJsonObject(value['inputs']);
}
