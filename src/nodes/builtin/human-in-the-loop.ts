import { ON_ERROR } from '../../domain/definition.ts';
import { FORM_FIELD_KINDS, type FormField, type FormFieldKind, readAnswer } from '../../domain/form.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { DataType } from '../../domain/value.ts';
import type { Warning } from '../../domain/warning.ts';
import { configIssue, configNumber, configText, holdsToken } from '../config.ts';
import { type ConnectorSpec, type EffectNodeType, failed, keyedValues } from '../node-type.ts';
import { renderTemplate } from '../template.ts';
import { one } from '../value-types.ts';

const MAX_FIELDS = 50;
const MAX_OPTIONS = 500;
const MAX_NAME_LENGTH = 100;

/** Characters of what a person is shown. Lists of requests carry them, and nobody reads more. */
const LONGEST = { title: 500, description: 50_000, assignee: 500 } as const;

/** A year: whoever has not answered by then never will, and waiting without end needs no due time. */
const MAX_DUE_SECONDS = 366 * 24 * 60 * 60;

/** Names that would hide the node's own outputs. */
const TAKEN: ReadonlySet<string> = new Set(['answered_by', 'outcome', ON_ERROR]);

const DATA_TYPE: Readonly<Record<FormFieldKind, DataType>> = {
  checkbox: 'bool',
  select: 'str',
  text: 'str',
  number: 'number',
  file: 'File',
};

const EXAMPLE =
  '[{"name": "approved", "type": "checkbox", "label": "Approve", "initial_value": false}, {"name": "reason", "type": "text", "required": false}]';

/** Asks a person and waits for the answer, for as long as it takes. */
export const humanInTheLoop: EffectNodeType = {
  type: 'HumanInTheLoopNode',
  title: 'Human in the loop',
  description:
    'Asks a person and waits for the answer, for months if need be: ((Key)) in the texts is replaced by the value connected under that key. Each form field is an output; "outcome" is "answered" or "expired", "answered_by" says who answered.',
  category: 'flow',
  // It reads the clock, and asks once.
  effect: true,
  timeoutMs: 10_000,
  retry: { retries: 0, delayMs: 0, factor: 1, maxDelayMs: 0 },
  inputs: [{ name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true }],
  outputs: [output('answered_by', 'Answered by', 'str'), output('outcome', 'Outcome', 'str')],
  config: {
    title: {
      type: 'str',
      description: 'What the person is asked, in one line, with ((Key)) where a value goes.',
      optional: false,
      default: null,
    },
    description: {
      type: 'str',
      description: 'Everything the person needs to decide, with ((Key)) where a value goes.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    fields: {
      type: 'list',
      description: `The form: fields, each {"name", "type", "label", "required", "initial_value", "options"}. "type" is ${FORM_FIELD_KINDS.join(', ')}; "required" is true when left out; "options" are the texts that a select offers. Without fields the person only confirms. Example: ${EXAMPLE}`,
      optional: true,
      default: null,
    },
    assignee: {
      type: 'str',
      description: 'Who is meant to answer, as a label to find requests by. Anybody with the right may answer.',
      optional: true,
      default: null,
    },
    due_seconds: {
      type: 'float',
      description: 'How long to wait; then the default answer counts. Without end when left out.',
      optional: true,
      default: null,
      minimum: 0,
      maximum: MAX_DUE_SECONDS,
    },
    default_answer: {
      type: 'dict',
      description:
        'The answer that counts when the time is over: values by field name. A field left out has its initial value.',
      optional: true,
      default: null,
    },
  },
  outputsOf(config) {
    const read = readForm(config['fields'] ?? null);
    return 'problem' in read ? [] : read.form.map(({ name, label, kind }) => output(name, label, DATA_TYPE[kind]));
  },
  check(node) {
    if (holdsToken(node.config)) return [];
    const read = readWaiting(node.config);
    return 'problem' in read ? [configIssue(node, read.field, read.problem, `Write fields like ${EXAMPLE}.`)] : [];
  },
  async run(input, context) {
    const read = readWaiting(input.config);
    if ('problem' in read) return failed({ code: 'invalid_config', message: `"${read.field}": ${read.problem}` });
    const values = keyedValues(input, 'variables');
    const texts = { title: '', description: '', assignee: '' };
    const warnings: Warning[] = [];
    for (const name of ['title', 'description', 'assignee'] as const) {
      const rendered = renderTemplate(input.config[name] ?? null, values);
      if ('failure' in rendered) return failed(rendered.failure);
      if (rendered.text.length > LONGEST[name]) {
        const message = `The ${name} with its values is ${rendered.text.length} characters long; at most ${LONGEST[name]} are allowed. Shorten the values.`;
        return failed({ code: 'too_large', message });
      }
      texts[name] = rendered.text;
      warnings.push(...rendered.warnings);
    }
    const { form, dueSeconds, fallback } = read;
    const dueAt = dueSeconds === null ? null : context.now() + Math.round(dueSeconds * 1_000);
    return {
      kind: 'person',
      ask: { ...texts, assignee: texts.assignee === '' ? null : texts.assignee, form, dueAt, fallback },
      warnings,
    };
  },
};

function output(name: string, label: string, dataType: DataType): ConnectorSpec {
  return { name, label, kind: 'connector', type: one(dataType) };
}

interface Waiting {
  readonly form: readonly FormField[];
  readonly dueSeconds: number | null;
  /** A value for every field; null without a due time. */
  readonly fallback: JsonObject | null;
}

function readWaiting(config: JsonObject): Waiting | { field: string; problem: string } {
  const read = readForm(config['fields'] ?? null);
  if ('problem' in read) return { field: 'fields', ...read };
  const { form } = read;
  if (configText(config, 'due_seconds') === '') return { form, dueSeconds: null, fallback: null };
  const dueSeconds = configNumber(config, 'due_seconds');
  if (dueSeconds === null || dueSeconds < 0 || dueSeconds > MAX_DUE_SECONDS) {
    return { field: 'due_seconds', problem: `It must be a number from 0 to ${MAX_DUE_SECONDS}.` };
  }
  const given = config['default_answer'] ?? {};
  if (!isJsonObject(given)) return { field: 'default_answer', problem: 'It must be an object: values by field name.' };
  const answer = readAnswer(form, given);
  if ('answer' in answer) return { form, dueSeconds, fallback: answer.answer };
  const problem = `With a due time, each required field needs a value here or an initial one. ${answer.problems.map(({ message }) => message).join(' ')}`;
  return { field: 'default_answer', problem };
}

function readForm(written: JsonValue): { form: readonly FormField[] } | { problem: string } {
  if (written === null) return { form: [] };
  if (!Array.isArray(written)) return { problem: 'It must be a list of fields.' };
  if (written.length > MAX_FIELDS)
    return { problem: `There are ${written.length} fields; at most ${MAX_FIELDS} are allowed.` };
  const form: FormField[] = [];
  for (const [index, item] of written.entries()) {
    const read = readField(item);
    if ('problem' in read) return { problem: `Field ${index + 1}: ${read.problem}` };
    if (form.some(({ name }) => name === read.name)) {
      return { problem: `Field ${index + 1}: another field is already named "${read.name}".` };
    }
    form.push(read);
  }
  return { form };
}

function readField(written: JsonValue): FormField | { problem: string } {
  if (!isJsonObject(written)) return { problem: 'it must be an object with "name" and "type".' };
  const { name, type: given, label, required = true, initial_value: initial = null, options = [] } = written;
  if (
    typeof name !== 'string' ||
    name === '' ||
    name.length > MAX_NAME_LENGTH ||
    /::|\./.test(name) ||
    TAKEN.has(name)
  ) {
    return {
      problem: `"name" must be text of 1 to ${MAX_NAME_LENGTH} characters without "::" or ".", other than ${[...TAKEN].join(', ')}; given was ${JSON.stringify(name ?? null)}.`,
    };
  }
  const kind = FORM_FIELD_KINDS.find((known) => known === given);
  if (kind === undefined) return { problem: `"type" must be one of ${FORM_FIELD_KINDS.join(', ')}.` };
  if (typeof required !== 'boolean') return { problem: '"required" must be true or false.' };
  if (!Array.isArray(options) || options.length > MAX_OPTIONS || options.some((option) => typeof option !== 'string')) {
    return { problem: `"options" must be a list of at most ${MAX_OPTIONS} texts.` };
  }
  if (kind === 'select' && options.length === 0)
    return { problem: 'a select needs "options": the texts that it offers.' };
  const field: FormField = {
    name,
    kind,
    label: typeof label === 'string' && label !== '' ? label : name,
    isRequired: required,
    initial,
    options: kind === 'select' ? (options as string[]) : [],
  };
  const start = readAnswer([{ ...field, isRequired: false }], {});
  return 'problems' in start ? { problem: `"initial_value": ${start.problems[0]!.message}` } : field;
}
