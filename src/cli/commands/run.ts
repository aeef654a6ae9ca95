import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfig } from '../../config/read.ts';
import { COMMANDS, flagsOf, usageOf } from '../commands.ts';
import { explained } from '../failures.ts';
import { type Arguments, readOwn } from '../flags.ts';
import { readInputs } from '../inputs.ts';
import { runText, statusText } from '../run-text.ts';
import { answers, ask, type Reached, serverFor, serverUrl } from '../server-access.ts';
import { type Output, outputFor, printable, spanText } from '../terminal.ts';
import { recordText, type ToldRun, type ToldWorkflow, workflowOf, workflowsOf } from '../told-run.ts';
import { Interrupted, watchRun } from '../watch.ts';
import { readWorkflowFile, type WorkflowFile } from '../workflow-file.ts';

/** What a workflow that was made for a file carries, so that the next run of the file finds it. */
const FILE_MARK = 'run_from_file';

/** `millrun run`: 0 it succeeded, 1 it failed or was stopped, 2 it could not be run, 3 it waits for a person, 130 interrupted. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const given = readOwn(args, flagsOf(COMMANDS['run']!), true);
    const [what] = given.operands;
    if (what === undefined || given.operands.length > 1) {
      process.stderr.write(usageOf('run', COMMANDS['run']!));
      return 2;
    }
    const file = existsSync(what) ? { path: resolve(what), workflow: readWorkflowFile(what) } : null;
    const { config } = readConfig(given.settings);
    const isHere =
      given.switches.has('embedded') ||
      (given.texts['url'] === undefined && file !== null && !(await answers(serverUrl(config))));
    if (!isHere) return start(await serverFor(given), what, file, given);
    if (!given.switches.has('embedded'))
      process.stderr.write(
        `No server answers at ${serverUrl(config)}: running it here, over the data folder ${config.data}.\n`,
      );
    // The platform takes 0.4 s to load, which commands that ask a server need not wait for.
    const { openEmbedded } = await import('../embedded.ts');
    const embedded = await openEmbedded(config);
    try {
      return await start(embedded.server, what, file, given);
    } finally {
      await embedded.stop();
    }
  });
}

async function start(
  server: Reached,
  what: string,
  file: { readonly path: string; readonly workflow: WorkflowFile } | null,
  given: Arguments,
): Promise<number> {
  const workflow = file === null ? await workflowOf(server, what) : await savedFor(server, file.path, file.workflow);
  const input = await readInputs(given, workflow.definition);
  const { id } = await ask<{ readonly id: string }>(server, 'POST', `/v1/workflows/${workflow.id}/runs`, { input });
  return finish(server, id, given);
}

/** Waits for a run that was started, unless told not to, and tells how it ended. @returns the exit code */
export async function finish(server: Reached, runId: string, given: Arguments): Promise<number> {
  const output = outputFor(given);
  if (given.switches.has('detach')) {
    if (output.isHuman) output.text(`${runId} is started. \`millrun runs show ${runId} --watch\` sees it.\n`);
    else output.json({ id: runId });
    return 0;
  }
  try {
    const ended = await watchRun(server, runId, output, given.switches.has('watch'));
    if (output.isHuman) output.text(endText(output, ended));
    else output.text(`${await recordText(server, runId)}\n`);
    return exitCodeOf(ended);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    return 130;
  }
}

/** Exit codes by how a run stands. */
function exitCodeOf({ status }: ToldRun): number {
  if (status === 'succeeded' || status === 'partial') return 0;
  return status === 'waiting' ? 3 : 1;
}

/** What came out of a run; where it did not succeed, all that helps. */
function endText(output: Output, run: ToldRun): string {
  if (run.status !== 'succeeded') return runText(output, run, 5);
  const ms = Date.parse(run.finished_at ?? run.created_at) - Date.parse(run.started_at ?? run.created_at);
  const lines = Object.entries(run.output ?? {}).map(([label, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
    return `${output.style('bold', printable(label))}: ${printable(text, { lines: true })}`;
  });
  return `${statusText(output, run.status)} in ${spanText(ms)}  ${output.style('dim', run.id)}\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** The workflow of the server that was made for this file, as the file is now. One that merely has its name is left alone. */
async function savedFor(server: Reached, path: string, file: WorkflowFile): Promise<ToldWorkflow> {
  const { name, description = null, definition, settings = {}, meta = {} } = file;
  const body = { name, description, definition, settings, meta: { ...meta, [FILE_MARK]: path } };
  for await (const workflow of workflowsOf(server)) {
    if (workflow.meta[FILE_MARK] === path) return ask(server, 'PATCH', `/v1/workflows/${workflow.id}?force=true`, body);
  }
  return ask(server, 'POST', '/v1/workflows', { ...body, type: file.type ?? 'flow' });
}
