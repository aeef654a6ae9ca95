import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelCallRecord, ModelExchange } from '../../domain/attempt.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { retryDelay } from '../../domain/retry.ts';
import type { Usage } from '../../domain/run.ts';
import type { Warning } from '../../domain/warning.ts';
import { isRetryableStatus } from '../http-outcome.ts';
import { addUsage, modelOrder, providerOf } from '../model-provider.ts';
import { failed, type NodeContext, type Outcome } from '../node-type.ts';
import { callTimeoutMs, listOfTexts, retriesPerModel } from './model-config.ts';
import { type AskedModel, type ModelFailure, modelFailure } from './model-failure.ts';

/**
 * The longest wait inside a node for one model, milliseconds. A provider that wants more gives way to the next model; when there is none, the
 * engine waits, which takes up no worker and survives a restart.
 */
const MAX_WAIT_MS = 20_000;

const BACK_OFF = { retries: 0, delayMs: 500, factor: 2, maxDelayMs: 8_000 };

/** One call of one model. */
export interface ModelCall extends AskedModel {
  /** Aborted when the call takes too long, and when the node is to stop. */
  readonly signal: AbortSignal;
  /** Headers that go with the call: providers that know `idempotency-key` charge a repeated call once. */
  readonly headers: Readonly<Record<string, string>>;
  /** Told what was asked and answered; left out where nobody keeps it. */
  tell?(said: ModelExchange): void;
}

/** What a model answered. */
export interface ModelAnswer<T> {
  readonly value: T;
  readonly usage?: Usage;
  readonly warnings?: readonly Warning[];
}

/** What came of asking models in order. The usage is the sum over all of them; null when none told any. */
export interface Answered<T> {
  readonly value: T;
  /** The model that answered. */
  readonly model: string;
  readonly usage: Usage | null;
  /** `model_fallback` and `model_timeout` for those that did not, and what the answer itself warns of. */
  readonly warnings: readonly Warning[];
}

/** The outcome when there was no answer. */
export type FailedOutcome = Extract<Outcome, { kind: 'failed' }>;

/**
 * Asks the models that a node's configuration names ({@link MODEL_CONFIG}) until one answers. A model is asked again after the statuses that are
 * configured, as often as is configured, and no sooner than its provider says; then the next is asked. When none answers the outcome is failed
 * with the reasons of all, and the engine repeats it when that may help with any of them.
 * @param ask makes one call. It returns why there is no answer, or throws what the AI SDK or the guarded client threw
 * @param purpose tells several questions of one node apart, for the idempotency key
 * @param operation what traces call it
 */
export async function askModels<T>(
  config: JsonObject,
  context: NodeContext,
  ask: (call: ModelCall) => Promise<ModelAnswer<T> | ModelFailure>,
  purpose = '',
  operation: ModelCallRecord['operation'] = 'chat',
): Promise<Answered<T> | FailedOutcome> {
  const models = modelOrder(listOfTexts(config['model']), context.models);
  if ('failure' in models) return failed(models.failure) as FailedOutcome;
  const statuses = retryStatuses(config['retry_on_status_codes']);
  if ('problem' in statuses) {
    return failed({ code: 'invalid_config', message: statuses.problem }) as FailedOutcome;
  }
  const { isRetryable } = statuses;
  const asking: Asking<T> = { config, context, ask, purpose, operation, isRetryable, usage: null };
  const failures: ModelFailure[] = [];
  const warnings: Warning[] = [];
  for (const [index, model] of models.entries()) {
    const answer = await askOne(asking, model);
    if ('value' in answer) {
      return {
        value: answer.value,
        model,
        usage: asking.usage,
        warnings: [...warnings, ...(answer.warnings ?? [])],
      };
    }
    failures.push(answer);
    if (context.signal.aborted) break;
    const next = models[index + 1];
    context.log('warning', answer.failure.message, { model });
    if (next !== undefined) warnings.push(fallbackWarning(model, next, answer));
  }
  return { ...combined(failures), warnings, ...spentOn(asking) };
}

/** What the models used, as outcomes carry it. */
export function spentOn({ usage }: Pick<Answered<unknown>, 'usage'>): { usage?: Usage } {
  return usage === null ? {} : { usage };
}

/** What all calls of one question share; `usage` grows with each. */
interface Asking<T> {
  readonly config: JsonObject;
  readonly context: NodeContext;
  readonly ask: (call: ModelCall) => Promise<ModelAnswer<T> | ModelFailure>;
  readonly purpose: string;
  readonly operation: ModelCallRecord['operation'];
  isRetryable(status: number): boolean;
  usage: Usage | null;
}

/** Asks one model, as often as is configured. */
async function askOne<T>(asking: Asking<T>, model: string): Promise<ModelAnswer<T> | ModelFailure> {
  const { context } = asking;
  const retries = retriesPerModel(asking.config);
  for (let attempt = 1; ; attempt++) {
    const answer = await callOnce(asking, model);
    if (answer.usage !== undefined) asking.usage = addUsage(asking.usage, answer.usage);
    if ('value' in answer || attempt > retries || !answer.retryable || answer.timedOut) return answer;
    const wait = Math.max(answer.retryAfterMs ?? 0, retryDelay(BACK_OFF, attempt, Math.random()));
    if (wait > MAX_WAIT_MS || context.signal.aborted) return answer;
    context.log('info', `${answer.failure.message} It is asked again in ${wait} ms.`, { model, attempt });
    await sleep(wait, undefined, { signal: context.signal }).catch(() => {});
    if (context.signal.aborted) return answer;
  }
}

async function callOnce<T>(asking: Asking<T>, model: string): Promise<ModelAnswer<T> | ModelFailure> {
  const { context, config, purpose, isRetryable } = asking;
  const provider = providerOf(model, context.models);
  if (provider === null) return noProvider(model);
  const timeoutMs = callTimeoutMs(config);
  const timeout = AbortSignal.timeout(timeoutMs);
  const key = `${context.idempotencyKey}-${model}${purpose === '' ? '' : `-${purpose}`}`;
  const startedAt = context.now();
  let said: ModelExchange | null = null;
  const call: ModelCall = {
    model,
    provider,
    isRetryable,
    signal: AbortSignal.any([context.signal, timeout]),
    // A header holds visible ASCII only (RFC 9110 5.5); a model's name may hold anything.
    headers: { 'idempotency-key': encodeURIComponent(key) },
    ...(context.tracing?.keepsContent && {
      tell: (exchange: ModelExchange) => {
        said = exchange;
      },
    }),
  };
  const answer = await asking.ask(call).catch((error: unknown): ModelFailure | Promise<ModelFailure> => {
    if (timeout.aborted && !context.signal.aborted) return timedOut(model, timeoutMs);
    return modelFailure(error, call, context);
  });
  context.tracing?.modelCall({
    operation: asking.operation,
    protocol: provider.protocol,
    provider: provider.name,
    model,
    startedAt,
    finishedAt: context.now(),
    usage: answer.usage ?? null,
    failure: 'value' in answer ? null : answer.failure,
    said,
  });
  return answer;
}

/** All models failed: it is tried again when that may help with any of them, and no later than the first of those is ready. */
function combined(failures: readonly ModelFailure[]): FailedOutcome {
  const retryable = failures.filter((one) => one.retryable);
  const wait = Math.min(...retryable.map((one) => one.retryAfterMs ?? 0));
  const last = failures.at(-1)!.failure;
  const message =
    failures.length === 1 ? last.message : `No model answered. ${failures.map((one) => one.failure.message).join(' ')}`;
  return {
    kind: 'failed',
    failure: { ...last, message },
    retryable: retryable.length > 0,
    ...(retryable.length > 0 && wait > 0 ? { retryAfterMs: wait } : {}),
  };
}

/** The statuses after which a call is repeated: numbers, or with `x` for any digit. */
function retryStatuses(
  configured: JsonValue | undefined,
): { isRetryable(status: number): boolean } | { problem: string } {
  const written = (Array.isArray(configured) ? configured : [configured ?? []].flat()).map(String);
  if (written.length === 0) return { isRetryable: isRetryableStatus };
  const bad = written.find((code) => !/^[1-5](\d\d|\dx|xx)$/i.test(code));
  if (bad !== undefined) {
    return {
      problem: `"retry_on_status_codes" lists HTTP statuses such as 429, "50x" or "5xx"; given was ${JSON.stringify(bad)}.`,
    };
  }
  const fits = (code: string, status: string) =>
    [...code].every((digit, at) => /x/i.test(digit) || digit === status[at]);
  return { isRetryable: (status) => written.some((code) => fits(code, String(status))) };
}

function timedOut(model: string, timeoutMs: number): ModelFailure {
  const message = `Model ${model} did not answer within ${timeoutMs / 1_000} seconds. Raise "timeout_seconds" or ask for less.`;
  return { failure: { code: 'timeout', message }, retryable: true, timedOut: true };
}

function noProvider(model: string): ModelFailure {
  const message = `No configured provider serves model ${model}. Correct the name, or add the model to a provider's list.`;
  return { failure: { code: 'not_configured', message }, retryable: false };
}

function fallbackWarning(model: string, next: string, answer: ModelFailure): Warning {
  return {
    identifier: answer.timedOut ? 'model_timeout' : 'model_fallback',
    detail: `${answer.failure.message} Model ${next} was asked instead.`,
    params: { model, next },
  };
}
