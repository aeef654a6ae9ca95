import { ON_ERROR } from '../../domain/definition.ts';
import type { ConfigField, ConnectorSpec, NodeType } from '../../nodes/node-type.ts';
import type { CatalogueEntry, CatalogueField, CatalogueSocket } from './wire.ts';

/** The output that every ordinary node has besides its own. */
const ON_ERROR_SOCKET: CatalogueSocket = {
  name: ON_ERROR,
  label: 'On error',
  kind: 'connector',
  type: { dataType: 'str', isList: false },
  optional: true,
  propagatesList: true,
  choices: [],
};

/** @param fields all there are, those that the engine reads included */
export function presentNodeType(type: NodeType, fields: Readonly<Record<string, ConfigField>>): CatalogueEntry {
  const outputs = type.outputs.map(presentSocket);
  return {
    type: type.type,
    title: type.title,
    description: type.description,
    category: type.category,
    purity: type.effect ? 'effect' : 'pure',
    role: type.role ?? null,
    inputs: type.inputs.map(presentSocket),
    outputs: type.role === undefined ? [...outputs, ON_ERROR_SOCKET] : outputs,
    hasOwnOutputs: type.outputsOf !== undefined,
    gathersList: type.gathersList === true,
    config: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, presentField(field)])),
  };
}

function presentSocket({ name, label, kind, type, optional, propagatesList, choices }: ConnectorSpec): CatalogueSocket {
  return {
    ...{ name, label, kind, type },
    optional: optional === true,
    propagatesList: propagatesList !== false,
    choices: choices ?? [],
  };
}

function presentField(field: ConfigField): CatalogueField {
  return {
    type: field.type,
    description: field.description,
    optional: field.optional,
    default: field.default,
    choices: field.choices ?? null,
    minimum: field.minimum ?? null,
    maximum: field.maximum ?? null,
    advanced: field.advanced === true,
    display: field.display ?? null,
  };
}
