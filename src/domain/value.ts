import type { JsonValue } from './json.ts';

/**
 * The data types a connector may carry. Names are the ones authors see in definitions.
 * `list` is one opaque value; "a list of strings" is `str` with `isList`.
 */
export const DATA_TYPES = [
  'str',
  'number',
  'bool',
  'datetime',
  'dict',
  'list',
  'Image',
  'Audio',
  'File',
  'Quote',
  'Custom',
  'Chat',
  'Any',
] as const;

export type DataType = (typeof DATA_TYPES)[number];

/** What a connector carries: a data type, once or as a list of it. */
export interface ValueType {
  readonly dataType: DataType;
  readonly isList: boolean;
}

/** Types whose own values may be JSON lists, so that a list in them is one value and never a list of values. */
const OPAQUE: ReadonlySet<DataType> = new Set(['list', 'dict', 'Custom', 'Chat', 'Any']);

const WILDCARD: ReadonlySet<DataType> = new Set(['Any', 'Custom']);
const MEDIA: ReadonlySet<DataType> = new Set(['File', 'Image', 'Audio']);

/** True when a JSON list arriving from a connector of this type stands for many values rather than for one. */
export function holdsManyValues(type: ValueType, value: JsonValue): boolean {
  return Array.isArray(value) && (type.isList || !OPAQUE.has(type.dataType));
}

/** Whether a value of type `from` may enter a connector of type `to`. Multiplicity is not its concern: lists propagate. */
export function typeFits(from: DataType, to: DataType): boolean {
  if (from === to || WILDCARD.has(from) || WILDCARD.has(to)) return true;
  // Everything but a file has a plain text form; the other way round nothing is guessed from text.
  if (to === 'str') return !MEDIA.has(from);
  if (to === 'File') return MEDIA.has(from);
  return from === 'str' && to === 'datetime';
}

/** The text that stands for a value inside a template: strings as they are, everything else as JSON. */
export function valueAsText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return JSON.stringify(value);
}
