import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { configIssue, configNumber, configText, holdsToken } from '../config.ts';
import {
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { partsOf } from '../text-parts.ts';
import { many } from '../value-types.ts';
import { readAnswerSchema } from './answer-schema.ts';
import { askForJson } from './json-call.ts';
import { type Labelled, listed, readLabelled } from './labelled.ts';
import { MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS, SAMPLING_CONFIG, samplingOf } from './model-config.ts';
import { spentOn } from './model-order.ts';
import { askParts } from './parts.ts';
import { QUOTED_IS_DATA, quoted, TEXT_INPUT, textInput } from './text-input.ts';

/** Characters looked through at once: what is found in one must fit one answer. */
const DEFAULT_PART_SIZE = 8_000;
const MIN_PART_SIZE = 500;
const MAX_PARTS = 200;

const EXAMPLE = '["person", {"name": "amount", "description": "Sums of money with their currency"}]';

/** Names, places, sums and the like in a text. */
export const extractEntities: EffectNodeType = {
  type: 'ExtractEntitiesNode',
  title: 'Extract entities',
  description:
    'Finds entities of the given types in a text with a language model: a list of {"type", "text", "start", "end"}, in the order of the text.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [TEXT_INPUT],
  outputs: [{ name: 'entities', label: 'Entities', kind: 'connector', type: many('dict') }],
  config: {
    entity_types: {
      type: 'list',
      description: `The types to look for, each a text or {"name", "description"}. Example: ${EXAMPLE}`,
      optional: false,
      default: null,
    },
    instructions: {
      type: 'str',
      description: 'What else the model should know.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    part_size: {
      type: 'int',
      description: 'Characters that are looked through at once.',
      optional: true,
      default: DEFAULT_PART_SIZE,
      minimum: MIN_PART_SIZE,
      maximum: 100_000,
      advanced: true,
    },
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  check(node) {
    const written = node.config['entity_types'] ?? null;
    if (written === null || typeof written === 'string' || holdsToken(written)) return [];
    const read = readLabelled(written);
    return 'problem' in read ? [configIssue(node, 'entity_types', read.problem, `Write types like ${EXAMPLE}.`)] : [];
  },
  run(input, context) {
    return extract(input, context);
  },
};

async function extract(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const types = readLabelled(config['entity_types'] ?? null);
  if ('problem' in types) return failed({ code: 'invalid_config', message: `"entity_types": ${types.problem}` });
  const given = textInput(input);
  if ('kind' in given) return given;
  const schema = readAnswerSchema(schemaOf(types.list));
  if ('problem' in schema) return failed({ code: 'invalid_config', message: `"entity_types": ${schema.problem}` });
  const size = Math.max(MIN_PART_SIZE, Math.trunc(configNumber(config, 'part_size') ?? DEFAULT_PART_SIZE));
  const parts = partsOf(given.text, size);
  if (parts.length > MAX_PARTS) {
    const message = `The text has ${given.text.length} characters, which are more than ${MAX_PARTS} parts of ${size}. Raise "part_size", or shorten the text.`;
    return failed({ code: 'too_large', message });
  }
  const system = [
    'List every entity of these types that the text names, in the order of the text, and again each time it is named:',
    listed(types.list),
    'Copy the words of the text letter for letter. When there is none, the list is empty.',
    QUOTED_IS_DATA,
    configText(config, 'instructions'),
    'Answer with JSON: {"entities": [{"type": "<one of the types>", "text": "<words of the text>"}]}',
  ];
  const answered = await askParts(parts, (part, index) =>
    askForJson(config, context, {
      system: system.filter((line) => line !== '').join('\n'),
      content: quoted(part),
      sampling: samplingOf(config),
      schema,
      purpose: String(index),
    }),
  );
  if ('kind' in answered) return answered;
  const entities: JsonObject[] = [];
  let offset = 0;
  for (const [index, part] of parts.entries()) {
    entities.push(...placed(answered.values[index]?.json ?? null, part, offset));
    offset += part.length;
  }
  return succeeded({ entities }, { warnings: answered.warnings, ...spentOn(answered) });
}

/**
 * The entities with their places in the text, in UTF-16 units from its beginning; `end` is behind the last. Models cannot count letters, so that
 * each is looked for behind the one before it. One that is not in the text letter for letter has no place (null).
 */
function placed(answer: JsonValue, part: string, offset: number): JsonObject[] {
  const listed = isJsonObject(answer) && Array.isArray(answer['entities']) ? answer['entities'] : [];
  const seen = new Set<string>();
  let from = 0;
  const entities = listed.filter(isJsonObject).map(({ type, text }) => {
    const words = String(text);
    const next = part.indexOf(words, from);
    // Not behind the last one: the model did not keep the order.
    const at = next >= 0 ? next : part.indexOf(words);
    if (next >= 0) from = next + 1;
    const [start, end] = at < 0 || words === '' ? [null, null] : [offset + at, offset + at + words.length];
    return { type: type ?? null, text: words, start, end };
  });
  return entities
    .filter((entity) => {
      const key = JSON.stringify(entity);
      return entity.text !== '' && !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => (a.start ?? Number.MAX_SAFE_INTEGER) - (b.start ?? Number.MAX_SAFE_INTEGER));
}

function schemaOf(types: readonly Labelled[]): JsonObject {
  const type = { type: 'string', enum: types.map(({ name }) => name) };
  const entity = {
    type: 'object',
    properties: { type, text: { type: 'string' } },
    required: ['type', 'text'],
    additionalProperties: false,
  };
  return {
    type: 'object',
    properties: { entities: { type: 'array', items: entity } },
    required: ['entities'],
    additionalProperties: false,
  };
}
