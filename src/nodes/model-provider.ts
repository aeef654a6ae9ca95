import Big from 'big.js';
import type { Failure } from '../domain/failure.ts';
import type { Usage } from '../domain/run.ts';
import type { ModelAccess, ModelPrice, ModelProvider } from './node-type.ts';

const TOKENS_PER_PRICE = 1_000_000;

/** The provider that lists the model, else the first one that lists none and so takes any name. */
export function providerOf(model: string, access: ModelAccess): ModelProvider | null {
  const lists = access.providers.find((provider) => provider.models.includes(model));
  return lists ?? access.providers.find((provider) => provider.models.length === 0) ?? null;
}

/** The tokens of a call and what the provider asks for them; the cost is null where no price is configured. */
export function usageOf(
  tokens: { inputTokens: number | undefined; outputTokens: number | undefined },
  price: ModelPrice | undefined,
): Usage {
  const inputTokens = tokens.inputTokens ?? 0;
  const outputTokens = tokens.outputTokens ?? 0;
  if (price === undefined) return { inputTokens, outputTokens, cost: null };
  const cost = new Big(price.input)
    .times(inputTokens)
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
  'No model provider is configured. Set OPENAI_BASE_URL to an OpenAI-compatible endpoint (e.g. https://api.openai.com/v1) and OPENAI_API_KEY to its key, or list providers in the configuration file under "models", and restart the server.';
