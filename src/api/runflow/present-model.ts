import type { JsonObject } from '../../domain/json.ts';
import { MODEL_PARTS, MODEL_PROPERTIES, type ModelPart } from '../../domain/model.ts';
import type { Workflow } from '../../domain/workflow.ts';
import { itemsOf, type ModelItem } from '../../operations/models.ts';

const PARTS = Object.keys(MODEL_PARTS) as ModelPart[];

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** A model as the API shows it, with its lists in their order; `backend` is ours. */
export function presentModel(model: Workflow): JsonObject {
  const { profile } = model;
  const { model_creator_id, ...properties } = Object.fromEntries(
    Object.keys(MODEL_PROPERTIES).map((name) => [name, profile[name] ?? null]),
  );
  const lists = PARTS.map((part) => {
    const items = itemsOf(profile, part).map((item) => presentModelItem(part, { modelId: model.id, item }));
    return [part, items.toSorted((a, b) => Number(a['sort_order'] ?? 0) - Number(b['sort_order'] ?? 0))];
  });
  return {
    id: model.id,
    org_id: model.workspaceId,
    model_creator_id: model_creator_id ?? null,
    slug: model.slug,
    name: model.name,
    description: model.description,
    ...properties,
    created_by: profile['created_by'] ?? null,
    created_at: time(model.createdAt),
    updated_at: time(model.updatedAt),
    deleted_at: time(model.deletedAt),
    deleted_by: null,
    ...Object.fromEntries(lists),
    backend: profile['backend'] ?? null,
  };
}

/** The properties of a model, in the order in which they are shown. */
export const MODEL_FIELDS: readonly string[] = [
  'id',
  'org_id',
  'model_creator_id',
  'slug',
  'name',
  'description',
  ...Object.keys(MODEL_PROPERTIES).filter((name) => name !== 'model_creator_id'),
  'created_by',
  'created_at',
  'updated_at',
  'deleted_at',
  'deleted_by',
  ...PARTS,
  'backend',
];

/** An item of a list of a model. */
export function presentModelItem(part: ModelPart, { modelId, item }: ModelItem): JsonObject {
  return Object.fromEntries(
    modelItemFields(part).map((name) => [name, name === 'model_id' ? modelId : (item[name] ?? null)]),
  );
}

/** The properties of such an item. */
export function modelItemFields(part: ModelPart): readonly string[] {
  const times = part === 'related_links' ? ['created_at'] : ['created_at', 'updated_at'];
  return ['id', 'model_id', ...Object.keys(MODEL_PARTS[part]), ...times];
}
