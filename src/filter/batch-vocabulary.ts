import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The words of a batch, with the domain's codes. */
const BATCH_STATUS_CODES = {
  queued: ['queued'],
  running: ['running'],
  succeeded: ['succeeded'],
  failed: ['failed'],
  canceled: ['canceled'],
  partial_succeeded: ['partial'],
};

const RUN_STATUS_CODES = { ...BATCH_STATUS_CODES, running: ['running', 'waiting'] };

/** The fields of a batch that a filter and `sort_by` know. */
export const batchVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the batch.'),
  field('status_code', 'status', 'code', 'Where the batch is in its life.', BATCH_STATUS_CODES),
  field('target_type', 'targetType', 'code', 'What kind of thing is run.'),
  field('target_id', 'targetId', 'uuid', 'The thing that is run.'),
  field('items_total', 'itemsTotal', 'integer', 'How many runs it has.'),
  field('items_succeeded', 'itemsSucceeded', 'integer', 'How many of them succeeded, wholly or in part.'),
  field('items_failed', 'itemsFailed', 'integer', 'How many of them failed.'),
  field('items_cancelled', 'itemsCanceled', 'integer', 'How many of them were canceled.'),
  field('callback_url', 'callbackUrl', 'text', 'Where the end of the batch is announced.'),
  field('created_by', 'createdBy', 'uuid', 'Key that made it.'),
  field('created_at', 'createdAt', 'datetime', 'When the batch was accepted.'),
  field('started_at', 'startedAt', 'datetime', 'When the first of its runs began.'),
  field('completed_at', 'completedAt', 'datetime', 'When the last of its runs ended.'),
  field('duration_ms', 'durationMs', 'integer', 'Time from start to end, in milliseconds.'),
  field('metadata', 'metadata', 'json', "The caller's own data."),
]);

/** The fields of a batch's item. */
export const batchItemVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the item: that of its run.'),
  field('batch_id', 'batchId', 'uuid', 'The batch it is part of.'),
  field('sequence_index', 'index', 'integer', 'Its place in the batch, from 0.'),
  field('run_id', 'runId', 'uuid', 'Its run.'),
  field('status_code', 'status', 'code', 'Where its run is in its life.', RUN_STATUS_CODES),
  field('client_ref', 'clientRef', 'text', 'Label the caller chose for it.'),
  field('cost', 'cost', 'decimal', 'What was charged for it.'),
  field('created_at', 'createdAt', 'datetime', 'When its run was accepted.'),
  field('started_at', 'startedAt', 'datetime', 'When its run began.'),
  field('completed_at', 'completedAt', 'datetime', 'When its run ended.'),
]);
