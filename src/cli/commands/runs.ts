import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { type Perform, perform } from '../action.ts';
import { diffText, type ToldDiff } from '../diff-text.ts';
import type { Arguments } from '../flags.ts';
import { readInputs } from '../inputs.ts';
import { runsTable, runText, statusText } from '../run-text.ts';
import { ask, askRaw, Obstacle, type Reached } from '../server-access.ts';
import { inOneLine, Progress, printable } from '../terminal.ts';
import { recordText, runIdOf, type ToldDefinition, type ToldHead, type ToldRun } from '../told-run.ts';
import { Interrupted, watchRun } from '../watch.ts';
import { finish } from './run.ts';

/** `millrun runs`: 0 done, 1 a run that was waited for failed, 2 it could not be done, 130 interrupted. */
export async function run(args: string[]): Promise<number> {
  return perform('runs', { list, show, search, stop, replay, diff, export: exportRuns }, args);
}

const LISTED = 20;
const FOUND = 10;
const LOG_LINES = 10;

/** Whole records of one answer: each may be megabytes. */
const EXPORT_PAGE = 50;

const NEXT_HEADER = 'millrun-next';

/** A query string of what is given. */
function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

/** A whole number of a flag. @throws Obstacle */
function numberOf({ texts }: Arguments, name: string, otherwise: number): number {
  const given = texts[name];
  if (given === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(given))
    throw new Obstacle(`--${name} takes a whole number; given was "${given.slice(0, 40)}".`);
  return Number(given);
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const list: Perform = async (server, given, output) => {
  const { filter: q, sort, cursor } = given.texts;
  const query = queryOf({ q, sort, cursor, limit: numberOf(given, 'limit', LISTED) });
  const answer = await askRaw(server, 'GET', `/v1/runs/records?${query}`);
  const next = answer.headers.get(NEXT_HEADER);
  const lines = linesOf(await answer.text());
  if (!output.isHuman) {
    for (const line of lines) output.text(`${line}\n`);
    if (next !== null) process.stderr.write(`next: --cursor ${next}\n`);
    return 0;
  }
  if (lines.length === 0) output.text('No run is like that.\n');
  else
    output.text(
      runsTable(
        output,
        lines.map((line) => JSON.parse(line) as ToldHead),
      ),
    );
  if (next !== null) output.text(`${output.style('dim', `There are more: add --cursor ${next}`)}\n`);
  return 0;
};

const show: Perform = async (server, given, output) => {
  const id = await runIdOf(server, given.operands[0]!);
  if (given.switches.has('watch')) {
    try {
      await watchRun(server, id, output, true);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      process.stderr.write(`${error.message}\n`);
      return 130;
    }
  }
  const text = await recordText(server, id);
  if (output.isHuman) output.text(runText(output, JSON.parse(text) as ToldRun, numberOf(given, 'log', LOG_LINES)));
  else output.text(`${text}\n`);
  return 0;
};

/** A place where a run says what was looked for (`search/search.ts`). */
interface ToldMatch {
  readonly field: string;
  readonly path: string;
  readonly node_id?: string;
  readonly match: string;
  readonly before: string;
  readonly after: string;
}

interface ToldFound {
  readonly total: number;
  readonly total_is_lower_bound: boolean;
  readonly degraded: string | null;
  readonly items: readonly (ToldHead & { readonly similarity: number; readonly matches: readonly ToldMatch[] })[];
}

const search: Perform = async (server, given, output) => {
  const found = await ask<ToldFound>(server, 'POST', '/v1/runs/records/search', {
    query: given.operands[0],
    by: given.switches.has('meaning') ? 'meaning' : 'text',
    limit: numberOf(given, 'limit', FOUND),
    offset: numberOf(given, 'offset', 0),
    ...(given.texts['filter'] === undefined ? {} : { q: given.texts['filter'] }),
  });
  if (found.degraded !== null) process.stderr.write(`By words alone: ${found.degraded}\n`);
  if (!output.isHuman) {
    for (const item of found.items) output.json(item);
    return 0;
  }
  const many = `${found.total}${found.total_is_lower_bound ? ' or more' : ''}`;
  const shown = found.items.length < found.total ? `; these are ${found.items.length}` : '';
  output.text(`${output.style('dim', found.total === 1 ? '1 run says that' : `${many} runs say that${shown}`)}\n`);
  for (const item of found.items) {
    const likeness = given.switches.has('meaning')
      ? output.style('dim', `  ${Math.round(item.similarity * 100)} %`)
      : '';
    output.text(
      `\n${statusText(output, item.status)}  ${output.style('bold', printable(item.workflow ?? ''))}  ${output.style('dim', `${item.id}  ${item.created_at.slice(0, 19).replace('T', ' ')}`)}${likeness}\n`,
    );
    for (const { field, path, before, match, after } of item.matches) {
      const place = output.style('dim', `${field}${path === '$' ? '' : path.replace(/^\$/, '')}`);
      const edge = (text: string) => printable(text.replaceAll(/\s+/g, ' '));
      output.text(
        `  ${place}  ${edge(before)}${output.style(['bold', 'yellow'], inOneLine(match, 200))}${edge(after)}\n`,
      );
    }
  }
  return 0;
};

const stop: Perform = async (server, given, output) => {
  for (const each of given.operands) {
    const id = await runIdOf(server, each);
    const path = `/v1/runs/${encodeURIComponent(id)}`;
    const before = await ask<{ readonly status: string }>(server, 'GET', path);
    const { status } = await ask<{ readonly status: string }>(server, 'POST', `${path}/stop`);
    if (!output.isHuman) output.json({ id, status });
    else if (before.status === status) output.text(`${id} had ended before: it is ${status}.\n`);
    else output.text(`${id} is ${status}.\n`);
  }
  return 0;
};

const replay: Perform = async (server, given, output) => {
  const id = await runIdOf(server, given.operands[0]!);
  const { from, version } = given.texts;
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const old = await ask<{ readonly definitions: Readonly<Record<string, ToldDefinition>> }>(server, 'GET', path);
  const overrides = await readInputs(given, Object.values(old.definitions)[0] ?? null);
  const made = await ask<{ readonly id: string }>(server, 'POST', `${path}/replay`, {
    ...(from === undefined
      ? {}
      : from === 'start' || from === 'failed_node'
        ? { from }
        : { from_nodes: from.split(',') }),
    ...(version === undefined ? {} : { version }),
    ...(Object.keys(overrides).length === 0 ? {} : { input_overrides: overrides }),
  });
  if (output.isHuman) process.stderr.write(`${made.id} repeats ${id}.\n`);
  return finish(server, made.id, given);
};

const diff: Perform = async (server, given, output) => {
  const [before, after] = await Promise.all(given.operands.map((each) => runIdOf(server, each)));
  const told = await ask<ToldDiff>(
    server,
    'GET',
    `/v1/runs/${encodeURIComponent(before!)}/diff/${encodeURIComponent(after!)}`,
  );
  if (output.isHuman) output.text(diffText(output, told));
  else output.json(told);
  return 0;
};

const exportRuns: Perform = async (server, given) => {
  const { filter, sort, to } = given.texts;
  const limit = numberOf(given, 'limit', Number.MAX_SAFE_INTEGER);
  const ids = await Promise.all(given.operands.map((each) => runIdOf(server, each)));
  const chosen = ids.length === 0 ? undefined : `id.in:(${ids.join(', ')})`;
  const q = [chosen, filter && `(${filter})`].filter((part) => part !== undefined).join(' AND ') || undefined;
  const into: Writable = to === undefined ? process.stdout : createWriteStream(to, { mode: 0o600 });
  const progress = new Progress();
  let written = 0;
  try {
    if (into !== process.stdout) await once(into, 'open');
    for await (const { line, isRun } of recordLines(server, { q, sort }, limit)) {
      if (!into.write(`${line}\n`)) await once(into, 'drain');
      if (isRun) written += 1;
      if (isRun && to !== undefined) progress.show('exported', written, null);
    }
  } finally {
    progress.end();
    if (into !== process.stdout) await new Promise((resolve) => into.end(resolve));
  }
  if (to !== undefined) process.stderr.write(`${written} runs are in ${to}.\n`);
  return 0;
};

/** Records page by page, as they come; a workflow is told once. */
async function* recordLines(
  server: Reached,
  list: { readonly q: string | undefined; readonly sort: string | undefined },
  limit: number,
): AsyncGenerator<{ readonly line: string; readonly isRun: boolean }> {
  const told = new Set<string>();
  let left = limit;
  let cursor: string | undefined;
  while (left > 0) {
    const query = queryOf({ ...list, cursor, limit: Math.min(left, EXPORT_PAGE), whole: 'true' });
    const answer = await askRaw(server, 'GET', `/v1/runs/records?${query}`);
    // A line of its own stream: a record is never cut in two, and none is held longer than it is written.
    for await (const line of createInterface({
      input: Readable.fromWeb(answer.body as never),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      if (line === '') continue;
      const isRun = !line.startsWith('{"format":"millrun.workflow/');
      if (!isRun) {
        const digest = createHash('sha256').update(line).digest('base64url');
        if (told.has(digest)) continue;
        told.add(digest);
      }
      yield { line, isRun };
    }
    left -= EXPORT_PAGE;
    cursor = answer.headers.get(NEXT_HEADER) ?? undefined;
    if (cursor === undefined) return;
  }
}
