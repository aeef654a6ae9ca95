import type { JsonObject } from '../../domain/json.ts';
import type { Catalogue } from '../../nodes/catalogue.ts';
import type { Outline } from '../../operations/built-in-judges.ts';
import type { GivenDefinition } from '../../operations/workflows.ts';
import { readDefinition } from './definition.ts';

/** Steps between nodes that stand side by side in an editor. */
const COLUMN = 260;
const ROW = 120;
const ROWS = 6;

/** The definition of an outline, as if somebody had written it in this dialect. */
export function readOutline({ nodes, edges }: Outline, catalogue: Catalogue): GivenDefinition {
  const wire: JsonObject = {
    nodes: nodes.map(({ id, type, config }, index) => ({
      id,
      type,
      name: id,
      display: { position: { x: Math.floor(index / ROWS) * COLUMN, y: (index % ROWS) * ROW } },
      node_config: config,
    })),
    edges: edges.map(([from, to]) => ({ id: `${from} to ${to}`, from_id: address(from), to_id: address(to) })),
  };
  return readDefinition(wire, catalogue);
}

function address(text: string): JsonObject {
  const [nodeId = '', connector = '', key = null] = text.split('::');
  return { node_id: nodeId, connector_name: connector, key };
}
