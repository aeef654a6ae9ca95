import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/config.ts';

/** Reads the flags of a command that takes settings. @throws TypeError that names the unknown flag */
export function readFlags(args: string[]): Record<string, string | undefined> {
  const names = ['config', ...Object.values(SETTINGS).map((setting) => setting.flag)];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  return parseArgs({ args, options, strict: true, allowPositionals: false }).values as Record<
    string,
    string | undefined
  >;
}
