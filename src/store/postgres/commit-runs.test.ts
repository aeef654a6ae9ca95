import fc from 'fast-check';
import type { Sql } from 'postgres';
import { expect, it } from 'vitest';
import { queuedRun, versionOf, workflowOf } from '../../../test/support/definitions.ts';
import { startsPostgres } from '../../../test/support/postgres.ts';
import { heldSystem } from '../../../test/support/system.ts';
import type { NodeRun } from '../../domain/node-run.ts';
import { isTerminal, RUN_STATUSES, type Run } from '../../domain/run.ts';
import type { Task } from '../../domain/task.ts';
import type { Change, Write } from '../change.ts';
import postgres from './driver.ts';
import { openPostgresStore } from './postgres-store.ts';
import { wireChange } from './wire-change.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const HISTORIES = LONG ? 2_000 : 60;

/** Runs of a history: few, so that several changes of a round are about the same one. */
const RUNS = 4;

/** The one of a workflow that has a limit: of two, it would count in which order they came. */
const LIMITED = 3;

const TOKEN = 'the lease';

const cluster = startsPostgres({ log_statement: 'none' });

/** What a change does with a run, and whether what it rests on is as it says. */
const act = fc.record({
  run: fc.nat(RUNS - 1),
  does: fc.constantFrom('create', 'begin', 'create', 'go on', 'go on', 'end', 'pass', 'say', 'stop', 'say and go on'),
  status: fc.constantFrom(...RUN_STATUSES),
  holds: fc.boolean(),
  node: fc.constantFrom('a', 'b'),
});

type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** A change, and what is to be remembered once it was kept. */
interface Drawn {
  readonly change: Change;
  keep(): void;
}

/** Rounds of changes that are given at the same time. */
const history = fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 });

/** Everything that the tables of runs hold, but for what differs from store to store by its nature. */
const TABLES = {
  runs: 'id',
  run_payloads: 'run_id',
  node_runs: 'run_id, node_id',
  iterations: 'run_id, node_id, iteration',
  run_logs: 'id',
  tasks: 'id',
  batches: 'id',
  run_counts: 'workflow_id, status',
  events: 'run_id, position',
} as const;

it('changes applied together come to what they come to one after the other', { timeout: 300_000 }, async () => {
  const admin = postgres(cluster.url, { max: 1, onnotice: () => undefined });
  const schemas = [cluster.newSchema(), cluster.newSchema()] as const;
  const [together, alone] = await Promise.all([openPostgresStore(schemas[0].url), openPostgresStore(schemas[1].url)]);
  const names = schemas.map(({ url }) => new URL(url).searchParams.get('schema')!);
  const one = postgres(cluster.url, { max: 1, onnotice: () => undefined, connection: { search_path: names[1]! } });
  await one`insert into platform_writers (id, sequence, at) values ('one', 0, 0)`;
  let sequence = 0;
  const applyAlone = async (change: Change): Promise<string> => {
    sequence += 1;
    const [row] = await one.unsafe('select commit_changes_1($1::text::jsonb, null, $2, $3, 0) as outcome', [
      `[${wireChange(change)}]`,
      'one',
      sequence,
    ]);
    return row!['outcome'].startsWith('k') ? 'kept' : 'stale';
  };
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(history, async (rounds) => {
      histories += 1;
      const workspaceId = `w${histories}`;
      const drawn = drawing(workspaceId);
      for (const store of [together, alone]) for (const change of drawn.first) await store.commit(change);
      for (const round of rounds) {
        const changes = round.flatMap((given) => drawn.changeOf(given) ?? []);
        const asOne = await Promise.all(changes.map(({ change }) => together.commit(change)));
        const inTurn: string[] = [];
        for (const { change } of changes) inTurn.push(await applyAlone(change));
        expect(asOne).toEqual(inTurn);
        for (const [index, { keep }] of changes.entries()) if (inTurn[index] === 'kept') keep();
        // As a claim would, with a lease that the next changes know.
        for (const name of names)
          await admin.unsafe(`update ${name}.tasks set token = $1 where workspace_id = $2`, [TOKEN, workspaceId]);
      }
      const [left, right] = await Promise.all(names.map((name) => contents(admin, name, workspaceId)));
      expect(left).toEqual(right);
    }),
    { numRuns: HISTORIES },
  );
  await Promise.all([together.close(), alone.close(), one.end(), admin.end()]);
});

async function contents(admin: Sql, schema: string, workspaceId: string): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const [table, order] of Object.entries(TABLES)) {
    const rows = await admin.unsafe(`select * from ${schema}.${table} where workspace_id = $1 order by ${order}`, [
      workspaceId,
    ]);
    found[table] = rows
      // Where an event is among those of other runs is not told by the changes; nor is a count that came to nothing.
      .map(({ position: _, ...row }) => row)
      .filter((row) => table !== 'run_counts' || row['n'] !== '0');
  }
  return found;
}

/** Makes changes of some runs, as they stand. */
function drawing(owner: string) {
  const system = heldSystem(Date.UTC(2026, 0, 1) + Number(owner.slice(1)) * 86_400_000);
  const flows = ['free', 'limited'].map((workflowId) => {
    const version = versionOf({ nodes: [], edges: [] }, { workspaceId: owner, workflowId }, system);
    const settings = workflowId === 'limited' ? { max_concurrent_runs: 1 } : {};
    const workflow = { ...workflowOf(owner, version.id, system), id: workflowId, slug: workflowId, settings };
    return [
      { kind: 'createWorkflow', workflow },
      { kind: 'createVersion', version },
    ] as const satisfies Change;
  });
  const made = Array.from({ length: RUNS }, (_, index) => ({
    ...queuedRun({ workspaceId: owner, workflowId: index === LIMITED ? 'limited' : 'free' }, system),
    batchId: index < 2 ? 'b' : null,
  }));
  const batch = {
    ...{ id: 'b', workspaceId: owner, kind: 'flow', workflowId: 'free', itemsTotal: 2, itemsSucceeded: 0 },
    ...{ itemsPartial: 0, itemsFailed: 0, itemsCanceled: 0, meta: null, callbackUrl: null, requestId: null },
    ...{ apiKeyId: null, createdAt: system.now(), startedAt: null, finishedAt: null },
  } as const;
  const kept = new Map<number, Run>();
  const tasks = new Map<number, Task>();
  const asked = new Set<number>();
  let passes = 0;

  const taskOf = ({ workspaceId, id: runId }: Run, startOf: string | null): Task => ({
    ...{ id: system.newId(), workspaceId, runId, nodeId: null, iteration: 0, attempt: 1 },
    ...{ dueAt: system.now(), startOf, outputs: null },
  });
  const eventOf = ({ workspaceId, id: runId, workflowId, status, progress }: Run): Write => ({
    kind: 'appendEvent',
    event: { workspaceId, runId, workflowId, at: system.now(), kind: 'advanced', data: { status, progress } },
  });
  const logOf = ({ workspaceId, id: runId }: Run): Write => ({
    kind: 'appendLog',
    workspaceId,
    log: {
      ...{ id: system.newId(), runId, nodeId: null, iteration: 0, level: 'info' },
      ...{ message: 'said \u0000 and \ud800', at: system.now(), meta: null },
    },
  });
  const nodeOf = ({ workspaceId, id: runId }: Run, nodeId: string, isDone: boolean): Write => {
    const nodeRun: NodeRun = {
      ...{ nodeId, status: isDone ? 'succeeded' : 'running', currentIteration: isDone ? 1 : 0, totalIterations: 1 },
      ...{ iterates: false, attempts: 1, startedAt: 1, finishedAt: isDone ? 2 : null, failure: null, warnings: [] },
      ...{ inputs: isDone ? null : '{"a":1}', outputs: isDone ? '{"b":"\u0000"}' : null, taken: null, usage: null },
    };
    return { kind: 'putNodeRun', workspaceId, runId, nodeRun };
  };

  function changeOf({ run: index, does, status, holds, node }: Act): Drawn | null {
    system.pass(1);
    const run = kept.get(index);
    if (run === undefined) {
      if (does !== 'create' && does !== 'begin') return null;
      const first: Run = does === 'create' ? made[index]! : { ...made[index]!, status: 'running', startedAt: 5 };
      const task = taskOf(first, does === 'create' ? first.workflowId : null);
      const change: Change = [{ kind: 'createRun', run: first }, { kind: 'addTask', task }, eventOf(first)];
      // Made twice at the same time it would be refused, which is another matter.
      if (asked.has(index)) return null;
      asked.add(index);
      return {
        change,
        keep: () => {
          kept.set(index, first);
          tasks.set(index, task);
        },
      };
    }
    // A run that has ended does not change any more: that is what a batch counts on.
    if (isTerminal(run.status) && does !== 'say') return null;
    const { workspaceId, id: runId } = run;
    const times = isTerminal(status) ? { startedAt: 5, finishedAt: 9 } : { startedAt: 5, finishedAt: null };
    const next: Run = {
      ...run,
      ...times,
      status,
      revision: run.revision + (holds ? 1 : 2),
      output: isTerminal(status) ? '{"o":1}' : run.output,
    };
    const update: Write = { kind: 'updateRun', run: next, before: run.status };
    const task = tasks.get(index);
    const end: Write[] =
      task === undefined ? [] : [{ kind: 'endTask', lease: { task, token: holds ? TOKEN : 'another lease' } }];
    const keepNext = () => {
      kept.set(index, next);
      tasks.delete(index);
    };
    switch (does) {
      case 'say':
        return { change: [logOf(run)], keep: () => {} };
      case 'pass': {
        passes += 1;
        const times1 = { startedAt: 1, finishedAt: 2, inputs: null, outputs: '[1]', failure: null };
        const iteration = { nodeId: node, iteration: passes, status: 'succeeded', attempts: 1, ...times1 } as const;
        return {
          change: [{ kind: 'putIteration', workspaceId, runId, iteration }, nodeOf(run, node, false)],
          keep: () => {},
        };
      }
      case 'stop':
        // For itself: it ends whatever tasks there are.
        return {
          change: [update, { kind: 'endTasksOfRun', workspaceId, runId }, eventOf(next)],
          keep: keepNext,
        };
      case 'end':
        return { change: [...end, update, nodeOf(run, node, true), eventOf(next)], keep: keepNext };
      default:
        return {
          change: [
            update,
            nodeOf(run, node, false),
            nodeOf(run, node === 'a' ? 'b' : 'a', true),
            logOf(run),
            eventOf(next),
          ],
          keep: () => kept.set(index, next),
        };
    }
  }
  return { first: [...flows, [{ kind: 'createBatch', batch, items: [] }]] as readonly Change[], changeOf };
}
