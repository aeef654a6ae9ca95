import type { Failure } from './failure.ts';
import type { Usage } from './run.ts';

/** One call of one model, as it was made. Times are epoch milliseconds. */
export interface ModelCallRecord {
  /** What the model was asked to do: `gen_ai.operation.name` of the OpenTelemetry conventions. */
  readonly operation: 'chat' | 'embeddings' | 'generate_content';
  /** The protocol that the provider speaks, e.g. `openai-compatible`. */
  readonly protocol: string;
  /** The name of the provider. */
  readonly provider: string;
  readonly model: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly usage: Usage | null;
  readonly failure: Failure | null;
  /** What was said, where it is to be kept. */
  readonly said: ModelExchange | null;
}

/** What a model was asked and what it answered, as JSON texts of lists of `{role, content}`. */
export interface ModelExchange {
  readonly input: string;
  readonly output: string;
}

/** One try of one pass of a node, kept of runs that are traced. Times are epoch milliseconds. */
export interface Attempt {
  readonly nodeId: string;
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Null: it succeeded. */
  readonly failure: Failure | null;
  readonly usage: Usage | null;
  readonly modelCalls: readonly ModelCallRecord[];
}
