import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The state words of nodes in a run, with the domain's codes. */
const STATE_CODES = {
  pending: [],
  running: ['running', 'waiting'],
  succeeded: ['succeeded'],
  failed: ['failed'],
  skipped: ['skipped'],
  cached: ['cached'],
  canceled: ['canceled'],
};

/** The fields of a node in a run that a filter and `sort_by` know, under the names of the Runflow API. */
export const nodeRunVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the node run.'),
  field('run_id', 'runId', 'uuid', 'The run it is part of.'),
  field('node_id', 'flowNodeId', 'uuid', 'The node of the flow, the same in all runs.'),
  field('node_key', 'nodeId', 'text', 'The name of the node in its graph.'),
  field('flow_id', 'flowId', 'uuid', 'The flow that was run.'),
  field('state_code', 'status', 'code', 'Where the node is in its life.', STATE_CODES),
  field('created_at', 'createdAt', 'datetime', 'When the node began, or its run was accepted.'),
  field('started_at', 'startedAt', 'datetime', 'When the node began.'),
  field('completed_at', 'completedAt', 'datetime', 'When the node ended.'),
  field('duration_ms', 'durationMs', 'integer', 'Time from start to end, in milliseconds.'),
  field('cost', 'cost', 'decimal', 'What the node used.'),
  field('retry_count', 'retryCount', 'integer', 'Tries after the first.'),
  field('error_message', 'errorMessage', 'text', 'Why it failed, in words.'),
  field('input', 'input', 'json', 'The values it got: input.value.'),
  field('output', 'output', 'json', 'The values it gave: output.output.'),
]);
