import Big from 'big.js';
import type { ProviderProtocol } from '../domain/credential.ts';
import type { ModelPrice } from '../domain/model-settings.ts';
import type { Usage } from '../domain/run.ts';
import type { ModelAccess, ModelProvider } from './node-type.ts';

const TOKENS_PER_PRICE = 1_000_000;

/** Where each protocol is spoken by the provider that it comes from. Null: the settings do not say where. */
const BASE_URLS: Readonly<Record<ProviderProtocol, (settings: Readonly<Record<string, string>>) => string | null>> = {
  'openai-compatible': () => null,
  openai: () => 'https://api.openai.com/v1',
  anthropic: () => 'https://api.anthropic.com/v1',
  google: () => 'https://generativelanguage.googleapis.com/v1beta',
  mistral: () => 'https://api.mistral.ai/v1',
  azure: ({ resource_name: name }) => (name === undefined ? null : `https://${name}.openai.azure.com/openai`),
  bedrock: ({ region }) => (region === undefined ? null : `https://bedrock-runtime.${region}.amazonaws.com`),
};

/** The address of a provider that was given none, without a slash at its end; null where there is none to know. */
export function defaultBaseUrl(protocol: ProviderProtocol, settings: Readonly<Record<string, string>>): string | null {
  return BASE_URLS[protocol](settings);
}

/** The provider that lists the model, else the first one that lists none and so takes any name. */
export function providerOf(model: string, access: ModelAccess): ModelProvider | null {
  const lists = access.providers.find((provider) => provider.models.includes(model));
  return lists ?? access.providers.find((provider) => provider.models.length === 0) ?? null;
}

/**
 * The tokens of a call and what the provider asks for them; the cost is null where no price is configured.
 * @param tokens `cachedTokens` are those of the input that the provider had read before
 */
export function usageOf(
  tokens: { inputTokens: number | undefined; outputTokens: number | undefined; cachedTokens?: number | undefined },
  price: ModelPrice | undefined,
): Usage {
  const inputTokens = tokens.inputTokens ?? 0;
  const cached = Math.min(tokens.cachedTokens ?? 0, inputTokens);
  const outputTokens = tokens.outputTokens ?? 0;
  if (price === undefined) return { inputTokens, outputTokens, cost: null };
  const cost = new Big(price.input)
    .times(inputTokens - cached)
    .plus(new Big(price.cachedInput ?? price.input).times(cached))
    .plus(new Big(price.output).times(outputTokens))
    .div(TOKENS_PER_PRICE);
  return { inputTokens, outputTokens, cost: cost.toFixed() };
}

/** What to do when no provider is configured at all. */
export const NO_PROVIDER =
  'No model provider is configured. Set OPENAI_BASE_URL to an OpenAI-compatible endpoint (e.g. https://api.openai.com/v1) and OPENAI_API_KEY to its key, and restart the server; or give this workspace a credential of a provider (POST /v1/credentials).';
