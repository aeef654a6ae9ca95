import Big from 'big.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { MeasurementSource, PricedQuantity, PriceRule } from '../domain/price-rule.ts';
import type { Usage } from '../domain/run.ts';

/** What is known of a run that has ended. */
export interface Measured {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly input: JsonObject;
  readonly output: JsonObject;
  readonly usage: Usage | null;
  readonly durationMs: number;
  /** Time that its effects took, tries and waits between them included. */
  readonly gpuMs: number;
}

/** A cost with the lines it is the sum of. */
export interface Price {
  /** Decimal string in US dollars. */
  readonly cost: string;
  /** One for each rule that held: the rule's id, its effect and price, the quantity, where it was measured, and the amount. */
  readonly lines: JsonObject[];
}

/** A quantity and where it was found. */
interface Quantity {
  readonly value: Big;
  readonly source: MeasurementSource | 'run';
}

/**
 * What a run costs by a price list: the sum of its bases, times its multipliers, plus its additions. A base with a condition or a tier that holds
 * stands in place of the bases without one for the same quantity. Sums and products are exact, so that the order of the rules does not matter;
 * a price per more than one is divided last, to twenty decimal places.
 *
 * A rule whose quantity cannot be measured charges nothing, and its line says so.
 */
export function priceOf(rules: readonly PriceRule[], run: Measured): Price {
  const holding = rules.filter((rule) => holds(rule, run));
  const special = new Set(holding.filter((rule) => rule.effect === 'base' && isSpecial(rule)).map(quantityOf));
  const applied = holding.filter((rule) => rule.effect !== 'base' || isSpecial(rule) || !special.has(quantityOf(rule)));
  let base = new Big(0);
  let factor = new Big(1);
  let added = new Big(0);
  const lines = applied.map((rule): JsonObject => {
    const about = { rule_id: rule.id, effect: rule.effect, price: new Big(rule.price).toFixed() };
    if (rule.effect === 'multiply') {
      factor = factor.times(rule.price);
      return about;
    }
    const quantity = measure(rule.quantity, rule.source, run);
    if (quantity === null) return { ...about, unit: rule.quantity, per: rule.per, quantity: null, amount: '0' };
    const amount = amountOf(rule, quantity.value);
    if (rule.effect === 'base') base = base.plus(amount);
    else added = added.plus(amount);
    return {
      ...about,
      unit: rule.quantity,
      per: rule.per,
      quantity: quantity.value.toFixed(),
      measured: quantity.source,
      amount: amount.toFixed(),
    };
  });
  return { cost: base.times(factor).plus(added).toFixed(), lines };
}

const quantityOf = (rule: PriceRule): PricedQuantity => rule.quantity;
const isSpecial = (rule: PriceRule): boolean => rule.when !== null || rule.tier !== null;

function amountOf({ price, per }: PriceRule, quantity: Big): Big {
  const amount = new Big(price).times(quantity);
  return per === 1 ? amount : amount.div(per);
}

function holds({ when, tier, disabledAt, source }: PriceRule, run: Measured): boolean {
  if (disabledAt !== null && disabledAt <= run.createdAt) return false;
  if (when !== null && !matches(run.input[when.input] ?? null, when.value)) return false;
  if (tier === null) return true;
  const measured = measure(tier.quantity, source, run) ?? measure(tier.quantity, null, run);
  if (measured === null) return false;
  return (
    (tier.minimum === null || measured.value.gte(tier.minimum)) &&
    (tier.maximum === null || measured.value.lt(tier.maximum))
  );
}

/** Numbers match their texts: forms send either. */
function matches(given: JsonValue, wanted: JsonValue): boolean {
  if (Array.isArray(wanted)) return wanted.some((one) => matches(given, one));
  if (typeof given === 'object' || typeof wanted === 'object') return JSON.stringify(given) === JSON.stringify(wanted);
  return String(given) === String(wanted);
}

/** Where each quantity may be found, the better place first. */
const SOURCES: Readonly<Record<PricedQuantity, readonly MeasurementSource[]>> = {
  requests: [],
  images: ['output', 'input'],
  videos: ['output', 'input'],
  megapixels: ['output', 'input'],
  seconds: ['output', 'input', 'duration'],
  gpu_seconds: ['duration'],
  tokens: ['usage'],
  input_tokens: ['usage'],
  output_tokens: ['usage'],
};

function measure(quantity: PricedQuantity, source: MeasurementSource | null, run: Measured): Quantity | null {
  if (quantity === 'requests') return { value: new Big(1), source: 'run' };
  for (const place of SOURCES[quantity]) {
    if (source !== null && source !== place) continue;
    // The clock is asked only where a rule says so: a run also waits, and a video's length is not the time it took to make.
    if (place === 'duration' && source === null && quantity === 'seconds') continue;
    const value = READ[place](quantity, run);
    if (value !== null) return { value, source: place };
  }
  return null;
}

const READ: Readonly<Record<MeasurementSource, (quantity: PricedQuantity, run: Measured) => Big | null>> = {
  usage(quantity, { usage }) {
    if (usage === null) return null;
    if (quantity === 'input_tokens') return new Big(usage.inputTokens);
    if (quantity === 'output_tokens') return new Big(usage.outputTokens);
    return new Big(usage.inputTokens).plus(usage.outputTokens);
  },
  duration: (quantity, { durationMs, gpuMs }) => new Big(quantity === 'gpu_seconds' ? gpuMs : durationMs).div(1000),
  output: (quantity, { output }) => inOutput(quantity, entriesOf(output)),
  input: (quantity, { input }) => inInput(quantity, input),
};

function entriesOf(output: JsonObject): JsonObject[] {
  return Array.isArray(output['outputs']) ? output['outputs'].filter(isJsonObject) : [];
}

/** Null when some file does not tell: a part of the truth would be charged as the whole. */
function inOutput(quantity: PricedQuantity, entries: readonly JsonObject[]): Big | null {
  const ofType = (...types: string[]) => entries.filter(({ type }) => types.includes(String(type)));
  if (quantity === 'images') return new Big(ofType('image').length);
  if (quantity === 'videos') return new Big(ofType('video').length);
  if (quantity === 'megapixels') return sum(ofType('image', 'video'), ({ width, height }) => pixels(width, height));
  return sum(ofType('video', 'audio'), (entry) => decimal(entry['duration_seconds'] ?? entry['duration']));
}

function sum(entries: readonly JsonObject[], read: (entry: JsonObject) => Big | null): Big | null {
  const values = entries.map(read);
  if (values.length === 0 || values.includes(null)) return null;
  return values.reduce<Big>((total, value) => total.plus(value ?? 0), new Big(0));
}

/** Names that inputs of models have for what is measured. */
const COUNT_INPUTS = ['num_images', 'num_outputs', 'n', 'batch_size', 'num_videos'];
const SECONDS_INPUTS = ['duration_seconds', 'duration', 'seconds', 'length'];
const SIZE_INPUTS = ['size', 'image_size', 'resolution'];

function inInput(quantity: PricedQuantity, input: JsonObject): Big | null {
  const first = (names: readonly string[]) => names.map((name) => decimal(input[name])).find((value) => value !== null);
  const count = first(COUNT_INPUTS) ?? new Big(1);
  if (quantity === 'images' || quantity === 'videos') return count;
  if (quantity === 'seconds') return first(SECONDS_INPUTS)?.times(count) ?? null;
  const given = pixels(input['width'], input['height']) ?? SIZE_INPUTS.map((name) => sizeOf(input[name])).find(Boolean);
  return given?.times(count) ?? null;
}

/** `1024x768`, or an object with a width and a height. */
function sizeOf(value: JsonValue | undefined): Big | null {
  if (isJsonObject(value)) return pixels(value['width'], value['height']);
  const [, width, height] =
    /^(\d{1,6})\s*[x×*]\s*(\d{1,6})$/i.exec(typeof value === 'string' ? value.trim() : '') ?? [];
  return pixels(width, height);
}

function pixels(width: JsonValue | undefined, height: JsonValue | undefined): Big | null {
  const [wide, high] = [decimal(width), decimal(height)];
  return wide === null || high === null ? null : wide.times(high).div(1_000_000);
}

/** A number, or one as text (`5`, `5s`), that is not negative. */
function decimal(value: JsonValue | undefined): Big | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const text = /^(\d+(?:\.\d+)?)s?$/.exec(String(value).trim())?.[1];
  return text === undefined ? null : new Big(text);
}
