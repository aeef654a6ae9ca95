import type { Failure } from '../../domain/failure.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { AnswerSchema } from '../ai/answer-schema.ts';
import type { NodeContext } from '../node-type.ts';
import { MAX_NAME_LENGTH } from './limits.ts';

/** Something that a model may call. */
export interface AgentTool {
  /** As the model knows it. */
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments, of type object, as the model is told it. */
  readonly parameters: JsonObject;
  /** What the arguments are checked by; null: the schema says what cannot be checked here. */
  readonly schema: AnswerSchema | null;
  /** Milliseconds that a call may take. */
  readonly timeoutMs: number;
  /** Does the work. Rejects with what the guarded client throws, or because its signal was aborted. */
  call(args: JsonObject, call: ToolCallContext): Promise<ToolAnswer>;
}

/** One call of a tool. */
export interface ToolCallContext {
  /** Tells the call from others of the same try of the node. */
  readonly place: string;
  /** The node's context, with a signal and an idempotency key of the call's own. */
  readonly context: NodeContext;
}

/** What came of a call. `about` is what a person wants to know of it beside its output, such as the run that it was. */
export type ToolAnswer =
  | { readonly output: JsonValue; readonly about?: JsonObject }
  | { readonly failure: Failure; readonly about?: JsonObject };

/** The tool that an agent answers with when its answer has a schema. */
export const FINAL_ANSWER = 'final_answer';

/** Makes names of tools that every provider takes, each once: other characters become `_`, and a name that is taken already gets a number. */
export class ToolNames {
  readonly #taken = new Set([FINAL_ANSWER]);

  /** The name under which the model shall know a tool. */
  take(wanted: string): string {
    const letters = wanted.replace(/[^A-Za-z0-9_-]/g, '_');
    const base = (/^[A-Za-z_]/.test(letters) ? letters : `_${letters}`).slice(0, MAX_NAME_LENGTH);
    let name = base;
    for (let number = 2; this.#taken.has(name); number += 1) {
      const suffix = `_${number}`;
      name = base.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix;
    }
    this.#taken.add(name);
    return name;
  }
}
