import type { Usage } from '../../domain/run.ts';
import type { Warning } from '../../domain/warning.ts';
import { addUsage } from '../model-provider.ts';
import { type Answered, type FailedOutcome, spentOn } from './model-order.ts';

/** Parts of one text that are with models at the same time: providers limit how many calls of a customer they take at once. */
const PARTS_AT_ONCE = 4;

/** What the parts of a text became. */
export interface AnsweredParts<T> {
  readonly values: readonly T[];
  readonly usage: Usage | null;
  readonly warnings: readonly Warning[];
}

/** Asks about each part of a text, a few at a time, and keeps their order. When one fails for good the rest is not asked, and it is the outcome. */
export async function askParts<T>(
  parts: readonly string[],
  ask: (part: string, index: number) => Promise<Answered<T> | FailedOutcome>,
): Promise<AnsweredParts<T> | FailedOutcome> {
  const values: T[] = [];
  const warnings = new Map<string, Warning>();
  let usage: Usage | null = null;
  let failure: FailedOutcome | null = null;
  let next = 0;
  const work = async (): Promise<void> => {
    while (failure === null && next < parts.length) {
      const index = next++;
      const answered = await ask(parts[index]!, index);
      if (answered.usage) usage = addUsage(usage, answered.usage);
      // The same model fails for many parts with the same words; once is enough.
      for (const warning of answered.warnings ?? []) warnings.set(`${warning.identifier} ${warning.detail}`, warning);
      if ('kind' in answered) failure ??= answered;
      else values[index] = answered.value;
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
  const told = [...warnings.values()];
  // Read anew: the compiler does not see that the work above has changed it.
  const failed = failure as FailedOutcome | null;
  if (failed !== null) return { ...failed, warnings: told, ...spentOn({ usage }) };
  return { values, usage, warnings: told };
}
