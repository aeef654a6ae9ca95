import Big from 'big.js';
import type { Failure } from '../../domain/failure.ts';
import type { JsonObject } from '../../domain/json.ts';
import { retryAfterMs } from '../../domain/retry.ts';
import type { Usage } from '../../domain/run.ts';
import type { Warning } from '../../domain/warning.ts';
import { languageModel } from '../ai/language-model.ts';
import { configNumber } from '../config.ts';
import { httpClientError, isRetryableStatus } from '../http-outcome.ts';
import { NO_PROVIDER, providerOf, usageOf } from '../model-provider.ts';
import {
  type EffectNodeType,
  failed,
  keyedValues,
  type ModelAccess,
  type ModelProvider,
  type NodeContext,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { renderTemplate } from '../template.ts';
import { one } from '../value-types.ts';

/** Seconds one model call may take unless configured otherwise (the workflow setting `timeout` of noxus-api.md 2.1). */
const DEFAULT_TIMEOUT_SECONDS = 120;
const MAX_TIMEOUT_SECONDS = 600;

/** Tries after the first, over the whole list of models. */
const RETRIES = 3;

/** Characters of a provider's error that a failure repeats. */
const SHOWN_ERROR_LENGTH = 300;

/** Text from a language model. */
export const textGeneration: EffectNodeType = {
  type: 'TextGenerationNode',
  title: 'Generate text',
  description:
    'Sends a prompt to a language model behind an OpenAI-compatible endpoint. ((Key)) in the prompts is replaced by connected variables. The models listed are tried in order until one answers.',
  category: 'ai',
  effect: true,
  timeoutMs: 900_000,
  retry: { retries: RETRIES, delayMs: 2_000, factor: 2, maxDelayMs: 60_000 },
  inputs: [{ name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true }],
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
    model: {
      type: 'list',
      description:
        'Model names; the first is preferred, the next are used when it fails. Left out: the server’s default models.',
      optional: true,
      default: [],
    },
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
    timeout_seconds: {
      type: 'float',
      description: 'Longest wait for one model before the next is asked.',
      optional: true,
      default: DEFAULT_TIMEOUT_SECONDS,
      minimum: 1,
      maximum: MAX_TIMEOUT_SECONDS,
      advanced: true,
    },
  },
  run(input, context) {
    return generate(input.config, keyedValues(input, 'variables'), context);
  },
};

interface Prompt {
  readonly prompt: string;
  readonly system: string;
  readonly settings: { temperature?: number; maxOutputTokens?: number };
  readonly timeoutMs: number;
}

/** Why one model gave no text. */
interface ModelFailure {
  readonly failure: Failure;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly timedOut?: boolean;
  readonly usage?: Usage;
}

async function generate(config: JsonObject, variables: JsonObject, context: NodeContext): Promise<Outcome> {
  const models = modelNames(config, context.models);
  const problem = notConfigured(models, context.models);
  if (problem !== null) return failed(problem);
  const prompt = renderTemplate(config['template'] ?? null, variables);
  if ('failure' in prompt) return failed(prompt.failure);
  const system = renderTemplate(config['system'] ?? null, variables);
  if ('failure' in system) return failed(system.failure);
  const seconds = Math.min(configNumber(config, 'timeout_seconds') ?? DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS);
  const request: Prompt = {
    prompt: prompt.text,
    system: system.text,
    settings: modelSettings(config),
    timeoutMs: Math.round(seconds * 1_000),
  };
  return askInOrder(models, request, [...prompt.warnings, ...system.warnings], context);
}

async function askInOrder(
  models: readonly string[],
  request: Prompt,
  warnings: Warning[],
  context: NodeContext,
): Promise<Outcome> {
  const failures: ModelFailure[] = [];
  let usage: Usage | null = null;
  for (const [index, model] of models.entries()) {
    const provider = providerOf(model, context.models);
    const answer = provider === null ? noProvider(model) : await ask(provider, model, request, context);
    if (answer.usage !== undefined) usage = addUsage(usage, answer.usage);
    const spent = usage === null ? {} : { usage };
    if ('text' in answer) {
      return succeeded({ text_output: answer.text }, { warnings: [...warnings, ...answer.warnings], ...spent });
    }
    failures.push(answer);
    if (context.signal.aborted) break;
    const next = models[index + 1];
    context.log('warning', answer.failure.message, { model });
    if (next !== undefined) warnings.push(fallbackWarning(model, next, answer));
  }
  return { ...combined(failures), warnings, ...(usage === null ? {} : { usage }) };
}

/** All models failed: it is tried again when that may help with any of them, and no later than the first of those is ready. */
function combined(failures: readonly ModelFailure[]): Extract<Outcome, { kind: 'failed' }> {
  const retryable = failures.filter((one) => one.retryable);
  const wait = Math.min(...retryable.map((one) => one.retryAfterMs ?? 0));
  const last = failures.at(-1)!.failure;
  const message =
    failures.length === 1 ? last.message : `No model answered. ${failures.map((one) => one.failure.message).join(' ')}`;
  return {
    kind: 'failed',
    failure: { ...last, message },
    retryable: retryable.length > 0,
    ...(retryable.length > 0 && wait > 0 ? { retryAfterMs: wait } : {}),
  };
}

/** One call of one model. The libraries are loaded at the first call: they would triple the platform's start. */
async function ask(
  provider: ModelProvider,
  model: string,
  request: Prompt,
  context: NodeContext,
): Promise<{ text: string; usage: Usage; warnings: Warning[] } | ModelFailure> {
  const { generateText } = await import('ai');
  const timeout = AbortSignal.timeout(request.timeoutMs);
  try {
    const result = await generateText({
      model: await languageModel(provider, model, context.http),
      prompt: request.prompt,
      ...(request.system === '' ? {} : { system: request.system }),
      ...request.settings,
      // Providers that know the header charge a repeated call once; each model of the list is a call of its own.
      headers: { 'idempotency-key': `${context.idempotencyKey}-${model}` },
      // The engine retries by the node's policy, where every try is counted and survives a restart.
      maxRetries: 0,
      abortSignal: AbortSignal.any([context.signal, timeout]),
    });
    const usage = usageOf(result.usage, context.models.prices[model]);
    if (result.finishReason === 'content-filter' && result.text === '') {
      const failure: Failure = {
        code: 'provider',
        message: `Model ${model} withheld its answer by its content filter. Change the prompt or the model.`,
      };
      return { failure, retryable: false, usage };
    }
    return { text: result.text, usage, warnings: result.finishReason === 'length' ? [cutShort(model)] : [] };
  } catch (error) {
    if (timeout.aborted && !context.signal.aborted) return timedOut(model, request.timeoutMs);
    return modelFailure(error, model, provider, context);
  }
}

async function modelFailure(
  error: unknown,
  model: string,
  provider: ModelProvider,
  context: NodeContext,
): Promise<ModelFailure> {
  const { AISDKError, APICallError } = await import('ai');
  if (context.signal.aborted) {
    return {
      failure: { code: 'timeout', message: `The call of model ${model} was stopped before it answered.` },
      retryable: true,
    };
  }
  const unreachable = httpClientError(error);
  if (unreachable !== null) {
    const code = unreachable.reason === 'address_refused' ? 'address_refused' : 'network';
    return {
      failure: {
        code,
        message: `Model ${model} cannot be reached at provider "${provider.name}": ${unreachable.message}`,
      },
      retryable: code === 'network',
    };
  }
  // An answer that is not what the protocol promises: mostly a proxy in between, so that another try may go better.
  if (!AISDKError.isInstance(error)) throw error;
  if (!APICallError.isInstance(error) || error.statusCode === undefined || error.statusCode < 400) {
    return {
      failure: {
        code: 'provider',
        message: `Provider "${provider.name}" gave an answer for model ${model} that cannot be read: ${shown(error.message)}`,
      },
      retryable: true,
    };
  }
  const wait = retryAfterMs(error.responseHeaders?.['retry-after'], context.now());
  return {
    failure: {
      code: 'provider',
      message: `Provider "${provider.name}" answered ${error.statusCode} for model ${model}: ${shown(error.message)}${statusHint(error.statusCode)}`,
      httpStatus: error.statusCode,
    },
    retryable: isRetryableStatus(error.statusCode),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
}

function shown(message: string): string {
  return message.length > SHOWN_ERROR_LENGTH ? `${message.slice(0, SHOWN_ERROR_LENGTH)}…` : message;
}

function statusHint(status: number): string {
  if (status === 401 || status === 403) return ' Check the API key of the provider.';
  if (status === 404) return ' Check the model name and the base URL of the provider.';
  return '';
}

function timedOut(model: string, timeoutMs: number): ModelFailure {
  const message = `Model ${model} did not answer within ${timeoutMs / 1_000} seconds. Raise "timeout_seconds" or ask for less.`;
  return { failure: { code: 'timeout', message }, retryable: true, timedOut: true };
}

function noProvider(model: string): ModelFailure {
  const message = `No configured provider serves model ${model}. Correct the name, or add the model to a provider's list.`;
  return { failure: { code: 'not_configured', message }, retryable: false };
}

function fallbackWarning(model: string, next: string, answer: ModelFailure): Warning {
  return {
    identifier: answer.timedOut ? 'model_timeout' : 'model_fallback',
    detail: `${answer.failure.message} Model ${next} was asked instead.`,
    params: { model, next },
  };
}

function cutShort(model: string): Warning {
  return {
    identifier: 'general',
    detail: `The answer of model ${model} was cut at its limit of tokens. Raise "max_tokens" for a longer one.`,
  };
}

function modelNames(config: JsonObject, access: ModelAccess): readonly string[] {
  const configured = config['model'];
  const names = (Array.isArray(configured) ? configured : [configured]).filter(
    (name): name is string => typeof name === 'string' && name !== '',
  );
  return names.length > 0 ? [...new Set(names)] : access.defaultModels;
}

function notConfigured(models: readonly string[], access: ModelAccess): Failure | null {
  if (access.providers.length === 0) {
    return {
      code: 'not_configured',
      message: NO_PROVIDER,
    };
  }
  if (models.length > 0) return null;
  return {
    code: 'not_configured',
    message: 'No model is named. Give one under "model", or configure default models on the server.',
  };
}

function modelSettings(config: JsonObject): Prompt['settings'] {
  const temperature = configNumber(config, 'temperature');
  const maxTokens = configNumber(config, 'max_tokens');
  return {
    ...(temperature === null ? {} : { temperature }),
    ...(maxTokens === null ? {} : { maxOutputTokens: maxTokens }),
  };
}

function addUsage(sum: Usage | null, more: Usage): Usage {
  if (sum === null) return more;
  const costs = [sum.cost, more.cost].filter((cost) => cost !== null);
  return {
    inputTokens: sum.inputTokens + more.inputTokens,
    outputTokens: sum.outputTokens + more.outputTokens,
    cost: costs.length === 0 ? null : costs.reduce((total, cost) => total.plus(cost), new Big(0)).toFixed(),
  };
}
