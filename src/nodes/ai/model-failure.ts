import type { Failure } from '../../domain/failure.ts';
import { retryAfterMs } from '../../domain/retry.ts';
import type { Usage } from '../../domain/run.ts';
import { httpClientError } from '../http-outcome.ts';
import type { ModelProvider, NodeContext } from '../node-type.ts';
import { ProviderMisconfigured } from './language-model.ts';

/** Characters of a provider's error, or of a model's answer, that a failure repeats. */
const SHOWN_LENGTH = 300;

/** Why one model gave no answer. */
export interface ModelFailure {
  readonly failure: Failure;
  /** Whether the same call may go better later. */
  readonly retryable: boolean;
  /** The wait that the provider asked for, milliseconds. */
  readonly retryAfterMs?: number;
  readonly timedOut?: boolean;
  /** What the call used all the same. */
  readonly usage?: Usage;
}

/** An answer that broke off after it had begun; its cause is what the provider or the connection said. */
export class BrokenAnswer extends Error {
  override readonly name = 'BrokenAnswer';
}

/** Something that goes to a model with its question cannot be read; the message says what. */
export class UnreadableInput extends Error {
  override readonly name = 'UnreadableInput';
}

/** The model that was asked, and how failures are judged. */
export interface AskedModel {
  readonly model: string;
  readonly provider: ModelProvider;
  /** Whether a call is repeated after this status. */
  isRetryable(status: number): boolean;
}

/**
 * Why a call of a model went wrong, from what the AI SDK or the guarded client threw.
 * @throws whatever is neither: a mistake of the platform
 */
export async function modelFailure(
  error: unknown,
  { model, provider, isRetryable }: AskedModel,
  context: Pick<NodeContext, 'signal' | 'now'>,
): Promise<ModelFailure> {
  const { AISDKError, APICallError, JSONParseError, TypeValidationError } = await import('ai');
  if (context.signal.aborted) {
    const message = `The call of model ${model} was stopped before it answered.`;
    return { failure: { code: 'timeout', message }, retryable: true };
  }
  const thrown = error instanceof BrokenAnswer ? error.cause : error;
  if (thrown instanceof ProviderMisconfigured) {
    return { failure: { code: 'not_configured', message: thrown.message }, retryable: false };
  }
  if (thrown instanceof UnreadableInput) {
    return { failure: { code: 'invalid_input', message: thrown.message }, retryable: false };
  }
  const unreachable = httpClientError(error);
  if (unreachable !== null) {
    const code = unreachable.reason === 'address_refused' ? 'address_refused' : 'network';
    const message = `Model ${model} cannot be reached at provider "${provider.name}": ${unreachable.message}`;
    return { failure: { code, message }, retryable: code === 'network' };
  }
  const isKnown = [APICallError, JSONParseError, TypeValidationError].some((kind) => kind.isInstance(thrown));
  if (error instanceof BrokenAnswer && !isKnown) {
    const { message, status } = brokenBy(error.cause);
    return {
      failure: {
        code: 'provider',
        message: `Provider "${provider.name}" broke off its answer for model ${model}: ${shown(message)}`,
        ...(status === undefined ? {} : { httpStatus: status }),
      },
      retryable: status === undefined || isRetryable(status),
    };
  }
  if (!AISDKError.isInstance(thrown)) throw error;
  if (!APICallError.isInstance(thrown) || thrown.statusCode === undefined || thrown.statusCode < 400) {
    // An answer that is not what the protocol promises: mostly a proxy in between, so that another try may go better.
    const message = `Provider "${provider.name}" gave an answer for model ${model} that cannot be read: ${shown(thrown.message)}`;
    return { failure: { code: 'provider', message }, retryable: true };
  }
  const wait = retryAfterMs(thrown.responseHeaders?.['retry-after'], context.now());
  const { statusCode } = thrown;
  return {
    failure: {
      code: 'provider',
      message: `Provider "${provider.name}" answered ${statusCode} for model ${model}: ${shown(thrown.message)}${statusHint(statusCode)}`,
      httpStatus: statusCode,
    },
    retryable: isRetryable(statusCode),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
}

/** The providers' libraries throw errors, objects with a message and a status, or bare texts. */
function brokenBy(cause: unknown): { message: string; status?: number } {
  if (typeof cause === 'string') return { message: cause };
  const { message, statusCode } = (cause ?? {}) as { message?: unknown; statusCode?: unknown };
  return {
    message: typeof message === 'string' ? message : 'it did not say why.',
    ...(typeof statusCode === 'number' ? { status: statusCode } : {}),
  };
}

/** The beginning of a text that a failure repeats. */
export function shown(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

function statusHint(status: number): string {
  if (status === 401 || status === 403) return ' Check the API key of the provider.';
  if (status === 404) return ' Check the model name and the base URL of the provider.';
  return '';
}
