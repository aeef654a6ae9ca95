import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Run } from '../../src/domain/run.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { queuedRun } from './definitions.ts';
import { type HeldSystem, heldSystem } from './system.ts';

/** A real store in a folder of its own, to be filled with runs as the engine leaves them. */
export interface RunStore {
  readonly folder: string;
  readonly store: Store;
  readonly system: HeldSystem;
  readonly workspaceId: string;
  /** Writes a run that has ended, with its event. */
  addRun(input: JsonObject, set?: Partial<Run>): Promise<Run>;
  /** Replaces what may change of a run. @returns the run as it is now */
  changeRun(run: Run, set: Partial<Run>): Promise<Run>;
  deleteRun(run: Run): Promise<void>;
  lastPosition(): Promise<number>;
  close(): Promise<void>;
}

/** Opens a store in a new folder, which closing removes. */
export function openRunStore(): RunStore {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-runs-'));
  const store = openSqliteStore(folder);
  const system = heldSystem();
  const workspaceId = system.newId();
  const workflowId = system.newId();
  const eventOf = (run: Run, kind: 'finished' | 'deleted') =>
    ({
      kind: 'appendEvent',
      event: {
        workspaceId,
        runId: run.id,
        workflowId: run.workflowId,
        at: system.now(),
        kind,
        data: { status: run.status, progress: run.progress },
      },
    }) as const;
  return {
    folder,
    store,
    system,
    workspaceId,
    async addRun(input, set = {}) {
      const ended: Partial<Run> = { status: 'succeeded', progress: 100, input: JSON.stringify(input), output: '{}' };
      const run = queuedRun({ workspaceId, workflowId }, system, { ...ended, ...set });
      await store.commit([{ kind: 'createRun', run }, eventOf(run, 'finished')]);
      return run;
    },
    async changeRun(before, set) {
      const run = { ...before, ...set, revision: before.revision + 1 };
      await store.commit([{ kind: 'updateRun', run, before: before.status }, eventOf(run, 'finished')]);
      return run;
    },
    async deleteRun(run) {
      await store.commit([{ kind: 'deleteRun', workspaceId, runId: run.id }, eventOf(run, 'deleted')]);
    },
    lastPosition: async () => (await store.stats()).lastPosition,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
