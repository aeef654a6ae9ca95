import type { Run } from '../src/domain/run.ts';
import { WORKFLOW_KINDS, type WorkflowKind } from '../src/domain/workflow.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { realSystem } from '../src/system/system.ts';

/** The workspace that holds the runs. */
export const WORKSPACE = '01900000-0000-7000-8000-000000000000';

/** When the newest run was made; the others before it, evenly over 90 days. */
export const NEWEST_AT = Date.UTC(2026, 3, 1);
export const SPAN_MS = 90 * 86_400_000;

/** Runs given to the store at once while filling: one sync each. */
const GROUP = 2000;

/** Thirty things to run, ten of each kind. The first of a kind gets nearly all runs of that kind, the last forty runs in all. */
const WORKFLOWS = WORKFLOW_KINDS.flatMap((kind, k) =>
  Array.from({ length: 10 }, (_, n) => ({ kind, slug: `${kind}-${n}`, id: idOf(k * 10 + n) })),
);

/** The id of the nth workflow or batch. */
export function idOf(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** Fills a store with finished runs that differ in everything that is filtered by, each value both often and rarely. The same each time, but for the ids. */
export async function fillStore(folder: string, runs: number, workspaceId: string = WORKSPACE): Promise<void> {
  const store = openSqliteStore(folder);
  for (const { kind, slug, id } of WORKFLOWS) {
    const version = {
      id,
      workspaceId,
      workflowId: id,
      name: null,
      description: null,
      createdAt: 0,
      createdBy: null,
    };
    const definition = { definition: { nodes: [], edges: [] }, document: '{}', hash: '', validation: [] };
    const texts = { name: slug, type: 'flow', description: null, errorHandlerId: null, authorName: null } as const;
    const parts = { settings: {}, meta: {}, profile: {} };
    const times = { createdAt: 0, updatedAt: 0, deletedAt: null, revision: 1 };
    await store.commit([
      { kind: 'createVersion', version: { ...version, ...definition } },
      {
        kind: 'createWorkflow',
        workflow: { id, workspaceId, kind, slug, currentVersionId: id, ...texts, ...parts, ...times },
      },
    ]);
  }
  for (let made = 0; made < runs; made += GROUP) {
    const group = Array.from({ length: Math.min(GROUP, runs - made) }, (_, index) =>
      store.commit([{ kind: 'createRun', run: { ...runOf(made + index, runs), workspaceId } }]),
    );
    await Promise.all(group);
  }
  await store.close();
}

/** The nth of so many runs. */
export function runOf(n: number, runs: number): Run {
  const chance = (salt: number) => mixed(n * 31 + salt) / 2 ** 32;
  const isRare = (salt: number) => (n + salt * 1009) % Math.ceil(runs / 40) === 0;
  const kind: WorkflowKind = WORKFLOW_KINDS[Math.floor(chance(1) * 2.2)] ?? 'flow';
  const rank = isRare(1) ? 9 : Math.min(8, Math.floor(chance(2) ** 3 * 9));
  const target = WORKFLOWS[WORKFLOW_KINDS.indexOf(kind) * 10 + rank]!;
  const failed = chance(3) < 0.08;
  const status = isRare(2) ? 'partial' : failed ? 'failed' : chance(4) < 0.02 ? 'canceled' : 'succeeded';
  const createdAt = NEWEST_AT - Math.floor(((runs - 1 - n) / runs) * SPAN_MS);
  const startedAt = createdAt + 20;
  const durationMs = isRare(3) ? 7_200_000 + n : Math.floor(Math.exp(chance(5) * 11));
  const cost = isRare(4) ? `${100 + (n % 7)}.5` : chance(6) < 0.6 ? (chance(7) * 2).toFixed(6) : null;
  const code = isRare(5) ? 'too_large' : chance(8) < 0.7 ? 'provider' : 'timeout';
  return {
    id: realSystem.newId(),
    workspaceId: WORKSPACE,
    kind,
    workflowId: target.id,
    workflowVersionId: target.id,
    versionPinned: false,
    status,
    revision: 1,
    progress: 100,
    nodesTotal: 3,
    nodesCompleted: 3,
    createdAt,
    startedAt,
    finishedAt: startedAt + durationMs,
    source: chance(9) < 0.8 ? 'api' : 'playground',
    nodeIds: null,
    singleNodeId: null,
    input: `{"prompt":"A still life of ${n} apples on a table, in the manner of the old masters","seed":${n}}`,
    output: failed ? null : `{"outputs":[{"type":"image","url":"runflow://assets/${n}"}]}`,
    failure: failed || isRare(5) ? { code, message: `Failed at ${n}.` } : null,
    meta: { order_id: `A-${n}`, rare: isRare(6) },
    context: null,
    clientRef: chance(10) < 0.3 ? `grid-${Math.floor(n / 100)}` : chance(11) < 0.2 ? 'nightly' : null,
    batchId: chance(12) < 0.2 ? idOf(1000 + Math.floor(n / 400)) : chance(13) < 0.1 ? idOf(999) : null,
    requestId: null,
    cost,
    costBreakdown: null,
    feedback: chance(14) < 0.01 ? { isPositive: chance(15) < 0.7, reason: null } : null,
    dialect: 'runflow',
    callbackUrl: null,
    apiKeyId: null,
    tracing: false,
    trace: null,
    debugger: null,
    parent: null,
    subflows: null,
  };
}

/** 32 bits that depend on a number alone. */
function mixed(seed: number): number {
  let h = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}
