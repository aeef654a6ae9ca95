import { nearest } from '../domain/nearest.ts';
import { COMMANDS, usageOf } from './commands.ts';
import { LOADERS } from './loaders.ts';
import { isBrokenPipe } from './terminal.ts';
import { packageVersion } from './version.ts';

const HELP = `millrun: run AI workflows, record every run, find any of them again

Usage: millrun <command> [flags]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  ${name.padEnd(15)}${about}`)
  .join('\n')}
  help           print this; \`millrun help <command>\` tells of one
  --version      print the version

Settings are flags, environment variables or a file: \`millrun config\` lists them.
Exit codes: 0 done; 1 a run failed, or something was found that is not as it should be; 2 it could not be done; 3 the run waits for a person; 130 interrupted.
`;

async function main(args: string[]): Promise<number> {
  const [name = 'serve', ...rest] = args;
  const asksHelp = args.includes('--help') || args.includes('-h');
  if (name === 'help' || asksHelp) {
    const wanted = name === 'help' ? rest[0] : name;
    const command = wanted !== undefined && Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
    process.stdout.write(
      wanted === undefined || command === undefined ? HELP : `${command.about}\n\n${usageOf(wanted, command)}`,
    );
    return 0;
  }
  if (name === '--version') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const isFlag = name.startsWith('--');
  const wanted = isFlag ? 'serve' : name;
  const load = Object.hasOwn(LOADERS, wanted) ? LOADERS[wanted] : undefined;
  if (!load) {
    const guess = nearest(name, Object.keys(COMMANDS));
    const advice = guess === undefined ? '' : ` Did you mean "${guess}"?`;
    process.stderr.write(`There is no command "${name}".${advice}\n\n${HELP}`);
    return 2;
  }
  return (await load()).run(isFlag ? args : rest);
}

// A reader that has seen enough (`| head`) is no fault of the command.
process.stdout.on('error', (error) => {
  if (isBrokenPipe(error)) process.exit(process.exitCode ?? 0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
