import type { Dialect } from './run.ts';

/** One thing to be told to one address: made when a run, a batch or an evaluation ends, kept with every attempt. Times are epoch milliseconds. */
export interface Delivery {
  readonly id: string;
  readonly workspaceId: string;
  /** What it tells of. */
  readonly subject: 'run' | 'batch' | 'evaluation';
  readonly subjectId: string;
  /** In whose words the body speaks, and how it is signed. */
  readonly dialect: Dialect;
  /** Made when its subject ended; false: made again because somebody asked for it. */
  readonly isAutomatic: boolean;
  /** The HTTP request that started its subject. */
  readonly requestId: string | null;
  /** The secret that the last try was signed with, where the dialect has such. */
  readonly signingSecretId: string | null;
  readonly url: string;
  /** The exact body of every attempt, frozen when the delivery is made. */
  readonly body: string;
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly attemptCount: number;
  readonly maxAttempts: number;
  readonly nextAttemptAt: number | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

/** One try to deliver. `httpStatus` is null when no answer came. */
export interface DeliveryAttempt {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly at: number;
  readonly durationMs: number;
  readonly httpStatus: number | null;
  readonly error: string | null;
  /** The first characters of the answer's body. */
  readonly response: string | null;
}
