import type { Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import {
  MEASUREMENT_SOURCES,
  PRICE_EFFECTS,
  PRICED_QUANTITIES,
  type PricedQuantity,
  type PriceEffect,
  type PriceRule,
} from '../domain/price-rule.ts';

/** What `pricing_model_code` asks a price for. The original publishes no list; these are the words of its price labels. */
const PRICING_MODELS: Readonly<Record<string, PricedQuantity>> = {
  per_request: 'requests',
  per_run: 'requests',
  flat: 'requests',
  per_image: 'images',
  per_video: 'videos',
  per_megapixel: 'megapixels',
  per_second: 'seconds',
  per_gpu_second: 'gpu_seconds',
  per_token: 'tokens',
  per_input_token: 'input_tokens',
  per_output_token: 'output_tokens',
};

/** How many of the quantity a price in this unit is for. Without a unit it is one. */
const UNITS: Readonly<Record<string, number>> = {
  usd: 1,
  request: 1,
  run: 1,
  image: 1,
  video: 1,
  megapixel: 1,
  second: 1,
  token: 1,
  minute: 60,
  hour: 3_600,
  thousand_tokens: 1_000,
  '1k_tokens': 1_000,
  million_tokens: 1_000_000,
  '1m_tokens': 1_000_000,
};

/** A price list as the engine applies it, and what is wrong with it. Lines that are disabled already are left out. */
export function readPricing(
  lines: readonly JsonObject[],
  inputs: readonly JsonObject[],
  now: number,
): { readonly rules: PriceRule[]; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const rules = lines.map((line, index) =>
    readRule(line, inputs, (field, message, type = 'value') => {
      problems.push({ at: ['body', 'pricing', index, field], message, type });
    }),
  );
  return { rules: rules.filter(({ disabledAt }) => disabledAt === null || disabledAt > now), problems };
}

type Report = (field: string, message: string, type?: string) => void;

function readRule(line: JsonObject, inputs: readonly JsonObject[], report: Report): PriceRule {
  const code = (field: string, known: readonly string[]) => readCode(line, field, known, report);
  const effect = (code('rule_effect_code', PRICE_EFFECTS) ?? 'base') as PriceEffect;
  const model = code('pricing_model_code', Object.keys(PRICING_MODELS));
  const unit = code('unit_code', Object.keys(UNITS));
  const source = code('measurement_source', MEASUREMENT_SOURCES);
  const quantity = PRICING_MODELS[model ?? 'per_request'] ?? 'requests';
  const dimension = code('dimension_code', PRICED_QUANTITIES);
  const [price, minimum, maximum] = ['price', 'min_value', 'max_value'].map((field) => line[field] ?? null);
  if (price === null)
    report('price', 'A line of a price list needs a price; of a multiplier it is the factor.', 'missing');
  const currency = line['currency_code'] ?? 'USD';
  if (String(currency).toUpperCase() !== 'USD') {
    report(
      'currency_code',
      `Prices are in USD; given was ${JSON.stringify(currency)}. Costs of one server are added up, so that they need one currency.`,
    );
  }
  const isTier = minimum !== null || maximum !== null;
  return {
    id: String(line['id']),
    effect,
    quantity,
    per: UNITS[unit ?? 'usd'] ?? 1,
    price: String(price ?? '0'),
    when: readCondition(line, inputs, report),
    tier: isTier
      ? {
          quantity: (dimension as PricedQuantity | null) ?? quantity,
          minimum: minimum === null ? null : String(minimum),
          maximum: maximum === null ? null : String(maximum),
        }
      : null,
    source: source as PriceRule['source'],
    disabledAt: typeof line['disabled_at'] === 'string' ? Date.parse(line['disabled_at']) : null,
  };
}

function readCode(line: JsonObject, field: string, known: readonly string[], report: Report): string | null {
  const given = line[field] ?? null;
  if (given === null) return null;
  const code = String(given).toLowerCase();
  if (known.includes(code)) return code;
  const near = nearest(code, known);
  const hint = near === undefined ? `It takes ${known.join(', ')}.` : `Did you mean ${near}?`;
  report(field, `${JSON.stringify(given)} is not known here. ${hint}`, 'unknown_code');
  return null;
}

function readCondition(line: JsonObject, inputs: readonly JsonObject[], report: Report): PriceRule['when'] {
  const inputId = line['model_input_id'] ?? null;
  const value: JsonValue = line['match_value'] ?? null;
  if (inputId === null) {
    if (value !== null) report('model_input_id', 'A match_value needs the input that it is compared with.', 'missing');
    return null;
  }
  const input = inputs.find(({ id }) => id === inputId);
  if (input === undefined) {
    const names = inputs.map(({ name }) => JSON.stringify(name)).join(', ');
    report(
      'model_input_id',
      `${JSON.stringify(inputId)} is no input of this model. Give the id or the name of one of ${names || 'its inputs; it has none'}.`,
    );
    return null;
  }
  if (value === null) {
    report('match_value', 'Say which value of the input the line is for; a list means any of its items.', 'missing');
    return null;
  }
  return { input: String(input['name']), value };
}

/** Lines that name their input by its name instead of its id, which only a saved input has. */
export function withInputIds(lines: readonly JsonObject[], inputs: readonly JsonObject[]): JsonObject[] {
  return lines.map((line) => {
    const byName = inputs.filter(isJsonObject).find(({ name }) => name === line['model_input_id']);
    return byName === undefined ? line : { ...line, model_input_id: byName['id'] ?? null };
  });
}
