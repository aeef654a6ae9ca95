import { styleText } from 'node:util';
import type { Arguments } from './flags.ts';

type Style = Parameters<typeof styleText>[0];

/** Columns where nobody says how many there are. */
const WIDTH = 100;

/** How a command answers: for people on a terminal, or where --text says so; as JSON elsewhere, and where --json says so. */
export interface Output {
  readonly isHuman: boolean;
  /** Columns that a line may have; none where it is not cut. */
  readonly width: number | null;
  /** A text in a style, where the terminal shows styles and NO_COLOR does not forbid them. */
  style(style: Style, text: string): string;
  /** A value as JSON, over several lines on a terminal. */
  json(value: unknown): void;
  text(text: string): void;
}

/** The output of a command with these flags. */
export function outputFor({ switches }: Pick<Arguments, 'switches'>): Output {
  const { stdout } = process;
  const isHuman = switches.has('text') || (stdout.isTTY && !switches.has('json'));
  return {
    isHuman,
    width: stdout.isTTY ? stdout.columns || WIDTH : null,
    style: (style, text) => styleText(style, text, { stream: stdout }),
    json: (value) => stdout.write(`${JSON.stringify(value, null, stdout.isTTY ? 2 : 0)}\n`),
    text: (text) => stdout.write(text),
  };
}

/** How far a long work is, on standard error: a line that is written over on a terminal, nothing elsewhere. */
export class Progress {
  readonly #isShown = process.stderr.isTTY;
  #told = 0;

  /** @param done of `total`; null: nobody knows of how many */
  show(what: string, done: number, total: number | null): void {
    const now = performance.now();
    if (!this.#isShown || (now - this.#told < PROGRESS_MS && done !== total)) return;
    this.#told = now;
    process.stderr.write(`\r\u001B[K${what} ${bar(done, total)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown && this.#told > 0) process.stderr.write('\r\u001B[K');
    this.#told = 0;
  }
}

/** Milliseconds between two looks of a person. */
const PROGRESS_MS = 100;
const BAR = 24;

function bar(done: number, total: number | null): string {
  if (total === null || total === 0) return String(done);
  const full = Math.min(BAR, Math.floor((BAR * done) / total));
  return `[${'#'.repeat(full)}${' '.repeat(BAR - full)}] ${done} of ${total}`;
}

/** A text without what makes a terminal move or colour. Line ends stay where they are allowed. */
export function printable(text: string, options: { readonly lines?: boolean } = {}): string {
  return text.replaceAll(/\p{Cc}/gu, (sign) => (options.lines && (sign === '\n' || sign === '\t') ? sign : '�'));
}

/** A text in one line of so many characters at most. */
export function inOneLine(text: string, length: number): string {
  const line = printable(text.replaceAll(/\s+/g, ' ').trim());
  return line.length <= length ? line : `${line.slice(0, Math.max(0, length - 1))}…`;
}

/** Whether an error of a stream says that nobody reads it any more. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

/** A span of time as people say it: `850 ms`, `3.1 s`, `12 min`. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  if (ms < 2 * 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** A time as lists show it, in UTC: `2026-04-01 10:00:00`. */
export function timeText(iso: string | null): string {
  return iso === null ? '' : iso.slice(0, 19).replace('T', ' ');
}
