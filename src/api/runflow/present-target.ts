import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { Workflow, WorkflowKind } from '../../domain/workflow.ts';
import { COMPONENTS } from './schemas.ts';

/** What a kind of target is called here: its resource, and the property by which a part of it points to it. */
const RESOURCE: Readonly<Record<WorkflowKind, readonly [component: string, idProperty: string]>> = {
  flow: ['Flow', 'flow_id'],
  model: ['Model', 'model_id'],
  comfyui_workflow: ['ComfyUIWorkflow', 'comfyui_workflow_id'],
};

/** A target as it is shown: its profile has the properties of its kind under their names on the wire. */
export interface ShownTarget {
  readonly workflow: Workflow;
  readonly runsCount: number;
}

/** A flow, model or ComfyUI workflow with every property that its resource has; lists of its parts likewise. */
export function presentTarget({ workflow, runsCount }: ShownTarget): JsonObject {
  const [component, idProperty] = RESOURCE[workflow.kind];
  const { profile } = workflow;
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  const since = { created_at: time(workflow.createdAt), updated_at: time(workflow.updatedAt) };
  const facts: JsonObject = {
    ...profile,
    ...since,
    id: workflow.id,
    org_id: workflow.workspaceId,
    slug: workflow.slug,
    name: workflow.name,
    description: workflow.description,
    status_code: profile['status_code'] ?? 'active',
    deleted_at: time(workflow.deletedAt),
    // A flow's version is counted; what models and ComfyUI workflows call theirs is their author's to say.
    version: profile['version'] ?? (workflow.kind === 'flow' ? workflow.revision : workflow.currentVersionId),
    current_version_id: workflow.currentVersionId,
    flow_type_code: workflow.type,
    visibility_code: profile['visibility_code'] ?? 'private',
    run_count: runsCount,
  };
  return shaped(component, facts, { [idProperty]: workflow.id, ...since });
}

interface PropertySchema {
  readonly anyOf?: readonly PropertySchema[];
  readonly items?: { readonly $ref?: string };
}

const PROPERTIES: ReadonlyMap<string, readonly [name: string, partsAre: string | undefined][]> = new Map(
  COMPONENTS.map((component) => {
    const { $id, properties } = component as { $id?: string; properties?: Readonly<Record<string, PropertySchema>> };
    return [$id ?? '', Object.entries(properties ?? {}).map(([name, property]) => [name, partsOf(property)])];
  }),
);

/** The component that the items of a list are. */
function partsOf({ anyOf, items }: PropertySchema): string | undefined {
  return items?.$ref ?? anyOf?.map(partsOf).find((name) => name !== undefined);
}

/** Exactly the properties of a component: null where there is no value, an empty list where there are no parts. */
function shaped(component: string, given: JsonObject, ofParts: JsonObject): JsonObject {
  return Object.fromEntries(
    (PROPERTIES.get(component) ?? []).map(([name, partsAre]): [string, JsonValue] => {
      const value = given[name] ?? null;
      if (partsAre === undefined) return [name, value];
      const parts = Array.isArray(value) ? value.filter(isJsonObject) : [];
      return [name, parts.map((part) => shaped(partsAre, { ...ofParts, ...part }, {}))];
    }),
  );
}
