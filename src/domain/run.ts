import type { Failure } from './failure.ts';
import type { JsonObject } from './json.ts';
import type { Payload } from './payload.ts';

export const RUN_STATUSES = ['queued', 'running', 'waiting', 'succeeded', 'failed', 'canceled'] as const;

/** `waiting`: nothing happens until a person answers. The last three are terminal and never change again. */
export type RunStatus = (typeof RUN_STATUSES)[number];

const TERMINAL: ReadonlySet<RunStatus> = new Set(['succeeded', 'failed', 'canceled']);

/** True for a status that never changes again. */
export function isTerminal(status: RunStatus): boolean {
  return TERMINAL.has(status);
}

/** One execution of one workflow version. Times are epoch milliseconds. */
export interface Run {
  readonly id: string;
  readonly workspaceId: string;
  readonly workflowId: string;
  readonly workflowVersionId: string;
  /** Whether the caller asked for that version, rather than for whatever was current. */
  readonly versionPinned: boolean;
  readonly status: RunStatus;
  /** Grows by one at each kept change; a change decided on an older revision is stale. */
  readonly revision: number;
  /** Settled nodes in percent, 0 to 100. */
  readonly progress: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** What started it: `api`, `demo`, `trigger`, … */
  readonly source: string;
  /** Only these nodes and their dependencies run; null: all. */
  readonly nodeIds: readonly string[] | null;
  readonly singleNodeId: string | null;
  readonly input: Payload;
  readonly output: Payload | null;
  readonly failure: Failure | null;
  readonly meta: JsonObject | null;
  readonly callbackUrl: string | null;
  readonly apiKeyId: string | null;
  readonly tracing: boolean;
  readonly debugger: string | null;
}

/** What a run's execution has used: tokens and money. Money is a decimal string in US dollars. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: string | null;
}
