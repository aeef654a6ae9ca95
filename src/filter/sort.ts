import { nearest } from '../domain/nearest.ts';
import { type Diagnostic, hasErrors } from './diagnostic.ts';
import { MAX_FILTER_LENGTH, MAX_SORT_KEYS } from './limits.ts';
import type { Field, Vocabulary } from './vocabulary.ts';

/** One key to sort by, in the words of the domain. */
export interface SortKey {
  readonly column: string;
  readonly direction: 'asc' | 'desc';
}

/** The keys in order of weight, and everything that is wrong with the text. */
export interface SortReading {
  /** Empty for a blank text, and when there are errors. */
  readonly keys: readonly SortKey[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a sort expression: `field[:asc|desc]`, several separated by commas, in any case of the direction, ascending when
 * none is given. Never throws. The tie-breaker that makes an order total is the store's to add.
 */
export function readSort(text: string, vocabulary: Vocabulary): SortReading {
  if (text.trim() === '') return { keys: [], diagnostics: [] };
  const diagnostics: Diagnostic[] = [];
  const keys: SortKey[] = [];
  const report = (from: number, to: number, message: string, hint: string) => {
    diagnostics.push({ severity: 'error', from, to, message, hint });
  };
  const items = text.length > MAX_FILTER_LENGTH ? [] : text.split(',');
  if (items.length === 0 || items.length > MAX_SORT_KEYS) {
    const message = `The sort expression has too many keys; at most ${MAX_SORT_KEYS} are allowed.`;
    report(0, text.length, message, 'Keep the first ones: later keys only order equals.');
    return { keys: [], diagnostics };
  }
  let from = 0;
  for (const item of items) {
    const to = from + item.length;
    const [name = '', direction = 'asc', ...rest] = item.split(':').map((part) => part.trim());
    const field = vocabulary.byName.get(name);
    const order = direction.toLowerCase();
    if (!field?.sortable) report(from, to, ...whyNotSortable(name, field, vocabulary));
    else if ((order !== 'asc' && order !== 'desc') || rest.length > 0) {
      report(from, to, `${direction} is no direction.`, `Write ${name}:asc or ${name}:desc`);
    } else if (keys.some((key) => key.column === field.column)) {
      report(from, to, `${name} is given twice.`, 'Keep the first: the second would have no effect.');
    } else keys.push({ column: field.column, direction: order });
    from = to + 1;
  }
  return { keys: hasErrors(diagnostics) ? [] : keys, diagnostics };
}

function whyNotSortable(name: string, field: Field | undefined, vocabulary: Vocabulary): [string, string] {
  const sortable = vocabulary.fields.filter((candidate) => candidate.sortable).map((candidate) => candidate.name);
  const all = `Sort by one of ${sortable.join(', ')}.`;
  if (field) return [`${name} cannot be sorted by.`, all];
  if (name === '') return ['A field is missing here.', 'Write field:asc or field:desc, separated by commas.'];
  const near = nearest(name, sortable);
  return [`There is no field ${name}.`, near ? `Did you mean ${near}?` : all];
}
