import type { FormField } from '../domain/form.ts';

/** A form in the words that a definition has for it. */
export function presentForm(form: readonly FormField[]): object[] {
  return form.map(({ name, kind, label, isRequired, initial, options }) => ({
    ...{ name, type: kind, label, required: isRequired, initial_value: initial },
    ...(kind === 'select' ? { options } : {}),
  }));
}
