import type { RunEvent } from '../../domain/event.ts';
import type { Payload } from '../../domain/payload.ts';
import { isTerminal } from '../../domain/run.ts';
import { holds, type SearchShare, WHOLE_SHARE } from '../../domain/search-share.ts';
import type { RunReader } from '../../store/store.ts';
import { CUT_MARK, type CutRun, documentOf, type SearchDocument } from '../document.ts';
import { type Embedder, EmbeddingError } from '../embed/embedder.ts';
import type { EmbedderOnDemand } from '../embed/on-demand.ts';
import { quantise } from '../embed/vector.ts';
import { original } from '../folding.ts';
import { passagesOf, termsOf } from '../meaning.ts';
import { runTextOf } from '../run-text.ts';
import type { Meaning, RunKey, WaitingDocument } from './documents.ts';
import { DamagedIndexError, type OpenedFile } from './index-file.ts';
import { indexVersion } from './index-version.ts';
import { SearchIndex } from './search-index.ts';

/**
 * Events taken in with one transaction: some 200 ms of indexing, which a search that comes then has to wait for. FTS5 writes what it has
 * gathered at the end of each, so that smaller ones cost more, and the events of one run are one document where they come together.
 */
const BATCH = 512;

/** Waiting runs that get their vectors together: some requests to an endpoint, little to do again after a crash. */
const WAITING_BATCH = 64;

/** Vectors kept so that texts that come again (a prompt, a footer) are embedded once: some 10 MB. */
const VECTORS_KEPT = 8192;

/** Bytes of an index that is read as a whole for damage when it is opened: half a second. Damage in larger ones is met when they are read. */
const CHECKED_BYTES = 256 * 1024 * 1024;

/**
 * Brings the index up to the event log, and the vectors up to the index. Owns the file; others may search it meanwhile.
 *
 * An embedder on this thread gives vectors with the text. Others take seconds or may be away: then the text is searchable at once, and
 * the vectors follow ({@link IndexWriter.embedWaiting}).
 */
export class IndexWriter {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #embedder: EmbedderOnDemand;
  readonly #atOnce: boolean;
  readonly #readPayload: (payload: Payload) => Promise<string | null>;
  readonly #maxCharacters: number;
  readonly #onCut: (run: CutRun) => void;
  readonly #share: SearchShare;
  /** By text. One embedder's only: what was opened once is not opened again. */
  readonly #vectors = new Map<string, Int8Array>();
  /** Vectors of the documents about to be put: embedding may wait, putting may not. */
  #prepared = new Map<string, readonly Int8Array[]>();
  #index: SearchIndex;
  #fresh: boolean;

  constructor(parts: {
    path: string;
    reader: RunReader;
    embedder: EmbedderOnDemand;
    /** Whether vectors are computed together with the text, for an embedder that takes no time worth mentioning. */
    atOnce: boolean;
    readPayload: (payload: Payload) => Promise<string | null>;
    /** Characters of a run that are indexed at most. */
    maxCharacters: number;
    /** Called once for each finished run that says more than that. */
    onCut: (run: CutRun) => void;
    /** The workspaces whose runs are indexed; all when left out. An index of another share is begun anew. */
    share?: SearchShare;
  }) {
    this.#path = parts.path;
    this.#reader = parts.reader;
    this.#embedder = parts.embedder;
    this.#atOnce = parts.atOnce;
    this.#readPayload = parts.readPayload;
    this.#maxCharacters = parts.maxCharacters;
    this.#onCut = parts.onCut;
    this.#share = parts.share ?? WHOLE_SHARE;
    [this.#index, this.#fresh] = this.#open();
  }

  get position(): number {
    return Number(this.#index.position ?? 0);
  }

  /** Whether the file was begun anew by this process. */
  get fresh(): boolean {
    return this.#fresh;
  }

  get documents(): number {
    return this.#index.stats().documents;
  }

  /** Documents whose vectors are still to come. */
  get waiting(): number {
    return this.#index.stats().waiting;
  }

  /**
   * Takes in the next events. Events of one run are one document, of what the run says by now.
   * @returns whether there may be more
   * @throws DamagedIndexError
   */
  async step(): Promise<boolean> {
    const events = this.#reader.readLog(this.position, BATCH);
    const last = events.at(-1);
    if (last === undefined) return false;
    const index = this.#index;
    const { put, remove, cut } = await this.#changes(events);
    if (this.#atOnce) await this.#prepare(index, put);
    // Begun anew meanwhile: this batch belongs to the file that is gone.
    if (index !== this.#index) return true;
    index.apply({ put, remove, position: String(last.position) });
    this.#prepared.clear();
    cut.forEach(this.#onCut);
    return events.length === BATCH;
  }

  /**
   * Gives some of the documents that wait for vectors theirs, after removing those of another embedder.
   * @param onRefused hears of a run that gets no vectors since the embedder does not take its text
   * @returns whether there may be more
   * @throws EmbeddingError when there are no vectors to be had now
   * @throws DamagedIndexError
   */
  async embedWaiting(onRefused: (runId: string, error: EmbeddingError) => void): Promise<boolean> {
    const index = this.#index;
    return this.#embedder.use(async (embedder) => {
      if (index !== this.#index) return true;
      index.useEmbedder(embedder.id);
      const waiting = index.waiting(WAITING_BATCH);
      if (waiting.length === 0) return false;
      const vectors = await this.#vectorsOfWaiting(embedder, waiting, onRefused);
      if (index === this.#index) index.putVectors(vectors);
      return true;
    });
  }

  /** Removes the file and begins a new one. */
  restart(): void {
    this.#index.close();
    SearchIndex.remove(this.#path);
    [this.#index] = this.#open();
    this.#fresh = true;
  }

  /** Opens the file that has been put in the place of the one that was. */
  reopen(): void {
    this.#index.close();
    [this.#index] = this.#open();
  }

  /** Merges what indexing left in parts; to be done once everything has been taken in. */
  optimize(): void {
    this.#index.optimize();
  }

  close(): void {
    this.#index.close();
  }

  #open(): [SearchIndex, boolean] {
    const meaning: Meaning = {
      version: indexVersion(this.#share),
      terms: termsOf,
      vectors: (_, { runId }) => this.#prepared.get(runId),
    };
    const opened = checked(SearchIndex.open(this.#path, meaning));
    if ('index' in opened) return [opened.index, opened.state === 'created'];
    SearchIndex.remove(this.#path);
    const again = SearchIndex.open(this.#path, meaning);
    if (!('index' in again)) throw new Error(`The search index cannot be created: ${again.reason}`);
    return [again.index, true];
  }

  async #changes(events: readonly RunEvent[]): Promise<{ put: SearchDocument[]; remove: RunKey[]; cut: CutRun[] }> {
    const put: SearchDocument[] = [];
    const remove: RunKey[] = [];
    const cut: CutRun[] = [];
    const telling = events.filter((event) => holds(this.#share, event.workspaceId) && !saysNothingNew(event));
    const runs = new Map(telling.map((event) => [event.runId, event.workspaceId]));
    for (const [runId, workspaceId] of runs) {
      const records = this.#reader.records(workspaceId, runId);
      if (records === null) {
        remove.push({ workspaceId, runId });
        continue;
      }
      const { document, warning } = documentOf(await runTextOf(records, this.#readPayload), this.#maxCharacters);
      put.push(document);
      const warned = records.logs.some(({ meta }) => meta?.['search'] === CUT_MARK.search);
      if (warning !== undefined && isTerminal(records.run.status) && !warned) cut.push({ workspaceId, runId, warning });
    }
    return { put, remove, cut };
  }

  /** Embeds documents about to be put. When that fails they are put without vectors and wait for them. */
  async #prepare(index: SearchIndex, documents: readonly SearchDocument[]): Promise<void> {
    this.#prepared.clear();
    try {
      await this.#embedder.use(async (embedder) => {
        if (index === this.#index) index.useEmbedder(embedder.id);
        const cuts = documents.map(({ segments }) => passagesOf(segments));
        const vectors = await this.#embed(embedder, cuts);
        documents.forEach(({ runId }, place) => {
          this.#prepared.set(runId, vectors[place]!);
        });
      });
    } catch (error) {
      if (!(error instanceof EmbeddingError)) throw error;
    }
  }

  async #vectorsOfWaiting(
    embedder: Embedder,
    waiting: readonly WaitingDocument[],
    onRefused: (runId: string, error: EmbeddingError) => void,
  ): Promise<Map<number, readonly Int8Array[]>> {
    const cuts = waiting.map(({ segments }) =>
      passagesOf(
        segments.flatMap(({ field, folded, ...place }) =>
          field === 'run_id' ? [] : [{ field, ...place, text: original(folded) }],
        ),
      ),
    );
    try {
      const vectors = await this.#embed(embedder, cuts);
      return new Map(waiting.map(({ id }, place) => [id, vectors[place]!]));
    } catch (error) {
      if (!(error instanceof EmbeddingError && error.textRefused)) throw error;
      if (waiting.length === 1) {
        // An embedder that takes no text at all is the trouble of the operator, and not of this run.
        await embedder.embed(['probe'], 'document');
        onRefused(waiting[0]!.runId, error);
        return new Map(waiting.map(({ id }) => [id, []]));
      }
      const half = Math.ceil(waiting.length / 2);
      const parts = [waiting.slice(0, half), waiting.slice(half)];
      const found = new Map<number, readonly Int8Array[]>();
      for (const part of parts) {
        for (const [id, vectors] of await this.#vectorsOfWaiting(embedder, part, onRefused)) found.set(id, vectors);
      }
      return found;
    }
  }

  /** The vectors of the passages of each document; texts that are the same are embedded once. */
  async #embed(embedder: Embedder, documents: readonly (readonly string[])[]): Promise<Int8Array[][]> {
    const texts = new Set(documents.flat());
    const known = new Map(
      [...texts].flatMap((text) => {
        const vector = this.#vectors.get(text);
        return vector === undefined ? [] : [[text, vector] as const];
      }),
    );
    const unknown = [...texts].filter((text) => !known.has(text));
    const vectors = await embedder.embed(unknown, 'document');
    unknown.forEach((text, place) => {
      const vector = quantise(vectors[place]!);
      known.set(text, vector);
      this.#vectors.set(text, vector);
    });
    for (const text of this.#vectors.keys()) {
      if (this.#vectors.size <= VECTORS_KEPT) break;
      this.#vectors.delete(text);
    }
    return documents.map((passages) => passages.map((text) => known.get(text)!));
  }
}

/** An index that was opened, if it is sound as far as can be told in a moment. */
function checked(opened: OpenedFile<SearchIndex>): OpenedFile<SearchIndex> {
  if (opened.state !== 'ready' || opened.index.stats().bytes > CHECKED_BYTES) return opened;
  try {
    opened.index.check();
    return opened;
  } catch (error) {
    opened.index.close();
    if (error instanceof DamagedIndexError) return { state: 'damaged', reason: error.message };
    throw error;
  }
}

/**
 * Whether an event adds no text to its run: nodes that go on are written down with what they gave when they settle. A node over ten thousand items
 * goes on ten thousand times, and each of them would index the whole run anew.
 */
function saysNothingNew({ kind, data }: RunEvent): boolean {
  const nodes = data.nodes ?? [];
  return kind === 'advanced' && nodes.length > 0 && nodes.every(([, status]) => status === 'running');
}
