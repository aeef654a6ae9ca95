import type { Failure } from '../../domain/failure.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { NodeContext } from '../node-type.ts';
import { MAX_RECORDED_ITEMS } from './limits.ts';

/** Ends the record of a step: with what came out, or with why nothing did. */
type EndStep = (end: { readonly outputs: JsonObject } | { readonly failure: Failure }) => void;

/**
 * Records what an agent does as steps inside its node. Ids sort in the order of what happened: `001.00.model`, `001.01.get_weather`; those of an item
 * of a list and of a later try say so in front.
 */
export class StepRecord {
  readonly #context: NodeContext;
  readonly #prefix: string;
  readonly #isKept: boolean;

  constructor(context: NodeContext) {
    const { iteration, attempt } = context;
    this.#context = context;
    this.#prefix = `${iteration === 0 ? '' : `item${iteration}.`}${attempt === 1 ? '' : `try${attempt}.`}`;
    this.#isKept = iteration <= MAX_RECORDED_ITEMS;
  }

  /**
   * Records that a step runs.
   * @param step the model's turn, from 1
   * @param place 0: the model itself, else which of its calls
   */
  begin(step: number, place: number, name: string, inputs: JsonObject): EndStep {
    const id = `${this.#prefix}${padded(step, 3)}.${padded(place, 2)}.${name}`;
    const startedAt = this.#context.now();
    const begun = { id, startedAt, finishedAt: null, inputs, outputs: null, failure: null };
    if (this.#isKept) this.#context.steps([{ ...begun, status: 'running' }], null);
    return (end) => {
      const failure = 'failure' in end ? end.failure : null;
      const isCanceled = failure !== null && this.#context.signal.aborted;
      const status = failure === null ? 'succeeded' : isCanceled ? 'canceled' : 'failed';
      const outputs = 'outputs' in end ? end.outputs : null;
      if (!this.#isKept) return;
      this.#context.steps([{ ...begun, status, finishedAt: this.#context.now(), outputs, failure }], null);
    };
  }
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
