import type { JsonObject } from '../../domain/json.ts';
import { storedFileUri } from '../../domain/stored-file.ts';
import { configIssue, configNumber, configText, holdsToken } from '../config.ts';
import { imageSize } from '../image-size.ts';
import { usageOf } from '../model-provider.ts';
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
import { imageModel } from './language-model.ts';
import { listOfTexts, MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS } from './model-config.ts';
import { askModels, type ModelAnswer, type ModelCall, spentOn } from './model-order.ts';

/** Pictures of one prompt; each passes through memory and costs money. */
const MAX_IMAGES = 10;

/** Seconds: a large picture takes longer than a text. */
const DEFAULT_TIMEOUT_SECONDS = 300;

/** Pictures from a prompt. */
export const imageGeneration: EffectNodeType = {
  type: 'ImageGenerationNode',
  title: 'Generate images',
  description:
    'Makes pictures from a prompt with an image model, and keeps them as files. ((Key)) in the prompt is replaced by connected variables.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [{ name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true }],
  outputs: [
    { name: 'images', label: 'Images', kind: 'connector', type: many('Image') },
    { name: 'image', label: 'First image', kind: 'connector', type: one('Image') },
  ],
  config: {
    template: {
      type: 'str',
      description: 'What is to be seen, with ((Key)) where a value goes.',
      optional: false,
      default: null,
      display: { type: 'textarea' },
    },
    size: {
      type: 'str',
      description: 'Width and height, e.g. "1024x1024"; the model’s own when left out.',
      optional: true,
      default: null,
    },
    n: {
      type: 'int',
      description: 'How many pictures.',
      optional: true,
      default: 1,
      minimum: 1,
      maximum: MAX_IMAGES,
    },
    ...MODEL_CONFIG,
    model: {
      ...MODEL_CONFIG.model,
      description: 'Image models; the first is preferred, the next are used when it fails.',
      optional: false,
      default: null,
    },
    timeout_seconds: { ...MODEL_CONFIG.timeout_seconds, default: DEFAULT_TIMEOUT_SECONDS },
  },
  check(node) {
    const size = node.config['size'] ?? null;
    if (size === null || size === '' || holdsToken(size)) return [];
    return readSize(node.config) === undefined
      ? [configIssue(node, 'size', 'it must be width and height in pixels.', 'Write a size like "1024x1024".')]
      : [];
  },
  run(input, context) {
    return generate(input, context);
  },
};

async function generate(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  if (listOfTexts(config['model']).length === 0) {
    return failed({ code: 'invalid_config', message: 'No model is named. Give an image model under "model".' });
  }
  const prompt = renderTemplate(config['template'] ?? null, keyedValues(input, 'variables'));
  if ('failure' in prompt) return failed(prompt.failure);
  if (prompt.text.trim() === '') {
    return failed({ code: 'invalid_input', message: 'The prompt is empty. Say what is to be seen.' });
  }
  const size = readSize(config);
  if (size === undefined) {
    const message = `"size" is width and height such as "1024x1024"; given was "${configText(config, 'size')}".`;
    return failed({ code: 'invalid_config', message });
  }
  const n = Math.min(MAX_IMAGES, Math.max(1, Math.trunc(configNumber(config, 'n') ?? 1)));
  const answered = await askModels(
    config,
    context,
    (call) => picturesOf(call, prompt.text, size, n, context),
    '',
    'generate_content',
  );
  const warnings = [...prompt.warnings, ...(answered.warnings ?? [])];
  if ('kind' in answered) return { ...answered, warnings };
  const images: JsonObject[] = [];
  for (const [index, picture] of answered.value.entries()) images.push(await keep(picture, index, context));
  return succeeded({ images, image: images[0] ?? null }, { warnings, ...spentOn(answered) });
}

type Size = `${number}x${number}`;

/** The configured size; null: the model's own, undefined: it is none. */
function readSize(config: JsonObject): Size | null | undefined {
  const size = configText(config, 'size').trim();
  if (size === '') return null;
  return /^[1-9]\d{0,4}x[1-9]\d{0,4}$/.test(size) ? (size as Size) : undefined;
}

interface Picture {
  readonly uint8Array: Uint8Array;
  readonly mediaType: string;
}

async function picturesOf(
  { provider, model, headers, signal }: ModelCall,
  prompt: string,
  size: Size | null,
  n: number,
  context: NodeContext,
): Promise<ModelAnswer<readonly Picture[]>> {
  const { generateImage } = await import('ai');
  const { images, usage } = await generateImage({
    model: await imageModel(provider, model, context.http),
    prompt,
    n,
    ...(size === null ? {} : { size }),
    maxRetries: 0,
    headers,
    abortSignal: signal,
  });
  const { inputTokens, outputTokens } = usage;
  return { value: images, usage: usageOf({ inputTokens, outputTokens }, context.models.prices[model]) };
}

/** Keeps a picture as a file, in the form in which nodes name files. */
async function keep(
  { uint8Array: bytes, mediaType }: Picture,
  index: number,
  context: NodeContext,
): Promise<JsonObject> {
  const name = `image-${index + 1}.${mediaType.split('/')[1]?.split(/[+;]/)[0] ?? 'png'}`;
  const file = await context.files.save({ name, contentType: mediaType, bytes });
  return { uri: storedFileUri(file.id), name, content_type: mediaType, size: file.size, ...imageSize(bytes) };
}
