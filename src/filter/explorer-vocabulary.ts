import { runVocabulary } from './run-vocabulary.ts';
import { field, type Vocabulary, vocabularyOf } from './vocabulary.ts';

/** The statuses as the domain has them, and so finer than `status_code`: a run that waits for a person is one that waits. */
const STATUSES = {
  queued: ['queued'],
  running: ['running'],
  waiting: ['waiting'],
  succeeded: ['succeeded'],
  partial: ['partial'],
  failed: ['failed'],
  canceled: ['canceled'],
};

const VERDICTS = { passed: ['passed'], failed: ['failed'] };

/** The fields of a run that a filter in the explorer knows: those of the Runflow API, and what operators ask for besides. */
export const explorerVocabulary: Vocabulary = vocabularyOf([
  field('status', 'status', 'code', 'Where the run is in its life.', STATUSES),
  field('workflow', 'workflowName', 'text', 'Name of the workflow, model or ComfyUI workflow that was run.'),
  field('workflow_id', 'workflowId', 'uuid', 'The workflow, model or ComfyUI workflow that was run.'),
  field('verdict', 'verdict', 'code', 'What its current evaluation says; null without a verdict.', VERDICTS),
  field('progress', 'progress', 'integer', 'Settled nodes in percent.'),
  field('failure_node', 'failureNode', 'text', 'The node that failed, as the definition names it.'),
  field('trace_id', 'traceId', 'text', 'The OpenTelemetry trace that it is part of.'),
  ...runVocabulary.fields,
]);
