import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import type { DataType } from './value.ts';

/** What a declared input takes, whatever its type is called. */
export type InputKind = 'text' | 'integer' | 'number' | 'boolean' | 'media' | 'object' | 'array' | 'enum' | 'any';

/**
 * The spellings of `variable_type_code`: those of models, in lower case, and those of ComfyUI workflows (STRING, INT, FLOAT, BOOLEAN, IMAGE,
 * FILE), which are the same words in capitals. The original publishes no list.
 */
const KIND_OF_TYPE: Readonly<Record<string, InputKind>> = {
  string: 'text',
  str: 'text',
  text: 'text',
  prompt: 'text',
  url: 'text',
  integer: 'integer',
  int: 'integer',
  seed: 'integer',
  float: 'number',
  number: 'number',
  decimal: 'number',
  boolean: 'boolean',
  bool: 'boolean',
  image: 'media',
  video: 'media',
  audio: 'media',
  file: 'media',
  mask: 'media',
  json: 'object',
  object: 'object',
  dict: 'object',
  array: 'array',
  list: 'array',
  enum: 'enum',
  select: 'enum',
  any: 'any',
};

/** The type codes that are understood, in lower case. */
export const INPUT_TYPES: readonly string[] = Object.keys(KIND_OF_TYPE);

/** One input that a model or a ComfyUI workflow says it takes. */
export interface DeclaredInput {
  readonly name: string;
  /** As it was declared, for messages. */
  readonly type: string;
  readonly kind: InputKind;
  readonly isRequired: boolean;
  /** Null: none. */
  readonly defaultValue: JsonValue;
  readonly limits: InputLimits;
}

/** What a value must keep to besides its type; null: no limit. Text lengths are in characters (code points). */
export interface InputLimits {
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly multipleOf: number | null;
  readonly minLength: number | null;
  readonly maxLength: number | null;
  readonly minItems: number | null;
  readonly maxItems: number | null;
  /** Type code of the items of a list. */
  readonly itemType: string | null;
  readonly pattern: string | null;
  readonly options: readonly JsonValue[] | null;
}

/** What a type code stands for; null when it is not known. */
export function kindOfType(code: string): InputKind | null {
  const key = code.toLowerCase();
  return Object.hasOwn(KIND_OF_TYPE, key) ? KIND_OF_TYPE[key]! : null;
}

/**
 * Reads an input as it stands in a profile, under its wire names. A type that is not known takes any value: what another platform declared is
 * better run unchecked than not at all.
 */
export function readDeclaredInput(wire: JsonObject): DeclaredInput {
  const type = typeof wire['variable_type_code'] === 'string' ? wire['variable_type_code'] : 'any';
  const attrs = isJsonObject(wire['validator_attrs']) ? wire['validator_attrs'] : {};
  return {
    name: typeof wire['name'] === 'string' ? wire['name'] : '',
    type,
    kind: kindOfType(type) ?? 'any',
    isRequired: wire['is_required'] === true,
    defaultValue: wire['default_value'] ?? null,
    limits: readLimits(attrs),
  };
}

/** The attributes of validators under the names they go by. */
function readLimits(attrs: JsonObject): InputLimits {
  const number = (...names: string[]): number | null => {
    const value = names.map((name) => attrs[name]).find((given) => given !== undefined && given !== null);
    const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof read === 'number' && Number.isFinite(read) ? read : null;
  };
  const text = (...names: string[]): string | null => {
    const value = names.map((name) => attrs[name]).find((given) => typeof given === 'string');
    return typeof value === 'string' ? value : null;
  };
  const options = ['options', 'choices', 'enum', 'values'].map((name) => attrs[name]).find(Array.isArray);
  return {
    minimum: number('min', 'minimum', 'min_value', 'ge'),
    maximum: number('max', 'maximum', 'max_value', 'le'),
    multipleOf: number('multiple_of'),
    minLength: number('min_length'),
    maxLength: number('max_length'),
    minItems: number('min_items'),
    maxItems: number('max_items'),
    itemType: text('items', 'item_type', 'item_type_code'),
    pattern: text('pattern', 'regex'),
    options: options === undefined ? null : (options as JsonValue[]).map(optionValue),
  };
}

/** An option is its value, or an object that carries it beside a label. */
function optionValue(option: JsonValue): JsonValue {
  return isJsonObject(option) && Object.hasOwn(option, 'value') ? option['value']! : option;
}

const CODE_OF_DATA_TYPE: Readonly<Partial<Record<DataType, string>>> = {
  str: 'string',
  datetime: 'string',
  number: 'number',
  bool: 'boolean',
  dict: 'json',
  list: 'array',
  Image: 'image',
  Audio: 'audio',
  File: 'file',
};

/** The type code for what a connector carries. */
export function codeOfDataType(dataType: string): string {
  return CODE_OF_DATA_TYPE[dataType as DataType] ?? 'any';
}
