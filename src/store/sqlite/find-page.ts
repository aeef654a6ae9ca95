import type { Boundary, KeysetPage } from '../../domain/keyset.ts';
import { type Bind, columnsOf, filterToSql, Parameters, type SqlColumns, type SqlValue } from '../sql/filter-to-sql.ts';
import {
  beyond,
  boundaryOrder,
  frameOf,
  type ListIndex,
  type ListSource,
  type OrderKey,
  orderBy,
  orderOf,
} from '../sql/keyset.ts';
import { sqliteFilter } from '../sql/sqlite-filter.ts';
import type { FindRequest } from '../store.ts';
import {
  type Access,
  certaintySql,
  chooseAccess,
  FIND_LIMITS,
  type FindLimits,
  type IndexedSet,
  inSet,
  type Lane,
  lanesOf,
  smallestSet,
  sqlOf,
} from './access.ts';
import type { Connection } from './connection.ts';

/** Rows between two looks at the time, at least: however long a row takes, looking costs as much as some ten. */
const FEWEST_ROWS = 16;

/**
 * Finds a page of a list, step by step: between steps nothing is held, no snapshot either, so that other work goes on and the write-ahead log
 * can be reset. The keys of the rows are found first; the rows themselves, with payloads and all, are read for those on the page only.
 */
export function* findPage<T>(
  on: Connection,
  source: ListSource<T>,
  request: FindRequest,
  limits: FindLimits = FIND_LIMITS,
  extra?: Condition,
): Generator<undefined, KeysetPage<T>> {
  const search = new PageSearch(on, source, request, limits, extra);
  const access = chooseAccess(on, source, search.order, request, limits);
  if (access.kind === 'ordered') yield* search.walkOrdered(access);
  else if (access.kind === 'few' && search.joins.length === 0) search.sort(access.set);
  else yield* search.walkAll(lanesOf(source, access.set));
  return search.page();
}

/** A condition beside the filter, on the rows of the table alone. */
type Condition = (bind: Bind) => string;

/** The rows found so far for one page, and the statements that find more. */
class PageSearch<T> {
  readonly #on: Connection;
  readonly #source: ListSource<T>;
  readonly #request: FindRequest;
  readonly #limits: FindLimits;
  readonly #extra: Condition | undefined;
  readonly order: readonly OrderKey[];
  /** What the filter and the order need of other tables. */
  readonly joins: readonly string[];
  /** What the filter needs, as no index may serve it: which index is used, and for what, is decided here and not by SQLite's planner. */
  readonly #unindexed: SqlColumns;
  /** The best rows so far, one more than the page holds. */
  #found: readonly Boundary[] = [];
  /** Rows of the next stretch. */
  #rows: number;
  #stepBegan = performance.now();
  #hasPaused = false;

  constructor(
    on: Connection,
    source: ListSource<T>,
    request: FindRequest,
    limits: FindLimits,
    extra: Condition | undefined,
  ) {
    this.#extra = extra;
    this.#limits = limits;
    this.#rows = limits.firstRows;
    this.#on = on;
    this.#source = source;
    this.#request = request;
    this.order = orderOf(source, request);
    const used = [...columnsOf(request.filter), ...this.order.map(({ column }) => column)];
    this.joins = source.joins.filter(({ columns }) => used.some((column) => columns.has(column))).map(({ sql }) => sql);
    this.#unindexed = Object.fromEntries(Object.entries(source.columns).map(([column, sql]) => [column, `+${sql}`]));
  }

  /** Takes the rows of a set in one statement. */
  sort(set: IndexedSet): void {
    const { values, bind } = new Parameters();
    const conditions = [inSet(this.#source, set, bind), ...this.#beyond(bind)];
    this.#look(set.index, conditions, this.order, values, bind);
  }

  /** Looks at all rows of some lanes. */
  *walkAll(lanes: readonly Lane[]): Generator<undefined, void> {
    for (const lane of lanes) {
      let start: Boundary | null = null;
      do {
        const end: Boundary | null = this.#endOf(lane, start, false);
        const { values, bind } = new Parameters();
        const conditions = [...this.#within(lane, start, end, false, bind), ...this.#beyond(bind)];
        this.#look(lane.index, conditions, this.order, values, bind);
        start = end;
        yield* this.#pause();
      } while (start !== null);
    }
  }

  /** Walks lanes that lie in the order of the list, from the boundary on, no further than the page needs. */
  *walkOrdered({ lanes, inSequence, sets }: Extract<Access, { kind: 'ordered' }>): Generator<undefined, void> {
    const { filter, limit, workspaceId } = this.#request;
    const isFull = () => inSequence && this.#found.length > limit;
    let passed = 0;
    let mayTakeSet = sets.length > 0;
    for (const lane of lanes) {
      if (isFull() || (inSequence && this.#isPassed(lane))) continue;
      const keys = this.order.filter(({ column }) => column !== lane.fixed?.column);
      const order = keys.map((key) => ({ ...key, nullable: false }));
      const down = order[0]?.descending === true;
      let start = this.#startIn(lane, inSequence);
      this.#rows = Math.min(this.#rows, this.#limits.firstRows);
      let found = 0;
      for (;;) {
        // Without a filter every row is of the page, whose limit ends the walk.
        const end: Boundary | null =
          filter === null && this.#extra === undefined ? null : this.#endOf(lane, start, down);
        const { values, bind } = new Parameters();
        found += this.#look(lane.index, this.#within(lane, start, end, down, bind), order, values, bind);
        if (found > limit || isFull()) break;
        if (end === null) break;
        start = end;
        passed += this.#rows;
        yield* this.#pause();
        if (mayTakeSet && passed >= this.#limits.passedBeforeInstead) {
          mayTakeSet = false;
          const set = smallestSet(this.#on, this.#source, workspaceId, sets, () => this.#limits.mostInstead);
          if (set !== null) return yield* this.walkAll(lanesOf(this.#source, set));
        }
      }
    }
  }

  /** The page of what was found. */
  page(): KeysetPage<T> {
    const { shown, previous, next } = frameOf(this.#found, this.#request);
    const source = this.#source;
    const { values, bind } = new Parameters();
    const key = source.key.map((column) => this.order.findIndex((each) => each.column === column));
    const wanted = bind(JSON.stringify(shown.map((boundary) => key.map((index) => boundary[index]))));
    const conditions = [
      `${source.workspace} = ${bind(this.#request.workspaceId)}`,
      ...source.key.map((column, index) => `${sqlOf(source, column)} = page.value ->> ${index}`),
      // A row may have changed since it was found.
      ...(this.#hasPaused ? this.#matching(source.columns, bind) : []),
    ];
    const sql = `select page.key as place, ${source.select} from json_each(${wanted}) page cross join ${source.table}
      ${source.joins.map((join) => join.sql).join(' ')} where ${conditions.join(' and ')}`;
    // Sorted here, since SQLite would copy whole rows to do it.
    const rows = this.#on.recent(sql).all(...values);
    rows.sort((a, b) => Number(a['place']) - Number(b['place']));
    return { items: rows.map((row) => source.item(row)), previous, next };
  }

  /** Where the next stretch of a lane ends; null when it is the last one. */
  #endOf(lane: Lane, start: Boundary | null, down: boolean): Boundary | null {
    const { values, bind } = new Parameters();
    const source = this.#source;
    const columns = lane.along.map((column) => sqlOf(source, column));
    const conditions = [`${source.workspace} = ${bind(this.#request.workspaceId)}`];
    conditions.push(...this.#within(lane, start, null, down, bind));
    const sql = `select ${columns.join(', ')} from ${source.table} indexed by ${lane.index.name}
      where ${conditions.join(' and ')} order by ${columns.map((column) => `${column} ${down ? 'desc' : 'asc'}`).join(', ')}
      limit 1 offset ${bind(this.#rows - 1)}`;
    const row = this.#on.recent(sql).get(...values);
    return row === undefined ? null : (Object.values(row) as Boundary);
  }

  /** The conditions of a stretch of a lane: after its start, down to its end and with it. */
  #within(lane: Lane, start: Boundary | null, end: Boundary | null, down: boolean, bind: Bind): string[] {
    const sql = (column: string) => sqlOf(this.#source, column);
    const tuple = `(${lane.along.map(sql).join(', ')})`;
    const beside = (sign: string, boundary: Boundary) => `${tuple} ${sign} (${boundary.map(bind).join(', ')})`;
    const conditions: string[] = [];
    if (lane.fixed) {
      const { column, value } = lane.fixed;
      conditions.push(value === null ? `${sql(column)} is null` : `${sql(column)} = ${bind(value)}`);
    }
    if (start) conditions.push(beside(down ? '<' : '>', start));
    if (end) conditions.push(beside(down ? '>=' : '<=', end));
    // One limit a side: given two, SQLite may seek by the wider one.
    const { low, high } = lane.bounds;
    const isBounded = { low: down ? end : start, high: down ? start : end };
    const rest = { ...(low && !isBounded.low && { low }), ...(high && !isBounded.high && { high }) };
    const [first = ''] = lane.along;
    if (rest.low || rest.high || (!start && !end && !this.#source.notNull.has(first)))
      conditions.push(certaintySql(sql(first), rest, bind));
    // For SQLite to see that a partial index has all these rows; the plus keeps it from seeking by this.
    if (lane.index.isPartial && !lane.fixed) conditions.push(`+${sql(first)} = +${sql(first)}`);
    return conditions;
  }

  /** Where the boundary lies in a lane; null for a lane that is walked from its beginning. */
  #startIn(lane: Lane, inSequence: boolean): Boundary | null {
    const { from } = this.#request;
    if (from === null || (inSequence && this.#place(lane) !== 0)) return null;
    return lane.along.map((column) => from[this.order.findIndex((key) => key.column === column)] ?? null);
  }

  /** Whether a lane of a sequence lies before the boundary. */
  #isPassed(lane: Lane): boolean {
    return this.#place(lane) < 0;
  }

  /** Below 0 for a lane of a sequence that lies before the one with the boundary, 0 for that one. */
  #place(lane: Lane): number {
    const { from } = this.#request;
    const [first] = this.order;
    if (from === null || first === undefined) return 1;
    const at = from[0] ?? null;
    const compare = boundaryOrder([first]);
    if (lane.fixed) return compare([lane.fixed.value], [at]);
    return at === null ? (first.descending ? 1 : -1) : 0;
  }

  /** Rows that are of the page or of those after it, as far as is known. @returns how many it found */
  #look(
    index: ListIndex,
    conditions: readonly string[],
    order: readonly OrderKey[],
    values: SqlValue[],
    bind: Bind,
  ): number {
    const source = this.#source;
    const { workspaceId, limit } = this.#request;
    const began = performance.now();
    const all = [`${source.workspace} = ${bind(workspaceId)}`, ...conditions, ...this.#matching(this.#unindexed, bind)];
    const sql = `select ${this.order.map((key, position) => `${key.sql} as k${position}`).join(', ')}
      from ${source.table} indexed by ${index.name} ${this.joins.join(' ')}
      where ${all.join(' and ')} order by ${orderBy(order)} limit ${bind(limit + 1)}`;
    const statement = this.#on.recent(sql);
    statement.setReturnArrays(true);
    const found = statement.all(...values) as unknown as Boundary[];
    this.#keep(found);
    this.#adapt(performance.now() - began);
    return found.length;
  }

  /** What always holds, and the filter. */
  #matching(columns: SqlColumns, bind: Bind): string[] {
    const { filter } = this.#request;
    const { where } = this.#source;
    return [
      ...(where === undefined ? [] : [where]),
      ...(filter === null ? [] : [filterToSql(filter, columns, sqliteFilter, bind)]),
      ...(this.#extra ? [this.#extra(bind)] : []),
    ];
  }

  #beyond(bind: Bind): string[] {
    const { from } = this.#request;
    if (from === null) return [];
    const order = this.order.map((key) => ({ ...key, sql: this.#unindexed[key.column] ?? key.sql }));
    return [beyond(order, from, bind)];
  }

  /** A row that changed on the way may come twice: the later reading counts. */
  #keep(more: readonly Boundary[]): void {
    if (more.length === 0) return;
    const key = this.#source.key.map((column) => this.order.findIndex((each) => each.column === column));
    const rows = new Map([...this.#found, ...more].map((row) => [key.map((index) => row[index]).join(' '), row]));
    this.#found = [...rows.values()].sort(boundaryOrder(this.order)).slice(0, this.#request.limit + 1);
  }

  #adapt(ms: number): void {
    const { stepMs, mostRows } = this.#limits;
    const fewest = Math.min(FEWEST_ROWS, mostRows);
    if (ms > stepMs) this.#rows = Math.max(fewest, Math.floor((this.#rows * stepMs) / ms));
    else if (ms < stepMs / 4) this.#rows = Math.min(mostRows, this.#rows * 2);
  }

  *#pause(): Generator<undefined, void> {
    if (performance.now() - this.#stepBegan < this.#limits.stepMs) return;
    this.#hasPaused = true;
    yield;
    this.#stepBegan = performance.now();
  }
}
