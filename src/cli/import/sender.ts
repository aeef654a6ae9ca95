import { askRaw, type Reached } from '../server-access.ts';
import type { Reading } from './record.ts';

/** Runs and characters of one request: some of the 500 and 64 MiB that a server takes, so that it answers others meanwhile. */
const RUNS = 100;
const CHARACTERS = 8 * 1024 * 1024;

/** What came of an import so far. */
export interface Tally {
  imported: number;
  present: number;
  skipped: number;
  refused: number;
  /** The first reasons why runs were not taken. */
  readonly reasons: string[];
}

/** Reasons that are told. */
const REASONS = 20;

interface Report {
  readonly imported: readonly string[];
  readonly present: readonly string[];
  readonly refused: readonly { readonly line: number | null; readonly id: string | null; readonly message: string }[];
}

/** Sends records to the server, some at a time. */
export class Sender {
  readonly #server: Reached | null;
  readonly #tally: Tally = { imported: 0, present: 0, skipped: 0, refused: 0, reasons: [] };
  #lines: string[] = [];
  #runs = 0;
  #characters = 0;

  /** @param server null: nothing is sent, only counted */
  constructor(server: Reached | null) {
    this.#server = server;
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** Runs that were dealt with. */
  get done(): number {
    const { imported, present, skipped, refused } = this.#tally;
    return imported + present + skipped + refused + this.#runs;
  }

  /** Takes what was read, and sends when there is enough. @throws Obstacle when the server refuses a request */
  async take(reading: Reading): Promise<void> {
    if ('skipped' in reading) {
      this.#tally.skipped += 1;
      this.#tell(reading.skipped);
      return;
    }
    this.#lines.push(...reading.lines);
    this.#runs += reading.runs;
    this.#characters += reading.lines.reduce((sum, line) => sum + line.length, 0);
    if (this.#runs >= RUNS || this.#characters >= CHARACTERS) await this.flush();
  }

  /** Sends what is left. */
  async flush(): Promise<void> {
    const lines = this.#lines;
    const runs = this.#runs;
    this.#lines = [];
    this.#runs = 0;
    this.#characters = 0;
    if (lines.length === 0) return;
    if (this.#server === null) {
      this.#tally.imported += runs;
      return;
    }
    const body = { type: 'application/x-ndjson', text: lines.join('\n') };
    const report = (await (await askRaw(this.#server, 'POST', '/v1/runs/records', body)).json()) as Report;
    this.#tally.imported += report.imported.length;
    this.#tally.present += report.present.length;
    this.#tally.refused += report.refused.length;
    for (const { id, message } of report.refused) this.#tell(`${id === null ? '' : `${id}: `}${message}`);
  }

  #tell(reason: string): void {
    if (this.#tally.reasons.length < REASONS) this.#tally.reasons.push(reason);
  }
}
