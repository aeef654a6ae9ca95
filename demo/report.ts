import { styleText } from 'node:util';
import type { Run } from './api.ts';
import type { PackageDocument } from './corpus.ts';
import { bar } from './progress.ts';

/** A document and the run that read it. */
export interface Digested {
  readonly document: PackageDocument;
  readonly run: Run;
}

/** Rows of a ranking. */
const TOP = 5;

const BAR_WIDTH = 24;
const NAME_WIDTH = 34;

/** The tables that say what happened, made of what the server recorded. */
export function report(digested: readonly Digested[], seconds: number): string {
  const completed = digested.filter(({ run }) => run.status === 'completed');
  const failed = digested.filter(({ run }) => run.status === 'failed');
  const perSecond = Math.round(digested.length / seconds);
  const size = digested.reduce((sum, { document }) => sum + document.readme.length, 0);
  const parts = [
    heading(`${digested.length} runs in ${seconds.toFixed(1)} s, ${perSecond} runs/s, ${kilobytes(size)} of text`),
    counts('How they ended', 'run.status', digested, ({ run }) => run.status),
    counts('By route', 'output.Route, by the rules of the workflow', completed, outputOf('Route')),
    counts('By licence', 'output.Licence, from the README or else from package.json', completed, outputOf('Licence')),
    ranking('Largest documents', 'run.input', digested, ({ document }) => document.readme.length, kilobytes),
    ranking('Most code', 'output["Code share"]', completed, ({ run }) => Number(run.output?.['Code share']), percent),
    ranking('Slowest runs', 'run.finished_at - run.created_at', digested, durationOf, (ms) => `${ms} ms`),
    failures(failed),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function outputOf(label: string): (digested: Digested) => string {
  return ({ run }) => String(run.output?.[label] || 'none');
}

function durationOf({ run }: Digested): number {
  return run.finished_at === null ? 0 : Date.parse(run.finished_at) - Date.parse(run.created_at);
}

function heading(title: string, source = ''): string {
  return `\n${styleText('bold', title)}${source === '' ? '' : styleText('dim', `  ${source}`)}`;
}

/** How many there are of each, the most frequent first. */
function counts(
  title: string,
  source: string,
  digested: readonly Digested[],
  keyOf: (one: Digested) => string,
): string {
  if (digested.length === 0) return '';
  const groups = Object.entries(Object.groupBy(digested, keyOf))
    .map(([key, members]) => [key, members?.length ?? 0] as const)
    .sort((a, b) => b[1] - a[1]);
  const most = groups[0]?.[1] ?? 1;
  const width = Math.max(...groups.map(([key]) => key.length));
  const lines = groups.map(
    ([key, count]) => `  ${key.padEnd(width)} ${String(count).padStart(5)}  ${bar(count / most, BAR_WIDTH)}`,
  );
  return [heading(title, source), ...lines].join('\n');
}

/** The documents with the largest measure. */
function ranking(
  title: string,
  source: string,
  digested: readonly Digested[],
  measure: (one: Digested) => number,
  show: (measured: number) => string,
): string {
  if (digested.length === 0) return '';
  const top = digested.toSorted((a, b) => measure(b) - measure(a)).slice(0, TOP);
  const lines = top.map(
    (one) =>
      `  ${one.document.name.slice(0, NAME_WIDTH).padEnd(NAME_WIDTH)} ${show(measure(one)).padStart(8)}  ${styleText('dim', one.run.id)}`,
  );
  return [heading(title, source), ...lines].join('\n');
}

/** Each reason for a failure once, with the packages it is about. */
function failures(failed: readonly Digested[]): string {
  if (failed.length === 0) return '';
  const lines = Object.entries(Object.groupBy(failed, ({ run }) => run.error ?? 'unknown')).flatMap(
    ([reason, members = []]) => [
      `  ${reason}`,
      ...members.map(
        ({ document, run }) => `    ${document.name.padEnd(NAME_WIDTH - 2)}           ${styleText('dim', run.id)}`,
      ),
    ],
  );
  return [heading('Why runs failed', 'run.error'), ...lines].join('\n');
}

function kilobytes(characters: number): string {
  return `${(characters / 1000).toFixed(1)} kB`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Requests that look at what was recorded, each one line for a shell. */
export function lookFurther(url: string, workflowId: string, digested: readonly Digested[]): string {
  const longest = digested.toSorted((a, b) => b.document.readme.length - a.document.readme.length)[0];
  if (longest === undefined) return '';
  const failed = digested.find(({ run }) => run.status === 'failed');
  const run = `${url}/v1/runs/${longest.run.id}`;
  const requests: readonly (readonly [what: string, options: string, address: string])[] = [
    ...(failed ? [[`why ${failed.document.name} failed`, '', `${url}/v1/runs/${failed.run.id}/data`] as const] : []),
    [`everything about the run of ${longest.document.name}`, '', `${run}/data`],
    ['what one node got and gave: its second pass', '', `${run}/io/links?it=2`],
    ['its events, as they were streamed', '-N ', `${run}/events`],
    ['its output alone', '', `${url}/v1/workflows/${workflowId}/runs/${longest.run.id}?output_only=true`],
    ['the newest runs', '', `${url}/v1/workflows/${workflowId}/runs?size=5`],
    ['the workflow, to change it', '', `${url}/v1/workflows/${workflowId}`],
  ];
  const lines = requests.flatMap(([what, options, address]) => [
    styleText('dim', `  # ${what}`),
    `  curl ${options}-s -H "X-API-Key: $MILLRUN_API_KEY" '${address}'`,
  ]);
  return [heading('Look further'), ...lines].join('\n');
}
