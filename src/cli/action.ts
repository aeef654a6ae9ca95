import { nearest } from '../domain/nearest.ts';
import { COMMANDS, flagsOf, usageOf } from './commands.ts';
import { explained } from './failures.ts';
import { type Arguments, readOwn } from './flags.ts';
import { type Reached, serverFor } from './server-access.ts';
import { type Output, outputFor } from './terminal.ts';

/** What one action of a command does. @returns its exit code */
export type Perform = (server: Reached, given: Arguments, output: Output) => Promise<number>;

/**
 * Runs the action that a command was told: reads its flags by the table of commands, and reaches the server.
 * @param performs by the name of the action
 * @returns the exit code; 2 with the usage when no action was meant, or its operands do not fit
 */
export async function perform(
  name: string,
  performs: Readonly<Record<string, Perform>>,
  args: string[],
): Promise<number> {
  const command = COMMANDS[name]!;
  const [action = '', ...rest] = args;
  const known = Object.hasOwn(performs, action) ? performs[action] : undefined;
  if (known === undefined) {
    const guess = nearest(action, Object.keys(performs));
    const advice = guess === undefined ? '' : ` Did you mean "${guess}"?`;
    const told = action === '' ? '' : `\`millrun ${name}\` cannot "${action}".${advice}\n\n`;
    process.stderr.write(`${told}${usageOf(name, command)}`);
    return 2;
  }
  return explained(async () => {
    const wanted = command.actions?.[action]?.operands ?? '';
    const given = readOwn(rest, flagsOf(command, action), wanted !== '');
    if (!fits(wanted, given.operands.length)) {
      process.stderr.write(usageOf(name, { ...command, actions: { [action]: command.actions![action]! } }));
      return 2;
    }
    return known(await serverFor(given), given, outputFor(given));
  });
}

/** Whether there are as many operands as wanted: `<run> <other run>` are two, `<run>…` one or more, `[<run>…]` any number. */
function fits(wanted: string, given: number): boolean {
  const words = wanted.match(/\[?<[^>]*>…?\]?/g) ?? [];
  const least = words.filter((word) => !word.startsWith('[')).length;
  const most = wanted.includes('…') ? Number.POSITIVE_INFINITY : words.length;
  return given >= least && given <= most;
}
