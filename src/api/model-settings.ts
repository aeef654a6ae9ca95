import Type, { type Static } from 'typebox';
import type { ModelPrice } from '../domain/model-settings.ts';
import type { GivenModelSettings, ShownModelSettings } from '../operations/model-settings.ts';

/** What a workspace says of models, on the wire: the same in both dialects, since neither has anything like it. */

const o = Type.Optional;
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Price = Type.Object({
  input: Type.String(),
  output: Type.String(),
  cached_input: o(
    nullable(Type.String({ description: 'Tokens that the provider had read before; as input when left out.' })),
  ),
});

const settings = {
  prices: Type.Record(Type.String(), Price, {
    description: 'US dollars for a million tokens, decimal numbers as text, by model.',
  }),
  presets: Type.Record(Type.String(), Type.Array(Type.String()), {
    description: 'Models by the name of a list, the preferred one first. Nodes say preset:<name>.',
  }),
  default_models: Type.Array(Type.String(), { description: 'Tried in this order when a node names none.' }),
};

/** The body that replaces them. */
export const ModelSettingsBody = Type.Object({
  prices: o(nullable(settings.prices)),
  presets: o(nullable(settings.presets)),
  default_models: o(nullable(settings.default_models)),
});

/** The answer: what the workspace says itself, and what holds. */
export const ModelSettingsAnswer = Type.Object(
  {
    ...settings,
    updated_at: nullable(Type.String({ format: 'date-time' })),
    effective: Type.Object(
      {
        ...settings,
        providers: Type.Array(
          Type.Object({ name: Type.String(), protocol: Type.String(), models: Type.Array(Type.String()) }),
        ),
      },
      { description: 'What holds together with what the operator configured.' },
    ),
  },
  { description: 'What a workspace says of models. An addition of Millrun.' },
);

/** Settings as a body gives them; what is left out is empty. */
export function readModelSettings(body: Static<typeof ModelSettingsBody>): GivenModelSettings {
  const prices = Object.entries(body.prices ?? {}).map(([model, price]) => [model, readPrice(price)] as const);
  return {
    prices: Object.fromEntries(prices),
    presets: body.presets ?? {},
    defaultModels: body.default_models ?? [],
  };
}

function readPrice({ input, output, cached_input: cachedInput }: Static<typeof Price>): ModelPrice {
  return { input, output, ...(cachedInput == null ? {} : { cachedInput }) };
}

export function presentModelSettings({ own, effective }: ShownModelSettings): Static<typeof ModelSettingsAnswer> {
  return {
    prices: presentPrices(own?.prices ?? {}),
    presets: presentPresets(own?.presets ?? {}),
    default_models: [...(own?.defaultModels ?? [])],
    updated_at: own === null ? null : new Date(own.updatedAt).toISOString(),
    effective: {
      prices: presentPrices(effective.prices),
      presets: presentPresets(effective.presets),
      default_models: [...effective.defaultModels],
      providers: effective.providers.map(({ name, protocol, models }) => ({ name, protocol, models: [...models] })),
    },
  };
}

function presentPrices(prices: Readonly<Record<string, ModelPrice>>): Record<string, Static<typeof Price>> {
  return Object.fromEntries(
    Object.entries(prices).map(([model, { input, output, cachedInput = null }]) => {
      return [model, { input, output, cached_input: cachedInput }];
    }),
  );
}

function presentPresets(presets: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(presets).map(([name, models]) => [name, [...models]]));
}
