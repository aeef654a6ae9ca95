import type { MetadataExtractor } from '@ai-sdk/openai-compatible';
import type { EmbeddingModel, ImageModel, JSONValue, LanguageModel } from 'ai';
import { isJsonObject } from '../../domain/json.ts';
import type { HttpClient } from '../../system/http-client.ts';
import { parseJson } from '../json-text.ts';
import type { ModelProvider } from '../node-type.ts';

/** A provider is not configured so that this kind of model can be asked of it; the message says what is missing. */
export class ProviderMisconfigured extends Error {
  override readonly name = 'ProviderMisconfigured';
}

/**
 * A model of a provider, spoken to through the guarded client. The libraries are loaded at the first call: they would triple the platform's start.
 * @throws ProviderMisconfigured
 */
export async function languageModel(provider: ModelProvider, model: string, http: HttpClient): Promise<LanguageModel> {
  // Unless told otherwise the library writes what a provider does not support to the operator's console; nodes tell it to the run's log.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const opened = await openProvider(provider, http);
  return speaksChatOnly(provider) && 'chat' in opened ? opened.chat(model) : opened.languageModel(model);
}

/**
 * A model of a provider that turns texts into vectors.
 * @throws ProviderMisconfigured
 */
export async function embeddingModel(
  provider: ModelProvider,
  model: string,
  http: HttpClient,
): Promise<EmbeddingModel> {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  if (provider.protocol === 'anthropic') throw serves(provider, 'no embeddings');
  return (await openProvider(provider, http)).embeddingModel(model);
}

/**
 * A model of a provider that makes pictures.
 * @throws ProviderMisconfigured
 */
export async function imageModel(provider: ModelProvider, model: string, http: HttpClient): Promise<ImageModel> {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const opened = await openProvider(provider, http);
  if (provider.protocol === 'anthropic' || provider.protocol === 'mistral' || !('imageModel' in opened)) {
    throw serves(provider, 'no pictures');
  }
  return opened.imageModel(model);
}

function serves(provider: ModelProvider, nothing: string): ProviderMisconfigured {
  return new ProviderMisconfigured(
    `Provider "${provider.name}" speaks the protocol ${provider.protocol}, which has ${nothing}. Name a model of another provider.`,
  );
}

/**
 * The provider as the library knows it. Whatever the libraries would read from the environment is given, be it empty: one provider's key must never go
 * to another, and configuration is read in one place.
 */
async function openProvider(provider: ModelProvider, http: HttpClient) {
  const { protocol, baseUrl, apiKey, settings } = provider;
  const given = {
    ...(baseUrl === '' ? {} : { baseURL: baseUrl }),
    apiKey: apiKey ?? '',
    fetch: apiKey === null ? withoutKey(http.fetch) : http.fetch,
  };
  switch (protocol) {
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      return createOpenAICompatible({
        ...given,
        fetch: streamedAnyway(given.fetch),
        baseURL: baseUrl,
        name: COMPATIBLE,
        includeUsage: true,
        supportsStructuredOutputs: settings['structured_outputs'] !== 'false',
        // Pictures at an address are the server's to fetch, as with OpenAI itself.
        supportedUrls: () => ({ 'image/*': [/^https?:/] }),
        metadataExtractor: logProbabilities,
      });
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI({ baseURL: OPENAI_URL, ...given });
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic({ baseURL: ANTHROPIC_URL, ...given });
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle(given);
    }
    case 'mistral': {
      const { createMistral } = await import('@ai-sdk/mistral');
      return createMistral(given);
    }
    case 'azure': {
      const { resource_name: resourceName, api_version: apiVersion } = settings;
      if (baseUrl === '' && resourceName === undefined) {
        throw new ProviderMisconfigured(
          `Provider "${provider.name}" (azure) has neither a base URL nor the setting "resource_name". Give one of them.`,
        );
      }
      const { createAzure } = await import('@ai-sdk/azure');
      return createAzure({
        ...given,
        ...(resourceName === undefined ? {} : { resourceName }),
        ...(apiVersion === undefined ? {} : { apiVersion }),
        useDeploymentBasedUrls: isDated(apiVersion),
      });
    }
    case 'bedrock': {
      const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
      return createAmazonBedrock({ ...given, fetch: http.fetch, ...bedrockAccess(provider) });
    }
  }
}

/** The name under which the library looks for options of an OpenAI-compatible server, and gives what it found besides. */
export const COMPATIBLE = 'compatible';

const OPENAI_URL = 'https://api.openai.com/v1';
const ANTHROPIC_URL = 'https://api.anthropic.com/v1';

/** Azure's versions before `v1` are dates; they have addresses by deployment, and no Responses API there. */
function isDated(apiVersion: string | undefined): boolean {
  return apiVersion !== undefined && /^\d{4}-\d{2}-\d{2}/.test(apiVersion);
}

/** Whether the chat completions are spoken where the protocol also has the newer Responses API. */
export function speaksChatOnly({ protocol, settings }: ModelProvider): boolean {
  if (protocol === 'azure' && isDated(settings['api_version'])) return true;
  return (protocol === 'openai' || protocol === 'azure') && settings['api'] === 'chat';
}

/** With a key of its own Bedrock takes that; otherwise requests are signed with the credentials of an AWS account (SigV4). */
function bedrockAccess(provider: ModelProvider) {
  const { region, access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token } = provider.settings;
  const inAddress = /^https:\/\/bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\./.exec(provider.baseUrl)?.[1];
  const known = region ?? inAddress;
  if (known === undefined) {
    throw new ProviderMisconfigured(
      `Provider "${provider.name}" (bedrock) needs the setting "region", e.g. us-east-1.`,
    );
  }
  if (provider.apiKey !== null) return { region: known };
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new ProviderMisconfigured(
      `Provider "${provider.name}" (bedrock) has neither a key nor the settings "access_key_id" and "secret_access_key". Give one or the other.`,
    );
  }
  const session = session_token === undefined ? {} : { sessionToken: session_token };
  return { region: known, accessKeyId, secretAccessKey, ...session };
}

/** The headers in which the protocols carry a key. */
const KEY_HEADERS = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'];

/** A server without a key gets no header for one: an empty one is refused by some. */
function withoutKey(fetch: HttpClient['fetch']): HttpClient['fetch'] {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    for (const name of KEY_HEADERS) headers.delete(name);
    return fetch(input, { ...init, headers });
  };
}

/**
 * Some servers answer a request for a stream at once and whole (proxies, small servers). What they say becomes a stream of one chunk; the library would
 * take it for an empty answer.
 */
function streamedAnyway(fetch: HttpClient['fetch']): HttpClient['fetch'] {
  return async (input, init) => {
    const answer = await fetch(input, init);
    const isWhole = answer.ok && (answer.headers.get('content-type') ?? '').startsWith('application/json');
    if (!isWhole || typeof init?.body !== 'string' || !asksForStream(init.body)) return answer;
    const text = await answer.text();
    const headers = { 'content-type': 'text/event-stream' };
    return new Response(`data: ${asChunk(text)}\n\ndata: [DONE]\n\n`, { headers });
  };
}

function asksForStream(body: string): boolean {
  // Looked for first: bodies with pictures are long.
  if (!body.includes('"stream":true')) return false;
  const parsed = parseJson(body);
  return 'value' in parsed && isJsonObject(parsed.value) && parsed.value['stream'] === true;
}

/** A completion as one chunk of a stream. What is none passes as it is, on one line, for the library to complain of. */
function asChunk(text: string): string {
  const parsed = parseJson(text);
  const completion = 'value' in parsed ? parsed.value : null;
  if (!isJsonObject(completion) || !Array.isArray(completion['choices'])) return text.replaceAll(/\s+/g, ' ');
  const choices = completion['choices'].filter(isJsonObject).map(({ message, ...choice }) => {
    const calls = isJsonObject(message) && Array.isArray(message['tool_calls']) ? message['tool_calls'] : [];
    const indexed = calls.map((call, index) => (isJsonObject(call) ? { index, ...call } : call));
    const delta = isJsonObject(message) ? { ...message, ...(indexed.length > 0 ? { tool_calls: indexed } : {}) } : {};
    return { ...choice, delta };
  });
  return JSON.stringify({ ...completion, object: 'chat.completion.chunk', choices });
}

interface ChatChoice {
  readonly logprobs?: { readonly content?: readonly JSONValue[] | null } | null;
}

const choiceOf = (body: unknown): ChatChoice | undefined =>
  (body as { choices?: readonly ChatChoice[] } | undefined)?.choices?.[0];

/** Keeps the log-probabilities of an OpenAI-compatible answer, which the library leaves out, where its other protocols have them. */
const logProbabilities: MetadataExtractor = {
  extractMetadata: async ({ parsedBody }) => found([...(choiceOf(parsedBody)?.logprobs?.content ?? [])]),
  createStreamExtractor: () => {
    const content: JSONValue[] = [];
    return {
      processChunk: (chunk) => {
        content.push(...(choiceOf(chunk)?.logprobs?.content ?? []));
      },
      buildMetadata: () => found(content),
    };
  },
};

function found(content: JSONValue[]): { [COMPATIBLE]: { logprobs: JSONValue[] } } | undefined {
  return content.length === 0 ? undefined : { [COMPATIBLE]: { logprobs: content } };
}
