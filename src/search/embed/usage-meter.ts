import { Big } from 'big.js';
import type { EmbeddingUsage } from './openai.ts';

/** What several requests cost together. */
export interface UsageSum {
  readonly model: string;
  readonly requests: number;
  readonly texts: number;
  readonly tokens: number;
  /** US dollars as a decimal string; undefined without a price. */
  readonly cost: string | undefined;
}

/** Milliseconds of requests that are told together: a line for each would be most of the log. */
const TOGETHER_MS = 10_000;

/** Adds up what requests cost and tells it some seconds after the first of them. */
export class UsageMeter {
  readonly #tell: (sum: UsageSum) => void;
  #sum: UsageSum | undefined;

  constructor(tell: (sum: UsageSum) => void) {
    this.#tell = tell;
  }

  add({ model, texts, tokens = 0, cost }: EmbeddingUsage): void {
    if (this.#sum === undefined) setTimeout(() => this.flush(), TOGETHER_MS).unref();
    const before = this.#sum ?? { model, requests: 0, texts: 0, tokens: 0, cost: undefined };
    this.#sum = {
      model,
      requests: before.requests + 1,
      texts: before.texts + texts,
      tokens: before.tokens + tokens,
      cost: cost === undefined ? before.cost : new Big(before.cost ?? 0).plus(cost).toFixed(),
    };
  }

  /** Tells what there is now. */
  flush(): void {
    if (this.#sum === undefined) return;
    this.#tell(this.#sum);
    this.#sum = undefined;
  }
}
