import Type, { type TSchema } from 'typebox';
import {
  MODEL_PARTS,
  MODEL_PROPERTIES,
  type ModelPart,
  type Properties,
  type PropertyKind,
} from '../../domain/model.ts';

/** A property that may be left out or null. */
const nullable = (schema: TSchema) => Type.Optional(Type.Union([schema, Type.Null()]));

/** A number that must stay exact; as text, or as a number that is taken as it is written. */
const Decimal = Type.Union([Type.String({ pattern: '^\\d{1,30}(\\.\\d{1,20})?$' }), Type.Number({ minimum: 0 })]);

const SCHEMAS: Readonly<Record<PropertyKind, TSchema>> = {
  uuid: Type.String(),
  text: Type.String(),
  code: Type.String(),
  boolean: Type.Boolean(),
  integer: Type.Integer(),
  decimal: Decimal,
  datetime: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:?\\d\\d)$' }),
  object: Type.Record(Type.String(), Type.Unknown()),
  list: Type.Array(Type.Unknown()),
  any: Type.Unknown(),
};

/** What a body may say of something with these properties. */
export const propertiesOf = (properties: Properties): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, kind]) => [
      name,
      kind === 'any' ? Type.Optional(Type.Unknown()) : nullable(SCHEMAS[kind]),
    ]),
  );

/** The body that makes or changes an item of a list of a model. */
export const modelItemBody = (part: ModelPart) => Type.Object(propertiesOf(MODEL_PARTS[part]));

const lists = Object.fromEntries(
  (Object.keys(MODEL_PARTS) as ModelPart[]).map((part) => [
    part,
    Type.Optional(
      Type.Array(Type.Object({ id: nullable(Type.String()), ...propertiesOf(MODEL_PARTS[part]) }), {
        description: 'Takes the place of the whole list; items with an id that is known keep it.',
      }),
    ),
  ]),
);

const shared = {
  slug: Type.Optional(Type.String({ description: 'Its name in addresses; may have slashes.' })),
  description: nullable(Type.String()),
  ...propertiesOf(MODEL_PROPERTIES),
  ...lists,
  backend: nullable(
    Type.Object(
      { kind: Type.String({ description: 'openai_chat, openai_images, http or workflow' }) },
      { description: 'What answers: see docs/models.md.' },
    ),
  ),
};

/** The body that registers a model. */
export const ModelBody = Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }), ...shared });

/** The body that changes one: what is left out stays. */
export const ModelPatchBody = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  ...shared,
});
