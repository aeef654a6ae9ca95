import Big from 'big.js';
import type { RunStatus } from '../../domain/run.ts';
import {
  bucketSpan,
  type EvaluationSurvey,
  quantile,
  type RunSurvey,
  type SurveyBucket,
  type SurveyFacet,
  type WorkflowSurvey,
} from '../../domain/run-survey.ts';
import type { SurveyRequest } from '../store.ts';
import type { SqlColumns } from './filter-to-sql.ts';
import type { Row } from './rows.ts';

/** Values of a facet that are given; what is rarer is counted with the rest. */
const FACET_VALUES = 1000;

/** Current evaluations whose runs are looked at for the facet of verdicts: 1 µs each. */
export const VERDICTS_READ = 50_000;

/** Characters of a value that is offered: nobody chooses a longer one from a list. */
export const LONGEST_SEEN = 200;

/** Facets that a run tells by itself; the verdict comes from the evaluations. */
const TALLIED = [
  'status',
  'workflowId',
  'source',
  'targetType',
  'targetVersion',
  'failureCode',
] as const satisfies Exclude<SurveyFacet, 'verdict'>[];

/** Parts the values of the facets of one run, in one text: read and counted together they take a third of the time. No value has it. */
const PART = '\u001f';
/** Stands for a facet without a value. */
const NONE = '\u001e';

/** The facets of a run as one text. */
export const facetsSql = (columns: SqlColumns): string =>
  TALLIED.map((facet) => `coalesce(${columns[facet]}, '${NONE}')`).join(`||'${PART}'||`);

/** What is read of a run: its time, its duration, its cost and its facets. */
export type ReadRow = readonly [at: number, durationMs: number | null, cost: string | null, facets: string];

/** Runs that have all facets in common. */
interface Alike {
  readonly values: readonly string[];
  runs: number;
}

/** What the runs of one span of time come to. */
interface Bucket {
  runs: number;
  readonly byStatus: Map<string, number>;
  readonly durations: number[];
  readonly cost: Money;
}

/** What was seen of runs so far. */
export class Tally {
  readonly #alike = new Map<string, Alike>();
  readonly #runs: {
    readonly at: number;
    readonly durationMs: number | null;
    readonly cost: string | null;
    readonly alike: Alike;
  }[] = [];

  get size(): number {
    return this.#runs.length;
  }

  add([at, durationMs, cost, facets]: ReadRow): void {
    let alike = this.#alike.get(facets);
    if (alike === undefined) {
      alike = { values: facets.split(PART), runs: 0 };
      this.#alike.set(facets, alike);
    }
    alike.runs += 1;
    this.#runs.push({ at, durationMs, cost, alike });
  }

  survey(request: SurveyRequest, isPartial: boolean, verdict: [string | null, number][]): RunSurvey {
    let oldest = Number.POSITIVE_INFINITY;
    let newest = 0;
    for (const { at } of this.#runs) {
      if (at < oldest) oldest = at;
      if (at > newest) newest = at;
    }
    const { now, buckets: wanted } = request;
    const last = request.to ?? Math.max(newest + 1, now);
    const first = request.from ?? (this.size === 0 ? last - 1 : oldest);
    const bucketMs = bucketSpan(Math.max(1, last - first), wanted);
    const from = Math.floor(first / bucketMs) * bucketMs;
    const facets = Object.fromEntries(TALLIED.map((facet, index) => [facet, this.#facet(index)]));
    return {
      scanned: { runs: this.size, isPartial, oldest: isPartial && this.size > 0 ? oldest : null },
      facets: { ...facets, verdict } as unknown as RunSurvey['facets'],
      from,
      to: from + Math.ceil((last - from) / bucketMs) * bucketMs,
      bucketMs,
      buckets: this.#buckets(from, bucketMs),
    };
  }

  #facet(index: number): [string | null, number][] {
    const counts = new Map<string | null, number>();
    for (const { values, runs } of this.#alike.values()) {
      const value = values[index] === NONE ? null : (values[index] ?? null);
      counts.set(value, (counts.get(value) ?? 0) + runs);
    }
    return [...counts].sort(([, a], [, b]) => b - a).slice(0, FACET_VALUES);
  }

  #buckets(from: number, bucketMs: number): SurveyBucket[] {
    const buckets: Bucket[] = [];
    for (const { at, durationMs, cost, alike } of this.#runs) {
      const index = Math.floor((at - from) / bucketMs);
      const bucket: Bucket = buckets[index] ?? { runs: 0, byStatus: new Map(), durations: [], cost: new Money() };
      buckets[index] = bucket;
      const status = alike.values[0] ?? '';
      bucket.runs += 1;
      bucket.byStatus.set(status, (bucket.byStatus.get(status) ?? 0) + 1);
      if (durationMs !== null) bucket.durations.push(durationMs);
      bucket.cost.add(cost);
    }
    // Spans of time without runs are holes, which this leaves out.
    return Object.entries(buckets).map(([index, { runs, byStatus, durations, cost }]) => ({
      at: from + Number(index) * bucketMs,
      runs,
      byStatus: Object.fromEntries(byStatus) as Partial<Record<RunStatus, number>>,
      duration: spread(durations),
      cost: cost.toString(),
    }));
  }
}

function spread(durations: number[]): SurveyBucket['duration'] {
  if (durations.length === 0) return null;
  const ascending = Float64Array.from(durations).sort();
  return { p50: quantile(ascending, 0.5), p95: quantile(ascending, 0.95), max: ascending[ascending.length - 1]! };
}

/** A sum of money, exact: most costs are added as whole numbers of a billionth, which a double holds; the others take longer. */
class Money {
  #billionths = 0;
  #others = new Big(0);

  add(cost: string | null): void {
    if (cost === null) return;
    const [, places = ''] = cost.split('.');
    const value = Number(cost);
    if (places.length <= PLACES && Math.abs(value) < SMALL) this.#billionths += Math.round(value * 10 ** PLACES);
    else this.#others = this.#others.plus(cost);
  }

  toString(): string {
    return this.#others.plus(new Big(this.#billionths).times(`1e-${PLACES}`)).toFixed();
  }
}

const PLACES = 9;

/** US dollars below which nine million costs can be added in a double. */
const SMALL = 1000;

/** What is read of a run for the survey of its workflow. */
export type SurveyedRun = readonly [at: number, status: RunStatus, durationMs: number | null, cost: string | null];

/** How a workflow did. @param found its newest runs, newest first: one more than `mostRuns` where there are more */
export function workflowSurvey(workflowId: string, found: readonly SurveyedRun[], mostRuns: number): WorkflowSurvey {
  const days = new Map<number, { at: number; runs: number; failed: number }>();
  const durations: number[] = [];
  const counts = { succeeded: 0, failed: 0 };
  const spent = new Money();
  for (const [at, status, durationMs, cost] of found.slice(0, mostRuns)) {
    const begin = Math.floor(at / DAY_MS) * DAY_MS;
    const day = days.get(begin) ?? { at: begin, runs: 0, failed: 0 };
    days.set(begin, day);
    day.runs += 1;
    if (status === 'failed') {
      day.failed += 1;
      counts.failed += 1;
    }
    if (status === 'succeeded' || status === 'partial') counts.succeeded += 1;
    if (durationMs !== null) durations.push(durationMs);
    spent.add(cost);
  }
  const { p50, p95 } = spread(durations) ?? { p50: null, p95: null };
  return {
    workflowId,
    days: [...days.values()].sort((a, b) => a.at - b.at),
    runs: Math.min(found.length, mostRuns),
    succeeded: counts.succeeded,
    failed: counts.failed,
    p50,
    p95,
    cost: spent.toString(),
    isPartial: found.length > mostRuns,
  };
}

const DAY_MS = 86_400_000;

/** Counts of current evaluations, which count once for a category, however many of their issues are of it. */
interface EvaluationCounts {
  /** `bucket`, `passed`, `failed` and `none`, oldest first. */
  readonly verdicts: readonly Row[];
  /** `n` by `bucket` and `category`. */
  readonly byTime: readonly Row[];
  /** `n` by `category` and `subcategory`, most first. */
  readonly byKind: readonly Row[];
}

/** Puts counts together. A bucket is counted in spans of `bucketMs`. */
export function evaluationSurveyOf({ verdicts, byTime, byKind }: EvaluationCounts, bucketMs: number): EvaluationSurvey {
  const inBucket = new Map<number, Record<string, number>>();
  const inAll = new Map<string, number>();
  for (const row of byTime) {
    const [bucket, category, n] = [Number(row['bucket']), row['category'] as string, Number(row['n'])];
    inBucket.set(bucket, { ...inBucket.get(bucket), [category]: n });
    inAll.set(category, (inAll.get(category) ?? 0) + n);
  }
  return {
    buckets: verdicts.map((row) => ({
      at: Number(row['bucket']) * bucketMs,
      passed: Number(row['passed']),
      failed: Number(row['failed']),
      withoutVerdict: Number(row['none']),
      issues: inBucket.get(Number(row['bucket'])) ?? {},
    })),
    categories: [...inAll]
      .sort(([, a], [, b]) => b - a)
      .map(([category, evaluations]) => ({
        category,
        evaluations,
        subcategories: byKind
          .filter((row) => row['category'] === category)
          .map((row) => ({ subcategory: row['subcategory'] as string | null, evaluations: Number(row['n']) })),
      })),
  };
}
