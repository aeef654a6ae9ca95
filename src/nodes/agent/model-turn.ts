import type { ModelMessage, ToolSet } from 'ai';
import type { JsonValue } from '../../domain/json.ts';
import { languageModel } from '../ai/language-model.ts';
import type { Sampling } from '../ai/model-config.ts';
import type { ModelFailure } from '../ai/model-failure.ts';
import type { ModelAnswer, ModelCall } from '../ai/model-order.ts';
import { usageOf } from '../model-provider.ts';
import type { NodeContext } from '../node-type.ts';
import type { AgentTool } from './tool.ts';

/** What a model is asked in one turn of a conversation. */
export interface TurnRequest {
  readonly instructions: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly Pick<AgentTool, 'name' | 'description' | 'parameters'>[];
  readonly sampling: Sampling;
}

/** What a model said in its turn. */
export interface Turn {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** The turn as later ones repeat it. */
  readonly messages: readonly ModelMessage[];
}

/** A call that a model asks for. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments; as text when they are no JSON. */
  readonly input: JsonValue;
}

/** Asks one model for its next turn. Throws what the AI SDK and the guarded client throw. */
export async function askForTurn(
  { model, provider, headers, signal, tell }: ModelCall,
  request: TurnRequest,
  context: NodeContext,
): Promise<ModelAnswer<Turn> | ModelFailure> {
  const { generateText, jsonSchema, tool } = await import('ai');
  const offered: ToolSet = Object.fromEntries(
    // Without `execute` the library hands the calls over instead of making them: they are run, bounded and recorded here.
    request.tools.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  );
  const result = await generateText({
    model: await languageModel(provider, model, context.http),
    ...(request.instructions === '' ? {} : { instructions: request.instructions }),
    messages: [...request.messages],
    ...(request.tools.length === 0 ? {} : { tools: offered }),
    ...request.sampling,
    headers,
    // Models are asked again by those who ask in order, where every try is counted.
    maxRetries: 0,
    abortSignal: signal,
  });
  const { text, finishReason } = result;
  tell?.({
    input: JSON.stringify([{ role: 'system', content: request.instructions }, ...request.messages]),
    output: JSON.stringify(result.responseMessages),
  });
  const usage = usageOf(result.usage, context.models.prices[model]);
  const calls = result.toolCalls.map(
    ({ toolCallId, toolName, input }): ToolCall => ({ id: toolCallId, name: toolName, input: input as JsonValue }),
  );
  if (calls.length === 0 && text === '') {
    if (finishReason === 'content-filter') {
      const message = `Model ${model} withheld its answer by its content filter. Change the prompt or the model.`;
      return { failure: { code: 'provider', message }, retryable: false, usage };
    }
    // A model that has done its work with tools may have nothing to add.
    const isDone = finishReason === 'stop' && request.messages.some(({ role }) => role === 'tool');
    if (isDone) return { value: { text, calls, messages: [] }, usage };
    const message = `Provider "${provider.name}" gave an answer for model ${model} that holds neither text nor a call of a tool.`;
    return { failure: { code: 'provider', message }, retryable: true, usage };
  }
  return {
    // The library answers calls that it cannot read by itself; all answers are given by whoever runs the tools.
    value: { text, calls, messages: result.responseMessages.filter(({ role }) => role === 'assistant') },
    usage,
    warnings:
      finishReason === 'length'
        ? [
            {
              identifier: 'general',
              detail: `An answer of model ${model} was cut at its limit of tokens. Raise "max_tokens" for a longer one.`,
            },
          ]
        : [],
  };
}
