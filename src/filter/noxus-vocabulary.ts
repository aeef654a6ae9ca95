import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

const STATUS_CODES = {
  queued: ['queued'],
  running: ['running'],
  awaiting_human_feedback: ['waiting'],
  completed: ['succeeded'],
  failed: ['failed'],
  stopped: ['canceled'],
};

/** The fields of a run that a filter knows, under the names of the Noxus API. */
export const noxusVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the run.'),
  field('workflow_id', 'workflowId', 'uuid', 'The workflow that was run.'),
  field('workflow_version_id', 'workflowVersionId', 'uuid', 'The frozen definition that was run.'),
  field('status', 'status', 'code', 'Where the run is in its life.', STATUS_CODES),
  field('progress', 'progress', 'integer', 'Settled nodes in percent.'),
  field('created_at', 'createdAt', 'datetime', 'When the run was accepted.'),
  field('started_at', 'startedAt', 'datetime', 'When execution began.'),
  field('finished_at', 'finishedAt', 'datetime', 'When the run reached its end.'),
  field('duration_ms', 'durationMs', 'integer', 'Time from start to end, in milliseconds.'),
  field('source', 'source', 'code', 'What started the run.'),
  field('single_node_id', 'singleNodeId', 'text', 'The node that ran alone.'),
  field('callback_url', 'callbackUrl', 'text', 'Where the end of the run is announced.'),
  field('failure_code', 'failureCode', 'code', 'Why the run failed, as a code.'),
  field('error', 'failureMessage', 'text', 'Why the run failed, in words.'),
  field('input', 'input', 'json', 'The values given: input.Ticket.'),
  field('output', 'output', 'json', 'What came out: output.Reply.'),
  field('meta', 'meta', 'json', 'Metadata of the run.'),
]);
