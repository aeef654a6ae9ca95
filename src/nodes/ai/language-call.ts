import type { JSONSchema7, JSONValue, LanguageModelUsage, UserContent } from 'ai';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { Warning } from '../../domain/warning.ts';
import { httpClientError, shownUrl } from '../http-outcome.ts';
import { usageOf } from '../model-provider.ts';
import type { ModelProvider, NodeContext } from '../node-type.ts';
import { COMPATIBLE, languageModel, speaksChatOnly } from './language-model.ts';
import type { Sampling } from './model-config.ts';
import { BrokenAnswer, type ModelFailure, shown, UnreadableInput } from './model-failure.ts';
import type { ModelAnswer, ModelCall } from './model-order.ts';

/** A question to a language model. */
export interface LanguageRequest {
  /** Instructions that hold for the whole answer; empty: none. */
  readonly system: string;
  readonly content: UserContent;
  readonly sampling: Sampling;
  /** The JSON schema that the answer is to follow; left out: any text. */
  readonly schema?: JsonObject;
  /** Log-probabilities are asked of the providers that have them. */
  readonly logProbabilities?: true;
  /** Told of the text as it comes; `isAnew` with the first piece of an answer, which takes the place of one that broke off. */
  onText?(text: string, isAnew: boolean): void;
}

/** What a language model answered. */
export interface LanguageAnswer {
  readonly text: string;
  /** What each token was to the model, first to last; empty where the provider does not say. */
  readonly tokens: readonly TokenProbability[];
}

/** A token and the natural logarithm of how likely the model held it to be. */
export interface TokenProbability {
  readonly token: string;
  readonly logprob: number;
}

/** Tokens beside the chosen one that are asked for: the fewest that every provider takes. */
const TOP_TOKENS = 1;

/** Puts one question to one model. Throws what the AI SDK and the guarded client throw. */
export async function askLanguageModel(
  call: ModelCall,
  request: LanguageRequest,
  context: NodeContext,
): Promise<ModelAnswer<LanguageAnswer> | ModelFailure> {
  const { model, provider } = call;
  const answered = await received(call, request, context).catch(async (error: unknown) => {
    // Models that think refuse to tell log-probabilities, and with them the whole question.
    if (!request.logProbabilities || !(await refusesLogProbabilities(error))) throw error;
    const { logProbabilities: _, ...bare } = request;
    return received(call, bare, context);
  });
  const usage = usageOf(answered.usage, context.models.prices[model]);
  tellIgnored(answered.ignored, model, context);
  call.tell?.({
    input: JSON.stringify([
      ...(request.system === '' ? [] : [{ role: 'system', content: request.system }]),
      { role: 'user', content: textOf(request.content) },
    ]),
    output: JSON.stringify([{ role: 'assistant', content: answered.text, finish_reason: answered.finishReason }]),
  });
  const { finishReason, text } = answered;
  if (finishReason === 'content-filter' && (text === '' || request.schema !== undefined)) {
    const said = text === '' ? '' : ` It says: ${shown(text)}`;
    const message = `Model ${model} withheld its answer by its content filter. Change the prompt or the model.${said}`;
    return { failure: { code: 'provider', message }, retryable: false, usage };
  }
  if (finishReason === 'error' || finishReason === 'interrupted' || (finishReason === 'other' && text === '')) {
    const message = `Provider "${provider.name}" gave an answer for model ${model} that ends before its end.`;
    return { failure: { code: 'provider', message }, retryable: true, usage };
  }
  return { value: { text, tokens: tokensOf(answered.metadata) }, usage, warnings: warningsOf(finishReason, model) };
}

/** What is asked in words: pictures and files are told of, not repeated. */
function textOf(content: UserContent): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n');
}

type Library = typeof import('ai');
type GenerateOptions = Parameters<Library['generateText']>[0];
type Result = Awaited<ReturnType<Library['generateText']>>;
type Ignored = NonNullable<Result['warnings']>;

interface Received {
  readonly text: string;
  readonly usage: LanguageModelUsage;
  readonly finishReason: Result['finishReason'];
  readonly ignored: Ignored;
  readonly metadata: Result['providerMetadata'];
}

/** The libraries are loaded at the first call: they would triple the platform's start. */
async function received(call: ModelCall, request: LanguageRequest, context: NodeContext): Promise<Received> {
  const options = await optionsOf(call, request, context);
  const { onText } = request;
  if (onText !== undefined) return streamed(options, onText);
  const { generateText } = await import('ai');
  const result = await generateText(options);
  const { usage, finishReason, warnings, finalStep } = result;
  // Where an answer has several blocks, only the library knows which of them is the JSON.
  const isJson = request.schema !== undefined && finishReason === 'stop';
  return {
    text: isJson ? String(result.output) : result.text,
    usage,
    finishReason,
    ignored: warnings ?? [],
    metadata: finalStep.providerMetadata,
  };
}

/** Reads an answer as it comes. Whatever ends it early is a {@link BrokenAnswer}: the libraries throw what they like in the middle. */
async function streamed(options: GenerateOptions, onText: NonNullable<LanguageRequest['onText']>): Promise<Received> {
  const { streamText } = await import('ai');
  // Errors come as parts of the stream; unless it is told where they go, the library writes them to the console.
  const { stream } = streamText({ ...options, onError: () => {} });
  const texts: string[] = [];
  let ignored: Ignored = [];
  let metadata: Received['metadata'];
  try {
    for await (const part of stream) {
      if (part.type === 'text-delta' && part.text !== '') {
        onText(part.text, texts.length === 0);
        texts.push(part.text);
      } else if (part.type === 'start-step') ignored = part.warnings;
      else if (part.type === 'finish-step') metadata = part.providerMetadata;
      else if (part.type === 'error') throw part.error;
      else if (part.type === 'finish') {
        return { text: texts.join(''), usage: part.totalUsage, finishReason: part.finishReason, ignored, metadata };
      }
    }
  } catch (cause) {
    throw new BrokenAnswer('The answer broke off.', { cause });
  }
  throw new BrokenAnswer('The answer broke off.', { cause: 'it ended without its end.' });
}

async function optionsOf(call: ModelCall, request: LanguageRequest, context: NodeContext): Promise<GenerateOptions> {
  const { provider, model } = call;
  const { topK, ...sampling } = request.sampling;
  // A server that is not held to a schema is told of it.
  const isTold = request.schema !== undefined && provider.settings['structured_outputs'] === 'false';
  const told = `Answer with JSON only, which follows this JSON schema: ${JSON.stringify(request.schema)}`;
  const instructions = [request.system, ...(isTold ? [told] : [])].filter((text) => text !== '').join('\n\n');
  const isCompatible = provider.protocol === 'openai-compatible';
  return {
    model: await languageModel(provider, model, context.http),
    ...(instructions === '' ? {} : { instructions }),
    messages: [{ role: 'user', content: request.content }],
    ...sampling,
    ...(topK === undefined || isCompatible ? {} : { topK }),
    ...(request.schema === undefined ? {} : { output: jsonOutput(request.schema) }),
    providerOptions: providerOptions(provider, request),
    headers: call.headers,
    // Models are asked again by those who ask in order and by the engine, where every try is counted.
    maxRetries: 0,
    abortSignal: call.signal,
    experimental_download: guardedDownload(context),
  };
}

/** The answer as JSON text: it is parsed and checked by whoever asked, who can say what is wrong with it. */
function jsonOutput(schema: JsonObject): NonNullable<GenerateOptions['output']> {
  return {
    name: 'json',
    responseFormat: Promise.resolve({ type: 'json' as const, schema: schema as JSONSchema7 }),
    parseCompleteOutput: async ({ text }) => text,
    parsePartialOutput: async () => undefined,
    createElementStreamTransform: () => undefined,
  };
}

/**
 * Options that the library knows by protocol only. OpenAI holds a model to a schema only where it is strict (every property required, no others),
 * and refuses others in its strict mode.
 */
function providerOptions(provider: ModelProvider, request: LanguageRequest): Record<string, Record<string, JSONValue>> {
  const strict = request.schema === undefined ? {} : { strictJsonSchema: isStrict(request.schema) };
  const { logProbabilities: wanted, sampling } = request;
  switch (provider.protocol) {
    case 'openai-compatible': {
      const { topK } = sampling;
      const options = {
        ...strict,
        // Ollama, vLLM and their like take it, though OpenAI itself does not.
        ...(topK === undefined ? {} : { top_k: topK }),
        ...(wanted ? { logprobs: true } : {}),
      };
      return { [COMPATIBLE]: options };
    }
    case 'openai':
    case 'azure': {
      // Answers are not left with the provider, as its newer API would.
      const isResponses = !speaksChatOnly(provider);
      const options = {
        ...strict,
        ...(isResponses ? { store: false } : {}),
        ...(wanted ? { logprobs: TOP_TOKENS } : {}),
      };
      // The library looks under either name, depending on what it reads.
      return provider.protocol === 'azure' ? { openai: options, azure: options } : { openai: options };
    }
    case 'mistral':
      return { mistral: strict };
    default:
      return {};
  }
}

/** Whether every object of a schema requires all of its properties and allows no others. */
function isStrict(schema: JsonValue): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (!isJsonObject(schema)) return true;
  const { properties, required, additionalProperties } = schema;
  if (isJsonObject(properties)) {
    const names = Array.isArray(required) ? required : [];
    if (additionalProperties !== false || !Object.keys(properties).every((name) => names.includes(name))) return false;
  } else if (schema['type'] === 'object') return false;
  return Object.values(schema).every(isStrict);
}

/** Largest picture that is fetched for a provider that cannot fetch it itself. */
const MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024;

/** What a provider cannot fetch itself is fetched through the guarded client: the library's own way would reach private addresses. */
function guardedDownload({ http }: NodeContext): NonNullable<GenerateOptions['experimental_download']> {
  return (wanted) =>
    Promise.all(
      wanted.map(async ({ url, isUrlSupportedByModel, abortSignal }) => {
        if (isUrlSupportedByModel) return null;
        const picture = `The picture at ${shownUrl(url.href)}`;
        const request = {
          method: 'GET',
          url: url.href,
          timeoutMs: DOWNLOAD_TIMEOUT_MS,
          maxBytes: MAX_DOWNLOAD_BYTES,
          ...(abortSignal === undefined ? {} : { signal: abortSignal }),
        };
        const answer = await http.request(request).catch((error: unknown) => {
          const cause = httpClientError(error);
          if (cause === null) throw error;
          throw new UnreadableInput(`${picture} cannot be fetched: ${cause.message}`);
        });
        if (answer.status >= 400)
          throw new UnreadableInput(`${picture} cannot be fetched: ${answer.status} came back.`);
        return { data: answer.body, mediaType: answer.headers['content-type'] };
      }),
    );
}

const DOWNLOAD_TIMEOUT_MS = 60_000;

async function refusesLogProbabilities(error: unknown): Promise<boolean> {
  const { APICallError } = await import('ai');
  if (!APICallError.isInstance(error) || error.statusCode === undefined) return false;
  return error.statusCode >= 400 && error.statusCode < 500 && /logprob/i.test(`${error.message} ${error.responseBody}`);
}

/** Says what a model does not support and was asked without. */
function tellIgnored(ignored: Ignored, model: string, context: NodeContext): void {
  for (const warning of ignored) {
    if (warning.type !== 'unsupported' && warning.type !== 'compatibility') continue;
    const why = warning.details === undefined ? '' : ` ${warning.details}`;
    context.log('info', `Model ${model} does not support ${warning.feature}, and was asked without it.${why}`, {
      model,
    });
  }
}

function warningsOf(finishReason: Result['finishReason'], model: string): Warning[] {
  const ended = WARNING_ENDS[finishReason];
  return ended === undefined ? [] : [{ identifier: 'general', detail: `The answer of model ${model} was ${ended}` }];
}

/** Ends of an answer that is given all the same. */
const WARNING_ENDS: Readonly<Partial<Record<Result['finishReason'], string>>> = {
  length: 'cut at its limit of tokens. Raise "max_tokens" for a longer one.',
  'content-filter': 'ended by its content filter. Change the prompt or the model for a whole one.',
};

/** The log-probabilities in what a provider says besides its answer; the Responses API gives them in a list for each part. */
function tokensOf(metadata: Received['metadata']): TokenProbability[] {
  return Object.values(metadata ?? {}).flatMap((said) => {
    const { logprobs } = said;
    if (!Array.isArray(logprobs)) return [];
    return (logprobs.flat() as Partial<TokenProbability>[]).flatMap(({ token, logprob }) =>
      typeof token === 'string' && typeof logprob === 'number' ? [{ token, logprob }] : [],
    );
  });
}
