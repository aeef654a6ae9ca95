import type { NodeDefinition } from '../domain/definition.ts';
import { FAILURE_CODES } from '../domain/failure.ts';
import { nearest } from '../domain/nearest.ts';
import { readRetryCause } from '../domain/retry.ts';
import type { DefinitionIssue } from '../domain/workflow.ts';
import { configNumber, holdsToken } from './config.ts';
import type { ConfigField, NodeType } from './node-type.ts';

const RETRY_BACKOFFS = ['fixed', 'exponential'] as const;

/** Seconds between two tries at most: a day. Waiting costs no worker, but what a run does tomorrow is no longer what somebody waits for. */
export const LONGEST_RETRY_DELAY_SECONDS = 86_400;

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
    description:
      'Seconds before the second try; how long later waits are is said by retry_backoff. The node type’s own when left out.',
    optional: true,
    default: null,
    minimum: 0,
    maximum: LONGEST_RETRY_DELAY_SECONDS,
    advanced: true,
  },
  retry_backoff: {
    type: 'str',
    description:
      '"fixed": every wait is as long as the first; "exponential": each is longer by the node type’s own factor, twice as long where it has none. The node type’s own when left out.',
    optional: true,
    default: null,
    choices: RETRY_BACKOFFS,
    advanced: true,
  },
  retry_jitter: {
    type: 'bool',
    description:
      'Whether each wait is shortened by up to half of it at random, so that runs that failed together do not come back together. True when left out.',
    optional: true,
    default: null,
    advanced: true,
  },
  retry_max_delay: {
    type: 'float',
    description:
      'Seconds that a wait takes at most, also where the remote side asks for a longer one. The node type’s own when left out; with a retry_delay 600, or that delay when it is longer.',
    optional: true,
    default: null,
    minimum: 0,
    maximum: LONGEST_RETRY_DELAY_SECONDS,
    advanced: true,
  },
  retry_on: {
    type: 'list',
    description:
      'Failures that are tried again, and no others: failure codes ("timeout", "network", …), HTTP statuses (429) and families of them ("5xx", "50x"). Those that may pass when left out.',
    optional: true,
    default: null,
    advanced: true,
  },
};

/** Every configuration field that a node of this type has: its own, then those that the engine reads. */
export function configFields(type: NodeType): Readonly<Record<string, ConfigField>> {
  if (type.role !== undefined) return { ...type.config, ...(type.effect ? EFFECT : {}) };
  return { ...type.config, ...ORDINARY, ...(type.effect ? EFFECT : {}) };
}

/** Mistakes in the settings that the engine reads which the fields alone do not show. */
export function checkCommonConfig(node: NodeDefinition, type: NodeType): DefinitionIssue[] {
  if (!type.effect) return [];
  const issues: DefinitionIssue[] = [];
  const issue = (field: string, message: string, hint: string) =>
    issues.push({
      type: 'invalid_config',
      message: `"${field}" of node "${node.id}" (${node.type}) ${message}`,
      hint,
      nodeId: node.id,
      edgeId: null,
      severity: 'incomplete',
    });
  const { retry_on: causes, retry_delay: delay } = node.config;
  for (const cause of Array.isArray(causes) ? causes : []) {
    if (holdsToken(cause) || readRetryCause(cause) !== null) continue;
    const guess = typeof cause === 'string' ? nearest(cause, [...FAILURE_CODES]) : undefined;
    issue(
      'retry_on',
      `lists ${JSON.stringify(cause)}, which is neither a failure code nor an HTTP status.`,
      guess === undefined
        ? `Failure codes are ${FAILURE_CODES.join(', ')}; statuses are written 429, "50x" or "5xx".`
        : `Did you mean "${guess}"?`,
    );
  }
  if (typeof causes === 'string' && causes !== '' && !holdsToken(causes)) {
    issue('retry_on', `is ${JSON.stringify(causes)}, but takes a list.`, `Write ["${causes}"].`);
  }
  const longest = configNumber(node.config, 'retry_max_delay');
  const first = configNumber(node.config, 'retry_delay');
  if (longest !== null && first !== null && first > longest && !holdsToken(delay)) {
    issue(
      'retry_delay',
      `is ${first} seconds, longer than "retry_max_delay" (${longest}).`,
      'Make the first wait shorter, or the longest one longer.',
    );
  }
  return issues;
}
