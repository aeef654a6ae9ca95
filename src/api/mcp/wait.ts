import type { Caller } from '../../domain/caller.ts';
import { isTerminal, type Run } from '../../domain/run.ts';
import type { Runs } from '../../operations/runs.ts';
import type { ToolCall } from './tool.ts';

/** Seconds that a tool waits for a run when nothing is said, and at most: most clients give a call up after 60, unless they see progress. */
export const DEFAULT_WAIT_S = 30;
export const MAX_WAIT_S = 600;

/**
 * Waits until a run has ended or waits for a person, for so many seconds at most, and says how far it is.
 * @param caller may read runs
 * @returns the run as it stands then, also when the time is up or nobody waits any more
 */
export async function waitForRun(
  runs: Runs,
  caller: Caller,
  runId: string,
  seconds: number,
  call: ToolCall,
): Promise<Run> {
  let isOver = seconds === 0 || call.signal.aborted;
  let hasChanged = false;
  let wake = () => {};
  const giveUp = () => {
    isOver = true;
    wake();
  };
  // The watch begins before the run is read: nothing that happens in between is missed.
  const unwatch = await runs.live.watch(runId, () => {
    hasChanged = true;
    wake();
  });
  const timer = setTimeout(giveUp, seconds * 1000);
  call.signal.addEventListener('abort', giveUp, { once: true });
  try {
    for (;;) {
      hasChanged = false;
      const run = await runs.get(caller, runId);
      call.progress(run.progress, `${run.status}: ${run.nodesCompleted} of ${run.nodesTotal} nodes`);
      if (isOver || isTerminal(run.status) || run.status === 'waiting') return run;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (hasChanged || isOver) resolve();
      });
    }
  } finally {
    clearTimeout(timer);
    call.signal.removeEventListener('abort', giveUp);
    unwatch();
  }
}
