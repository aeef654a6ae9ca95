import type { RunEvent } from '../../domain/event.ts';
import type { Payload } from '../../domain/payload.ts';
import { isTerminal } from '../../domain/run.ts';
import type { RunReader } from '../../store/store.ts';
import { CUT_MARK, type CutRun, documentOf, type SearchDocument } from '../document.ts';
import type { Embedder } from '../embed/embedder.ts';
import { quantise } from '../embed/vector.ts';
import { MEANING_VERSION, passagesOf, termsOf } from '../meaning.ts';
import { runTextOf } from '../run-text.ts';
import type { Meaning, RunKey } from './documents.ts';
import { DamagedIndexError, type OpenedFile } from './index-file.ts';
import { SearchIndex } from './search-index.ts';
import type { Passage } from './vectors.ts';

/** Events taken in with one transaction: a second of a busy server, 100 ms of indexing. */
const BATCH = 256;

/** Vectors kept so that texts that come again (a prompt, a footer) are embedded once: some 10 MB. */
const VECTORS_KEPT = 8192;

/** Bytes of an index that is read as a whole for damage when it is opened: half a second. Damage in larger ones is met when they are read. */
const CHECKED_BYTES = 256 * 1024 * 1024;

/** The name that terms and vectors of the index go by: a file of another one is outdated as a whole, so that vectors never mix. */
export function meaningVersion(embedder: Embedder): string {
  return `${MEANING_VERSION}/${embedder.id}`;
}

/** Brings the index up to the event log. Owns the file; others may search it meanwhile. */
export class IndexWriter {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #embedder: Embedder;
  readonly #readPayload: (payload: Payload) => Promise<string | null>;
  readonly #maxCharacters: number;
  readonly #onCut: (run: CutRun) => void;
  readonly #vectors = new Map<string, Int8Array>();
  /** Passages of the documents about to be put: embedding may wait for a server, putting may not. */
  #prepared = new Map<string, readonly Passage[]>();
  #index: SearchIndex;
  #fresh: boolean;

  constructor(parts: {
    path: string;
    reader: RunReader;
    embedder: Embedder;
    readPayload: (payload: Payload) => Promise<string | null>;
    /** Characters of a run that are indexed at most. */
    maxCharacters: number;
    /** Called once for each finished run that says more than that. */
    onCut: (run: CutRun) => void;
  }) {
    this.#path = parts.path;
    this.#reader = parts.reader;
    this.#embedder = parts.embedder;
    this.#readPayload = parts.readPayload;
    this.#maxCharacters = parts.maxCharacters;
    this.#onCut = parts.onCut;
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
    await this.#prepare(put);
    // Begun anew meanwhile: this batch belongs to the file that is gone.
    if (index !== this.#index) return true;
    index.apply({ put, remove, position: String(last.position) });
    this.#prepared.clear();
    cut.forEach(this.#onCut);
    return events.length === BATCH;
  }

  /** Removes the file and begins a new one. */
  restart(): void {
    this.#index.close();
    SearchIndex.remove(this.#path);
    [this.#index] = this.#open();
    this.#fresh = true;
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
      version: meaningVersion(this.#embedder),
      terms: termsOf,
      passages: (_, { runId }) => this.#prepared.get(runId) ?? [],
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
    const runs = new Map(events.map((event) => [event.runId, event.workspaceId]));
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

  async #prepare(documents: readonly SearchDocument[]): Promise<void> {
    const passages = documents.map(({ runId, segments }) => ({ runId, cuts: passagesOf(segments) }));
    const wanted = new Set<string>();
    for (const { cuts } of passages) for (const { text } of cuts) if (!this.#vectors.has(text)) wanted.add(text);
    if (wanted.size > 0) {
      const texts = [...wanted];
      const vectors = await this.#embedder.embed(texts, 'document');
      texts.forEach((text, place) => {
        this.#vectors.set(text, quantise(vectors[place]!));
      });
    }
    for (const { runId, cuts } of passages) {
      this.#prepared.set(
        runId,
        cuts.map(({ segment, start, end, text }) => ({ segment, start, end, vector: this.#vectors.get(text)! })),
      );
    }
    for (const text of this.#vectors.keys()) {
      if (this.#vectors.size <= VECTORS_KEPT) break;
      this.#vectors.delete(text);
    }
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
