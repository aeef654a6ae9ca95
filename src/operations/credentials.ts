import type { Caller } from '../domain/caller.ts';
import { type CredentialKind, type CredentialRecord, isProviderKind, type SealedField } from '../domain/credential.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import type { Store } from '../store/store.ts';
import type { HttpClient } from '../system/http-client.ts';
import type { Log } from '../system/log.ts';
import { SealBroken, type Sealing } from '../system/sealing.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import {
  endingOf,
  fieldOf,
  fieldProblems,
  missingFields,
  readFields,
  readHosts,
  readKind,
  trimmed,
} from './credential-fields.ts';
import { baseUrlOf, type Keyring, openedFields, placeOf } from './keyring.ts';
import { askForModels, type CredentialTest } from './provider-probe.ts';

/** Characters of a credential's name. */
export const MAX_CREDENTIAL_NAME = 255;

/** Credentials of a workspace: every text that its nodes say is searched for all of their secrets. */
const MAX_CREDENTIALS = 200;

/** Characters of what a provider says that are repeated. */
const SHOWN_LENGTH = 400;

/** Tries of a change that other changes of the same credential get in the way of. */
const CHANGE_TRIES = 5;

/** A credential to be made. */
export interface NewCredential {
  readonly name: string;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly models?: readonly string[];
  readonly hosts?: readonly string[];
}

/** What is to change of a credential; what is left out stays. A field that is null is removed. */
export interface CredentialChange {
  readonly name?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly models?: readonly string[];
  readonly hosts?: readonly string[];
}

/** What sealing everything anew did. Names of credentials and of triggers with a secret, with the reason for each that could not be opened. */
export interface ResealReport {
  readonly resealed: readonly string[];
  readonly unchanged: readonly string[];
  readonly failed: Readonly<Record<string, string>>;
}

/** What a credential consists of, before its secrets are sealed. */
interface Draft {
  readonly name: string;
  readonly kind: CredentialKind;
  /** Those that were given. */
  readonly values: Readonly<Record<string, string>>;
  /** Secrets and settings that stay as they were. */
  readonly secrets: Readonly<Record<string, SealedField>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly hosts: readonly string[];
}

/** Keeps what a workspace reaches models and other services with. Its secrets go in and never come out. */
export class Credentials {
  readonly #store: Store;
  readonly #keyring: Keyring;
  readonly #sealing: Sealing;
  readonly #http: HttpClient;
  readonly #system: System;
  readonly #log: Log;

  constructor(parts: {
    store: Store;
    keyring: Keyring;
    sealing: Sealing;
    http: HttpClient;
    system: System;
    log: Log;
  }) {
    this.#store = parts.store;
    this.#keyring = parts.keyring;
    this.#sealing = parts.sealing;
    this.#http = parts.http;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /** By name. */
  async list(caller: Caller): Promise<CredentialRecord[]> {
    demand(caller, 'credentials:read');
    return this.#store.listCredentials(caller.workspaceId);
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, credentialId: string): Promise<CredentialRecord> {
    demand(caller, 'credentials:read');
    return this.#read(caller, credentialId);
  }

  /**
   * @throws PlatformError `invalid` with every mistake; `conflict` when the name is taken or there are too many; `unavailable` when the server
   *   has no key to seal with
   */
  async create(caller: Caller, wanted: NewCredential): Promise<CredentialRecord> {
    demand(caller, 'credentials:write');
    const kind = readKind(wanted.kind);
    if (typeof kind !== 'string') throw invalid([kind]);
    const fields = readFields(wanted, ['name', 'kind', 'fields', 'models', 'hosts'], { mayBeNull: false });
    const values = kept(kind, Object.entries(fields));
    const models = [...new Set(wanted.models ?? [])];
    const { hosts, problems: wrongHosts } = readHosts(kind, wanted.hosts ?? []);
    const problems = [
      ...nameProblems(wanted.name),
      ...fieldProblems(kind, values, (url) => this.#http.refusal(url)),
      ...missingFields(kind, new Set(Object.keys(values))),
      ...modelProblems(kind, models),
      ...wrongHosts,
    ];
    if (problems.length > 0) throw invalid(problems);
    const now = this.#system.now();
    const { workspaceId } = caller;
    const about = {
      id: this.#system.newId(),
      workspaceId,
      createdAt: now,
      updatedAt: now,
      lastUsedAt: null,
      revision: 1,
    };
    const draft = { name: wanted.name.trim(), kind, values, secrets: {}, settings: {}, models, hosts };
    const credential = this.#sealed(about, draft);
    const others = await this.#store.listCredentials(workspaceId);
    if (others.length >= MAX_CREDENTIALS) {
      const message = `This workspace has ${others.length} credentials, which is as many as it may have. Delete one that is not used any more.`;
      throw new PlatformError('conflict', message);
    }
    if (!(await this.#keep(credential))) throw nameTaken(credential.name);
    this.#log.info({ credentialId: credential.id, by: caller.keyId }, 'a credential was made');
    return credential;
  }

  /**
   * Changes a credential. When it would be sent to another place than before, its secrets must come with the change: whoever may change it shall not
   * have them sent to himself.
   * @throws PlatformError `not_found`; otherwise as `create`
   */
  async change(caller: Caller, credentialId: string, change: CredentialChange): Promise<CredentialRecord> {
    demand(caller, 'credentials:write');
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const before = await this.#read(caller, credentialId);
      const draft = this.#changed(before, change);
      const credential = this.#sealed(
        { ...before, updatedAt: this.#system.now(), revision: before.revision + 1 },
        draft,
      );
      if (await this.#keep(credential)) {
        this.#log.info({ credentialId, by: caller.keyId }, 'a credential was changed');
        return credential;
      }
      const others = await this.#store.listCredentials(caller.workspaceId);
      if (others.some(({ id, name }) => id !== credentialId && name === draft.name)) throw nameTaken(draft.name);
    }
    const message = `The credential ${credentialId} is being changed by others. Look at it and try again.`;
    throw new PlatformError('conflict', message);
  }

  /** Removes a credential for good: nodes that use it fail from then on. @throws PlatformError `not_found` */
  async remove(caller: Caller, credentialId: string): Promise<void> {
    demand(caller, 'credentials:write');
    const { workspaceId } = caller;
    const result = await this.#store.commit([{ kind: 'removeCredential', workspaceId, credentialId }]);
    if (result === 'stale') throw notFound('credential', credentialId);
    this.#keyring.forget(workspaceId);
    this.#log.info({ credentialId, by: caller.keyId }, 'a credential was removed');
  }

  /**
   * Asks the provider of a credential for its models: a small call that costs nothing and shows whether the key is taken.
   * @throws PlatformError `not_found`; `invalid` for a kind that nothing is known to ask for; `unavailable` when it cannot be opened
   */
  async test(caller: Caller, credentialId: string): Promise<CredentialTest> {
    demand(caller, 'credentials:write');
    const record = await this.#read(caller, credentialId);
    const fields = this.#broken(() => openedFields(record, this.#sealing));
    const redactor = await this.#keyring.redactorOf(caller.workspaceId);
    const test = await askForModels(record, fields, this.#http);
    if (test === null) {
      const message = `A credential of the kind ${record.kind} cannot be tested: nothing is known that may be asked with it. Run a workflow that uses it.`;
      throw invalid([{ at: ['path', 'credential_id'], message, type: 'untestable' }]);
    }
    const message = redactor?.text(test.message) ?? test.message;
    return { ...test, message: message.length > SHOWN_LENGTH ? `${message.slice(0, SHOWN_LENGTH)}…` : message };
  }

  /**
   * Seals all secrets of the workspace with the current key, after which a former key is needed no more.
   * @throws PlatformError `unavailable` when the server has no key to seal with
   */
  async reseal(caller: Caller): Promise<ResealReport> {
    demand(caller, 'credentials:write');
    const resealed: string[] = [];
    const unchanged: string[] = [];
    const failed: Record<string, string> = {};
    for (const record of await this.#store.listCredentials(caller.workspaceId)) {
      if (Object.values(record.secrets).every(({ sealed }) => this.#sealing.isCurrent(sealed))) {
        unchanged.push(record.name);
        continue;
      }
      let fields: Record<string, string>;
      try {
        fields = openedFields(record, this.#sealing);
      } catch (error) {
        failed[record.name] = (error as Error).message;
        continue;
      }
      const { name, kind, models, hosts } = record;
      const about = { ...record, revision: record.revision + 1 };
      const anew = this.#sealed(about, { name, kind, values: fields, secrets: {}, settings: {}, models, hosts });
      // Changed meanwhile: what is written now is sealed with the current key anyway.
      await this.#keep(anew);
      resealed.push(name);
    }
    for (const trigger of await this.#store.listTriggers(caller.workspaceId, null)) {
      if (trigger.secret === null) continue;
      const name = `trigger ${trigger.name}`;
      const { sealed, ending } = trigger.secret;
      if (this.#sealing.isCurrent(sealed)) {
        unchanged.push(name);
        continue;
      }
      let text: string;
      try {
        text = this.#sealing.open(sealed, placeOf(trigger, 'secret'));
      } catch (error) {
        failed[name] = (error as Error).message;
        continue;
      }
      const secret = { sealed: this.#broken(() => this.#sealing.seal(text, placeOf(trigger, 'secret'))), ending };
      const anew = { ...trigger, secret, revision: trigger.revision + 1 };
      // Changed meanwhile by a new secret: that one is sealed with the current key anyway.
      await this.#store.commit([{ kind: 'putTrigger', trigger: anew }]);
      resealed.push(name);
    }
    this.#log.info({ resealed: resealed.length, by: caller.keyId }, 'credentials were sealed anew');
    return { resealed, unchanged, failed };
  }

  async #read(caller: Caller, credentialId: string): Promise<CredentialRecord> {
    const credential = await this.#store.getCredential(caller.workspaceId, credentialId);
    if (credential === null) throw notFound('credential', credentialId);
    return credential;
  }

  /** @throws PlatformError `invalid` */
  #changed(before: CredentialRecord, change: CredentialChange): Draft {
    const { kind } = before;
    const given = Object.entries(readFields(change, ['name', 'fields', 'models', 'hosts'], { mayBeNull: true }));
    const removed = new Set(given.flatMap(([name, value]) => (value === null ? [name] : [])));
    const values = kept(kind, given);
    const stays = <T>(fields: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(fields).filter(([name]) => !removed.has(name) && !Object.hasOwn(values, name)));
    const { hosts, problems: wrongHosts } = readHosts(kind, change.hosts ?? before.hosts);
    const draft: Draft = {
      name: change.name?.trim() ?? before.name,
      kind,
      values,
      secrets: stays(before.secrets),
      settings: stays(before.settings),
      models: change.models === undefined ? before.models : [...new Set(change.models)],
      hosts,
    };
    const present = new Set([values, draft.secrets, draft.settings].flatMap((fields) => Object.keys(fields)));
    const problems = [
      ...nameProblems(draft.name),
      ...fieldProblems(kind, values, (url) => this.#http.refusal(url)),
      ...missingFields(kind, present),
      ...modelProblems(kind, draft.models),
      ...wrongHosts,
    ];
    if (problems.length === 0) problems.push(...unsentSecrets(before, draft));
    if (problems.length > 0) throw invalid(problems);
    return draft;
  }

  /** @throws PlatformError `unavailable` when there is no key to seal with */
  #sealed(
    about: Pick<CredentialRecord, 'id' | 'workspaceId' | 'createdAt' | 'updatedAt' | 'lastUsedAt' | 'revision'>,
    { name, kind, values, secrets, settings, models, hosts }: Draft,
  ): CredentialRecord {
    const { id, workspaceId, createdAt, updatedAt, lastUsedAt, revision } = about;
    const entries = Object.entries(values);
    const sealed = entries
      .filter(([field]) => fieldOf(kind, field)?.isSecret)
      .map(([field, value]) => {
        const text = this.#broken(() => this.#sealing.seal(value, placeOf(about, field)));
        return [field, { sealed: text, ending: endingOf(value) }] as const;
      });
    const open = entries.filter(([field]) => !fieldOf(kind, field)?.isSecret);
    return {
      ...{ id, workspaceId, name, kind },
      settings: { ...settings, ...Object.fromEntries(open) },
      secrets: { ...secrets, ...Object.fromEntries(sealed) },
      ...{ models, hosts, createdAt, updatedAt, lastUsedAt, revision },
    };
  }

  /** @returns false when something that it rests on no longer holds */
  async #keep(credential: CredentialRecord): Promise<boolean> {
    if ((await this.#store.commit([{ kind: 'putCredential', credential }])) === 'stale') return false;
    this.#keyring.forget(credential.workspaceId);
    return true;
  }

  /** What sealing or opening gives. @throws PlatformError `unavailable` when it cannot */
  #broken<T>(seal: () => T): T {
    try {
      return seal();
    } catch (error) {
      if (error instanceof SealBroken) throw new PlatformError('unavailable', error.message);
      throw error;
    }
  }
}

/** Fields that have a value, as they are kept. */
function kept(kind: CredentialKind, fields: readonly (readonly [string, string | null])[]): Record<string, string> {
  const given = fields.filter((field): field is [string, string] => field[1] !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, trimmed(kind, name, value)]));
}

function nameProblems(name: string): Problem[] {
  if (name.trim() !== '') return [];
  const message =
    'The name is empty. Say what the credential is for: nodes name it, and people tell it from others by it.';
  return [{ at: ['body', 'name'], message, type: 'missing' }];
}

function modelProblems(kind: CredentialKind, models: readonly string[]): Problem[] {
  if (!isProviderKind(kind) && models.length > 0) {
    const message = `A credential of the kind ${kind} serves no models. Leave "models" out.`;
    return [{ at: ['body', 'models'], message, type: 'exclusive' }];
  }
  return models.flatMap((model, index) =>
    model.trim() === model && model !== '' && !model.startsWith('preset:')
      ? []
      : [
          {
            at: ['body', 'models', index],
            message: 'A name of a model is not empty, has no blanks at its ends and does not begin with "preset:".',
            type: 'wrong_value',
          },
        ],
  );
}

/** A problem for each secret that stays while the place that it is sent to does not. */
function unsentSecrets(before: CredentialRecord, draft: Draft): Problem[] {
  const settings = { ...draft.settings, ...draft.values };
  const isSameAddress =
    !isProviderKind(before.kind) || baseUrlOf(before.kind, before.settings) === baseUrlOf(before.kind, settings);
  const isNarrower =
    before.hosts.length === 0 || (draft.hosts.length > 0 && draft.hosts.every((host) => before.hosts.includes(host)));
  if (isSameAddress && isNarrower) return [];
  return Object.keys(draft.secrets).map((field) => ({
    at: ['body', 'fields', field],
    message: `The credential would be sent to another place than before: give "${field}" again with this change.`,
    type: 'missing',
  }));
}

function nameTaken(name: string): PlatformError {
  const message = `There is a credential named "${name}" in this workspace already. Change that one, or choose another name.`;
  return new PlatformError('conflict', message);
}
