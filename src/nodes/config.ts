import type { NodeDefinition } from '../domain/definition.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { valueAsText } from '../domain/value.ts';
import type { DefinitionIssue } from '../domain/workflow.ts';

/** A configuration value as text: what is left out or null is the empty text, what is not text becomes JSON. */
export function configText(config: JsonObject, name: string): string {
  return valueAsText(config[name] ?? null);
}

/** A configuration value as a number, or null when it is left out, empty or no number. Numeric text counts: V2 tokens bring text. */
export function configNumber(config: JsonObject, name: string): number | null {
  const value = config[name];
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** True when a configuration flag is set, as `true` or as the text `true`. */
export function configFlag(config: JsonObject, name: string): boolean {
  return config[name] === true || config[name] === 'true';
}

/**
 * True when a configuration value holds a V2 token (`:var[node.output]`): what it will be is known only when the node runs,
 * so that checks at save time let it pass.
 */
export function holdsToken(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return false;
  return (typeof value === 'string' ? value : JSON.stringify(value)).includes(':var[');
}

/** A mistake in a node's configuration that makes the definition meaningless: it is not saved. */
export function configIssue(node: NodeDefinition, field: string, message: string, hint: string): DefinitionIssue {
  return {
    type: 'invalid_config',
    message: `Configuration "${field}" of node "${node.name}" (${node.type}): ${message}`,
    hint,
    nodeId: node.id,
    edgeId: null,
    severity: 'invalid',
  };
}
