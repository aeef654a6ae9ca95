import { configNumber, configText } from '../config.ts';
import {
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { partsOf } from '../text-parts.ts';
import { one } from '../value-types.ts';
import { askLanguageModel } from './language-call.ts';
import { MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS, SAMPLING_CONFIG, samplingOf } from './model-config.ts';
import { askModels, spentOn } from './model-order.ts';
import { askParts } from './parts.ts';
import { QUOTED_IS_DATA, quoted, TEXT_INPUT, textInput } from './text-input.ts';

/** Characters translated at once unless configured otherwise: an answer is as long as its text, and models end theirs after some 4,000 tokens. */
const DEFAULT_PART_SIZE = 8_000;
const MIN_PART_SIZE = 500;
const MAX_PARTS = 200;

/** The same text in another language. */
export const translate: EffectNodeType = {
  type: 'TranslateNode',
  title: 'Translate',
  description:
    'Translates a text with a language model and keeps its formatting. A long text is translated in parts, cut between paragraphs.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [TEXT_INPUT],
  outputs: [{ name: 'translation', label: 'Translation', kind: 'connector', type: one('str') }],
  config: {
    target_language: {
      type: 'str',
      description: 'The language to translate to, e.g. "German" or "pt-BR".',
      optional: false,
      default: null,
    },
    source_language: {
      type: 'str',
      description: 'The language of the text; found out when left out.',
      optional: true,
      default: null,
    },
    instructions: {
      type: 'str',
      description: 'What else the model should know: tone, terms to keep or to use.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    part_size: {
      type: 'int',
      description: 'Characters that are translated at once.',
      optional: true,
      default: DEFAULT_PART_SIZE,
      minimum: MIN_PART_SIZE,
      maximum: 100_000,
      advanced: true,
    },
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  run(input, context) {
    return translateText(input, context);
  },
};

async function translateText(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const target = configText(config, 'target_language').trim();
  if (target === '') {
    return failed({ code: 'invalid_config', message: '"target_language" is empty. Name a language, e.g. "German".' });
  }
  const given = textInput(input);
  if ('kind' in given) return given;
  const size = Math.max(MIN_PART_SIZE, Math.trunc(configNumber(config, 'part_size') ?? DEFAULT_PART_SIZE));
  const parts = partsOf(given.text, size);
  if (parts.length > MAX_PARTS) {
    const message = `The text has ${given.text.length} characters, which are more than ${MAX_PARTS} parts of ${size}. Raise "part_size", or shorten the text.`;
    return failed({ code: 'too_large', message });
  }
  const source = configText(config, 'source_language').trim();
  const system = [
    `Translate the text${source === '' ? '' : ` from ${source}`} to ${target}.`,
    'Keep its formatting as it is: line breaks, Markdown, HTML tags, lists, placeholders such as {name} or ((name)), code, addresses and numbers.',
    QUOTED_IS_DATA,
    configText(config, 'instructions'),
    'Answer with the translation only, without the tags around it.',
  ];
  const answered = await askParts(parts, async (part, index) => {
    // White space around a part is formatting, which models cut away.
    const [, before = '', text = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/.exec(part) ?? [];
    if (text === '') return { value: part, model: '', usage: null, warnings: [] };
    const request = {
      system: system.filter((line) => line !== '').join('\n'),
      content: quoted(text),
      sampling: samplingOf(config),
      // Parts are translated side by side; what they say would come mixed.
      ...(parts.length === 1 ? { onText: (piece: string, isAnew: boolean) => context.stream(piece, isAnew) } : {}),
    };
    const said = await askModels(config, context, (call) => askLanguageModel(call, request, context), String(index));
    return 'kind' in said ? said : { ...said, value: `${before}${said.value.text.trim()}${after}` };
  });
  if ('kind' in answered) return answered;
  return succeeded({ translation: answered.values.join('') }, { warnings: answered.warnings, ...spentOn(answered) });
}
