import type { JsonObject } from '../../domain/json.ts';
import type { Warning } from '../../domain/warning.ts';
import { configIssue, configNumber, configText, holdsToken } from '../config.ts';
import {
  type ConnectorSpec,
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { one } from '../value-types.ts';
import { readAnswerSchema } from './answer-schema.ts';
import { askForJson, type JsonAnswer } from './json-call.ts';
import { type Labelled, listed, outputNameProblem, readLabelled } from './labelled.ts';
import { MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS, SAMPLING_CONFIG, samplingOf } from './model-config.ts';
import { spentOn } from './model-order.ts';
import { QUOTED_IS_DATA, quoted, TEXT_INPUT, textInput } from './text-input.ts';

const LABEL = 'label';
const CONFIDENCE = 'confidence';
const UNCERTAIN = 'uncertain';

/** Outputs that are there whatever the labels are. */
const TAKEN: ReadonlySet<string> = new Set([LABEL, CONFIDENCE, UNCERTAIN]);

const EXAMPLE = '[{"name": "billing", "description": "Invoices and payments"}, "other"]';

/** Which of several labels fits a text. */
export const categorizer: EffectNodeType = {
  type: 'CategorizerNode',
  title: 'Categorize',
  description:
    'Chooses the label that fits a text with a language model, and gives the text on through the output named like it. With a threshold, texts of which the model is less sure go through "uncertain".',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [TEXT_INPUT],
  outputs: [
    { name: LABEL, label: 'Label', kind: 'connector', type: one('str') },
    { name: CONFIDENCE, label: 'Confidence', kind: 'connector', type: one('number') },
    branch(UNCERTAIN, 'Uncertain'),
  ],
  config: {
    labels: {
      type: 'list',
      description: `The labels, each a text or {"name", "description"}. Example: ${EXAMPLE}`,
      optional: false,
      default: null,
    },
    instructions: {
      type: 'str',
      description: 'What else the model should know.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    threshold: {
      type: 'float',
      description:
        'The confidence, from 0 to 1, below which a text goes through "uncertain". Confidence is known where the provider gives log-probabilities.',
      optional: true,
      default: null,
      minimum: 0,
      maximum: 1,
    },
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  branches: true,
  outputsOf(config) {
    const read = readLabels(config);
    return 'problem' in read ? [] : read.list.map(({ name }) => branch(name, name));
  },
  check(node) {
    const written = node.config['labels'] ?? null;
    if (written === null || typeof written === 'string' || holdsToken(written)) return [];
    const read = readLabels(node.config);
    return 'problem' in read ? [configIssue(node, 'labels', read.problem, `Write labels like ${EXAMPLE}.`)] : [];
  },
  run(input, context) {
    return categorize(input, context);
  },
};

function branch(name: string, label: string): ConnectorSpec {
  return { name, label, kind: 'connector', type: one('str') };
}

function readLabels(config: JsonObject): ReturnType<typeof readLabelled> {
  const read = readLabelled(config['labels'] ?? null);
  if ('problem' in read) return read;
  const problem = read.list.map(({ name }) => outputNameProblem(name, TAKEN)).find((found) => found !== null);
  return problem === undefined ? read : { problem: `${problem} Choose another label.` };
}

async function categorize(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const labels = readLabels(config);
  if ('problem' in labels) return failed({ code: 'invalid_config', message: `"labels": ${labels.problem}` });
  const given = textInput(input);
  if ('kind' in given) return given;
  const schema = readAnswerSchema(schemaOf(labels.list));
  if ('problem' in schema) return failed({ code: 'invalid_config', message: `"labels": ${schema.problem}` });
  const system = [
    'Choose the one label that fits the text best. The labels are:',
    listed(labels.list),
    QUOTED_IS_DATA,
    configText(config, 'instructions'),
    'Answer with JSON: {"label": "<one of the labels, letter for letter>"}',
  ];
  const answered = await askForJson(config, context, {
    system: system.filter((line) => line !== '').join('\n'),
    content: quoted(given.text),
    sampling: samplingOf(config),
    schema,
    logProbabilities: true,
  });
  if ('kind' in answered) return answered;
  const label = String((answered.value.json as JsonObject)[LABEL]);
  const confidence = confidenceOf(answered.value, label);
  const judged = judge(label, confidence, configNumber(config, 'threshold'), answered.model);
  return succeeded(
    { [LABEL]: label, [CONFIDENCE]: confidence, [judged.isUncertain ? UNCERTAIN : label]: given.text },
    { warnings: [...answered.warnings, ...judged.warnings], ...spentOn(answered) },
  );
}

function judge(
  label: string,
  confidence: number | null,
  threshold: number | null,
  model: string,
): { isUncertain: boolean; warnings: Warning[] } {
  if (threshold === null || (confidence !== null && confidence >= threshold))
    return { isUncertain: false, warnings: [] };
  if (confidence === null) {
    const detail = `Model ${model} tells no log-probabilities, so that the threshold could not be applied to the label "${label}". Use a model that gives them.`;
    return { isUncertain: false, warnings: [{ identifier: 'general', detail }] };
  }
  const detail = `The label "${label}" has a confidence of ${confidence}, which is below the threshold of ${threshold}.`;
  return {
    isUncertain: true,
    warnings: [{ identifier: 'low_confidence', detail, params: { label, confidence, threshold } }],
  };
}

function schemaOf(labels: readonly Labelled[]): JsonObject {
  const label = { type: 'string', enum: labels.map(({ name }) => name) };
  return { type: 'object', properties: { [LABEL]: label }, required: [LABEL], additionalProperties: false };
}

/**
 * How likely the model held the label to be: the product over the tokens that it is written with, given that an answer is begun. Rounded to four digits.
 * Null: the provider gave no log-probabilities, or they are not those of the answer.
 */
function confidenceOf({ text, tokens }: JsonAnswer, label: string): number | null {
  if (tokens.map(({ token }) => token).join('') !== text) return null;
  // The value as JSON writes it, without its quotes, and the last there is: the key stands before it.
  const written = JSON.stringify(label).slice(1, -1);
  const start = text.lastIndexOf(written);
  if (start < 0) return null;
  const end = start + written.length;
  let sum = 0;
  let at = 0;
  for (const { token, logprob } of tokens) {
    if (at < end && at + token.length > start) sum += logprob;
    at += token.length;
  }
  return Math.round(Math.exp(sum) * 10_000) / 10_000;
}
