import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import { aTrigger, aTriggerEvent, POLL } from '../../test/support/triggers.ts';
import type { Trigger, TriggerEvent } from '../domain/trigger.ts';
import type { Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

const OURS = 'workspace-ours';
const THEIRS = 'workspace-theirs';
const PAGE = { page: 1, size: 50 };

/** What every store promises of triggers and their events. */
export function describeTriggers(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: triggers`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    const put = (trigger: Trigger): Write => ({ kind: 'putTrigger', trigger });
    const add = (event: TriggerEvent): Write => ({ kind: 'addTriggerEvent', event });
    const remove = ({ workspaceId, id }: Trigger): Write => ({ kind: 'removeTrigger', workspaceId, triggerId: id });
    const kept = async (change: Write[]) => expect(await store.commit(change)).toBe('kept');
    const stale = async (change: Write[]) => expect(await store.commit(change)).toBe('stale');
    const made = async (set: Partial<Trigger> = {}): Promise<Trigger> => {
      const trigger = aTrigger(OURS, system, set);
      await kept([put(trigger)]);
      return trigger;
    };
    const happened = async (trigger: Trigger, set: Partial<TriggerEvent> = {}): Promise<TriggerEvent> => {
      const event = aTriggerEvent(trigger, system, set);
      await kept([add(event)]);
      return event;
    };

    it('come back as they were kept, also after a restart, oldest first, by workflow', async () => {
      const first = await made();
      const second = await made({
        ...{ name: 'news', enabled: false, definition: POLL, dueAt: null, wakeAt: null, versionId: 'v' },
        inputs: { Text: '((item.title))' },
        secret: { sealed: 's1.x.y', ending: 'wxyz' },
        state: { etag: '"1"', lastModified: null, seen: ['a', 'b'], lastPolledAt: 5, failures: 2, lastError: 'no' },
      });
      store = await opened.reopen();
      expect(await store.listTriggers(OURS, null)).toEqual([first, second]);
      expect(await store.listTriggers(OURS, second.workflowId)).toEqual([second]);
      expect(await store.getTrigger(OURS, first.id)).toEqual(first);
      expect(await store.findTrigger(second.id)).toEqual(second);
      expect(await store.findTrigger('nothing')).toBeNull();
    });

    it('count as something sealed as soon as one has a secret', async () => {
      await made();
      expect(await store.hasCredentials()).toBe(false);
      await made({ secret: { sealed: 's1.x.y', ending: null } });
      expect(await store.hasCredentials()).toBe(true);
    });

    it('change when nobody else changed them', async () => {
      const trigger = await made();
      const changed = { ...trigger, name: 'new', enabled: false, dueAt: null, wakeAt: null, revision: 2 };
      await kept([put(changed)]);
      for (const revision of [1, 2, 4]) await stale([put({ ...changed, revision })]);
      expect(await store.getTrigger(OURS, trigger.id)).toEqual(changed);
      const both = [3, 3].map((revision) => put({ ...changed, revision }));
      expect(await Promise.all(both.map((write) => store.commit([write])))).toEqual(['kept', 'stale']);
    });

    it('are due when their time has come, those that have waited longest first', async () => {
      expect(await store.nextTriggerAt()).toBeNull();
      const late = await made({ wakeAt: 300 });
      const early = await made({ wakeAt: 100 });
      await made({ wakeAt: null });
      const theirs = aTrigger(THEIRS, system, { wakeAt: 200 });
      await kept([put(theirs)]);
      expect(await store.nextTriggerAt()).toBe(100);
      expect(await store.dueTriggers(99, 10)).toEqual([]);
      expect(await store.dueTriggers(200, 10)).toEqual([early, theirs]);
      expect(await store.dueTriggers(999, 2)).toEqual([early, theirs]);
      expect(await store.dueTriggers(999, 9)).toEqual([early, theirs, late]);
    });

    it('have each firing once: whoever comes second writes nothing of it', async () => {
      const trigger = await made({ wakeAt: 100 });
      const fired = { ...trigger, wakeAt: 200, revision: 2 };
      const firing = () => [put(fired), add(aTriggerEvent(trigger, system))];
      const results = await Promise.all([1, 2, 3].map(() => store.commit(firing())));
      expect(results.toSorted()).toEqual(['kept', 'stale', 'stale']);
      expect((await store.listTriggerEvents({ workspaceId: OURS }, PAGE)).total).toBe(1);
    });

    it('have one event of a key, however many come at the same time', async () => {
      const trigger = await made();
      const other = await made();
      const same = () => store.commit([add(aTriggerEvent(trigger, system, { key: 'delivery 1' }))]);
      expect((await Promise.all([same(), same(), same()])).toSorted()).toEqual(['kept', 'stale', 'stale']);
      expect(await same()).toBe('stale');
      await happened(other, { key: 'delivery 1' });
      await happened(trigger);
      await happened(trigger);
      const found = await store.findTriggerEvent(OURS, trigger.id, 'delivery 1');
      expect(found).toMatchObject({ triggerId: trigger.id, key: 'delivery 1' });
      expect(await store.findTriggerEvent(OURS, trigger.id, 'delivery 2')).toBeNull();
    });

    it('list their events newest first, page by page, as they are asked for', async () => {
      const trigger = await made();
      const other = await made();
      const started = await happened(trigger, { data: { title: 'The Mill' } });
      const refused = await happened(trigger, {
        ...{ kind: 'webhook', outcome: 'refused', runId: null, reason: 'The signature is wrong.' },
      });
      const missed = await happened(other, { outcome: 'skipped', runId: null });
      const list = async (selection: object = {}, page = PAGE) => {
        const found = await store.listTriggerEvents({ workspaceId: OURS, ...selection }, page);
        return [found.total, ...found.items];
      };
      expect(await list()).toEqual([3, missed, refused, started]);
      expect(await list({}, { page: 2, size: 2 })).toEqual([3, started]);
      expect(await list({ triggerId: trigger.id })).toEqual([2, refused, started]);
      expect(await list({ workflowId: other.workflowId })).toEqual([1, missed]);
      expect(await list({ kind: 'webhook' })).toEqual([1, refused]);
      expect(await list({ outcomes: ['refused', 'skipped'] })).toEqual([2, missed, refused]);
      expect(await list({ startedRun: true })).toEqual([1, started]);
      expect(await list({ startedRun: false })).toEqual([2, missed, refused]);
      expect(await list({ search: 'MILL' })).toEqual([1, started]);
      expect(await list({ search: 'signature', triggerId: trigger.id })).toEqual([1, refused]);
      expect(await list({ search: started.runId })).toEqual([1, started]);
      expect(await list({ search: '%' })).toEqual([0]);
    });

    it('let go of old events, and of those beyond a number', async () => {
      const trigger = await made();
      const other = await made();
      await happened(other);
      const events: TriggerEvent[] = [];
      for (let n = 0; n < 6; n += 1) {
        system.pass(100);
        events.push(await happened(trigger));
      }
      const ids = async () => {
        const { items } = await store.listTriggerEvents({ workspaceId: OURS, triggerId: trigger.id }, PAGE);
        return items.map(({ id }) => id).toReversed();
      };
      const prune = (before: number, keep: number): Write => {
        return { kind: 'pruneTriggerEvents', workspaceId: OURS, triggerId: trigger.id, before, keep };
      };
      await kept([prune(events[2]!.at, 10)]);
      expect(await ids()).toEqual(events.slice(2).map(({ id }) => id));
      await kept([prune(0, 3)]);
      expect(await ids()).toEqual(events.slice(3).map(({ id }) => id));
      expect((await store.listTriggerEvents({ workspaceId: OURS }, PAGE)).total).toBe(4);
    });

    it('are removed once, with their events, and get no more', async () => {
      const trigger = await made();
      await happened(trigger);
      await kept([remove(trigger)]);
      expect(await store.getTrigger(OURS, trigger.id)).toBeNull();
      expect((await store.listTriggerEvents({ workspaceId: OURS }, PAGE)).total).toBe(0);
      await stale([remove(trigger)]);
      await stale([put({ ...trigger, revision: 2 })]);
      await stale([add(aTriggerEvent(trigger, system))]);
    });

    it('are not changed, fired, pruned or removed from another workspace', async () => {
      const trigger = await made();
      const event = await happened(trigger, { at: 5 });
      const theirs = { ...trigger, workspaceId: THEIRS };
      await stale([put({ ...theirs, revision: 2 })]);
      await stale([remove(theirs)]);
      await stale([add(aTriggerEvent(theirs, system))]);
      await kept([
        { kind: 'pruneTriggerEvents', workspaceId: THEIRS, triggerId: trigger.id, before: 1_000_000, keep: 0 },
      ]);
      expect(await store.getTrigger(OURS, trigger.id)).toEqual(trigger);
      expect((await store.listTriggerEvents({ workspaceId: OURS }, PAGE)).items).toEqual([event]);
    });
  });
}
