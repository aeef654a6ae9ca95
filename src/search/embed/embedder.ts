/** A document is what is found, a query what finds it: some models want to be told which. */
export type EmbeddingPurpose = 'document' | 'query';

/** Turns texts into vectors such that texts of near meaning have a cosine near 1. */
export interface Embedder {
  /**
   * Names the implementation, its model and its dimensions, such as `builtin-1/256`. Vectors of different ids must never
   * be compared; the same id always means comparable vectors.
   */
  readonly id: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /**
   * One vector a text, in their order, each of unit length; all zeros for a text that says nothing, such as an empty one.
   * @throws EmbeddingError when there are no vectors to be had; never answers with some of them.
   */
  embed(texts: readonly string[], purpose: EmbeddingPurpose): Promise<Float32Array[]>;
  /** Lets go of threads, connections and memory. May be called twice; `embed` fails afterwards. */
  close(): Promise<void>;
}

/** Embedding failed. The message says what was asked, what came of it and what to do. */
export class EmbeddingError extends Error {
  override readonly name = 'EmbeddingError';
  /** True when the same call may succeed later: a limit, a time-out, a server in trouble. */
  readonly temporary: boolean;
  /** True when other texts may succeed: the answer was about what was asked and not about who asked. */
  readonly textRefused: boolean;

  constructor(
    message: string,
    about: { readonly temporary?: boolean; readonly textRefused?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: about.cause });
    this.temporary = about.temporary ?? false;
    this.textRefused = about.textRefused ?? false;
  }
}
