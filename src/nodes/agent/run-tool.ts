import { createHash } from 'node:crypto';
import type { Failure } from '../../domain/failure.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import type { AnswerSchema } from '../ai/answer-schema.ts';
import { failedRequest, httpClientError } from '../http-outcome.ts';
import type { NodeContext } from '../node-type.ts';
import { MAX_ANSWER_LENGTH, MAX_ARGUMENTS_LENGTH } from './limits.ts';
import type { ToolCall } from './model-turn.ts';
import type { AgentTool, ToolAnswer } from './tool.ts';

/** What came of a call, in the words that the model is given. */
export interface ToolResult {
  readonly text: string;
  readonly failure: Failure | null;
  readonly about: JsonObject;
}

/**
 * Runs a call that a model asks for. What goes wrong is told to the model, which mostly knows what to do about it.
 * @param place tells the call from others of the same try of the node
 */
export async function runTool(
  call: ToolCall,
  tools: ReadonlyMap<string, AgentTool>,
  place: string,
  context: NodeContext,
): Promise<ToolResult> {
  const tool = tools.get(call.name);
  if (tool === undefined) return refused(`There is no tool "${call.name}". There are ${[...tools.keys()].join(', ')}.`);
  const args = await readArguments(call, tool.schema);
  if ('problem' in args) return refused(args.problem);
  const timeout = AbortSignal.timeout(tool.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout]);
  const idempotencyKey = createHash('sha256')
    .update(JSON.stringify([context.idempotencyKey, place, call.name, args.value]))
    .digest('base64url');
  let answer: ToolAnswer;
  try {
    answer = await tool.call(args.value, { place, context: { ...context, signal, idempotencyKey } });
  } catch (error) {
    answer = thrown(error, signal);
  }
  if ('failure' in answer && timeout.aborted && !context.signal.aborted) {
    const message = `The tool did not answer within ${tool.timeoutMs / 1_000} s.`;
    answer = { ...answer, failure: { code: 'timeout', message } };
  }
  const about = answer.about ?? {};
  // A service may repeat what it was called with; the model's provider is no one to be told it.
  const told = (text: string) => cut(context.redact(text));
  if ('failure' in answer) return { text: told(`Error: ${answer.failure.message}`), failure: answer.failure, about };
  return { text: told(valueAsText(answer.output)), failure: null, about };
}

/** A call that was not made, and why. */
export function refused(message: string): ToolResult {
  return { text: `Error: ${message}`, failure: { code: 'invalid_input', message }, about: {} };
}

/** The arguments of a call, or what is wrong with them. */
export async function readArguments(
  { input }: ToolCall,
  schema: AnswerSchema | null,
): Promise<{ readonly value: JsonObject } | { readonly problem: string }> {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  if (text.length > MAX_ARGUMENTS_LENGTH) {
    return {
      problem: `The arguments have ${text.length} characters; at most ${MAX_ARGUMENTS_LENGTH} are allowed. Send less.`,
    };
  }
  if (!isJsonObject(input)) return { problem: 'The arguments are not a JSON object. Call the tool again with one.' };
  const read = schema === null ? null : await schema.read(text);
  return read !== null && 'problem' in read ? { problem: `The call was not made. ${read.problem}` } : { value: input };
}

/** What was thrown because the call was stopped or the network failed. Whatever else is thrown is a mistake in the program. */
function thrown(error: unknown, signal: AbortSignal): ToolAnswer {
  if (httpClientError(error) !== null) {
    const outcome = failedRequest(error);
    if (outcome.kind === 'failed') return { failure: outcome.failure };
  }
  if (!signal.aborted) throw error;
  return { failure: { code: 'timeout', message: 'The call was stopped before it ended.' } };
}

function cut(text: string): string {
  if (text.length <= MAX_ANSWER_LENGTH) return text;
  return `${text.slice(0, MAX_ANSWER_LENGTH).toWellFormed()}\n[Cut here: the answer has ${text.length} characters, these were the first ${MAX_ANSWER_LENGTH}.]`;
}
