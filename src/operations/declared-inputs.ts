import { type DeclaredInput, type InputKind, kindOfType } from '../domain/declared-input.ts';
import type { Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import { compilePattern, MAX_SUBJECT_LENGTH } from '../nodes/pattern.ts';

/** Characters of a wrong value that a message repeats. */
const SHOWN_LENGTH = 80;

/** Names that a message lists at most: enough to choose from. */
const LISTED_NAMES = 20;

/** Where media may be: fetched, inline, or kept here. */
const MEDIA_ADDRESS = /^(https?|data|spot|runflow):/i;

/** An input held against what is declared. */
export interface CheckedInput {
  /** With defaults filled in; inputs without a value are left out. */
  readonly input: JsonObject;
  readonly problems: readonly Problem[];
}

/**
 * Checks what a caller gives against the declared inputs and fills in defaults. Every mistake is listed, each under its name.
 * @param at where the input stands in the request
 * @param problemOf what is wrong with a value, or null
 */
export function checkInput(
  declared: readonly DeclaredInput[],
  given: JsonObject,
  at: Problem['at'] = ['body', 'input'],
  problemOf: (declared: DeclaredInput, value: JsonValue) => Wrong | null = valueProblem,
): CheckedInput {
  const problems: Problem[] = [];
  const input: JsonObject = {};
  for (const one of declared) {
    const isGiven = Object.hasOwn(given, one.name);
    const value = (isGiven ? given[one.name] : null) ?? one.defaultValue;
    if (value === null) {
      if (one.isRequired) problems.push(missing(one, at));
      continue;
    }
    input[one.name] = value;
    const wrong = isGiven ? problemOf(one, value) : null;
    if (wrong !== null) problems.push({ at: [...at, one.name], ...wrong });
  }
  const names = declared.map(({ name }) => name);
  for (const name of Object.keys(given)) if (!names.includes(name)) problems.push(unknown(name, names, at));
  return { input, problems };
}

/** A mistake whose place is known to the caller. */
export type Wrong = Pick<Problem, 'message' | 'type'>;

/** What is wrong with a value, or null. A default is checked with it when the input is declared. */
export function valueProblem(declared: DeclaredInput, value: JsonValue): Wrong | null {
  const refuse = (wanted: string, type: string): Wrong => ({
    message: `"${declared.name}" takes ${wanted}; given was ${shown(value)}.`,
    type,
  });
  if (!KINDS[declared.kind].fits(value)) return refuse(KINDS[declared.kind].wanted, 'type');
  const { options, itemType } = declared.limits;
  if (options !== null && declared.kind !== 'array' && !holds(options, value)) {
    return refuse(`one of ${listed(options)}`, 'options');
  }
  if (typeof value === 'number') return numberProblem(declared, value, refuse);
  if (typeof value === 'string' && declared.kind === 'text') return textProblem(declared, value, refuse);
  if (!Array.isArray(value)) return null;
  const { minItems, maxItems } = declared.limits;
  if (minItems !== null && value.length < minItems) return refuse(`at least ${minItems} items`, 'min_items');
  if (maxItems !== null && value.length > maxItems) return refuse(`at most ${maxItems} items`, 'max_items');
  const strange = options === null ? undefined : value.find((item) => !holds(options, item));
  if (strange !== undefined) return refuse(`a list of ${listed(options ?? [])}`, 'options');
  const kind = itemType === null ? null : kindOfType(itemType);
  if (kind === null || value.every(KINDS[kind].fits)) return null;
  return refuse(`a list whose items are each ${KINDS[kind].wanted}`, 'type');
}

const KINDS: Readonly<Record<InputKind, { readonly wanted: string; readonly fits: (value: JsonValue) => boolean }>> = {
  text: { wanted: 'text', fits: (value) => typeof value === 'string' },
  integer: { wanted: 'a whole number', fits: Number.isSafeInteger },
  number: { wanted: 'a number', fits: (value) => typeof value === 'number' },
  boolean: { wanted: 'true or false', fits: (value) => typeof value === 'boolean' },
  media: { wanted: 'a file: an http(s), data or runflow://assets/ address, or {"uri": …}', fits: isMedia },
  object: { wanted: 'an object', fits: isJsonObject },
  array: { wanted: 'a list', fits: Array.isArray },
  enum: { wanted: 'one of its options', fits: (value) => typeof value !== 'object' },
  any: { wanted: 'any value', fits: () => true },
};

function isMedia(value: JsonValue): boolean {
  const address = isJsonObject(value) ? (value['uri'] ?? value['url']) : value;
  return typeof address === 'string' && MEDIA_ADDRESS.test(address);
}

type Refuse = (wanted: string, type: string) => Wrong;

function numberProblem({ limits }: DeclaredInput, value: number, refuse: Refuse): Wrong | null {
  const { minimum, maximum, multipleOf } = limits;
  if (minimum !== null && value < minimum) return refuse(`${minimum} or more`, 'minimum');
  if (maximum !== null && value > maximum) return refuse(`${maximum} or less`, 'maximum');
  if (multipleOf !== null && multipleOf > 0 && !isMultiple(value, multipleOf)) {
    return refuse(`a multiple of ${multipleOf}`, 'multiple_of');
  }
  return null;
}

/** 0.3 is a multiple of 0.1 although doubles say otherwise: the quotient counts as whole within its rounding error. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step;
  return Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * 4 * Number.EPSILON;
}

function textProblem({ limits }: DeclaredInput, value: string, refuse: Refuse): Wrong | null {
  const { minLength, maxLength, pattern } = limits;
  const length = minLength === null && maxLength === null ? 0 : [...value].length;
  if (minLength !== null && length < minLength) return refuse(`at least ${minLength} characters`, 'min_length');
  if (maxLength !== null && length > maxLength) return refuse(`at most ${maxLength} characters`, 'max_length');
  if (pattern === null) return null;
  const compiled = compilePattern(pattern, { caseSensitive: true });
  // A pattern that cannot be used was refused when the input was declared.
  if ('problem' in compiled) return null;
  if (value.length <= MAX_SUBJECT_LENGTH && compiled.pattern.test(value)) return null;
  return refuse(`text in which the pattern ${pattern} is found`, 'pattern');
}

function missing({ name, type, kind }: DeclaredInput, at: Problem['at']): Problem {
  return {
    at: [...at, name],
    message: `"${name}" is required and was not given. It takes ${KINDS[kind].wanted} (${type}).`,
    type: 'missing',
  };
}

function unknown(name: string, names: readonly string[], at: Problem['at']): Problem {
  const near = nearest(name, names);
  const all =
    names.length === 0
      ? 'It takes no input.'
      : `The inputs are ${names
          .slice(0, LISTED_NAMES)
          .map((one) => `"${one}"`)
          .join(', ')}.`;
  return {
    at: [...at, name],
    message: `There is no input ${shown(name)}.`,
    type: 'unknown_input',
    hint: near === undefined ? all : `Did you mean "${near}"?`,
  };
}

const holds = (options: readonly JsonValue[], value: JsonValue): boolean =>
  options.some((option) => option === value || JSON.stringify(option) === JSON.stringify(value));

const listed = (options: readonly JsonValue[]): string =>
  options
    .slice(0, LISTED_NAMES)
    .map((option) => JSON.stringify(option))
    .join(', ');

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
