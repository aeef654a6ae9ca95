import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { Api } from './api.ts';
import { type Connection, connect, Obstacle } from './connect.ts';
import { type PackageDocument, readCorpus, spread } from './corpus.ts';
import { Progress } from './progress.ts';
import { type Digested, FILTERS, type Found, filtered, inside, lookFurther, report } from './report.ts';

/**
 * `npm run demo`: saves the workflow "Package digest" and runs it over the README of every package in `node_modules`, over the public API.
 * `-- --limit 30` takes a part of them. Needs no network.
 */

/** Runs at a time: enough to keep a server busy, few enough to see each one's time. */
const CONCURRENCY = 16;

const WORKFLOW = join(import.meta.dirname, 'package-digest.json');
const PACKAGES = join(import.meta.dirname, '../node_modules');

try {
  await main();
} catch (error) {
  // A mistake of the reader is told in words, one of ours with its stack.
  process.stderr.write(`\n${error instanceof Obstacle ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const limit = readLimit(process.argv.slice(2));
  const documents = spread(readCorpus(PACKAGES), limit);
  const connection = await connect();
  try {
    await demonstrate(connection, documents);
  } finally {
    await connection.close();
  }
  if (connection.started) {
    say(
      `\nThe server that the demo started is stopped; what it recorded is kept. Look at it again with\n\n  npm start\n`,
    );
  }
}

async function demonstrate(connection: Connection, documents: readonly PackageDocument[]): Promise<void> {
  const api = new Api(connection);
  say(`${styleText('bold', 'millrun demo')}  ${connection.url}${connection.started ? ', started for this demo' : ''}`);
  const body: { readonly name: string } = JSON.parse(readFileSync(WORKFLOW, 'utf8'));
  const { workflow, isNew } = await api.saveWorkflow(body);
  if (workflow.validation.length > 0) {
    throw new Obstacle(`The workflow cannot run: ${workflow.validation.map(({ message }) => message).join(' ')}`);
  }
  say(`  ${isNew ? 'saved' : 'updated'} the workflow "${workflow.name}" (${workflow.id})`);
  say(`  running it on the README of ${documents.length} packages, ${CONCURRENCY} at a time\n`);

  const began = performance.now();
  const runIds = await runAll(api, workflow.id, documents);
  const seconds = (performance.now() - began) / 1000;
  const digested = await readBack(api, workflow.id, runIds);
  say(report(digested, seconds));
  say(filtered(await findAll(api, workflow.id, digested)));
  const longest = digested.toSorted((a, b) => b.document.readme.length - a.document.readme.length)[0];
  if (longest) say(inside(longest, (await api.progress(workflow.id, longest.run.id)).per_node_progress));
  say(lookFurther(connection, workflow.id, digested, longest));

  const open = digested.filter(({ run }) => run.status !== 'completed' && run.status !== 'failed').length;
  const lost = documents.length - digested.length;
  if (open + lost > 0) throw new Obstacle(`${open} runs have not ended, and ${lost} are not in the list of runs.`);
}

/** Runs the workflow on each document. @returns the document of each run */
async function runAll(
  api: Api,
  workflowId: string,
  documents: readonly PackageDocument[],
): Promise<Map<string, PackageDocument>> {
  const progress = new Progress(documents.length, process.stdout);
  const runs = new Map<string, PackageDocument>();
  const waiting = documents.values();
  const takeTurns = async () => {
    for (const document of waiting) {
      const input = { README: document.readme, Manifest: document.manifest };
      runs.set(await api.runToEnd(workflowId, input), document);
      progress.step(document.title);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, takeTurns));
  return runs;
}

/** The runs as the server recorded them: the tables show nothing that cannot be asked for again. */
async function readBack(
  api: Api,
  workflowId: string,
  documents: ReadonlyMap<string, PackageDocument>,
): Promise<Digested[]> {
  const found: Digested[] = [];
  for await (const run of api.runs(workflowId)) {
    const document = documents.get(run.id);
    if (document) found.push({ document, run });
    if (found.length === documents.size) break;
  }
  return found;
}

/** What each of the filters finds among the runs of this demo. */
async function findAll(api: Api, workflowId: string, digested: readonly Digested[]): Promise<Found[]> {
  const byId = new Map(digested.map((one) => [one.run.id, one]));
  const first = digested.reduce((least, { run }) => (run.created_at < least ? run.created_at : least), '9999');
  const ofDemo = `flow_id = '${workflowId}' and created_at >= '${first}'`;
  const found: Found[] = [];
  for (const { filter, sort } of digested.length === 0 ? [] : FILTERS) {
    const ids = await api.find(`${ofDemo} and (${filter})`, sort);
    found.push({ filter, runs: ids.flatMap((id) => byId.get(id) ?? []) });
  }
  return found;
}

/** @throws Obstacle */
function readLimit(args: string[]): number {
  try {
    const { limit } = parseArgs({ args, options: { limit: { type: 'string' } } }).values;
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    if (/^[1-9]\d*$/.test(limit)) return Number(limit);
    throw new Error(`--limit takes a whole number from 1; given was "${limit}".`);
  } catch (error) {
    throw new Obstacle(`${(error as Error).message}\nUsage: npm run demo [-- --limit 30]`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
