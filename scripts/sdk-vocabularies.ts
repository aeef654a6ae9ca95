import { batchVocabulary } from '../src/filter/batch-vocabulary.ts';
import { evaluationVocabulary } from '../src/filter/evaluation-vocabulary.ts';
import { flowVocabulary } from '../src/filter/flow-vocabulary.ts';
import { logVocabulary } from '../src/filter/log-vocabulary.ts';
import { modelVocabulary } from '../src/filter/model-vocabulary.ts';
import { nodeRunVocabulary } from '../src/filter/node-run-vocabulary.ts';
import { personRequestVocabulary } from '../src/filter/person-request-vocabulary.ts';
import { runVocabulary } from '../src/filter/run-vocabulary.ts';
import type { Vocabulary } from '../src/filter/vocabulary.ts';

/** The lists that the client's filter builder knows, by the name that it has there. */
export const SDK_VOCABULARIES: Readonly<Record<string, Vocabulary>> = {
  RUN_KINDS: runVocabulary,
  NODE_RUN_KINDS: nodeRunVocabulary,
  LOG_KINDS: logVocabulary,
  HUMAN_REQUEST_KINDS: personRequestVocabulary,
  FLOW_KINDS: flowVocabulary,
  MODEL_KINDS: modelVocabulary,
  BATCH_KINDS: batchVocabulary,
  EVALUATION_KINDS: evaluationVocabulary,
};
