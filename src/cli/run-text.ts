import type { RunStatus } from '../domain/run.ts';
import { type Column, table } from './table.ts';
import { inOneLine, type Output, printable, spanText, timeText } from './terminal.ts';
import type { ToldHead, ToldNodeRun, ToldRun } from './told-run.ts';

type Style = Parameters<Output['style']>[0];

/** How each status of a run or a node looks. */
const LOOK: Readonly<Record<string, { readonly sign: string; readonly style: Style }>> = {
  queued: { sign: '·', style: 'dim' },
  running: { sign: '▸', style: 'cyan' },
  waiting: { sign: '?', style: 'yellow' },
  succeeded: { sign: '✓', style: 'green' },
  cached: { sign: '✓', style: 'green' },
  partial: { sign: '~', style: 'yellow' },
  failed: { sign: '✗', style: 'red' },
  canceled: { sign: '■', style: 'magenta' },
  skipped: { sign: '–', style: 'dim' },
};

const lookOf = (status: string) => LOOK[status] ?? { sign: ' ', style: 'dim' as const };

/** A status with its sign, in its colour. */
export function statusText(output: Output, status: string): string {
  const { sign, style } = lookOf(status);
  return output.style(style, `${sign} ${status}`);
}

/** Milliseconds between two ISO times; null while one is missing. */
function between(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Date.parse(to) - Date.parse(from);
}

const took = (from: string | null, to: string | null): string => {
  const ms = between(from, to);
  return ms === null ? '' : spanText(ms);
};

/** Runs as a table: where the terminal is wide enough with when they were made, what they cost and why they failed. */
export function runsTable(output: Output, runs: readonly ToldHead[]): string {
  const status: Column<ToldHead> = {
    head: 'STATUS',
    cell: (run) => `${lookOf(run.status).sign} ${run.status}`,
    styled: (padded, run) => output.style(lookOf(run.status).style, padded),
  };
  const workflow: Column<ToldHead> = { head: 'WORKFLOW', cell: (run) => inOneLine(run.workflow ?? '', NAME) };
  const timeTaken: Column<ToldHead> = { head: 'TOOK', cell: (run) => took(run.started_at, run.finished_at) };
  const id: Column<ToldHead> = { head: 'ID', cell: (run) => run.id };
  if (output.width !== null && output.width < WIDE) {
    const age: Column<ToldHead> = { head: 'AGO', cell: (run) => spanText(Date.now() - Date.parse(run.created_at)) };
    const name: Column<ToldHead> = { head: 'WORKFLOW', cell: (run) => inOneLine(run.workflow ?? '', SHORT_NAME) };
    return table([status, id, age, timeTaken, name], runs, output.width);
  }
  const columns: readonly Column<ToldHead>[] = [
    status,
    workflow,
    { head: 'CREATED (UTC)', cell: (run) => timeText(run.created_at) },
    timeTaken,
    { head: 'COST', cell: ({ cost }) => (cost === null ? '' : `$${cost}`) },
    id,
    { head: 'WHY', cell: ({ failure }) => inOneLine(failure?.message ?? '', WHY) },
  ];
  return table(columns, runs, output.width);
}

/** Columns from which on a list of runs shows everything. */
const WIDE = 140;

/** Characters of a name, and of a reason, that a list shows. */
const NAME = 28;
const SHORT_NAME = 60;
const WHY = 200;

/** Characters of a value that a run's page shows in one line. */
const VALUE = 400;
/** Nodes that a run's page shows: failed ones come before others where there are more. */
const NODES = 40;

/** A run as whoever is woken by it wants it: what became of it, why, where, with what, when, what it said last, and what to do. */
export function runText(output: Output, run: ToldRun, logLines: number): string {
  const width = (output.width ?? VALUE) - LABEL;
  const dim = (text: string) => output.style('dim', text);
  const lines: string[] = [];
  const fact = (label: string, text: string) => lines.push(`${dim(label.padEnd(LABEL))}${text}`);
  const name = printable(run.workflow ?? run.workflow_id);
  lines.push(`${statusText(output, run.status)}  ${output.style('bold', name)}  ${dim(run.id)}`);
  const node = run.node_runs.find(({ node_id: id }) => id === run.failure?.node_id);
  if (run.failure !== null) fact('why', `${printable(run.failure.message)} ${dim(`(${run.failure.code})`)}`);
  if (run.failure?.node_id !== undefined) {
    const tries = node === undefined || node.attempts < 2 ? '' : `, ${node.attempts} tries`;
    fact('node', `${output.style('red', printable(run.failure.node_id))}${tries}${whenText(node)}`);
  }
  if (node?.failure && node.failure.message !== run.failure?.message) fact('error', printable(node.failure.message));
  const given = node?.inputs ?? run.input;
  fact(node === undefined ? 'input' : 'its input', inOneLine(JSON.stringify(given), Math.max(width, VALUE)));
  if (run.output !== null)
    for (const [label, value] of Object.entries(run.output)) fact(label, valueText(value, width));
  fact('when', whenOf(run));
  const tokens = run.node_runs.reduce(
    (sum, { usage }) => sum + (usage ? usage.input_tokens + usage.output_tokens : 0),
    0,
  );
  if (run.cost !== null || tokens > 0)
    fact('cost', `${run.cost === null ? 'unknown' : `$${run.cost}`}${tokens > 0 ? `, ${tokens} tokens` : ''}`);
  if (run.evaluation)
    fact('verdict', run.evaluation.passed === null ? 'none' : run.evaluation.passed ? 'passed' : 'failed');
  if (run.client_ref !== null) fact('reference', printable(run.client_ref));
  const retryOf = run.context?.['retry_of'];
  if (typeof retryOf === 'string') fact('repeats', retryOf);
  const handler = run.context?.['error_handler_run_id'];
  if (typeof handler === 'string') fact('handled by', handler);
  lines.push('', ...nodeLines(output, run.node_runs));
  const said = logLines === 0 ? [] : run.logs.slice(-logLines);
  if (said.length > 0) {
    const more = run.logs.length - said.length;
    lines.push('', dim(more > 0 ? `log, the last ${said.length} of ${run.logs.length} lines` : 'log'));
    for (const { at, level, node_id: from, message } of said) {
      const style: Style = level === 'error' ? 'red' : level === 'warning' ? 'yellow' : 'dim';
      lines.push(
        `  ${dim(at.slice(11, 19))} ${output.style(style, level.padEnd(7))} ${from === null ? '' : `${printable(from)}: `}${inOneLine(message, VALUE)}`,
      );
    }
  }
  const steps = nextSteps(run);
  if (steps.length > 0)
    lines.push('', dim('next'), ...steps.map(([command, why]) => `  ${command.padEnd(70)} ${dim(why)}`.trimEnd()));
  return `${lines.join('\n')}\n`;
}

/** Columns of the labels before the facts. */
const LABEL = 12;

function whenOf({ created_at: created, started_at: started, finished_at: finished }: ToldRun): string {
  const waited = between(created, started);
  const ran = between(started, finished);
  const ago = Date.now() - Date.parse(finished ?? started ?? created);
  return [
    `${timeText(started ?? created)} UTC`,
    ...(ago > 0 ? [`${spanText(ago)} ago`] : []),
    ...(ran === null ? [] : [`took ${spanText(ran)}`]),
    ...(waited === null || waited < 1000 ? [] : [`waited ${spanText(waited)} before`]),
  ].join(', ');
}

function whenText(node: ToldNodeRun | undefined): string {
  const ms = between(node?.started_at ?? null, node?.finished_at ?? null);
  return ms === null ? '' : `, after ${spanText(ms)}`;
}

/** A value in the room that there is: a text over several lines, all else as JSON. */
function valueText(value: unknown, width: number): string {
  if (typeof value !== 'string') return inOneLine(JSON.stringify(value), Math.max(width, VALUE));
  return printable(value, { lines: true }).replaceAll('\n', `\n${' '.repeat(LABEL)}`);
}

/** The nodes of a run in the order in which they began, one a line. */
export function nodeLines(output: Output, nodeRuns: readonly ToldNodeRun[]): string[] {
  const inOrder = nodeRuns.toSorted((a, b) => beginOf(a) - beginOf(b));
  const failedFirst = inOrder.length <= NODES ? inOrder : inOrder.toSorted((a, b) => rank(a) - rank(b)).slice(0, NODES);
  const names = Math.max(0, ...failedFirst.map(({ node_id: id }) => id.length));
  const lines = failedFirst.map((node) => {
    const { sign, style } = lookOf(node.status);
    const passes = node.iterates ? `${node.current_iteration} of ${node.total_iterations} items` : '';
    const tries = node.attempts > 1 ? `${node.attempts} tries` : '';
    const facts = [
      took(node.started_at, node.finished_at),
      passes,
      tries,
      ...node.warnings.slice(0, 1).map(({ detail }) => inOneLine(detail, NAME * 3)),
    ];
    const told = facts.filter((fact) => fact !== '').join(', ') || node.status;
    return `  ${output.style(style, sign)} ${printable(node.node_id).padEnd(Math.min(names, NAME * 2))}  ${output.style('dim', told)}`;
  });
  const more = nodeRuns.length - failedFirst.length;
  return more > 0 ? [...lines, `  … and ${more} more`] : lines;
}

/** Epoch milliseconds; what did not begin comes last. */
const beginOf = ({ started_at: at }: ToldNodeRun): number => (at === null ? Number.MAX_SAFE_INTEGER : Date.parse(at));

const rank = ({ status }: ToldNodeRun): number => ['failed', 'running', 'waiting'].indexOf(status) >>> 0;

/** What an operator would type next, with the reason. */
function nextSteps(run: ToldRun): readonly (readonly [command: string, why: string])[] {
  const { id, status, failure } = run;
  const show: Readonly<Record<RunStatus, readonly (readonly [string, string])[]>> = {
    queued: [
      [`millrun runs show ${id} --watch`, 'see it begin'],
      [`millrun runs stop ${id}`, 'take it back'],
    ],
    running: [
      [`millrun runs show ${id} --watch`, 'see it go on'],
      [`millrun runs stop ${id}`, 'stop it'],
    ],
    waiting: [
      ['the explorer’s page of the run', 'answer what it asks'],
      [`millrun runs stop ${id}`, 'stop it'],
    ],
    succeeded: [],
    partial: [[`millrun runs replay ${id}`, 'try again for what is missing']],
    failed: [
      ...(failure === null ? [] : (ADVICE[failure.code] ?? [])),
      [`millrun runs replay ${id} --from failed_node`, 'try again from the node that failed'],
      [`millrun runs replay ${id} --version current`, 'run it all with the workflow as it is now'],
    ],
    canceled: [[`millrun runs replay ${id}`, 'run it again']],
  };
  return run.source === 'import' ? [] : show[status];
}

/** What is done first about a failure of a code. */
const ADVICE: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  not_configured: [['millrun doctor', 'see what is not set up']],
  address_refused: [['millrun config', 'httpAllow lists private addresses that may be called']],
  provider: [['millrun doctor', 'ask the model endpoints']],
  worker_lost: [['millrun doctor', 'see whether the server is well']],
};
