import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../domain/nearest.ts';
import { type Config, contradictions, SETTINGS, type Setting } from './config.ts';

/** The file that is read when none is named. */
const DEFAULT_FILE = 'millrun.json';

/** Where a value came from: `default`, `file millrun.json`, `environment MILLRUN_PORT`, `flag --port`. */
export type Origins = Readonly<Record<keyof Config, string>>;

/** Configuration that cannot be used. The message lists every mistake, one a line. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

type Given = { readonly value: unknown; readonly origin: string };

/**
 * Reads the configuration: file, then environment, then flags; the later wins.
 * @param flags values by flag name, as the command line gave them; `config` names the file
 * @throws ConfigError with every mistake
 */
export function readConfig(
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): { config: Config; origins: Origins } {
  const mistakes: string[] = [];
  const file = readFile(flags['config'] ?? env['MILLRUN_CONFIG'], mistakes);
  const config: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const unread = new Set<keyof Config>();
  for (const [name, setting] of Object.entries(SETTINGS) as [keyof Config, Setting][]) {
    const given = find(name, setting, { file, env, flags, mistakes });
    origins[name] = given?.origin ?? 'default';
    config[name] = setting.default;
    if (!given) continue;
    try {
      config[name] = setting.read(given.value);
    } catch (error) {
      unread.add(name);
      const shown = setting.secret ? 'the given value' : shownValue(given.value);
      mistakes.push(`${given.origin}: ${shown} is not allowed; ${name} ${(error as Error).message}.`);
    }
  }
  // What follows from a value that could not be read is no mistake of its own.
  if (!unread.has('searchEmbedder')) {
    for (const { setting, message } of contradictions(config as unknown as Config)) {
      if (!unread.has(setting)) mistakes.push(`${setting}: ${message}`);
    }
  }
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('MILLRUN_') || KNOWN_VARIABLES.has(variable)) continue;
    const guess = nearest(variable, KNOWN_VARIABLES);
    mistakes.push(
      `environment ${variable}: there is no such setting${guess === undefined ? '' : `; did you mean ${guess}`}. \`millrun config\` lists them all.`,
    );
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { config: config as unknown as Config, origins: origins as Origins };
}

/** A wrong value as a message repeats it; credentials that stand in an address stay out. */
function shownValue(value: unknown): string {
  return JSON.stringify(value).replace(/:\/\/[^/@\s"]*@/g, '://…@');
}

/** Variables that tests and tools of this repository use beside the settings. */
const KNOWN_VARIABLES: ReadonlySet<string> = new Set([
  ...Object.values(SETTINGS).map((setting) => setting.env),
  ...Object.values(SETTINGS).flatMap((setting: Setting) => (setting.secret ? [fileVariable(setting)] : [])),
  'MILLRUN_CONFIG',
  'MILLRUN_LONG_TESTS',
  'MILLRUN_SOURCE_KEY',
  'MILLRUN_URL',
]);

/** The key of the server that `millrun import` brings runs from; null: none was given. */
export function sourceKey(env: Readonly<Record<string, string | undefined>> = process.env): string | null {
  return env['MILLRUN_SOURCE_KEY'] || null;
}

/** The variable that names a file with the value of a secret in it, as containers are given secrets. */
function fileVariable({ env }: Setting): string {
  return `${env}_FILE`;
}

function fromFile(path: string, variable: string, mistakes: string[]): Given | null {
  try {
    return { value: readFileSync(resolve(path), 'utf8').trim(), origin: `file ${path} (environment ${variable})` };
  } catch (error) {
    mistakes.push(`environment ${variable}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return null;
  }
}

function find(
  name: keyof Config,
  setting: Setting,
  given: {
    readonly file: { path: string; values: Record<string, unknown> } | null;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly flags: Readonly<Record<string, string | undefined>>;
    readonly mistakes: string[];
  },
): Given | null {
  const { file, env, flags, mistakes } = given;
  const flag = flags[setting.flag];
  if (flag !== undefined) return { value: flag, origin: `flag --${setting.flag}` };
  const variable = env[setting.env];
  // An empty variable counts as not set: compose files and shells leave such behind.
  if (variable !== undefined && variable !== '') return { value: variable, origin: `environment ${setting.env}` };
  const path = setting.secret ? env[fileVariable(setting)] : undefined;
  if (path !== undefined && path !== '') return fromFile(path, fileVariable(setting), mistakes);
  for (const { env: alias, suffix = '' } of setting.aliases ?? []) {
    const value = env[alias];
    if (value === undefined || value === '') continue;
    return { value: suffix === '' ? value : value.replace(/\/+$/, '') + suffix, origin: `environment ${alias}` };
  }
  if (file && Object.hasOwn(file.values, name)) return { value: file.values[name], origin: `file ${file.path}` };
  return null;
}

function readFile(named: string | undefined, mistakes: string[]) {
  const path = named ?? DEFAULT_FILE;
  if (!existsSync(resolve(path))) {
    if (named !== undefined) mistakes.push(`file ${path}: there is no such file.`);
    return null;
  }
  try {
    const values = parseFile(readFileSync(resolve(path), 'utf8'));
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw new Error('it is not a JSON object');
    for (const key of Object.keys(values)) {
      if (Object.hasOwn(SETTINGS, key)) continue;
      const guess = nearest(key, Object.keys(SETTINGS));
      mistakes.push(
        `file ${path}: there is no setting "${key}"${guess === undefined ? '' : `; did you mean "${guess}"`}.`,
      );
    }
    return { path, values: values as Record<string, unknown> };
  } catch (error) {
    mistakes.push(`file ${path}: it cannot be read, ${(error as Error).message}.`);
    return null;
  }
}

/** The parser's message repeats the text around the mistake, which may be a key: only the place is told. @throws Error */
function parseFile(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    throw new Error(`it is not JSON${place === undefined ? '' : `: look ${place}`}`);
  }
}
