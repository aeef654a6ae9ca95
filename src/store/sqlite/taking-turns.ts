/** Does a step of some work. True when that was the last one. */
export type Step = () => boolean;

/**
 * Work of many steps beside work of one. What is new comes first, so that a short list need not wait for long ones; every other turn belongs to
 * what goes on already, so that it comes to an end, too. Messages are let in between two turns.
 */
export class TakingTurns {
  readonly #fresh: Step[] = [];
  readonly #begun: Step[] = [];
  #wasFresh = false;
  #isScheduled = false;

  add(step: Step): void {
    this.#fresh.push(step);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#wasFresh = this.#fresh.length > 0 && !(this.#wasFresh && this.#begun.length > 0);
    const step = (this.#wasFresh ? this.#fresh : this.#begun).shift();
    if (step?.() === false) this.#begun.push(step);
    if (this.#fresh.length + this.#begun.length > 0) this.#schedule();
  }
}
