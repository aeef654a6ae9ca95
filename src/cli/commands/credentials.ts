import { text as readAll } from 'node:stream/consumers';
import { CREDENTIAL_FIELDS, CREDENTIAL_KINDS, type CredentialKind } from '../../domain/credential.ts';
import { nearest } from '../../domain/nearest.ts';
import { explained } from '../failures.ts';
import { type Arguments, readArguments } from '../flags.ts';
import { ask, Obstacle, type Reached, serverFor } from '../server-access.ts';
import { type Column, table } from '../table.ts';

const USAGE = `Usage:
  millrun credentials list
  millrun credentials set <name> [--kind <kind>] [--fields <name=value,…>] [--models <model,…>] [--hosts <host,…>]
                                        makes a credential, or changes the one of that name
  millrun credentials test <credential>    asks its provider for its models
  millrun credentials remove <credential>
  millrun credentials reseal            seals all secrets with the current encryption key

\`set\` reads secrets from standard input, where nobody else sees them: the secret itself, or several as a JSON object of fields.
Kinds: ${CREDENTIAL_KINDS.join(', ')}
<credential> is an id or a name. They ask a running server:
  --url <address>   which one; the one of this machine's settings when left out
  --key <key>       with a key that has the scopes credentials:read and credentials:write; MILLRUN_API_KEY or the data folder's first key when left out
  --json            answers as JSON
`;

/** A credential as the server tells it (`api/noxus/credential-routes.ts`). */
interface ToldCredential {
  readonly id: string;
  readonly name: string;
  readonly kind: CredentialKind;
  readonly fields: Readonly<
    Record<string, { readonly secret: boolean; readonly value?: string; readonly last_characters?: string | null }>
  >;
  readonly models: readonly string[];
  readonly hosts: readonly string[];
  readonly last_used_at: string | null;
}

interface Action {
  readonly operand: boolean;
  readonly texts: readonly string[];
  run(server: Reached, given: Arguments): Promise<void>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { operand: false, texts: [], run: list },
  set: { operand: true, texts: ['kind', 'fields', 'models', 'hosts'], run: set },
  test: { operand: true, texts: [], run: test },
  remove: { operand: true, texts: [], run: remove },
  reseal: { operand: false, texts: [], run: reseal },
};

const PATH = '/v1/credentials';

/** `millrun credentials`: 0 when it was done, 2 when it could not be. */
export async function run(args: string[]): Promise<number> {
  const [name = '', ...rest] = args;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  return explained(async () => {
    const given =
      action &&
      readArguments(rest, { texts: ['url', 'key', ...action.texts], switches: ['json'], operands: action.operand });
    if (!given || given.operands.length !== (action.operand ? 1 : 0)) {
      process.stderr.write(USAGE);
      return 2;
    }
    await action.run(await serverFor(given), given);
    return 0;
  });
}

async function listed(server: Reached): Promise<readonly ToldCredential[]> {
  return (await ask<{ readonly items: readonly ToldCredential[] }>(server, 'GET', PATH)).items;
}

async function list(server: Reached, given: Arguments): Promise<void> {
  const found = await listed(server);
  tell(given, found, () => table(COLUMNS, found));
}

async function set(server: Reached, given: Arguments): Promise<void> {
  const name = given.operands[0]!;
  const before = (await listed(server)).find((one) => one.name === name);
  const kind = kindOf(given.texts['kind'], before, name);
  const fields = { ...settingsOf(given.texts['fields'], kind), ...(await secretsOf(kind)) };
  const body = {
    ...(Object.keys(fields).length > 0 || before === undefined ? { fields } : {}),
    ...listOf('models', given),
    ...listOf('hosts', given),
  };
  const credential =
    before === undefined
      ? await ask<ToldCredential>(server, 'POST', PATH, { name, kind, ...body })
      : await ask<ToldCredential>(server, 'PATCH', `${PATH}/${before.id}`, body);
  const did = before === undefined ? 'made' : 'changed';
  tell(given, credential, () => `The credential "${name}" is ${did}: ${shownFields(credential)}.\n`);
}

async function test(server: Reached, given: Arguments): Promise<void> {
  const { id, name } = await meant(server, given);
  const told = await ask<{ readonly ok: boolean; readonly message: string; readonly models: readonly string[] }>(
    ...[server, 'POST', `${PATH}/${id}/test`],
  );
  if (!told.ok) throw new Obstacle(`The credential "${name}" was not taken. ${told.message}`);
  tell(given, told, () => `${told.message}\n${told.models.map((model) => `  ${model}\n`).join('')}`);
}

async function remove(server: Reached, given: Arguments): Promise<void> {
  const { id, name } = await meant(server, given);
  const told = await ask(server, 'DELETE', `${PATH}/${id}`);
  tell(given, told, () => `The credential "${name}" is removed.\n`);
}

async function reseal(server: Reached, given: Arguments): Promise<void> {
  const told = await ask<{
    readonly resealed: readonly string[];
    readonly unchanged: readonly string[];
    readonly failed: Readonly<Record<string, string>>;
  }>(server, 'POST', `${PATH}/reseal`);
  const failed = Object.entries(told.failed).map(([name, why]) => `"${name}": ${why}`);
  if (failed.length > 0) throw new Obstacle(`Not all could be opened.\n${failed.join('\n')}`);
  const { resealed, unchanged } = told;
  tell(given, told, () => `${resealed.length} credentials are sealed anew, ${unchanged.length} were already.\n`);
}

/** @throws Obstacle when there is no such credential */
async function meant(server: Reached, given: Arguments): Promise<ToldCredential> {
  const [wanted] = given.operands;
  const all = await listed(server);
  const found = all.find(({ id }) => id === wanted) ?? all.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  throw new Obstacle(`There is no credential "${wanted}". \`millrun credentials list\` shows them.`);
}

/** @throws Obstacle */
function kindOf(given: string | undefined, before: ToldCredential | undefined, name: string): CredentialKind {
  if (given === undefined) {
    if (before !== undefined) return before.kind;
    throw new Obstacle(
      `There is no credential "${name}" yet. Say what it is with --kind: ${CREDENTIAL_KINDS.join(', ')}.`,
    );
  }
  const kind = CREDENTIAL_KINDS.find((known) => known === given);
  if (kind === undefined) {
    const guess = nearest(given, CREDENTIAL_KINDS);
    const advice = guess === undefined ? `There are ${CREDENTIAL_KINDS.join(', ')}.` : `Did you mean ${guess}?`;
    throw new Obstacle(`There is no kind "${given}". ${advice}`);
  }
  if (before !== undefined && before.kind !== kind) {
    throw new Obstacle(
      `The credential "${name}" is of the kind ${before.kind}, which does not change. Remove it first.`,
    );
  }
  return kind;
}

/** Fields from the command line, where secrets would be seen by everybody on the machine. @throws Obstacle */
function settingsOf(given: string | undefined, kind: CredentialKind): Record<string, string> {
  const fields = CREDENTIAL_FIELDS[kind];
  const pairs = (given ?? '').split(',').filter((pair) => pair.trim() !== '');
  const entries = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at === -1 ? undefined : at).trim();
    if (at === -1)
      throw new Obstacle('--fields takes pairs like base_url=https://example.com/v1, with commas between.');
    if (fields === null || fields[name]?.isSecret === true) {
      throw new Obstacle(`"${name}" is a secret: give it on standard input, where nobody else sees it.`);
    }
    return [name, pair.slice(at + 1).trim()];
  });
  return Object.fromEntries(entries);
}

/** The secrets that stand on standard input; none when there is nothing. @throws Obstacle */
async function secretsOf(kind: CredentialKind): Promise<Record<string, string>> {
  if (process.stdin.isTTY)
    process.stderr.write('Paste the secret and end with Ctrl-D (nothing: none, or as it was).\n');
  const given = (await readAll(process.stdin)).replace(/\r?\n$/, '');
  if (given === '') return {};
  const object = given.trimStart().startsWith('{') ? jsonObject(given) : null;
  if (object !== null) return object;
  const fields = Object.entries(CREDENTIAL_FIELDS[kind] ?? {});
  const secrets = fields.filter(([, { isSecret }]) => isSecret);
  const [name] = secrets.find(([, { isRequired }]) => isRequired) ?? secrets[0] ?? [];
  if (name === undefined) {
    throw new Obstacle(
      `A credential of the kind ${kind} has fields of your own: give a JSON object like {"name": "secret"}.`,
    );
  }
  return { [name]: given };
}

/** Null for a text that is no object of texts: a secret may begin with a brace. */
function jsonObject(text: string): Record<string, string> | null {
  try {
    const read: unknown = JSON.parse(text);
    const isTexts =
      typeof read === 'object' && read !== null && Object.values(read).every((one) => typeof one === 'string');
    return isTexts ? (read as Record<string, string>) : null;
  } catch {
    return null;
  }
}

function listOf(name: 'models' | 'hosts', { texts }: Arguments): Partial<Record<'models' | 'hosts', string[]>> {
  const given = texts[name];
  if (given === undefined) return {};
  return {
    [name]: given
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  };
}

function tell(given: Arguments, value: unknown, said: () => string): void {
  process.stdout.write(given.switches.has('json') ? `${JSON.stringify(value, null, 2)}\n` : said());
}

function shownFields({ fields }: ToldCredential): string {
  const shown = Object.entries(fields).map(([name, { secret, value, last_characters: last }]) => {
    return secret ? `${name} set${last ? ` (…${last})` : ''}` : `${name}=${value}`;
  });
  return shown.length === 0 ? 'no fields' : shown.join(', ');
}

const COLUMNS: readonly Column<ToldCredential>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'KIND', cell: ({ kind }) => kind },
  {
    head: 'LAST USED (UTC)',
    cell: ({ last_used_at: at }) => (at === null ? 'never' : at.slice(0, 16).replace('T', ' ')),
  },
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FIELDS', cell: shownFields },
  { head: 'FOR', cell: ({ models, hosts }) => [...models, ...hosts].join(' ') },
];
