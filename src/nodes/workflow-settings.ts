import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { ConfigField, NodeType } from './node-type.ts';

/**
 * Settings of a workflow that are defaults of its nodes' configuration: those of the reference that change what a node does (noxus-api.md 2.1), and
 * those of `common-config.ts` by which the engine times and repeats nodes.
 */
const NODE_DEFAULTS: readonly string[] = [
  'model',
  'temperature',
  'max_tokens',
  'top_p',
  'top_k',
  'presence_penalty',
  'frequency_penalty',
  'stop_sequences',
  'enable_reasoning',
  'reasoning_effort',
  'timeout',
  'max_retries_per_model',
  'retry_on_status_codes',
  'node_timeout',
  'max_retries',
  'retry_delay',
  'retry_backoff',
  'retry_jitter',
  'retry_max_delay',
  'retry_on',
];

/** The settings of a workflow that are frozen with a version of it. */
export function frozenSettings(settings: JsonObject): JsonObject {
  return Object.fromEntries(
    NODE_DEFAULTS.flatMap((name): [string, JsonValue][] => {
      const value = settings[name];
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
}

/**
 * What the settings of a workflow say where a node leaves something out, by the name of its configuration field.
 * @param fields of the node type, those that the engine reads included
 */
export function settingsFor(
  type: NodeType,
  fields: Readonly<Record<string, ConfigField>>,
  config: JsonObject,
  settings: JsonObject,
): JsonObject {
  const defaults: JsonObject = {};
  for (const [name, value] of Object.entries(settings)) {
    const field = fieldOf(type, name);
    if (fields[field] !== undefined && isLeftOut(config[field])) defaults[field] = value;
  }
  return defaults;
}

/** The configuration field of a node type that a setting is about; an unknown one where there is none. */
function fieldOf(type: NodeType, setting: string): string {
  const isOfModel = type.config['model'] !== undefined;
  // The reference's `timeout` bounds one call of a model. Other nodes have times of their own under that name.
  if (setting === 'timeout' && isOfModel && type.config['timeout'] === undefined) return 'timeout_seconds';
  // The reference's `model` is a language model: nodes that embed texts or draw take others.
  if (setting === 'model' && type.config['temperature'] === undefined) return '';
  return setting;
}

/** Editors write out what nobody chose: nothing, an empty text or an empty list. */
function isLeftOut(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
