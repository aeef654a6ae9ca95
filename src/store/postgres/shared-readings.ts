import { PlatformError } from '../../domain/error.ts';

/** Milliseconds after which a reading is not waited for by those who come now: what holds it up need not hold up another one. */
const LONG_MS = 500;

/**
 * Readings that those who want the same thing at the same time share. Of each thing one is under way at most: who asks meanwhile shares the next one, which
 * begins after all of them have asked, so that nobody is told what was true before.
 */
export class SharedReadings<T> {
  readonly #read: (key: string) => Promise<T>;
  readonly #underWay = new Map<
    string,
    { readonly current: Promise<T>; readonly since: number; next: Promise<T> | null }
  >();

  constructor(read: (key: string) => Promise<T>) {
    this.#read = read;
  }

  /** What a reading says that begins now or later. */
  get(key: string): Promise<T> {
    const known = this.#underWay.get(key);
    if (known === undefined || performance.now() > known.since + LONG_MS) return this.#begin(key);
    known.next ??= known.current.then(
      () => this.#begin(key),
      () => this.#begin(key),
    );
    return known.next;
  }

  #begin(key: string): Promise<T> {
    const current = this.#read(key);
    const reading = { current, since: performance.now(), next: null };
    this.#underWay.set(key, reading);
    const end = () => {
      if (reading.next === null && this.#underWay.get(key) === reading) this.#underWay.delete(key);
    };
    current.then(end, end);
    return current;
  }
}

/** Readings of single things that were asked for in the same turn of the event loop, made together. */
export class JoinedReadings<T> {
  readonly #read: (group: string, keys: readonly string[]) => Promise<ReadonlyMap<string, T>>;
  readonly #most: number;
  #wanted = new Map<string, { readonly keys: Set<string>; readonly found: Promise<ReadonlyMap<string, T>> }>();

  /** @param most keys of one reading */
  constructor(most: number, read: (group: string, keys: readonly string[]) => Promise<ReadonlyMap<string, T>>) {
    this.#most = most;
    this.#read = read;
  }

  /** What is there under a key of a group; null: nothing. */
  async get(group: string, key: string): Promise<T | null> {
    let wanted = this.#wanted.get(group);
    if (wanted === undefined || wanted.keys.size >= this.#most) {
      const keys = new Set<string>();
      const found = Promise.resolve().then(() => {
        if (this.#wanted.get(group)?.keys === keys) this.#wanted.delete(group);
        return this.#read(group, [...keys]);
      });
      wanted = { keys, found };
      this.#wanted.set(group, wanted);
    }
    wanted.keys.add(key);
    const { keys, found } = wanted;
    const all = await found.catch((error) => {
      // One that cannot be read must not take its neighbours with it.
      if (keys.size === 1 || error instanceof PlatformError) throw error;
      return this.#read(group, [key]);
    });
    return all.get(key) ?? null;
  }
}
