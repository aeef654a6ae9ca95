/** Milliseconds between two pieces of one node's text: a person sees it flow, and a fast model does not flood the wire. */
const PIECE_EVERY_MS = 50;

/** A piece of the text that a running node makes. */
export interface ContentPiece {
  readonly nodeId: string;
  /** Which pass of a node that runs once per item; 0 otherwise. */
  readonly iteration: number;
  readonly text: string;
  /** Characters (UTF-16 units) that came before it. 0: what came before is void, a new answer begins. */
  readonly offset: number;
}

/** One node's text on its way to those who watch. */
export interface ContentStream {
  /** @param isAnew what was given before is void: the model that gave it broke off, and another begins */
  write(text: string, isAnew: boolean): void;
  /** Hands on what was held back. */
  end(): void;
}

/**
 * Hands the text that running nodes make to whoever watches, in this process and never to disk. Pieces of a node are gathered for a moment; when nobody
 * watches a run its text is only counted.
 */
export class LiveContent {
  readonly #watchers = new Map<string, Set<(piece: ContentPiece) => void>>();

  /** Calls `onPiece` with each piece from now on. Returns the way to stop it. */
  watch(runId: string, onPiece: (piece: ContentPiece) => void): () => void {
    const watchers = this.#watchers.get(runId) ?? new Set();
    this.#watchers.set(runId, watchers);
    watchers.add(onPiece);
    return () => {
      watchers.delete(onPiece);
      if (watchers.size === 0 && this.#watchers.get(runId) === watchers) this.#watchers.delete(runId);
    };
  }

  /** Opens the text of one pass of a node. */
  open(runId: string, nodeId: string, iteration: number): ContentStream {
    let held = '';
    let offset = 0;
    let timer: NodeJS.Timeout | undefined;
    const hand = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (held === '') return;
      const piece: ContentPiece = { nodeId, iteration, text: held, offset };
      offset += held.length;
      held = '';
      for (const watcher of this.#watchers.get(runId) ?? []) watcher(piece);
    };
    return {
      write: (text, isAnew) => {
        if (isAnew) {
          hand();
          offset = 0;
        }
        if (!this.#watchers.has(runId)) {
          hand();
          offset += text.length;
          return;
        }
        held += text;
        // The first piece goes at once, the next wait for one another.
        if (offset === 0) hand();
        timer ??= setTimeout(hand, PIECE_EVERY_MS);
      },
      end: hand,
    };
  }
}
