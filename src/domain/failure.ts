/** Why something did not succeed: a stored value, shown to people, never thrown across rooms. */
export interface Failure {
  readonly code: FailureCode;
  /** What happened and what to do about it, in one or two sentences. */
  readonly message: string;
  /** How far the run had come; without it: `execution`. */
  readonly stage?: FailureStage;
  readonly nodeId?: string;
  /** HTTP status of the remote answer that caused it, when there was one. */
  readonly httpStatus?: number;
}

/** `dispatch`: handing the work to whoever does it; `output`: keeping what came out. */
export type FailureStage = 'validation' | 'dispatch' | 'execution' | 'output';

/** Stable, machine-readable reasons. New ones may be added; none is ever renamed. */
export const FAILURE_CODES = [
  'invalid_input',
  'invalid_config',
  'list_lengths_differ',
  'timeout',
  'not_configured',
  'address_refused',
  'network',
  'http_status',
  'too_large',
  'provider',
  'worker_lost',
  'output_missing',
  'request_canceled',
  'code_error',
  'subflow_failed',
  'subflow_stopped',
  'subflow_depth',
  'loop_limit',
  'internal',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];
