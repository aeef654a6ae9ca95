import type { JsonValue } from '../../domain/json.ts';

/** The types of declared inputs and outputs: the suffixes of the Runflow node classes, in capitals. */
export const COMFYUI_TYPES = ['STRING', 'INT', 'FLOAT', 'BOOLEAN', 'IMAGE', 'FILE'] as const;

export type ComfyuiType = (typeof COMFYUI_TYPES)[number];

/** The types whose values are written into the graph as they are; the others are files that are uploaded first. */
export type ScalarType = Exclude<ComfyuiType, 'IMAGE' | 'FILE'>;

export function isScalarType(type: ComfyuiType): type is ScalarType {
  return type !== 'IMAGE' && type !== 'FILE';
}

type Coerced = { readonly value: string | number | boolean } | { readonly problem: string };

const TRUE: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on']);
const FALSE: ReadonlySet<string> = new Set(['false', '0', 'no', 'off']);

/**
 * The value that a graph node of a scalar type gets for what a caller gave, or why there is none.
 * Whole numbers beyond 2^53 (seeds go up to 2^64 - 1) stay decimal text, which ComfyUI reads as an INT without losing digits.
 */
export function coerce(type: ScalarType, given: JsonValue): Coerced {
  const text = typeof given === 'string' ? given.trim() : null;
  switch (type) {
    case 'STRING':
      if (typeof given === 'object') return wrong('text', given);
      return { value: String(given) };
    case 'INT':
      if (typeof given === 'number' && Number.isSafeInteger(given)) return { value: given };
      if (typeof given === 'number' && Number.isInteger(given))
        return { problem: `takes a whole number, and ${given} has lost digits on its way: give it as text.` };
      if (text === null || !/^[+-]?\d+$/.test(text)) return wrong('a whole number', given);
      return { value: Number.isSafeInteger(Number(text)) ? Number(text) : text };
    case 'FLOAT': {
      const number = text === null || text === '' ? given : Number(text);
      return typeof number === 'number' && Number.isFinite(number) ? { value: number } : wrong('a number', given);
    }
    case 'BOOLEAN': {
      const word = typeof given === 'object' ? '' : String(given).trim().toLowerCase();
      if (TRUE.has(word)) return { value: true };
      return FALSE.has(word) ? { value: false } : wrong('true or false (also 1/0, yes/no, on/off)', given);
    }
  }
}

function wrong(wanted: string, given: JsonValue): Coerced {
  return { problem: `takes ${wanted}; given was ${shown(given)}.` };
}

/** A value as messages repeat it. */
function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
