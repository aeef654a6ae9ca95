import { styleText } from 'node:util';
import type { Run, RunProgress } from './api.ts';
import type { Connection } from './connect.ts';
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
const NAME_WIDTH = 40;
const REASON_WIDTH = 100;

/** The tables that say what happened, made of what the server recorded. */
export function report(digested: readonly Digested[], seconds: number): string {
  const completed = digested.filter(({ run }) => run.status === 'completed');
  const failed = digested.filter(({ run }) => run.status === 'failed');
  const perSecond = Math.round(digested.length / seconds);
  const total = digested.reduce((sum, { document }) => sum + document.readme.length, 0);
  const parts = [
    heading(`${digested.length} runs in ${seconds.toFixed(1)} s, ${perSecond} runs/s, ${size(total)} of text`),
    counts('How they ended', 'run.status', digested, ({ run }) => run.status),
    counts('By route', 'output.Route, by the rules of the workflow', completed, outputOf('Route')),
    counts('By licence', 'output.Licence, from the README or else from package.json', completed, outputOf('Licence')),
    ranking('Largest documents', 'run.input', digested, ({ document }) => document.readme.length, size),
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
  return [heading(title, source), ...top.map((one) => row(one, show(measure(one))))].join('\n');
}

/** Each reason for a failure once, with the packages it is about. */
function failures(failed: readonly Digested[]): string {
  if (failed.length === 0) return '';
  const lines = Object.entries(Object.groupBy(failed, ({ run }) => run.error ?? 'unknown')).flatMap(
    ([reason, members = []]) => [
      `  ${reason.length > REASON_WIDTH ? `${reason.slice(0, REASON_WIDTH)}…` : reason}`,
      ...members.map((one) => row(one, '')),
    ],
  );
  return [heading('Why runs failed', 'run.error'), ...lines].join('\n');
}

/** A document, what is said of it, and the run to ask for. */
function row({ document, run }: Digested, value: string): string {
  return `  ${document.title.slice(0, NAME_WIDTH).padEnd(NAME_WIDTH)} ${value.padStart(8)}  ${styleText('dim', run.id)}`;
}

/** Filters that the demo shows, each with the order in which it wants what it finds. */
export const FILTERS: readonly { readonly filter: string; readonly sort: string }[] = [
  { filter: 'status_code:failed', sort: 'created_at:desc' },
  { filter: "output.Licence = 'MIT' and output.Route = 'library'", sort: 'created_at:desc' },
  { filter: 'output.`Code share` > 0.5', sort: 'duration_ms:desc' },
  { filter: "input.README.ilike:'%deprecated%'", sort: 'created_at:desc' },
  { filter: "not output.Licence.in:('MIT', 'ISC', 'Apache-2.0')", sort: 'created_at:asc' },
  { filter: 'duration_ms.between:(5, 1000) and created_at > now-1h', sort: 'duration_ms:desc' },
];

/** What a filter found, in its order. */
export interface Found {
  readonly filter: string;
  readonly runs: readonly Digested[];
}

/** Each filter with the number of runs that it finds and the first of them. */
export function filtered(found: readonly Found[]): string {
  if (found.length === 0) return '';
  const width = Math.max(...found.map(({ filter }) => filter.length));
  const lines = found.map(({ filter, runs }) => {
    const first = runs[0]?.document.title ?? '';
    return `  ${filter.padEnd(width)} ${String(runs.length).padStart(5)}  ${styleText('dim', first.slice(0, NAME_WIDTH))}`;
  });
  return [
    heading('By filter', 'GET /runflow/v1/runs?q=…&sort_by=…, docs/filter-language.md teaches it'),
    ...lines,
  ].join('\n');
}

/** What the nodes of one run did. */
export function inside({ document }: Digested, nodes: RunProgress['per_node_progress']): string {
  const all = Object.entries(nodes);
  const byStatus = Object.entries(Object.groupBy(all, ([, { status }]) => status));
  const told = byStatus.map(([status, members = []]) => {
    const names = status === 'succeeded' ? '' : `: ${members.map(([id]) => id).join(', ')}`;
    return `  ${String(members.length).padStart(3)} ${status}${names}`;
  });
  const repeated = all.filter(([, { total_it: passes }]) => passes > 1);
  const passes = repeated.map(
    ([id, { total_it: count }]) => `      "${id}" made ${count} passes, one for each section`,
  );
  return [
    heading(`Inside the run of ${document.title}`, 'progress_details.per_node_progress'),
    ...told,
    ...passes,
  ].join('\n');
}

/** A size in characters, which is bytes for most of what is written here. */
function size(characters: number): string {
  return characters < 1e6 ? `${(characters / 1e3).toFixed(1)} kB` : `${(characters / 1e6).toFixed(1)} MB`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Requests that look at what was recorded, each one line for a shell. `one` is the run that most of them are about. */
export function lookFurther(
  { url, key, keyIsPreset }: Pick<Connection, 'url' | 'key' | 'keyIsPreset'>,
  workflowId: string,
  digested: readonly Digested[],
  one: Digested | undefined,
): string {
  const failed = digested.find(({ run }) => run.status === 'failed');
  const ofWorkflow = `${url}/v1/workflows/${workflowId}`;
  const requests: [what: string, address: string][] = [
    ['the newest runs', `${ofWorkflow}/runs?size=5`],
    ['the workflow itself', ofWorkflow],
  ];
  if (one) {
    const run = `${url}/v1/runs/${one.run.id}`;
    requests.unshift(
      [`the digest of ${one.document.title}`, `${ofWorkflow}/runs/${one.run.id}?output_only=true`],
      ['everything about its run', `${run}/data`],
      ['what went into one node and came out, in its second pass', `${run}/io/links?it=2`],
      ['its events, as a stream', `${run}/events`],
    );
  }
  if (failed) requests.push([`why ${failed.document.title} failed`, `${url}/v1/runs/${failed.run.id}/data`]);
  const lines = requests.flatMap(([what, address]) => [
    styleText('dim', `  # ${what}`),
    `  curl -sN -H "X-API-Key: $MILLRUN_API_KEY" '${address}'`,
  ]);
  const searches: [what: string, body: object][] = [
    ['which READMEs speak of backtracking, with the places where they do', { query: 'backtrack', limit: 3 }],
    [
      'which are about taking dates apart, in whatever words',
      { query: 'parse dates and times', exact: false, limit: 3 },
    ],
    ['which of those that failed say so', { query: 'title', search_in: ['other'], filter: 'status:failed' }],
  ];
  for (const [what, body] of searches) {
    lines.push(
      styleText('dim', `  # ${what}`),
      `  curl -sN -H "X-API-Key: $MILLRUN_API_KEY" -H 'Content-Type: application/json' '${url}/v1/runs/search' -d '${JSON.stringify(body)}'`,
    );
  }
  for (const [what, filter] of [
    ['the slow ones of the last hour, with what their nodes did', 'duration_ms > 5 and created_at > now-1h'],
    ['one licence by any spelling', "output.Licence.ilike:'%bsd%'"],
  ] as const) {
    lines.push(
      styleText('dim', `  # ${what}`),
      `  curl -sNG -H "Authorization: Bearer $MILLRUN_API_KEY" '${url}/v1/runs' --data-urlencode "q=${filter}" -d 'sort_by=duration_ms:desc&fields=id,duration_ms,output&embed=node_runs&limit=3'`,
    );
  }
  const setKey = keyIsPreset ? [] : [`  export MILLRUN_API_KEY=${key}`];
  return [heading('Look further', `${url}/noxus/openapi.json describes every call`), ...setKey, ...lines].join('\n');
}
