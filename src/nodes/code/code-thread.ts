import { createHash, randomBytes } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { Failure } from '../../domain/failure.ts';
import { parseJson } from '../json-text.ts';
import type { FromThread, ToThread } from './code-threads.ts';
import { lineIn, type ProgramEnd, QuickJs } from './quickjs.ts';
import type { CodeJob, SandboxLanguage } from './sandbox.ts';

// The body of a thread that runs code: one job at a time, and nothing of this thread is within the code's reach.

const FILES: Readonly<Record<SandboxLanguage, string>> = { javascript: 'main.js', typescript: 'main.ts' };

const realNow = Date.now;

/** QuickJS asks this thread's Date for time and zone. Its zone is UTC on every machine, and its clock stands still when it is to. */
function holdClock(isHeld: boolean): void {
  Date.now = isHeld ? () => 0 : realNow;
}
const { prototype } = Date;
prototype.getTimezoneOffset = () => 0;
prototype.getFullYear = prototype.getUTCFullYear;
prototype.getMonth = prototype.getUTCMonth;
prototype.getDate = prototype.getUTCDate;
prototype.getDay = prototype.getUTCDay;
prototype.getHours = prototype.getUTCHours;
prototype.getMinutes = prototype.getUTCMinutes;
prototype.getSeconds = prototype.getUTCSeconds;

let held: { readonly workspaceId: string; readonly quickJs: QuickJs } | undefined;

parentPort?.on('message', async ({ job }: ToThread) => {
  tell({ kind: 'started' });
  let end: ProgramEnd;
  try {
    end = await run(job);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    end = { isSpent: true, failure: { code: 'internal', message: `The sandbox broke: ${reason}` } };
  }
  tell({ kind: 'ended', end });
  // A thread that is spent is about to be ended, and its memory with it.
  if (!end.isSpent) release();
});

function release(): void {
  try {
    held?.quickJs.release();
  } catch {
    // It left something that the engine cannot account for, such as a value that came to be while its memory ran out.
    held = undefined;
  }
}

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

async function run(job: CodeJob): Promise<ProgramEnd> {
  const file = FILES[job.language];
  const source = job.language === 'typescript' ? withoutTypes(job.source, file) : { text: job.source, isSpent: false };
  if ('failure' in source) return source;
  if (held?.workspaceId !== job.workspaceId) {
    held = { workspaceId: job.workspaceId, quickJs: await QuickJs.open() };
  }
  holdClock(job.deterministic);
  try {
    const { inputs, limits } = job;
    const program = { file, source: source.text, inputs, limits, seed: seedOf(job) };
    const end = held.quickJs.run(program, (level, message) => tell({ kind: 'log', level, message }));
    return 'outputs' in end ? sound(end) : end;
  } finally {
    holdClock(false);
  }
}

/** The other rooms read the outputs with recursion: depth is looked at here, where a long text holds up nobody. */
function sound(end: ProgramEnd & { readonly outputs: string }): ProgramEnd {
  const read = parseJson(end.outputs);
  if (!('problem' in read)) return end;
  return {
    isSpent: end.isSpent,
    failure: { code: 'code_error', message: `The outputs cannot be kept. ${read.problem}` },
  };
}

function seedOf({ deterministic, source, inputs }: CodeJob): number[] {
  const bytes = deterministic
    ? createHash('sha256').update(source).update('\0').update(inputs).digest()
    : randomBytes(16);
  // The generator stands still when all four are zero.
  return [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12) | 1];
}

/**
 * Node's own stripper, which leaves every line where it was. It is a WebAssembly program that stays broken once some code has been too deep for
 * it, and one that the server itself starts with: on the main thread, one workflow could keep the whole server from loading another file.
 */
function withoutTypes(source: string, file: string): { text: string } | { failure: Failure; isSpent: boolean } {
  try {
    return { text: stripTypeScriptTypes(source, { mode: 'strip', sourceUrl: file }) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      const message = 'The types cannot be taken out of this code: it is nested too deep.';
      return { failure: { code: 'code_error', message }, isSpent: true };
    }
    const line = lineIn(error.stack ?? '', file);
    const message = `SyntaxError: ${error.message}${line === null ? '' : ` (line ${line} of the code)`}`;
    return { failure: { code: 'code_error', message }, isSpent: false };
  }
}
