import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The words of a request's status, with the domain's codes. */
const STATUS_CODES = {
  pending: ['pending'],
  answered: ['answered'],
  canceled: ['canceled'],
  expired: ['expired'],
};

/** The fields of a request to a person that a filter and `sort_by` know. */
export const personRequestVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the request.'),
  field('status_code', 'status', 'code', 'Whether it waits for an answer, or how it ended.', STATUS_CODES),
  field('run_id', 'runId', 'uuid', 'The run that waits.'),
  field('workflow_id', 'workflowId', 'uuid', 'What is run.'),
  field('node_key', 'nodeId', 'text', 'The node that asks, as the definition names it.'),
  field('iteration', 'iteration', 'integer', 'The item that the node asks about, from 1; 0 where it asks once.'),
  field('title', 'title', 'text', 'What is asked, in one line.'),
  field('description', 'description', 'text', 'What is asked, at length.'),
  field('assignee', 'assignee', 'text', 'Who is meant to answer.'),
  field('due_at', 'dueAt', 'datetime', 'When the default answer counts.'),
  field('answer', 'answer', 'json', 'The answer, by field.'),
  field('settled_by', 'settledBy', 'text', 'Who answered or canceled it.'),
  field('created_at', 'createdAt', 'datetime', 'When it was asked.'),
  field('settled_at', 'settledAt', 'datetime', 'When it was answered, canceled or expired.'),
]);
