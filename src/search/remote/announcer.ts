import type { SearchShare } from '../../domain/search-share.ts';
import type { Store } from '../../store/store.ts';
import type { Log } from '../../system/log.ts';
import type { Search } from '../search.ts';
import { ANNOUNCE_MS } from './directory.ts';

/** Tells servers, through the store, that a machine for search is there and how it stands. */
export class Announcer {
  readonly #parts: AnnouncerParts;
  readonly #timer: NodeJS.Timeout;
  #saying: Promise<void> = Promise.resolve();
  #trouble: string | null = null;

  private constructor(parts: AnnouncerParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#again(), ANNOUNCE_MS);
    this.#timer.unref();
  }

  /** Resolves once it has been said for the first time. @throws when the store cannot be reached */
  static async start(parts: AnnouncerParts): Promise<Announcer> {
    await say(parts);
    return new Announcer(parts);
  }

  /** Takes it back: nobody asks any more from a second later on. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saying;
    await this.#parts.store.withdrawSearch(this.#parts.id).catch((error: Error) => {
      this.#parts.log.warn({ reason: error.message }, 'this machine could not be withdrawn; servers notice in 10 s');
    });
  }

  #again(): void {
    this.#saying = this.#saying
      .then(() => say(this.#parts))
      .then(
        () => this.#setTrouble(null),
        (error: Error) => this.#setTrouble(error.message),
      );
  }

  #setTrouble(trouble: string | null): void {
    if ((trouble === null) === (this.#trouble === null)) return;
    this.#trouble = trouble;
    if (trouble === null) this.#parts.log.info('this machine is announced again');
    else this.#parts.log.warn({ reason: trouble }, 'this machine cannot be announced; it is tried every 2 s');
  }
}

interface AnnouncerParts {
  readonly store: Store;
  readonly log: Log;
  readonly search: Search;
  readonly id: string;
  /** Where servers reach it. */
  readonly url: string;
  readonly share: SearchShare;
}

async function say({ store, search, id, url, share }: AnnouncerParts): Promise<void> {
  const { position, rebuilding } = await search.status();
  // One that holds nothing yet is no use, be it that it is opening its index or fetching it.
  await store.announceSearch({ id, url, share, position, rebuilding: rebuilding || position === 0 });
}
