import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { type Config, embeddingEndpoint, modelEndpoint } from '../../config/config.ts';
import { ConfigError, readConfig } from '../../config/read.ts';
import {
  inspectBlobs,
  inspectPostgres,
  inspectSqlite,
  keyFiles,
  OLDEST_POSTGRES,
  type StoreFacts,
} from '../../platform-doctor.ts';
import { COMMANDS, flagsOf } from '../commands.ts';
import { explained } from '../failures.ts';
import { readOwn } from '../flags.ts';
import { answers, ask, folderKey, serverUrl } from '../server-access.ts';
import { type Output, outputFor, printable } from '../terminal.ts';
import { packageVersion } from '../version.ts';

/** What one check found. `unknown`: it could not be told, and nothing follows. */
interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  readonly message: string;
  /** What to do. */
  readonly advice?: string;
}

/** `millrun doctor`: 0 all is well, or only could be better; 1 there is a problem. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const given = readOwn(args, flagsOf(COMMANDS['doctor']!), false);
    const output = outputFor(given);
    const findings: Finding[] = [];
    for await (const finding of examine(given.settings, given.switches.has('offline'))) {
      findings.push(finding);
      if (output.isHuman) output.text(textOf(output, finding));
    }
    const hasProblem = findings.some(({ state }) => state === 'problem');
    if (!output.isHuman) output.json({ ok: !hasProblem, findings });
    return hasProblem ? 1 : 0;
  });
}

const LOOK = {
  ok: { sign: '✓', style: 'green' },
  warning: { sign: '!', style: 'yellow' },
  problem: { sign: '✗', style: 'red' },
  unknown: { sign: '·', style: 'dim' },
} as const;

function textOf(output: Output, { check, state, message, advice }: Finding): string {
  const { sign, style } = LOOK[state];
  const told = advice === undefined ? '' : `\n${' '.repeat(17)}${output.style('dim', printable(advice))}`;
  return `${output.style(style, sign)} ${check.padEnd(14)} ${printable(message, { lines: true })}${told}\n`;
}

const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });
const warning = (check: string, message: string, advice: string): Finding => ({
  check,
  state: 'warning',
  message,
  advice,
});
const problem = (check: string, message: string, advice: string): Finding => ({
  check,
  state: 'problem',
  message,
  advice,
});
const unknown = (check: string, message: string): Finding => ({ check, state: 'unknown', message });

/** Checks from the ground up: what a later one rests on comes first. */
async function* examine(
  settings: Readonly<Record<string, string | undefined>>,
  isOffline: boolean,
): AsyncGenerator<Finding> {
  yield ok('version', `millrun ${packageVersion()} on Node ${process.versions.node}`);
  let config: Config;
  try {
    config = readConfig(settings).config;
    yield ok('settings', 'They can be read, and do not contradict each other.');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield problem('settings', error.message, '`millrun config` lists every setting, once these are put right.');
    return;
  }
  const folder = resolve(config.data);
  yield* checkFolder(folder);
  yield checkDisk(folder);
  const url = serverUrl(config);
  const isServed = await answers(url);
  const facts = await storeFacts(config, folder);
  yield* 'finding' in facts ? [facts.finding] : checkStore(facts.facts, isServed, url);
  yield* checkKeys(config, folder);
  yield* isServed ? checkServer(config, url) : [await checkPort(config, url)];
  if (isOffline) {
    yield unknown('models', 'They were not asked (--offline).');
    return;
  }
  if (config.blobs !== null) yield await checkBlobs(config);
  yield* checkEndpoints(config);
  yield checkClock('facts' in facts ? facts.facts.clockAhead : null);
}

function* checkFolder(folder: string): Generator<Finding> {
  const check = 'data folder';
  const given = existsSync(folder) ? folder : dirname(folder);
  try {
    accessSync(given, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    yield problem(
      check,
      `${given} cannot be written by this user.`,
      'Give it to this user, or name another with MILLRUN_DATA.',
    );
    return;
  }
  if (given !== folder) {
    yield ok(check, `${folder} is not there yet; the first start makes it.`);
    return;
  }
  const stat = statSync(folder);
  if (!stat.isDirectory()) yield problem(check, `${folder} is no folder.`, 'Name another one with MILLRUN_DATA.');
  else if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    yield warning(
      check,
      `${folder} can be read by other users of this machine.`,
      `It holds keys and what users gave: chmod 700 ${folder}`,
    );
  else yield ok(check, folder);
}

/** Free bytes below which little room is left, and none. */
const LOW_DISK = 2 * 1024 ** 3;
const NO_DISK = 200 * 1024 ** 2;

function checkDisk(folder: string): Finding {
  const { bavail, bsize, blocks } = statfsSync(existsSync(folder) ? folder : dirname(folder));
  const free = bavail * bsize;
  const told = `${(free / 1024 ** 3).toFixed(1)} GiB free of ${((blocks * bsize) / 1024 ** 3).toFixed(0)}`;
  const advice = 'Make room, move the data folder, or keep runs for fewer days with MILLRUN_RETENTION_DAYS.';
  if (free < NO_DISK) return problem('disk', told, advice);
  return free < LOW_DISK ? warning('disk', told, advice) : ok('disk', told);
}

async function storeFacts(config: Config, folder: string): Promise<{ facts: StoreFacts } | { finding: Finding }> {
  try {
    return { facts: config.store === null ? inspectSqlite(folder) : await inspectPostgres(config.store) };
  } catch (error) {
    const { message } = error as Error;
    const where = config.store === null ? 'The store of the data folder' : 'PostgreSQL';
    const advice =
      config.store === null
        ? 'Restore it from a backup (docs/running.md), or name another data folder.'
        : 'Check the address in MILLRUN_STORE, the password, and whether the database is up.';
    return { finding: problem('store', `${where} cannot be read: ${message}`, advice) };
  }
}

function* checkStore(facts: StoreFacts, isServed: boolean, url: string): Generator<Finding> {
  const { kind, step, knownSteps, damage, isInUse, version, hearsNotices } = facts;
  const name = kind === 'sqlite' ? 'SQLite in the data folder' : `PostgreSQL ${version}`;
  if (damage !== null)
    yield problem('store', `${name} is damaged: ${damage}`, 'Stop the server and restore a backup (docs/running.md).');
  else if (version !== null && Number.parseInt(version, 10) < OLDEST_POSTGRES)
    yield problem('store', `${name} is too old.`, `Use PostgreSQL ${OLDEST_POSTGRES} or newer.`);
  else if (step !== null && step > knownSteps)
    yield problem(
      'store',
      `${name} was written by a newer version (step ${step} of ${knownSteps}).`,
      'Start that version, or restore a backup from before the upgrade.',
    );
  else if (step === null) yield ok('store', `${name}: nothing is in it yet.`);
  else if (step < knownSteps) yield ok('store', `${name}, step ${step}; the next start brings it to ${knownSteps}.`);
  else yield ok('store', `${name}, whole and up to date (step ${step})`);
  if (isInUse && !isServed)
    yield warning(
      'store',
      'Another process has it open, and no server answers.',
      `Is it listening elsewhere than at ${url}? A command with --embedded may be running, too.`,
    );
  if (hearsNotices === false)
    yield warning(
      'pooler',
      'Notices of the database do not reach this machine: a pooler in transaction mode is between.',
      'Servers look every 2 s instead. Connect past the pooler, or have it pool sessions.',
    );
  else if (hearsNotices === true) yield ok('pooler', 'none that is in the way');
}

function* checkKeys(config: Config, folder: string): Generator<Finding> {
  const check = 'keys';
  let files: ReturnType<typeof keyFiles>;
  try {
    files = keyFiles(folder);
  } catch (error) {
    yield problem(
      check,
      `A key file cannot be read: ${(error as Error).message}`,
      'Give the files to the user of the server.',
    );
    return;
  }
  const secret = files['secret.key'] ?? null;
  if (secret === null) yield ok(check, 'none are there yet; the first start makes them.');
  else if (secret === 0)
    yield problem(
      check,
      `${folder}/secret.key is empty.`,
      'Restore it from a backup: the first key and the signatures of callbacks follow from it.',
    );
  else {
    const sealed =
      config.encryptionKey !== null
        ? 'credentials are sealed with the configured key'
        : files['encryption.key'] === null
          ? 'no encryption key was needed yet'
          : 'credentials are sealed with the key of the folder';
    yield ok(check, `API key ${config.apiKey === null ? 'of the data folder' : 'preset'}; ${sealed}`);
  }
}

async function checkBlobs(config: Config): Promise<Finding> {
  try {
    return ok('blobs', await inspectBlobs(config));
  } catch (error) {
    const advice = 'No server starts without its blobs.';
    return problem('blobs', (error as Error).message, advice);
  }
}

async function* checkServer(config: Config, url: string): AsyncGenerator<Finding> {
  const isReady = await fetch(`${url}/readyz`).then(
    (answer) => answer.ok,
    () => false,
  );
  yield isReady
    ? ok('server', `answers at ${url}`)
    : warning('server', `answers at ${url}, and is starting or stopping.`, 'Look again in a moment.');
  const key = config.apiKey ?? folderKey(config);
  if (key === null) {
    yield unknown('search', 'A key is needed to ask: set MILLRUN_API_KEY.');
    return;
  }
  try {
    const index = await ask<{
      readonly position: number;
      readonly log_position: number;
      readonly indexed_runs: number;
      readonly rebuilding: boolean;
      readonly runs_without_vectors: number;
      readonly trouble: string | null;
    }>({ url, key }, 'GET', '/v1/admin/search');
    const { indexed_runs: runs, runs_without_vectors: waiting } = index;
    if (index.trouble !== null)
      yield problem('search', index.trouble, 'docs/search-embedder.md says what embedders need.');
    else if (index.rebuilding)
      yield warning(
        'search',
        `The index is being built anew: ${runs} runs so far.`,
        '`millrun search status` tells how far it is.',
      );
    else if (waiting > 0)
      yield warning(
        'search',
        `${waiting} runs wait for their vectors, and are found by their words alone.`,
        '`millrun search status` tells how far it is.',
      );
    else yield ok('search', `${runs} runs are indexed, ${index.log_position - index.position} events behind`);
  } catch (error) {
    yield problem('search', (error as Error).message, 'Give a key with the scope admin in MILLRUN_API_KEY.');
  }
}

/** Whether a server could listen where it is told to. */
async function checkPort({ host, port }: Config, url: string): Promise<Finding> {
  if (port === 0) return ok('port', 'any that is free');
  const failure = await new Promise<NodeJS.ErrnoException | null>((settle) => {
    const server = createServer();
    server.once('error', settle);
    server.listen({ host, port }, () => server.close(() => settle(null)));
  });
  if (failure === null) return ok('port', `No server answers at ${url}; the port is free.`);
  const taken = failure.code === 'EADDRINUSE';
  return problem(
    'port',
    taken
      ? `Something else listens on ${host}:${port}.`
      : `It is not possible to listen on ${host}:${port} (${failure.code}).`,
    'Choose another with MILLRUN_HOST and MILLRUN_PORT.',
  );
}

/** Milliseconds that an endpoint may take to list its models. */
const ENDPOINT_MS = 5000;

async function* checkEndpoints(config: Config): AsyncGenerator<Finding> {
  const models = modelEndpoint(config);
  const embeddings = config.searchEmbedder === 'openai' ? embeddingEndpoint(config) : null;
  if (models === null)
    yield unknown(
      'models',
      'None are configured here (OPENAI_BASE_URL); workspaces may have credentials of their own.',
    );
  else yield checkEndpoint('models', models);
  if (embeddings !== null && embeddings.baseUrl !== models?.baseUrl) yield checkEndpoint('embeddings', embeddings);
}

async function checkEndpoint(
  check: string,
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string | null },
): Promise<Finding> {
  const url = `${baseUrl.replace(/\/+$/, '')}/models`;
  const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  try {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(ENDPOINT_MS) });
    await answer.body?.cancel();
    if (answer.ok) return ok(check, `${baseUrl} answers`);
    if (answer.status === 401 || answer.status === 403)
      return problem(
        check,
        `${baseUrl} refuses the key (${answer.status}).`,
        'Set OPENAI_API_KEY to a key that is valid there.',
      );
    return warning(
      check,
      `${baseUrl} answered ${answer.status} when asked for its models.`,
      'Not every endpoint lists them. Run a workflow with a model to be sure.',
    );
  } catch (error) {
    const reason = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message;
    return problem(
      check,
      `${baseUrl} cannot be reached (${reason}).`,
      'Check OPENAI_BASE_URL, and whether this machine may reach it.',
    );
  }
}

/** Milliseconds by which clocks may differ. */
const CLOCK_MS = 5000;
/** Before this the program was not there: a clock that says so was never set. */
const EARLIEST = Date.UTC(2025, 0, 1);

function checkClock(ahead: number | null): Finding {
  const advice = 'Have this machine set its clock over the network (NTP): leases, retention and signatures rest on it.';
  if (Date.now() < EARLIEST) return problem('clock', `It says ${new Date().toISOString()}.`, advice);
  if (ahead === null) return ok('clock', new Date().toISOString());
  const seconds = Math.round(Math.abs(ahead) / 1000);
  if (Math.abs(ahead) <= CLOCK_MS) return ok('clock', `${new Date().toISOString()}, as the database has it`);
  return problem('clock', `It is ${seconds} s ${ahead > 0 ? 'behind' : 'ahead of'} the database’s.`, advice);
}
