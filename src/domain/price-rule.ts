import type { JsonValue } from './json.ts';

/** What a price is asked for each of. */
export const PRICED_QUANTITIES = [
  'requests',
  'images',
  'videos',
  'megapixels',
  'seconds',
  'gpu_seconds',
  'tokens',
  'input_tokens',
  'output_tokens',
] as const;
export type PricedQuantity = (typeof PRICED_QUANTITIES)[number];

export const PRICE_EFFECTS = ['base', 'add', 'multiply'] as const;

/** `base`: part of the sum that multipliers multiply; `add`: added after them. */
export type PriceEffect = (typeof PRICE_EFFECTS)[number];

export const MEASUREMENT_SOURCES = ['input', 'output', 'usage', 'duration'] as const;

/** Where a quantity is read: in the run's input, in its output, in the tokens it used, or on the clock. */
export type MeasurementSource = (typeof MEASUREMENT_SOURCES)[number];

/** One line of a price list. Money and bounds are decimal strings. */
export interface PriceRule {
  readonly id: string;
  readonly effect: PriceEffect;
  /** What `price` is multiplied by; of a multiplier it means nothing. */
  readonly quantity: PricedQuantity;
  /** How many of the quantity `price` is for: 1,000,000 for a price per million tokens. */
  readonly per: number;
  /** US dollars; of a multiplier the factor. */
  readonly price: string;
  /** Holds only for runs whose input of this name has the value, or one of them when it is a list; null: for all runs. */
  readonly when: { readonly input: string; readonly value: JsonValue } | null;
  /** Holds only where this quantity is at least `minimum` and below `maximum`; null: no bound. */
  readonly tier: {
    readonly quantity: PricedQuantity;
    readonly minimum: string | null;
    readonly maximum: string | null;
  } | null;
  /** Null: wherever it is found. */
  readonly source: MeasurementSource | null;
  /** Epoch milliseconds; it holds for runs made before. */
  readonly disabledAt: number | null;
}
