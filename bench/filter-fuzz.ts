/**
 * Question: can any text make the filter language throw, or keep a server's loop busy?
 *
 * Reads, prints and completes 1,000,000 random texts and 100,000 damaged filters. Fails when one throws or takes longer
 * than 50 ms. What seems slow is timed again, so that a pause of the machine is not blamed on the text.
 *
 *   npm run bench -- filter-fuzz [texts] [mutants] [seed]
 */
import fc from 'fast-check';
import { anyText, mutatedText, NOW } from '../src/filter/filter.arbitrary.ts';
import { readFilter } from '../src/filter/filter.ts';
import { print } from '../src/filter/print.ts';
import { runVocabulary } from '../src/filter/run-vocabulary.ts';
import { suggest } from '../src/filter/suggest.ts';

const LIMIT_MS = 50;
/** Far above the mean, so that few texts are timed again. */
const SEEMS_SLOW_MS = 5;
const ATTEMPTS = 5;

function use(text: string): void {
  const { tree } = readFilter(text, runVocabulary, { now: NOW });
  if (tree) print(tree);
  suggest(text, Math.floor(text.length / 2), runVocabulary);
}

/** The least time of a few attempts, in milliseconds; one attempt where that is quick enough. */
function timeOf(text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && least > SEEMS_SLOW_MS; attempt++) {
    const start = performance.now();
    use(text);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function fuzz(name: string, texts: fc.Arbitrary<string>, numRuns: number, seed: number): void {
  let slowest = 0;
  let total = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const time = timeOf(text);
      if (time > LIMIT_MS) throw new Error(`${time} ms for ${JSON.stringify(text)}`);
      slowest = Math.max(slowest, time);
      total += time;
    }),
    { numRuns, seed },
  );
  const mean = ((total / numRuns) * 1000).toFixed(1);
  console.log(
    `${name}: ${numRuns} texts, none threw; mean ${mean} µs, slowest ${slowest.toFixed(2)} ms (seed ${seed})`,
  );
}

/** @param args how many random texts, how many mutants, and the seed; all may be left out */
export async function bench(args: readonly string[]): Promise<void> {
  const [texts = 1_000_000, mutants = 100_000, seed = Date.now()] = args.map(Number);
  fuzz('random', anyText, texts, seed);
  fuzz('mutated', mutatedText, mutants, seed);
}
