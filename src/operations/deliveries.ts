import type { Callbacks } from '../callbacks/callbacks.ts';
import type { Delivery, DeliveryAttempt } from '../domain/callback.ts';
import type { CallbackSecret } from '../domain/callback-secret.ts';
import type { Caller } from '../domain/caller.ts';
import { notFound, PlatformError } from '../domain/error.ts';
import { isTerminal } from '../domain/run.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';

/** Secrets of a workspace that are not disabled: one that signs, and one that receivers are leaving. More are forgotten ones. */
const MAX_SECRETS = 10;

/** Characters of a secret that stay readable, `whsec_` included. */
const PREFIX_LENGTH = 12;

/** A delivery with every try. */
export interface ToldDelivery {
  readonly delivery: Delivery;
  readonly attempts: readonly DeliveryAttempt[];
}

/** What receivers were told, and the secrets that tells them who told it. */
export class Deliveries {
  readonly #store: Store;
  readonly #callbacks: Callbacks;
  readonly #system: System;
  readonly #textOf: (secretId: string) => string;

  constructor(parts: {
    store: Store;
    callbacks: Callbacks;
    system: System;
    /** The text of a callback secret. */
    textOf: (secretId: string) => string;
  }) {
    this.#store = parts.store;
    this.#callbacks = parts.callbacks;
    this.#system = parts.system;
    this.#textOf = parts.textOf;
  }

  /** Oldest first. @throws PlatformError `not_found` */
  async ofRun(caller: Caller, runId: string): Promise<ToldDelivery[]> {
    demand(caller, 'runs:read');
    if ((await this.#store.getRun(caller.workspaceId, runId)) === null) throw notFound('run', runId);
    return this.#store.listDeliveries(caller.workspaceId, runId);
  }

  /**
   * Tells a run's callback address again, of how the run stands now.
   * @throws PlatformError `not_found`; `invalid` when the run has not ended, has no callback address, or is being told at this moment
   */
  async redeliverRun(caller: Caller, runId: string): Promise<ToldDelivery> {
    demand(caller, 'runs:execute');
    const run = await this.#store.getRun(caller.workspaceId, runId);
    if (run === null) throw notFound('run', runId);
    refuseRedelivery(
      'run',
      isTerminal(run.status),
      run.callbackUrl,
      await this.#store.listDeliveries(run.workspaceId, runId),
    );
    return { delivery: await this.#callbacks.redeliver(run), attempts: [] };
  }

  /** Newest first. */
  async secrets(caller: Caller): Promise<CallbackSecret[]> {
    demand(caller, 'admin');
    return this.#store.listCallbackSecrets(caller.workspaceId);
  }

  /** Makes a secret that signs from now on; the one before it stays readable as such until it is disabled. Its text is shown this once. */
  async createSecret(caller: Caller, label: string | null): Promise<{ secret: CallbackSecret; text: string }> {
    const live = (await this.secrets(caller)).filter(({ disabledAt }) => disabledAt === null);
    if (live.length >= MAX_SECRETS) {
      throw conflicting(`There are ${live.length} secrets that are not disabled, the most there may be. Disable one.`);
    }
    const id = this.#system.newId();
    const text = this.#textOf(id);
    const now = this.#system.now();
    const secret: CallbackSecret = {
      id,
      workspaceId: caller.workspaceId,
      label,
      prefix: text.slice(0, PREFIX_LENGTH),
      isCurrent: true,
      createdAt: now,
      updatedAt: now,
      disabledAt: null,
      lastUsedAt: null,
    };
    await this.#store.commit([{ kind: 'putCallbackSecret', secret }]);
    return { secret, text };
  }

  /** Never signs again. When it is the current one, deliveries go unsigned until another is made. @throws PlatformError `not_found` */
  async disableSecret(caller: Caller, secretId: string): Promise<CallbackSecret> {
    const secret = (await this.secrets(caller)).find(({ id }) => id === secretId);
    if (secret === undefined) throw notFound('callback secret', secretId);
    const now = this.#system.now();
    const disabled = { ...secret, isCurrent: false, disabledAt: secret.disabledAt ?? now, updatedAt: now };
    await this.#store.commit([{ kind: 'putCallbackSecret', secret: disabled }]);
    return disabled;
  }
}

/** @throws PlatformError `invalid` when a run or batch has not ended, has no callback address, or is being told at this moment */
export function refuseRedelivery(
  noun: 'run' | 'batch',
  hasEnded: boolean,
  callbackUrl: string | null,
  told: readonly ToldDelivery[],
): void {
  if (!hasEnded) throw conflicting(`The ${noun} has not ended. It is told when it has.`);
  if (callbackUrl === null) throw conflicting(`The ${noun} was made without a callback_url.`);
  if (told.some(({ delivery }) => delivery.status === 'pending')) {
    throw conflicting(`A delivery of this ${noun} is still being tried. Wait until it is delivered or given up.`);
  }
}

/** runflow-api.md 4: these guards answer 422 with the type `conflict`. */
function conflicting(message: string): PlatformError {
  return new PlatformError('invalid', message, { problems: [{ at: ['body'], message, type: 'conflict' }] });
}
