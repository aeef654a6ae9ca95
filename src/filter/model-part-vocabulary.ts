import { MODEL_PARTS, type ModelPart, type PropertyKind } from '../domain/model.ts';
import { type FieldKind, field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

const KINDS: Readonly<Record<PropertyKind, FieldKind>> = {
  uuid: 'uuid',
  text: 'text',
  code: 'code',
  boolean: 'boolean',
  integer: 'integer',
  decimal: 'decimal',
  datetime: 'datetime',
  object: 'json',
  list: 'json',
  any: 'json',
};

/** The fields of each list that a model has; columns are named as the fields. */
export const MODEL_PART_VOCABULARIES = Object.fromEntries(
  Object.entries(MODEL_PARTS).map(([part, properties]) => [part, partVocabulary(part, Object.entries(properties))]),
) as unknown as Readonly<Record<ModelPart, Vocabulary>>;

function partVocabulary(part: string, properties: readonly (readonly [string, PropertyKind])[]): Vocabulary {
  const times = part === 'related_links' ? ['created_at'] : ['created_at', 'updated_at'];
  const own = properties.map(([name, kind]) => field(name, name, KINDS[kind], `Property ${name} of the item.`));
  return vocabularyOf([
    field('id', 'id', 'uuid', 'Identity of the item.'),
    field('model_id', 'model_id', 'uuid', 'The model it belongs to.'),
    ...own,
    ...times.map((name) =>
      field(name, name, 'datetime', `When it was ${name === 'created_at' ? 'made' : 'changed last'}.`),
    ),
  ]);
}
