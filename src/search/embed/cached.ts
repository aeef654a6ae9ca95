import type { Embedder, EmbeddingPurpose } from './embedder.ts';

/** UTF-16 units of the longest text that is kept: words come again and again, sentences hardly. */
const KEPT_LENGTH = 32;

/** Vectors kept at most: 8 MB of 256 dimensions. */
const VECTORS_KEPT = 8192;

/** The same embedder, remembering words: those of runs that are shown are few thousand, and a page of results asks for hundreds of them. */
export function cached(embedder: Embedder): Embedder {
  const kept = new Map<string, Float32Array>();
  return {
    id: embedder.id,
    dimensions: embedder.dimensions,
    async embed(texts: readonly string[], purpose: EmbeddingPurpose) {
      const keyOf = (text: string) => `${purpose} ${text}`;
      const unknown = [...new Set(texts)].filter((text) => !kept.has(keyOf(text)));
      const vectors = await embedder.embed(unknown, purpose);
      const found = new Map(unknown.map((text, place) => [text, vectors[place]!]));
      const answer = texts.map((text) => found.get(text) ?? kept.get(keyOf(text))!);
      for (const [text, vector] of found) if (text.length <= KEPT_LENGTH) kept.set(keyOf(text), vector);
      for (const key of kept.keys()) {
        if (kept.size <= VECTORS_KEPT) break;
        kept.delete(key);
      }
      return answer;
    },
    close: () => embedder.close(),
  };
}
