import type { Vocabulary } from '../src/filter/vocabulary.ts';

/** What is read of an OpenAPI 3.1 document. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { in: string; name: string; required?: boolean; schema?: Schema }[];
  readonly requestBody?: { readonly required?: boolean; readonly content?: Content };
  readonly responses?: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

/**
 * The types of an API as TypeScript: its components, and one entry for each operation, by method and path, with what it takes and answers.
 * @param name of the interface that has the operations
 */
export function sdkTypes(document: OpenApi, name: string): string {
  const components = Object.entries(document.components?.schemas ?? {}).map(
    ([id, schema]) => `export type ${nameOf(id)} = ${typeOf(schema, '')};\n`,
  );
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => operationOf(`${method.toUpperCase()} ${path}`, path, operation)),
  );
  return [
    `// Written by scripts/write-sdk-types.ts from the OpenAPI document of the server; test/sdk-types.test.ts holds both together.\n`,
    ...components,
    `/** Every operation by method and path. */\nexport interface ${name} {\n${operations.join('')}}\n`,
  ].join('\n');
}

function operationOf(
  name: string,
  path: string,
  { summary, parameters = [], requestBody, responses = {} }: Operation,
): string {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, one]) => `${one}: string`);
  const query = parameters.filter((one) => one.in === 'query');
  const properties = Object.fromEntries(query.map((one) => [one.name, one.schema ?? {}]));
  const required = query.filter((one) => one.required).map((one) => one.name);
  const body = requestBody?.content?.['application/json']?.schema;
  return [
    ...(summary === undefined ? [] : [`  /** ${summary}. */\n`]),
    `  '${name}': {\n`,
    `    path: ${names.length === 0 ? 'object' : `{ ${names.join('; ')} }`};\n`,
    `    query: ${query.length === 0 ? 'object' : typeOf({ type: 'object', properties, required, additionalProperties: false }, '    ')};\n`,
    `    body: ${body === undefined ? 'undefined' : typeOf(body, '    ')};\n`,
    `    answer: ${answerOf(responses)};\n`,
    `  };\n`,
  ].join('');
}

/** What the first success answers with. */
function answerOf(responses: NonNullable<Operation['responses']>): string {
  const [status, answer] = Object.entries(responses).find(([code]) => code.startsWith('2')) ?? [];
  if (status === '204') return 'undefined';
  const schema = answer?.content?.['application/json']?.schema;
  return schema === undefined ? 'unknown' : typeOf(schema, '    ');
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref.split('/').at(-1)!);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return union(schema.enum.map((value) => literal(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return union(choices.map((one) => typeOf(one, indent)));
  if (schema.allOf !== undefined) return schema.allOf.map((one) => typeOf(one, indent)).join(' & ');
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type }, indent)));
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return schema.items === undefined ? 'unknown[]' : `Array<${typeOf(schema.items, indent)}>`;
    case 'object':
      return objectOf(schema, indent);
    default:
      return 'unknown';
  }
}

function objectOf(
  { properties = {}, patternProperties = {}, additionalProperties, required = [] }: Schema,
  indent: string,
): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : literal(name);
    const type = typeOf(schema, `${indent}  `);
    return `${indent}  ${key}${required.includes(name) ? `: ${type}` : `?: ${type} | undefined`};\n`;
  });
  if (members.length > 0) return `{\n${members.join('')}${indent}}`;
  const [values] = Object.values(patternProperties);
  const rest = values ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
  return `Record<string, ${rest === undefined ? 'unknown' : typeOf(rest, indent)}>`;
}

/** Each alternative once; what may be anything takes the others in. */
function union(types: readonly string[]): string {
  const distinct = [...new Set(types)];
  return distinct.includes('unknown') ? 'unknown' : distinct.join(' | ');
}

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : JSON.stringify(value);

/** `Error` would hide the one that every language has. */
const nameOf = (id: string): string => (id === 'Error' ? 'ErrorBody' : id.replaceAll(/\W/g, '_'));

/** The fields that lists can be filtered by, as the client's filter builder takes them: the kind of each, or its words. */
export function sdkFields(vocabularies: Readonly<Record<string, Vocabulary>>): string {
  const lists = Object.entries(vocabularies).map(([name, { fields }]) => {
    const lines = fields.map(({ name: field, kind, codes }) => {
      const words = codes && `[${Object.keys(codes).map(literal).join(', ')}]`;
      return `  ${/^\w+$/.test(field) ? field : literal(field)}: ${words ?? literal(kind)},\n`;
    });
    return `export const ${name} = {\n${lines.join('')}} as const;\n`;
  });
  const head =
    '// Written by scripts/write-sdk-types.ts from the vocabularies of the filter language; test/sdk-types.test.ts holds both together.\n';
  return [head, ...lists].join('\n');
}
