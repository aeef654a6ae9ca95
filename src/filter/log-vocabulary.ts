import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

const LEVEL_CODES = { debug: ['debug'], info: ['info'], warning: ['warning'], error: ['error'] };

/** The fields of a run's log line that a filter and `sort_by` know, under the names of the Runflow API. */
export const logVocabulary: Vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', 'Identity of the line; later lines have greater ones.'),
  field('run_id', 'runId', 'uuid', 'The run that wrote it.'),
  field('level_code', 'level', 'code', 'How much it matters.', LEVEL_CODES),
  field('message', 'message', 'text', 'What it says.'),
  field('timestamp', 'timestamp', 'datetime', 'When it was written.'),
  field('meta', 'meta', 'json', 'Data beside it: meta.node_key.'),
]);
