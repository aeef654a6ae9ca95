import type { JsonObject } from './json.ts';

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line for people, written while a run executes. */
export interface RunLog {
  readonly id: string;
  readonly runId: string;
  readonly nodeId: string | null;
  /** 0 for a node that does not iterate, else 1-based. */
  readonly iteration: number;
  readonly level: LogLevel;
  readonly message: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly meta: JsonObject | null;
}
