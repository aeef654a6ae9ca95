import { type Embedder, EmbeddingError } from '../embedder.ts';
import { DIMENSIONS, type Lexicon, readLexicon } from './lexicon.ts';
import { textVector } from './text-vector.ts';

/** Counts up with every change that makes old vectors incomparable: the lexicon, the weights, how words are cut. */
const VERSION = 1;

/**
 * The default embedder: offline, deterministic, about English first (see `docs/search-embedder.md` for its limits).
 * Opening it costs nothing; the first text reads the lexicon.
 * It computes on the calling thread, well under a millisecond a text: embed many from a worker.
 */
export function openBuiltinEmbedder(): Embedder {
  let lexicon: Lexicon | undefined;
  let closed = false;
  return {
    id: `builtin-${VERSION}/${DIMENSIONS}`,
    dimensions: DIMENSIONS,
    async embed(texts) {
      if (closed) throw new EmbeddingError('The built-in embedder is closed: open a new one.');
      lexicon ??= readLexicon();
      const words = lexicon;
      return texts.map((text) => textVector(words, text));
    },
    async close() {
      closed = true;
      lexicon = undefined;
    },
  };
}
