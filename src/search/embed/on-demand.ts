import { type Embedder, EmbeddingError } from './embedder.ts';

/** An embedder that is opened when it is first needed, and again after that has failed. */
export class EmbedderOnDemand {
  readonly #open: () => Promise<Embedder>;
  readonly #restMs: number;
  readonly #now: () => number;
  #opened: Promise<Embedder> | undefined;
  #failure: { readonly error: EmbeddingError; readonly until: number } | undefined;

  /**
   * @param restMs milliseconds after a failure in which it is not asked again, so that what can be answered without it is answered at once
   * @param now milliseconds of a clock that only rises
   */
  constructor(open: () => Promise<Embedder>, restMs: number, now = () => performance.now()) {
    this.#open = open;
    this.#restMs = restMs;
    this.#now = now;
  }

  /**
   * What `use` makes of the embedder.
   * @throws EmbeddingError when it cannot be opened, fails, or did so less than `restMs` ago
   */
  async use<T>(use: (embedder: Embedder) => Promise<T>): Promise<T> {
    if (this.#failure && this.#now() < this.#failure.until) throw this.#failure.error;
    try {
      this.#opened ??= this.#open();
      const result = await use(await this.#opened);
      this.#failure = undefined;
      return result;
    } catch (error) {
      if (!(error instanceof EmbeddingError)) throw error;
      if (!error.textRefused) this.#failure = { error, until: this.#now() + this.#restMs };
      await this.#reopenable();
      throw error;
    }
  }

  /** Forgets an embedder that could not be opened. */
  async #reopenable(): Promise<void> {
    const opened = this.#opened;
    await opened?.catch(() => {
      if (this.#opened === opened) this.#opened = undefined;
    });
  }
}
