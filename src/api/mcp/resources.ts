import { readFile } from 'node:fs/promises';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import { OPERATORS_OF_KIND } from '../../filter/vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { stretch } from './excerpt.ts';
import { presentRunDetail } from './run-tools.ts';
import type { ToolCall } from './tool.ts';

/** Characters of an input or output that are read as a resource; the tool read_run_content reads any stretch. */
const MOST_READ = 100_000;

const FILTER_LANGUAGE = 'millrun://filter-language';
const RUN = /^millrun:\/\/runs\/([0-9a-f-]{36})(?:\/(input|output))?$/i;

/** What can be read by a fixed address. */
export const RESOURCES = [
  {
    uri: FILTER_LANGUAGE,
    name: 'filter-language',
    title: 'The filter language',
    description: 'Fields, operators and examples of the conditions that list_runs and search_runs take.',
    mimeType: 'text/markdown',
  },
];

/** What can be read of each run. */
export const RESOURCE_TEMPLATES = [
  {
    uriTemplate: 'millrun://runs/{run_id}',
    name: 'run',
    title: 'A run',
    description: 'How a run stands, as get_run tells it.',
    mimeType: 'application/json',
  },
  ...(['input', 'output'] as const).map((part) => ({
    uriTemplate: `millrun://runs/{run_id}/${part}`,
    name: `run-${part}`,
    title: `The ${part} of a run`,
    description: `JSON text, its first ${MOST_READ} characters.`,
    mimeType: 'application/json',
  })),
];

/**
 * The text of a resource; null: there is no such address.
 * @throws PlatformError `forbidden`; `not_found` for a run that is not there
 */
export async function readResource(
  parts: DialectParts,
  call: ToolCall,
  uri: string,
): Promise<{ readonly mimeType: string; readonly text: string } | null> {
  if (uri === FILTER_LANGUAGE) return { mimeType: 'text/markdown', text: await filterLanguage() };
  const [, id, part] = RUN.exec(uri) ?? [];
  if (id === undefined) return null;
  const run = await parts.runs.get(call.caller, id);
  if (part === undefined) {
    return { mimeType: 'application/json', text: JSON.stringify(await presentRunDetail(parts, call, run)) };
  }
  const payload = part.toLowerCase() === 'input' ? run.input : run.output;
  if (payload === null) return null;
  return { mimeType: 'application/json', text: (await stretch(parts.runs, payload, 0, MOST_READ)).text };
}

/** The page that people read, with the fields of the list that these tools filter. */
async function filterLanguage(): Promise<string> {
  const page = await readFile(new URL('../../../docs/filter-language.md', import.meta.url), 'utf8');
  const fields = explorerVocabulary.fields.map(({ name, kind, description, codes }) => {
    const words = codes === undefined ? '' : ` One of ${Object.keys(codes).join(', ')}.`;
    return `| ${name} | ${kind} | ${description}${words} |`;
  });
  const operators = Object.entries(OPERATORS_OF_KIND).map(([kind, names]) => `| ${kind} | ${names.join(', ')} |`);
  return [
    page.trimEnd(),
    '',
    '## Fields of runs',
    '',
    '| field | kind | what it is |\n| --- | --- | --- |',
    ...fields,
    '',
    '## Operators of each kind',
    '',
    '| kind | operators |\n| --- | --- |',
    ...operators,
    '',
  ].join('\n');
}
