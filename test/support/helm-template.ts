import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml, stringify } from 'yaml';

/** What `{{ … }}` stands for, or the text between two of them. */
type Part = { readonly text: string } | { readonly action: string };

type Block = readonly Node[];

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: string }
  | { readonly kind: 'set'; readonly name: string; readonly pipe: string }
  | {
      readonly kind: 'block';
      readonly word: string;
      readonly pipe: string;
      readonly body: Block;
      readonly other: Block;
    };

interface Scope {
  readonly dot: unknown;
  readonly variables: ReadonlyMap<string, unknown>;
}

/**
 * Renders a Helm chart: the part of Go's templates and of Sprig that our chart uses, and nothing else, so that what it does not know is an error
 * (https://helm.sh/docs/chart_template_guide/).
 * @returns the texts of its manifests by file
 */
export function renderChart(folder: string, values: object, release = 'test'): ReadonlyMap<string, string> {
  const templates = join(folder, 'templates');
  const defined = new Map<string, Block>();
  const files = new Map<string, Block>();
  for (const name of readdirSync(templates).sort()) {
    files.set(name, readBlock(partsOf(readFileSync(join(templates, name), 'utf8')), defined));
  }
  const chart = parseYaml(readFileSync(join(folder, 'Chart.yaml'), 'utf8')) as Record<string, unknown>;
  const capital = Object.fromEntries(
    Object.entries(chart).map(([key, value]) => [key[0]?.toUpperCase() + key.slice(1), value]),
  );
  const root = {
    Values: values,
    Chart: capital,
    Release: { Name: release, Service: 'Helm' },
    Files: { Get: (name: string) => readFileSync(join(folder, name), 'utf8') },
  };
  const render = (block: Block, dot: unknown): string =>
    run(block, { dot, variables: new Map([['$', dot]]) }, (name, given) => {
      const found = defined.get(name);
      if (found === undefined) throw new Error(`No template is called ${name}.`);
      return render(found, given);
    });
  return new Map(
    [...files].filter(([name]) => !name.startsWith('_')).map(([name, block]) => [name, render(block, root)]),
  );
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let rest = text;
  for (;;) {
    const found = /\{\{(-?)\s*([\s\S]*?)\s*(-?)\}\}/.exec(rest);
    if (found === null) return [...parts, { text: rest }];
    const before = rest.slice(0, found.index);
    parts.push({ text: found[1] === '-' ? before.trimEnd() : before }, { action: found[2] ?? '' });
    rest = rest.slice(found.index + found[0].length);
    if (found[3] === '-') rest = rest.trimStart();
  }
}

/** Takes parts up to the `end` or `else` of the block. */
function readBlock(parts: Part[], defined: Map<string, Block>): Block {
  const nodes: Node[] = [];
  while (parts[0] !== undefined) {
    const [part] = parts as [Part];
    if ('action' in part && /^(end|else)$/.test(part.action)) return nodes;
    parts.shift();
    if ('text' in part) {
      nodes.push({ kind: 'text', text: part.text });
      continue;
    }
    const [, word, pipe = ''] = /^(if|with|range|define)\s+([\s\S]+)$/.exec(part.action) ?? [];
    const [, name, value] = /^(\$\w+)\s*:=\s*([\s\S]+)$/.exec(part.action) ?? [];
    if (word !== undefined) {
      const body = readBlock(parts, defined);
      const isElse = 'action' in parts[0]! && parts[0].action === 'else';
      parts.shift();
      const other = isElse ? readBlock(parts, defined) : [];
      if (isElse) parts.shift();
      if (word === 'define') defined.set(JSON.parse(pipe) as string, body);
      else nodes.push({ kind: 'block', word, pipe, body, other });
    } else if (name !== undefined && value !== undefined) nodes.push({ kind: 'set', name, pipe: value });
    else nodes.push({ kind: 'print', pipe: part.action });
  }
  return nodes;
}

type Include = (name: string, dot: unknown) => string;

function run(block: Block, given: Scope, include: Include): string {
  let scope = given;
  let text = '';
  for (const node of block) {
    if (node.kind === 'text') text += node.text;
    else if (node.kind === 'set') {
      const value = evaluate(node.pipe, scope, include);
      scope = { ...scope, variables: new Map([...scope.variables, [node.name, value]]) };
    } else if (node.kind === 'print') {
      const value = evaluate(node.pipe, scope, include);
      if (value === undefined || value === null) throw new Error(`{{ ${node.pipe} }} has no value.`);
      text += String(value);
    } else {
      const value = evaluate(node.pipe, scope, include);
      if (node.word === 'range') {
        for (const item of value as unknown[]) text += run(node.body, { ...scope, dot: item }, include);
      } else {
        const dot = node.word === 'with' ? value : scope.dot;
        text += isTrue(value) ? run(node.body, { ...scope, dot }, include) : run(node.other, scope, include);
      }
    }
  }
  return text;
}

function isTrue(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'object') return Object.keys(value).length > 0;
  return value !== '' && value !== 0 && value !== false;
}

const FUNCTIONS: Readonly<Record<string, (...given: unknown[]) => unknown>> = {
  quote: (value) => JSON.stringify(String(value)),
  default: (fallback, value) => (isTrue(value) ? value : fallback),
  not: (value) => !isTrue(value),
  eq: (one, other) => one === other,
  list: (...items) => items,
  index: (of, key) => (of as Record<string, unknown>)[key as string],
  toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
  nindent: (spaces, text) => `\n${String(text).replaceAll(/^(?=.)/gm, ' '.repeat(spaces as number))}`,
  trunc: (length, text) => String(text).slice(0, length as number),
  trimSuffix: (suffix, text) =>
    String(text).endsWith(suffix as string) ? String(text).slice(0, -String(suffix).length) : text,
  sha256sum: (text) => createHash('sha256').update(String(text)).digest('hex'),
};

function evaluate(pipe: string, scope: Scope, include: Include): unknown {
  const stages = splitAt(pipe, '|');
  let value: unknown;
  for (const [place, stage] of stages.entries()) value = call(stage, scope, include, place === 0 ? [] : [value]);
  return value;
}

function call(stage: string, scope: Scope, include: Include, piped: unknown[]): unknown {
  const [head = '', ...rest] = splitAt(stage, ' ');
  if (rest.length === 0 && piped.length === 0 && FUNCTIONS[head] === undefined) return term(head, scope, include);
  const given = [...rest.map((one) => term(one, scope, include)), ...piped];
  if (head === 'include') return include(given[0] as string, given[1]);
  if (head === '.Files.Get')
    return (term('.Files', scope, include) as { Get(name: string): string }).Get(given[0] as string);
  const apply = FUNCTIONS[head];
  if (apply === undefined) throw new Error(`There is no function ${head} in {{ ${stage} }}.`);
  return apply(...given);
}

function term(text: string, scope: Scope, include: Include): unknown {
  if (text.startsWith('(')) return evaluate(text.slice(1, -1), scope, include);
  if (text.startsWith('"')) return JSON.parse(text);
  if (/^-?\d+$/.test(text)) return Number(text);
  const [, variable, path = ''] = /^(\$\w*)?\.?([\w.]*)$/.exec(text) ?? [];
  const from = variable === undefined ? scope.dot : scope.variables.get(variable);
  let value: unknown = from;
  for (const name of path.split('.').filter((part) => part !== '')) {
    if (typeof value !== 'object' || value === null || !(name in value)) throw new Error(`There is no ${text}.`);
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Splits outside of quotes and parentheses. */
function splitAt(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  let isQuoted = false;
  for (const letter of text) {
    if (letter === '"') isQuoted = !isQuoted;
    if (!isQuoted) depth += letter === '(' ? 1 : letter === ')' ? -1 : 0;
    if (letter === separator && depth === 0 && !isQuoted) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
