import { MODEL_PARTS, type ModelPart, type Properties, type PropertyKind } from '../domain/model.ts';
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
  Object.entries(MODEL_PARTS).map(([part, properties]) => {
    const times = part === 'related_links' ? ['created_at'] : ['created_at', 'updated_at'];
    return [part, partVocabulary(['model_id', 'model'], properties, times)];
  }),
) as unknown as Readonly<Record<ModelPart, Vocabulary>>;

/**
 * The fields of a list that stands inside something else.
 * @param parent the property by which an item points to that, and what that is called
 */
export function partVocabulary(
  [parentId, noun]: readonly [string, string],
  properties: Properties,
  times: readonly string[],
): Vocabulary {
  const own = Object.entries(properties).map(([name, kind]) =>
    field(name, name, KINDS[kind], `Property ${name} of the item.`),
  );
  return vocabularyOf([
    field('id', 'id', 'uuid', 'Identity of the item.'),
    field(parentId, parentId, 'uuid', `The ${noun} it belongs to.`),
    ...own,
    ...times.map((name) =>
      field(name, name, 'datetime', `When it was ${name === 'created_at' ? 'made' : 'changed last'}.`),
    ),
  ]);
}
