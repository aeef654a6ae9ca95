import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aBulkJob } from '../../test/support/bulk-jobs.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { BulkJob } from '../domain/bulk-job.ts';
import type { Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

const OURS = 'workspace-ours';
const THEIRS = 'workspace-theirs';

/** What every store promises of jobs over many runs. */
export function describeBulkJobs(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: bulk jobs`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    /** Of at most three at work, those seen within the last second; four are kept. */
    const begin = (job: BulkJob): Write => {
      const limits = { seenSince: system.now() - 1000, mostAtWork: 3, keep: 4 };
      return { kind: 'startBulkJob', job, ...limits };
    };
    const save = (job: BulkJob): Write => ({ kind: 'saveBulkJob', job });
    const kept = async (change: Write[]) => expect(await store.commit(change)).toBe('kept');
    const stale = async (change: Write[]) => expect(await store.commit(change)).toBe('stale');
    const begun = async (set: Parameters<typeof aBulkJob>[2] = {}): Promise<BulkJob> => {
      const job = aBulkJob(OURS, system, set);
      await kept([begin(job)]);
      return job;
    };
    const ended = (job: BulkJob): BulkJob => ({
      ...job,
      state: { ...job.state, status: 'done', finishedAt: system.now() },
    });
    const idsOf = async (): Promise<string[]> => (await store.listBulkJobs(OURS, 'key')).map(({ state: { id } }) => id);

    it('come back as they were kept last, also after a restart, those of a key newest first', async () => {
      const first = await begun({ state: { q: 'status:failed' } });
      const others = await begun({ keyId: 'other' });
      const second = await begun();
      const errors = [{ runId: 'r', message: "it's \u{1f600}" }];
      const counts = { total: 5, succeeded: 2, skipped: 1, failed: 1, errors, made: ['a', 'b'] };
      const later = ended({ ...first, seenAt: 7, state: { ...first.state, ...counts, message: 'Done.' } });
      await kept([save(later)]);
      store = await opened.reopen();
      expect(await store.getBulkJob(OURS, first.state.id)).toEqual(later);
      expect(await store.listBulkJobs(OURS, 'key')).toEqual([second, later]);
      expect(await store.listBulkJobs(OURS, 'other')).toEqual([others]);
    });

    it('keep that somebody asked for their end, whatever is saved of them afterwards', async () => {
      const job = await begun();
      const ask = (at: number): Write => ({ kind: 'askBulkJobToEnd', workspaceId: OURS, jobId: job.state.id, at });
      await kept([{ ...ask(1), workspaceId: THEIRS } as Write]);
      expect((await store.getBulkJob(OURS, job.state.id))?.endAskedAt).toBeNull();
      await kept([ask(5)]);
      await kept([ask(9)]);
      await kept([save({ ...job, seenAt: 6 })]);
      expect(await store.getBulkJob(OURS, job.state.id)).toEqual({ ...job, seenAt: 6, endAskedAt: 5 });
      const done = await begun();
      await kept([save(ended(done))]);
      await kept([{ ...ask(5), jobId: done.state.id } as Write]);
      expect((await store.getBulkJob(OURS, done.state.id))?.endAskedAt).toBeNull();
    });

    it('begin while there is room among those of the workspace that have not ended and were seen', async () => {
      const [first, second] = [await begun(), await begun(), await begun()];
      await stale([begin(aBulkJob(OURS, system))]);
      await kept([begin(aBulkJob(THEIRS, system))]);
      await kept([save(ended(first))]);
      await begun();
      await stale([begin(aBulkJob(OURS, system))]);
      system.pass(1001);
      await kept([save({ ...second, seenAt: system.now() })]);
      await begun();
      await begun();
      await stale([begin(aBulkJob(OURS, system))]);
    });

    it('begin as many as there is room for, however many are asked for at once', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => store.commit([begin(aBulkJob(OURS, system))])));
      expect(answers.filter((answer) => answer === 'kept')).toHaveLength(3);
    });

    it('are kept up to a number, of which the oldest go that are not at work', async () => {
      const [left, atWork, first] = [await begun(), await begun(), await begun()];
      await kept([save(ended(first))]);
      system.pass(1001);
      await kept([save({ ...atWork, seenAt: system.now() })]);
      const second = await begun();
      expect(await idsOf()).toHaveLength(4);
      await kept([save(ended(second))]);
      const third = await begun();
      expect(await idsOf()).toEqual([third, second, first, atWork].map(({ state: { id } }) => id));
      await kept([save(ended(third))]);
      const fourth = await begun();
      expect(await idsOf()).toEqual([fourth, third, second, atWork].map(({ state: { id } }) => id));
      await kept([save(left)]);
      expect(await store.getBulkJob(OURS, left.state.id)).toBeNull();
    });
  });
}
