import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../src/domain/json.ts';
import { isStopWord, wordsOf } from '../../src/search/embed/builtin/words.ts';

/** A labelled collection: texts, queries, and which texts answer which query. */
export interface Collection {
  readonly name: string;
  readonly documents: readonly { readonly id: string; readonly text: string }[];
  readonly queries: readonly Query[];
}

/** A query with its answers by grade (3 is the thing itself, 1 is related). */
export interface Query {
  readonly id: string;
  readonly kind: string;
  readonly query: string;
  readonly relevant: Readonly<Record<string, number>>;
}

interface RunRecord {
  readonly id: string;
  readonly workflow: string;
  readonly input: JsonValue;
  readonly output: JsonValue;
  readonly logs: JsonValue;
}

/** Words in a query that is made from a text: one alone, and two together. */
const EXACT_WORDS = [1, 2];

/**
 * Queries for exact terms, made from the texts themselves: the rarest words of each text, in its own order. Every text
 * with all those words is an answer.
 */
function exactQueries({ documents }: Pick<Collection, 'documents'>): Query[] {
  const wordSets = documents.map(({ text }) => new Set(wordsOf(text).filter((word) => !isStopWord(word))));
  const frequency = new Map<string, number>();
  for (const words of wordSets) for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  return documents.flatMap(({ id }, place) =>
    EXACT_WORDS.map((count) => {
      const words = [...wordSets[place]!].sort((a, b) => frequency.get(a)! - frequency.get(b)!).slice(0, count);
      const answers = documents.filter((_, i) => words.every((word) => wordSets[i]!.has(word)));
      return {
        id: `${id}-${count}`,
        kind: 'exact, made from the texts',
        query: words.join(' '),
        relevant: Object.fromEntries(answers.map((answer) => [answer.id, 3])),
      };
    }),
  );
}

/** Every fourth text is followed by the next twelve. */
const LONG_STRIDE = 4;
const TEXTS_IN_LONG = 12;

/** The collection with some texts much longer than the others, and only the queries for exact terms made from them. */
export function withLongTexts(name: string, collection: Collection): Collection {
  const texts = collection.documents.map(({ text }) => text);
  const documents = collection.documents.map(({ id, text }, i) => ({
    id,
    text: i % LONG_STRIDE === 0 ? texts.slice(i, i + TEXTS_IN_LONG).join(' \n ') : text,
  }));
  return { name, documents, queries: exactQueries({ documents }) };
}

/** Reads `records.jsonl` and `queries.jsonl` of a folder beside this one. */
export function readCollection(name: string, folder: string): Collection {
  const lines = <T>(file: string) =>
    readFileSync(join(import.meta.dirname, folder, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  const documents = lines<RunRecord>('records.jsonl').map(({ id, workflow, input, output, logs }) => ({
    id,
    text: [workflow, ...saidIn(input), ...saidIn(output), ...saidIn(logs)].join(' \n '),
  }));
  return { name, documents, queries: [...lines<Query>('queries.jsonl'), ...exactQueries({ documents })] };
}

/** The strings and numbers of a JSON value, in order, without its keys. */
function saidIn(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(saidIn);
}
