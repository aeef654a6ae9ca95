import { nodeLines, statusText } from './run-text.ts';
import type { Reached } from './server-access.ts';
import type { Output } from './terminal.ts';
import { follow, type ToldRun } from './told-run.ts';

/** What the command is told to stop with (Ctrl-C). */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Waits for the end of a run, or until it waits for a person.
 * @param isShown whether nodes are shown as they go on, on standard error: drawn over and over on a terminal, a line a change elsewhere
 * @throws Interrupted when the operator had enough; the run goes on
 */
export async function watchRun(server: Reached, runId: string, output: Output, isShown: boolean): Promise<ToldRun> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  const view = isShown ? (process.stderr.isTTY ? new Drawing(output) : new Lines()) : null;
  try {
    return await follow(server, runId, view && ((run) => view.show(run)), controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new Interrupted(
      `The run goes on. \`millrun runs show ${runId} --watch\` sees it again, \`millrun runs stop ${runId}\` stops it.`,
    );
  } finally {
    process.off('SIGINT', stop);
    view?.end();
  }
}

/** The nodes of a run, drawn over what was drawn before. */
class Drawing {
  readonly #output: Output;
  #drawn = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  show(run: ToldRun): void {
    const { columns, rows } = process.stderr;
    const lines = [
      `${statusText(this.#output, run.status)}  ${run.progress} %`,
      ...nodeLines(this.#output, run.node_runs),
    ];
    // What is beyond the screen cannot be drawn over.
    const shown = lines.slice(0, Math.max(1, (rows || 24) - 1)).map((line) => cut(line, columns || 80));
    this.end();
    process.stderr.write(`${shown.join('\n')}\n`);
    this.#drawn = shown.length;
  }

  end(): void {
    if (this.#drawn > 0) process.stderr.write(`\u001B[${this.#drawn}A\u001B[J`);
    this.#drawn = 0;
  }
}

/** A line of so many columns, whatever colours are in it: one that wraps would be drawn over by half. */
function cut(line: string, columns: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
  const parts = line.split(/(\u001B\[[\d;]*m)/);
  let room = columns - 1;
  return parts
    .map((part) => {
      if (part.startsWith('\u001B')) return part;
      const kept = part.slice(0, Math.max(0, room));
      room -= kept.length;
      return kept;
    })
    .join('');
}

/** A line for each change of a node. */
class Lines {
  readonly #told = new Map<string, string>();

  show(run: ToldRun): void {
    for (const { node_id: id, status, current_iteration: at, total_iterations: of, iterates } of run.node_runs) {
      const said = iterates ? `${status} ${at}/${of}` : status;
      if (this.#told.get(id) === said) continue;
      this.#told.set(id, said);
      process.stderr.write(`${id} ${said}\n`);
    }
  }

  end(): void {}
}
