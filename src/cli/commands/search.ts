import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { readConfig } from '../../config/read.ts';
import { explained } from '../failures.ts';
import { readFlags } from '../flags.ts';
import { answers, ask, Obstacle, type Reached, reached, serverUrl } from '../server-access.ts';

const USAGE = `Usage:
  millrun search serve             a machine that answers searches of servers: --store postgres://…, --search-partition 1-4/16
  millrun search status            how the index stands; exit code 1 while it is incomplete
  millrun search rebuild [--wait]  builds it anew; --wait shows how far it is and returns when it is complete
`;

/** Milliseconds between two looks at a rebuild. */
const LOOK_MS = 500;

/** Milliseconds between two lines about a rebuild where no terminal shows it. */
const LINE_MS = 10_000;

/** How the index stands, as `GET /v1/admin/search` tells it. */
interface Standing {
  readonly position: number;
  readonly log_position: number;
  readonly indexed_runs: number;
  readonly total_runs: number | null;
  readonly rebuilding: boolean;
  readonly runs_without_vectors: number;
  readonly trouble: string | null;
  /** Where searches are answered, if not by the server. */
  readonly machines?: readonly (Omit<Standing, 'log_position' | 'machines'> & {
    readonly url: string;
    readonly partition: string;
  })[];
}

/** `millrun search`: 0 when all is well or has been done, 1 when the index is incomplete, 2 when nothing could be asked. */
export async function run(args: string[]): Promise<number> {
  const [action, ...rest] = args;
  if (action === 'serve') {
    return explained(async () => (await import('./search-serve.ts')).serve(rest));
  }
  if (action !== 'status' && action !== 'rebuild') {
    process.stderr.write(USAGE);
    return 2;
  }
  return explained(async () => {
    const wait = action === 'rebuild' && rest.includes('--wait');
    const { config } = readConfig(readFlags(wait ? rest.filter((flag) => flag !== '--wait') : rest));
    return action === 'status' ? status(config) : rebuild(config, wait);
  });
}

async function status(config: Config): Promise<number> {
  const url = serverUrl(config);
  if (!(await answers(url))) throw new Obstacle(`No server answers at ${url}. Start it with \`millrun serve\`.`);
  const standing = await look(reached(url, config));
  const machines = (standing.machines ?? []).map((machine) =>
    described({ ...machine, log_position: standing.log_position }, `  ${machine.partition} at ${machine.url}`),
  );
  process.stdout.write(`${[described(standing), ...machines].join('\n')}\n`);
  return isComplete(standing, standing.log_position) ? 0 : 1;
}

async function rebuild(config: Config, wait: boolean): Promise<number> {
  const url = serverUrl(config);
  if (!(await answers(url))) {
    // What serves and what asks a server need nothing of it.
    const { removeSearchIndex } = await import('../../platform.ts');
    const found = await removeSearchIndex(config.data);
    if (!found)
      throw new Obstacle(`No server answers at ${url}, and ${config.data} holds no store. Check MILLRUN_DATA.`);
    process.stdout.write(
      `No server runs on ${config.data}: its search index was removed. The next start builds it anew.\n`,
    );
    return 0;
  }
  const server = reached(url, config);
  await ask(server, 'POST', '/v1/admin/search/rebuild');
  if (!wait) {
    process.stdout.write('The search index is being built anew. `millrun search status` tells how far it is.\n');
    return 0;
  }
  return follow(server);
}

/** Shows how far a rebuild is until the index has everything that had happened when it began. */
async function follow(server: Reached): Promise<number> {
  const { isTTY } = process.stdout;
  const { log_position: goal } = await look(server);
  let told = Number.NEGATIVE_INFINITY;
  for (;;) {
    const standing = await look(server);
    const done = isComplete(standing, goal);
    const stuck = standing.trouble !== null;
    const now = performance.now();
    if (isTTY) process.stdout.write(`\r\u001B[K${described(standing)}${done || stuck ? '\n' : ''}`);
    else if (done || stuck || now - told >= LINE_MS) {
      process.stdout.write(`${described(standing)}\n`);
      told = now;
    }
    if (done) return 0;
    if (stuck) return 1;
    await sleep(LOOK_MS);
  }
}

function isComplete(standing: Standing, position: number): boolean {
  const { rebuilding, runs_without_vectors: waiting, trouble } = standing;
  return !rebuilding && standing.position >= position && waiting === 0 && trouble === null;
}

function described(standing: Standing, name = 'search index'): string {
  const { indexed_runs: indexed, total_runs: total, runs_without_vectors: waiting, trouble } = standing;
  const behind = Math.max(0, standing.log_position - standing.position);
  const parts = [
    standing.rebuilding
      ? `being built anew: ${indexed} of ${total || '?'} runs`
      : `${indexed} runs, ${behind === 0 ? 'up to date' : `${behind} events behind`}`,
    ...(waiting === 0 ? [] : [`${waiting} runs wait for their vectors and are found by their words alone`]),
    ...(trouble === null ? [] : [`trouble: ${trouble}`]),
  ];
  return `${name}: ${parts.join('; ')}`;
}

/** @throws Obstacle when the server refuses */
function look(server: Reached): Promise<Standing> {
  return ask(server, 'GET', '/v1/admin/search');
}
