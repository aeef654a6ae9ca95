import { createHash } from 'node:crypto';
import type { ModelMessage } from 'ai';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { Usage } from '../../domain/run.ts';
import type { Warning } from '../../domain/warning.ts';
import type { AnswerSchema } from '../ai/answer-schema.ts';
import { listOfTexts, samplingOf } from '../ai/model-config.ts';
import { askModels, type FailedOutcome, spentOn } from '../ai/model-order.ts';
import { addUsage } from '../model-provider.ts';
import { type NodeContext, type Outcome, succeeded } from '../node-type.ts';
import { MAX_ANSWERS_LENGTH, MAX_CALLS_PER_STEP } from './limits.ts';
import { askForTurn, type ToolCall, type Turn } from './model-turn.ts';
import { readArguments, refused, runTool, type ToolResult } from './run-tool.ts';
import { StepRecord } from './step-record.ts';
import { type AgentTool, FINAL_ANSWER } from './tool.ts';

/** What an agent is to do, and with what. */
export interface Task {
  /** The node's configuration: which models are asked, and how. */
  readonly config: JsonObject;
  readonly instructions: string;
  readonly prompt: string;
  readonly tools: readonly AgentTool[];
  readonly maxSteps: number;
  /** The schema of the answer; null: any text. */
  readonly schema: AnswerSchema | null;
}

interface Answer {
  readonly text: string;
  /** Null: no schema was to be followed. */
  readonly object: JsonObject | null;
}

/** An answer to a turn in which the model may not call any more. */
const NO_MORE_CALLS = 'This call was not made: no further calls are possible. Answer now with what you have.';

const NOT_IN_SCHEMA = `Answer by calling ${FINAL_ANSWER} with arguments that fit its parameters.`;

/**
 * Lets a model work on a task with tools until it answers. Each of its turns is one question to the models in order, so that another one can take over
 * in the middle; its calls are run side by side, and their answers begin the next turn.
 */
export async function converse(task: Task, context: NodeContext): Promise<Outcome> {
  const conversation = new Conversation(task, context);
  return conversation.run();
}

class Conversation {
  readonly #task: Task;
  readonly #context: NodeContext;
  readonly #record: StepRecord;
  readonly #tools: ReadonlyMap<string, AgentTool>;
  readonly #messages: ModelMessage[];
  readonly #steps: JsonObject[] = [];
  readonly #warnings: Warning[] = [];
  #config: JsonObject;
  #usage: Usage | null = null;
  /** Messages that the next turn is the first to see. */
  #fresh: JsonValue[];
  #answersLength = 0;
  #callsMade = 0;
  /** What the model said last. */
  #text = '';

  constructor(task: Task, context: NodeContext) {
    this.#task = task;
    this.#context = context;
    this.#record = new StepRecord(context);
    this.#config = task.config;
    this.#tools = new Map(task.tools.map((tool) => [tool.name, tool]));
    this.#messages = [{ role: 'user', content: task.prompt }];
    this.#fresh = [{ role: 'user', content: task.prompt }];
  }

  async run(): Promise<Outcome> {
    let isOver = false;
    for (let step = 1; ; step += 1) {
      const turn = await this.#ask(step);
      if ('kind' in turn) return turn;
      const answer = await this.#answerIn(turn);
      if (answer !== null) return this.#end(answer);
      if (isOver) return this.#giveUp();
      const isLast = step === this.#task.maxSteps || this.#answersLength > MAX_ANSWERS_LENGTH;
      const results = await this.#answerCalls(turn, step, isLast);
      if (this.#context.signal.aborted) return this.#stopped();
      await this.#take(turn, results);
      // The turn after the last one is there to answer with what there is.
      if (isLast) this.#warnLimit(turn.calls, step);
      isOver = isLast;
    }
  }

  /** The next turn, from the first model that gives one; or why there is none. */
  async #ask(step: number): Promise<Turn | FailedOutcome> {
    const { instructions, tools, schema } = this.#task;
    const { temperature, maxOutputTokens, topP, reasoning } = samplingOf(this.#config);
    const request = {
      instructions: schema === null ? instructions : `${instructions}\n\n${NOT_IN_SCHEMA}`.trim(),
      messages: this.#messages,
      tools: schema === null ? tools : [...tools, finalAnswer(schema.schema)],
      sampling: {
        ...(temperature === undefined ? {} : { temperature }),
        ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
        ...(topP === undefined ? {} : { topP }),
        ...(reasoning === undefined ? {} : { reasoning }),
      },
    };
    const end = this.#record.begin(step, 0, 'model', { messages: this.#fresh });
    this.#fresh = [];
    const asked = await askModels(
      this.#config,
      this.#context,
      (call) => askForTurn(call, request, this.#context),
      // A provider that knows the key would answer another question with what it said to this one.
      `step-${step}-${digestOf(this.#messages)}`,
    );
    if (asked.usage !== undefined && asked.usage !== null) this.#usage = addUsage(this.#usage, asked.usage);
    this.#warnings.push(...(asked.warnings ?? []));
    if ('kind' in asked) {
      end({ failure: asked.failure });
      return this.#failedWith(asked);
    }
    this.#prefer(asked.model);
    const { value: turn, model, usage } = asked;
    const said: JsonObject = {
      model,
      text: turn.text,
      tool_calls: turn.calls.map(({ name, input }) => ({ tool: name, arguments: input })),
      usage:
        usage === null
          ? null
          : { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens, cost: usage.cost },
    };
    end({ outputs: said });
    this.#steps.push({ step, ...said });
    if (turn.text.trim() !== '') {
      this.#text = turn.text;
      this.#context.stream(turn.text, true);
    }
    return turn;
  }

  /** Later turns begin with the model that answered: those before it have just failed. */
  #prefer(model: string): void {
    const named = listOfTexts(this.#config['model']);
    const others = named.length > 0 ? named : this.#context.models.defaultModels;
    if (others[0] !== model) this.#config = { ...this.#config, model: [...new Set([model, ...others])] };
  }

  /** The answer to the task, when a turn is one. */
  async #answerIn({ text, calls }: Turn): Promise<Answer | null> {
    const { schema } = this.#task;
    if (schema === null)
      return calls.length === 0 ? { text: text.trim() === '' ? this.#text : text, object: null } : null;
    const call = calls.find(({ name }) => name === FINAL_ANSWER);
    // Models that were told to call write JSON as text all the same.
    if (call === undefined && calls.length > 0) return null;
    const read = call === undefined ? await schema.read(text) : await readArguments(call, schema);
    if ('problem' in read || !isJsonObject(read.value)) return null;
    return { text: JSON.stringify(read.value), object: read.value };
  }

  /** Runs the calls of a turn side by side. */
  async #answerCalls({ calls }: Turn, step: number, isLast: boolean): Promise<readonly ToolResult[]> {
    const settled = await Promise.allSettled(
      calls.map((call, index) => {
        if (call.name === FINAL_ANSWER && this.#task.schema !== null) return refusedAnswer(call, this.#task.schema);
        if (isLast) return refused(NO_MORE_CALLS);
        if (index >= MAX_CALLS_PER_STEP) {
          return refused(`At most ${MAX_CALLS_PER_STEP} calls are made at a time. Make this one later.`);
        }
        return this.#run(call, step, index + 1);
      }),
    );
    const results = settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
    const told = calls.map((call, index) => toldCall(call, results[index]!));
    this.#steps[this.#steps.length - 1] = { ...this.#steps.at(-1), tool_calls: told };
    return results;
  }

  async #run(call: ToolCall, step: number, place: number): Promise<ToolResult> {
    const isKnown = this.#tools.has(call.name);
    const end = this.#record.begin(step, place, isKnown ? call.name : 'unknown', {
      tool: call.name,
      arguments: call.input,
    });
    if (isKnown) this.#callsMade += 1;
    try {
      const result = await runTool(call, this.#tools, `${step}.${place}`, this.#context);
      const { failure, about, text } = result;
      this.#context.log(
        failure === null ? 'info' : 'warning',
        failure === null
          ? `Step ${step}: ${call.name} answered.`
          : `Step ${step}: ${call.name} failed: ${failure.message}`,
        { step, tool: call.name, ...about },
      );
      end(failure === null ? { outputs: { output: text, ...about } } : { failure });
      return result;
    } catch (error) {
      end({ failure: { code: 'internal', message: 'The tool broke off with an unexpected error.' } });
      throw error;
    }
  }

  /** A turn and the answers to its calls become part of what the model knows. */
  async #take(turn: Turn, results: readonly ToolResult[]): Promise<void> {
    this.#messages.push(...turn.messages);
    if (turn.calls.length === 0) {
      const read = await this.#task.schema?.read(turn.text);
      const problem = read !== undefined && 'problem' in read ? `${read.problem} ` : '';
      const content = `${problem}${NOT_IN_SCHEMA}`;
      this.#messages.push({ role: 'user', content });
      this.#fresh.push({ role: 'user', content });
      return;
    }
    for (const { text } of results) this.#answersLength += text.length;
    this.#messages.push({
      role: 'tool',
      content: turn.calls.map(({ id, name }, index) => {
        const { text, failure } = results[index]!;
        return {
          type: 'tool-result',
          toolCallId: id,
          toolName: name,
          output: { type: failure === null ? 'text' : 'error-text', value: text },
        };
      }),
    });
    this.#fresh.push(
      ...turn.calls.map(({ name }, index) => ({ role: 'tool', tool: name, content: results[index]!.text })),
    );
  }

  #warnLimit(calls: readonly ToolCall[], step: number): void {
    const left = calls
      .filter(({ name }) => name !== FINAL_ANSWER)
      .map(({ name, input }) => ({ tool: name, arguments: input }));
    const names = left.map(({ tool }) => tool).join(', ');
    const of =
      step === this.#task.maxSteps ? `its limit of ${step} steps` : 'the limit of what tools may answer in all';
    const detail = `The agent reached ${of}${names === '' ? '' : ` and wanted to call ${names} still`}. It was asked to answer with what it had. Raise "max_steps" or ask for less.`;
    this.#warnings.push({ identifier: 'general', detail, params: { steps: step, left } });
    this.#context.log('warning', detail, { step });
  }

  #end({ text, object }: Answer): Outcome {
    const outputs = { text, steps: this.#steps, ...(object === null ? {} : { object }) };
    return succeeded(outputs, { warnings: this.#warnings, ...spentOn({ usage: this.#usage }) });
  }

  /** The model did not answer when it was told to: what it said before is better than nothing, unless it had to fit a schema. */
  #giveUp(): Outcome {
    if (this.#task.schema === null && this.#text !== '') return this.#end({ text: this.#text, object: null });
    const what = this.#task.schema === null ? 'an answer' : 'an answer that fits "output_schema"';
    const message = `The agent came to the end of its steps (${this.#task.maxSteps}) without ${what}. Raise "max_steps", or ask for less.`;
    return this.#failedWith({ kind: 'failed', failure: { code: 'output_missing', message }, retryable: false });
  }

  #stopped(): Outcome {
    const failure = { code: 'timeout', message: 'The agent was stopped before it answered.' } as const;
    return this.#failedWith({ kind: 'failed', failure, retryable: true });
  }

  /** Once tools have acted, a failure is not tried again: a further try would begin anew and have them act again. */
  #failedWith(outcome: FailedOutcome): FailedOutcome {
    const retryable = outcome.retryable && this.#callsMade === 0;
    return { ...outcome, retryable, warnings: this.#warnings, ...spentOn({ usage: this.#usage }) };
  }
}

function digestOf(messages: readonly ModelMessage[]): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('base64url');
}

function finalAnswer(schema: JsonObject): Pick<AgentTool, 'name' | 'description' | 'parameters'> {
  const description = 'Gives the answer to the whole task. Call it once, when everything else is done.';
  return { name: FINAL_ANSWER, description, parameters: schema };
}

async function refusedAnswer(call: ToolCall, schema: AnswerSchema): Promise<ToolResult> {
  const read = await readArguments(call, schema);
  return refused('problem' in read ? read.problem : NOT_IN_SCHEMA);
}

function toldCall({ name, input }: ToolCall, { text, failure, about }: ToolResult): JsonObject {
  const end = failure === null ? { status: 'succeeded', output: text } : { status: 'failed', error: failure.message };
  return { tool: name, arguments: input, ...end, ...about };
}
