/**
 * Reads JSON in the form in which n8n keeps what an execution did in its database ("flatted", WebReflection/flatted): one list of values, in which
 * every text that stands inside an object or a list is the place of the value that it means. What means itself, over others, is left out: it has no
 * end as JSON.
 * @throws SyntaxError when it is not in that form
 */
export function readFlatted(text: string): unknown {
  const values: unknown = JSON.parse(text);
  if (!Array.isArray(values) || values.length === 0) throw new SyntaxError('It is no list of values.');
  const made = new Map<number, unknown>();
  const open = new Set<number>();
  const valueAt = (at: number): unknown => {
    if (!Number.isInteger(at) || at < 0 || at >= values.length)
      throw new SyntaxError(`It speaks of the value ${at}, of ${values.length}.`);
    const value: unknown = values[at];
    if (typeof value !== 'object' || value === null) return value;
    if (open.has(at)) return undefined;
    const known = made.get(at);
    if (known !== undefined) return known;
    open.add(at);
    const meant = (part: unknown): unknown => (typeof part === 'string' ? valueAt(Number(part)) : part);
    const whole = Array.isArray(value)
      ? value.map((part) => meant(part) ?? null)
      : Object.fromEntries(Object.entries(value).map(([name, part]) => [name, meant(part)]));
    open.delete(at);
    made.set(at, whole);
    return whole;
  };
  return valueAt(0);
}
