import { printable } from './terminal.ts';

/** A column of a table; the widest comes last, where a terminal may break it. */
export interface Column<T> {
  readonly head: string;
  cell(row: T): string;
  /** Puts a style around a cell that has its width already. */
  styled?(padded: string, row: T): string;
}

/** Rows under their heads, as wide as their widest cell. @param width columns of the terminal, where the last cell is cut to fit */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], width: number | null = null): string {
  const cells = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, at) => Math.max(...[heads, ...cells].map((line) => line[at]!.length)));
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  const last = columns.length - 1;
  const room = width === null ? Number.POSITIVE_INFINITY : Math.max(MIN_LAST, width - before);
  const fitted = (text: string, at: number) => {
    if (at < last) return text.padEnd(widths[at]!);
    return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
  };
  const lines = cells.map((line, index) =>
    line.map((cell, at) => {
      const padded = fitted(cell, at);
      return columns[at]!.styled?.(padded, rows[index]!) ?? padded;
    }),
  );
  return [heads.map((head, at) => fitted(head, at)), ...lines].map((line) => `${line.join('  ').trimEnd()}\n`).join('');
}

/** Characters that the last column keeps however narrow the terminal is. */
const MIN_LAST = 12;
