import { styleText } from 'node:util';

/** Where progress is shown: a terminal gets a bar that moves, anything else a line now and then. */
type Screen = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'isTTY'>;

const BAR_WIDTH = 32;

/** Milliseconds between two drawings of the bar: about what an eye can follow. */
const FRAME_MS = 50;

/** Lines that progress takes where it cannot move. */
const PLAIN_LINES = 4;

/** The part of `width` that is filled, in eighths of a character. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8);
  const rest = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!;
  return `${'█'.repeat(Math.floor(eighths / 8))}${eighths % 8 === 0 ? '' : rest}`;
}

/** Shows how far a known number of steps has come. */
export class Progress {
  readonly #total: number;
  readonly #screen: Screen;
  readonly #began = performance.now();
  #done = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(total: number, screen: Screen) {
    this.#total = total;
    this.#screen = screen;
  }

  /** Steps so far, and how many of them a second. */
  get #summary(): string {
    const seconds = (performance.now() - this.#began) / 1000;
    return `${this.#done}/${this.#total}  ${Math.round(this.#done / seconds)} runs/s`;
  }

  /** One more step, named for whoever watches, is done. */
  step(name: string): void {
    this.#done++;
    if (this.#screen.isTTY) this.#draw(name);
    else if (this.#done % Math.ceil(this.#total / PLAIN_LINES) === 0 || this.#done === this.#total) {
      this.#screen.write(`  ${this.#summary}\n`);
    }
  }

  #draw(name: string): void {
    const now = performance.now();
    const isLast = this.#done === this.#total;
    if (!isLast && now - this.#drawnAt < FRAME_MS) return;
    this.#drawnAt = now;
    const filled = bar(this.#done / this.#total, BAR_WIDTH).padEnd(BAR_WIDTH);
    const line = `  ${filled} ${this.#summary}  `;
    const room = Math.max(0, (this.#screen.columns || 80) - line.length - 1);
    const rest = isLast ? '' : styleText('dim', name.slice(0, room));
    this.#screen.write(`\r\x1b[K${line}${rest}${isLast ? '\n' : ''}`);
  }
}
