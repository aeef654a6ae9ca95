import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { DataType, ValueType } from '../../domain/value.ts';
import { configIssue, configText, holdsToken } from '../config.ts';
import {
  type ConnectorSpec,
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { many, one } from '../value-types.ts';
import { EXAMPLE, readAnswerSchema } from './answer-schema.ts';
import { askForJson } from './json-call.ts';
import { outputNameProblem } from './labelled.ts';
import { MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS, SAMPLING_CONFIG, samplingOf } from './model-config.ts';
import { spentOn } from './model-order.ts';
import { QUOTED_IS_DATA, quoted, TEXT_INPUT, textInput } from './text-input.ts';

const OUTPUT = 'output';

const TAKEN: ReadonlySet<string> = new Set([OUTPUT]);

/** Fields that a text says, by a schema. */
export const structuredOutput: EffectNodeType = {
  type: 'StructuredOutputNode',
  title: 'Structured output',
  description:
    'Reads fields out of a text with a language model: the answer follows a JSON schema, and each field has an output of its own.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [TEXT_INPUT],
  outputs: [{ name: OUTPUT, label: 'Fields', kind: 'connector', type: one('dict') }],
  config: {
    schema: {
      type: 'dict',
      description: `A JSON schema of an object, e.g. ${EXAMPLE}. Descriptions of its properties tell the model what is meant.`,
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
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  outputsOf(config) {
    return fieldOutputs(config['schema'] ?? null);
  },
  check(node) {
    const written = node.config['schema'] ?? null;
    if (written === null || holdsToken(written)) return [];
    const read = readObjectSchema(written);
    return 'problem' in read ? [configIssue(node, 'schema', read.problem, `Write a schema like ${EXAMPLE}.`)] : [];
  },
  run(input, context) {
    return extract(input, context);
  },
};

async function extract(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const schema = readObjectSchema(config['schema'] ?? null);
  if ('problem' in schema) {
    return failed({ code: 'invalid_config', message: `"schema" cannot be used: ${schema.problem}` });
  }
  const given = textInput(input);
  if ('kind' in given) return given;
  const system = [
    'Read the fields that the JSON schema names out of the text. Take them from the text only; what it does not say is null, empty or left out, as the schema allows.',
    QUOTED_IS_DATA,
    configText(config, 'instructions'),
  ];
  const answered = await askForJson(config, context, {
    system: system.filter((line) => line !== '').join('\n'),
    content: quoted(given.text),
    sampling: samplingOf(config),
    schema,
  });
  if ('kind' in answered) return answered;
  const fields = answered.value.json as JsonObject;
  const outputs = fieldOutputs(schema.schema).map(({ name }) => [name, fields[name] ?? null] as const);
  return succeeded(
    { [OUTPUT]: fields, ...Object.fromEntries(outputs) },
    { warnings: answered.warnings, ...spentOn(answered) },
  );
}

/** A schema whose answers are objects: providers take no other at the top. */
function readObjectSchema(written: JsonValue): ReturnType<typeof readAnswerSchema> {
  const schema = readAnswerSchema(written);
  if ('problem' in schema || schema.schema['type'] === 'object') return schema;
  return { problem: 'It must describe an object: "type" must be "object".' };
}

/** One output for each property at the top, but those whose names cannot be an output's: they are in the whole. */
function fieldOutputs(written: JsonValue): ConnectorSpec[] {
  const read = readObjectSchema(written);
  if ('problem' in read) return [];
  const { properties } = read.schema;
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties)
    .filter(([name]) => outputNameProblem(name, TAKEN) === null)
    .map(([name, schema]) => ({ name, label: name, kind: 'connector', type: typeOf(schema) }));
}

const DATA_TYPE_OF: Readonly<Record<string, DataType>> = {
  string: 'str',
  number: 'number',
  integer: 'number',
  boolean: 'bool',
  object: 'dict',
};

function typeOf(schema: JsonValue): ValueType {
  const dataType = dataTypeOf(schema);
  if (dataType !== null) return one(dataType);
  if (!isJsonObject(schema) || !namesOf(schema).includes('array')) return one('Any');
  const item = dataTypeOf(schema['items'] ?? null);
  return item === null ? one('list') : many(item);
}

function dataTypeOf(schema: JsonValue): DataType | null {
  if (!isJsonObject(schema)) return null;
  const [name, ...others] = namesOf(schema);
  return name === undefined || others.length > 0 ? null : (DATA_TYPE_OF[name] ?? null);
}

/** The types of a schema but null, which any connector carries. */
function namesOf(schema: JsonObject): string[] {
  return [schema['type'] ?? []].flat().filter((name): name is string => typeof name === 'string' && name !== 'null');
}
