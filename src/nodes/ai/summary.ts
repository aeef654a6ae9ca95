import type { JsonObject } from '../../domain/json.ts';
import { configNumber, configText } from '../config.ts';
import { addUsage } from '../model-provider.ts';
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
import { type Answered, askModels, type FailedOutcome, spentOn } from './model-order.ts';
import { type AnsweredParts, askParts } from './parts.ts';
import { QUOTED_IS_DATA, quoted, TEXT_INPUT, textInput } from './text-input.ts';

/** Characters that are summarised at once unless configured otherwise: some 8,000 tokens, which every model of today takes. */
const DEFAULT_PART_SIZE = 30_000;
const MIN_PART_SIZE = 1_000;

/** Each part is a call that costs money; more is a mistake in the text rather than a wish. */
const MAX_PARTS = 200;

/** Summaries of summaries: each time the text shrinks, or the node gives up. */
const MAX_ROUNDS = 4;

/** What the formats that Noxus has mean; another text is taken as a description of the format. */
const FORMATS: Readonly<Record<string, string>> = {
  concise: 'a few sentences that say only what matters most',
  detailed: 'several paragraphs that keep the order and all important facts',
  'bullet points': 'a list of short points, each on a line that begins with "- "',
};

/** A shorter text that says the same. */
export const summary: EffectNodeType = {
  type: 'SummaryNode',
  title: 'Summarize',
  description:
    'Summarises a text with a language model. A long text is summarised in parts, and the summaries become one.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [TEXT_INPUT],
  outputs: [{ name: 'summary', label: 'Summary', kind: 'connector', type: one('str') }],
  config: {
    summary_format: {
      type: 'str',
      description: 'Concise, Detailed, Bullet points, or a description of the format.',
      optional: true,
      default: 'Concise',
    },
    summary_topic: {
      type: 'str',
      description: 'What the summary is to be about; everything when left out.',
      optional: true,
      default: null,
    },
    part_size: {
      type: 'int',
      description: 'Characters that are summarised at once. A longer text is cut between paragraphs.',
      optional: true,
      default: DEFAULT_PART_SIZE,
      minimum: MIN_PART_SIZE,
      maximum: 1_000_000,
      advanced: true,
    },
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  run(input, context) {
    return summarize(input, context);
  },
};

async function summarize(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const given = textInput(input);
  if ('kind' in given) return given;
  const { config } = input;
  const size = Math.max(MIN_PART_SIZE, Math.trunc(configNumber(config, 'part_size') ?? DEFAULT_PART_SIZE));
  let spent: AnsweredParts<string> = { values: [given.text], usage: null, warnings: [] };
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const parts = partsOf(spent.values.join('\n\n'), size);
    if (parts.length > MAX_PARTS) return tooLong(given.text, size);
    const isLast = parts.length === 1;
    const answered = await askParts(parts, (part, index) =>
      summarizePart(part, { config, context, isLast, isWhole: isLast && round === 1, purpose: `${round}-${index}` }),
    );
    const usage = answered.usage ? addUsage(spent.usage, answered.usage) : spent.usage;
    const warnings = [...spent.warnings, ...(answered.warnings ?? [])];
    if ('kind' in answered) return { ...answered, warnings, ...spentOn({ usage }) };
    spent = { values: answered.values, usage, warnings };
    if (isLast) return succeeded({ summary: answered.values[0] ?? '' }, { warnings, ...spentOn({ usage }) });
  }
  const message = `The summaries of the parts are still longer than ${size} characters after ${MAX_ROUNDS} rounds. Raise "part_size".`;
  return { ...(failed({ code: 'too_large', message }) as FailedOutcome), ...spentOn(spent) };
}

interface Part {
  readonly config: JsonObject;
  readonly context: NodeContext;
  /** Whether this is the whole of what is left, so that its summary is the answer. */
  readonly isLast: boolean;
  /** Whether it is the text itself, and not summaries of its parts. */
  readonly isWhole: boolean;
  readonly purpose: string;
}

async function summarizePart(text: string, part: Part): Promise<Answered<string> | FailedOutcome> {
  const { config, context, isLast, isWhole, purpose } = part;
  const format = configText(config, 'summary_format') || 'Concise';
  const topic = configText(config, 'summary_topic').trim();
  const system = [
    isLast && !isWhole
      ? 'The text is a row of summaries, each of one part of a longer text, in order. Make one summary of the whole of it.'
      : 'Summarise the text, in its own language.',
    isLast
      ? `The format is: ${FORMATS[format.toLowerCase()] ?? format}.`
      : 'The text is a part of a longer one. Keep every fact that may matter for a summary of the whole, and be brief.',
    topic === '' ? '' : `The summary is about this topic only: ${topic}. When the text does not speak of it, say so.`,
    QUOTED_IS_DATA,
    'Answer with the summary only.',
  ];
  const request = {
    system: system.filter((line) => line !== '').join('\n'),
    content: quoted(text),
    sampling: samplingOf(config),
    ...(isLast ? { onText: (piece: string, isAnew: boolean) => context.stream(piece, isAnew) } : {}),
  };
  const answered = await askModels(config, context, (call) => askLanguageModel(call, request, context), purpose);
  return 'kind' in answered ? answered : { ...answered, value: answered.value.text.trim() };
}

function tooLong(text: string, size: number): Outcome {
  const message = `The text has ${text.length} characters, which are more than ${MAX_PARTS} parts of ${size}. Raise "part_size", or shorten the text.`;
  return failed({ code: 'too_large', message });
}
