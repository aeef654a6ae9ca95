import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cliDoc } from '../scripts/write-cli-doc.ts';
import { COMMANDS, flagsOf } from '../src/cli/commands.ts';
import { bash, fish, zsh } from '../src/cli/completion.ts';
import { LOADERS } from '../src/cli/loaders.ts';

const exec = promisify(execFile);

/** What bash offers where the last of some words is being typed. */
async function completed(...words: string[]): Promise<string[]> {
  const typed = words.map((word) => `'${word}'`).join(' ');
  const script = `${bash()}\nCOMP_WORDS=(${typed}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _millrun; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await exec('bash', ['-c', script])).stdout.trim().split('\n');
}

describe('the table of commands', () => {
  it('is what docs/cli.md says', () => {
    const page = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');
    expect(page, 'docs/cli.md is not up to date. Run: node scripts/write-cli-doc.ts').toBe(cliDoc());
  });

  it('has a file for each command, and each file is in it', () => {
    expect(Object.keys(LOADERS)).toEqual(Object.keys(COMMANDS));
  });

  it('names each flag of an action once', () => {
    for (const command of Object.values(COMMANDS)) {
      for (const action of Object.keys(command.actions ?? { '': null })) {
        const names = flagsOf(command, action).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
      }
    }
  });

  it('is what bash completes', async () => {
    expect(await completed('millrun', 'ru')).toEqual(['run', 'runs']);
    expect(await completed('millrun', 'runs', 's')).toEqual(['show', 'search', 'stop']);
    expect(await completed('millrun', 'runs', 'show', '--w')).toEqual(['--watch']);
    expect(await completed('millrun', 'import', '--from', 'n')).toEqual(['n8n', 'noxus']);
    expect(await completed('millrun', 'doctor', '--o')).toEqual(['--offline']);
  });

  it('is in the scripts for zsh and fish, with what each flag is for', () => {
    for (const [name, { actions = {} }] of Object.entries(COMMANDS)) {
      for (const word of [name, ...Object.keys(actions)]) {
        expect(zsh()).toContain(`'${word}:`);
        expect(fish()).toContain(`-a ${word} -d`);
      }
    }
    expect(fish()).toContain("-l from -x -a 'jsonl n8n noxus runflow'");
    expect(zsh()).toContain('--from[');
  });
});
