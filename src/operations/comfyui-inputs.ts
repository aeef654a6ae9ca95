import type { DeclaredInput } from '../domain/declared-input.ts';
import type { Problem } from '../domain/error.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { COMFYUI_TYPES, type ComfyuiType, coerce, isScalarType } from '../nodes/comfyui/coerce.ts';
import { type CheckedInput, checkInput, valueProblem, type Wrong } from './declared-inputs.ts';

/**
 * Checks what a caller gives a ComfyUI workflow against its declared inputs. Defaults are not filled in: they stand in the graph, where nodes that
 * share an input may each have another one.
 * @param at where the input stands in the request
 */
export function checkComfyuiInput(
  declared: readonly DeclaredInput[],
  given: JsonObject,
  at?: Problem['at'],
): CheckedInput {
  const inputs = declared.map((one) => ({
    ...one,
    isRequired: one.isRequired && one.defaultValue === null,
    defaultValue: null,
  }));
  return checkInput(inputs, given, at, comfyuiValueProblem);
}

/** What is wrong with a value, or null. Scalars are taken in the forms that the graph's own nodes take them in, e.g. `"yes"` for a BOOLEAN. */
export function comfyuiValueProblem(declared: DeclaredInput, value: JsonValue): Wrong | null {
  const type = comfyuiTypeOf(declared.type);
  if (type === null || !isScalarType(type)) return valueProblem(declared, value);
  const coerced = coerce(type, value);
  if ('problem' in coerced) return { message: `"${declared.name}" ${coerced.problem}`, type: 'type' };
  // A seed beyond 2^53 stays text: no number of ours could be held against limits.
  return type === 'INT' && typeof coerced.value === 'string' ? null : valueProblem(declared, coerced.value);
}

/** The type of inputs and outputs that a code means, in whatever case; null: none. */
export function comfyuiTypeOf(code: string): ComfyuiType | null {
  return COMFYUI_TYPES.find((type) => type === code.toUpperCase()) ?? null;
}
