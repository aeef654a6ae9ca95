import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import type { Warning } from '../../domain/warning.ts';
import { configText } from '../config.ts';
import { usageOf } from '../model-provider.ts';
import { type EffectNodeType, failed, type NodeContext, type Outcome, succeeded } from '../node-type.ts';
import { INPUTS, keepBytes, keepMedia, OUTPUTS } from './output-entry.ts';
import {
  CALL_CONFIG,
  callProvider,
  findProvider,
  givenInputs,
  NODE_TIMEOUT_MS,
  parametersOf,
  RETRY,
} from './provider-call.ts';

const DEFAULT_PROMPT_INPUT = 'prompt';

/** Pictures from a model behind an OpenAI-compatible endpoint for images. */
export const modelImages: EffectNodeType = {
  type: 'ModelImagesNode',
  title: 'Model: images',
  description:
    'Asks a model behind an OpenAI-compatible endpoint for pictures and keeps them as files: the input named as prompt says what is to be seen, other inputs (size, n, quality) are sent as parameters.',
  category: 'models',
  effect: true,
  gathersList: true,
  timeoutMs: NODE_TIMEOUT_MS,
  retry: RETRY,
  inputs: [INPUTS],
  outputs: [OUTPUTS],
  config: {
    model: { type: 'str', description: 'The model’s name at its provider.', optional: false, default: null },
    prompt_input: {
      type: 'str',
      description: 'The input that says what is to be seen.',
      optional: true,
      default: DEFAULT_PROMPT_INPUT,
    },
    parameters: {
      type: 'dict',
      description: 'Fields of the call, with {{input.name}} where a value goes; left out: the other inputs.',
      optional: true,
      default: null,
    },
    output: { type: 'str', description: 'Name of the output.', optional: true, default: 'image' },
    ...CALL_CONFIG,
  },
  async run(input, context) {
    const { config } = input;
    const inputs = givenInputs(input);
    const provider = findProvider(config, context);
    if ('kind' in provider) return provider;
    const promptInput = configText(config, 'prompt_input') || DEFAULT_PROMPT_INPUT;
    const prompt = valueAsText(inputs[promptInput] ?? '');
    if (prompt === '') {
      const message = `The input "${promptInput}", which is the prompt, is empty. Give it a text.`;
      return failed({ code: 'invalid_input', message, stage: 'validation' });
    }
    const body = {
      ...parametersOf(config, inputs, new Set([promptInput])),
      model: configText(config, 'model'),
      prompt,
    };
    const called = await callProvider(provider, '/images/generations', body, config, context);
    return 'kind' in called ? called : answered(called.answer, config, context);
  },
};

async function answered(answer: JsonObject, config: JsonObject, context: NodeContext): Promise<Outcome> {
  const model = configText(config, 'model');
  const name = configText(config, 'output') || 'image';
  const format = typeof answer['output_format'] === 'string' ? answer['output_format'] : null;
  const entries: JsonObject[] = [];
  const warnings: Warning[] = [];
  for (const picture of Array.isArray(answer['data']) ? answer['data'].filter(isJsonObject) : []) {
    const { b64_json: base64, url } = picture;
    if (typeof base64 === 'string') {
      const bytes = Buffer.from(base64, 'base64');
      const contentType = format === null ? typeOf(bytes) : `image/${format}`;
      entries.push(await keepBytes(name, { name: `${name}-${entries.length + 1}`, contentType, bytes }, context));
    } else if (typeof url === 'string') {
      const made = await keepMedia(name, 'image', url, context);
      entries.push(...made.entries);
      warnings.push(...made.warnings);
    }
  }
  if (entries.length === 0) {
    const message = `Model ${model} gave no picture. Change the prompt or the model.`;
    return failed({ code: 'provider', message, stage: 'output' });
  }
  const tokens = isJsonObject(answer['usage']) ? answer['usage'] : null;
  const count = (key: string) => (typeof tokens?.[key] === 'number' ? tokens[key] : undefined);
  const usage = usageOf(
    { inputTokens: count('input_tokens'), outputTokens: count('output_tokens') },
    context.models.prices[model],
  );
  return succeeded({ outputs: entries }, { warnings, ...(tokens === null ? {} : { usage }) });
}

/** The type of a picture by its first bytes. */
function typeOf(bytes: Buffer): string {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
  return bytes.toString('latin1', 0, 4) === 'RIFF' ? 'image/webp' : 'image/png';
}
