import type { Problem } from '../domain/error.ts';
import { nearest } from '../domain/nearest.ts';

const WORDS = { query: ['query parameter', 'parameter'], body: ['property', 'property'] } as const;

/** What is wrong with names that mean nothing: each with the nearest that does. */
export function unknownNames(part: keyof typeof WORDS, given: object, known: readonly string[]): Problem[] {
  const [word, type] = WORDS[part];
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const all = known.length === 0 ? 'This address takes none.' : `Known are ${known.join(', ')}.`;
      return {
        at: [part, name],
        message: `There is no ${word} ${JSON.stringify(name.slice(0, 80))} here.`,
        type: `unknown_${type}`,
        hint: near === undefined ? all : `Did you mean ${near}?`,
      };
    });
}
