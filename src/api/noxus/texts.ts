/** Longer descriptions of the OpenAPI document. */
export const DEFINITION_DESCRIPTION =
  'Nodes and edges, in form V1 (edges between connectors) or V2 (`flow_version: "v2"`, `:var[node.output]` tokens).';
