import { Worker } from 'node:worker_threads';
import type { Failure } from '../../domain/failure.ts';
import type { LogLevel } from '../../domain/run-log.ts';
import { type CodeJob, type CodeOutcome, type CodeSandbox, timedOut } from './sandbox.ts';

export interface ToThread {
  readonly job: CodeJob;
}

export type FromThread =
  | { readonly kind: 'started' }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string }
  | {
      readonly kind: 'ended';
      /** `isSpent`: the thread is to end, and its memory with it. */
      readonly end: { readonly isSpent: boolean } & ({ readonly outputs: string } | { readonly failure: Failure });
    };

/** Enough that one long program does not hold up all others, few enough that code never takes all of a small machine. */
const THREADS = 2;

/** Milliseconds that code gets to notice by itself that its time is up. A built-in function that loops over 2^53 items never does. */
const GRACE_MS = 500;

/** Milliseconds for a thread to start: a hundred as a rule, seconds on a machine that is out of breath. */
const START_MS = 30_000;

/** Milliseconds without work after which a thread is let go: it holds some 25 MB that a quiet server does not need. */
const IDLE_MS = 60_000;

/** Megabytes of the thread's own JavaScript heap: the texts that go in and out, several times over. */
const HEAP_MB = 192;

type Log = (level: LogLevel, message: string) => void;

interface Waiting {
  readonly job: CodeJob;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Takes the outcome, once; later ones are nobody's. */
  readonly settle: (outcome: CodeOutcome) => void;
}

/** A thread, and what it has in hand. */
interface Thread {
  readonly worker: Worker;
  work: Waiting | null;
  /** Runs while it has work: ends it when it does not end by itself. While it has none: lets it go. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Runs code on threads of its own, which start with the first code and end when there has been none for a while. One that does not answer in
 * time is ended and replaced: whatever the code does, the event loop and the other threads go on.
 */
export class CodeThreads implements CodeSandbox {
  readonly #limit: number;
  readonly #idleMs: number;
  readonly #threads = new Set<Thread>();
  /** By workspace, the one whose turn is next first: nobody waits for all that another has queued. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #ending = new Set<Promise<unknown>>();
  #closed = false;

  /** @param options.threads how many at most; `idleMs` milliseconds without work before one is let go */
  constructor(options: { readonly threads?: number; readonly idleMs?: number } = {}) {
    this.#limit = options.threads ?? THREADS;
    this.#idleMs = options.idleMs ?? IDLE_MS;
  }

  /** How many there are now. */
  get size(): number {
    return this.#threads.size;
  }

  run(job: CodeJob, options: { readonly signal: AbortSignal; log: Log }): Promise<CodeOutcome> {
    const { signal, log } = options;
    return new Promise((resolve) => {
      const onAbort = () => this.#abandon(waiting);
      const waiting: Waiting = {
        job,
        signal,
        log,
        settle: (outcome) => {
          signal.removeEventListener('abort', onAbort);
          resolve(outcome);
        },
      };
      if (signal.aborted || this.#closed) return waiting.settle(stopped());
      signal.addEventListener('abort', onAbort, { once: true });
      const queue = this.#queues.get(job.workspaceId);
      if (queue) queue.push(waiting);
      else this.#queues.set(job.workspaceId, [waiting]);
      this.#assign();
    });
  }

  /** Ends all threads; what they had in hand, and what waited, is stopped. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of this.#queues.values()) for (const waiting of queue) waiting.settle(stopped());
    this.#queues.clear();
    for (const thread of [...this.#threads]) {
      thread.work?.settle(stopped());
      this.#end(thread);
    }
    await Promise.all(this.#ending);
  }

  #assign(): void {
    while (this.#queues.size > 0) {
      let thread = [...this.#threads].find(({ work }) => work === null);
      if (!thread && this.#threads.size >= this.#limit) return;
      thread ??= this.#start();
      this.#give(thread, this.#next());
    }
  }

  /** Takes the work whose turn it is. */
  #next(): Waiting {
    const [workspaceId, queue] = this.#queues.entries().next().value!;
    const waiting = queue.shift()!;
    this.#queues.delete(workspaceId);
    if (queue.length > 0) this.#queues.set(workspaceId, queue);
    return waiting;
  }

  #give(thread: Thread, work: Waiting): void {
    thread.work = work;
    this.#endIn(thread, START_MS, { code: 'worker_lost', message: 'The thread that runs code did not start.' }, true);
    thread.worker.postMessage({ job: work.job } satisfies ToThread);
  }

  #start(): Thread {
    const worker = new Worker(new URL('./code-thread.ts', import.meta.url), {
      // Nothing of the environment, nothing that Node was started with.
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    const thread: Thread = { worker, work: null, timer: undefined };
    this.#threads.add(thread);
    worker.unref();
    worker.on('message', (message: FromThread) => this.#hear(thread, message));
    const lose = (reason: string) => {
      if (!this.#threads.has(thread)) return;
      const failure: Failure = { code: 'worker_lost', message: `The thread that ran the code ended: ${reason}.` };
      thread.work?.settle({ kind: 'failed', failure, retryable: true });
      this.#end(thread);
      this.#assign();
    };
    worker.on('error', (error) => lose(error.message));
    worker.on('exit', (code) => lose(`exit code ${code}`));
    return thread;
  }

  #hear(thread: Thread, message: FromThread): void {
    const { work } = thread;
    if (work === null || !this.#threads.has(thread)) return;
    if (message.kind === 'log') work.log(message.level, message.message);
    else if (message.kind === 'started') {
      const { timeoutMs } = work.job.limits;
      this.#endIn(thread, timeoutMs + GRACE_MS, timedOut(timeoutMs), false);
    } else {
      const { end } = message;
      if ('outputs' in end) work.settle({ kind: 'returned', outputs: end.outputs });
      else work.settle({ kind: 'failed', failure: end.failure, retryable: false });
      if (end.isSpent) this.#end(thread);
      else this.#rest(thread);
      this.#assign();
    }
  }

  /** Ends the thread, and its work with this failure, unless it has answered before. */
  #endIn(thread: Thread, ms: number, failure: Failure, retryable: boolean): void {
    clearTimeout(thread.timer);
    thread.timer = setTimeout(() => {
      thread.work?.settle({ kind: 'failed', failure, retryable });
      this.#end(thread);
      this.#assign();
    }, ms);
  }

  #rest(thread: Thread): void {
    thread.work = null;
    clearTimeout(thread.timer);
    thread.timer = setTimeout(() => this.#end(thread), this.#idleMs);
    thread.timer.unref();
  }

  #end(thread: Thread): void {
    clearTimeout(thread.timer);
    thread.work = null;
    this.#threads.delete(thread);
    const ending = thread.worker.terminate().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** The run was stopped, or the node's time is up: nobody waits for this any more. */
  #abandon(waiting: Waiting): void {
    waiting.settle(stopped());
    const { workspaceId } = waiting.job;
    const queue = this.#queues.get(workspaceId) ?? [];
    const at = queue.indexOf(waiting);
    if (at >= 0) {
      queue.splice(at, 1);
      if (queue.length === 0) this.#queues.delete(workspaceId);
      return;
    }
    const thread = [...this.#threads].find(({ work }) => work === waiting);
    if (!thread) return;
    this.#end(thread);
    this.#assign();
  }
}

function stopped(): CodeOutcome {
  const failure: Failure = { code: 'timeout', message: 'The code was stopped before it ended.' };
  return { kind: 'failed', failure, retryable: true };
}
