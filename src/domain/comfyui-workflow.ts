import type { Properties } from './model.ts';

/** What a ComfyUI workflow says of itself beside the name, slug and description that every workflow has (the page "Search runs", `comfyui_workflow`). */
export const COMFYUI_PROPERTIES = {
  workflow_json: 'object',
  version: 'text',
  is_public: 'boolean',
  status_code: 'code',
  environment: 'object',
  models: 'object',
  custom_nodes: 'object',
  graph: 'object',
  resources: 'object',
  category_code: 'code',
  gpu_current_tier_code: 'code',
} as const satisfies Properties;

const DECLARED = {
  name: 'text',
  display_name: 'text',
  description: 'text',
  variable_type_code: 'code',
} as const satisfies Properties;

const PLACED = {
  validator_code: 'code',
  validator_attrs: 'object',
  sort_order: 'integer',
  comfyui_node_id: 'text',
  comfyui_field_name: 'text',
} as const satisfies Properties;

/** The lists that a ComfyUI workflow has, and the properties of their items besides `id`, `created_at` and `updated_at`. */
export const COMFYUI_PARTS = {
  inputs: { ...DECLARED, default_behavior_code: 'code', is_required: 'boolean', default_value: 'any', ...PLACED },
  outputs: { ...DECLARED, ...PLACED },
  gpu_explicit_models: { gpu_model_code: 'code' },
} as const satisfies Readonly<Record<string, Properties>>;

export type ComfyuiPart = keyof typeof COMFYUI_PARTS;

/** Times that an item of a list has. */
export function timesOf(part: ComfyuiPart): readonly string[] {
  return part === 'gpu_explicit_models' ? ['created_at'] : ['created_at', 'updated_at'];
}

/** Words at the place of a slug that mean something else in addresses. */
export const RESERVED_SLUGS: ReadonlySet<string> = new Set([
  'any',
  'runs',
  'batches',
  'inputs',
  'outputs',
  'gpu-models',
]);
