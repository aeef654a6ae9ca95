import type { ConfigField, NodeType } from './node-type.ts';

/** Settings that every node between input and output has. The engine reads them; node types need not know them. */
const ORDINARY: Readonly<Record<string, ConfigField>> = {
  continue_on_error: {
    type: 'bool',
    description:
      'When the node fails after all tries and nothing is connected to "on_error", go on with empty outputs and a warning.',
    optional: true,
    default: false,
    advanced: true,
  },
};

/** Settings of nodes that touch the world: how long one try may take, and how often it is tried again. */
const EFFECT: Readonly<Record<string, ConfigField>> = {
  node_timeout: {
    type: 'float',
    description: 'Seconds one try may take; what the node type allows when left out.',
    optional: true,
    default: null,
    minimum: 0,
    advanced: true,
  },
  max_retries: {
    type: 'int',
    description:
      'Tries after the first when it fails with something that may pass; the node type’s own number when left out.',
    optional: true,
    default: null,
    minimum: 0,
    maximum: 100,
    advanced: true,
  },
  retry_delay: {
    type: 'float',
    description: 'Seconds before the second try; each later wait is longer. The node type’s own when left out.',
    optional: true,
    default: null,
    minimum: 0,
    advanced: true,
  },
};

/** Every configuration field that a node of this type has: its own, then those that the engine reads. */
export function configFields(type: NodeType): Readonly<Record<string, ConfigField>> {
  if (type.role !== undefined) return { ...type.config, ...(type.effect ? EFFECT : {}) };
  return { ...type.config, ...ORDINARY, ...(type.effect ? EFFECT : {}) };
}
