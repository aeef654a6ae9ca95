import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import type { Warning } from '../../domain/warning.ts';
import { configText } from '../config.ts';
import { usageOf } from '../model-provider.ts';
import { type EffectNodeType, failed, type NodeContext, type Outcome, succeeded } from '../node-type.ts';
import { fillText } from './input-template.ts';
import { INPUTS, OUTPUTS, textEntry } from './output-entry.ts';
import {
  CALL_CONFIG,
  callProvider,
  findProvider,
  givenInputs,
  NODE_TIMEOUT_MS,
  parametersOf,
  RETRY,
  readableMedia,
} from './provider-call.ts';

const DEFAULT_PROMPT_INPUT = 'prompt';

/** Text from a model behind an OpenAI-compatible endpoint for chats. */
export const modelChat: EffectNodeType = {
  type: 'ModelChatNode',
  title: 'Model: chat',
  description:
    'Asks a model behind an OpenAI-compatible endpoint: the input named as prompt is the message, pictures go with it, other inputs are sent as parameters.',
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
      description: 'The input that is the message.',
      optional: true,
      default: DEFAULT_PROMPT_INPUT,
    },
    system: {
      type: 'str',
      description: 'Instructions that hold for the whole answer, with {{input.name}} where a value goes.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    media_inputs: { type: 'list', description: 'Inputs that are pictures.', optional: true, default: [] },
    parameters: {
      type: 'dict',
      description: 'Fields of the call, with {{input.name}} where a value goes; left out: the other inputs.',
      optional: true,
      default: null,
    },
    output: { type: 'str', description: 'Name of the output.', optional: true, default: 'text' },
    ...CALL_CONFIG,
  },
  async run(input, context) {
    const inputs = givenInputs(input);
    const { config } = input;
    const provider = findProvider(config, context);
    if ('kind' in provider) return provider;
    const messages = await messagesOf(config, inputs, context);
    if ('kind' in messages) return messages;
    const body = {
      ...parametersOf(config, inputs, messages.used),
      model: configText(config, 'model'),
      messages: messages.list,
    };
    const called = await callProvider(provider, '/chat/completions', body, config, context);
    return 'kind' in called ? called : answered(called.answer, config, context);
  },
};

async function messagesOf(
  config: JsonObject,
  inputs: JsonObject,
  context: NodeContext,
): Promise<{ readonly list: JsonObject[]; readonly used: ReadonlySet<string> } | Outcome> {
  const promptInput = configText(config, 'prompt_input') || DEFAULT_PROMPT_INPUT;
  const mediaInputs = (Array.isArray(config['media_inputs']) ? config['media_inputs'] : []).map(valueAsText);
  const text = valueAsText(inputs[promptInput] ?? '');
  const images: JsonObject[] = [];
  for (const name of mediaInputs) {
    const readable = await readableMedia(inputs[name] ?? [], context);
    if ('kind' in readable) return readable;
    for (const url of [readable.value].flat()) images.push({ type: 'image_url', image_url: { url } });
  }
  if (text === '' && images.length === 0) {
    const message = `The input "${promptInput}", which is the prompt, is empty. Give it a text.`;
    return failed({ code: 'invalid_input', message, stage: 'validation' });
  }
  const content: JsonValue = images.length === 0 ? text : [{ type: 'text', text }, ...images];
  const system = fillText(configText(config, 'system'), inputs);
  const list = [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content }];
  return { list, used: new Set([promptInput, ...mediaInputs]) };
}

function answered(answer: JsonObject, config: JsonObject, context: NodeContext): Outcome {
  const model = configText(config, 'model');
  const choice = Array.isArray(answer['choices']) ? answer['choices'][0] : undefined;
  const message = isJsonObject(choice) && isJsonObject(choice['message']) ? choice['message'] : {};
  const tokens = isJsonObject(answer['usage']) ? answer['usage'] : {};
  const usage = usageOf(
    { inputTokens: countOf(tokens['prompt_tokens']), outputTokens: countOf(tokens['completion_tokens']) },
    context.models.prices[model],
  );
  const text = message['content'];
  if (
    typeof text !== 'string' ||
    (text === '' && isJsonObject(choice) && choice['finish_reason'] === 'content_filter')
  ) {
    return {
      ...(failed({
        code: 'provider',
        message: `Model ${model} gave no text. Change the prompt or the model.`,
        stage: 'output',
      }) as Extract<Outcome, { kind: 'failed' }>),
      usage,
    };
  }
  const isCut = isJsonObject(choice) && choice['finish_reason'] === 'length';
  const warnings: Warning[] = isCut
    ? [
        {
          identifier: 'general',
          detail: `The answer of model ${model} was cut at its limit of tokens. Raise it for a longer one.`,
        },
      ]
    : [];
  return succeeded({ outputs: [textEntry(configText(config, 'output') || 'text', text)] }, { usage, warnings });
}

const countOf = (value: JsonValue | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
