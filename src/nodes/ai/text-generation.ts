import type { JsonObject } from '../../domain/json.ts';
import type { Warning } from '../../domain/warning.ts';
import { configIssue, holdsToken } from '../config.ts';
import {
  type EffectNodeType,
  failed,
  keyedValues,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { renderTemplate } from '../template.ts';
import { many, one } from '../value-types.ts';
import { type AnswerSchema, EXAMPLE, readAnswerSchema } from './answer-schema.ts';
import { imageParts } from './image-parts.ts';
import { askForJson } from './json-call.ts';
import { askLanguageModel } from './language-call.ts';
import { MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS, SAMPLING_CONFIG, samplingOf } from './model-config.ts';
import { askModels, spentOn } from './model-order.ts';

/** The output with the parsed answer; there when a schema is configured. */
const PARSED = 'parsed';

/** Text from a language model. */
export const textGeneration: EffectNodeType = {
  type: 'TextGenerationNode',
  title: 'Generate text',
  description:
    'Sends a prompt, and pictures, to a language model. ((Key)) in the prompts is replaced by connected variables. The models listed are tried in order until one answers.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [
    { name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true },
    {
      name: 'images',
      label: 'Images',
      kind: 'connector',
      type: many('Image'),
      optional: true,
      propagatesList: false,
    },
  ],
  outputs: [{ name: 'text_output', label: 'Text', kind: 'connector', type: one('str') }],
  config: {
    label: { type: 'str', description: 'Name of the text, for people.', optional: true, default: null },
    template: {
      type: 'str',
      description: 'The prompt, with ((Key)) where a value goes.',
      optional: false,
      default: null,
      display: { type: 'textarea' },
    },
    system: {
      type: 'str',
      description: 'Instructions that hold for the whole answer, with ((Key)) where a value goes.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    output_schema: {
      type: 'dict',
      description: `A JSON schema that the answer is to follow, e.g. ${EXAMPLE}. The answer is then also given parsed, through "${PARSED}".`,
      optional: true,
      default: null,
    },
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  outputsOf(config) {
    return isSet(config) ? [{ name: PARSED, label: 'Parsed', kind: 'connector', type: one('Any') }] : [];
  },
  check(node) {
    const written = node.config['output_schema'];
    if (!isSet(node.config) || holdsToken(written)) return [];
    const schema = readAnswerSchema(written ?? null);
    return 'problem' in schema
      ? [configIssue(node, 'output_schema', schema.problem, `Write a schema like ${EXAMPLE}.`)]
      : [];
  },
  run(input, context) {
    return generate(input, context);
  },
};

function isSet(config: JsonObject): boolean {
  const written = config['output_schema'] ?? null;
  return written !== null && written !== '';
}

async function generate(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const variables = keyedValues(input, 'variables');
  const prompt = renderTemplate(config['template'] ?? null, variables);
  if ('failure' in prompt) return failed(prompt.failure);
  const system = renderTemplate(config['system'] ?? null, variables);
  if ('failure' in system) return failed(system.failure);
  const images = await imageParts(input.values['images'] ?? [], context);
  if ('kind' in images) return images;
  const request: Question = {
    system: system.text,
    content: images.parts.length === 0 ? prompt.text : [{ type: 'text', text: prompt.text }, ...images.parts],
    sampling: samplingOf(config),
    onText: (text, isAnew) => context.stream(text, isAnew),
  };
  const warnings = [...prompt.warnings, ...system.warnings];
  if (!isSet(config)) return answerText(config, context, request, warnings);
  const schema = readAnswerSchema(config['output_schema'] ?? null);
  if ('problem' in schema) {
    return failed({ code: 'invalid_config', message: `"output_schema" cannot be used: ${schema.problem}` });
  }
  return answerJson(config, context, { ...request, schema }, warnings);
}

type Question = Omit<Parameters<typeof askLanguageModel>[1], 'schema'>;

async function answerText(
  config: JsonObject,
  context: NodeContext,
  request: Question,
  before: readonly Warning[],
): Promise<Outcome> {
  const answered = await askModels(config, context, (call) => askLanguageModel(call, request, context));
  const warnings = [...before, ...(answered.warnings ?? [])];
  if ('kind' in answered) return { ...answered, warnings };
  return succeeded({ text_output: answered.value.text }, { warnings, ...spentOn(answered) });
}

async function answerJson(
  config: JsonObject,
  context: NodeContext,
  request: Question & { schema: AnswerSchema },
  before: readonly Warning[],
): Promise<Outcome> {
  const answered = await askForJson(config, context, request);
  const warnings = [...before, ...(answered.warnings ?? [])];
  if ('kind' in answered) return { ...answered, warnings };
  const { text, json } = answered.value;
  return succeeded({ text_output: text, [PARSED]: json }, { warnings, ...spentOn(answered) });
}
