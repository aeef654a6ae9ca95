import { COMMANDS, usageOf } from '../commands.ts';
import { bash, fish, zsh } from '../completion.ts';

const SHELLS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

/** `millrun completion`: prints a script for a shell. */
export async function run(args: string[]): Promise<number> {
  const make = Object.hasOwn(SHELLS, args[0] ?? '') ? SHELLS[args[0]!] : undefined;
  if (make === undefined || args.length > 1) {
    process.stderr.write(`${usageOf('completion', COMMANDS['completion']!)}${HOW}`);
    return 2;
  }
  process.stdout.write(make());
  return 0;
}

const HOW = `
  bash   source <(millrun completion bash)                  # in ~/.bashrc
  zsh    source <(millrun completion zsh)                   # in ~/.zshrc, after compinit
  fish   millrun completion fish > ~/.config/fish/completions/millrun.fish
`;
