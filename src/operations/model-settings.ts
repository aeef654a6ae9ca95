import type { Caller } from '../domain/caller.ts';
import { invalid, PlatformError, type Problem } from '../domain/error.ts';
import type { ModelPrice, ModelSettings } from '../domain/model-settings.ts';
import type { ModelAccess } from '../nodes/node-type.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import type { Keyring } from './keyring.ts';

/** Models with a price, presets, and models of a list: more than anybody chooses from, and small enough to be kept in memory. */
const MAX_PRICES = 2000;
const MAX_PRESETS = 100;
const MAX_MODELS = 50;

/** Characters of a model's name. */
const MAX_MODEL_NAME = 255;

const PRESET_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const PRICE = /^\d{1,15}(\.\d{1,15})?$/;

/** Tries of a change that other changes get in the way of. */
const CHANGE_TRIES = 5;

/** What a workspace shall say of models from now on. */
export type GivenModelSettings = Pick<ModelSettings, 'prices' | 'presets' | 'defaultModels'>;

/** What a workspace says of models, and what holds with what the operator says. */
export interface ShownModelSettings {
  /** Null: it says nothing. */
  readonly own: ModelSettings | null;
  readonly effective: ModelAccess;
}

/** Prices, presets and default models of a workspace. */
export class WorkspaceModels {
  readonly #store: Store;
  readonly #keyring: Keyring;
  readonly #system: System;
  readonly #log: Log;

  constructor(parts: { store: Store; keyring: Keyring; system: System; log: Log }) {
    this.#store = parts.store;
    this.#keyring = parts.keyring;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  async get(caller: Caller): Promise<ShownModelSettings> {
    demand(caller, 'models:read');
    const { workspaceId } = caller;
    const own = await this.#store.modelSettings(workspaceId);
    return { own, effective: await this.#keyring.modelsOf(workspaceId) };
  }

  /** The models that the workspace of a key may use: what clients ask for at their start, with any key. */
  modelsOf(caller: Caller): Promise<ModelAccess> {
    return this.#keyring.modelsOf(caller.workspaceId);
  }

  /** Replaces all that the workspace says. @throws PlatformError `invalid` with every mistake */
  async put(caller: Caller, given: GivenModelSettings): Promise<ShownModelSettings> {
    demand(caller, 'models:write');
    const problems = [
      ...priceProblems(given.prices),
      ...presetProblems(given.presets),
      ...listProblems(['default_models'], given.defaultModels),
    ];
    if (problems.length > 0) throw invalid(problems);
    const { workspaceId } = caller;
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const before = await this.#store.modelSettings(workspaceId);
      const { prices, presets, defaultModels } = given;
      const revision = (before?.revision ?? 0) + 1;
      const settings = { workspaceId, prices, presets, defaultModels, updatedAt: this.#system.now(), revision };
      if ((await this.#store.commit([{ kind: 'putModelSettings', settings }])) === 'stale') continue;
      this.#keyring.forget(workspaceId);
      this.#log.info({ workspaceId, by: caller.keyId }, 'the settings of models were changed');
      return { own: settings, effective: await this.#keyring.modelsOf(workspaceId) };
    }
    throw new PlatformError('conflict', 'The settings are being changed by others. Look at them and try again.');
  }
}

function priceProblems(prices: Readonly<Record<string, ModelPrice>>): Problem[] {
  const entries = Object.entries(prices);
  if (entries.length > MAX_PRICES) return [tooMany(['prices'], entries.length, MAX_PRICES)];
  return entries.flatMap(([model, price]) => {
    const at = ['body', 'prices', model.slice(0, 80)];
    const wrong = nameProblem(model);
    if (wrong !== null) return [{ at, message: wrong, type: 'wrong_value' }];
    const amounts = { input: price.input, output: price.output, cached_input: price.cachedInput ?? '0' };
    return Object.entries(amounts).flatMap(([name, amount]) => {
      if (PRICE.test(amount)) return [];
      const message = `Given was ${JSON.stringify(amount.slice(0, 40))}, but a price is a decimal number as text: US dollars for a million tokens, such as "0.15".`;
      return [{ at: [...at, name], message, type: 'wrong_value' }];
    });
  });
}

function presetProblems(presets: Readonly<Record<string, readonly string[]>>): Problem[] {
  const entries = Object.entries(presets);
  if (entries.length > MAX_PRESETS) return [tooMany(['presets'], entries.length, MAX_PRESETS)];
  return entries.flatMap(([name, models]) => {
    const at = ['presets', name.slice(0, 80)];
    if (!PRESET_NAME.test(name)) {
      const message =
        'Names of presets have 1 to 64 letters, digits, dots, hyphens and underscores; nodes say preset:<name>.';
      return [{ at: ['body', ...at], message, type: 'wrong_value' }];
    }
    if (models.length > 0) return listProblems(at, models);
    const message = `The preset "${name}" has no models. Give at least one, or leave it out.`;
    return [{ at: ['body', ...at], message, type: 'missing' }];
  });
}

function listProblems(at: readonly string[], models: readonly string[]): Problem[] {
  if (models.length > MAX_MODELS) return [tooMany(at, models.length, MAX_MODELS)];
  return models.flatMap((model, index) => {
    const message = nameProblem(model);
    return message === null ? [] : [{ at: ['body', ...at, index], message, type: 'wrong_value' }];
  });
}

function nameProblem(model: string): string | null {
  if (model.trim() !== model || model === '' || model.length > MAX_MODEL_NAME)
    return `A name of a model has 1 to ${MAX_MODEL_NAME} characters and no blanks at its ends.`;
  return model.startsWith('preset:') ? 'Lists hold names of models; a preset cannot be part of another list.' : null;
}

function tooMany(at: readonly string[], count: number, allowed: number): Problem {
  return { at: ['body', ...at], message: `There are ${count} entries; ${allowed} are allowed.`, type: 'length' };
}
