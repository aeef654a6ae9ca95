import type { Expression } from './ast.ts';
import { type CheckOptions, check } from './check.ts';
import type { CheckedFilter } from './checked-filter.ts';
import { type Diagnostic, hasErrors, inTextOrder } from './diagnostic.ts';
import { parse } from './parse.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Everything there is to know about the text of a filter. */
export interface FilterReading {
  /** What can be run; null for a blank text, which filters nothing, and when `diagnostics` has errors. */
  readonly filter: CheckedFilter | null;
  /** What was written, as far as it could be read; `print` makes its canonical text. */
  readonly tree: Expression | null;
  /** All mistakes of form and meaning, and warnings, in the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses and checks a filter in one go. Never throws. */
export function readFilter(text: string, vocabulary: Vocabulary, options: CheckOptions): FilterReading {
  const parsed = parse(text);
  const checked = check(parsed.tree, vocabulary, options);
  const diagnostics = inTextOrder([...parsed.diagnostics, ...checked.diagnostics]);
  return { filter: hasErrors(diagnostics) ? null : checked.filter, tree: parsed.tree, diagnostics };
}
