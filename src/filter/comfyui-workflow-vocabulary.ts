import { COMFYUI_PARTS, type ComfyuiPart, timesOf } from '../domain/comfyui-workflow.ts';
import { partVocabulary } from './model-part-vocabulary.ts';
import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The fields of a ComfyUI workflow that a filter and `sort_by` know, under the names of the Runflow API. */
export const comfyuiWorkflowVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the workflow.'),
  field('org_id', 'workspaceId', 'uuid', 'Organization it belongs to.'),
  field('slug', 'slug', 'text', 'Its name in addresses.'),
  field('name', 'name', 'text', 'Its name for people.'),
  field('description', 'description', 'text', 'What it does.'),
  field('version', 'profile.version', 'text', 'Version that its author gave it.'),
  field('is_public', 'profile.is_public', 'boolean', 'Whether it may be shown to everyone.'),
  field('status_code', 'profile.status_code', 'code', 'Where it is in its life.'),
  field('category_code', 'profile.category_code', 'code', 'What it makes.'),
  field('gpu_current_tier_code', 'profile.gpu_current_tier_code', 'code', 'The GPU that its runs are charged by.'),
  field('created_by', 'profile.created_by', 'uuid', 'The key that deployed it first.'),
  field('created_at', 'createdAt', 'datetime', 'When it was deployed first.'),
  field('updated_at', 'updatedAt', 'datetime', 'When it was changed last.'),
  field('workflow_json', 'profile.workflow_json', 'json', 'Its graph in API format, e.g. workflow_json.3.class_type.'),
  field('environment', 'profile.environment', 'json', 'Packages and ComfyUI version of its author.'),
  field('models', 'profile.models', 'json', 'Model files that it names.'),
  field('custom_nodes', 'profile.custom_nodes', 'json', 'Custom nodes that it needs.'),
  field('graph', 'profile.graph', 'json', 'Its graph in the format of the editor.'),
  field('resources', 'profile.resources', 'json', 'Input files that it names.'),
]);

/** The fields of each list that a ComfyUI workflow has; columns are named as the fields. */
export const COMFYUI_PART_VOCABULARIES = Object.fromEntries(
  Object.entries(COMFYUI_PARTS).map(([part, properties]) => [
    part,
    partVocabulary(['comfyui_workflow_id', 'ComfyUI workflow'], properties, timesOf(part as ComfyuiPart)),
  ]),
) as unknown as Readonly<Record<ComfyuiPart, Vocabulary>>;
