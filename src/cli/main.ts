import { nearest } from '../domain/nearest.ts';
import { packageVersion } from './version.ts';

const COMMANDS: Readonly<
  Record<string, { about: string; load: () => Promise<{ run(args: string[]): Promise<number> }> }>
> = {
  serve: { about: 'start the server (the default)', load: () => import('./commands/serve.ts') },
  worker: {
    about: 'start a process that only works, on a store that servers share: worker --store postgres://…',
    load: () => import('./commands/worker.ts'),
  },
  config: {
    about: 'print every setting with its value and where it came from',
    load: () => import('./commands/config.ts'),
  },
  search: {
    about:
      'tell how the search index stands, build it anew, or serve it alone: search status, search rebuild [--wait], search serve',
    load: () => import('./commands/search.ts'),
  },
  keys: {
    about: 'list, make, rotate and revoke API keys of a running server: keys list, keys create, …',
    load: () => import('./commands/keys.ts'),
  },
  credentials: {
    about: 'list, set, test and remove what workflows reach other services with: credentials list, credentials set, …',
    load: () => import('./commands/credentials.ts'),
  },
  'migrate-store': {
    about: 'move everything from one store to another: migrate-store sqlite:<folder> postgres://…',
    load: () => import('./commands/migrate-store.ts'),
  },
  mcp: {
    about: 'speak the Model Context Protocol on standard input and output, for a running server',
    load: () => import('./commands/mcp.ts'),
  },
};

const HELP = `millrun: run AI workflows, record every run, find any of them again

Usage: millrun <command> [flags]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  ${name.padEnd(15)}${about}`)
  .join('\n')}
  help           print this
  --version      print the version

Settings are flags, environment variables or a file: \`millrun config\` lists them.
`;

async function main(args: string[]): Promise<number> {
  const [name = 'serve', ...rest] = args;
  if (name === 'help' || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  if (name === '--version') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const isFlag = name.startsWith('--');
  const wanted = isFlag ? 'serve' : name;
  const command = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
  if (!command) {
    const guess = nearest(name, Object.keys(COMMANDS));
    const advice = guess === undefined ? '' : ` Did you mean "${guess}"?`;
    process.stderr.write(`There is no command "${name}".${advice}\n\n${HELP}`);
    return 2;
  }
  return (await command.load()).run(isFlag ? args : rest);
}

process.exitCode = await main(process.argv.slice(2));
