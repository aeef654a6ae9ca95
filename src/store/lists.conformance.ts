import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { Boundary, KeysetPage } from '../domain/keyset.ts';
import type { Run } from '../domain/run.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { SortKey } from '../filter/sort.ts';
import {
  anyRunFilter,
  anySort,
  changeOf,
  expectedIds,
  indexedFilter,
  keepRuns,
  type MadeFilter,
  type MadeRun,
  makeRuns,
  runFilter,
  WORKSPACE,
} from './lists.arbitrary.ts';
import type { FindRequest, FoundRun, Listed, Store } from './store.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** The runs and the expressions that are compared; the long variant takes minutes. */
const RUNS = LONG ? 2000 : 200;
const EXPRESSIONS = LONG ? 10_000 : 300;
const WALKS = LONG ? 3000 : 150;

/** How long runs come and go under those who page. */
const FIRE_MS = LONG ? 60_000 : 2500;

const FIRST = { filter: null, sort: [], from: null, backward: false } as const;

/** An empty store for one test, and how to close and remove it. */
interface OpenedStore {
  readonly store: Store;
  dispose(): Promise<void>;
}

/** What `Store.find` promises, in every list. */
export function describeLists(open: () => Promise<OpenedStore>): void {
  describe('a list by filter and boundary', () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    const aRun = (set: Partial<Run>) => queuedRun({ workspaceId: WORKSPACE, workflowId: 'w' }, system, set);
    const keep = (runs: readonly Run[]) => Promise.all(runs.map((run) => store.commit([{ kind: 'createRun', run }])));
    const remove = (runId: string) => store.commit([{ kind: 'deleteRun', workspaceId: WORKSPACE, runId }]);
    const find = (request: Partial<FindRequest>) =>
      store.find('runs', { ...FIRST, workspaceId: WORKSPACE, limit: 100, ...request });
    const idsOf = (page: KeysetPage<FoundRun>) => page.items.map(({ run }) => run.id);
    const by = (text: string): SortKey[] =>
      text.split(',').map((key) => {
        const [column = '', direction] = key.split(':');
        return { column, direction: direction === 'desc' ? 'desc' : 'asc' };
      });

    it('is empty, with nothing before and nothing after, where there is nothing', async () => {
      for (const list of ['runs', 'nodeRuns', 'logs'] as const) {
        for (const backward of [false, true]) {
          const page = await store.find(list, { ...FIRST, workspaceId: WORKSPACE, limit: 5, backward });
          expect(page).toEqual({ items: [], previous: null, next: null });
        }
      }
    });

    it('has the newest runs first when nothing is asked for, and of one time the one with the greatest id', async () => {
      const runs = [3, 1, 2, 2, 1].map((createdAt) => aRun({ createdAt }));
      await keep(runs);
      const [a, b, c, d, e] = runs.map(({ id }) => id);
      expect(idsOf(await find({}))).toEqual([a, d, c, e, b]);
      expect(idsOf(await find({ sort: by('createdAt:asc') }))).toEqual([b, e, c, d, a]);
    });

    it.each([
      ['durationMs:asc', [1, 0, 2, 3]],
      ['durationMs:desc', [3, 2, 0, 1]],
      ['clientRef:asc', [3, 1, 0, 2]],
      ['clientRef:desc', [2, 0, 1, 3]],
      ['cost:asc', [2, 3, 0, 1]],
      ['cost:desc', [1, 0, 3, 2]],
      ['clientRef:desc,cost:desc', [0, 2, 1, 3]],
      ['durationMs:desc,id:asc', [2, 3, 0, 1]],
    ])('puts nulls last going up and first going down, and breaks ties by id, sorted by %s', async (sort, places) => {
      const times = (ms: number) => ({ startedAt: 5, finishedAt: 5 + ms });
      const runs = [
        aRun({ ...times(20), clientRef: null, cost: '10' }),
        aRun({ ...times(3), clientRef: 'b', cost: null }),
        aRun({ startedAt: 5, clientRef: null, cost: '-20' }),
        aRun({ finishedAt: 7, clientRef: 'B', cost: '9.5' }),
      ];
      await keep(runs);
      const ids = places.map((place) => runs[place]?.id);
      expect(idsOf(await find({ sort: by(sort) }))).toEqual(ids);
      for (const limit of [1, 2, 3]) expect(await idsByWalk(find, { sort: by(sort), limit })).toEqual(ids);
      for (const limit of [1, 2, 3])
        expect(await idsByWalk(find, { sort: by(sort), limit, backward: true })).toEqual(ids);
    });

    it('goes on from a boundary whose run was deleted, in both directions', async () => {
      const runs = Array.from({ length: 9 }, () => aRun({ status: 'succeeded', createdAt: 7 }));
      await keep(runs);
      const ids = runs.map(({ id }) => id).reverse();
      const first = await find({ limit: 4 });
      await remove(ids[3]!);
      const second = await find({ limit: 3, from: first.next });
      expect(idsOf(second)).toEqual(ids.slice(4, 7));
      await remove(ids[4]!);
      const back = await find({ limit: 10, from: second.previous, backward: true });
      expect(idsOf(back)).toEqual(ids.slice(0, 3));
      expect(back.previous).toBeNull();
      expect(idsOf(await find({ limit: 10, from: back.next }))).toEqual(ids.slice(5));
    });

    it('neither repeats nor skips a run when others are made between two pages', async () => {
      const runs = [10, 20, 30, 40].map((createdAt) => aRun({ createdAt }));
      await keep(runs);
      const ids = runs.map(({ id }) => id).reverse();
      const first = await find({ limit: 2 });
      const [newer, older] = [aRun({ createdAt: 50 }), aRun({ createdAt: 15 })];
      await keep([newer, older]);
      const second = await find({ limit: 3, from: first.next });
      expect([...idsOf(first), ...idsOf(second)]).toEqual([ids[0], ids[1], ids[2], older.id, ids[3]]);
      expect(second.next).toBeNull();
      const back = await find({ limit: 3, from: second.previous, backward: true });
      expect(idsOf(back)).toEqual([newer.id, ids[0], ids[1]]);
    });

    it('tells whether something follows and whether something is before', async () => {
      await keep([1, 2, 3].map((createdAt) => aRun({ createdAt })));
      const ends = ({ previous, next }: KeysetPage<FoundRun>) => [previous !== null, next !== null];
      const whole = await find({ limit: 3 });
      expect(ends(whole)).toEqual([false, false]);
      const first = await find({ limit: 2 });
      expect(ends(first)).toEqual([false, true]);
      const last = await find({ limit: 2, from: first.next });
      expect(ends(last)).toEqual([true, false]);
      const back = await find({ limit: 1, from: last.previous, backward: true });
      expect(ends(back)).toEqual([true, true]);
    });

    it('of node runs can be filtered and walked, over all runs and for one', async () => {
      const runs = [aRun({ createdAt: 100 }), aRun({ createdAt: 50, workflowId: 'other' })];
      await keep(runs);
      const nothing = { failure: null, warnings: [], usage: null, taken: null, attempts: 1 };
      const passes = { currentIteration: 1, totalIterations: 1, iterates: false };
      const made = runs.flatMap(({ id: runId }, r) =>
        [0, 1, 2].map((n) => ({
          runId,
          nodeRun: {
            nodeId: `n${n}`,
            status: n === 2 ? ('failed' as const) : ('succeeded' as const),
            startedAt: n === 0 ? null : 200 + r - n,
            finishedAt: n === 0 ? null : 300,
            inputs: n === 1 ? '@9:blob' : `{"n":${n}}`,
            outputs: null,
            ...passes,
            ...nothing,
          },
        })),
      );
      for (const { runId, nodeRun } of made)
        await store.commit([{ kind: 'putNodeRun', workspaceId: WORKSPACE, runId, nodeRun }]);
      const name = ({ runId, nodeRun }: Listed['nodeRuns']) =>
        `${runs.findIndex(({ id }) => id === runId)}/${nodeRun.nodeId}`;
      const request = { ...FIRST, workspaceId: WORKSPACE, limit: 2 };
      const names = async (more: Partial<FindRequest>) => {
        const find = (request: FindRequest) => store.find('nodeRuns', request);
        const forward = (await walked(find, { ...request, ...more })).map(name);
        expect((await walked(find, { ...request, ...more, backward: true })).map(name)).toEqual(forward);
        return forward;
      };
      // A node run that has not begun counts as made with its run.
      expect(await names({})).toEqual(['1/n0', '0/n0', '0/n2', '0/n1', '1/n2', '1/n1']);
      expect(await names({ sort: by('startedAt:desc') })).toEqual(['1/n0', '0/n0', '1/n1', '1/n2', '0/n1', '0/n2']);
      const test = (column: string, value: string): CheckedFilter => ({
        kind: 'in',
        target: { column, kind: 'text', path: [] },
        values: [value],
      });
      expect(await names({ filter: test('runId', runs[1]!.id) })).toEqual(['1/n0', '1/n2', '1/n1']);
      expect(await names({ filter: test('workflowId', 'w') })).toEqual(['0/n0', '0/n2', '0/n1']);
      expect(await names({ filter: test('status', 'failed'), sort: by('durationMs:asc') })).toEqual(['1/n2', '0/n2']);
      const input: CheckedFilter = { kind: 'null', target: { column: 'input', kind: 'json', path: ['n'] } };
      expect(await names({ filter: input })).toEqual(['0/n1', '1/n1']);
      const { items } = await store.find('nodeRuns', request);
      const { runId, workflowId, runCreatedAt } = items[0]!;
      expect({ runId, workflowId, runCreatedAt }).toEqual({
        runId: runs[1]?.id,
        workflowId: 'other',
        runCreatedAt: 50,
      });
    });

    it('of log lines can be filtered and walked, over all runs and for one', async () => {
      const runs = [aRun({}), aRun({})];
      await keep(runs);
      const at = [30, 10, 20, 10, 30, 10];
      for (const [n, time] of at.entries()) {
        const log = { id: system.newId(), runId: runs[n % 2]!.id, nodeId: n < 3 ? null : 'n', iteration: 0 } as const;
        const rest = { level: n === 0 ? 'error' : 'info', message: `line ${n}`, at: time, meta: { n } } as const;
        await store.commit([{ kind: 'appendLog', workspaceId: WORKSPACE, log: { ...log, ...rest } }]);
      }
      const lines = async (more: Partial<FindRequest>) => {
        const request = { ...FIRST, workspaceId: WORKSPACE, limit: 2, ...more };
        const find = (request: FindRequest) => store.find('logs', request);
        const forward = (await walked(find, request)).map(({ message }) => message.slice(5));
        const backward = (await walked(find, { ...request, backward: true })).map(({ message }) => message.slice(5));
        expect(backward).toEqual(forward);
        return forward.join('');
      };
      expect(await lines({})).toBe('135204');
      expect(await lines({ sort: by('timestamp:desc') })).toBe('402531');
      expect(await lines({ sort: by('nodeId:desc,timestamp:asc') })).toBe('120354');
      const ofRun: CheckedFilter = {
        kind: 'in',
        target: { column: 'runId', kind: 'text', path: [] },
        values: [runs[1]!.id],
      };
      expect(await lines({ filter: ofRun })).toBe('135');
      const late: CheckedFilter = {
        kind: 'order',
        target: { column: 'timestamp', kind: 'datetime', path: [] },
        order: 'gt',
        value: 10,
      };
      expect(await lines({ filter: { kind: 'and', terms: [late, { kind: 'not', term: ofRun }] } })).toBe('204');
    });
  });

  describe('a list of runs of all kinds', () => {
    let opened: OpenedStore;
    let store: Store;
    let made: MadeRun[];

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
      const system = heldSystem();
      made = makeRuns(RUNS, 1, system);
      await keepRuns(store, made, system);
      // Others have the same, under other ids.
      const theirs = makeRuns(20, 2, heldSystem(1)).map(({ run, record }) => ({
        run: { ...run, workspaceId: 'theirs' },
        record,
      }));
      for (const each of theirs) await store.commit(changeOf(each, system));
    });
    afterAll(() => opened.dispose());

    const find = (request: FindRequest) => store.find('runs', request, { payloads: false });

    /** Walks a list in both directions and compares it with what it must be. */
    async function compare(
      { text, filter }: { text: string; filter: CheckedFilter | null },
      sort: SortKey[],
      limit: number,
    ) {
      const expected = expectedIds(made, filter, sort);
      const request = { ...FIRST, workspaceId: WORKSPACE, filter, sort, limit };
      for (const backward of [false, true]) {
        const found = (await walked(find, { ...request, backward })).map(({ run }) => run.id);
        expect(found, `${text} by ${JSON.stringify(sort)}, ${limit} a page, ${backward}`).toEqual(expected);
      }
      return expected.length;
    }

    it('has what the matcher in memory finds, nulls included, whatever is asked for', {
      timeout: 1_800_000,
    }, async () => {
      let found = 0;
      await fc.assert(
        fc.asyncProperty(anyRunFilter, async (made) => {
          found += await compare(made, [], 500);
        }),
        { numRuns: EXPRESSIONS, ...(LONG ? {} : { seed: 2 }) },
      );
      // Were everything or nothing found each time, the comparison would prove little.
      expect(found / EXPRESSIONS / RUNS).toBeGreaterThan(0.1);
      expect(found / EXPRESSIONS / RUNS).toBeLessThan(0.6);
    });

    it('is walked in any order with pages of any size', { timeout: 1_800_000 }, async () => {
      const filters = fc.oneof(fc.constant<MadeFilter | null>(null), indexedFilter, anyRunFilter);
      await fc.assert(
        fc.asyncProperty(filters, anySort, fc.constantFrom(1, 2, 7, 50, 500), async (made, sort, size) => {
          await compare(made ?? { text: '', filter: null }, sort, LONG ? size : Math.max(7, size));
        }),
        { numRuns: WALKS, ...(LONG ? {} : { seed: 3 }) },
      );
    });

    it('has each run as it was kept, and tells whether there are log lines and node runs', async () => {
      const { items } = await store.find('runs', {
        ...FIRST,
        workspaceId: WORKSPACE,
        limit: 500,
        sort: [{ column: 'id', direction: 'asc' }],
      });
      const expected = made.map(({ run, record }) => ({
        run: { ...run, feedback: run.feedback },
        hasLogs: record['hasLogs'],
        hasNodeRuns: record['hasNodeRuns'],
      }));
      const byId = (a: { run: Run }, b: { run: Run }) => (a.run.id < b.run.id ? -1 : 1);
      expect(items).toEqual(expected.sort(byId).slice(0, 500));
    });

    it('takes a payload that lies in a blob as null', async () => {
      const { items } = await find({ ...FIRST, workspaceId: WORKSPACE, limit: 500, ...runFilter('input.isnull') });
      expect(items.length).toBeGreaterThan(0);
      expect(items).toHaveLength(Math.min(500, made.filter(({ run }) => run.input.startsWith('@')).length));
    });
  });

  describe('paging while runs are made, change and go', () => {
    it('skips no run that was there all the time, and repeats none', { timeout: FIRE_MS + 60_000 }, async () => {
      const opened = await open();
      try {
        await pageUnderFire(opened.store);
      } finally {
        await opened.dispose();
      }
    });
  });
}

type Find<T> = (request: FindRequest) => Promise<KeysetPage<T>>;

/** A whole list, page by page, in its order; `backward` walks it from its end. */
async function walked<T>(find: Find<T>, request: FindRequest): Promise<T[]> {
  const items: T[] = [];
  let from: Boundary | null = null;
  do {
    const page: KeysetPage<T> = await find({ ...request, from });
    expect(page.items.length).toBeLessThanOrEqual(request.limit);
    if (request.backward) items.unshift(...page.items);
    else items.push(...page.items);
    from = request.backward ? page.previous : page.next;
  } while (from !== null);
  return items;
}

async function idsByWalk(
  find: (request: Partial<FindRequest>) => Promise<KeysetPage<FoundRun>>,
  request: Partial<FindRequest>,
) {
  const items = await walked((whole) => find(whole), { ...FIRST, workspaceId: WORKSPACE, limit: 10, ...request });
  return items.map(({ run }) => run.id);
}

/** Runs that are made and end while pages are read, however slow the machine is. */
const LEAST_ENDED = 50;

/** Walks lists both ways for a while, during which runs are made, go on, end and are deleted. */
async function pageUnderFire(store: Store): Promise<void> {
  const until = performance.now() + FIRE_MS;
  const system = heldSystem();
  const owner = { workspaceId: WORKSPACE, workflowId: 'w' };
  const create = (run: Run) => store.commit([{ kind: 'createRun', run }]);
  const update = (run: Run, set: Partial<Run>) => {
    const next = { ...run, ...set, revision: run.revision + 1 };
    return store.commit([{ kind: 'updateRun', run: next, before: run.status }]).then(() => next);
  };
  const born = (n: number) => {
    if (n % 3 === 0) system.pass(1);
    return queuedRun(owner, system, { clientRef: n % 2 === 0 ? 'even' : null });
  };
  // Among those that stay are others that go, so that boundaries vanish.
  const settled = Array.from({ length: 1200 }, (_, n) => born(n));
  await Promise.all(settled.map((run) => create({ ...run, status: 'succeeded', startedAt: 1, finishedAt: 2 })));
  const staying = settled.filter((_, n) => n % 3 !== 1);
  const leaving = settled.filter((_, n) => n % 3 === 1);

  let made = settled.length;
  let ended = 0;
  const fire = async () => {
    for (let round = 0; performance.now() < until || ended <= LEAST_ENDED; round += 1) {
      const run = born(made++);
      await create(run);
      const running = await update(run, { status: 'running', startedAt: system.now() });
      await update(running, { status: round % 5 === 0 ? 'failed' : 'succeeded', finishedAt: system.now() + round });
      leaving.push(run);
      const gone = leaving.splice((round * 7) % leaving.length, 1)[0]!;
      await store.commit([{ kind: 'deleteRun', workspaceId: WORKSPACE, runId: gone.id }]);
      ended += 1;
      // Lets the pages have their turn, as a server's requests do.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  let walks = 0;
  const page = async (filter: MadeFilter | null, sort: SortKey[], backward: boolean) => {
    const expected = staying.filter(({ clientRef }) => filter === null || clientRef !== null).map(({ id }) => id);
    while (performance.now() < until || ended <= LEAST_ENDED) {
      const request = { ...FIRST, workspaceId: WORKSPACE, limit: 50, filter: filter?.filter ?? null, sort, backward };
      const found = (await walked((each) => store.find('runs', each), request)).map(({ run }) => run.id);
      const distinct = new Set(found);
      expect(distinct.size).toBe(found.length);
      expect(expected.filter((id) => !distinct.has(id))).toEqual([]);
      walks += 1;
    }
  };
  const upward: SortKey[] = [{ column: 'createdAt', direction: 'asc' }];
  const even = runFilter('client_ref:even');
  const pages = [false, true].flatMap((backward) => [
    page(null, [], backward),
    page(even, [], backward),
    page(runFilter('status_code!=waiting AND client_ref.notnull'), upward, backward),
  ]);
  await Promise.all([fire(), fire(), ...pages]);
  expect(walks).toBeGreaterThan(10);
}
