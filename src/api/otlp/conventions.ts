import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { SpanRole, TakenSpan, TakenSpanEvent } from '../../domain/taken-span.ts';
import { nestsDeeper } from '../json-text.ts';

/**
 * What the attributes of a span mean, by the conventions that programs follow:
 * OpenTelemetry's own for generative AI, in their present form and in those before (`gen_ai.*`), OpenInference (`openinference.*`, `llm.*`,
 * `input.value`), and OpenLLMetry (`traceloop.*`, `gen_ai.prompt.0.content`).
 */

type About = Pick<TakenSpan, 'role' | 'isGenAi' | 'model' | 'usage' | 'inputs' | 'outputs' | 'attributes'> & {
  readonly events: readonly TakenSpanEvent[];
};

const ROLES: Readonly<Record<string, SpanRole>> = {
  // gen_ai.operation.name
  chat: 'model',
  text_completion: 'model',
  generate_content: 'model',
  embeddings: 'model',
  invoke_agent: 'agent',
  create_agent: 'agent',
  execute_tool: 'tool',
  invoke_workflow: 'workflow',
  retrieval: 'retrieval',
  // openinference.span.kind
  llm: 'model',
  embedding: 'model',
  agent: 'agent',
  tool: 'tool',
  chain: 'workflow',
  retriever: 'retrieval',
  // traceloop.span.kind
  workflow: 'workflow',
  task: 'other',
  // llm.request.type
  completion: 'model',
};

const ROLE_KEYS = ['gen_ai.operation.name', 'openinference.span.kind', 'traceloop.span.kind', 'llm.request.type'];
const MODEL_KEYS = [
  'gen_ai.response.model',
  'gen_ai.request.model',
  'llm.model_name',
  'embedding.model_name',
  'llm.response.model',
  'llm.request.model',
];
const INPUT_TOKENS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.token_count.prompt',
  'llm.usage.prompt_tokens',
];
const OUTPUT_TOKENS = [
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.token_count.completion',
  'llm.usage.completion_tokens',
];
const COSTS = ['gen_ai.usage.cost', 'llm.cost.total', 'millrun.cost_usd'];

/** Where contents stand, the better place first, and the name that they get. A family is all attributes `<key>.<n>.…`. */
const INPUTS = [
  { key: 'gen_ai.input.messages', as: 'messages' },
  { key: 'llm.input_messages', as: 'messages', isFamily: true },
  { key: 'gen_ai.prompt', as: 'messages', isFamily: true },
  { key: 'gen_ai.prompt', as: 'prompt' },
  { key: 'gen_ai.tool.call.arguments', as: 'arguments' },
  { key: 'traceloop.entity.input', as: 'input' },
  { key: 'input.value', as: 'input' },
  { key: 'millrun.input', as: 'input' },
] as const;
const OUTPUTS = [
  { key: 'gen_ai.output.messages', as: 'messages' },
  { key: 'llm.output_messages', as: 'messages', isFamily: true },
  { key: 'gen_ai.completion', as: 'messages', isFamily: true },
  { key: 'gen_ai.completion', as: 'completion' },
  { key: 'gen_ai.tool.call.result', as: 'result' },
  { key: 'traceloop.entity.output', as: 'output' },
  { key: 'output.value', as: 'output' },
  { key: 'millrun.output', as: 'output' },
] as const;

/** Messages as events, which conventions before 1.37 had. */
const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/;
const CHOICE_EVENTS = new Set(['gen_ai.choice', 'gen_ai.content.completion']);

/** Levels of lists and objects in a content: more than messages have, and as many as any body of a request may have (`api/server.ts`). */
const MAX_DEPTH = 500;

/** Levels that the key of an attribute tells, e.g. `llm.input_messages.0.message.tool_calls.0.tool_call.function.name`. */
const MAX_KEY_LEVELS = 20;

const GEN_AI = /^(gen_ai|openinference|traceloop|llm)\./;

/** Attributes that are kept beside what was read of them. */
const MOST_ATTRIBUTES = 200;

/** What a span's attributes and events say of it. Events that are messages become its contents; the others stay events. */
export function aboutOf(
  attributes: JsonObject,
  events: readonly (TakenSpanEvent & { readonly name: string })[],
): About {
  const taken = new Set<string>();
  const inputs = contentOf(INPUTS, attributes, taken);
  const outputs = contentOf(OUTPUTS, attributes, taken);
  const system = parsed(attributes['gen_ai.system_instructions']);
  if (system !== undefined) taken.add('gen_ai.system_instructions');
  const asked = events.filter(({ name }) => MESSAGE_EVENT.test(name));
  const answered = events.filter(({ name }) => CHOICE_EVENTS.has(name));
  const prompts = events.filter(({ name }) => name === 'gen_ai.content.prompt');
  const ofEvents = [...asked, ...prompts].map(messageOf);
  const rest = Object.entries(attributes).filter(([key]) => !taken.has(key));
  const input = inputs ?? (ofEvents.length === 0 ? null : { messages: ofEvents });
  return {
    role: roleOf(attributes),
    isGenAi: Object.keys(attributes).some((key) => GEN_AI.test(key)),
    model: first(MODEL_KEYS, attributes, (value) => (typeof value === 'string' && value !== '' ? value : null)),
    usage: usageOf(attributes),
    inputs: system === undefined ? input : { system_instructions: system, ...input },
    outputs: outputs ?? (answered.length === 0 ? null : { messages: answered.map(messageOf) }),
    attributes: Object.fromEntries(rest.slice(0, MOST_ATTRIBUTES)),
    events: events
      .filter((event) => ![asked, answered, prompts].some((group) => group.includes(event)))
      .map(({ name: _, ...event }) => event),
  };
}

function roleOf(attributes: JsonObject): SpanRole {
  const role = first(ROLE_KEYS, attributes, (value) =>
    typeof value === 'string' ? (ROLES[value.toLowerCase()] ?? null) : null,
  );
  return role ?? (MODEL_KEYS.some((key) => attributes[key] !== undefined) ? 'model' : 'other');
}

function usageOf(attributes: JsonObject): TakenSpan['usage'] {
  const inputTokens = first(INPUT_TOKENS, attributes, count);
  const outputTokens = first(OUTPUT_TOKENS, attributes, count);
  if (inputTokens === null && outputTokens === null) return null;
  const cost = first(COSTS, attributes, (value) =>
    typeof value === 'number' && value >= 0 && value < 1e9 ? decimalText(value) : null,
  );
  return { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0, cost };
}

/** Without an exponent, to a billionth of a dollar. */
function decimalText(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, '');
}

function count(value: JsonValue): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

function first<T>(keys: readonly string[], attributes: JsonObject, read: (value: JsonValue) => T | null): T | null {
  for (const key of keys) {
    const value = attributes[key];
    const found = value === undefined ? null : read(value);
    if (found !== null) return found;
  }
  return null;
}

function contentOf(
  places: readonly { readonly key: string; readonly as: string; readonly isFamily?: boolean }[],
  attributes: JsonObject,
  taken: Set<string>,
): JsonObject | null {
  let content: JsonObject | null = null;
  for (const { key, as, isFamily = false } of places) {
    const value = isFamily ? familyOf(key, attributes, taken) : parsed(attributes[key]);
    if (value === undefined) continue;
    if (!isFamily) taken.add(key);
    // Of several that say the same, the first counts; the others are its repetitions.
    content ??= isJsonObject(value) && as !== 'messages' ? value : { [as]: value };
  }
  return content;
}

/** JSON that stands in a text, as conventions have it; any other value as it is. */
function parsed(value: JsonValue | undefined): JsonValue | undefined {
  // What lies deeper stays a text: recursion over a value must end before the call stack does.
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value) || nestsDeeper(value, MAX_DEPTH)) return value;
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
}

/** `<key>.<n>.a.b = v` as a list of `{a: {b: v}}`; `message` in between, as OpenInference has it, is left out. */
function familyOf(key: string, attributes: JsonObject, taken: Set<string>): JsonValue | undefined {
  const items: JsonObject[] = [];
  for (const [name, value] of Object.entries(attributes)) {
    const [, index, path = ''] =
      (name.startsWith(`${key}.`) && /^(\d{1,4})\.(.+)$/.exec(name.slice(key.length + 1))) || [];
    if (index === undefined) continue;
    taken.add(name);
    const parts = path.replace(/^message\./, '').split('.', MAX_KEY_LEVELS);
    const last = parts.pop() ?? '';
    items[Number(index)] ??= {};
    let at = items[Number(index)]!;
    for (const part of parts) {
      const next = Object.hasOwn(at, part) ? at[part] : undefined;
      if (isJsonObject(next)) at = next;
      else {
        const made: JsonObject = Object.create(null);
        at[part] = made;
        at = made;
      }
    }
    at[last] = parsed(value) ?? null;
  }
  const list = items.filter((item) => item !== undefined);
  return list.length === 0 ? undefined : list;
}

function messageOf({ name, attributes }: TakenSpanEvent & { readonly name: string }): JsonObject {
  const [, role] = MESSAGE_EVENT.exec(name) ?? [];
  const { 'gen_ai.system': _, 'gen_ai.provider.name': __, ...said } = attributes;
  const values = Object.entries(said).map(([key, value]) => [
    key.replace(/^gen_ai\.(prompt|completion|event\.content)$/, 'content'),
    parsed(value) ?? null,
  ]);
  return { ...(role === undefined ? {} : { role }), ...Object.fromEntries(values) };
}
