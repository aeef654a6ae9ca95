import { type Column, table } from './table.ts';
import { inOneLine, type Output, printable, spanText } from './terminal.ts';

interface Side {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
}

interface Values {
  readonly differs: boolean;
  readonly differences: readonly {
    readonly path: string;
    readonly kind: 'added' | 'removed' | 'changed';
    readonly before?: unknown;
    readonly after?: unknown;
  }[];
  readonly is_cut: boolean;
}

interface NodeSide {
  readonly status: string;
  readonly duration_ms: number | null;
  readonly error: string | null;
}

interface NodeDifference {
  readonly node_id: string;
  readonly before: NodeSide | null;
  readonly after: NodeSide | null;
  readonly inputs_differ: boolean;
  readonly outputs_differ: boolean;
}

/** How two runs differ, as the server tells it (`api/run-diff.ts`). */
export interface ToldDiff {
  readonly before: Side;
  readonly after: Side;
  readonly same_workflow: boolean;
  readonly version: {
    readonly same: boolean;
    readonly nodes: readonly { readonly node_id: string; readonly change: string }[];
  };
  readonly input: Values;
  readonly output: Values;
  readonly nodes: readonly NodeDifference[];
  readonly totals: { readonly before: Figures; readonly after: Figures };
}

interface Figures {
  readonly duration_ms: number | null;
  readonly cost: string | null;
}

/** Characters of a value that a difference shows. */
const VALUE = 120;

/** Two runs side by side, only what differs. */
export function diffText(output: Output, diff: ToldDiff): string {
  const dim = (text: string) => output.style('dim', text);
  const lines: string[] = [];
  const side = (label: string, { id, status, error }: Side) =>
    lines.push(`${dim(label.padEnd(8))}${id}  ${status}${error === null ? '' : `: ${inOneLine(error, VALUE)}`}`);
  side('before', diff.before);
  side('after', diff.after);
  const { before, after } = diff.totals;
  lines.push(`${dim('took'.padEnd(8))}${span(before.duration_ms)} → ${span(after.duration_ms)}`);
  if (before.cost !== null || after.cost !== null)
    lines.push(`${dim('cost'.padEnd(8))}${money(before.cost)} → ${money(after.cost)}`);
  if (!diff.same_workflow) lines.push(output.style('yellow', 'They are runs of different workflows.'));
  if (!diff.version.same) {
    lines.push('', 'The definition is another one:');
    for (const { node_id: id, change } of diff.version.nodes) lines.push(`  ${printable(id)}  ${change}`);
  }
  lines.push(...valueLines(output, 'input', diff.input), ...valueLines(output, 'output', diff.output));
  const changed = diff.nodes.filter(
    (node) => node.inputs_differ || node.outputs_differ || node.before?.status !== node.after?.status,
  );
  if (changed.length > 0) lines.push('', table(NODE_COLUMNS, changed, output.width).trimEnd());
  const nothing = diff.version.same && !diff.input.differs && !diff.output.differs && changed.length === 0;
  if (nothing) lines.push('', 'They did the same.');
  return `${lines.join('\n')}\n`;
}

const span = (ms: number | null): string => (ms === null ? '?' : spanText(ms));
const money = (cost: string | null): string => (cost === null ? '?' : `$${cost}`);

function valueLines(output: Output, name: string, { differs, differences, is_cut: isCut }: Values): string[] {
  if (!differs) return [];
  const lines = differences.flatMap(({ path, kind, before, after }) => [
    `  ${printable(path) || '(all of it)'}`,
    ...(kind === 'added' ? [] : [output.style('red', `    - ${inOneLine(JSON.stringify(before), VALUE)}`)]),
    ...(kind === 'removed' ? [] : [output.style('green', `    + ${inOneLine(JSON.stringify(after), VALUE)}`)]),
  ]);
  return ['', `The ${name} differs:`, ...lines, ...(isCut ? ['  … and more'] : [])];
}

const NODE_COLUMNS: readonly Column<NodeDifference>[] = [
  { head: 'NODE', cell: ({ node_id: id }) => id },
  { head: 'BEFORE', cell: ({ before }) => sideText(before) },
  { head: 'AFTER', cell: ({ after }) => sideText(after) },
  {
    head: 'DIFFERS',
    cell: ({ inputs_differ: inputs, outputs_differ: outputs, after, before }) =>
      [inputs ? 'inputs' : '', outputs ? 'outputs' : '', inOneLine(after?.error ?? before?.error ?? '', VALUE)]
        .filter((part) => part !== '')
        .join(', '),
  },
];

const sideText = (side: NodeSide | null): string =>
  side === null ? 'not there' : `${side.status}${side.duration_ms === null ? '' : ` ${spanText(side.duration_ms)}`}`;
