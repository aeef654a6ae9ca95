import { readFileSync, writeFileSync } from 'node:fs';
import { COMMANDS, type Command, flagText } from '../src/cli/commands.ts';
import type { Flag } from '../src/cli/flags.ts';

/** Writes the part of docs/cli.md that is made of the table of commands; `cliDoc` is what a test compares it with. */

const BEGIN = '<!-- made by scripts/write-cli-doc.ts from src/cli/commands.ts -->';
const PATH = new URL('../docs/cli.md', import.meta.url);

const cell = (text: string): string => text.replaceAll('|', '\\|');

function flagRows(flags: readonly Flag[]): string[] {
  return flags.map(
    (flag) => `| \`${cell(flagText(flag))}\`${flag.isList ? ' (repeatable)' : ''} | ${cell(flag.about)} |`,
  );
}

function section(name: string, { about, operands, flags = [], actions }: Command): string {
  const lines = [
    `### millrun ${name}${operands === undefined ? '' : ` ${operands}`}`,
    '',
    `${about[0]!.toUpperCase()}${about.slice(1)}.`,
    '',
  ];
  for (const [action, spec] of Object.entries(actions ?? {})) {
    lines.push(
      `- \`millrun ${name} ${action}${spec.operands === undefined ? '' : ` ${spec.operands}`}\`: ${spec.about}`,
    );
    for (const flag of spec.flags ?? [])
      lines.push(`  - \`${flagText(flag)}\`${flag.isList ? ' (repeatable)' : ''}: ${flag.about}`);
  }
  if (actions !== undefined) lines.push('');
  if (flags.length > 0) lines.push('| flag | |', '|---|---|', ...flagRows(flags), '');
  return lines.join('\n');
}

/** The whole document, with its written part as it is. */
export function cliDoc(): string {
  const [written = ''] = readFileSync(PATH, 'utf8').split(BEGIN);
  return `${written}${BEGIN}\n\n${Object.entries(COMMANDS)
    .map(([name, command]) => section(name, command))
    .join('\n')}`;
}

if (import.meta.main) writeFileSync(PATH, cliDoc());
