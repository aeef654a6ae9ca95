import type { Failure } from '../../domain/failure.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { retryAfterMs } from '../../domain/retry.ts';
import { LOG_LEVELS, type LogLevel } from '../../domain/run-log.ts';
import { failedRequest, isRetryableStatus, shownUrl } from '../http-outcome.ts';
import { parseJson } from '../json-text.ts';
import { failed, type NodeContext, type Outcome } from '../node-type.ts';
import { MAX_ERROR_LENGTH, MAX_LOG_LENGTH, MAX_LOG_LINES, MAX_OUTPUT_LENGTH } from './limits.ts';
import type { CodeLimits } from './sandbox.ts';

/** Milliseconds that a runner gets on top of the code's own time: to start a process, and to send what came of it. */
const RUNNER_GRACE_MS = 10_000;

/** Bytes of an answer: outputs of the largest size in UTF-8, with lines and errors. */
const MAX_ANSWER_BYTES = 4 * MAX_OUTPUT_LENGTH;

/** What is sent to a runner besides the limits. */
export interface RunnerJob {
  readonly language: string;
  readonly source: string;
  readonly inputs: JsonObject;
  readonly limits: CodeLimits;
  readonly deterministic: boolean;
}

/** Has code run by the external runner; docs/code.md lays down what the two say to each other. @returns the outputs, or how it failed */
export async function runElsewhere(
  job: RunnerJob,
  context: NodeContext,
): Promise<{ readonly outputs: JsonObject } | Outcome> {
  const { runner } = context.code;
  if (runner === null) {
    const message = `No runner for ${job.language} is configured. Set MILLRUN_CODE_RUNNER_URL to the address of one and restart, or write the node in JavaScript or TypeScript. docs/code.md says what a runner must understand.`;
    return failed({ code: 'not_configured', message });
  }
  try {
    const answer = await runner.http.request({
      method: 'POST',
      url: runner.url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'idempotency-key': context.idempotencyKey,
        ...(runner.authorization === null ? {} : { authorization: runner.authorization }),
      },
      body: JSON.stringify({
        language: job.language,
        source: job.source,
        inputs: job.inputs,
        limits: {
          timeout_seconds: job.limits.timeoutMs / 1_000,
          memory_mb: job.limits.memoryBytes / 1024 / 1024,
          output_characters: MAX_OUTPUT_LENGTH,
        },
        deterministic: job.deterministic,
      }),
      timeoutMs: job.limits.timeoutMs + RUNNER_GRACE_MS,
      maxBytes: MAX_ANSWER_BYTES,
      followRedirects: false,
      signal: context.signal,
    });
    const text = Buffer.from(answer.body).toString('utf8');
    if (answer.status !== 200) {
      const wait = retryAfterMs(answer.headers['retry-after'], context.now());
      const failure: Failure = {
        code: 'provider',
        message: `The runner at ${shownUrl(runner.url)} answered ${answer.status}: ${text.slice(0, MAX_ERROR_LENGTH)}`,
        httpStatus: answer.status,
      };
      return {
        kind: 'failed',
        failure,
        retryable: isRetryableStatus(answer.status),
        ...(wait === undefined ? {} : { retryAfterMs: wait }),
      };
    }
    return readAnswer(text, context);
  } catch (error) {
    return failedRequest(error);
  }
}

function readAnswer(text: string, context: NodeContext): { readonly outputs: JsonObject } | Outcome {
  const read = parseJson(text);
  if ('problem' in read) return notUnderstood(read.problem);
  const { value: answer } = read;
  if (!isJsonObject(answer)) return notUnderstood('It is not an object.');
  writeLines(answer['logs'], context);
  const { error, outputs } = answer;
  if (error !== undefined && error !== null) return failed({ code: 'code_error', message: errorMessage(error) });
  if (outputs === undefined || !isJsonObject(outputs)) return notUnderstood('It has neither "outputs" nor "error".');
  const { length } = JSON.stringify(outputs);
  if (length <= MAX_OUTPUT_LENGTH) return { outputs };
  const message = `The outputs take ${length} characters as JSON; at most ${MAX_OUTPUT_LENGTH} are allowed. Return less, or keep it in a file.`;
  return failed({ code: 'too_large', message });
}

function notUnderstood(problem: string): Outcome {
  const message = `The answer of the runner cannot be understood: ${problem} docs/code.md says what it must be.`;
  return failed({ code: 'provider', message });
}

function errorMessage(error: JsonValue): string {
  if (!isJsonObject(error)) return String(error).slice(0, MAX_ERROR_LENGTH);
  const { message, line } = error;
  const said =
    typeof message === 'string' && message !== '' ? message : 'The code failed, and the runner does not say why.';
  return `${said.slice(0, MAX_ERROR_LENGTH)}${typeof line === 'number' ? ` (line ${line} of the code)` : ''}`;
}

function writeLines(logs: JsonValue | undefined, context: NodeContext): void {
  const lines = Array.isArray(logs) ? logs : [];
  for (const line of lines.slice(0, MAX_LOG_LINES)) {
    const { level, message } = isJsonObject(line) ? line : { level: 'info', message: line };
    if (typeof message !== 'string') continue;
    const known: LogLevel = LOG_LEVELS.find((one) => one === level) ?? 'info';
    context.log(known, message.length > MAX_LOG_LENGTH ? `${message.slice(0, MAX_LOG_LENGTH)}…` : message);
  }
  if (lines.length > MAX_LOG_LINES) {
    context.log('warning', `The code wrote more than ${MAX_LOG_LINES} lines; the rest was left out.`);
  }
}
