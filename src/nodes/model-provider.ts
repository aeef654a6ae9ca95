import Big from 'big.js';
import type { ModelPrice } from '../domain/model-settings.ts';
import type { Usage } from '../domain/run.ts';
import type { ModelAccess, ModelProvider } from './node-type.ts';

const TOKENS_PER_PRICE = 1_000_000;

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
