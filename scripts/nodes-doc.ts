import { ON_ERROR } from '../src/domain/definition.ts';
import type { JsonValue } from '../src/domain/json.ts';
import type { ValueType } from '../src/domain/value.ts';
import type { Catalogue } from '../src/nodes/catalogue.ts';
import type { ConfigField, ConnectorKind, ConnectorSpec, NodeType } from '../src/nodes/node-type.ts';

/** `docs/nodes.md` as text: what the catalogue says of each node type, for people to read. */

const COMMAND = 'node scripts/write-nodes-doc.ts';

/** Words for the categories that need better ones than their names. */
const CATEGORIES: Readonly<Record<string, string>> = {
  core: 'Inputs and outputs',
  files: 'Files',
  ai: 'AI',
  data_ops: 'Data',
  flow: 'Flow',
  web: 'Web',
  models: 'What models are made of',
  code: 'Code',
};

const KEYED: ReadonlySet<ConnectorKind> = new Set(['variable_connector', 'variable_type_size_connector']);

/** The page, with a line break at its end. */
export function nodesDoc(catalogue: Catalogue): string {
  const groups = [...Map.groupBy(catalogue.types, ({ category }) => category)];
  const parts = [
    '# Nodes',
    `<!-- Written by \`${COMMAND}\` from the catalogue in src/nodes. What is changed here by hand is lost. -->`,
    'Every node type of this server: what it does, what goes in and comes out, and what can be set. `GET /v1/nodes` has the same for programs.',
    contents(groups),
    READING,
    commonSettings(catalogue),
    ...groups.flatMap(([category, types]) => [
      `## ${nameOf(category)}`,
      ...types.flatMap((type) => section(type, catalogue)),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

const READING = `## How to read this page

- **Pure** nodes depend on what arrives alone. They run inside the step that decides them, take no time worth naming, and are never tried again.
- **Effects** touch the world: they are recorded before and after, have a time limit for each try, and are tried again where that may help.
- An input marked with a star (\`variables::*\`) is a family: each key is an input of its own, e.g. \`variables::Name\`.
- *Once per item*: a list that arrives there makes the node run once for each of its items, and its outputs are lists in the order of the items.
  Lists at several such inputs are taken item by item. *Whole*: a list is one value.
- \`${ON_ERROR}\` is an output of every node but inputs and outputs. It carries the failure's text when the node fails after all its tries; with an edge
  from it the run goes on there.`;

function contents(groups: readonly (readonly [string, readonly NodeType[]])[]): string {
  return groups
    .map(([category, types]) => {
      const rows = types.map((type) => [
        `[${type.title}](#${anchorOf(headingOf(type))})`,
        type.effect ? 'effect' : 'pure',
        prose(firstSentence(type.description)),
      ]);
      return `**[${nameOf(category)}](#${anchorOf(nameOf(category))})**\n\n${table(['node', 'is', 'does'], rows)}`;
    })
    .join('\n\n');
}

/** Fields that the engine reads, told once. */
function commonSettings({ types, fieldsOf }: Catalogue): string {
  const common = new Map<string, ConfigField>();
  for (const type of types) {
    for (const [name, field] of Object.entries(fieldsOf(type)))
      if (!Object.hasOwn(type.config, name)) common.set(name, field);
  }
  const rows = [...common].map(([name, field]) => {
    const having = types.filter((type) => Object.hasOwn(fieldsOf(type), name));
    const whose = having.every(({ effect }) => effect)
      ? 'effects'
      : having.some(({ role }) => role !== undefined)
        ? 'all'
        : 'all but inputs and outputs';
    return [`\`${name}\``, whose, ...fieldCells(field)];
  });
  return `## Settings that many nodes have\n\n${table(['setting', 'of', 'type', 'default', 'allowed', 'means'], rows)}`;
}

function section(type: NodeType, { fieldsOf }: Catalogue): string[] {
  const own = Object.entries(type.config);
  const common = Object.keys(fieldsOf(type)).filter((name) => !Object.hasOwn(type.config, name));
  const shared = common.map((name) => `\`${name}\``).join(', ');
  return [
    `### ${headingOf(type)}`,
    prose(type.description),
    [
      `- ${treatment(type)}`,
      `- ${lists(type)}`,
      ...(shared === '' ? [] : [`- It has ${shared} too ([what they mean](#settings-that-many-nodes-have)).`]),
    ].join('\n'),
    ...(type.inputs.length === 0
      ? []
      : [
          table(
            ['input', 'type', 'needed', 'a list is taken'],
            type.inputs.map((spec) => [
              nameOfSocket(spec),
              typeOf(spec),
              spec.optional ? 'no' : 'yes',
              takes(spec, type),
            ]),
          ),
        ]),
    ...(type.outputs.length === 0
      ? []
      : [
          table(
            ['output', 'type'],
            type.outputs.map((spec) => [nameOfSocket(spec), typeOf(spec)]),
          ),
        ]),
    ...(type.outputsOf === undefined ? [] : ['More outputs follow from its configuration.']),
    own.length === 0
      ? 'There is nothing to set.'
      : table(
          ['setting', 'type', 'default', 'allowed', 'means'],
          own.map(([name, field]) => [`\`${name}\``, ...fieldCells(field)]),
        ),
  ];
}

function treatment(type: NodeType): string {
  if (!type.effect) return '**Pure.**';
  const { retries, delayMs, factor, maxDelayMs } = type.retry;
  const limit = `**Effect.** One try takes ${type.timeoutMs === 0 ? 'as long as it needs, unless `node_timeout` says otherwise' : `${duration(type.timeoutMs)} at most`}.`;
  if (retries === 0) return `${limit} It is not tried again unless \`max_retries\` says so.`;
  const growth =
    factor === 1
      ? 'apart'
      : `before the first of them, each wait ${factor} times the one before, ${duration(maxDelayMs)} at most`;
  return `${limit} A failure that may pass is tried ${retries} more ${retries === 1 ? 'time' : 'times'}: ${duration(delayMs)} ${growth}, shortened by up to half at random.`;
}

function lists(type: NodeType): string {
  if (type.gathersList) return 'Takes lists whole, wherever they arrive: it never runs once per item.';
  const names = (wanted: boolean) =>
    type.inputs
      .filter((spec) => (takes(spec, type) !== 'whole') === wanted)
      .map(nameOfSocket)
      .join(', ');
  const [iterating, whole] = [names(true), names(false)];
  if (iterating === '')
    return type.inputs.length === 0
      ? 'Runs once: nothing arrives.'
      : 'Takes lists whole: it never runs once per item by itself.';
  return `Runs once per item of a list at ${iterating}${whole === '' ? '' : `; takes lists whole at ${whole}`}.`;
}

/** What becomes of a list that arrives, as the engine decides it (`engine/graph.ts`). */
function takes(spec: ConnectorSpec, type: NodeType): string {
  if (type.eachOf === spec.name) return 'once per item';
  if (type.gathersList || spec.propagatesList === false) return 'whole';
  if (spec.type.isList || spec.type.dataType === 'list') return 'whole';
  return spec.choices === undefined ? 'once per item' : 'once per item, unless a list is chosen as its type';
}

function nameOfSocket({ name, kind }: ConnectorSpec): string {
  return `\`${name}${KEYED.has(kind) ? '::*' : ''}\``;
}

function typeOf({ type, choices }: ConnectorSpec): string {
  if (choices === undefined) return typeName(type);
  return `chosen; ${typeName(type)} unless another is`;
}

const typeName = ({ dataType, isList }: ValueType): string => (isList ? `list of ${dataType}` : dataType);

function fieldCells(field: ConfigField): string[] {
  return [field.type, field.optional ? shown(field.default) : 'required', allowed(field), prose(field.description)];
}

function shown(value: JsonValue): string {
  return value === null ? 'none' : `\`${JSON.stringify(value)}\``;
}

function allowed({ choices, minimum, maximum }: ConfigField): string {
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${minimum} or more`;
  return maximum === undefined ? '' : `${maximum} or less`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A text of the catalogue, which is plain, as Markdown. */
function prose(text: string): string {
  return text.replaceAll(/[\\`*<]|(?<!\w)_/g, '\\$&').replaceAll('\n', ' ');
}

function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}

const firstSentence = (text: string): string => /^.*?[.;:](?=\s|$)/.exec(text)?.[0].replace(/[;:]$/, '.') ?? text;

const headingOf = ({ title, type }: NodeType): string => `${title} (${type})`;

const nameOf = (category: string): string =>
  CATEGORIES[category] ?? category.charAt(0).toUpperCase() + category.slice(1).replaceAll('_', ' ');

/** The address of a heading on its page, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
