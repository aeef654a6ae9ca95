import { COMMANDS, type Command, flagsOf } from './commands.ts';
import type { Flag } from './flags.ts';

/** Words that come at one place of the command line. */
interface Place {
  readonly command: string;
  /** Empty for a command without actions. */
  readonly action: string;
  readonly flags: readonly Flag[];
}

function places(): Place[] {
  return Object.entries(COMMANDS).flatMap(([command, spec]: [string, Command]) =>
    Object.keys(spec.actions ?? { '': null }).map((action) => ({
      command,
      action,
      flags: flagsOf(spec, action === '' ? undefined : action),
    })),
  );
}

/** The values that a flag takes, where they are few: `jsonl|n8n`. */
function valuesOf({ value = '' }: Flag): string[] {
  return /^[\w-]+(\|[\w-]+)+$/.test(value) ? value.split('|') : [];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const names = Object.keys(COMMANDS);
const words = (list: readonly string[]): string => list.join(' ');

/** For bash 4 and later; whatever is no flag and no command is completed as a file. */
export function bash(): string {
  const actions = Object.entries(COMMANDS)
    .filter(([, { actions: own }]) => own !== undefined)
    .map(([name, { actions: own }]) => `    ${name}) words='${words(Object.keys(own ?? {}))}' ;;`);
  const flags = places().map(
    ({ command, action, flags: own }) =>
      `    '${command} ${action}') words='${words(own.map(({ name }) => `--${name}`))}' ;;`,
  );
  const values = places().flatMap(({ command, action, flags: own }) =>
    own.flatMap((flag) => {
      const known = valuesOf(flag);
      return known.length === 0 ? [] : [`    '${command} ${action} --${flag.name}') words='${words(known)}' ;;`];
    }),
  );
  const nouns = Object.keys(COMMANDS).filter((name) => COMMANDS[name]?.actions !== undefined);
  return `# millrun's completion for bash; made by \`millrun completion bash\`.
_millrun() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=''
  local command="\${COMP_WORDS[1]}" action=''
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=( $(compgen -W '${words([...names, 'help', '--version'])}' -- "$current") )
    return
  fi
  case " ${words(nouns)} " in *" $command "*)
    if (( COMP_CWORD == 2 )); then
      case "$command" in
${actions.join('\n')}
      esac
      COMPREPLY=( $(compgen -W "$words" -- "$current") )
      return
    fi
    action="\${COMP_WORDS[2]}" ;;
  esac
  case "$command $action $previous" in
${values.join('\n')}
  esac
  if [[ -n $words ]]; then
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
    return
  fi
  if [[ $current == -* ]]; then
    case "$command $action" in
${flags.join('\n')}
    esac
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
    return
  fi
  COMPREPLY=( $(compgen -f -- "$current") )
}
complete -o filenames -F _millrun millrun
`;
}

/** For zsh, with what each command and flag is for beside it. */
export function zsh(): string {
  const described = (entries: readonly (readonly [string, string])[]) =>
    entries.map(([name, about]) => quoted(`${name}:${about.replaceAll(':', '\\:')}`)).join(' ');
  const cases = Object.entries(COMMANDS)
    .filter(([, { actions }]) => actions !== undefined)
    .map(([name, { actions = {} }]) => {
      const list = described(Object.entries(actions).map(([action, { about }]) => [action, about] as const));
      return `      ${name}) _values=( ${list} ) ;;`;
    });
  const flags = places().map(({ command, action, flags: own }) => {
    const specs = own.map((flag) => {
      const about = flag.about.replaceAll(/[[\]:]/g, (sign) => `\\${sign}`);
      const known = valuesOf(flag);
      const takes =
        flag.value === undefined ? '' : `:${flag.name}:${known.length > 0 ? `(${words(known)})` : '_files'}`;
      return quoted(`${flag.isList ? '*' : ''}--${flag.name}[${about}]${takes}`);
    });
    return `    '${command} ${action}') _arguments ${[...specs, quoted('*:file:_files')].join(' ')} ;;`;
  });
  const nouns = Object.keys(COMMANDS).filter((name) => COMMANDS[name]?.actions !== undefined);
  return `#compdef millrun
# millrun's completion for zsh; made by \`millrun completion zsh\`.
_millrun() {
  local -a _values
  local command="\${words[2]}" action=''
  if (( CURRENT == 2 )); then
    _values=( ${described(Object.entries(COMMANDS).map(([name, { about }]) => [name, about] as const))} )
    _describe command _values
    return
  fi
  if [[ " ${words(nouns)} " == *" $command "* ]]; then
    if (( CURRENT == 3 )); then
      case "$command" in
${cases.join('\n')}
      esac
      _describe action _values
      return
    fi
    action="\${words[3]}"
  fi
  case "$command $action" in
${flags.join('\n')}
  esac
}
compdef _millrun millrun
`;
}

/** For fish. */
export function fish(): string {
  const lines = Object.entries(COMMANDS).flatMap(([name, command]) => [
    `complete -c millrun -n __fish_use_subcommand -f -a ${name} -d ${quoted(command.about)}`,
    ...Object.entries(command.actions ?? {}).map(
      ([action, { about }]) =>
        `complete -c millrun -n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${words(Object.keys(command.actions ?? {}))}' -f -a ${action} -d ${quoted(about)}`,
    ),
  ]);
  const flags = places().flatMap(({ command, action, flags: own }) =>
    own.map((flag) => {
      const known = valuesOf(flag);
      const place = `__fish_seen_subcommand_from ${command}${action === '' ? '' : `; and __fish_seen_subcommand_from ${action}`}`;
      const takes = flag.value === undefined ? '' : known.length > 0 ? ` -x -a ${quoted(words(known))}` : ' -r';
      return `complete -c millrun -n ${quoted(place)} -l ${flag.name}${takes} -d ${quoted(flag.about)}`;
    }),
  );
  return `# millrun's completion for fish; made by \`millrun completion fish\`.\n${[...lines, ...flags].join('\n')}\n`;
}
