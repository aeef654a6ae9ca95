import type { SQLInputValue } from 'node:sqlite';
import type { TextField } from '../document.ts';
import { fold, removeAccents } from '../folding.ts';
import { COUNT_LIMIT, type RunFilter, SEARCH_FIELDS, type SearchHit, type SearchRequest } from '../search.ts';
import { type FoldedSegment, snippets } from '../snippet.ts';
import { type Documents, TEXT_FIELDS } from './documents.ts';
import { beginningQuery, gramQuery, gramsOfNeedle, labelQuery } from './grams.ts';
import type { IndexFile } from './index-file.ts';

/*
 * An exact search proposes documents from the newest to the oldest, lets SQLite read the text of each to make sure, and
 * stops when the page is full. Then it counts, which is most of the work: 2.5 µs for every matching run.
 *
 * Proposals come from the gram index. For one or two characters that most documents contain the index would have to walk
 * through the documents of every gram that begins so; there every document of the workspace is read, newest first, and
 * the page is full, and the limit of the count reached, after a few.
 */

/** A needle of one or two characters in at least this share of (sampled) documents is looked for without the gram index. */
const FREQUENT = 0.5;

/** Beyond this number of workflows, the gram index is not asked for each. */
const MAX_WORKFLOW_LABELS = 20;

/** Candidates that a run filter is first asked for at once; twice as many the next time, up to the maximum. */
const FIRST_BATCH = 64;
const MAX_BATCH = 4096;

/** Patterns that SQLite's GLOB takes are limited to 50,000 bytes, which this many UTF-16 units cannot exceed when escaped. */
const MAX_GLOB_NEEDLE = 10_000;

/** Part of an SQL query over `document AS d`, and the parameters it names. */
interface Clause {
  readonly sql: string;
  readonly values: Readonly<Record<string, SQLInputValue>>;
}

/** A prepared request: what to look for, and the streams of runs, from new to old, that hold it. No run is in two of them. */
interface Plan {
  readonly workspace: number;
  readonly needle: string;
  readonly ignoreAccents: boolean;
  readonly fields: readonly TextField[];
  readonly inIds: boolean;
  readonly streams: readonly Stream[];
}

interface Stream {
  /** `FROM` and `WHERE`. */
  readonly body: Clause;
  readonly order: 'd.run_id DESC' | 'grams.rowid DESC';
}

/** The runs that a search found, and how many there are. */
export interface ExactResult {
  readonly hits: readonly SearchHit[];
  readonly total: number;
  readonly totalIsLowerBound: boolean;
}

/** Finds runs that contain a text, whatever its case, the newest first. */
export class ExactSearch {
  readonly #file: IndexFile;
  readonly #documents: Documents;
  readonly #counts = new CountCache();

  constructor(file: IndexFile, documents: Documents) {
    this.#file = file;
    this.#documents = documents;
    file.db.function('contains_bare', { deterministic: true }, (text, needle) =>
      removeAccents(String(text)).includes(String(needle)) ? 1 : 0,
    );
  }

  /**
   * Searches as part of a transaction of the caller.
   * @throws RangeError when the query is empty.
   */
  search(request: SearchRequest): ExactResult {
    const plan = this.#plan(request);
    if (plan === undefined) return { hits: [], total: 0, totalIsLowerBound: false };
    const offset = request.offset ?? 0;
    const wanted = offset + request.limit;
    const found = this.#newest(plan, request, wanted);
    const hits = found.slice(offset).map((runId) => this.#hit(plan, runId, request));
    const complete = found.length < wanted && request.before === undefined;
    if (complete) return { hits, total: found.length, totalIsLowerBound: false };
    return { hits, ...this.#count(plan, request, found.length) };
  }

  #plan(request: SearchRequest): Plan | undefined {
    const folded = fold(request.query);
    if (folded === '') throw new RangeError('The search query is empty; give at least one character.');
    const workspace = this.#documents.scope('workspace', request.workspaceId);
    const workflows = request.workflowIds?.flatMap((id) => this.#documents.scope('workflow', id) ?? []);
    if (workspace === undefined || workflows?.length === 0) return undefined;

    const bare = removeAccents(folded);
    // Of nothing but accents, nothing would be left to look for.
    const ignoreAccents = request.ignoreAccents === true && bare !== '';
    const needle = ignoreAccents ? bare : folded;
    const searched = request.searchIn ?? SEARCH_FIELDS;
    const fields = TEXT_FIELDS.filter((field) => searched.includes(field));
    const inIds = searched.includes('run_id');

    const scope = scopeClause(workspace, workflows);
    const ids = idClause(needle);
    const streams: Stream[] = [];
    if (inIds) streams.push({ body: from('document AS d', scope, ids), order: 'd.run_id DESC' });
    if (fields.length > 0) {
      const text = textClause(fields, needle, ignoreAccents);
      const others: Clause = inIds ? { sql: `NOT (${ids.sql})`, values: ids.values } : ALL;
      streams.push(this.#textStream(needle, [scope, others, text], workspace, workflows));
    }
    return { workspace, needle, ignoreAccents, fields, inIds, streams };
  }

  #textStream(needle: string, conditions: readonly Clause[], workspace: number, workflows?: readonly number[]): Stream {
    const { whole, beginning } = gramsOfNeedle(needle);
    const sample = this.#documents.sample;
    if (beginning !== undefined && sample.share(beginning) >= FREQUENT) {
      return { body: from('document AS d', ...conditions), order: 'd.run_id DESC' };
    }
    const queries = beginning === undefined ? sample.worthwhile(whole).map(gramQuery) : [beginningQuery(beginning)];
    if (this.#hasOtherWorkspaces(workspace)) queries.push(labelQuery(String(workspace)));
    if (workflows !== undefined && workflows.length <= MAX_WORKFLOW_LABELS) {
      queries.push(`(${workflows.map((workflow) => labelQuery(String(workflow))).join(' OR ')})`);
    }
    const proposed: Clause = { sql: 'grams MATCH :grams', values: { grams: queries.join(' AND ') } };
    // CROSS JOIN keeps SQLite from starting with the documents.
    const body = from('grams CROSS JOIN document AS d ON d.id = grams.rowid', proposed, ...conditions);
    return { body, order: 'grams.rowid DESC' };
  }

  #hasOtherWorkspaces(workspace: number): boolean {
    return this.#file.get(`SELECT 1 FROM scope WHERE kind = 'workspace' AND id <> ? LIMIT 1`, workspace) !== undefined;
  }

  /** The newest runs of all streams, as many as wanted. */
  #newest(plan: Plan, { before, allowed }: SearchRequest, wanted: number): string[] {
    return plan.streams
      .flatMap((stream) => newestOf(this.#runs(stream, plan.workspace, before), wanted, allowed))
      .sort(descending)
      .slice(0, wanted);
  }

  /** The runs of a stream that are older than `before`. */
  *#runs({ body, order }: Stream, workspace: number, before: string | undefined): Generator<Candidate> {
    const byId = order === 'd.run_id DESC';
    const newest = byId ? 'NULL' : '(SELECT newest FROM late WHERE late.id = d.id)';
    const older = before === undefined ? ALL : this.#olderThan(before, workspace, byId);
    const sql = `SELECT d.run_id AS run, ${newest} AS newest ${body.sql} AND ${older.sql} ORDER BY ${order}`;
    for (const row of this.#file.prepared(sql).iterate({ ...body.values, ...older.values })) {
      const runId = String(row['run']);
      yield { runId, newest: row['newest'] === null ? runId : String(row['newest']) };
    }
  }

  #olderThan(before: string, workspace: number, byId: boolean): Clause {
    if (byId) return { sql: 'd.run_id < :before', values: { before } };
    // Ids of documents rise with those of runs, but for the late ones.
    const last = this.#file.get(
      `SELECT max(id) AS id FROM (
         SELECT * FROM (SELECT id FROM document WHERE workspace = ?1 AND run_id < ?2 ORDER BY run_id DESC LIMIT 1)
         UNION ALL SELECT late.id FROM late JOIN document AS d ON d.id = late.id WHERE d.run_id < ?2)`,
      workspace,
      before,
    )?.['id'];
    return { sql: 'd.run_id < :before AND grams.rowid <= :last', values: { before, last: Number(last ?? 0) } };
  }

  #count(plan: Plan, request: SearchRequest, found: number): Total {
    const upTo = request.countUpTo ?? COUNT_LIMIT;
    if (upTo === 0 || upTo < found) return { total: found, totalIsLowerBound: true };
    const { allowed } = request;
    if (allowed !== undefined) {
      const counted = plan.streams.reduce((sum, stream) => {
        let left = upTo + 1 - sum;
        for (const runs of batches(this.#runs(stream, plan.workspace, undefined))) {
          const passed = allowed(runs.map(({ runId }) => runId));
          left -= runs.filter(({ runId }) => passed.has(runId)).length;
          if (left <= 0) break;
        }
        return upTo + 1 - left;
      }, 0);
      return { total: Math.min(counted, upTo), totalIsLowerBound: counted > upTo };
    }
    const changes = {
      all: Number(this.#file.fact('changes') ?? 0),
      removals: Number(this.#file.fact('removals') ?? 0),
    };
    const key = JSON.stringify(plan.streams);
    const known = this.#counts.get(key, upTo, changes);
    if (known !== undefined) return known;
    const limit = upTo + 1 + SPARE_COUNT;
    const counted = plan.streams.reduce((sum, { body }) => {
      const sql = `SELECT count(*) AS runs FROM (SELECT 1 ${body.sql} LIMIT :limit)`;
      return sum + Number(this.#file.prepared(sql).get({ ...body.values, limit: limit - sum })?.['runs']);
    }, 0);
    return this.#counts.put(key, { counted, complete: counted < limit, changes }, upTo);
  }

  #hit(plan: Plan, runId: string, request: SearchRequest): SearchHit {
    const options = {
      ignoreAccents: plan.ignoreAccents,
      contextSize: request.contextSize,
      maxMatches: request.maxMatchesPerRun,
    };
    const segments = this.#documents.segments(plan.workspace, runId, plan.fields) ?? [];
    if (plan.inIds) segments.push(idSegment(runId));
    return { runId, similarity: 1, matches: snippets(segments, plan.needle, options) };
  }
}

/** A run that matches, as a stream from new to old gives it. */
interface Candidate {
  readonly runId: string;
  /** What follows in the stream is older than this run. */
  readonly newest: string;
}

/** The newest runs of a stream that the filter lets through, in any order. */
function newestOf(stream: Iterable<Candidate>, wanted: number, allowed: RunFilter | undefined): string[] {
  if (wanted === 0) return [];
  let found: string[] = [];
  for (const batch of allowed === undefined ? ones(stream) : batches(stream)) {
    const runs = batch.map(({ runId }) => runId);
    const passed = allowed?.(runs);
    found.push(...(passed === undefined ? runs : runs.filter((runId) => passed.has(runId))));
    if (found.length < wanted) continue;
    found = found.sort(descending).slice(0, wanted);
    const oldestFound = found.at(-1) ?? '';
    const last = batch.at(-1);
    if (last === undefined || last.newest <= oldestFound) break;
  }
  return found;
}

function* ones<T>(items: Iterable<T>): Generator<T[]> {
  for (const item of items) yield [item];
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let size = FIRST_BATCH;
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
    size = Math.min(size * 2, MAX_BATCH);
  }
  if (batch.length > 0) yield batch;
}

function descending(a: string, b: string): number {
  return a < b ? 1 : -1;
}

function idSegment(runId: string): FoldedSegment {
  return { field: 'run_id', path: '$', folded: { text: runId, edits: [] } };
}

const ALL: Clause = { sql: 'TRUE', values: {} };

function from(tables: string, ...conditions: readonly Clause[]): Clause {
  return {
    sql: `FROM ${tables} WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`,
    values: Object.assign({}, ...conditions.map(({ values }) => values)),
  };
}

function scopeClause(workspace: number, workflows: readonly number[] | undefined): Clause {
  if (workflows === undefined) return { sql: 'd.workspace = :workspace', values: { workspace } };
  return {
    sql: 'd.workspace = :workspace AND d.workflow IN (SELECT value FROM json_each(:workflows))',
    values: { workspace, workflows: JSON.stringify(workflows) },
  };
}

/** Runs whose id begins with the needle. Ids are in lower case, as a folded needle is. */
function idClause(needle: string): Clause {
  return { sql: 'd.run_id >= :low AND d.run_id < :high', values: { low: needle, high: `${needle}\u{10FFFF}` } };
}

/**
 * Documents with the needle in one of the fields.
 *
 * GLOB reads 2 KB in 1 µs and instr in 4 µs, but GLOB takes all that is no valid character for U+FFFD.
 */
function textClause(fields: readonly TextField[], needle: string, ignoreAccents: boolean): Clause {
  const asGlob = !ignoreAccents && needle.length <= MAX_GLOB_NEEDLE && !needle.includes('\uFFFD');
  const test = asGlob ? 'GLOB(:needle, d.$)' : ignoreAccents ? 'contains_bare(d.$, :needle)' : 'instr(d.$, :needle)';
  const sql = fields.map((field) => test.replace('$', field)).join(' OR ');
  return { sql: `(${sql})`, values: { needle: asGlob ? `*${needle.replace(/[*?[]/g, '[$&]')}*` : needle } };
}

interface Total {
  readonly total: number;
  readonly totalIsLowerBound: boolean;
}

/** How often the index was changed, and how many documents were removed or replaced in all. */
interface Changes {
  readonly all: number;
  readonly removals: number;
}

interface KnownCount {
  readonly counted: number;
  readonly complete: boolean;
  readonly changes: Changes;
}

/** Counts are taken this much further than asked for, so that a few removals leave "more than 10,000" true. */
const SPARE_COUNT = 250;
const MAX_KNOWN_COUNTS = 500;

/**
 * The last counts. People page through one search and type on, and views repeat it: counting 10,000 runs takes 25 ms, which
 * is too long to do each time anew.
 */
class CountCache {
  readonly #counts = new Map<string, KnownCount>();

  get(key: string, upTo: number, now: Changes): Total | undefined {
    const known = this.#counts.get(key);
    if (known === undefined) return undefined;
    // The most recently used ones are kept.
    this.#counts.delete(key);
    const more = known.counted - (now.removals - known.changes.removals) > upTo;
    const unchanged = now.all === known.changes.all;
    if (!more && !(unchanged && known.complete)) return undefined;
    this.#counts.set(key, known);
    return more ? { total: upTo, totalIsLowerBound: true } : { total: known.counted, totalIsLowerBound: false };
  }

  put(key: string, count: KnownCount, upTo: number): Total {
    const oldest = this.#counts.keys().next();
    if (this.#counts.size >= MAX_KNOWN_COUNTS && !oldest.done) this.#counts.delete(oldest.value);
    this.#counts.set(key, count);
    const more = count.counted > upTo;
    return more ? { total: upTo, totalIsLowerBound: true } : { total: count.counted, totalIsLowerBound: false };
  }
}
