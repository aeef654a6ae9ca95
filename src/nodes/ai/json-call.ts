import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { NodeContext } from '../node-type.ts';
import type { AnswerSchema } from './answer-schema.ts';
import { askLanguageModel, type LanguageAnswer, type LanguageRequest } from './language-call.ts';
import { type Answered, askModels, type FailedOutcome } from './model-order.ts';

/** A question whose answer is JSON of a schema. */
export interface JsonRequest extends Omit<LanguageRequest, 'schema'> {
  readonly schema: AnswerSchema;
  /** Tells several questions of one node apart, for the idempotency key. */
  readonly purpose?: string;
}

/** An answer that was parsed and fits its schema. */
export interface JsonAnswer extends LanguageAnswer {
  readonly json: JsonValue;
}

/** Asks models in order for JSON. A model whose answer does not fit the schema counts as one that failed, and may be asked again. */
export function askForJson(
  config: JsonObject,
  context: NodeContext,
  { schema, purpose, ...request }: JsonRequest,
): Promise<Answered<JsonAnswer> | FailedOutcome> {
  return askModels(
    config,
    context,
    async (call) => {
      const answer = await askLanguageModel(call, { ...request, schema: schema.schema }, context);
      if (!('value' in answer)) return answer;
      const read = await schema.read(answer.value.text);
      if ('value' in read) return { ...answer, value: { ...answer.value, json: read.value } };
      // A cut is the reason whatever else is wrong.
      const cut = answer.warnings?.[0] === undefined ? '' : ` ${answer.warnings[0].detail}`;
      const message = `Model ${call.model}: ${read.problem}${cut}`;
      const usage = answer.usage === undefined ? {} : { usage: answer.usage };
      return { failure: { code: 'provider', message }, retryable: true, ...usage };
    },
    purpose,
  );
}
