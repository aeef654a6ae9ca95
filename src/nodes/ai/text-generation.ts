import type { JsonObject } from '../../domain/json.ts';
import { type EffectNodeType, failed, keyedValues, type NodeContext, type Outcome, succeeded } from '../node-type.ts';
import { renderTemplate } from '../template.ts';
import { one } from '../value-types.ts';
import { askLanguageModel } from './language-call.ts';
import { MODEL_CONFIG, MODEL_NODE_RETRY, MODEL_NODE_TIMEOUT_MS, SAMPLING_CONFIG, samplingOf } from './model-config.ts';
import { askModels } from './model-order.ts';

/** Text from a language model. */
export const textGeneration: EffectNodeType = {
  type: 'TextGenerationNode',
  title: 'Generate text',
  description:
    'Sends a prompt to a language model behind an OpenAI-compatible endpoint. ((Key)) in the prompts is replaced by connected variables. The models listed are tried in order until one answers.',
  category: 'ai',
  effect: true,
  timeoutMs: MODEL_NODE_TIMEOUT_MS,
  retry: MODEL_NODE_RETRY,
  inputs: [{ name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true }],
  outputs: [{ name: 'text_output', label: 'Text', kind: 'connector', type: one('str') }],
  config: {
    label: { type: 'str', description: 'Name of the text, for people.', optional: true, default: null },
    template: {
      type: 'str',
      description: 'The prompt, with ((Key)) where a value goes.',
      optional: false,
      default: null,
      display: { type: 'textarea' },
    },
    system: {
      type: 'str',
      description: 'Instructions that hold for the whole answer, with ((Key)) where a value goes.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    ...MODEL_CONFIG,
    ...SAMPLING_CONFIG,
  },
  run(input, context) {
    return generate(input.config, keyedValues(input, 'variables'), context);
  },
};

async function generate(config: JsonObject, variables: JsonObject, context: NodeContext): Promise<Outcome> {
  const prompt = renderTemplate(config['template'] ?? null, variables);
  if ('failure' in prompt) return failed(prompt.failure);
  const system = renderTemplate(config['system'] ?? null, variables);
  if ('failure' in system) return failed(system.failure);
  const request = { system: system.text, content: prompt.text, sampling: samplingOf(config) };
  const answered = await askModels(config, context, (call) => askLanguageModel(call, request, context));
  const warnings = [...prompt.warnings, ...system.warnings, ...(answered.warnings ?? [])];
  if ('kind' in answered) return { ...answered, warnings };
  const usage = answered.usage === null ? {} : { usage: answered.usage };
  return succeeded({ text_output: answered.value.text }, { warnings, ...usage });
}
