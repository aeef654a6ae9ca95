import Big from 'big.js';
import type { ProviderProtocol } from '../domain/credential.ts';
import type { Failure } from '../domain/failure.ts';
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

/** The sum of what two calls used. The cost is what is known of it; null when nothing is. */
export function addUsage(sum: Usage | null, more: Usage): Usage {
  if (sum === null) return more;
  const costs = [sum.cost, more.cost].filter((cost) => cost !== null);
  return {
    inputTokens: sum.inputTokens + more.inputTokens,
    outputTokens: sum.outputTokens + more.outputTokens,
    cost: costs.length === 0 ? null : costs.reduce((total, cost) => total.plus(cost), new Big(0)).toFixed(),
  };
}

const PRESET = 'preset:';

/**
 * The models to ask, in order, each once: those that are named with presets in place of their names, or the default ones when none is.
 * The failure says what to name or configure.
 */
export function modelOrder(named: readonly string[], access: ModelAccess): readonly string[] | { failure: Failure } {
  if (access.providers.length === 0) return { failure: { code: 'not_configured', message: NO_PROVIDER } };
  const models: string[] = [];
  for (const name of named.length > 0 ? named : access.defaultModels) {
    if (!name.startsWith(PRESET)) {
      models.push(name);
      continue;
    }
    const preset = name.slice(PRESET.length);
    if (!Object.hasOwn(access.presets, preset)) return { failure: unknownPreset(preset, access) };
    models.push(...(access.presets[preset] ?? []));
  }
  if (models.length > 0) return [...new Set(models)];
  const message = 'No model is named. Give one under "model", or configure default models on the server.';
  return { failure: { code: 'not_configured', message } };
}

function unknownPreset(name: string, { presets }: ModelAccess): Failure {
  const known = Object.keys(presets).map((preset) => `"${preset}"`);
  const there =
    known.length === 0
      ? 'There are no presets. Name models, or configure the preset.'
      : `There are ${known.join(', ')}. Name one of them, or configure this one.`;
  return { code: 'not_configured', message: `There is no preset of models "${name}". ${there}` };
}

/** What to do when no provider is configured at all. */
export const NO_PROVIDER =
  'No model provider is configured. Set OPENAI_BASE_URL to an OpenAI-compatible endpoint (e.g. https://api.openai.com/v1) and OPENAI_API_KEY to its key, and restart the server; or give this workspace a credential of a provider (POST /v1/credentials).';
