import type { Flag } from './flags.ts';

/** What `millrun <command>` is: help, the shells' completion and docs/cli.md are made of it. */
export interface Command {
  readonly about: string;
  /** What stands behind the name, e.g. `<run> <other run>`. */
  readonly operands?: string;
  /** Its own flags, those of every action among them; settings (`millrun config`) may be given besides. */
  readonly flags?: readonly Flag[];
  /** What it can be told to do, where it is a noun. */
  readonly actions?: Readonly<Record<string, Action>>;
}

export interface Action {
  readonly about: string;
  readonly operands?: string;
  readonly flags?: readonly Flag[];
}

/** Which server, and in what form the answer comes. */
const SERVER: readonly Flag[] = [
  { name: 'url', value: 'address', about: 'the server to ask; the one of this machine’s settings when left out' },
  {
    name: 'key',
    value: 'key',
    about: 'the key to ask it with; MILLRUN_API_KEY or the data folder’s first key when left out',
  },
  { name: 'json', about: 'answer as JSON, on a terminal too' },
];
const TEXT: Flag = { name: 'text', about: 'answer for people, in a pipe too' };
const ASKS: readonly Flag[] = [...SERVER, TEXT];

const FILTER: Flag = {
  name: 'filter',
  value: 'condition',
  about: 'a condition of the filter language, e.g. "status:failed AND created_at > now-1d"',
};
const SORT: Flag = { name: 'sort', value: 'field:asc|desc', about: 'the order, e.g. duration_ms:desc' };
const WATCH: Flag = { name: 'watch', about: 'show what each node does while it goes on' };
const INPUT: readonly Flag[] = [
  {
    name: 'input',
    value: 'name=value',
    isList: true,
    about:
      'an input by its label; name:=JSON for lists and such, name=@file takes a file’s text, name=- standard input',
  },
  { name: 'input-file', value: 'file', about: 'all inputs as a JSON object; - is standard input' },
];

/** The commands there are; `loaders.ts` has the file of each. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { about: 'start the server (the default)' },
  worker: { about: 'start a process that only works, on a store that servers share: worker --store postgres://…' },
  run: {
    about: 'run a workflow: a file, or one of the server by id or name',
    operands: '<file|workflow>',
    flags: [
      ...INPUT,
      WATCH,
      { name: 'detach', about: 'start it and do not wait for its end' },
      { name: 'embedded', about: 'run it here over the data folder, whatever server there is' },
      ...ASKS,
    ],
  },
  runs: {
    about: 'find, show, stop, repeat, compare and export runs',
    flags: ASKS,
    actions: {
      list: {
        about: 'runs that a filter finds, newest first',
        flags: [
          FILTER,
          SORT,
          { name: 'limit', value: 'number', about: 'how many; 20 when left out' },
          { name: 'cursor', value: 'cursor', about: 'where the page before ended' },
        ],
      },
      show: {
        about: 'one run: what became of it, why, and what to do',
        operands: '<run>',
        flags: [WATCH, { name: 'log', value: 'lines', about: 'lines of its log; 10 when left out' }],
      },
      search: {
        about: 'runs by what they say',
        operands: '<text>',
        flags: [
          { name: 'meaning', about: 'by meaning, not by the exact text' },
          FILTER,
          { name: 'limit', value: 'number', about: 'how many; 10 when left out' },
          { name: 'offset', value: 'number', about: 'how many to pass over' },
        ],
      },
      stop: { about: 'stop runs that are under way', operands: '<run>…' },
      replay: {
        about: 'repeat a run',
        operands: '<run>',
        flags: [
          { name: 'from', value: 'start|failed_node|node,…', about: 'where to begin; start when left out' },
          { name: 'version', value: 'original|current', about: 'the definition it had, or the one of now' },
          { name: 'input', value: 'name=value', isList: true, about: 'an input in place of the one it had' },
          WATCH,
          { name: 'detach', about: 'start it and do not wait for its end' },
        ],
      },
      diff: { about: 'what is different in another run', operands: '<run> <other run>' },
      export: {
        about: 'runs with all that they recorded, one JSON object a line, for `millrun import`',
        operands: '[<run>…]',
        flags: [
          FILTER,
          SORT,
          { name: 'limit', value: 'number', about: 'how many; all when left out' },
          { name: 'to', value: 'file', about: 'write there in place of standard output' },
        ],
      },
    },
  },
  workflows: {
    about: 'list, show, save, delete, export and import workflows',
    flags: ASKS,
    actions: {
      list: {
        about: 'all, last changed first',
        flags: [{ name: 'limit', value: 'number', about: 'how many; 50 when left out' }],
      },
      show: { about: 'one: its nodes, its inputs, what keeps it from running', operands: '<workflow>' },
      save: {
        about: 'save a file as a workflow, over the one of its name where there is one',
        operands: '<file>',
        flags: [
          { name: 'name', value: 'name', about: 'another name than the file says' },
          { name: 'new', about: 'make another one, also where the name is taken' },
        ],
      },
      delete: { about: 'take one out of the lists; its runs stay', operands: '<workflow>' },
      export: {
        about: 'one as a file that can be imported elsewhere',
        operands: '<workflow>',
        flags: [{ name: 'to', value: 'file', about: 'write there in place of standard output' }],
      },
      import: {
        about: 'workflows of an exported file',
        operands: '<file>',
        flags: [
          {
            name: 'mode',
            value: 'clone|version|replace',
            about: 'what to do where the name is taken; clone when left out',
          },
        ],
      },
      versions: { about: 'the versions that people saved of one', operands: '<workflow>' },
    },
  },
  import: {
    about: 'bring finished runs here: from an export, from n8n, from another server',
    operands: '[<file>…]',
    flags: [
      {
        name: 'from',
        value: 'jsonl|n8n|noxus|runflow',
        about: 'what the files are, or what is asked; files tell by themselves',
      },
      { name: 'source-url', value: 'address', about: 'the server to bring them from' },
      { name: 'source-key', value: 'key', about: 'the key to ask it with; MILLRUN_SOURCE_KEY when left out' },
      { name: 'since', value: 'time', about: 'only runs that were made from then on, e.g. 2026-01-31' },
      { name: 'limit', value: 'number', about: 'so many runs at most' },
      { name: 'resume', value: 'file', about: 'remember there how far it came, and go on from there' },
      { name: 'dry-run', about: 'read all, send nothing' },
      ...ASKS,
    ],
  },
  config: {
    about: 'print every setting with its value and where it came from',
  },
  doctor: {
    about: 'check settings, data folder, store, search, keys, port, models, clock and disk',
    flags: [
      { name: 'offline', about: 'ask nothing over the network' },
      { name: 'json', about: 'answer as JSON' },
      TEXT,
    ],
  },
  search: {
    about:
      'tell how the search index stands, build it anew, or serve it alone: search status, search rebuild [--wait], search serve',
    actions: {
      serve: { about: 'start a machine that answers searches of servers, for a share of the workspaces' },
      status: { about: 'how the index stands' },
      rebuild: { about: 'build it anew', flags: [{ name: 'wait', about: 'until it is whole' }] },
    },
  },
  keys: {
    about: 'list, make, rotate and revoke API keys of a running server: keys list, keys create, …',
    flags: SERVER,
    actions: {
      list: { about: 'keys that are valid', flags: [{ name: 'all', about: 'those too that have ended' }] },
      create: {
        about: 'make one',
        operands: '<name>',
        flags: [
          { name: 'scopes', value: 'scope,…|all', about: 'what it may do' },
          { name: 'expires', value: '90d|date', about: 'when it ends' },
          { name: 'rate-limit', value: 'number', about: 'requests a minute' },
        ],
      },
      rotate: {
        about: 'a new text for one',
        operands: '<key>',
        flags: [{ name: 'grace', value: '1h', about: 'how long the one before is taken' }],
      },
      revoke: { about: 'end one for good', operands: '<key>', flags: [{ name: 'force', about: 'also the last one' }] },
    },
  },
  credentials: {
    about: 'list, set, test and remove what workflows reach other services with: credentials list, credentials set, …',
    flags: SERVER,
    actions: {
      list: { about: 'all of them' },
      set: {
        about: 'make or change one; secrets come from standard input',
        operands: '<name>',
        flags: [
          { name: 'kind', value: 'kind', about: 'what it is' },
          { name: 'fields', value: 'name=value,…', about: 'what is no secret of it' },
          { name: 'models', value: 'model,…', about: 'models it serves' },
          { name: 'hosts', value: 'host,…', about: 'hosts it is sent to' },
        ],
      },
      test: { about: 'ask its provider', operands: '<credential>' },
      remove: { about: 'remove one', operands: '<credential>' },
      reseal: { about: 'seal all with the current encryption key' },
    },
  },
  'migrate-store': {
    about:
      'move everything from one store to an empty one, e.g. sqlite:<data folder> to postgres://…; goes on where it was broken off',
    operands: '<from> <to>',
  },
  mcp: {
    about: 'speak the Model Context Protocol on standard input and output, for a running server',
    flags: [
      ...SERVER.filter(({ name }) => name !== 'json'),
      { name: 'workflows-as-tools', about: 'give each workflow as a tool of its own, too' },
    ],
  },
  completion: {
    about: 'print what makes a shell complete commands: completion bash, zsh or fish',
    operands: '<bash|zsh|fish>',
  },
};

/** Every flag that an action, or a command without actions, understands. */
export function flagsOf(command: Command, action?: string): readonly Flag[] {
  return [...((action === undefined ? undefined : command.actions?.[action]?.flags) ?? []), ...(command.flags ?? [])];
}

/** How a command is called, one line for each of its actions. */
export function usageOf(name: string, command: Command): string {
  const lines = Object.entries(command.actions ?? { '': command }).map(([action, { operands, flags = [], about }]) => {
    const own = action === '' ? flags.filter((flag) => !ASKS.includes(flag)) : flags;
    const words = ['millrun', name, action, operands ?? '', ...own.map((flag) => `[${flagText(flag)}]`)];
    return `  ${words.filter((word) => word !== '').join(' ')}\n      ${about}\n`;
  });
  const shared = (command.flags ?? []).filter((flag) => command.actions !== undefined || ASKS.includes(flag));
  const told = shared.map((flag) => `  ${flagText(flag).padEnd(24)}${flag.about}\n`);
  return `Usage:\n${lines.join('')}${told.length > 0 ? '\n' : ''}${told.join('')}`;
}

/** A flag as it is written, e.g. `--limit <number>`. */
export function flagText({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}
