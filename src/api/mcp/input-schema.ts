import { type DeclaredInput, type InputKind, readDeclaredInput } from '../../domain/declared-input.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Workflow, WorkflowVersion } from '../../domain/workflow.ts';
import type { Catalogue } from '../../nodes/catalogue.ts';

/** A stored or reachable file, as runs take it. */
const FILE: JsonObject = {
  description: 'A file: {"uri": "spot://<file id>"} of an uploaded one, or an http(s) address.',
  anyOf: [{ type: 'string' }, { type: 'object', properties: { uri: { type: 'string' } }, required: ['uri'] }],
};

/** The JSON Schema of a value of each data type of an input node. Those that may be anything have none. */
const SCHEMA_OF_TYPE: Readonly<Record<string, JsonObject>> = {
  str: { type: 'string' },
  number: { type: 'number' },
  bool: { type: 'boolean' },
  datetime: { type: 'string', description: 'A time, ISO 8601.' },
  dict: { type: 'object' },
  list: { type: 'array' },
  Image: FILE,
  Audio: FILE,
  File: FILE,
};

const SCHEMA_OF_KIND: Readonly<Record<InputKind, JsonObject>> = {
  text: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  media: { type: 'string', description: 'An address (http, https, data) of the file, or a reference to a stored one.' },
  object: { type: 'object' },
  array: { type: 'array' },
  enum: {},
  any: {},
};

/** What a run of a workflow takes, as a JSON Schema of its input. @param version its definition, of which flows need the input nodes */
export function inputSchema(workflow: Workflow, version: WorkflowVersion | null, catalogue: Catalogue): JsonObject {
  const inputs = workflow.kind === 'flow' ? flowInputs(version, catalogue) : declaredInputs(workflow);
  return {
    type: 'object',
    properties: Object.fromEntries(inputs.map(({ name, schema }) => [name, schema])),
    required: inputs.filter(({ isRequired }) => isRequired).map(({ name }) => name),
    additionalProperties: false,
  };
}

interface Input {
  readonly name: string;
  readonly schema: JsonObject;
  readonly isRequired: boolean;
}

/** The input nodes of a definition under their labels; what stands fixed cannot be given. */
function flowInputs(version: WorkflowVersion | null, catalogue: Catalogue): Input[] {
  const nodes = version?.definition.nodes ?? [];
  return nodes
    .filter(({ type }) => catalogue.find(type)?.role === 'input')
    .map(({ id, type, config }) => {
      const { label, value = null, optional, description } = config;
      const preset = value === '' ? null : value;
      const dataType = type === 'FileInputNode' ? 'File' : String(config['type'] ?? 'str');
      return {
        name: typeof label === 'string' && label !== '' ? label : id,
        schema: {
          ...SCHEMA_OF_TYPE[dataType],
          ...(typeof description === 'string' && description !== '' ? { description } : {}),
          ...(preset === null ? {} : { default: preset }),
        },
        isRequired: preset === null && optional !== true,
      };
    });
}

function declaredInputs({ profile }: Workflow): Input[] {
  const inputs = profile['inputs'];
  return (Array.isArray(inputs) ? inputs.filter(isJsonObject) : []).map((wire) => {
    const declared = readDeclaredInput(wire);
    const description = wire['description'];
    return {
      name: declared.name,
      schema: {
        ...SCHEMA_OF_KIND[declared.kind],
        ...limitsOf(declared),
        ...(typeof description === 'string' && description !== '' ? { description } : {}),
        ...(declared.defaultValue === null ? {} : { default: declared.defaultValue }),
      },
      isRequired: declared.isRequired && declared.defaultValue === null,
    };
  });
}

function limitsOf({ limits, kind }: DeclaredInput): JsonObject {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, options } = limits;
  const given = Object.entries({ minimum, maximum, minLength, maxLength, minItems, maxItems });
  const numbers = Object.fromEntries(given.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
  return { ...numbers, ...(options === null || kind === 'array' ? {} : { enum: [...options] }) };
}
