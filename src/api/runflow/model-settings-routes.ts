import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { ModelPrice } from '../../domain/model-settings.ts';
import type { ShownModelSettings } from '../../operations/model-settings.ts';
import type { DialectParts } from '../dialect.ts';
import { answers, nullable, opt } from './schemas.ts';

const tags = ['Models'];

const Price = Type.Object({
  input: Type.String(),
  output: Type.String(),
  cached_input: opt(Type.String({ description: 'Tokens that the provider had read before; as input when left out.' })),
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

const SettingsBody = Type.Object({
  prices: opt(settings.prices),
  presets: opt(settings.presets),
  default_models: opt(settings.default_models),
});

const Settings = Type.Object(
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
  { description: 'What an organization says of models. An addition of Millrun.' },
);

/** Prices, presets and default models of the organization. */
export function modelSettingsRoutes(api: FastifyInstance, { workspaceModels }: DialectParts): void {
  const path = '/v1/model-settings';
  api.get(
    path,
    { schema: { tags, summary: 'Get the settings of models', response: answers(Settings) } },
    async ({ caller }) => presentSettings(await workspaceModels.get(caller)),
  );
  api.put(
    path,
    {
      schema: { tags, summary: 'Replace the settings of models', body: SettingsBody, response: answers(Settings) },
    },
    async ({ caller, body }) => {
      const { prices, presets, default_models: defaultModels } = body as Static<typeof SettingsBody>;
      const given = Object.entries(prices ?? {}).map(([model, price]) => [model, readPrice(price)] as const);
      const said = { prices: Object.fromEntries(given), presets: presets ?? {}, defaultModels: defaultModels ?? [] };
      return presentSettings(await workspaceModels.put(caller, said));
    },
  );
}

function readPrice({ input, output, cached_input: cachedInput }: Static<typeof Price>): ModelPrice {
  return { input, output, ...(cachedInput == null ? {} : { cachedInput }) };
}

function presentSettings({ own, effective }: ShownModelSettings): Static<typeof Settings> {
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
