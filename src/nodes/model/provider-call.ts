import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { retryAfterMs } from '../../domain/retry.ts';
import type { HttpAnswer } from '../../system/http-client.ts';
import { configNumber, configText } from '../config.ts';
import { fileReference, loadFile } from '../file-reference.ts';
import { failedRequest, isRetryableStatus } from '../http-outcome.ts';
import { parseJson } from '../json-text.ts';
import { NO_PROVIDER, providerOf } from '../model-provider.ts';
import {
  type ConfigField,
  failed,
  keyedValues,
  type ModelProvider,
  type NodeContext,
  type NodeInput,
  type Outcome,
} from '../node-type.ts';
import { fillIn } from './input-template.ts';

/** Seconds that one call may take unless the model says otherwise, and at most: making a video takes minutes. */
const DEFAULT_TIMEOUT_SECONDS = 120;
const MAX_TIMEOUT_SECONDS = 1_800;

/** Longest run of a node that calls a model, with a margin for keeping files. */
export const NODE_TIMEOUT_MS = (MAX_TIMEOUT_SECONDS + 120) * 1_000;

/** Tries after the first: calls of models cost money. */
export const RETRY = { retries: 2, delayMs: 2_000, factor: 2, maxDelayMs: 60_000 };

/** An answer passes through memory on its way to the store; a 4-megapixel picture as base64 has some 30 MB. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Characters of a provider's error that a failure repeats. */
const SHOWN_ERROR_LENGTH = 300;

/** Protocols with the endpoints of OpenAI under the same paths. */
const OPENAI_LIKE: ReadonlySet<string> = new Set(['openai-compatible', 'openai', 'mistral']);

/** Configuration that every node that calls a model has. */
export const CALL_CONFIG: Readonly<Record<string, ConfigField>> = {
  provider: {
    type: 'str',
    description: 'Name of the configured provider; left out: the one that serves the model.',
    optional: true,
    default: null,
  },
  timeout_seconds: {
    type: 'float',
    description: 'Longest wait for an answer.',
    optional: true,
    default: DEFAULT_TIMEOUT_SECONDS,
    minimum: 0.1,
    maximum: MAX_TIMEOUT_SECONDS,
    advanced: true,
  },
};

/** Milliseconds that one call may take. */
export function timeoutOf(config: JsonObject): number {
  const seconds = configNumber(config, 'timeout_seconds') ?? DEFAULT_TIMEOUT_SECONDS;
  return Math.round(Math.min(seconds, MAX_TIMEOUT_SECONDS) * 1_000);
}

/** The values of the declared inputs; those without a value are left out. */
export function givenInputs(input: NodeInput): JsonObject {
  return Object.fromEntries(Object.entries(keyedValues(input, 'inputs')).filter(([, value]) => value !== null));
}

/** The provider that a node's configuration names, or that serves its model; a failed outcome where there is none. */
export function findProvider(config: JsonObject, context: NodeContext): ModelProvider | Outcome {
  const model = configText(config, 'model');
  const named = configText(config, 'provider');
  const { providers } = context.models;
  if (providers.length === 0) return failed({ code: 'not_configured', message: NO_PROVIDER, stage: 'dispatch' });
  const alike = { ...context.models, providers: providers.filter(({ protocol }) => OPENAI_LIKE.has(protocol)) };
  const provider =
    named === ''
      ? (providerOf(model, alike) ?? providerOf(model, context.models))
      : (providers.find(({ name }) => name === named) ?? null);
  if (provider !== null && OPENAI_LIKE.has(provider.protocol)) return provider;
  if (provider !== null) {
    const message = `Provider "${provider.name}" speaks the protocol ${provider.protocol}; models of the registry call addresses of OpenAI's form. Use a provider with such addresses, or a workflow with TextGenerationNode as backend.`;
    return failed({ code: 'not_configured', message, stage: 'dispatch' });
  }
  const known = providers.map(({ name }) => `"${name}"`).join(', ');
  const message =
    named === ''
      ? `No configured provider serves model ${model}. Correct the name, or add the model to a provider's list.`
      : `No provider is named "${named}". Configured are ${known}.`;
  return failed({ code: 'not_configured', message, stage: 'dispatch' });
}

/**
 * The fields of a call besides what it is about: the model's `parameters` with the input's values in them, or, where it has none, every input
 * that is not used otherwise under its own name.
 */
export function parametersOf(config: JsonObject, inputs: JsonObject, used: ReadonlySet<string>): JsonObject {
  const { parameters } = config;
  if (isJsonObject(parameters)) return fillIn(parameters, inputs) as JsonObject;
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => !used.has(name)));
}

/** Sends JSON to an endpoint of a provider. @returns its JSON answer, or the failed outcome */
export async function callProvider(
  provider: ModelProvider,
  path: string,
  body: JsonObject,
  config: JsonObject,
  context: NodeContext,
): Promise<{ readonly answer: JsonObject } | Outcome> {
  let answer: HttpAnswer;
  try {
    answer = await context.http.request({
      method: 'POST',
      url: `${provider.baseUrl.replace(/\/+$/, '')}${path}`,
      headers: {
        'content-type': 'application/json',
        // Providers that know the header charge a repeated call once.
        'idempotency-key': context.idempotencyKey,
        ...(provider.apiKey === null ? {} : { authorization: `Bearer ${provider.apiKey}` }),
      },
      body: JSON.stringify(body),
      timeoutMs: timeoutOf(config),
      maxBytes: MAX_ANSWER_BYTES,
      signal: context.signal,
    });
  } catch (error) {
    return failedRequest(error);
  }
  const parsed = parseJson(new TextDecoder().decode(answer.body));
  const value = 'value' in parsed ? parsed.value : null;
  const model = configText(config, 'model');
  if (answer.status >= 400) {
    const wait = retryAfterMs(answer.headers['retry-after'], context.now());
    const said = saidBy(value);
    return {
      kind: 'failed',
      failure: {
        code: 'provider',
        message: `Provider "${provider.name}" answered ${answer.status} for model ${model}${said === '' ? '.' : `: ${said}`}${hint(answer.status)}`,
        httpStatus: answer.status,
      },
      retryable: isRetryableStatus(answer.status),
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }
  if (isJsonObject(value)) return { answer: value };
  // Mostly a proxy in between, so that another try may go better.
  const message = `Provider "${provider.name}" gave an answer for model ${model} that is no JSON object.`;
  return failed({ code: 'provider', message, httpStatus: answer.status }, true);
}

/** What an OpenAI-compatible error says; it may be an object, or a text. */
function saidBy(value: JsonValue): string {
  const error = isJsonObject(value) ? (value['error'] ?? value['message'] ?? value['detail']) : value;
  const message = isJsonObject(error) ? error['message'] : error;
  const text = typeof message === 'string' ? message : '';
  return text.length > SHOWN_ERROR_LENGTH ? `${text.slice(0, SHOWN_ERROR_LENGTH)}…` : text;
}

function hint(status: number): string {
  if (status === 401 || status === 403) return ' Check the API key of the provider.';
  if (status === 404) return ' Check the model name and the base URL of the provider.';
  return '';
}

/**
 * A media value as somebody outside can read it: files that are kept here become data addresses, since no provider can fetch them from here;
 * other addresses stay as they are.
 */
export async function readableMedia(
  value: JsonValue,
  context: NodeContext,
): Promise<{ readonly value: JsonValue } | Outcome> {
  if (Array.isArray(value)) {
    const items: JsonValue[] = [];
    for (const item of value) {
      const readable = await readableMedia(item, context);
      if ('kind' in readable) return readable;
      items.push(readable.value);
    }
    return { value: items };
  }
  const reference = fileReference(value);
  if (reference === null) return { value };
  if (!reference.uri.startsWith('spot:')) return { value: reference.uri };
  const loaded = await loadFile(reference, context);
  if ('kind' in loaded) return loaded;
  return { value: `data:${loaded.contentType};base64,${Buffer.from(loaded.bytes).toString('base64')}` };
}
