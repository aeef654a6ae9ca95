import { explained } from '../failures.ts';
import { type Arguments, readArguments } from '../flags.ts';
import { ask, Obstacle, serverFor } from '../server-access.ts';
import { type Column, table } from '../table.ts';

const USAGE = `Usage:
  millrun keys list [--all]              keys that are valid; --all shows also those that were revoked or have expired
  millrun keys create <name> --scopes <scope,scope,…|all> [--expires <90d|date>] [--rate-limit <requests a minute>]
  millrun keys rotate <key> [--grace <1h>]  a new text for a key; the one before is taken for the grace
  millrun keys revoke <key> [--force]    ends a key for good; --force also the last one that can make others

<key> is an id, the first characters or the name of a key. They ask a running server:
  --url <address>   which one; the one of this machine's settings when left out
  --key <key>       with a key that has the scope admin; MILLRUN_API_KEY or the data folder's first key when left out
  --json            answers as JSON
`;

/** A key as the server tells it (`api/noxus/key-routes.ts`). */
interface ToldKey {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  readonly rate_limit: number | null;
  readonly revoked_at: string | null;
  readonly former_valid_until: string | null;
}

interface Action {
  readonly operand: boolean;
  readonly texts: readonly string[];
  readonly switches: readonly string[];
  run(keys: KeyCalls, given: Arguments): Promise<void>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { operand: false, texts: [], switches: ['all'], run: list },
  create: { operand: true, texts: ['scopes', 'expires', 'rate-limit'], switches: [], run: create },
  rotate: { operand: true, texts: ['grace'], switches: [], run: rotate },
  revoke: { operand: true, texts: [], switches: ['force'], run: revoke },
};

/** `millrun keys`: 0 when it was done, 2 when it could not be. */
export async function run(args: string[]): Promise<number> {
  const [name = '', ...rest] = args;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  return explained(async () => {
    const given =
      action &&
      readArguments(rest, {
        texts: ['url', 'key', ...action.texts],
        switches: ['json', ...action.switches],
        operands: action.operand,
      });
    if (!given || given.operands.length !== (action.operand ? 1 : 0)) {
      process.stderr.write(USAGE);
      return 2;
    }
    await action.run(await reach(given), given);
    return 0;
  });
}

/** What a server can be asked about keys. */
interface KeyCalls {
  list(options: { all: boolean }): Promise<readonly ToldKey[]>;
  create(body: object): Promise<ToldKey>;
  rotate(id: string, graceSeconds: number): Promise<ToldKey>;
  revoke(id: string, force: boolean): Promise<ToldKey>;
}

/** @throws Obstacle when there is no server, or no key to ask it with */
async function reach(given: Arguments): Promise<KeyCalls> {
  const server = await serverFor(given);
  const me = await ask<{ readonly group_id: string }>(server, 'GET', '/v1/admin/me');
  const path = `/v1/admin/groups/${me.group_id}/api-keys`;
  return {
    list: ({ all }) => ask(server, 'GET', `${path}?ended=${all}`),
    create: (body) => ask(server, 'POST', path, body),
    rotate: (id, graceSeconds) => ask(server, 'POST', `${path}/${id}/rotate`, { grace_seconds: graceSeconds }),
    revoke: (id, force) => ask(server, 'DELETE', `${path}/${id}?force=${force}`),
  };
}

async function list(keys: KeyCalls, given: Arguments): Promise<void> {
  const all = given.switches.has('all');
  const found = await keys.list({ all });
  if (given.switches.has('json')) return tell(found);
  process.stdout.write(keyTable(found, all));
}

async function create(keys: KeyCalls, given: Arguments): Promise<void> {
  const { scopes, expires, 'rate-limit': limit } = given.texts;
  if (scopes === undefined)
    throw new Obstacle('Say what the key may do with --scopes: scopes with commas between, or all.');
  const key = await keys.create({
    name: given.operands[0],
    ...(scopes === 'all' ? { tenant_admin: true } : { scopes: scopes.split(',').map((scope) => scope.trim()) }),
    ...(expires === undefined ? {} : { expires_at: readExpiry(expires) }),
    ...(limit === undefined ? {} : { rate_limit: readLimit(limit) }),
  });
  if (given.switches.has('json')) return tell(key);
  show(key, `The key "${key.name}" has the scopes ${key.scopes.join(', ')}.`);
}

async function rotate(keys: KeyCalls, given: Arguments): Promise<void> {
  const { grace = '0s' } = given.texts;
  const seconds = readDuration(grace);
  if (seconds === null) throw new Obstacle(`--grace is ${grace}, but it must be a span of time like 30m, 12h or 7d.`);
  const key = await keys.rotate(await idOf(keys, given.operands[0]), seconds);
  if (given.switches.has('json')) return tell(key);
  const until = key.former_valid_until;
  const former = until === null ? 'is not taken any more' : `is taken until ${shown(until)} UTC`;
  show(key, `The key "${key.name}" has a new text; the one before ${former}.`);
}

async function revoke(keys: KeyCalls, given: Arguments): Promise<void> {
  const key = await keys.revoke(await idOf(keys, given.operands[0]), given.switches.has('force'));
  if (given.switches.has('json')) return tell(key);
  process.stdout.write(`The key "${key.name}" (${key.prefix}…) is revoked.\n`);
}

/** The key alone on standard output, for programs to take; what people should know beside it. */
function show(key: ToldKey, about: string): void {
  process.stderr.write(`${about} Keep it: it is shown this once.\n`);
  process.stdout.write(`${key.value}\n`);
}

function tell(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** @throws Obstacle when no key is meant, or more than one */
async function idOf(keys: KeyCalls, given = ''): Promise<string> {
  const all = await keys.list({ all: true });
  const exact = all.filter((key) => key.id === given);
  // A name may be given again once its key has ended: the one that is valid is meant.
  const meant = all.filter((key) => key.prefix === given || key.name === given);
  const valid = meant.filter((key) => !hasEnded(key));
  const found = [exact, valid, meant].find((some) => some.length > 0) ?? [];
  if (found.length === 1) return found[0]!.id;
  if (found.length === 0) throw new Obstacle(`There is no key "${given}". \`millrun keys list --all\` shows them.`);
  throw new Obstacle(`"${given}" means ${found.length} keys. Give the id of one:\n${keyTable(found, true)}`.trimEnd());
}

const hasEnded = (key: ToldKey): boolean =>
  key.revoked_at !== null || (key.expires_at !== null && Date.parse(key.expires_at) <= Date.now());

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of `90s`, `30m`, `12h` or `7d`; null for anything else. */
function readDuration(text: string): number | null {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined || unit === undefined ? null : Number(count) * SECONDS[unit]!;
}

/** A span of time from now, or a date that the server reads. */
function readExpiry(text: string): string {
  const seconds = readDuration(text);
  return seconds === null ? text : new Date(Date.now() + seconds * 1000).toISOString();
}

/** @throws Obstacle when it is no whole number: JSON would make `null` of it, which means no limit */
function readLimit(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Obstacle(`--rate-limit is ${text}, but it must be a whole number of requests a minute.`);
}

/** `2026-01-31 12:00` in UTC. */
const shown = (time: string): string => time.slice(0, 16).replace('T', ' ');

const COLUMNS: readonly (Column<ToldKey> & { readonly ended?: true })[] = [
  { head: 'KEY', cell: (key) => `${key.prefix}…` },
  { head: 'NAME', cell: (key) => key.name },
  { head: 'LAST USED (UTC)', cell: (key) => (key.last_used_at === null ? 'never' : shown(key.last_used_at)) },
  { head: 'EXPIRES', cell: (key) => (key.expires_at === null ? 'never' : shown(key.expires_at)) },
  { head: 'REVOKED', ended: true, cell: (key) => (key.revoked_at === null ? '' : shown(key.revoked_at)) },
  { head: 'A MINUTE', cell: (key) => (key.rate_limit === null ? 'no limit' : String(key.rate_limit)) },
  { head: 'ID', cell: (key) => key.id },
  { head: 'SCOPES', cell: (key) => key.scopes.join(' ') },
];

function keyTable(keys: readonly ToldKey[], withEnded: boolean): string {
  return table(
    COLUMNS.filter(({ ended }) => withEnded || !ended),
    keys,
  );
}
