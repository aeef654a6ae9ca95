/** Something to say about a text a person wrote, with the place it is about. */
export interface Diagnostic {
  /** `error`: the text has no meaning, nothing is run. `warning`: it runs, but hardly does what was meant. */
  readonly severity: 'error' | 'warning';
  /** First position of the place, in UTF-16 code units, as JavaScript strings and editors count. */
  readonly from: number;
  /** Position just after the place; never less than `from`. */
  readonly to: number;
  /** What is wrong, as a sentence. */
  readonly message: string;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
}

/** True when at least one of the diagnostics forbids running the text. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}

/** The diagnostics in the order of the places they are about. */
export function inTextOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.from - b.from || a.to - b.to);
}
