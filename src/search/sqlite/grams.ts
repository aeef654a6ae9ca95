import { removeAccents, SEGMENT_END } from '../folding.ts';

/*
 * The gram index is an FTS5 table of every three neighbouring code points of a run, without accents, so that it proposes
 * candidates for both ways of looking at accents. A text's last two code points are grams, too: any two are then the
 * beginning of some gram, and shorter needles are prefix queries.
 *
 * The grams are cut here and each is given to FTS5 once, through its `ascii` tokenizer with nearly all characters as letters.
 * Measured beside FTS5's own `trigram` tokenizer on runs of 2.2 KB: 200 µs instead of 350 µs a run, the size the same
 * (0.6 of the text with `detail=none`; `detail=full` would be 2.8). That tokenizer also stops at NUL and cannot look up
 * beginnings.
 */

/** Between two grams; the only character that is no letter to {@link GRAM_TOKENIZER}, besides NUL, which no folded text has. */
const BETWEEN = 1;
/** Stands for {@link BETWEEN} within a gram. What else it stands for is told apart when a candidate's text is read. */
const BETWEEN_AS_LETTER = 0xfdd1;
/** Begins the marks that a document carries besides its grams. */
const LABEL = '\uFDD2';

const ASCII_LETTERS = String.fromCharCode(...Array.from({ length: 126 }, (_, index) => index + 2));

/** The `tokenize` option of the FTS5 table that takes what {@link GramCutter} cuts. */
export const GRAM_TOKENIZER = `ascii tokenchars ${quoteSql(ASCII_LETTERS)}`;

/** A text as an SQL literal. */
export function quoteSql(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A query for one gram. */
export function gramQuery(gram: string): string {
  const [a = NONE, b = NONE, c = NONE] = Array.from(gram, (char) => char.codePointAt(0) ?? NONE);
  const mark = gramMark(a, b, c);
  return quoteGram(gram + String.fromCharCode(MARK | (mark >> 5), MARK | (mark & 31)));
}

/** A query for all grams that begin so. */
export function beginningQuery(beginning: string): string {
  return `${quoteGram(beginning)}*`;
}

function quoteGram(gram: string): string {
  const letters = gram.replaceAll(String.fromCharCode(BETWEEN), String.fromCharCode(BETWEEN_AS_LETTER));
  return `"${letters.replaceAll('"', '""')}"`;
}

/** In place of a code point where a gram has fewer than three. */
const NONE = 0;
/** The bits of both letters of a gram's mark. They hold five more each. */
const MARK = 0x60;

/**
 * Ten bits that end each gram. FTS5 gathers terms in a hash table whose function (linear over single bits) lets three
 * neighbouring letters collide so often that indexing with these two letters more takes 105 µs a run instead of 250.
 */
function gramMark(a: number, b: number, c: number): number {
  let mixed = Math.imul(Math.imul(Math.imul(a, 0x9e3779b1) + b, 0x9e3779b1) + c, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed >>> 22;
}

/** A query for one term that {@link writeTerms} wrote. */
export function termQuery(term: string): string {
  return quoteGram(term);
}

/** Different terms, and labels, in the form that goes into an FTS5 table with {@link GRAM_TOKENIZER}. */
export function writeTerms(terms: Iterable<string>, labels: readonly string[]): string {
  const between = String.fromCharCode(BETWEEN);
  return [...new Set(terms), ...labels.map((label) => LABEL + label)].join(between);
}

/** A query for the documents that carry a label. */
export function labelQuery(label: string): string {
  return `"${LABEL}${label}"`;
}

/** What a needle tells about the grams of the texts it is in. */
export interface NeedleGrams {
  /** Different grams that such a text has. */
  readonly whole: readonly string[];
  /** For a needle too short to have any: how some gram of the text begins. */
  readonly beginning?: string;
}

/** The grams of a folded needle, which must not be empty and, if accents are ignored, have none. */
export function gramsOfNeedle(folded: string): NeedleGrams {
  const points = Array.from(removeAccents(folded));
  const whole = new Set(accentedIn(folded));
  for (let at = 0; at + 3 <= points.length; at++) whole.add(points.slice(at, at + 3).join(''));
  return whole.size > 0 ? { whole: [...whole] } : { whole: [], beginning: points.join('') };
}

/** Characters of a folded text that are not the same without accents. Each is a gram, or `é` would propose all that has `e`. */
function accentedIn(folded: string): string[] {
  return Array.from(new Set(folded)).filter((char) => removeAccents(char) !== char);
}

const END = SEGMENT_END.codePointAt(0);
/** Bytes of three code points, their mark and what follows. */
const LONGEST_GRAM = 16;

/** Cuts documents into grams. Keeps its tables from one document to the next. */
export class GramCutter {
  /** For each gram of ASCII characters, the last document that had it. */
  readonly #asciiSeen = new Uint32Array(1 << 21);
  #document = 0;
  readonly #seen = new Set<string>();
  #bytes = Buffer.allocUnsafe(1 << 16);
  #size = 0;

  /**
   * The different grams of folded texts, and labels, in the form that goes into the FTS5 table.
   * The answer is overwritten by the next call.
   */
  cut(foldedTexts: readonly string[], labels: readonly string[]): Uint8Array {
    this.#size = 0;
    this.#seen.clear();
    this.#document++;
    for (const label of labels) this.#addLabel(label);
    for (const folded of foldedTexts) {
      const bare = removeAccents(folded);
      if (bare !== folded) for (const char of accentedIn(folded)) this.#add(char.codePointAt(0) ?? NONE, NONE, NONE);
      this.#cutText(bare);
    }
    return this.#bytes.subarray(0, this.#size);
  }

  #cutText(text: string): void {
    let a = NONE;
    let b = NONE;
    for (let at = 0; at < text.length; at++) {
      const point = text.codePointAt(at) ?? NONE;
      if (point > 0xffff) at++;
      if (point === END) {
        this.#addEnd(a, b);
        a = NONE;
        b = NONE;
        continue;
      }
      if (a !== NONE) this.#add(a, b, point);
      a = b;
      b = point;
    }
    this.#addEnd(a, b);
  }

  /** The last two code points of a segment. */
  #addEnd(a: number, b: number): void {
    if (a !== NONE) this.#add(a, b, NONE);
    if (b !== NONE) this.#add(b, NONE, NONE);
  }

  #add(a: number, b: number, c: number): void {
    if ((a | b | c) < 128) {
      const gram = (a << 14) | (b << 7) | c;
      if (this.#asciiSeen[gram] === this.#document) return;
      this.#asciiSeen[gram] = this.#document;
    } else {
      const gram = String.fromCodePoint(a, b, c);
      if (this.#seen.has(gram)) return;
      this.#seen.add(gram);
    }
    this.#makeRoom(LONGEST_GRAM);
    this.#put(a);
    if (b !== NONE) this.#put(b);
    if (c !== NONE) this.#put(c);
    const mark = gramMark(a, b, c);
    this.#bytes[this.#size++] = MARK | (mark >> 5);
    this.#bytes[this.#size++] = MARK | (mark & 31);
    this.#bytes[this.#size++] = BETWEEN;
  }

  #addLabel(label: string): void {
    this.#makeRoom(4 * label.length + LONGEST_GRAM);
    for (const char of LABEL + label) this.#put(char.codePointAt(0) ?? NONE);
    this.#bytes[this.#size++] = BETWEEN;
  }

  /** Appends a code point as UTF-8; five times as fast here as writing strings of three characters. */
  #put(letter: number): void {
    const bytes = this.#bytes;
    const point = letter === BETWEEN ? BETWEEN_AS_LETTER : letter;
    if (point < 0x80) {
      bytes[this.#size++] = point;
      return;
    }
    if (point < 0x800) {
      bytes[this.#size++] = 0xc0 | (point >> 6);
    } else {
      if (point < 0x10000) bytes[this.#size++] = 0xe0 | (point >> 12);
      else {
        bytes[this.#size++] = 0xf0 | (point >> 18);
        bytes[this.#size++] = 0x80 | ((point >> 12) & 0x3f);
      }
      bytes[this.#size++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[this.#size++] = 0x80 | (point & 0x3f);
  }

  #makeRoom(bytes: number): void {
    if (this.#size + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#size + bytes));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}

/**
 * Which of some sampled documents have a gram, or a gram that begins so. FTS5 walks through the documents of every gram it is
 * asked for, common ones too; the sample tells which of a needle's grams are worth that.
 */
export class GramSample {
  readonly #documents: number;
  /** The places of the documents that have it. */
  readonly #having = new Map<string, number[]>();

  /** @param cuts what {@link GramCutter.cut} gave for each sampled document. */
  constructor(cuts: Iterable<Uint8Array>) {
    let documents = 0;
    for (const cut of cuts) {
      const beginnings = new Set<string>();
      const marked = Buffer.from(cut.buffer, cut.byteOffset, cut.length).toString();
      for (const ended of marked.split(String.fromCharCode(BETWEEN))) {
        const gram = ended.slice(0, -2);
        this.#add(gram, documents);
        const first = codePointLength(gram, 0);
        const second = first + codePointLength(gram, first);
        if (first < gram.length) beginnings.add(gram.slice(0, first));
        if (second < gram.length) beginnings.add(gram.slice(0, second));
      }
      for (const beginning of beginnings) this.#add(beginning, documents);
      documents++;
    }
    this.#documents = documents;
  }

  #add(gram: string, document: number): void {
    const having = this.#having.get(gram);
    if (having === undefined) this.#having.set(gram, [document]);
    else having.push(document);
  }

  /** The share of documents that have a gram, or one that begins so; never 0, as a sample is no proof. */
  share(gram: string): number {
    return ((this.#having.get(gram)?.length ?? 0) + 0.5) / (this.#documents + 1);
  }

  /**
   * Those of a needle's grams that are worth asking for, the best first: each saves more reading of candidates than it costs to walk
   * through its documents. A needle with 29 grams in 1,000 of 100,000 runs took 17 ms with all of them and takes 0.6 ms with three.
   */
  worthwhile(grams: readonly string[]): ChosenGram[] {
    const rarest = grams.map((gram) => [gram, this.share(gram)] as const).sort(([, a], [, b]) => a - b);
    const left = new Map(rarest.slice(0, CONSIDERED));
    const chosen: ChosenGram[] = [];
    let candidates: readonly number[] = Array.from({ length: this.#documents }, (_, document) => document);
    let share = 1;
    while (left.size > 0) {
      const known = candidates.length >= TELLING;
      let best = { gram: '', saved: Number.NEGATIVE_INFINITY, staying: 1 };
      for (const [gram, own] of left) {
        // Of the few that are left, the sample tells nothing; grams of one text go together, so half as rare as they look.
        const staying = known ? this.#among(candidates, gram).length / candidates.length : Math.sqrt(own);
        const saved = share * (1 - staying) * READING - own * SKIPPING - share * STEPPING - OPENING;
        if (saved > best.saved) best = { gram, saved, staying };
      }
      // One is needed in any case.
      if (best.saved <= 0 && chosen.length > 0) break;
      left.delete(best.gram);
      share *= best.staying > 0 ? best.staying : 0.5 / candidates.length;
      candidates = this.#among(candidates, best.gram);
      chosen.push({ gram: best.gram, share });
    }
    return chosen;
  }

  #among(candidates: readonly number[], gram: string): number[] {
    // Both are in ascending order.
    const having = this.#having.get(gram) ?? [];
    let at = 0;
    return candidates.filter((document) => {
      while (at < having.length && having[at]! < document) at++;
      return having[at] === document;
    });
  }
}

/** Of a long needle, the rarest grams are compared: enough to choose from in half a millisecond. */
const CONSIDERED = 40;
/** From this many sampled documents on, their share is taken for that of all. */
const TELLING = 4;

/** Nanoseconds to read the text of a candidate. */
const READING = 4000;
/** Nanoseconds to skip a document of a gram, and to step to the same candidate in one gram more. */
const SKIPPING = 6;
const STEPPING = 25;
/** Nanoseconds to begin with a gram: 350,000 among a million documents, 100,000 among 100,000. */
const BEGINNING = 350_000;
/** The same for each document. */
const OPENING = 0.5;

/** A gram that is asked for. */
export interface ChosenGram {
  readonly gram: string;
  /** The share of documents that are likely to have this one and all before it. */
  readonly share: number;
}

/**
 * Of chosen grams those that find some of the newest documents soonest.
 * @param share of documents that have the needle; 0 where it is rare or not known
 */
export function soonest(chosen: readonly ChosenGram[], wanted: number, share: number): readonly ChosenGram[] {
  if (share === 0) return chosen;
  const costs = chosen.map((gram, place) => (place + 1) * BEGINNING + ((wanted * gram.share) / share) * READING);
  return chosen.slice(0, costs.indexOf(Math.min(...costs)) + 1);
}

function codePointLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
