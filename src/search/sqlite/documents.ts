import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { SearchDocument, Segment, TextField } from '../document.ts';
import { decodeEdits, type Edit, encodeEdits, foldWithEdits, type Rewritten, SEGMENT_END } from '../folding.ts';
import type { FoldedSegment } from '../snippet.ts';
import { GramCutter, GramSample } from './grams.ts';
import type { IndexFile } from './index-file.ts';
import { Terms } from './terms.ts';
import { Vectors } from './vectors.ts';

/** The text columns of a document, in their order. */
export const TEXT_FIELDS: readonly TextField[] = ['input', 'output', 'other'];

/** Documents that tell how frequent grams are; cutting them takes some 30 ms, at opening and whenever the index has doubled. */
const SAMPLED_DOCUMENTS = 100;
/** Of a sampled document no more than this is read, in code points for each field. */
const SAMPLED_TEXT = 4000;

/** Numbers of workspaces and workflows that are remembered: looking them up took a tenth of the time of writing a document. */
const SCOPES_KEPT = 4096;

/** What a run is about, for the search by meaning. */
export interface Meaning {
  /** Changes whenever the same text would give other terms or passages: an index of another version is outdated. */
  readonly version: string;
  /** The stemmed words of a text. */
  terms(text: string): Iterable<string>;
  /**
   * The vectors of a run's passages; undefined when they come later ({@link Documents.putVectors}).
   * @param segments of the run, by field
   */
  vectors(segments: readonly Segment[], run: RunKey): readonly Int8Array[] | undefined;
}

/** A document whose vectors are still to come. */
export interface WaitingDocument {
  /** Another one whenever the document changes. */
  readonly id: number;
  readonly runId: string;
  readonly segments: readonly FoldedSegment[];
}

/** Names a run. */
export interface RunKey {
  readonly workspaceId: string;
  readonly runId: string;
}

/** The documents of the index, each with its grams. */
export class Documents {
  readonly #file: IndexFile;
  readonly #meaning: Meaning | undefined;
  readonly terms: Terms;
  readonly vectors: Vectors;
  readonly #cutter = new GramCutter();
  /** Whatever is put after a newer run than itself is late. At least the greatest id of a run in the index. */
  #newestRun: string;
  #lastId: number;
  /** Numbers never change once they are written. */
  readonly #scopes = new Map<string, number>();
  #sample = new GramSample([]);
  #sampledAt = 0;

  constructor(file: IndexFile, meaning: Meaning | undefined) {
    this.#file = file;
    this.#meaning = meaning;
    this.terms = new Terms(file);
    this.vectors = new Vectors(file);
    this.#lastId = this.greatestId;
    const inOrder = file.get(
      'SELECT run_id FROM document WHERE id NOT IN (SELECT id FROM late) ORDER BY id DESC LIMIT 1',
    );
    const beforeLate = file.get('SELECT max(newest) AS run_id FROM late');
    this.#newestRun = [inOrder, beforeLate].map((row) => String(row?.['run_id'] ?? '')).sort()[1] ?? '';
    this.sampleAnew();
  }

  /** How frequent grams are. */
  get sample(): GramSample {
    return this.#sample;
  }

  /** The id of the last document. */
  get greatestId(): number {
    return Number(this.#file.get('SELECT max(id) AS id FROM document')?.['id'] ?? 0);
  }

  /** The number that stands for a workspace or workflow; undefined when the index has no run of it. */
  scope(kind: 'workspace' | 'workflow', name: string): number | undefined {
    const key = `${kind} ${name}`;
    const known = this.#scopes.get(key);
    if (known !== undefined) return known;
    const id = this.#file.get('SELECT id FROM scope WHERE kind = ? AND name = ?', kind, name)?.['id'];
    if (id === undefined) return undefined;
    if (this.#scopes.size >= SCOPES_KEPT) this.#scopes.clear();
    this.#scopes.set(key, Number(id));
    return Number(id);
  }

  /** The run of a document, and the number of its workflow. */
  place(document: number): { runId: string; workflow: number } | undefined {
    const row = this.#file.get('SELECT run_id, workflow FROM document WHERE id = ?', document);
    return row && { runId: String(row['run_id']), workflow: Number(row['workflow']) };
  }

  /** Removes a run, and tells whether it was there. */
  remove({ workspaceId, runId }: RunKey): boolean {
    const workspace = this.scope('workspace', workspaceId);
    const id = workspace === undefined ? undefined : this.idOf(workspace, runId);
    if (id === undefined) return false;
    this.#erase(id);
    this.#file.run('DELETE FROM late WHERE id = ?', id);
    return true;
  }

  /** Puts documents, of different runs, and returns how many replaced an earlier one. */
  put(documents: readonly SearchDocument[]): number {
    const placed = documents.map((document) => {
      const workspace = this.#ensureScope('workspace', document.workspaceId);
      return { document, workspace, id: this.idOf(workspace, document.runId) ?? Number.POSITIVE_INFINITY };
    });
    // FTS5 gathers documents while their ids rise and writes them out when one falls. New ones get ids as their runs rise.
    placed.sort((a, b) => a.id - b.id || (a.document.runId < b.document.runId ? -1 : 1));
    let replaced = 0;
    for (const { document, workspace, id } of placed) {
      const known = Number.isFinite(id);
      if (known) {
        this.#erase(id);
        replaced++;
      }
      this.#write(known ? id : this.#newId(document.runId), workspace, document);
    }
    return replaced;
  }

  /** Makes all documents wait for vectors, and removes those they have. */
  dropVectors(): void {
    this.#file.run('DELETE FROM passages');
    this.#file.run('DELETE FROM waiting');
    this.#file.run('INSERT INTO waiting (document) SELECT id FROM document');
  }

  /** Some of the documents that wait for vectors, the newest first. */
  waiting(limit: number): WaitingDocument[] {
    return this.#file
      .prepared(
        `SELECT waiting.id AS id, workspace, run_id FROM waiting JOIN document ON document.id = waiting.document
         ORDER BY waiting.document DESC LIMIT ?`,
      )
      .all(limit)
      .map(({ id, workspace, run_id }) => {
        const runId = String(run_id);
        return { id: Number(id), runId, segments: this.segments(Number(workspace), runId, TEXT_FIELDS) ?? [] };
      });
  }

  /** Keeps the vectors of a document that waited for them; of one that changed since or is gone they are dropped. */
  putVectors(waitingId: number, vectors: readonly Int8Array[]): void {
    const row = this.#file.get(
      'SELECT document, workspace FROM waiting JOIN document ON document.id = waiting.document WHERE waiting.id = ?',
      waitingId,
    );
    if (row === undefined) return;
    this.#file.run('DELETE FROM waiting WHERE id = ?', waitingId);
    this.vectors.put(Number(row['workspace']), Number(row['document']), vectors);
  }

  /** The number of the document of a run. */
  idOf(workspace: number, runId: string): number | undefined {
    const id = this.#file.get('SELECT id FROM document WHERE workspace = ? AND run_id = ?', workspace, runId)?.['id'];
    return id === undefined ? undefined : Number(id);
  }

  /** The runs of some documents. One look-up of many takes a third of the time of many look-ups. */
  runsOf(documents: readonly number[]): Map<number, string> {
    const rows = this.#file
      .prepared('SELECT id, run_id FROM document WHERE id IN (SELECT value FROM json_each(?))')
      .all(JSON.stringify(documents));
    return new Map(rows.map(({ id, run_id }) => [Number(id), String(run_id)]));
  }

  /** Takes a new sample of how frequent grams are. */
  sampleAnew(): void {
    const last = this.greatestId;
    this.#sample = new GramSample(this.#cutSampled(last, Math.max(1, Math.floor(last / SAMPLED_DOCUMENTS))));
    this.#sampledAt = last;
  }

  /** Takes a new sample if the index has doubled since the last, through whatever connection. */
  sampleIfGrown(): void {
    if (this.greatestId >= 2 * this.#sampledAt + SAMPLED_DOCUMENTS) this.sampleAnew();
  }

  /** After a change was rolled back. */
  forgetUnwritten(): void {
    this.#scopes.clear();
    this.#lastId = this.greatestId;
  }

  /** The segments of a run in some of its fields, or undefined when the run is not in the index. */
  segments(workspace: number, runId: string, fields: readonly TextField[]): FoldedSegment[] | undefined {
    const row = this.#file.get(
      'SELECT input, output, other, outline, edits FROM document WHERE workspace = ? AND run_id = ?',
      workspace,
      runId,
    );
    if (row === undefined) return undefined;
    const texts = TEXT_FIELDS.map((field) => String(row[field]));
    const outlines = unpackOutlines(row['outline']);
    const edits = decodeEdits(
      texts.join(SEGMENT_END),
      row['edits'] instanceof Uint8Array ? row['edits'] : new Uint8Array(),
    );
    return foldedSegments(texts, outlines, edits).filter(({ field }) => fields.some((wanted) => wanted === field));
  }

  *#cutSampled(last: number, step: number): Generator<Uint8Array> {
    // One of each stretch, at no fixed distance: of runs that come in turn, only one kind would be seen.
    for (let stretch = 0; stretch * step < last; stretch++) {
      const id = last - stretch * step - ((Math.imul(stretch, 0x9e3779b1) >>> 8) % step);
      const texts = this.#file.get(
        `SELECT ${TEXT_FIELDS.map((field) => `substr(${field}, 1, ${SAMPLED_TEXT}) AS ${field}`).join()} FROM document WHERE id = ?`,
        id,
      );
      if (texts !== undefined) yield this.#cutter.cut(Object.values(texts).map(String), []);
    }
  }

  #newId(runId: string): number {
    const id = ++this.#lastId;
    if (runId < this.#newestRun) this.#file.run('INSERT INTO late VALUES (?, ?)', id, this.#newestRun);
    else this.#newestRun = runId;
    return id;
  }

  #ensureScope(kind: 'workspace' | 'workflow', name: string): number {
    const known = this.scope(kind, name);
    if (known !== undefined) return known;
    this.#file.run('INSERT INTO scope (kind, name) VALUES (?, ?)', kind, name);
    return this.#ensureScope(kind, name);
  }

  #erase(id: number): void {
    this.#file.run('DELETE FROM document WHERE id = ?', id);
    this.#file.run('DELETE FROM grams WHERE rowid = ?', id);
    this.terms.remove(id);
    this.vectors.remove(id);
    this.#file.run('DELETE FROM waiting WHERE document = ?', id);
  }

  #write(id: number, workspace: number, document: SearchDocument): void {
    const workflow = this.#ensureScope('workflow', document.workflowId);
    const fields = TEXT_FIELDS.map((field) =>
      document.segments.filter((segment) => segment.field === field && segment.text !== ''),
    );
    const { texts, edits, different } = foldFields(fields);
    this.#file.run(
      'INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      workspace,
      document.runId,
      workflow,
      ...texts,
      packOutlines(fields),
      encodeEdits(texts.join(SEGMENT_END), edits),
    );
    const labels = [String(workspace), String(workflow)];
    this.#file.run('INSERT INTO grams (rowid, gram) VALUES (?, ?)', id, this.#cutter.cut([different], labels));
    if (this.#meaning === undefined) return;
    const segments = fields.flat();
    const said = new Set(segments.map(({ text }) => text));
    this.terms.put(id, this.#meaning.terms([...said].join('\n')), labels);
    const vectors = this.#meaning.vectors(segments, document);
    if (vectors === undefined) this.#file.run('INSERT INTO waiting (document) VALUES (?)', id);
    else this.vectors.put(workspace, id, vectors);
  }
}

/** The fields of a document as they are written. */
interface FoldedFields {
  /** The text of each field, its segments joined. */
  readonly texts: string[];
  /** The edits of all, as if the fields were joined in the same way. */
  readonly edits: Edit[];
  /** The segments of all fields, joined, without those that come again: what goes through the nodes of a run is the same many times. */
  readonly different: string;
}

function foldFields(fields: readonly (readonly Segment[])[]): FoldedFields {
  const edits: Edit[] = [];
  const known = new Map<string, Rewritten>();
  let start = 0;
  const texts = fields.map((segments) => {
    const folded = segments.map(({ text }) => {
      const rewritten = known.get(text) ?? foldWithEdits(text);
      known.set(text, rewritten);
      for (const { at, length, original } of rewritten.edits) edits.push({ at: start + at, length, original });
      start += rewritten.text.length + SEGMENT_END.length;
      return rewritten.text;
    });
    if (folded.length === 0) start += SEGMENT_END.length;
    return folded.join(SEGMENT_END);
  });
  const different = Array.from(known.values(), ({ text }) => text).join(SEGMENT_END);
  return { texts, edits, different };
}

/** The other way round of {@link foldFields}. */
function foldedSegments(
  texts: readonly string[],
  outlines: readonly Outline[],
  edits: readonly Edit[],
): FoldedSegment[] {
  const segments: FoldedSegment[] = [];
  let start = 0;
  let next = 0;
  for (const [index, field] of TEXT_FIELDS.entries()) {
    const folded = (texts[index] ?? '').split(SEGMENT_END);
    for (const [place, text] of folded.entries()) {
      const own: Edit[] = [];
      for (let edit = edits[next]; edit !== undefined && edit.at < start + text.length; edit = edits[++next]) {
        own.push({ ...edit, at: edit.at - start });
      }
      start += text.length + SEGMENT_END.length;
      const [path, nodeId] = outlines[index]?.[place] ?? [];
      if (path === undefined) continue;
      segments.push({ field, path, ...(nodeId !== undefined && { nodeId }), folded: { text, edits: own } });
    }
  }
  return segments;
}

/** Path and node id of each segment of a field. */
type Outline = readonly (readonly [path: string, nodeId?: string])[];

/** Outlines above this many characters are deflated: below, it would cost more time than it saves space. */
const LONG_OUTLINE = 1000;

function packOutlines(fields: readonly (readonly Segment[])[]): string | Uint8Array {
  const json = JSON.stringify(
    fields.map((segments) => segments.map(({ path, nodeId }) => (nodeId === undefined ? [path] : [path, nodeId]))),
  );
  return json.length > LONG_OUTLINE ? deflateRawSync(json) : json;
}

function unpackOutlines(packed: unknown): readonly Outline[] {
  return JSON.parse(packed instanceof Uint8Array ? inflateRawSync(packed).toString() : String(packed));
}
