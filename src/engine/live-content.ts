/** Milliseconds between two pieces of one node's text: a person sees it flow, and a fast model does not flood the wire. */
const PIECE_EVERY_MS = 50;

/** Milliseconds between two announcements of what is watched here: a process that starts hears of it by the next one. */
const ANNOUNCE_EVERY_MS = 10_000;

/** Milliseconds that an announcement counts. */
const ANNOUNCED_MS = 2.5 * ANNOUNCE_EVERY_MS;

/** UTF-16 units of a piece that goes to another process: as JSON in UTF-8, where each takes six bytes at most, below the 8,000 of a notification. */
const TOLD_UNITS = 1200;

/** How processes on one store talk to each other. Nothing is kept, and what is lost is lost. */
export interface ContentChannel {
  tell(text: string): void;
  onTold(listener: (text: string) => void): () => void;
}

type Told =
  | { readonly kind: 'watched'; readonly runIds: readonly string[] }
  | { readonly kind: 'piece'; readonly runId: string; readonly piece: ContentPiece };

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
 * Hands the text that running nodes make to whoever watches, in this process or another one on the store, and never to disk. Pieces of a node are gathered
 * for a moment; when nobody watches a run its text is only counted. Processes announce which runs are watched in them, so that text travels
 * between them only for those.
 */
export class LiveContent {
  readonly #watchers = new Map<string, Set<(piece: ContentPiece) => void>>();
  readonly #channel: ContentChannel | null;
  readonly #unsubscribe: (() => void) | undefined;
  /** Runs that are watched in another process, and until when that counts, by the clock that only goes forward. */
  readonly #elsewhere = new Map<string, number>();
  #announcing: NodeJS.Timeout | undefined;

  /** @param channel null: there is no other process */
  constructor(channel: ContentChannel | null = null) {
    this.#channel = channel;
    this.#unsubscribe = channel?.onTold((text) => this.#hear(JSON.parse(text) as Told));
  }

  /** Hears and says nothing any more. */
  stop(): void {
    this.#unsubscribe?.();
    this.#endAnnouncing();
  }

  #endAnnouncing(): void {
    clearInterval(this.#announcing);
    this.#announcing = undefined;
  }

  /** Calls `onPiece` with each piece from now on. Returns the way to stop it. */
  watch(runId: string, onPiece: (piece: ContentPiece) => void): () => void {
    const watchers = this.#watchers.get(runId) ?? new Set();
    this.#watchers.set(runId, watchers);
    watchers.add(onPiece);
    this.#tell({ kind: 'watched', runIds: [runId] });
    if (this.#channel !== null) this.#announcing ??= setInterval(() => this.#announce(), ANNOUNCE_EVERY_MS);
    return () => {
      watchers.delete(onPiece);
      if (watchers.size === 0 && this.#watchers.get(runId) === watchers) this.#watchers.delete(runId);
      if (this.#watchers.size === 0) this.#endAnnouncing();
    };
  }

  #announce(): void {
    const runIds = [...this.#watchers.keys()];
    // A notification holds some 200 ids.
    for (let first = 0; first < runIds.length; first += 150) {
      this.#tell({ kind: 'watched', runIds: runIds.slice(first, first + 150) });
    }
  }

  #tell(told: Told): void {
    this.#channel?.tell(JSON.stringify(told));
  }

  #hear(told: Told): void {
    if (told.kind === 'piece') {
      for (const watcher of this.#watchers.get(told.runId) ?? []) watcher(told.piece);
      return;
    }
    // A process of a newer version may tell more.
    if (told.kind !== 'watched') return;
    const now = performance.now();
    for (const [runId, until] of this.#elsewhere) if (until <= now) this.#elsewhere.delete(runId);
    for (const runId of told.runIds) this.#elsewhere.set(runId, now + ANNOUNCED_MS);
  }

  #isWatched(runId: string): boolean {
    return this.#watchers.has(runId) || this.#isWatchedElsewhere(runId);
  }

  #isWatchedElsewhere(runId: string): boolean {
    return (this.#elsewhere.get(runId) ?? 0) > performance.now();
  }

  #hand(runId: string, piece: ContentPiece): void {
    for (const watcher of this.#watchers.get(runId) ?? []) watcher(piece);
    if (!this.#isWatchedElsewhere(runId)) return;
    for (let first = 0; first < piece.text.length; first += TOLD_UNITS) {
      const text = piece.text.slice(first, first + TOLD_UNITS);
      this.#tell({ kind: 'piece', runId, piece: { ...piece, text, offset: piece.offset + first } });
    }
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
      this.#hand(runId, piece);
    };
    return {
      write: (text, isAnew) => {
        if (isAnew) {
          hand();
          offset = 0;
        }
        if (!this.#isWatched(runId)) {
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
