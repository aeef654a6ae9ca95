import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The status words of runs, with the domain's codes. A run that waits for a person is running to the outside. */
const STATUS_CODES = {
  queued: ['queued'],
  dispatching: [],
  running: ['running', 'waiting'],
  succeeded: ['succeeded'],
  failed: ['failed'],
  canceled: ['canceled'],
  partial_succeeded: ['partial'],
};

const TARGET_TYPES = { model: ['model'], flow: ['flow'], comfyui_workflow: ['comfyui_workflow'] };

/** The fields of a run that a filter and `sort_by` know, under the names of the Runflow API and the explorer. */
export const runVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the run.'),
  field('status_code', 'status', 'code', 'Where the run is in its life.', STATUS_CODES),
  field('client_ref', 'clientRef', 'text', 'Label the caller chose; not unique.'),
  field('created_at', 'createdAt', 'datetime', 'When the run was accepted.'),
  field('started_at', 'startedAt', 'datetime', 'When execution began.'),
  field('completed_at', 'completedAt', 'datetime', 'When the run reached its end.'),
  field('duration_ms', 'durationMs', 'integer', 'Time from start to end, in milliseconds.'),
  field('cost', 'cost', 'decimal', 'What was charged in total.'),
  field('target_type', 'targetType', 'code', 'What kind of thing was run.', TARGET_TYPES),
  field('target_version', 'targetVersion', 'text', 'Version of it that was run.'),
  field('model.slug', 'modelSlug', 'text', 'Slug of the model that was run.'),
  field('flow.slug', 'flowSlug', 'text', 'Slug of the flow that was run.'),
  field('comfyui_workflow.slug', 'comfyuiWorkflowSlug', 'text', 'Slug of the ComfyUI workflow that was run.'),
  field('model_id', 'modelId', 'uuid', 'The model that was run.'),
  field('flow_id', 'flowId', 'uuid', 'The flow that was run.'),
  field('flow_version_id', 'flowVersionId', 'uuid', 'The version of the flow that was run.'),
  field('comfyui_workflow_id', 'comfyuiWorkflowId', 'uuid', 'The ComfyUI workflow that was run.'),
  field('org_id', 'workspaceId', 'uuid', 'Organization the run belongs to.'),
  field('source_code', 'source', 'code', 'Where the run came from.'),
  field('batch_id', 'batchId', 'uuid', 'Batch the run is part of.'),
  field('request_id', 'requestId', 'text', 'Request that started the run.'),
  field('created_by', 'createdBy', 'uuid', 'User or key owner who started the run.'),
  field('resolved_template_id', 'resolvedTemplateId', 'uuid', 'Template that a template-backed model used.'),
  field('source_chat_message_id', 'sourceChatMessageId', 'uuid', 'Chat message that started the run.'),
  field('jurisdiction_code', 'jurisdiction', 'code', 'Where the data must stay.'),
  field('callback_url', 'callbackUrl', 'text', 'Where the end of the run is announced.'),
  field('nodes_total', 'nodesTotal', 'integer', 'How many nodes the run has.'),
  field('nodes_completed', 'nodesCompleted', 'integer', 'How many of them are done.'),
  field('failure_code', 'failureCode', 'code', 'Why the run failed, as a code.'),
  field('failure_stage_code', 'failureStage', 'code', 'At which stage it failed.'),
  field('failure_message', 'failureMessage', 'text', 'Why it failed, in words.'),
  field('feedback_is_positive', 'feedbackIsPositive', 'boolean', 'Thumbs up or down; null without feedback.'),
  field('feedback_reason', 'feedbackReason', 'text', 'What the feedback says.'),
  field('has_logs', 'hasLogs', 'boolean', 'Whether there are log lines.'),
  field('has_node_runs', 'hasNodeRuns', 'boolean', 'Whether there are node runs.'),
  field('input', 'input', 'json', 'The values given: input.prompt.'),
  field('output', 'output', 'json', 'What came out: output.outputs[0].type.'),
  field('context', 'context', 'json', 'What the run was executed with.'),
  field('metadata', 'metadata', 'json', "The caller's own data: metadata.order_id."),
  field('cost_breakdown', 'costBreakdown', 'json', 'The parts of the cost.'),
]);
