import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import { readFilter } from '../filter/filter.ts';
import { modelVocabulary } from '../filter/model-vocabulary.ts';
import { readSort } from '../filter/sort.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { FindOptions, Store } from './store.ts';

const OURS = 'workspace-ours';

/** What every store promises of the lists of workflows and of their versions. */
export function describeWorkflowLists(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: workflows and their versions`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    async function keep(slug: string, set: Partial<Workflow> = {}): Promise<Workflow> {
      system.pass(1);
      const workspaceId = set.workspaceId ?? OURS;
      const id = system.newId();
      const version = versionOf({ nodes: [], edges: [] }, { workspaceId, workflowId: id }, system);
      const workflow = { ...workflowOf(workspaceId, version.id, system), slug, ...set, id };
      const change = [
        { kind: 'createVersion', version },
        { kind: 'createWorkflow', workflow },
      ] as const;
      expect(await store.commit(change)).toBe('kept');
      return workflow;
    }

    async function addVersion(workflow: Workflow): Promise<WorkflowVersion> {
      system.pass(1);
      const version = versionOf({ nodes: [], edges: [] }, { workspaceId: OURS, workflowId: workflow.id }, system);
      await store.commit([{ kind: 'createVersion', version }]);
      return version;
    }

    const find = (filter: CheckedFilter | null, sort = '', options: FindOptions = {}) =>
      store.find(
        'workflows',
        {
          workspaceId: OURS,
          filter,
          sort: readSort(sort, modelVocabulary).keys,
          limit: 50,
          from: null,
          backward: false,
        },
        options,
      );
    const slugs = async (q: string, sort = 'slug') => {
      const { filter, diagnostics } = readFilter(q, modelVocabulary, { now: system.now(), strict: true });
      expect(diagnostics).toEqual([]);
      return (await find(filter, sort)).items.map(({ workflow }) => workflow.slug);
    };

    it('are found by what they say of themselves, of every kind, those that are deleted left out', async () => {
      await keep('a', { kind: 'model', profile: { is_public: true, category_code: 'image', seo: { rank: 2 } } });
      await keep('b', { kind: 'model', profile: { is_public: false, version: '1.0', notable_features: ['x', 'y'] } });
      await keep('c', { kind: 'comfyui_workflow' });
      await keep('d', { deletedAt: system.now() });
      await keep('e', { workspaceId: 'workspace-theirs' });
      expect(await slugs('')).toEqual(['a', 'b', 'c']);
      expect(await slugs('', 'version,slug:desc')).toEqual(['b', 'c', 'a']);
      expect(await slugs('is_public = true')).toEqual(['a']);
      expect(await slugs('is_public = false')).toEqual(['b']);
      expect(await slugs('is_public.isnull')).toEqual(['c']);
      expect(await slugs("category_code = 'image' OR version = '1.0'")).toEqual(['a', 'b']);
      expect(await slugs('seo.rank >= 2')).toEqual(['a']);
      expect(await slugs("notable_features[1] = 'y'")).toEqual(['b']);
      expect(await slugs('seo.isnull')).toEqual(['b', 'c']);
      expect((await find(null)).items.map(({ workflow }) => workflow.slug)).toEqual(['c', 'b', 'a']);
    });

    it('come with their current version when it is asked for, its place, and the number of their runs', async () => {
      const workflow = await keep('a');
      const first = workflow.currentVersionId;
      const second = await addVersion(workflow);
      await addVersion(workflow);
      const run = queuedRun({ workspaceId: OURS, workflowId: workflow.id }, system);
      const saved = { ...workflow, currentVersionId: second.id, revision: 2 };
      await store.commit([
        { kind: 'saveWorkflow', workflow: saved },
        { kind: 'createRun', run },
      ]);
      const [found] = (await find(null)).items;
      expect(found).toEqual({ workflow: saved, version: null, versionNumber: 2, runsCount: 1 });
      expect((await find(null, '', { definitions: true })).items[0]?.version).toEqual(second);
      const request = { workspaceId: OURS, filter: null, sort: [], limit: 50, from: null, backward: false };
      const versions = await store.find('versions', request);
      expect(versions.items.map(({ number }) => number)).toEqual([3, 2, 1]);
      expect(versions.items[2]?.version.id).toBe(first);
      expect((await store.find('versions', { ...request, workspaceId: 'workspace-theirs' })).items).toEqual([]);
    });

    it('keep their slugs apart: a save that takes the slug of another of its kind is stale and changes neither', async () => {
      const [taken, other] = [await keep('taken'), await keep('other')];
      await keep('elsewhere', { kind: 'model' });
      const save = (workflow: Workflow, set: Partial<Workflow>) =>
        store.commit([{ kind: 'saveWorkflow', workflow: { ...workflow, revision: workflow.revision + 1, ...set } }]);
      expect(await save(other, { slug: 'taken' })).toBe('stale');
      expect(await store.getWorkflow(OURS, taken.id)).toEqual(taken);
      expect(await store.getWorkflow(OURS, other.id)).toEqual(other);
      expect(await save(other, { slug: 'elsewhere' })).toBe('kept');
      expect(await save(taken, { deletedAt: system.now() })).toBe('kept');
      await keep('taken');
    });
  });
}
