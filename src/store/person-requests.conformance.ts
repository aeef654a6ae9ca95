import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun } from '../../test/support/definitions.ts';
import { pendingPersonRequest } from '../../test/support/person-requests.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { PersonRequest, PersonSettlement } from '../domain/person-request.ts';
import type { Run } from '../domain/run.ts';
import { readFilter } from '../filter/filter.ts';
import { personRequestVocabulary } from '../filter/person-request-vocabulary.ts';
import { readSort } from '../filter/sort.ts';
import type { Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

const OURS = 'workspace-ours';
const THEIRS = 'workspace-theirs';

const YES: PersonSettlement = { status: 'answered', answer: { approved: true }, settledBy: 'Ada', keyId: 'key' };
const NOBODY: PersonSettlement = { status: 'expired', answer: null, settledBy: null, keyId: null };

/** What every store promises of requests to persons. */
export function describePersonRequests(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: requests to persons`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;
    let run: Run;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
      run = queuedRun({ workspaceId: OURS, workflowId: system.newId() }, system, { status: 'waiting' });
      await kept([{ kind: 'createRun', run }]);
    });
    afterEach(() => opened.dispose());

    const kept = async (change: Write[]) => expect(await store.commit(change)).toBe('kept');
    const ask = async (set: Partial<PersonRequest> = {}, of: Run = run): Promise<PersonRequest> => {
      system.pass(1);
      const request = pendingPersonRequest(of, system, set);
      await kept([{ kind: 'createPersonRequest', request }]);
      return request;
    };
    const settle = ({ id }: PersonRequest, settlement: PersonSettlement, workspaceId = OURS): Write => ({
      kind: 'settlePersonRequest',
      workspaceId,
      requestId: id,
      settlement,
      at: system.now(),
    });
    const find = async (q: string, sortBy = '', workspaceId = OURS): Promise<string[]> => {
      const { filter = null } = readFilter(q, personRequestVocabulary, { now: system.now(), strict: true });
      const sort = readSort(sortBy, personRequestVocabulary).keys;
      const page = { workspaceId, filter, sort, limit: 10, from: null, backward: false };
      return (await store.find('personRequests', page)).items.map(({ title }) => title);
    };

    it('come back as they were asked, also after a restart, and are part of what a run goes on with', async () => {
      const form = [
        ...pendingPersonRequest(run, system).form,
        { name: 'tone', kind: 'select', label: 'Tone', isRequired: false, initial: 'dry', options: ['dry', 'warm'] },
      ] as const;
      const due = { dueAt: system.now() + 5, fallback: { approved: false, tone: 'dry' } };
      const request = await ask({ ...due, form, assignee: 'legal', iteration: 3 });
      store = await opened.reopen();
      expect(await store.getPersonRequest(OURS, request.id)).toEqual(request);
      const asked = { requestId: request.id, nodeId: 'ask', iteration: 3, createdAt: request.createdAt };
      expect((await store.loadRun(OURS, run.id))?.asked).toMatchObject([asked]);
    });

    it('are settled once: whoever comes second changes nothing', async () => {
      const request = await ask();
      system.pass(1);
      await kept([settle(request, YES)]);
      const answered = { ...request, ...YES, settledAt: system.now(), revision: 2 };
      expect(await store.getPersonRequest(OURS, request.id)).toEqual(answered);
      for (const again of [YES, NOBODY]) expect(await store.commit([settle(request, again)])).toBe('stale');
      expect(await store.commit([settle({ ...request, id: 'nothing' }, YES)])).toBe('stale');
      expect(await store.getPersonRequest(OURS, request.id)).toEqual(answered);
      expect((await store.loadRun(OURS, run.id))?.asked).toEqual([]);
    });

    it('that two answer in one group of changes go to the first', async () => {
      const request = await ask();
      const both = [YES, { ...YES, settledBy: 'Grace' }].map((by) => store.commit([settle(request, by)]));
      expect(await Promise.all(both)).toEqual(['kept', 'stale']);
      expect((await store.getPersonRequest(OURS, request.id))?.settledBy).toBe('Ada');
    });

    it('that expire have the default answer', async () => {
      const request = await ask({ dueAt: system.now(), fallback: { approved: false } });
      await kept([settle(request, NOBODY)]);
      expect(await store.getPersonRequest(OURS, request.id)).toMatchObject({
        ...{ status: 'expired', answer: { approved: false }, settledBy: null },
      });
    });

    it('of a run are canceled together, but for those that have ended, and go with the run', async () => {
      const [first, second, third] = [await ask(), await ask(), await ask()];
      const other = queuedRun({ workspaceId: OURS, workflowId: run.workflowId }, system);
      await kept([{ kind: 'createRun', run: other }, settle(first, YES)]);
      const elsewhere = await ask({}, other);
      await kept([{ kind: 'cancelPersonRequests', workspaceId: OURS, runId: run.id, at: system.now() }]);
      const statuses = async () => {
        const all = [first, second, third, elsewhere].map(({ id }) => store.getPersonRequest(OURS, id));
        return (await Promise.all(all)).map((request) => request?.status);
      };
      expect(await statuses()).toEqual(['answered', 'canceled', 'canceled', 'pending']);
      const ended = { ...run, status: 'canceled', revision: 1 } as const;
      await kept([{ kind: 'updateRun', run: ended, before: 'waiting' }]);
      await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
      expect(await statuses()).toEqual([undefined, undefined, undefined, 'pending']);
    });

    it('are found by what they ask, whom, where and how they stand, those that wait longest first', async () => {
      await ask({ title: 'a', assignee: 'legal' });
      const done = await ask({ title: 'b', assignee: 'legal' });
      await ask({ title: 'c', dueAt: system.now() + 60_000, nodeId: 'sign', iteration: 2 });
      await kept([settle(done, YES)]);
      expect(await find('')).toEqual(['a', 'b', 'c']);
      expect(await find('status_code:pending')).toEqual(['a', 'c']);
      expect(await find('assignee:legal AND status_code:pending')).toEqual(['a']);
      expect(await find("node_key:'sign' AND iteration:2")).toEqual(['c']);
      expect(await find(`run_id:'${run.id}'`, 'title:desc')).toEqual(['c', 'b', 'a']);
      expect(await find('', 'due_at:asc')).toEqual(['c', 'a', 'b']);
      expect(await find('answer.approved:true')).toEqual(['b']);
    });

    it('are not seen or settled from another workspace', async () => {
      const request = await ask();
      expect(await store.getPersonRequest(THEIRS, request.id)).toBeNull();
      expect(await find('', '', THEIRS)).toEqual([]);
      expect(await store.commit([settle(request, YES, THEIRS)])).toBe('stale');
      await kept([{ kind: 'cancelPersonRequests', workspaceId: THEIRS, runId: run.id, at: system.now() }]);
      expect(await store.getPersonRequest(OURS, request.id)).toEqual(request);
    });
  });
}
