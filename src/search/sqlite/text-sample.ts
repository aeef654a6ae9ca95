import type { TextField } from '../document.ts';
import { removeAccents } from '../folding.ts';
import { TEXT_FIELDS } from './documents.ts';
import type { IndexFile } from './index-file.ts';

/** What a sampled document must say to count. */
export interface SampledNeedle {
  readonly workspace: number;
  readonly workflows: readonly number[] | undefined;
  readonly fields: readonly TextField[];
  readonly needle: string;
  readonly ignoreAccents: boolean;
}

interface SampledDocument {
  readonly workspace: number;
  readonly workflow: number;
  readonly texts: Readonly<Record<TextField, string>>;
}

/** Draws; 9 MB of runs of 2 KB. With 1,000,000 runs, needles in 2.3 % of them or more are told from those in 1 %. */
const DRAWS = 4096;
/** Texts above this many bytes are not kept, and count as without any needle. */
const LONGEST_TEXT = 16_384;
/** UTF-16 units kept in all. */
const MAX_KEPT = 16_000_000;
/** Milliseconds of drawing for each search until there are enough; a draw takes 8 µs, and 100 from a cold disk. */
const DRAWING = 1;

/** How improbable a wrong answer must be, as a natural logarithm: 10⁻⁹, and for each of the numbers of draws at which it is asked. */
const CERTAIN = Math.log(1e9 * Math.log2(DRAWS));
/** Draws at which it is asked for the first time. */
const FIRST_LOOK = 64;
/** From so many draws on it is given up where the share of those with the needle is not this many times the one in question. */
const LAST_HOPE = 512;
const HOPE = 1.2;

/** After so many removed or replaced documents, or when the index has grown so much, the sample is drawn anew. */
const MAX_REMOVALS = 5000;
const MAX_GROWTH = 1.5;

/**
 * Documents drawn at random, kept in memory, to tell that a needle is in more than 10,000 runs without reading 10,000: it takes
 * half a millisecond instead of 60 where a tenth of a million runs have it.
 *
 * "More than" is said only when it would be wrong once in a billion times at most (Chernoff's bound on the binomial
 * distribution, W. Hoeffding 1963, theorem 1), and then the number is hardly below. Nothing is ever said the other way.
 */
export class TextSample {
  readonly #file: IndexFile;
  /** Undefined where no such document is or its text is long. */
  #drawn: (SampledDocument | undefined)[] = [];
  #kept = 0;
  /** Ids from 1 up to this one were drawn from. */
  #documents = 0;
  #removals = 0;
  #seed = 1;

  constructor(file: IndexFile) {
    this.#file = file;
  }

  /**
   * Draws some more documents.
   * @param documents the greatest id
   * @param removals documents removed or replaced since the index began
   */
  grow(documents: number, removals: number): void {
    if (documents > this.#documents * MAX_GROWTH || removals > this.#removals + MAX_REMOVALS) {
      this.#drawn = [];
      this.#kept = 0;
      this.#documents = documents;
      this.#removals = removals;
    }
    const end = performance.now() + DRAWING;
    while (this.#drawn.length < DRAWS && this.#kept < MAX_KEPT && performance.now() < end) {
      const document = this.#read(1 + Math.floor(this.#random() * this.#documents));
      this.#drawn.push(document);
      if (document) this.#kept += Object.values(document.texts).reduce((sum, text) => sum + text.length, 0);
    }
  }

  /**
   * How frequent a needle is. Rare ones are left after a few hundred draws.
   * @param upTo whether it is certain that more documents than these have it
   * @param removals as for {@link grow}
   */
  look(upTo: number, wanted: SampledNeedle, removals: number): { share: number; more: boolean } {
    // As many as may have lost it since they were drawn.
    const limit = (upTo + removals - this.#removals) / this.#documents;
    let having = 0;
    let look = FIRST_LOOK;
    for (const [place, document] of this.#drawn.entries()) {
      if (document && says(document, wanted)) having++;
      const draws = place + 1;
      const share = having / draws;
      if (draws < look) continue;
      if (limit < 1 && draws * divergence(share, limit) > CERTAIN) return { share, more: true };
      if (limit >= 1 || (draws >= LAST_HOPE && share < HOPE * limit)) return { share, more: false };
      look *= 2;
    }
    return { share: having / Math.max(1, this.#drawn.length), more: false };
  }

  #read(id: number): SampledDocument | undefined {
    const row = this.#file.get(
      `SELECT workspace, workflow, input, output, other FROM document
       WHERE id = ? AND octet_length(input) + octet_length(output) + octet_length(other) <= ${LONGEST_TEXT}`,
      id,
    );
    if (row === undefined) return undefined;
    const [input = '', output = '', other = ''] = TEXT_FIELDS.map((field) => String(row[field]));
    return { workspace: Number(row['workspace']), workflow: Number(row['workflow']), texts: { input, output, other } };
  }

  /** 0 to 1, the same each time a process begins: searches can be repeated (Mulberry32, T. Ettinger). */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), this.#seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

function says(
  document: SampledDocument,
  { workspace, workflows, fields, needle, ignoreAccents }: SampledNeedle,
): boolean {
  if (document.workspace !== workspace || workflows?.includes(document.workflow) === false) return false;
  return fields.some((field) => {
    const text = document.texts[field];
    return (ignoreAccents ? removeAccents(text) : text).includes(needle);
  });
}

/**
 * How far a seen share is above an assumed one (relative entropy; 0 when it is not above): `exp(-draws * divergence)` bounds the
 * probability of seeing it.
 */
function divergence(seen: number, assumed: number): number {
  if (seen <= assumed) return 0;
  const without = seen === 1 ? 0 : (1 - seen) * Math.log((1 - seen) / (1 - assumed));
  return seen * Math.log(seen / assumed) + without;
}
