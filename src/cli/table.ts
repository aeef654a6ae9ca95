/** A column of a table; the widest comes last, where a terminal may break it. */
export interface Column<T> {
  readonly head: string;
  cell(row: T): string;
}

/** Rows under their heads, as wide as their widest cell. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
  const lines = [columns.map(({ head }) => head), ...cells];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines
    .map((line) => {
      const padded = line.map((cell, at) => cell.padEnd(widths[at]!));
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** A name may hold what makes a terminal move or colour. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');
