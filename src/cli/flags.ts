import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/config.ts';

type Texts = Record<string, string | undefined>;

/** A flag that a command understands. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** What its value is, or the values there are with `|` between; without it, the flag has none. */
  readonly value?: string;
  /** It may be given more than once. */
  readonly isList?: true;
  readonly about: string;
}

/** What stood behind the name of a command. */
export interface Arguments {
  /** Settings by flag name, as `readConfig` takes them. */
  readonly settings: Texts;
  /** The command's own flags with a value, by name. */
  readonly texts: Texts;
  /** Those that may be given more than once. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** The command's own flags without a value that were given. */
  readonly switches: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/** Reads the flags of a command that takes settings. @throws TypeError that names the unknown flag */
export function readFlags(args: string[]): Texts {
  return readArguments(args, {}).settings;
}

/** Reads what stands behind a command that has these flags, and the settings besides. @throws TypeError that names what is not known */
export function readOwn(args: string[], flags: readonly Flag[], operands: boolean): Arguments {
  const names = (is: (flag: Flag) => boolean) => flags.filter(is).map(({ name }) => name);
  return readArguments(args, {
    texts: names(({ value, isList }) => value !== undefined && !isList),
    lists: names(({ isList }) => isList === true),
    switches: names(({ value }) => value === undefined),
    operands,
  });
}

/** Reads the arguments of a command that takes settings and flags of its own. @throws TypeError that names what is not known */
export function readArguments(
  args: string[],
  own: {
    readonly texts?: readonly string[];
    readonly lists?: readonly string[];
    readonly switches?: readonly string[];
    readonly operands?: boolean;
  },
): Arguments {
  const settings = ['config', ...Object.values(SETTINGS).map((setting) => setting.flag)];
  const { texts = [], lists = [], switches = [] } = own;
  const { values, positionals } = parseArgs({
    args,
    options: {
      ...Object.fromEntries([...settings, ...texts].map((name) => [name, { type: 'string' as const }])),
      ...Object.fromEntries(lists.map((name) => [name, { type: 'string' as const, multiple: true }])),
      ...Object.fromEntries(switches.map((name) => [name, { type: 'boolean' as const }])),
    },
    strict: true,
    allowPositionals: own.operands === true,
  });
  const given = values as Texts;
  const pick = (names: readonly string[]): Texts => Object.fromEntries(names.map((name) => [name, given[name]]));
  return {
    settings: pick(settings),
    texts: pick(texts),
    lists: Object.fromEntries(lists.map((name) => [name, (values[name] as readonly string[] | undefined) ?? []])),
    switches: new Set(switches.filter((name) => given[name])),
    operands: positionals,
  };
}
