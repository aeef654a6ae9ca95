import { type Credential, type CredentialRecord, isProviderKind, type ProviderProtocol } from '../domain/credential.ts';
import type { ModelSettings } from '../domain/model-settings.ts';
import { type NamedSecret, Redactor } from '../engine/redactor.ts';
import { basicToken } from '../nodes/credential-header.ts';
import { defaultBaseUrl } from '../nodes/model-provider.ts';
import type { ModelAccess, ModelProvider } from '../nodes/node-type.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import { SealBroken, type Sealing } from '../system/sealing.ts';
import type { System } from '../system/system.ts';

/** Workspaces whose credentials are held open: those with runs at the same time. */
const WORKSPACES_HELD = 1000;

/** Milliseconds between two records of a credential's use: people ask whether it is still in use, not for the second. */
const TOUCH_MS = 60_000;

/** Milliseconds for which what was opened is taken for true before the store is asked whether another process has changed it. */
const FRESH_MS = 1000;

/** A credential in memory, or why it cannot be opened. */
type Held = { readonly credential: Credential } | { readonly broken: SealBroken };

/** What is held of one workspace. */
interface Opened {
  /** The store's word for what was read. */
  readonly version: string;
  readonly byId: ReadonlyMap<string, Held>;
  readonly idOf: ReadonlyMap<string, string>;
  readonly models: ModelAccess;
  readonly redactor: Redactor | null;
}

/** Where a secret is kept, which it is sealed to. */
export function placeOf({ workspaceId, id }: Pick<CredentialRecord, 'workspaceId' | 'id'>, field: string): string[] {
  return [workspaceId, id, field];
}

/** The fields of a credential, in clear. @throws SealBroken */
export function openedFields(record: CredentialRecord, sealing: Sealing): Record<string, string> {
  const secrets = Object.entries(record.secrets).map(([field, { sealed }]) => {
    return [field, sealing.open(sealed, placeOf(record, field))] as const;
  });
  return { ...record.settings, ...Object.fromEntries(secrets) };
}

/** Every text of a credential that nobody else shall read. */
function secretsOf({ name, kind, fields }: Credential, secretFields: readonly string[]): NamedSecret[] {
  const values = secretFields.map((field) => fields[field] ?? '');
  if (kind === 'http_basic') values.push(basicToken(fields));
  return values.map((value) => ({ name, value }));
}

/** The address of a provider's API, without a slash at its end; null where nothing says it. */
export function baseUrlOf(protocol: ProviderProtocol, settings: Readonly<Record<string, string>>): string | null {
  return settings['base_url'] ?? defaultBaseUrl(protocol, settings);
}

/**
 * What workspaces keep to reach others, opened, in memory: each is opened when it is first asked for, and forgotten when something of it changes.
 * Whoever changes it in this process says so here; what another process that shares the store changes is seen a second later, and at once where something
 * is asked for that is not known.
 */
export class Keyring {
  readonly #store: Store;
  readonly #sealing: Sealing;
  readonly #system: System;
  readonly #log: Log;
  readonly #configured: ModelAccess;
  /** Secrets of the operator's that a provider may repeat. */
  readonly #configuredSecrets: readonly NamedSecret[];
  readonly #held = new Map<string, { readonly opened: Promise<Opened>; checkedAt: number }>();
  /** When each credential's use was recorded last, by the clock that only goes forward. */
  readonly #touched = new Map<string, number>();

  constructor(parts: {
    store: Store;
    sealing: Sealing;
    system: System;
    log: Log;
    /** What every workspace may use besides its own. */
    configured: ModelAccess;
  }) {
    this.#store = parts.store;
    this.#sealing = parts.sealing;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#configured = parts.configured;
    this.#configuredSecrets = parts.configured.providers.flatMap(({ name, apiKey }) =>
      apiKey === null ? [] : [{ name, value: apiKey }],
    );
  }

  /** The models that a workspace may use: its own providers, prices and presets before those of the operator. */
  async modelsOf(workspaceId: string): Promise<ModelAccess> {
    return (await this.#of(workspaceId)).models;
  }

  /** A credential by its id or name; null: there is none. @throws SealBroken when it cannot be opened */
  async credentialOf(workspaceId: string, nameOrId: string): Promise<Credential | null> {
    const find = ({ byId, idOf }: Opened) => byId.get(nameOrId) ?? byId.get(idOf.get(nameOrId) ?? '');
    const held = find(await this.#of(workspaceId)) ?? find(await this.#of(workspaceId, 0));
    if (held === undefined) return null;
    if ('broken' in held) throw held.broken;
    this.#touch(workspaceId, held.credential.id);
    return held.credential;
  }

  /** Takes the secrets of a workspace out of texts; null: it has none. */
  async redactorOf(workspaceId: string): Promise<Redactor | null> {
    return (await this.#of(workspaceId)).redactor;
  }

  /** To be called when something of a workspace was changed. */
  forget(workspaceId: string): void {
    this.#held.delete(workspaceId);
  }

  /** @param freshMs how long ago the store may have been asked whether it is still true */
  async #of(workspaceId: string, freshMs = FRESH_MS): Promise<Opened> {
    const now = this.#system.elapsed();
    const known = this.#held.get(workspaceId);
    if (known !== undefined) {
      if (now - known.checkedAt < freshMs) return known.opened;
      const [opened, version] = await Promise.all([known.opened, this.#store.credentialsVersion(workspaceId)]);
      if (opened.version === version) {
        known.checkedAt = now;
        return opened;
      }
    }
    const held = { opened: this.#open(workspaceId), checkedAt: now };
    if (this.#held.size >= WORKSPACES_HELD) this.#held.clear();
    this.#held.set(workspaceId, held);
    held.opened.catch(() => {
      if (this.#held.get(workspaceId) === held) this.#held.delete(workspaceId);
    });
    return held.opened;
  }

  async #open(workspaceId: string): Promise<Opened> {
    // Read first: what changes between the two is read again.
    const version = await this.#store.credentialsVersion(workspaceId);
    const [records, settings] = await Promise.all([
      this.#store.listCredentials(workspaceId),
      this.#store.modelSettings(workspaceId),
    ]);
    const held = records.map((record) => [record, this.#opened(record)] as const);
    const secrets = held.flatMap(([record, one]) =>
      'broken' in one ? [] : secretsOf(one.credential, Object.keys(record.secrets)),
    );
    return {
      version,
      byId: new Map(held.map(([{ id }, one]) => [id, one])),
      idOf: new Map(records.map(({ name, id }) => [name, id])),
      models: this.#access(held, settings),
      redactor: Redactor.of([...secrets, ...this.#configuredSecrets]),
    };
  }

  #opened(record: CredentialRecord): Held {
    const { id, name, kind, hosts } = record;
    try {
      return { credential: { id, name, kind, hosts, fields: openedFields(record, this.#sealing) } };
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      this.#log.error(
        { credentialId: id, workspaceId: record.workspaceId },
        `a credential cannot be opened: ${error.message}`,
      );
      return { broken: new SealBroken(`The credential "${name}" cannot be opened. ${error.message}`) };
    }
  }

  #access(held: readonly (readonly [CredentialRecord, Held])[], settings: ModelSettings | null): ModelAccess {
    const own = held.flatMap(([record, one]) => this.#provider(record, one) ?? []);
    if (settings === null && own.length === 0) return this.#configured;
    const { providers, prices, presets, defaultModels } = this.#configured;
    return {
      providers: [...own, ...providers],
      prices: { ...prices, ...settings?.prices },
      presets: { ...presets, ...settings?.presets },
      defaultModels: settings && settings.defaultModels.length > 0 ? settings.defaultModels : defaultModels,
    };
  }

  /**
   * The provider that a credential opens. One that cannot be opened is there all the same, and says so when it is used: without it, its models would
   * be asked for at another provider, which nobody wanted.
   */
  #provider(record: CredentialRecord, held: Held): ModelProvider | null {
    const { workspaceId, id, name, kind, models } = record;
    if (!isProviderKind(kind)) return null;
    const fieldsInUse = (): Readonly<Record<string, string>> => {
      if ('broken' in held) throw held.broken;
      this.#touch(workspaceId, id);
      return held.credential.fields;
    };
    return {
      name,
      protocol: kind,
      baseUrl: baseUrlOf(kind, record.settings) ?? '',
      models,
      get apiKey() {
        return fieldsInUse()['api_key'] ?? null;
      },
      get settings() {
        const { api_key: _key, base_url: _url, ...settings } = fieldsInUse();
        return settings;
      },
    };
  }

  /** Nobody waits for this: a use that is not recorded is worth less than an answer that comes late. */
  #touch(workspaceId: string, credentialId: string): void {
    const elapsed = this.#system.elapsed();
    if (elapsed - (this.#touched.get(credentialId) ?? Number.NEGATIVE_INFINITY) < TOUCH_MS) return;
    this.#touched.set(credentialId, elapsed);
    const at = this.#system.now();
    this.#store.commit([{ kind: 'touchCredential', workspaceId, credentialId, at }]).catch((err: unknown) => {
      this.#log.error({ err, credentialId }, 'the use of a credential could not be recorded');
    });
  }
}
