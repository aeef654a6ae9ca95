import type { JsonValue } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import { configNumber } from '../config.ts';
import { usageOf } from '../model-provider.ts';
import {
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { many, one } from '../value-types.ts';
import { embeddingModel } from './language-model.ts';
import { listOfTexts, MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS } from './model-config.ts';
import { askModels, type ModelAnswer, type ModelCall, spentOn } from './model-order.ts';

/** A vector is some 20 kB as JSON, and all of them are one output. */
const MAX_TEXTS = 1_000;

/** Calls at the same time, where texts do not fit into one. */
const CALLS_AT_ONCE = 2;

/** Vectors of texts. */
export const embed: EffectNodeType = {
  type: 'EmbedNode',
  title: 'Embed',
  description:
    'Turns a text, or each of a list of texts, into a vector with an embedding model. Texts with vectors close to each other mean something alike.',
  category: 'ai',
  effect: true,
  gathersList: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [
    {
      name: 'text',
      label: 'Text or texts',
      kind: 'variable_type_connector',
      type: one('str'),
      choices: [one('str'), many('str')],
      propagatesList: false,
    },
  ],
  outputs: [
    { name: 'vectors', label: 'Vectors', kind: 'connector', type: many('list') },
    { name: 'vector', label: 'Vector of a single text', kind: 'connector', type: one('list') },
  ],
  config: {
    ...MODEL_CONFIG,
    model: {
      ...MODEL_CONFIG.model,
      description:
        'Embedding models; the first is preferred, the next are used when it fails. Vectors of different models cannot be compared.',
      optional: false,
      default: null,
    },
    dimensions: {
      type: 'int',
      description: 'Numbers in a vector, where the model lets one choose.',
      optional: true,
      default: null,
      minimum: 1,
    },
  },
  run(input, context) {
    return embedTexts(input, context);
  },
};

async function embedTexts(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  if (listOfTexts(config['model']).length === 0) {
    return failed({ code: 'invalid_config', message: 'No model is named. Give an embedding model under "model".' });
  }
  const given = input.values['text'] ?? null;
  const texts = (Array.isArray(given) ? given : [given]).map(valueAsText);
  if (texts.length > MAX_TEXTS) {
    const message = `${texts.length} texts were given; at most ${MAX_TEXTS} are embedded at once. Cut the list.`;
    return failed({ code: 'too_large', message });
  }
  const empty = texts.findIndex((text) => text.trim() === '');
  if (empty >= 0) {
    const which = Array.isArray(given) ? `Text ${empty + 1} of ${texts.length}` : 'The text';
    return failed({ code: 'invalid_input', message: `${which} is empty, and has no vector. Leave empty texts out.` });
  }
  if (texts.length === 0) return succeeded({ vectors: [] });
  const dimensions = configNumber(config, 'dimensions');
  const answered = await askModels(
    config,
    context,
    (call) => vectorsOf(call, texts, dimensions, context),
    '',
    'embeddings',
  );
  if ('kind' in answered) return answered;
  const vectors: JsonValue[] = answered.value;
  const single = Array.isArray(given) ? {} : { vector: vectors[0] ?? null };
  return succeeded({ vectors, ...single }, { warnings: answered.warnings, ...spentOn(answered) });
}

async function vectorsOf(
  { provider, model, headers, signal }: ModelCall,
  texts: string[],
  dimensions: number | null,
  context: NodeContext,
): Promise<ModelAnswer<number[][]>> {
  const { embedMany } = await import('ai');
  const { embeddings, usage } = await embedMany({
    model: await embeddingModel(provider, model, context.http),
    values: texts,
    ...(dimensions === null ? {} : { dimensions }),
    maxParallelCalls: CALLS_AT_ONCE,
    maxRetries: 0,
    headers,
    abortSignal: signal,
  });
  const tokens = Number.isFinite(usage.tokens) ? usage.tokens : 0;
  return {
    value: embeddings,
    usage: usageOf({ inputTokens: tokens, outputTokens: 0 }, context.models.prices[model]),
  };
}
