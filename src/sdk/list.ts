/** One page of a list. */
export interface ListPage<T> {
  readonly items: readonly T[];
  /** What the next page is asked for with; null: this is the last. */
  readonly next: string | null;
}

/** A list that is read page by page as it is gone through: `for await (const run of list)`. */
export class List<T> implements AsyncIterable<T> {
  readonly #read: (cursor: string | null) => Promise<ListPage<T>>;

  constructor(read: (cursor: string | null) => Promise<ListPage<T>>) {
    this.#read = read;
  }

  /** One page: the first, or that of a cursor. */
  page(cursor: string | null = null): Promise<ListPage<T>> {
    return this.#read(cursor);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let cursor: string | null = null;
    do {
      const page: ListPage<T> = await this.#read(cursor);
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** The first items, so many at most. */
  async first(count: number): Promise<T[]> {
    const items: T[] = [];
    if (count <= 0) return items;
    for await (const item of this) {
      items.push(item);
      if (items.length >= count) break;
    }
    return items;
  }
}
