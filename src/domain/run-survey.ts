import type { RunStatus } from './run.ts';

/** What runs are counted by. */
export const SURVEY_FACETS = [
  'status',
  'workflowId',
  'source',
  'targetType',
  'targetVersion',
  'failureCode',
  'verdict',
] as const;
export type SurveyFacet = (typeof SURVEY_FACETS)[number];

/** How much of what a filter finds an answer rests on. Times are epoch milliseconds. */
export interface Scanned {
  /** Runs that were looked at and fit. */
  readonly runs: number;
  /** Not all were looked at, newest first: there was no time for more. */
  readonly isPartial: boolean;
  /** The time of the oldest run that was looked at, when not all were. */
  readonly oldest: number | null;
}

/** What the runs that a filter finds are like, together. */
export interface RunSurvey {
  readonly scanned: Scanned;
  /** Counts by value, most frequent first; null: runs without a value. */
  readonly facets: Readonly<Record<SurveyFacet, readonly (readonly [value: string | null, runs: number])[]>>;
  /** When the first bucket begins, and the last one ends. */
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
  /** Oldest first; those without runs are left out. */
  readonly buckets: readonly SurveyBucket[];
}

/** The runs that were created within one span of time. */
export interface SurveyBucket {
  readonly at: number;
  readonly runs: number;
  readonly byStatus: Readonly<Partial<Record<RunStatus, number>>>;
  /** Milliseconds, of the runs of it that ended; null when none has. */
  readonly duration: { readonly p50: number; readonly p95: number; readonly max: number } | null;
  /** A decimal string in US dollars. */
  readonly cost: string;
}

/** How one workflow did over some days. */
export interface WorkflowSurvey {
  readonly workflowId: string;
  /** Runs by day, of days that have some. */
  readonly days: readonly { readonly at: number; readonly runs: number; readonly failed: number }[];
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly cost: string;
  /** Only the newest runs were looked at. */
  readonly isPartial: boolean;
}

/** Values that runs have in one place, most frequent among the newest runs first. */
export interface SeenValues {
  readonly values: readonly (readonly [value: string | number | boolean, runs: number])[];
  readonly scanned: number;
}

/** What evaluations say over time. */
export interface EvaluationSurvey {
  readonly buckets: readonly {
    readonly at: number;
    readonly passed: number;
    readonly failed: number;
    readonly withoutVerdict: number;
    readonly issues: Readonly<Record<string, number>>;
  }[];
  readonly categories: readonly {
    readonly category: string;
    readonly evaluations: number;
    readonly subcategories: readonly { readonly subcategory: string | null; readonly evaluations: number }[];
  }[];
}

/** Spans of time that people read at a glance, in milliseconds. */
const SPANS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
  ...[1, 2, 7, 14, 28, 56, 112, 364].map((days) => days * 86_400_000),
];

/** The round span that cuts a stretch of time into at most `wanted` buckets, which may be one more for where they begin. */
export function bucketSpan(ms: number, wanted: number): number {
  return SPANS.find((span) => ms / span <= wanted) ?? Math.ceil(ms / wanted / 86_400_000) * 86_400_000;
}

/** Of values in ascending order the one that a share of them does not exceed (nearest rank). */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? 0;
}
