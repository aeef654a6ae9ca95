import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** Whether a flow can be run, as its status. */
const STATUS_CODES = { active: ['active'], draft: ['draft'] };

/** The fields of a flow that a filter and `sort_by` know, under the names of the Runflow API. */
export const flowVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the flow.'),
  field('org_id', 'workspaceId', 'uuid', 'Organization it belongs to.'),
  field('slug', 'slug', 'text', 'Its name in addresses.'),
  field('name', 'name', 'text', 'Its name for people.'),
  field('description', 'description', 'text', 'What it does.'),
  field('flow_type_code', 'type', 'code', 'What kind of flow it is.'),
  field('status_code', 'status', 'code', 'Whether it can be run, or is a draft.', STATUS_CODES),
  field('version', 'versionNumber', 'integer', 'Which of its versions is current.'),
  field('current_version_id', 'currentVersionId', 'uuid', 'Its current version.'),
  field('run_count', 'runsCount', 'integer', 'How many runs it has.'),
  field('created_at', 'createdAt', 'datetime', 'When it was made.'),
  field('updated_at', 'updatedAt', 'datetime', 'When it was changed last.'),
]);

/** The fields of a flow's version. */
export const flowVersionVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the version.'),
  field('flow_id', 'workflowId', 'uuid', 'The flow it is of.'),
  field('version', 'number', 'integer', 'Its place among the versions of its flow.'),
  field('name', 'name', 'text', 'The name that somebody saved it under.'),
  field('notes', 'description', 'text', 'What somebody wrote about it.'),
  field('created_by', 'createdBy', 'uuid', 'The key it was saved with.'),
  field('created_at', 'createdAt', 'datetime', 'When it was saved.'),
]);

/** The fields of a node of a flow. */
export const flowNodeVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the node.'),
  field('flow_id', 'flowId', 'uuid', 'The flow it is of.'),
  field('slug', 'nodeId', 'text', 'Its id in the definition.'),
  field('label', 'label', 'text', 'Its name for people.'),
  field('type_code', 'type', 'text', 'What it does.'),
  field('builtin_node_code', 'type', 'text', 'What it does.'),
  field('created_at', 'savedAt', 'datetime', 'When this definition was saved.'),
  field('updated_at', 'savedAt', 'datetime', 'When this definition was saved.'),
  field('config', 'config', 'json', 'How it is configured: config.template.'),
]);

/** The fields of an input or output of a flow. */
export const flowSocketVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the input or output.'),
  field('flow_id', 'flowId', 'uuid', 'The flow it is of.'),
  field('name', 'name', 'text', 'Its name in runs.'),
  field('display_name', 'displayName', 'text', 'Its name for people.'),
  field('variable_type_code', 'type', 'code', 'What it takes or gives.'),
  field('is_required', 'isRequired', 'boolean', 'Whether a run must give it.'),
  field('sort_order', 'position', 'integer', 'Its place.'),
  field('created_at', 'savedAt', 'datetime', 'When this definition was saved.'),
  field('updated_at', 'savedAt', 'datetime', 'When this definition was saved.'),
  field('default_value', 'defaultValue', 'json', 'What it has when a run gives nothing.'),
]);
