import { readFileSync, writeFileSync } from 'node:fs';
import { type Perform, perform } from '../action.ts';
import { ask, askRaw, Obstacle } from '../server-access.ts';
import { type Column, table } from '../table.ts';
import { inOneLine, printable, timeText } from '../terminal.ts';
import { type ToldWorkflow, workflowOf, workflowsOf } from '../told-run.ts';
import { readWorkflowFile } from '../workflow-file.ts';

/** `millrun workflows`: 0 done, 2 it could not be done. */
export async function run(args: string[]): Promise<number> {
  return perform(
    'workflows',
    { list, show, save, delete: remove, export: exportOne, import: importAll, versions },
    args,
  );
}

const LISTED = 50;

const COLUMNS: readonly Column<ToldWorkflow>[] = [
  { head: 'NAME', cell: ({ name }) => inOneLine(name, 40) },
  { head: 'RUNS', cell: ({ runs_count: runs }) => String(runs) },
  { head: 'LAST RUN (UTC)', cell: ({ last_run_at: at }) => timeText(at) || 'never' },
  { head: 'CHANGED (UTC)', cell: ({ last_updated_at: at }) => timeText(at) },
  { head: 'ID', cell: ({ id }) => id },
  { head: '', cell: ({ validation }) => (validation.length === 0 ? '' : 'cannot run yet') },
];

const list: Perform = async (server, given, output) => {
  const limit = Number(given.texts['limit'] ?? LISTED);
  if (!Number.isInteger(limit) || limit < 1) throw new Obstacle('--limit takes a whole number from 1.');
  const found: ToldWorkflow[] = [];
  for await (const workflow of workflowsOf(server)) if (found.push(workflow) >= limit) break;
  if (!output.isHuman) for (const workflow of found) output.json(workflow);
  else if (found.length === 0)
    output.text('There are no workflows yet. `millrun run examples/1-hello.json` makes one.\n');
  else output.text(table(COLUMNS, found, output.width));
  return 0;
};

const show: Perform = async (server, given, output) => {
  const workflow = await workflowOf(server, given.operands[0]!);
  if (!output.isHuman) {
    output.json(workflow);
    return 0;
  }
  const dim = (text: string) => output.style('dim', text);
  const { name, id, description, definition, validation, runs_count: runs } = workflow;
  const lines = [
    `${output.style('bold', printable(name))}  ${dim(id)}`,
    ...(description === null ? [] : [printable(description, { lines: true })]),
    dim(
      `${runs} runs, the last ${timeText(workflow.last_run_at) || 'never'}; changed ${timeText(workflow.last_updated_at)} UTC`,
    ),
    '',
    ...(definition.nodes ?? []).map(
      ({ id: node, type, name: title }) =>
        `  ${printable(node)}  ${dim(`${type}${title === undefined || title === node ? '' : ` "${printable(title)}"`}`)}`,
    ),
    ...(validation.length === 0 ? [] : ['', output.style('yellow', 'It cannot run yet:')]),
    ...validation.map(({ message, hint }) => `  ${printable(message)} ${dim(printable(hint))}`),
  ];
  output.text(`${lines.join('\n')}\n`);
  return 0;
};

const save: Perform = async (server, given, output) => {
  const file = readWorkflowFile(given.operands[0]!);
  const name = given.texts['name'] ?? file.name;
  const { description = null, definition, settings = {}, meta = {}, type = 'flow' } = file;
  const body = { name, description, definition, settings, meta };
  const named: ToldWorkflow[] = [];
  if (!given.switches.has('new'))
    for await (const workflow of workflowsOf(server)) if (workflow.name === name) named.push(workflow);
  if (named.length > 1)
    throw new Obstacle(`"${name}" is the name of ${named.length} workflows. Rename the others, or add one with --new.`);
  const saved: ToldWorkflow =
    named[0] === undefined
      ? await ask(server, 'POST', '/v1/workflows', { ...body, type })
      : await ask(server, 'PATCH', `/v1/workflows/${named[0].id}?force=true`, body);
  if (!output.isHuman) output.json(saved);
  else {
    output.text(`"${printable(name)}" is ${named[0] === undefined ? 'saved' : 'changed'}: ${saved.id}\n`);
    for (const { message, hint } of saved.validation)
      output.text(`  ${output.style('yellow', printable(message))} ${printable(hint)}\n`);
  }
  return 0;
};

const remove: Perform = async (server, given, output) => {
  const { id, name } = await workflowOf(server, given.operands[0]!);
  await ask(server, 'DELETE', `/v1/workflows/${id}`);
  if (output.isHuman) output.text(`"${printable(name)}" is deleted. Its runs stay.\n`);
  else output.json({ id, deleted: true });
  return 0;
};

const exportOne: Perform = async (server, given, output) => {
  const { id } = await workflowOf(server, given.operands[0]!);
  const text = await (await askRaw(server, 'POST', `/v1/workflows/${id}/export`)).text();
  const to = given.texts['to'];
  if (to === undefined) output.text(`${text}\n`);
  else writeFileSync(to, `${text}\n`);
  return 0;
};

const importAll: Perform = async (server, given, output) => {
  const [file] = given.operands as [string];
  let definition: unknown;
  try {
    definition = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Obstacle(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
  const mode = given.texts['mode'] ?? 'clone';
  const made = await ask<readonly ToldWorkflow[]>(
    server,
    'POST',
    `/v1/workflows/import?mode=${encodeURIComponent(mode)}`,
    { definition },
  );
  if (!output.isHuman) for (const each of made) output.json(each);
  else for (const { id, name } of made) output.text(`"${printable(name)}" is imported: ${id}\n`);
  return 0;
};

interface ToldVersion {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly created_at: string;
}

const VERSION_COLUMNS: readonly Column<ToldVersion>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'SAVED (UTC)', cell: ({ created_at: at }) => timeText(at) },
  { head: 'ID', cell: ({ id }) => id },
  { head: 'ABOUT', cell: ({ description }) => inOneLine(description ?? '', 200) },
];

const versions: Perform = async (server, given, output) => {
  const { id } = await workflowOf(server, given.operands[0]!);
  const found = await ask<readonly ToldVersion[]>(server, 'GET', `/v1/workflows/${id}/versions`);
  if (!output.isHuman) for (const version of found) output.json(version);
  else if (found.length === 0) output.text('Nobody saved a version of it. Saves that have no name are not listed.\n');
  else output.text(table(VERSION_COLUMNS, found, output.width));
  return 0;
};
