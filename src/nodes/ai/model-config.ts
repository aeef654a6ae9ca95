import type { JsonObject } from '../../domain/json.ts';
import { configNumber, configText } from '../config.ts';
import type { ConfigField } from '../node-type.ts';

/** Seconds one model call may take unless configured otherwise (the workflow setting `timeout` of noxus-api.md 2.1). */
const DEFAULT_TIMEOUT_SECONDS = 120;
const MAX_TIMEOUT_SECONDS = 600;

/** Tries of one model after its first that a node may be told to make: what takes longer is the engine's to repeat. */
const MAX_RETRIES_PER_MODEL = 10;

/** The longest run of a node that asks models: several of them in a row, each with its time. */
export const MODEL_NODE_TIMEOUT_MS = 900_000;

/** How the engine repeats a node when no model answered: calls cost money. */
export const MODEL_NODE_RETRY = { retries: 3, delayMs: 2_000, factor: 2, maxDelayMs: 60_000 };

/** Which models a node asks, and how often. */
export const MODEL_CONFIG = {
  model: {
    type: 'list',
    description:
      'Model names; the first is preferred, the next are used when it fails. "preset:<name>" stands for the models of a preset. Left out: the server’s default models.',
    optional: true,
    default: [],
  },
  timeout_seconds: {
    type: 'float',
    description: 'Longest wait for one model before the next is asked.',
    optional: true,
    default: DEFAULT_TIMEOUT_SECONDS,
    minimum: 1,
    maximum: MAX_TIMEOUT_SECONDS,
    advanced: true,
  },
  max_retries_per_model: {
    type: 'int',
    description:
      'Tries of a model after its first, before the next is asked. When none has answered, the whole node is tried again by "max_retries".',
    optional: true,
    default: 0,
    minimum: 0,
    maximum: MAX_RETRIES_PER_MODEL,
    advanced: true,
  },
  retry_on_status_codes: {
    type: 'list',
    description:
      'HTTP statuses of a provider after which it is asked again, such as 429 or "5xx". Left out: 408, 409, 425, 429 and 5xx.',
    optional: true,
    default: null,
    advanced: true,
  },
} as const satisfies Readonly<Record<string, ConfigField>>;

const REASONING_EFFORTS = ['minimal', 'low', 'medium', 'high'] as const;

/** How a language model chooses its words. A model that does not know a setting is asked without it, which the run's log says. */
export const SAMPLING_CONFIG = {
  temperature: {
    type: 'float',
    description: 'How freely the model chooses its words; the model’s own default when left out.',
    optional: true,
    default: null,
    minimum: 0,
    maximum: 2,
  },
  max_tokens: {
    type: 'int',
    description: 'Longest answer in tokens; the model’s own limit when left out.',
    optional: true,
    default: null,
    minimum: 1,
  },
  top_p: {
    type: 'float',
    description: 'Only the likeliest words that together have this share are chosen from.',
    optional: true,
    default: null,
    minimum: 0,
    maximum: 1,
    advanced: true,
  },
  top_k: {
    type: 'int',
    description: 'Only this many of the likeliest words are chosen from.',
    optional: true,
    default: null,
    minimum: 1,
    advanced: true,
  },
  presence_penalty: {
    type: 'float',
    description: 'How much words that were used already are avoided.',
    optional: true,
    default: null,
    minimum: -2,
    maximum: 2,
    advanced: true,
  },
  frequency_penalty: {
    type: 'float',
    description: 'How much words are avoided that were used often.',
    optional: true,
    default: null,
    minimum: -2,
    maximum: 2,
    advanced: true,
  },
  stop_sequences: {
    type: 'list',
    description: 'Texts at which the answer ends.',
    optional: true,
    default: [],
    advanced: true,
  },
  enable_reasoning: {
    type: 'bool',
    description: 'Whether the model thinks before it answers; the model’s own default when left out.',
    optional: true,
    default: null,
    advanced: true,
  },
  reasoning_effort: {
    type: 'str',
    description: 'How much it thinks.',
    optional: true,
    default: null,
    choices: REASONING_EFFORTS,
    advanced: true,
  },
} as const satisfies Readonly<Record<string, ConfigField>>;

/** What {@link SAMPLING_CONFIG} says, in the AI SDK's words. `topK` stands apart: OpenAI-compatible servers take it in another way. */
export interface Sampling {
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly stopSequences?: string[];
  readonly reasoning?: 'none' | (typeof REASONING_EFFORTS)[number];
}

const SAMPLING_NUMBERS = {
  temperature: 'temperature',
  max_tokens: 'maxOutputTokens',
  top_p: 'topP',
  top_k: 'topK',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
} as const;

/** What a node is configured to sample with; settings that are left out are absent. */
export function samplingOf(config: JsonObject): Sampling {
  const numbers = Object.entries(SAMPLING_NUMBERS).flatMap(([field, name]) => {
    const value = configNumber(config, field);
    return value === null ? [] : [[name, value] as const];
  });
  const stops = listOfTexts(config['stop_sequences']);
  const reasoning = reasoningOf(config);
  return {
    ...Object.fromEntries(numbers),
    ...(stops.length === 0 ? {} : { stopSequences: stops }),
    ...(reasoning === null ? {} : { reasoning }),
  };
}

function reasoningOf(config: JsonObject): NonNullable<Sampling['reasoning']> | null {
  const enabled = config['enable_reasoning'];
  if (enabled === false || enabled === 'false') return 'none';
  // Noxus writes the efforts with capital letters.
  const effort = REASONING_EFFORTS.find((name) => name === configText(config, 'reasoning_effort').toLowerCase());
  if (effort !== undefined) return effort;
  return enabled === true || enabled === 'true' ? 'medium' : null;
}

/** The texts of a configured list; one text counts as a list of it. */
export function listOfTexts(value: JsonObject[string] | undefined): string[] {
  return (Array.isArray(value) ? value : [value]).filter(
    (text): text is string => typeof text === 'string' && text !== '',
  );
}

/** Milliseconds that one call of a model may take. */
export function callTimeoutMs(config: JsonObject): number {
  const seconds = configNumber(config, 'timeout_seconds') ?? DEFAULT_TIMEOUT_SECONDS;
  return Math.round(Math.min(seconds, MAX_TIMEOUT_SECONDS) * 1_000);
}

/** Tries of one model after its first. */
export function retriesPerModel(config: JsonObject): number {
  const retries = Math.trunc(configNumber(config, 'max_retries_per_model') ?? 0);
  return Math.min(Math.max(0, retries), MAX_RETRIES_PER_MODEL);
}
