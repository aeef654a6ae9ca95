import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

const STATUS_CODES = { pending: ['pending'], running: ['running'], completed: ['completed'], failed: ['failed'] };

const TARGET_TYPES = { model: ['model'], flow: ['flow'], comfyui_workflow: ['comfyui_workflow'] };

/** The fields of an evaluation that a filter and `sort_by` know, under the names of the Runflow API. */
export const evaluationVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the evaluation.'),
  field('org_id', 'workspaceId', 'uuid', 'Organization it belongs to.'),
  field('run_id', 'runId', 'uuid', 'The run that is judged.'),
  field('status_code', 'status', 'code', 'Where the evaluation is in its life.', STATUS_CODES),
  field('target_type_code', 'targetType', 'code', 'What kind of thing was run.', TARGET_TYPES),
  field('model_id', 'modelId', 'uuid', 'The model that was run.'),
  field('flow_id', 'flowId', 'uuid', 'The flow that was run.'),
  field('comfyui_workflow_id', 'comfyuiWorkflowId', 'uuid', 'The ComfyUI workflow that was run.'),
  field('task_type', 'taskType', 'text', 'What the result was made for.'),
  field('generation_prompt', 'prompt', 'text', 'The prompt that the result was made from.'),
  field('overall_passed', 'passed', 'boolean', 'The verdict; null without one.'),
  field('weighted_pass_rate', 'passRate', 'decimal', 'Weight of the judges that passed, 0 to 1.'),
  field('primary_action_code', 'action', 'code', 'What to do with the result.'),
  field('parent_evaluation_id', 'parentId', 'uuid', 'The evaluation before this one.'),
  field('attempt_number', 'attempt', 'integer', 'Which evaluation of its run it is.'),
  field('superseded_at', 'supersededAt', 'datetime', 'When a later evaluation took its place; null for a current one.'),
  field('eval_duration_ms', 'durationMs', 'integer', 'Time from submission to conclusion, in milliseconds.'),
  field('feedback_is_positive', 'feedbackIsPositive', 'boolean', 'Thumbs up or down; null without feedback.'),
  field('feedback_reason', 'feedbackReason', 'text', 'What the feedback says.'),
  field('client_ref', 'clientRef', 'text', 'Label the caller chose; not unique.'),
  field('callback_url', 'callbackUrl', 'text', 'Where the conclusion is announced.'),
  field('cost', 'cost', 'decimal', 'What the judges cost in total.'),
  field('failure_code', 'failureCode', 'code', 'Why the evaluation failed, as a code.'),
  field('created_at', 'createdAt', 'datetime', 'When it was made.'),
  field('submitted_at', 'createdAt', 'datetime', 'When it was submitted.'),
  field('updated_at', 'updatedAt', 'datetime', 'When it last changed.'),
  field('completed_at', 'completedAt', 'datetime', 'When it was concluded.'),
  field('input_attributes', 'inputAttributes', 'json', 'What was said of the input.'),
]);
