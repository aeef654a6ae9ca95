import { createReadStream, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { sourceKey } from '../../config/read.ts';
import { COMMANDS, flagsOf, usageOf } from '../commands.ts';
import { explained } from '../failures.ts';
import { type Arguments, readOwn } from '../flags.ts';
import { executionsIn, readExecution } from '../import/n8n.ts';
import type { Reading } from '../import/record.ts';
import { Sender } from '../import/sender.ts';
import { type Reader, readN8n, readNoxus, readRunflow, type Source } from '../import/sources.ts';
import { Obstacle, serverFor } from '../server-access.ts';
import { type Output, outputFor, Progress, printable } from '../terminal.ts';

const READERS: Readonly<Record<string, Reader>> = { n8n: readN8n, noxus: readNoxus, runflow: readRunflow };

/** Which n8n a file comes from is not in it. Runs of two that have one number are told apart by when they were made. */
const FILE_ORIGIN = 'n8n';

/** `millrun import`: 0 all is here, 1 some could not be taken, 2 it could not be done, 130 interrupted. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const given = readOwn(args, flagsOf(COMMANDS['import']!), true);
    const url = given.texts['source-url'];
    if ((url === undefined) === (given.operands.length === 0)) {
      process.stderr.write(usageOf('import', COMMANDS['import']!));
      return 2;
    }
    const sender = new Sender(given.switches.has('dry-run') ? null : await serverFor(given));
    const limit = limitOf(given);
    const progress = new Progress();
    let isStopped = false;
    const stop = () => {
      isStopped = true;
    };
    process.once('SIGINT', stop);
    const isEnough = () => isStopped || sender.done >= limit;
    try {
      if (url === undefined) await importFiles(given, sender, progress, isEnough);
      else await importFrom(url.replace(/\/+$/, ''), given, sender, progress, isEnough);
    } finally {
      process.off('SIGINT', stop);
      progress.end();
    }
    tell(outputFor(given), sender, given.switches.has('dry-run'));
    if (isStopped) return 130;
    return sender.tally.refused > 0 ? 1 : 0;
  });
}

/** @throws Obstacle */
function limitOf({ texts }: Arguments): number {
  const given = texts['limit'];
  if (given !== undefined && !/^\d{1,9}$/.test(given))
    throw new Obstacle(`--limit takes a whole number; given was "${given}".`);
  return given === undefined ? Number.POSITIVE_INFINITY : Number(given);
}

async function importFiles(
  given: Arguments,
  sender: Sender,
  progress: Progress,
  isEnough: () => boolean,
): Promise<void> {
  for (const file of given.operands) {
    const bytes = file === '-' ? null : sizeOf(file);
    const input: Readable = file === '-' ? process.stdin : createReadStream(file);
    let read = 0;
    for await (const { reading, size } of readings(input, given.texts['from'], file)) {
      if (isEnough()) break;
      await sender.take(reading);
      read += size;
      progress.show(`importing ${file}`, Math.min(read, bytes ?? read), bytes);
    }
    await sender.flush();
    if (isEnough()) return;
  }
}

/** @throws Obstacle */
function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw new Obstacle(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
  }
}

/**
 * What the lines of a file hold. A file of n8n may be one JSON value over many lines: it is gathered until it is whole.
 * @throws Obstacle for a file that is nothing of these
 */
async function* readings(
  input: Readable,
  from: string | undefined,
  file: string,
): AsyncGenerator<{ readonly reading: Reading; readonly size: number }> {
  if (from !== undefined && from !== 'jsonl' && from !== 'n8n')
    throw new Obstacle(`--from ${from} is no form of a file. Files are jsonl or n8n; give --source-url for a server.`);
  const gathered: string[] = [];
  const executionsOf = (value: unknown): { reading: Reading; size: number }[] => {
    const executions = from === 'jsonl' ? null : executionsIn(value);
    if (executions === null)
      throw new Obstacle(`${file} holds neither records of runs (docs/records.md) nor executions of n8n.`);
    const size = gathered.reduce((sum, line) => sum + line.length + 1, 0);
    gathered.length = 0;
    return executions.map((execution, index) => ({
      reading: readExecution(execution, FILE_ORIGIN),
      size: index === 0 ? size : 0,
    }));
  };
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const isRecord = gathered.length === 0 && from !== 'n8n' && /^\{"format":"millrun\./.test(line);
    if (isRecord) {
      const runs = line.startsWith('{"format":"millrun.run/') ? 1 : 0;
      yield { reading: { lines: [line], runs }, size: line.length + 1 };
      continue;
    }
    gathered.push(line);
    // A value over many lines ends with a bracket at the beginning of one; looking at each line anew would take for ever.
    if (gathered.length > 1 && !/^[}\]]/.test(line)) continue;
    const value = parsed(gathered.join('\n'));
    if (value !== undefined) yield* executionsOf(value);
  }
  if (gathered.length === 0) return;
  const value = parsed(gathered.join('\n'));
  if (value === undefined) throw new Obstacle(`${file} is no JSON, or was cut short.`);
  yield* executionsOf(value);
}

/** A JSON value; undefined for a text that is none, or not whole yet. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function importFrom(
  url: string,
  given: Arguments,
  sender: Sender,
  progress: Progress,
  isEnough: () => boolean,
): Promise<void> {
  const { from = 'noxus', since, resume } = given.texts;
  const reader = Object.hasOwn(READERS, from) ? READERS[from] : undefined;
  if (reader === undefined)
    throw new Obstacle(`--from ${from} is no kind of server. There are ${Object.keys(READERS).join(', ')}.`);
  const key = given.texts['source-key'] ?? sourceKey();
  if (key === null) throw new Obstacle(`${url} asks for a key. Give it with --source-key or MILLRUN_SOURCE_KEY.`);
  const at = since === undefined ? null : Date.parse(since);
  if (Number.isNaN(at)) throw new Obstacle(`--since takes a date or a time in ISO 8601; given was "${since}".`);
  const source: Source = { url, key, since: at };
  const place = { from, url, since: at };
  let cursor = resume === undefined ? null : cursorIn(resume, place);
  for (;;) {
    const page = await reader(source, cursor);
    for (const reading of page.readings) {
      if (isEnough()) break;
      await sender.take(reading);
      progress.show(`importing from ${url}`, sender.done, null);
    }
    await sender.flush();
    // What was broken off in the middle is read again: it is here already then.
    if (isEnough()) return;
    cursor = page.next;
    if (resume !== undefined) keepCursor(resume, { ...place, cursor });
    if (cursor === null) return;
  }
}

interface Place {
  readonly from: string;
  readonly url: string;
  readonly since: number | null;
}

/** How far an import from this server came. @throws Obstacle for a file of another one */
function cursorIn(file: string, place: Place): string | null {
  if (!existsSync(file)) return null;
  let kept: Partial<Place & { cursor: string | null }>;
  try {
    kept = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Obstacle(`${file} does not say how far an import came. Name another file with --resume, or remove it.`);
  }
  if (kept.from !== place.from || kept.url !== place.url || kept.since !== place.since)
    throw new Obstacle(`${file} is about another import: ${kept.from} ${kept.url}. Name another file with --resume.`);
  return kept.cursor ?? null;
}

function keepCursor(file: string, state: Place & { readonly cursor: string | null }): void {
  const unfinished = `${file}~new`;
  writeFileSync(unfinished, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
}

function tell(output: Output, { tally }: Sender, isDry: boolean): void {
  const { imported, present, skipped, refused, reasons } = tally;
  if (!output.isHuman) {
    output.json({ imported, present, skipped, refused, reasons, dry_run: isDry });
    return;
  }
  const were = (count: number, what: string) =>
    count === 0 ? [] : [`${count} ${count === 1 ? 'was' : 'were'} ${what}`];
  const parts = [
    `${imported} ${imported === 1 ? 'run' : 'runs'} ${isDry ? 'would be' : imported === 1 ? 'is' : 'are'} imported`,
    ...were(present, 'here before'),
    ...were(skipped, 'passed over'),
    ...(refused > 0 ? [output.style('red', `${refused} could not be taken`)] : []),
  ];
  output.text(`${parts.join(', ')}.\n${reasons.map((reason) => `  ${printable(reason)}\n`).join('')}`);
}
