import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { nearest } from './nearest.ts';

export const FORM_FIELD_KINDS = ['checkbox', 'select', 'text', 'number', 'file'] as const;
export type FormFieldKind = (typeof FORM_FIELD_KINDS)[number];

/** Characters of a text that a person may write: some fifty pages, and small enough to lie in a row. */
const MAX_TEXT_LENGTH = 100_000;

/** One thing that a person is asked for. */
export interface FormField {
  /** Its key in the answer, and the output that delivers it. */
  readonly name: string;
  readonly kind: FormFieldKind;
  readonly label: string;
  readonly isRequired: boolean;
  /** What stands in the field at first, and counts where the answer leaves it out; null: nothing. */
  readonly initial: JsonValue;
  /** What a `select` offers; empty for the other kinds. */
  readonly options: readonly string[];
}

/** What is wrong with the value of one field. */
export interface AnswerProblem {
  readonly field: string;
  readonly message: string;
  readonly type: 'missing' | 'wrong_value' | 'unknown_field';
}

/** An answer with a value for every field of the form, or everything that is wrong with it. */
export function readAnswer(
  form: readonly FormField[],
  given: JsonObject,
): { readonly answer: JsonObject } | { readonly problems: readonly AnswerProblem[] } {
  const names = form.map(({ name }) => name);
  const problems: AnswerProblem[] = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => ({ field: name, message: unknownField(name, names), type: 'unknown_field' }));
  const answer: JsonObject = {};
  for (const field of form) {
    const value = isLeftOut(field, given[field.name]) ? field.initial : (given[field.name] as JsonValue);
    if (isLeftOut(field, value)) {
      if (field.isRequired) {
        const message = `"${field.label}" is required. Give "${field.name}": ${WANTED[field.kind](field)}.`;
        problems.push({ field: field.name, message, type: 'missing' });
      }
      answer[field.name] = field.kind === 'checkbox' ? false : null;
      continue;
    }
    const read = readValue(field, value);
    if (read === undefined) {
      const message = `"${field.label}" takes ${WANTED[field.kind](field)}; given was ${JSON.stringify(value).slice(0, 80)}.`;
      problems.push({ field: field.name, message, type: 'wrong_value' });
    } else answer[field.name] = read;
  }
  return problems.length > 0 ? { problems } : { answer };
}

/** What each kind of field takes, as messages say it. */
const WANTED: Readonly<Record<FormFieldKind, (field: FormField) => string>> = {
  checkbox: () => 'true or false',
  select: ({ options }) => `one of ${options.map((option) => JSON.stringify(option)).join(', ')}`,
  text: () => `text of at most ${MAX_TEXT_LENGTH} characters`,
  number: () => 'a number',
  file: () => 'a file: {"uri": "spot://…"} or an address',
};

/** An empty text is what a form sends for a field that nobody filled in. */
function isLeftOut({ kind }: FormField, value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (value === '' && kind !== 'select');
}

/** The value as it travels in a run; undefined when the field does not take it. */
function readValue({ kind, options }: FormField, value: JsonValue): JsonValue | undefined {
  switch (kind) {
    case 'checkbox':
      return typeof value === 'boolean' ? value : undefined;
    case 'select':
      return typeof value === 'string' && options.includes(value) ? value : undefined;
    case 'text':
      return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH ? value : undefined;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'file': {
      const file = typeof value === 'string' ? { uri: value } : value;
      if (!isJsonObject(file) || typeof file['uri'] !== 'string') return undefined;
      return /^(spot|https?|data):/i.test(file['uri']) && file['uri'].length <= MAX_TEXT_LENGTH ? file : undefined;
    }
  }
}

function unknownField(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const hint = near === undefined ? `Fields are ${names.join(', ') || 'none'}.` : `Did you mean ${near}?`;
  return `The form has no field ${JSON.stringify(name.slice(0, 80))}. ${hint}`;
}
