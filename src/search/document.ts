import type { SearchField } from './search.ts';

/** The fields whose text a document carries; the id of the run is the fourth one. */
export type TextField = Exclude<SearchField, 'run_id'>;

/** One string, number or key of a run. A match never spans two of them. */
export interface Segment {
  readonly field: TextField;
  /** JSON path into the field, such as `$.messages[0].text`. */
  readonly path: string;
  readonly nodeId?: string;
  /** As a person would read it: without quotes and escapes. */
  readonly text: string;
}

/** What of a run is text. */
export interface SearchDocument {
  readonly workspaceId: string;
  /** A UUIDv7, so that the greatest id is the newest run. */
  readonly runId: string;
  readonly workflowId: string;
  readonly segments: readonly Segment[];
}

/** A run as the search reads it. JSON comes as the text that the store holds, so that numbers stay as they were written. */
export interface RunText {
  readonly workspaceId: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly workflowName: string;
  /** JSON. */
  readonly input: string;
  /** JSON; absent until there is one. */
  readonly output?: string;
  /** JSON. */
  readonly meta?: string;
  readonly nodes: readonly NodeText[];
  readonly logs: readonly LogText[];
  readonly warnings: readonly LogText[];
  readonly failure?: LogText;
}

/** What went into a node and came out of it. Those of a subflow and its iterations belong to the run that started them. */
export interface NodeText {
  readonly nodeId: string;
  /** JSON. */
  readonly input?: string;
  /** JSON. */
  readonly output?: string;
}

/** A line for people. */
export interface LogText {
  readonly nodeId?: string;
  readonly text: string;
}

/** A document, and a warning for the run if a configured limit left some of its text out. */
export interface DocumentOfRun {
  readonly document: SearchDocument;
  readonly warning?: string;
}

/** A run that says more than is indexed of one run. */
export interface CutRun {
  readonly workspaceId: string;
  readonly runId: string;
  /** For people. */
  readonly warning: string;
}

/** What the log line of a run that was cut carries, so that it is written once. */
export const CUT_MARK = { search: 'cut' } as const;

/**
 * Says what of a run is text: `input`, `output`, and under `other` everything else that people may remember it by.
 *
 * Within `other`, paths lead into `{ workflow_name, nodes: { <id>: { input, output } }, logs, warnings, failure, meta }`.
 *
 * @param maxCharacters limit of UTF-16 units a run; unlimited when absent. What is beyond it cannot be found.
 * @throws SyntaxError when what should be JSON is not.
 */
export function documentOf(run: RunText, maxCharacters = Number.POSITIVE_INFINITY): DocumentOfRun {
  const segments: Segment[] = [];
  let room = maxCharacters;
  let leftOut = 0;

  const add = (field: TextField, path: string, text: string, nodeId?: string): void => {
    if (text === '') return;
    const kept = text.length <= room ? text : text.slice(0, room).replace(/[\uD800-\uDBFF]$/, '');
    room = kept === text ? room - text.length : 0;
    leftOut += text.length - kept.length;
    if (kept === '') return;
    segments.push(nodeId === undefined ? { field, path, text: kept } : { field, path, nodeId, text: kept });
  };
  const addJson = (field: TextField, path: string, json: string | undefined, nodeId?: string): void => {
    if (json !== undefined) visitJson(json, path, (at, text) => add(field, at, text, nodeId));
  };
  const addLines = (path: string, lines: readonly LogText[]): void => {
    for (const [index, { text, nodeId }] of lines.entries()) add('other', `${path}[${index}]`, text, nodeId);
  };

  addJson('input', '$', run.input);
  addJson('output', '$', run.output);
  add('other', '$.workflow_name', run.workflowName);
  if (run.failure) add('other', '$.failure', run.failure.text, run.failure.nodeId);
  addLines('$.warnings', run.warnings);
  addJson('other', '$.meta', run.meta);
  for (const { nodeId, input, output } of run.nodes) {
    const path = memberPath('$.nodes', nodeId);
    addJson('other', `${path}.input`, input, nodeId);
    addJson('other', `${path}.output`, output, nodeId);
  }
  addLines('$.logs', run.logs);

  const { workspaceId, runId, workflowId } = run;
  const document = { workspaceId, runId, workflowId, segments };
  if (leftOut === 0) return { document };
  const warning = `Search covers the first ${maxCharacters} characters of this run; ${leftOut} more cannot be found.`;
  return { document, warning };
}

/** A place in JSON that is being read: a list with the index of its next item, or an object. */
interface Container {
  readonly path: string;
  index: number | undefined;
}

/**
 * Calls `visit` with the JSON path and the text of every string, number and key of a JSON text, in the order they are written.
 * A key has the path of its member.
 *
 * Reads the text itself, as `JSON.parse` would turn `1.50` into `1.5`, and keeps its own stack, as data may nest deeper than calls.
 *
 * @throws SyntaxError when `json` is not JSON.
 */
export function visitJson(json: string, root: string, visit: (path: string, text: string) => void): void {
  const stack: Container[] = [];
  let path = root;
  let keyNext = false;
  for (let at = 0; at < json.length; ) {
    const char = json.charAt(at);
    if (char === '"') {
      const end = stringEnd(json, at);
      const text = unquote(json.slice(at, end));
      const container = stack.at(-1);
      if (keyNext && container) {
        path = memberPath(container.path, text);
        keyNext = false;
      }
      visit(path, text);
      at = end;
    } else if (char === '{' || char === '[') {
      stack.push({ path, index: char === '[' ? 0 : undefined });
      keyNext = char === '{';
      if (char === '[') path = `${path}[0]`;
      at++;
    } else if (char === '}' || char === ']') {
      stack.pop();
      keyNext = false;
      at++;
    } else if (char === ',') {
      const container = stack.at(-1);
      if (container?.index === undefined) keyNext = true;
      else path = `${container.path}[${++container.index}]`;
      at++;
    } else {
      const word = plainWord(json, at);
      if (/^[-\d]/.test(word)) visit(path, word);
      at += word.length;
    }
  }
}

function stringEnd(json: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = json.indexOf('"', at);
    if (at < 0) throw new SyntaxError(`The string at ${start} of a run's JSON has no end.`);
    let backslashes = 0;
    while (json.charAt(at - 1 - backslashes) === '\\') backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

function unquote(string: string): string {
  return string.includes('\\') ? String(JSON.parse(string)) : string.slice(1, -1);
}

const PLAIN_WORD = /[\s:]+|true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function plainWord(json: string, at: number): string {
  PLAIN_WORD.lastIndex = at;
  const word = PLAIN_WORD.exec(json)?.[0];
  if (word === undefined)
    throw new SyntaxError(`Unexpected ${JSON.stringify(json.charAt(at))} at ${at} of a run's JSON.`);
  return word;
}

/** Whether a text is the key of the member at its path, or a value that says the same. */
export function isKey({ path, text }: Pick<Segment, 'path' | 'text'>): boolean {
  return text.length < path.length && path.endsWith(memberPath('', text));
}

/** The JSON path of a member: `.name`, or RFC 9535's quoted form where the key is no simple name. */
function memberPath(parent: string, key: string): string {
  if (/^[A-Za-z_]\w*$/.test(key)) return `${parent}.${key}`;
  const escaped = JSON.stringify(key).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `${parent}['${escaped}']`;
}
