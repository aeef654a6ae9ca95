import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aBulkJob } from '../../test/support/bulk-jobs.ts';
import { aCredential, modelSettings } from '../../test/support/credentials.ts';
import { parentOf, queuedRun, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { completed, pendingEvaluation, pendingJudge } from '../../test/support/evaluations.ts';
import { pendingPersonRequest } from '../../test/support/person-requests.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import { aTrigger, aTriggerEvent } from '../../test/support/triggers.ts';
import type { AssetUpload } from '../domain/asset-upload.ts';
import type { Attempt } from '../domain/attempt.ts';
import type { Batch, BatchItem } from '../domain/batch.ts';
import type { BulkJob } from '../domain/bulk-job.ts';
import type { Delivery, DeliveryAttempt } from '../domain/callback.ts';
import type { CallbackSecret } from '../domain/callback-secret.ts';
import type { ApiKey } from '../domain/caller.ts';
import type { CredentialRecord } from '../domain/credential.ts';
import type { DebugSession } from '../domain/debug-session.ts';
import type { Evaluation, Judge } from '../domain/evaluation.ts';
import type { NewRunEvent, RunEvent } from '../domain/event.ts';
import type { IdempotentRequest } from '../domain/idempotent-request.ts';
import type { Iteration, NodeRun } from '../domain/node-run.ts';
import type { PersonRequest } from '../domain/person-request.ts';
import type { Run, RunStatus } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { SavedView } from '../domain/saved-view.ts';
import type { StoredFile } from '../domain/stored-file.ts';
import type { TakenSpan } from '../domain/taken-span.ts';
import type { Lease, Task } from '../domain/task.ts';
import type { Trigger } from '../domain/trigger.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';
import type { Change, Write } from './change.ts';
import { follow } from './follow.ts';
import { describeLists } from './lists.conformance.ts';
import type { Store } from './store.ts';

/** An empty store for one test. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens what it left, as a restart does. */
  reopen(): Promise<Store>;
  /** Closes it and removes what it left. */
  dispose(): Promise<void>;
}

const OURS = 'workspace-ours';
const THEIRS = 'workspace-theirs';
const LEASE_MS = 30_000;

function aDebugSession(set: Partial<DebugSession> = {}): DebugSession {
  return {
    id: 'session',
    workspaceId: OURS,
    runId: null,
    mode: 'step',
    breakpoints: [{ nodeId: 'a', when: 'after' }],
    pauses: [{ nodeId: 'a', when: 'after' }],
    edits: { a: { text: 'b' } },
    updatedAt: 1,
    ...set,
  };
}

/** A span of the trace `trace`. */
function aTakenSpan(spanId: string, set: Partial<TakenSpan> = {}): TakenSpan {
  return {
    traceId: 'trace',
    spanId,
    parentSpanId: null,
    name: 'chat',
    service: 'bot',
    startedAt: 1.5,
    finishedAt: 2,
    role: 'model',
    isGenAi: true,
    model: 'm',
    usage: { inputTokens: 1, outputTokens: 2, cost: null },
    inputs: { messages: ['Hi'] },
    outputs: null,
    error: null,
    events: [],
    attributes: {},
    ...set,
  };
}

/** A try of the second item of a node. */
function anAttempt(): Attempt {
  return {
    nodeId: 'node',
    iteration: 1,
    attempt: 2,
    startedAt: 5,
    finishedAt: 6,
    failure: { code: 'timeout', message: 'Too slow.', nodeId: 'node' },
    usage: { inputTokens: 1, outputTokens: 2, cost: '0.10' },
    modelCalls: [
      {
        operation: 'chat',
        protocol: 'openai',
        provider: 'one',
        model: 'm',
        startedAt: 5,
        finishedAt: 6,
        usage: null,
        failure: null,
        said: { input: '[]', output: '[]' },
      },
    ],
  };
}

/** What every implementation of `Store` promises. `open` gives a store that nobody has written to. */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    const workflowId = 'workflow-1';
    const aRun = (set: Partial<Run> = {}): Run => queuedRun({ workspaceId: OURS, workflowId }, system, set);
    const taskOf = (run: Run, set: Partial<Task> = {}): Task => ({
      id: system.newId(),
      workspaceId: run.workspaceId,
      runId: run.id,
      nodeId: 'node',
      iteration: 0,
      attempt: 1,
      dueAt: system.now(),
      startOf: null,
      outputs: null,
      ...set,
    });
    const eventOf = (run: Run, kind: RunEvent['kind'] = 'created'): NewRunEvent => ({
      workspaceId: run.workspaceId,
      runId: run.id,
      workflowId: run.workflowId,
      at: system.now(),
      kind,
      data: { status: run.status, progress: run.progress },
    });
    const create = (run: Run): Write => ({ kind: 'createRun', run });
    const add = (task: Task): Write => ({ kind: 'addTask', task });
    const end = (lease: Lease): Write => ({ kind: 'endTask', lease });
    const append = (run: Run, kind?: RunEvent['kind']): Write => ({ kind: 'appendEvent', event: eventOf(run, kind) });
    const logOf = (run: Run, message = 'a line'): RunLog => ({
      id: system.newId(),
      runId: run.id,
      nodeId: 'node',
      iteration: 0,
      level: 'info',
      message,
      at: system.now(),
      meta: { n: 1 },
    });
    const appendLog = (run: Run, message?: string): Write => ({
      kind: 'appendLog',
      workspaceId: run.workspaceId,
      log: logOf(run, message),
    });
    const update = (run: Run, set: Partial<Run>): { run: Run; write: Write } => {
      const next: Run = { ...run, revision: run.revision + 1, ...set };
      return { run: next, write: { kind: 'updateRun', run: next, before: run.status } };
    };
    const claim = (limit = 100, now = system.now()) => store.claimTasks({ limit, now, leaseMs: LEASE_MS });
    const kept = async (change: Change) => expect(await store.commit(change)).toBe('kept');
    const stale = async (change: Change) => expect(await store.commit(change)).toBe('stale');
    const listed = async (page = 1, size = 50, selection: { workflowId?: string } = {}) => {
      const found = await store.listRuns({ workspaceId: OURS, ...selection }, { page, size }, { output: true });
      return { ids: found.items.map((run) => run.id), total: found.total };
    };

    /** A run with one claimed task. */
    async function claimedTask(): Promise<{ run: Run; lease: Lease }> {
      const run = aRun();
      await kept([create(run), add(taskOf(run))]);
      const [lease] = await claim();
      return { run, lease: lease! };
    }

    function aWorkflow(set: Partial<Workflow> = {}): { workflow: Workflow; version: WorkflowVersion; change: Change } {
      const id = set.id ?? system.newId();
      const version = versionOf(
        { nodes: [], edges: [] },
        { workspaceId: set.workspaceId ?? OURS, workflowId: id },
        system,
      );
      const workflow = { ...workflowOf(version.workspaceId, version.id, system), ...set, id };
      return {
        workflow,
        version,
        change: [
          { kind: 'createVersion', version },
          { kind: 'createWorkflow', workflow },
        ],
      };
    }

    function aDelivery(run: Run, set: Partial<Delivery> = {}): Delivery {
      return {
        id: system.newId(),
        workspaceId: run.workspaceId,
        subject: 'run',
        subjectId: run.id,
        dialect: 'noxus',
        isAutomatic: true,
        requestId: null,
        signingSecretId: null,
        url: 'https://example.com/hook',
        body: '{"a":1}',
        status: 'pending',
        attemptCount: 0,
        maxAttempts: 5,
        nextAttemptAt: system.now(),
        createdAt: system.now(),
        finishedAt: null,
        ...set,
      };
    }

    function attempted(
      delivery: Delivery,
      set: Partial<Delivery> = {},
    ): { delivery: Delivery; attempt: DeliveryAttempt } {
      const next = { ...delivery, attemptCount: delivery.attemptCount + 1, ...set };
      return {
        delivery: next,
        attempt: {
          deliveryId: delivery.id,
          attempt: next.attemptCount,
          at: system.now(),
          durationMs: 12,
          httpStatus: 500,
          error: null,
          response: 'no',
        },
      };
    }

    describe('a change', () => {
      it('is kept whole and read back as it was given', async () => {
        const run = aRun({
          versionPinned: true,
          nodeIds: ['a', 'b'],
          input: '{"Ticket":"ünï ☃ \\u0000"}',
          meta: { source: { deep: [1, 2] } },
          callbackUrl: 'https://example.com/hook',
          apiKeyId: 'key-1',
          tracing: true,
          trace: { traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' },
          debugger: 'session',
        });
        const attempt = anAttempt();
        const nodeRun: NodeRun = {
          nodeId: 'node',
          status: 'failed',
          currentIteration: 2,
          totalIterations: 3,
          iterates: true,
          attempts: 4,
          startedAt: 5,
          finishedAt: 6,
          inputs: '{"text":["a"]}',
          outputs: '{}',
          taken: [],
          failure: { code: 'timeout', message: 'Too slow.', nodeId: 'node' },
          warnings: [{ identifier: 'general', detail: 'Look.', params: { a: 1 } }],
          usage: { inputTokens: 1, outputTokens: 2, cost: '0.10' },
        };
        const iteration: Iteration = {
          nodeId: 'node',
          iteration: 1,
          status: 'succeeded',
          attempts: 2,
          startedAt: 5,
          finishedAt: 6,
          inputs: '{"text":"a"}',
          outputs: '{"text":"b"}',
          failure: null,
        };
        const task = taskOf(run, { iteration: 2, attempt: 3, outputs: '{"x":1}' });
        await kept([
          create(run),
          { kind: 'putNodeRun', workspaceId: OURS, runId: run.id, nodeRun },
          { kind: 'putIteration', workspaceId: OURS, runId: run.id, iteration },
          { kind: 'putAttempt', workspaceId: OURS, runId: run.id, attempt: { ...attempt, failure: null } },
          { kind: 'putAttempt', workspaceId: OURS, runId: run.id, attempt },
          add(task),
        ]);
        expect(await store.loadRun(OURS, run.id)).toEqual({
          run,
          asked: [],
          invoked: [],
          nodeRuns: [nodeRun],
          iterations: [iteration],
          tasks: [task],
        });
        expect(await store.getRun(OURS, run.id)).toEqual(run);
        expect(await store.listNodeRuns(OURS, run.id, { payloads: true })).toEqual([nodeRun]);
        expect(await store.getIteration(OURS, run.id, 'node', 1)).toEqual(iteration);
        expect(await store.getIteration(OURS, run.id, 'node', 2)).toBeNull();
        expect(await store.listAttempts(OURS, run.id)).toEqual([attempt]);
        const without = { ...iteration, inputs: null, outputs: null };
        expect(await store.listIterations(OURS, run.id, 'node', { from: 1, limit: 10 })).toEqual([without]);
        expect(await store.listIterations(OURS, run.id, 'node', { from: 2, limit: 10 })).toEqual([]);
      });

      it('keeps the spans of a trace once each, until they are a run and are deleted with it', async () => {
        const [late, first] = [aTakenSpan('b', { startedAt: 9 }), aTakenSpan('a')];
        const put = (spans: TakenSpan[], runId: string | null, at: number) =>
          kept([{ kind: 'putOtlpSpans', workspaceId: OURS, runId, spans, at }]);
        await put([late], null, 10);
        await put([first, late], null, 20);
        expect(await store.takenTrace(OURS, 'trace')).toEqual({ spans: [first, late], runId: null });
        expect(await store.pendingTraces(19, 10)).toEqual([]);
        expect(await store.pendingTraces(20, 10)).toEqual([{ workspaceId: OURS, traceId: 'trace' }]);
        const run = aRun({ status: 'succeeded' });
        await kept([create(run)]);
        await put([first, late], run.id, 30);
        await kept([{ kind: 'dropOtlpSpans', workspaceId: OURS, traceId: 'trace' }]);
        await put([late], null, 40);
        expect(await store.takenTrace(OURS, 'trace')).toEqual({ spans: [first, late], runId: run.id });
        expect(await store.pendingTraces(99, 10)).toEqual([]);
        await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
        expect(await store.takenTrace(OURS, 'trace')).toEqual({ spans: [], runId: null });
        await put([late], null, 50);
        await kept([{ kind: 'dropOtlpSpans', workspaceId: OURS, traceId: 'trace' }]);
        expect(await store.takenTrace(OURS, 'trace')).toEqual({ spans: [], runId: null });
      });

      it('keeps a debugging session, until the run that it was about is deleted', async () => {
        const run = aRun({ status: 'succeeded' });
        await kept([create(run), { kind: 'putDebugSession', session: aDebugSession() }]);
        await kept([{ kind: 'putDebugSession', session: aDebugSession({ runId: run.id, pauses: [] }) }]);
        const expected = aDebugSession({ runId: run.id, pauses: [] });
        expect(await store.getDebugSession(OURS, 'session')).toEqual(expected);
        await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
        expect(await store.getDebugSession(OURS, 'session')).toBeNull();
      });

      it('writes a finished run anew under its id, unless somebody else did first', async () => {
        const run = aRun({ status: 'failed' });
        await kept([create(run), append(run), appendLog(run)]);
        const next = { ...run, status: 'succeeded' as const, workflowId: 'another', revision: 2, input: '{"new":1}' };
        const change: Change = [
          { kind: 'updateRun', run: { ...run, revision: 1 }, before: 'failed' },
          { kind: 'deleteRun', workspaceId: OURS, runId: run.id },
          create(next),
          appendLog(run),
        ];
        await kept(change);
        expect(await store.getRun(OURS, run.id)).toEqual(next);
        expect(await store.listRunLogs(OURS, run.id, 10)).toHaveLength(1);
        const { succeeded, failed = 0 } = (await store.stats()).runsByStatus;
        expect({ succeeded, failed }).toEqual({ succeeded: 1, failed: 0 });
        expect(await store.commit(change)).toBe('stale');
      });

      it('is still there after a restart', async () => {
        const run = aRun();
        await kept([create(run), append(run), { kind: 'followed', follower: 'f', position: 1, before: 0 }]);
        store = await opened.reopen();
        expect(await store.getRun(OURS, run.id)).toEqual(run);
        expect(await store.readLog(0, 10)).toHaveLength(1);
        expect(await store.followerPosition('f')).toBe(1);
      });

      it('that breaks a rule of the store is refused alone and wholly: its neighbours in the same group are kept', async () => {
        const [first, twice, last] = [aRun(), aRun(), aRun()];
        await kept([create(twice)]);
        const results = await Promise.allSettled([
          store.commit([create(first), append(first)]),
          store.commit([appendLog(twice, 'never seen'), append(twice), create(twice)]),
          store.commit([create(last), append(last)]),
        ]);
        expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'rejected'))).toEqual([
          'kept',
          'rejected',
          'kept',
        ]);
        expect((await listed()).ids).toEqual([last.id, twice.id, first.id]);
        expect((await listed()).total).toBe(3);
        expect(await store.listRunLogs(OURS, twice.id, 10)).toEqual([]);
        expect((await store.readLog(0, 10)).map((event) => event.runId)).toEqual([first.id, last.id]);
      });

      it('keeps payloads that a later record of the node leaves out', async () => {
        const run = aRun();
        const record: NodeRun = {
          nodeId: 'node',
          status: 'running',
          currentIteration: 0,
          totalIterations: 1,
          iterates: false,
          attempts: 0,
          startedAt: 1,
          finishedAt: null,
          inputs: '{"a":1}',
          outputs: null,
          taken: null,
          failure: null,
          warnings: [],
          usage: null,
        };
        const put = (nodeRun: NodeRun): Write => ({ kind: 'putNodeRun', workspaceId: OURS, runId: run.id, nodeRun });
        await kept([create(run), put(record)]);
        await kept([put({ ...record, status: 'succeeded', inputs: null, outputs: '{"b":2}' })]);
        expect(await store.listNodeRuns(OURS, run.id, { payloads: true })).toEqual([
          { ...record, status: 'succeeded', outputs: '{"b":2}' },
        ]);
      });
    });

    describe('a stale change', () => {
      it('rests on a revision that is no longer the stored one', async () => {
        const run = aRun();
        await kept([create(run)]);
        const first = update(run, { status: 'running' });
        await kept([first.write]);
        await stale([appendLog(run), append(run), update(run, { status: 'failed' }).write]);
        await stale([appendLog(run), update({ ...run, revision: 5 }, { status: 'failed' }).write]);
        expect(await store.getRun(OURS, run.id)).toEqual(first.run);
        expect(await store.listRunLogs(OURS, run.id, 10)).toEqual([]);
        expect(await store.readLog(0, 10)).toEqual([]);
      });

      it('rests on a run, workflow or delivery that does not exist', async () => {
        const run = aRun();
        await stale([update(run, { status: 'running' }).write]);
        await stale([{ kind: 'saveWorkflow', workflow: { ...aWorkflow().workflow, revision: 2 } }]);
        await stale([{ kind: 'recordAttempt', ...attempted(aDelivery(run)) }]);
        await stale([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
        expect((await listed()).total).toBe(0);
      });

      it('rests on a lease that was already settled', async () => {
        const { run, lease } = await claimedTask();
        await kept([end(lease)]);
        await stale([appendLog(run), end(lease)]);
        expect(await store.listRunLogs(OURS, run.id, 10)).toEqual([]);
      });

      it('rests on a lease of a run whose tasks were all ended', async () => {
        const { run, lease } = await claimedTask();
        await kept([{ kind: 'endTasksOfRun', workspaceId: OURS, runId: run.id }]);
        await stale([appendLog(run), end(lease)]);
        expect(await store.listRunLogs(OURS, run.id, 10)).toEqual([]);
        expect(await store.nextTaskDueAt()).toBeNull();
      });

      it('rests on a follower position that has moved on', async () => {
        const run = aRun();
        await kept([{ kind: 'followed', follower: 'f', position: 3, before: 0 }]);
        await stale([create(run), { kind: 'followed', follower: 'f', position: 4, before: 0 }]);
        expect(await store.followerPosition('f')).toBe(3);
        expect(await store.getRun(OURS, run.id)).toBeNull();
        expect(await store.followerPosition('another')).toBe(0);
      });

      it('rests on an attempt count that was already recorded', async () => {
        const run = aRun();
        const delivery = aDelivery(run);
        await kept([create(run), { kind: 'createDelivery', delivery }]);
        const first = attempted(delivery, { nextAttemptAt: system.now() + 1000 });
        await kept([{ kind: 'recordAttempt', ...first }]);
        await stale([appendLog(run), { kind: 'recordAttempt', ...attempted(delivery, { status: 'delivered' }) }]);
        expect(await store.listDeliveries(OURS, run.id)).toEqual([
          { delivery: first.delivery, attempts: [first.attempt] },
        ]);
        expect(await store.listRunLogs(OURS, run.id, 10)).toEqual([]);
      });

      it('deletes a run that has not ended', async () => {
        for (const status of ['queued', 'running', 'waiting'] as const) {
          const run = aRun({ status });
          await kept([create(run)]);
          await stale([append(run, 'deleted'), { kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
          expect(await store.getRun(OURS, run.id)).toEqual(run);
        }
        expect(await store.readLog(0, 10)).toEqual([]);
      });

      it('is told from a kept one also when the change before it in the same group took its ground away', async () => {
        const { run, lease } = await claimedTask();
        const delivery = aDelivery(run);
        const { workflow, change } = aWorkflow();
        const over = aRun({ status: 'failed' });
        await kept([...change, { kind: 'createDelivery', delivery }, create(over)]);
        const twice: readonly Change[] = [
          [end(lease)],
          [update(run, { status: 'running' }).write],
          [{ kind: 'saveWorkflow', workflow: { ...workflow, name: 'New', revision: 2 } }],
          [{ kind: 'recordAttempt', ...attempted(delivery) }],
          [{ kind: 'followed', follower: 'f', position: 1, before: 0 }],
          [{ kind: 'deleteRun', workspaceId: OURS, runId: over.id }],
        ];
        for (const given of twice) {
          const results = await Promise.all([
            store.commit([...given, appendLog(run, 'first')]),
            store.commit([...given, appendLog(run, 'second')]),
          ]);
          expect([given[0]?.kind, ...results]).toEqual([given[0]?.kind, 'kept', 'stale']);
        }
        const lines = await store.listRunLogs(OURS, run.id, 100);
        expect(lines.map((line) => line.message)).toEqual(twice.map(() => 'first'));
      });

      it('leaves the queue as it was', async () => {
        const { run, lease } = await claimedTask();
        await kept([update(run, { status: 'running' }).write]);
        await stale([add(taskOf(run)), end(lease), update(run, { status: 'failed' }).write]);
        expect(await claim()).toEqual([]);
        expect((await store.loadRun(OURS, run.id))?.tasks).toEqual([lease.task]);
        await kept([end(lease)]);
      });
    });

    describe('many changes at once', () => {
      it('are applied in the order in which they were given', async () => {
        const run = aRun();
        const revisions = Array.from({ length: 100 }, (_, index) => ({
          ...run,
          revision: index + 1,
          progress: index + 1,
        }));
        const results = await Promise.all([
          store.commit([create(run)]),
          ...revisions.map((next) =>
            store.commit([
              { kind: 'updateRun', run: next, before: 'queued' },
              {
                kind: 'appendEvent',
                event: { ...eventOf(run, 'advanced'), data: { status: 'queued', progress: next.progress } },
              },
            ]),
          ),
        ]);
        expect(new Set(results)).toEqual(new Set(['kept']));
        expect((await store.getRun(OURS, run.id))?.progress).toBe(100);
        const events = await store.readRunEvents(OURS, run.id, 0);
        expect(events.map((event) => event.data.progress)).toEqual(revisions.map((next) => next.progress));
      });

      it('share commits: five hundred given in one turn take far fewer groups', async () => {
        let groups = 0;
        const unsubscribe = store.onLog(() => {
          groups += 1;
        });
        const runs = Array.from({ length: 500 }, () => aRun());
        const results = await Promise.all(runs.map((run) => store.commit([create(run), append(run)])));
        unsubscribe();
        expect(new Set(results)).toEqual(new Set(['kept']));
        expect((await listed()).total).toBe(500);
        expect(groups).toBeLessThan(50);
      });

      it('that one change spoils leave the queue and the counts exact', async () => {
        const [first, twice] = [aRun(), aRun()];
        await kept([create(twice)]);
        await Promise.allSettled([
          store.commit([create(first), add(taskOf(first))]),
          store.commit([add(taskOf(twice)), create(twice)]),
        ]);
        expect((await claim()).map((lease) => lease.task.runId)).toEqual([first.id]);
        expect(await store.stats()).toMatchObject({ runsByStatus: { queued: 2 }, queuedTasks: 1 });
      });
    });

    describe('the log', () => {
      it('gives strictly growing positions, pages forward, and never gives a position again', async () => {
        const run = aRun({ status: 'failed' });
        await kept([create(run)]);
        const positions: number[] = [];
        for (let round = 0; round < 3; round += 1) {
          await Promise.allSettled([
            ...Array.from({ length: 10 }, () => store.commit([append(run, 'advanced')])),
            store.commit([append(run), create(run)]),
          ]);
          const seen = await store.readLog(positions.at(-1) ?? 0, 1000);
          expect(seen).toHaveLength(10);
          positions.push(...seen.map((event) => event.position));
          store = await opened.reopen();
        }
        expect(positions).toEqual([...positions].sort((left, right) => left - right));
        expect(new Set(positions).size).toBe(30);

        const paged: number[] = [];
        for (;;) {
          const page = await store.readLog(paged.at(-1) ?? 0, 7);
          if (page.length === 0) break;
          expect(page.length).toBeLessThanOrEqual(7);
          paged.push(...page.map((event) => event.position));
        }
        expect(paged).toEqual(positions);

        await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }, append(run, 'deleted')]);
        const [last] = await store.readLog(positions.at(-1)!, 10);
        expect(last).toMatchObject({ ...eventOf(run, 'deleted') });
        expect((await store.stats()).lastPosition).toBe(last?.position);
      });

      it('tells its listeners the last position, until they stop listening', async () => {
        const heard: number[] = [];
        const unsubscribe = store.onLog((position) => heard.push(position));
        const run = aRun();
        await kept([create(run), append(run), append(run, 'advanced')]);
        const [, last] = await store.readLog(0, 10);
        expect(heard.at(-1)).toBe(last?.position);
        unsubscribe();
        const count = heard.length;
        await kept([append(run, 'advanced')]);
        expect(heard).toHaveLength(count);
      });

      it('shows the events of one run after a position', async () => {
        const [one, other] = [aRun(), aRun()];
        await kept([append(one), append(other), append(one, 'advanced'), append(one, 'finished')]);
        const all = await store.readRunEvents(OURS, one.id, 0);
        expect(all.map((event) => event.kind)).toEqual(['created', 'advanced', 'finished']);
        const later = await store.readRunEvents(OURS, one.id, all[0]!.position);
        expect(later.map((event) => event.kind)).toEqual(['advanced', 'finished']);
      });

      it('is followed from a kept position: every event once, in order, over restarts and a handler that breaks', async () => {
        const run = aRun();
        const seen: number[] = [];
        const started = (from: Store, breakAt: number | null) =>
          from.followerPosition('f').then((start) =>
            follow(
              from,
              start,
              async (events) => {
                const before = await from.followerPosition('f');
                if (breakAt !== null && events.some((event) => event.data.progress === breakAt)) {
                  throw new Error('the handler broke');
                }
                const position = events.at(-1)!.position;
                await from.commit([{ kind: 'followed', follower: 'f', position, before }]);
                seen.push(...events.map((event) => event.data.progress));
              },
              () => undefined,
            ),
          );
        const appendMany = (from: number, count: number) =>
          Promise.all(
            Array.from({ length: count }, (_, index) =>
              store.commit([
                {
                  kind: 'appendEvent',
                  event: { ...eventOf(run), data: { status: 'running', progress: from + index } },
                },
              ]),
            ),
          );
        await appendMany(0, 600);
        const first = await started(store, null);
        await first.reached((await store.stats()).lastPosition);
        await first.stop();
        store = await opened.reopen();
        const second = await started(store, 700);
        await appendMany(600, 200);
        await second.stop();
        store = await opened.reopen();
        const third = await started(store, null);
        await third.reached((await store.stats()).lastPosition);
        await third.stop();
        expect(seen).toEqual(Array.from({ length: 800 }, (_, index) => index));
      });
    });

    describe('the queue', () => {
      it('gives out the longest due first, and nothing before it is due', async () => {
        const run = aRun();
        const now = system.now();
        const offsets = [50, -30, 0, -100, 10, -1];
        await kept([create(run), ...offsets.map((offset) => add(taskOf(run, { dueAt: now + offset })))]);
        const due = (leases: readonly Lease[]) => leases.map((lease) => lease.task.dueAt - now);
        expect(await store.nextTaskDueAt()).toBe(now - 100);
        expect(due(await claim(2))).toEqual([-100, -30]);
        expect(due(await claim())).toEqual([-1, 0]);
        expect(await claim()).toEqual([]);
        expect(await store.nextTaskDueAt()).toBe(now + 10);
        expect(due(await claim(100, now + 49))).toEqual([10]);
        expect(due(await claim(100, now + 50))).toEqual([50]);
        expect(await store.nextTaskDueAt()).toBeNull();
      });

      it('gives out tasks in order of their time whatever the order in which they were added', async () => {
        const run = aRun();
        // A fixed permutation of 0..199: 61 and 200 have no common divisor.
        const offsets = Array.from({ length: 200 }, (_, index) => (index * 61) % 200);
        await kept([create(run), ...offsets.map((offset) => add(taskOf(run, { dueAt: system.now() + offset })))]);
        const claimed: number[] = [];
        for (;;) {
          const leases = await claim(7, system.now() + 1000);
          if (leases.length === 0) break;
          claimed.push(...leases.map((lease) => lease.task.dueAt - system.now()));
        }
        expect(claimed).toEqual(Array.from({ length: 200 }, (_, index) => index));
      });

      it('gives a task out again when its lease runs out, and the late answer is stale', async () => {
        const { run, lease } = await claimedTask();
        system.pass(LEASE_MS - 1);
        expect(await claim()).toEqual([]);
        system.pass(1);
        const [again] = await claim();
        expect(again?.task).toEqual(lease.task);
        expect(again?.token).not.toBe(lease.token);
        await stale([appendLog(run), end(lease)]);
        await kept([end(again!)]);
        expect(await store.stats()).toMatchObject({ queuedTasks: 0 });
      });

      it('keeps a lease that is renewed in time, and says which ones were lost', async () => {
        const { lease } = await claimedTask();
        system.pass(LEASE_MS / 2);
        expect(await store.renewLeases([lease], system.now(), LEASE_MS)).toEqual([]);
        system.pass(LEASE_MS / 2 + 1);
        expect(await claim()).toEqual([]);
        system.pass(LEASE_MS);
        const [again] = await claim();
        expect(again?.task.id).toBe(lease.task.id);
        expect(await store.renewLeases([lease, again!], system.now(), LEASE_MS)).toEqual([lease]);
        await kept([end(again!)]);
        expect(await store.renewLeases([again!], system.now(), LEASE_MS)).toEqual([again]);
      });

      it('takes claimed tasks back, due at once; the one who gave them back cannot settle them', async () => {
        const { lease } = await claimedTask();
        await store.returnLeases([lease]);
        await stale([end(lease)]);
        const [again] = await claim();
        expect(again?.task).toEqual(lease.task);
        await store.returnLeases([lease]);
        expect(await claim()).toEqual([]);
      });

      it('survives a restart: what was waiting waits, what was claimed is given out again when its lease is over', async () => {
        const { run, lease } = await claimedTask();
        const waiting = taskOf(run, { dueAt: system.now() + 1000, outputs: '{"x":1}' });
        const ended = taskOf(run);
        await kept([add(ended)]);
        const [endedLease] = await claim();
        await kept([add(waiting), end(endedLease!)]);
        store = await opened.reopen();
        await stale([end(endedLease!)]);
        system.pass(LEASE_MS);
        const again = await claim();
        expect(again.map((each) => each.task).sort((left, right) => left.dueAt - right.dueAt)).toEqual([
          lease.task,
          waiting,
        ]);
      });

      it('forgets the tasks of a run that is deleted or whose tasks are ended, whatever follows in the same change', async () => {
        const over = aRun({ status: 'succeeded' });
        const stopped = aRun();
        await kept([create(over), create(stopped), add(taskOf(over)), add(taskOf(stopped))]);
        const next = taskOf(stopped);
        await kept([
          { kind: 'deleteRun', workspaceId: OURS, runId: over.id },
          { kind: 'endTasksOfRun', workspaceId: OURS, runId: stopped.id },
          add(next),
        ]);
        expect((await claim()).map((lease) => lease.task)).toEqual([next]);
        expect((await store.loadRun(OURS, stopped.id))?.tasks).toEqual([next]);
      });
    });

    describe('a list of runs', () => {
      it('shows the newest first, page by page, with exact totals', async () => {
        const runs: Run[] = [];
        for (let index = 0; index < 25; index += 1) {
          system.pass(1);
          runs.push(aRun({ workflowId: index % 5 === 0 ? 'workflow-2' : workflowId }));
        }
        await Promise.all(runs.map((run) => store.commit([create(run)])));
        const newest = runs.map((run) => run.id).reverse();
        expect(await listed(1, 10)).toEqual({ ids: newest.slice(0, 10), total: 25 });
        expect(await listed(3, 10)).toEqual({ ids: newest.slice(20), total: 25 });
        expect(await listed(4, 10)).toEqual({ ids: [], total: 25 });
        const ofSecond = runs.filter((run) => run.workflowId === 'workflow-2').map((run) => run.id);
        expect(await listed(1, 10, { workflowId: 'workflow-2' })).toEqual({ ids: ofSecond.reverse(), total: 5 });
        expect(await listed(1, 10, { workflowId: 'none' })).toEqual({ ids: [], total: 0 });
      });

      it('counts exactly after creations, updates and deletions, also when they share a commit', async () => {
        const runs = Array.from({ length: 6 }, () => aRun());
        await Promise.all(runs.map((run) => store.commit([create(run)])));
        const statuses: readonly RunStatus[] = ['running', 'succeeded', 'failed', 'canceled', 'waiting', 'succeeded'];
        const updates = runs.map((run, index) => update(run, { status: statuses[index]! }));
        await Promise.all(updates.map(({ write }) => store.commit([write])));
        expect((await store.stats()).runsByStatus).toMatchObject({
          running: 1,
          succeeded: 2,
          failed: 1,
          canceled: 1,
          waiting: 1,
        });
        const late = aRun({ status: 'succeeded' });
        const results = await Promise.all([
          store.commit([{ kind: 'deleteRun', workspaceId: OURS, runId: runs[1]!.id }]),
          store.commit([{ kind: 'deleteRun', workspaceId: OURS, runId: runs[0]!.id }]),
          store.commit([create(late)]),
          store.commit([{ kind: 'deleteRun', workspaceId: OURS, runId: late.id }]),
        ]);
        expect(results).toEqual(['kept', 'stale', 'kept', 'kept']);
        expect((await listed()).total).toBe(5);
        expect((await listed(1, 10, { workflowId })).total).toBe(5);
        expect((await store.stats()).runsByStatus).toMatchObject({ running: 1, succeeded: 1 });
      });

      it('reads outputs only when asked', async () => {
        const run = aRun({ status: 'succeeded', input: '{"a":1}', output: '{"b":2}' });
        await kept([create(run)]);
        const read = async (output: boolean) =>
          (await store.listRuns({ workspaceId: OURS }, { page: 1, size: 5 }, { output })).items;
        expect(await read(true)).toEqual([run]);
        expect(await read(false)).toEqual([{ ...run, output: null }]);
      });

      it('reaches pages far back, and sees there what was committed just before', async () => {
        const runs = Array.from({ length: 2500 }, () => aRun());
        await Promise.all(runs.map((run) => store.commit([create(run)])));
        const newest = runs.map((run) => run.id).reverse();
        expect(await listed(50, 50)).toEqual({ ids: newest.slice(2450), total: 2500 });
        const further = aRun();
        await kept([create(further)]);
        expect(await listed(51, 50)).toEqual({ ids: newest.slice(2499), total: 2501 });
      });

      it('finds finished runs made before a time, oldest first, and counts all of them', async () => {
        const make = async (status: RunStatus, of = workflowId) => {
          system.pass(1);
          const run = aRun({ status, workflowId: of });
          await kept([create(run)]);
          return run;
        };
        const first = await make('succeeded');
        await make('running');
        const second = await make('failed');
        const elsewhere = await make('canceled', 'workflow-2');
        const last = await make('succeeded');
        const all = { workspaceId: OURS, before: last.createdAt };
        expect(await store.findRunsBefore(all, 2)).toEqual({ runIds: [first.id, second.id], total: 3 });
        expect(await store.findRunsBefore({ ...all, workflowId: 'workflow-2' }, 10)).toEqual({
          runIds: [elsewhere.id],
          total: 1,
        });
        expect(await store.findRunsBefore({ ...all, before: first.createdAt }, 10)).toEqual({ runIds: [], total: 0 });
      });

      it('tells finished runs that ended before a time from those that were made before it and ended later', async () => {
        const [early, late] = [10, 30].map((finishedAt) => aRun({ status: 'succeeded', createdAt: 5, finishedAt }));
        await kept([create(early!), create(late!)]);
        const selection = { workspaceId: OURS, before: 20, finishedBefore: 20 };
        expect(await store.findRunsBefore(selection, 10)).toEqual({ runIds: [early!.id], total: 1 });
        expect(await store.findRunsBefore({ ...selection, workflowId: 'workflow-2' }, 10)).toEqual({
          runIds: [],
          total: 0,
        });
      });
    });

    it('removes with a run everything that it owns', async () => {
      const run = aRun({ status: 'succeeded' });
      const neighbour = aRun({ status: 'succeeded' });
      for (const each of [run, neighbour]) {
        const delivery = aDelivery(each);
        await kept([create(each), appendLog(each), add(taskOf(each)), { kind: 'createDelivery', delivery }]);
        await kept([{ kind: 'recordAttempt', ...attempted(delivery) }]);
      }
      await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: run.id }]);
      expect(await store.loadRun(OURS, run.id)).toBeNull();
      expect(await store.listRunLogs(OURS, run.id, 10)).toEqual([]);
      expect(await store.listDeliveries(OURS, run.id)).toEqual([]);
      expect((await store.claimDeliveries(system.now(), 10, 0)).map((delivery) => delivery.subjectId)).toEqual([
        neighbour.id,
      ]);
      expect((await store.loadRun(OURS, neighbour.id))?.tasks).toHaveLength(1);
      expect(await store.listDeliveries(OURS, neighbour.id)).toMatchObject([{ attempts: [{ attempt: 1 }] }]);
    });

    describeLists(open);

    describe('logs of runs', () => {
      it('are shown for one run oldest first, and for a workflow newest first with the count of all', async () => {
        const [older, newer] = [aRun(), aRun()];
        const elsewhere = aRun({ workflowId: 'workflow-2' });
        await kept([create(older), create(newer), create(elsewhere), appendLog(elsewhere, 'elsewhere')]);
        await kept([appendLog(older, 'o1'), appendLog(newer, 'n1'), appendLog(older, 'o2'), appendLog(newer, 'n2')]);
        const ofRun = await store.listRunLogs(OURS, older.id, 10);
        expect(ofRun.map((line) => line.message)).toEqual(['o1', 'o2']);
        expect(await store.listRunLogs(OURS, older.id, 1)).toEqual(ofRun.slice(0, 1));
        const page = await store.listWorkflowLogs(OURS, workflowId, { page: 1, size: 3 });
        expect(page.items.map((line) => line.message)).toEqual(['n2', 'n1', 'o2']);
        expect(page.total).toBe(4);
      });
    });

    describe('a workflow', () => {
      it('is listed by its last change, with its version and what its runs make of it', async () => {
        const [first, second, handler] = [aWorkflow(), aWorkflow(), aWorkflow({ type: 'handler' })];
        for (const each of [first, second, handler]) await kept(each.change);
        system.pass(10);
        const changed = { ...first.workflow, name: 'Changed', updatedAt: system.now(), revision: 2 };
        const run = aRun({ workflowId: first.workflow.id });
        await kept([{ kind: 'saveWorkflow', workflow: changed }, create(run)]);
        const all = await store.listWorkflows(OURS, { page: 1, size: 2 }, null);
        expect(all.items).toEqual([
          { workflow: changed, version: first.version, runsCount: 1, lastRunAt: run.createdAt },
          { workflow: handler.workflow, version: handler.version, runsCount: 0, lastRunAt: null },
        ]);
        expect(all.total).toBe(3);
        const flows = await store.listWorkflows(OURS, { page: 1, size: 10 }, 'flow');
        expect(flows.items.map((record) => record.workflow.id)).toEqual([first.workflow.id, second.workflow.id]);
        expect(flows.total).toBe(2);
        expect(await store.getWorkflowRecord(OURS, first.workflow.id)).toEqual(all.items[0]);
      });

      it('that is deleted is gone from every read, while its versions and runs stay', async () => {
        const { workflow, version, change } = aWorkflow();
        const run = aRun({ workflowId: workflow.id, workflowVersionId: version.id });
        await kept([...change, create(run)]);
        await kept([{ kind: 'saveWorkflow', workflow: { ...workflow, deletedAt: system.now(), revision: 2 } }]);
        expect(await store.getWorkflow(OURS, workflow.id)).toBeNull();
        expect(await store.getWorkflowRecord(OURS, workflow.id)).toBeNull();
        expect((await store.listWorkflows(OURS, { page: 1, size: 10 }, null)).total).toBe(0);
        expect(await store.getVersion(OURS, version.id)).toEqual(version);
        expect(await store.getRun(OURS, run.id)).toEqual(run);
      });

      it('saved on an older revision conflicts, and keeps what was saved first', async () => {
        const { workflow, version, change } = aWorkflow();
        await kept(change);
        const first = { ...workflow, name: 'First', revision: 2 };
        await kept([{ kind: 'saveWorkflow', workflow: first }]);
        const late = versionOf(version.definition, { workspaceId: OURS, workflowId: workflow.id }, system);
        await stale([
          { kind: 'createVersion', version: late },
          { kind: 'saveWorkflow', workflow: { ...workflow, name: 'Second', revision: 2 } },
        ]);
        expect(await store.getWorkflow(OURS, workflow.id)).toEqual(first);
        expect(await store.getVersion(OURS, late.id)).toBeNull();
      });

      it('has saved versions, newest first, that may be renamed but not changed', async () => {
        const { workflow, version, change } = aWorkflow();
        const saved = (name: string) => ({
          ...versionOf(version.definition, { workspaceId: OURS, workflowId: workflow.id }, system),
          name,
        });
        const [one, two] = [saved('one'), saved('two')];
        await kept([...change, { kind: 'createVersion', version: one }, { kind: 'createVersion', version: two }]);
        expect(await store.listSavedVersions(OURS, workflow.id)).toEqual([two, one]);
        const renamed = { ...one, name: 'uno', description: 'the first' };
        await kept([{ kind: 'renameVersion', version: { ...renamed, document: 'never written' } }]);
        expect(await store.getVersion(OURS, one.id)).toEqual(renamed);
      });
    });

    it('keeps files', async () => {
      const file = aFile();
      await kept([{ kind: 'createFile', file }]);
      expect(await store.getFile(OURS, file.id)).toEqual(file);
      expect(await store.getFile(OURS, 'another')).toBeNull();
    });

    describe('a delivery', () => {
      it('is due until an attempt moves it on, and keeps every attempt', async () => {
        const run = aRun();
        const [early, late] = [aDelivery(run), aDelivery(run, { nextAttemptAt: system.now() + 500 })];
        await kept([
          create(run),
          { kind: 'createDelivery', delivery: late },
          { kind: 'createDelivery', delivery: early },
        ]);
        expect(await store.nextDeliveryAt()).toBe(system.now());
        expect(await store.claimDeliveries(system.now(), 10, 0)).toEqual([early]);
        expect(await store.claimDeliveries(system.now() + 500, 1, 0)).toEqual([early]);
        const once = attempted(early, { nextAttemptAt: system.now() + 1000 });
        await kept([{ kind: 'recordAttempt', ...once }]);
        const twice = attempted(once.delivery, { status: 'failed', nextAttemptAt: null, finishedAt: system.now() });
        await kept([{ kind: 'recordAttempt', ...twice }]);
        expect(await store.claimDeliveries(system.now() + 5000, 10, 0)).toEqual([late]);
        expect(await store.nextDeliveryAt()).toBe(late.nextAttemptAt);
        const listedDeliveries = await store.listDeliveries(OURS, run.id);
        expect(listedDeliveries).toEqual([
          { delivery: twice.delivery, attempts: [once.attempt, twice.attempt] },
          { delivery: late, attempts: [] },
        ]);
      });

      it('that nobody made is due never', async () => {
        expect(await store.nextDeliveryAt()).toBeNull();
        expect(await store.claimDeliveries(system.now(), 10, 0)).toEqual([]);
      });
    });

    it('keeps an idempotent request with its answer, once, until it is old or forgotten', async () => {
      const first = aRequest();
      const claim = (set: Partial<IdempotentRequest>, keepFrom = 0): Change => [
        { kind: 'claimRequest', request: aRequest(set), keepFrom },
      ];
      await kept(claim({}));
      await stale(claim({ digest: 'another', requestId: 'req-2' }));
      expect(await store.getIdempotentRequest(OURS, 'once')).toEqual(first);
      const answered = { ...first, answer: { status: 201, body: '{"id":1}' } };
      await kept([{ kind: 'answerRequest', request: answered }]);
      expect(await store.getIdempotentRequest(OURS, 'once')).toEqual(answered);
      await kept(claim({ workspaceId: THEIRS }));
      await kept(claim({ requestId: 'req-3' }, first.createdAt + 1));
      expect(await store.getIdempotentRequest(OURS, 'once')).toMatchObject({ requestId: 'req-3', answer: null });
      await kept([{ kind: 'forgetRequest', workspaceId: OURS, key: 'once' }]);
      expect(await store.getIdempotentRequest(OURS, 'once')).toBeNull();
    });

    it('counts the runs of a batch as they end, and knows when it began and when it was over', async () => {
      const runs = [aRun({ batchId: 'batch' }), aRun({ batchId: 'batch' }), aRun({ batchId: 'batch' })];
      const { batch, items } = aBatch(runs);
      await kept([...runs.map(create), { kind: 'createBatch', batch, items }]);
      expect(await store.getBatch(OURS, 'batch')).toEqual(batch);
      const at = system.now();
      const first = update(runs[0]!, { status: 'running', startedAt: at + 1 });
      await kept([first.write]);
      await kept([update(first.run, { status: 'succeeded', finishedAt: at + 2 }).write]);
      await kept([update(runs[1]!, { status: 'canceled', finishedAt: at + 3 }).write]);
      const going = { ...batch, startedAt: at + 1, itemsSucceeded: 1, itemsCanceled: 1 };
      expect(await store.getBatch(OURS, 'batch')).toEqual(going);
      await kept([update(runs[2]!, { status: 'failed', startedAt: at + 2, finishedAt: at + 9 }).write]);
      const over = { ...going, itemsFailed: 1, finishedAt: at + 9 };
      expect(await store.getBatch(OURS, 'batch')).toEqual(over);

      const all = { workspaceId: OURS, filter: null, sort: [], limit: 10, from: null, backward: false };
      expect((await store.find('batches', all)).items).toEqual([over]);
      expect((await store.find('batchItems', all)).items.map(({ item, run }) => [item, run.status])).toEqual([
        [items[0], 'succeeded'],
        [items[1], 'canceled'],
        [items[2], 'failed'],
      ]);
      await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: runs[1]!.id }]);
      expect((await store.find('batchItems', all)).items).toHaveLength(2);
    });

    it('keeps uploads until they are confirmed, and knows those that expired', async () => {
      const [upload, late] = [anUpload(), anUpload({ id: 'late', expiresAt: system.now() + 5000 })];
      for (const each of [upload, late]) await kept([{ kind: 'putUpload', upload: each }]);
      const received = { ...upload, receivedAt: system.now() };
      await kept([{ kind: 'putUpload', upload: received }]);
      expect(await store.getUpload(OURS, 'upload')).toEqual(received);
      expect(await store.expiredUploads(OURS, upload.expiresAt, 10)).toEqual([]);
      expect(await store.expiredUploads(OURS, upload.expiresAt + 1, 10)).toEqual([received]);
      await kept([{ kind: 'endUpload', workspaceId: OURS, uploadId: 'upload' }]);
      expect(await store.getUpload(OURS, 'upload')).toBeNull();
      expect(await store.getUpload(OURS, 'late')).toEqual(late);
    });

    it('keeps saved views, which can be replaced and removed, and gives them by name', async () => {
      const second = aView();
      const first = { ...aView(), name: 'All', createdBy: 'key' };
      await kept([
        { kind: 'putSavedView', view: second },
        { kind: 'putSavedView', view: first },
      ]);
      expect(await store.listSavedViews(OURS)).toEqual([first, second]);
      const changed = { ...second, name: 'A', q: '', columns: [], extra: {}, updatedAt: system.now() + 1 };
      await kept([{ kind: 'putSavedView', view: changed }]);
      expect(await store.listSavedViews(OURS)).toEqual([changed, first]);
      await kept([{ kind: 'deleteSavedView', workspaceId: OURS, viewId: first.id }]);
      await kept([{ kind: 'deleteSavedView', workspaceId: 'another', viewId: second.id }]);
      expect(await store.listSavedViews(OURS)).toEqual([changed]);
    });

    it('keeps callback secrets, of which at most one is current, and when one signed last', async () => {
      const first = aSecret();
      await kept([{ kind: 'putCallbackSecret', secret: first }]);
      expect(await store.currentCallbackSecret(OURS)).toEqual(first);
      system.pass(10);
      const second = aSecret();
      await kept([{ kind: 'putCallbackSecret', secret: second }]);
      expect(await store.currentCallbackSecret(OURS)).toEqual(second);
      const demoted = { ...first, isCurrent: false, updatedAt: second.updatedAt };
      expect(await store.listCallbackSecrets(OURS)).toEqual([second, demoted]);

      const run = aRun();
      const delivery = aDelivery(run, { dialect: 'runflow' });
      const signed = attempted(delivery, { signingSecretId: second.id });
      await kept([create(run), { kind: 'createDelivery', delivery }]);
      await kept([{ kind: 'recordAttempt', ...signed }]);
      expect(await store.currentCallbackSecret(OURS)).toEqual({ ...second, lastUsedAt: signed.attempt.at });

      const disabled = { ...second, isCurrent: false, disabledAt: system.now() };
      await kept([{ kind: 'putCallbackSecret', secret: disabled }]);
      expect(await store.currentCallbackSecret(OURS)).toBeNull();
    });

    describe('an API key', () => {
      const put = (key: ApiKey): Write => ({ kind: 'putApiKey', key });
      const touch = (key: ApiKey, at: number): Write => ({ kind: 'touchKey', workspaceId: OURS, keyId: key.id, at });

      it('is found by its digest and its id, and in the list of its workspace', async () => {
        const key = aKey();
        await kept([put(key)]);
        expect(await store.findApiKey(key.digest)).toEqual(key);
        expect(await store.findApiKey('0'.repeat(64))).toBeNull();
        expect(await store.getApiKey(OURS, key.id)).toEqual(key);
        expect(await store.getApiKey(OURS, 'nothing')).toBeNull();
        const revoked = { ...key, name: 'old', revokedAt: system.now(), revision: 2 };
        await kept([put(revoked)]);
        expect(await store.findApiKey(key.digest)).toEqual(revoked);
        expect(await store.listApiKeys(OURS)).toEqual([revoked]);
      });

      it('is kept with everything that bounds it, over a restart', async () => {
        const former = { digest: 'b'.repeat(64), validUntil: system.now() + 5 };
        const key = aKey({ createdBy: 'key-0', expiresAt: system.now() + 10, rateLimit: 60, lastUsedAt: 7, former });
        await kept([put(key)]);
        store = await opened.reopen();
        expect(await store.getApiKey(OURS, key.id)).toEqual(key);
      });

      it('that was rotated is found by its digest before too, until the next change', async () => {
        const key = aKey();
        const former = { digest: key.digest, validUntil: system.now() + 1000 };
        const rotated = { ...key, digest: 'c'.repeat(64), former, revision: 2 };
        await kept([put(key)]);
        await kept([put(rotated)]);
        expect(await store.findApiKey(key.digest)).toEqual(rotated);
        expect(await store.findApiKey(rotated.digest)).toEqual(rotated);
        await kept([put({ ...rotated, former: null, revision: 3 })]);
        expect(await store.findApiKey(key.digest)).toBeNull();
      });

      it('is not changed by whoever has read an earlier revision: a revoked one does not come back', async () => {
        const key = aKey();
        await kept([put(key)]);
        const revoked = { ...key, revokedAt: system.now(), revision: 2 };
        await kept([put(revoked)]);
        await stale([put({ ...key, name: 'renamed', revision: 2 })]);
        await stale([put(key)]);
        await stale([put({ ...aKey({ digest: 'd'.repeat(64) }), revision: 2 })]);
        expect(await store.listApiKeys(OURS)).toEqual([revoked]);
      });

      it('has a last use that only goes forward, and that no other change takes back', async () => {
        const key = aKey();
        await kept([put(key), touch(key, 20), touch(key, 10)]);
        const changed = { ...key, name: 'renamed', revision: 2 };
        await kept([put(changed)]);
        expect(await store.getApiKey(OURS, key.id)).toEqual({ ...changed, lastUsedAt: 20 });
        await kept([touch({ ...key, id: 'nothing' }, 30)]);
        expect(await store.listApiKeys(OURS)).toHaveLength(1);
      });
    });

    it('knows all workspaces, and which is the first', async () => {
      expect(await store.firstWorkspace()).toBeNull();
      const workspaces = ['Home', 'Second'].map((title) => ({
        id: system.newId(),
        name: title,
        createdAt: system.now(),
      }));
      await kept(workspaces.map((workspace) => ({ kind: 'createWorkspace', workspace })));
      expect(await store.firstWorkspace()).toEqual(workspaces[0]);
      expect(await store.listWorkspaces()).toEqual(workspaces);
    });

    it('keeps how long a workspace keeps its runs, for ever as well as nothing', async () => {
      expect(await store.retention(OURS)).toBeNull();
      for (const retention of [{ days: 30 }, { days: null }, null]) {
        await kept([{ kind: 'setRetention', workspaceId: OURS, retention }]);
        expect(await store.retention(OURS)).toEqual(retention);
      }
    });

    it('keeps large numbers and long texts exactly', async () => {
      const size = Number.MAX_SAFE_INTEGER;
      const file = { ...aFile(), size };
      const run = aRun({ createdAt: 8_640_000_000_000_000, input: JSON.stringify({ text: 'x'.repeat(1_000_000) }) });
      await kept([{ kind: 'createFile', file }, create(run), add(taskOf(run, { dueAt: size }))]);
      expect((await store.getFile(OURS, file.id))?.size).toBe(size);
      expect(await store.getRun(OURS, run.id)).toEqual(run);
      expect(await store.nextTaskDueAt()).toBe(size);
    });

    describe('another workspace', () => {
      type BoundRead =
        | 'loadRun'
        | 'getRun'
        | 'lastInvoked'
        | 'listInvoked'
        | 'listRunsBelow'
        | 'listRuns'
        | 'listNodeRuns'
        | 'getNodeRun'
        | 'getIteration'
        | 'listRunLogs'
        | 'listAttempts'
        | 'takenTrace'
        | 'getDebugSession'
        | 'listWorkflowLogs'
        | 'findRunsBefore'
        | 'readRunEvents'
        | 'getWorkflow'
        | 'getWorkflowRecord'
        | 'findWorkflowByName'
        | 'listWorkflows'
        | 'getVersion'
        | 'listSavedVersions'
        | 'getFile'
        | 'getPersonRequest'
        | 'listDeliveries'
        | 'getBatch'
        | 'getUpload'
        | 'expiredUploads'
        | 'getIdempotentRequest'
        | 'listCallbackSecrets'
        | 'currentCallbackSecret'
        | 'find'
        | 'findWorkflowBySlug'
        | 'recordsOfRuns'
        | 'runStats'
        | 'listWorkflowsById'
        | 'getApiKey'
        | 'getEvaluation'
        | 'lastEvaluation'
        | 'currentEvaluations'
        | 'listJudges'
        | 'evaluationsJudgedBy'
        | 'evaluationPlan'
        | 'retention'
        | 'listApiKeys'
        | 'listCredentials'
        | 'getCredential'
        | 'modelSettings'
        | 'listIterations'
        | 'listSavedViews'
        | 'getBulkJob'
        | 'listBulkJobs'
        | 'surveyRuns'
        | 'workflowSurveys'
        | 'seenValues'
        | 'evaluationSurvey'
        | 'listTriggers'
        | 'getTrigger'
        | 'listTriggerEvents'
        | 'findTriggerEvent';
      /** Reads that serve the platform itself. A read that is in neither list does not compile. */
      type PlatformRead =
        | 'commit'
        | 'claimTasks'
        | 'renewLeases'
        | 'returnLeases'
        | 'nextTaskDueAt'
        | 'readLog'
        | 'onLog'
        | 'followerPosition'
        | 'claimDeliveries'
        | 'leaseMs'
        | 'isShared'
        | 'tell'
        | 'onTold'
        | 'onWork'
        | 'onEndElsewhere'
        | 'isReachable'
        | 'nextDeliveryAt'
        | 'findApiKey'
        | 'firstWorkspace'
        | 'listWorkspaces'
        | 'hasCredentials'
        | 'hold'
        | 'letGo'
        | 'takeRequest'
        | 'credentialsVersion'
        | 'alone'
        | 'findTrigger'
        | 'dueTriggers'
        | 'nextTriggerAt'
        | 'announceSearch'
        | 'withdrawSearch'
        | 'searchMembers'
        | 'pendingTraces'
        | 'stats'
        | 'close';
      const page = { page: 1, size: 10 };
      const deep = { page: 300, size: 10 };
      const reads: Readonly<
        Record<Exclude<keyof Store, PlatformRead> & BoundRead, (workspaceId: string, of: Owned) => Promise<unknown>>
      > &
        Record<Exclude<keyof Store, PlatformRead>, unknown> = {
        loadRun: (workspaceId, of) => store.loadRun(workspaceId, of.run.id),
        getRun: (workspaceId, of) => store.getRun(workspaceId, of.run.id),
        listAttempts: (workspaceId, of) => store.listAttempts(workspaceId, of.run.id),
        getDebugSession: (workspaceId) => store.getDebugSession(workspaceId, 'session'),
        takenTrace: async (workspaceId) => (await store.takenTrace(workspaceId, 'trace')).spans,
        lastInvoked: (workspaceId, of) => store.lastInvoked(workspaceId, of.run.id, 'node', 1),
        listInvoked: async (workspaceId, of) =>
          (await store.listInvoked({ workspaceId, runId: of.run.id, nodeId: 'node' }, page)).items,
        listRunsBelow: (workspaceId, of) => store.listRunsBelow(workspaceId, of.run.id),
        listRuns: async (workspaceId, of) => {
          const selection = { workspaceId, workflowId: of.workflow.id };
          const near = await store.listRuns({ workspaceId }, page, { output: true });
          const ofWorkflow = await store.listRuns(selection, page, { output: true });
          const far = await store.listRuns(selection, deep, { output: true });
          return [...near.items, ...ofWorkflow.items, near.total, ofWorkflow.total, far.total].filter(Boolean);
        },
        listNodeRuns: (workspaceId, of) => store.listNodeRuns(workspaceId, of.run.id, { payloads: true }),
        getNodeRun: (workspaceId, of) => store.getNodeRun(workspaceId, of.run.id, 'node'),
        getIteration: (workspaceId, of) => store.getIteration(workspaceId, of.run.id, 'node', 1),
        listIterations: (workspaceId, of) =>
          store.listIterations(workspaceId, of.run.id, 'node', { from: 1, limit: 10 }),
        listSavedViews: (workspaceId) => store.listSavedViews(workspaceId),
        getBulkJob: (workspaceId, of) => store.getBulkJob(workspaceId, of.bulkJob.state.id),
        listBulkJobs: (workspaceId, of) => store.listBulkJobs(workspaceId, of.bulkJob.keyId),
        surveyRuns: async (workspaceId) => {
          const span = { filter: null, from: null, to: null, buckets: 10, now: system.now(), budgetMs: 1000 };
          const { facets, buckets, scanned } = await store.surveyRuns({ workspaceId, ...span });
          return [...Object.values(facets).flat(), ...buckets, scanned.runs].filter(Boolean);
        },
        workflowSurveys: async (workspaceId, of) => {
          const request = { workspaceId, workflowIds: [of.workflow.id], since: 0, mostRuns: 10 };
          const [survey] = await store.workflowSurveys(request);
          return [survey?.runs].filter(Boolean);
        },
        seenValues: async (workspaceId) => {
          const request = { target: { column: 'status', path: [] }, prefix: '', mostRuns: 10, limit: 10 };
          return (await store.seenValues({ workspaceId, ...request })).values;
        },
        evaluationSurvey: async (workspaceId) => {
          const span = { from: 0, to: Number.MAX_SAFE_INTEGER, bucketMs: 1000 };
          return (await store.evaluationSurvey({ workspaceId, ...span })).buckets;
        },
        listRunLogs: (workspaceId, of) => store.listRunLogs(workspaceId, of.run.id, 10),
        listWorkflowLogs: async (workspaceId, of) => {
          const found = await store.listWorkflowLogs(workspaceId, of.workflow.id, page);
          return [...found.items, found.total].filter(Boolean);
        },
        findRunsBefore: async (workspaceId) => {
          const found = await store.findRunsBefore({ workspaceId, before: Number.MAX_SAFE_INTEGER }, 10);
          return [...found.runIds, found.total].filter(Boolean);
        },
        readRunEvents: (workspaceId, of) => store.readRunEvents(workspaceId, of.run.id, 0),
        getWorkflow: (workspaceId, of) => store.getWorkflow(workspaceId, of.workflow.id),
        getWorkflowRecord: (workspaceId, of) => store.getWorkflowRecord(workspaceId, of.workflow.id),
        findWorkflowByName: (workspaceId, of) => store.findWorkflowByName(workspaceId, of.workflow.name),
        findWorkflowBySlug: (workspaceId, of) => store.findWorkflowBySlug(workspaceId, 'flow', of.workflow.slug),
        find: async (workspaceId) => {
          const request = { workspaceId, filter: null, sort: [], limit: 10, from: null, backward: false };
          const lists = ['runs', 'nodeRuns', 'logs', 'batches', 'batchItems', 'evaluations', 'personRequests'] as const;
          const pages = await Promise.all(lists.map((list) => store.find(list, request)));
          const counts = pages.map(({ items }) => items.length).filter(Boolean);
          return counts.length === lists.length || counts.length === 0 ? counts : Promise.reject(new Error('uneven'));
        },
        listWorkflows: async (workspaceId) => {
          const found = await store.listWorkflows(workspaceId, page, null);
          return [...found.items, found.total].filter(Boolean);
        },
        getVersion: (workspaceId, of) => store.getVersion(workspaceId, of.version.id),
        listSavedVersions: (workspaceId, of) => store.listSavedVersions(workspaceId, of.workflow.id),
        getFile: (workspaceId, of) => store.getFile(workspaceId, of.file.id),
        getPersonRequest: (workspaceId, of) => store.getPersonRequest(workspaceId, of.request.id),
        listDeliveries: (workspaceId, of) => store.listDeliveries(workspaceId, of.run.id),
        recordsOfRuns: async (workspaceId, of) => {
          const found = await store.recordsOfRuns(workspaceId, [of.run.id], { nodeRuns: 10, logs: 10 });
          return [...found.nodeRuns.values(), ...found.logs.values()];
        },
        runStats: async (workspaceId) => {
          const selection = { workspaceId, from: null, to: null, kinds: ['flow'], workflows: 5 } as const;
          const { days, workflows, sources } = await store.runStats(selection);
          return [...days, ...workflows, ...sources];
        },
        listWorkflowsById: (workspaceId, of) => store.listWorkflowsById(workspaceId, [of.workflow.id]),
        getApiKey: (workspaceId, of) => store.getApiKey(workspaceId, of.key.id),
        getEvaluation: (workspaceId, of) => store.getEvaluation(workspaceId, of.evaluation.id),
        lastEvaluation: (workspaceId, of) => store.lastEvaluation(workspaceId, of.run.id),
        currentEvaluations: (workspaceId, of) => store.currentEvaluations(workspaceId, [of.run.id]),
        listJudges: (workspaceId, of) => store.listJudges(workspaceId, [of.evaluation.id]),
        evaluationsJudgedBy: (workspaceId, of) => store.evaluationsJudgedBy(workspaceId, [of.judge.runId ?? '']),
        evaluationPlan: (workspaceId) => store.evaluationPlan(workspaceId),
        retention: (workspaceId) => store.retention(workspaceId),
        listApiKeys: (workspaceId) => store.listApiKeys(workspaceId),
        listCredentials: (workspaceId) => store.listCredentials(workspaceId),
        getCredential: (workspaceId, of) => store.getCredential(workspaceId, of.credential.id),
        modelSettings: (workspaceId) => store.modelSettings(workspaceId),
        getBatch: (workspaceId) => store.getBatch(workspaceId, 'batch'),
        getUpload: (workspaceId) => store.getUpload(workspaceId, 'upload'),
        expiredUploads: (workspaceId) => store.expiredUploads(workspaceId, Number.MAX_SAFE_INTEGER, 10),
        getIdempotentRequest: (workspaceId) => store.getIdempotentRequest(workspaceId, 'once'),
        listCallbackSecrets: (workspaceId) => store.listCallbackSecrets(workspaceId),
        currentCallbackSecret: (workspaceId) => store.currentCallbackSecret(workspaceId),
        listTriggers: async (workspaceId, of) => [
          ...(await store.listTriggers(workspaceId, null)),
          ...(await store.listTriggers(workspaceId, of.trigger.workflowId)),
        ],
        getTrigger: (workspaceId, of) => store.getTrigger(workspaceId, of.trigger.id),
        listTriggerEvents: async (workspaceId, of) => {
          const found = await store.listTriggerEvents({ workspaceId, triggerId: of.trigger.id }, page);
          return [...found.items, found.total].filter(Boolean);
        },
        findTriggerEvent: (workspaceId, of) => store.findTriggerEvent(workspaceId, of.trigger.id, 'once'),
      };

      interface Owned {
        readonly run: Run;
        readonly workflow: Workflow;
        readonly version: WorkflowVersion;
        readonly file: StoredFile;
        readonly delivery: Delivery;
        readonly key: ApiKey;
        readonly evaluation: Evaluation;
        readonly judge: Judge;
        readonly request: PersonRequest;
        readonly credential: CredentialRecord;
        readonly trigger: Trigger;
        readonly bulkJob: BulkJob;
      }

      async function populate(): Promise<Owned> {
        const made = aWorkflow();
        const version = { ...made.version, name: 'saved' };
        const run = aRun({ status: 'succeeded', workflowId: made.workflow.id });
        const file = aFile();
        const delivery = aDelivery(run);
        const key = aKey();
        const evaluation = pendingEvaluation({ workspaceId: OURS, runId: run.id }, system);
        const judge = pendingJudge(evaluation, system);
        const request = pendingPersonRequest(run, system);
        const credential = aCredential(OURS, system);
        const trigger = aTrigger(OURS, system);
        const bulkJob = aBulkJob(OURS, system);
        await kept([
          { kind: 'startBulkJob', job: bulkJob, seenSince: 0, mostAtWork: 1, keep: 1 },
          { kind: 'putTrigger', trigger },
          { kind: 'putCredential', credential },
          { kind: 'putModelSettings', settings: modelSettings(OURS) },
          { kind: 'putAttempt', workspaceId: OURS, runId: run.id, attempt: anAttempt() },
          { kind: 'putOtlpSpans', workspaceId: OURS, runId: run.id, spans: [aTakenSpan('1')], at: 1 },
          { kind: 'putDebugSession', session: aDebugSession({ runId: run.id }) },
          { kind: 'createPersonRequest', request },
          { kind: 'createVersion', version },
          { kind: 'createWorkflow', workflow: made.workflow },
          create(run),
          append(run),
          appendLog(run),
          add(taskOf(run)),
          create(aRun({ status: 'succeeded', parent: parentOf(run, 'node', 1) })),
          { kind: 'createFile', file },
          { kind: 'createDelivery', delivery },
          { kind: 'putCallbackSecret', secret: aSecret() },
          { kind: 'putSavedView', view: aView() },
          { kind: 'setRetention', workspaceId: OURS, retention: { days: 30 } },
          { kind: 'putUpload', upload: anUpload() },
          { kind: 'createBatch', ...aBatch([run]) },
          { kind: 'claimRequest', request: aRequest(), keepFrom: 0 },
          { kind: 'putApiKey', key },
          {
            kind: 'putNodeRun',
            workspaceId: OURS,
            runId: run.id,
            nodeRun: {
              nodeId: 'node',
              status: 'succeeded',
              currentIteration: 1,
              totalIterations: 1,
              iterates: true,
              attempts: 1,
              startedAt: 1,
              finishedAt: 2,
              inputs: '{}',
              outputs: '{}',
              taken: [],
              failure: null,
              warnings: [],
              usage: null,
            },
          },
          {
            kind: 'putIteration',
            workspaceId: OURS,
            runId: run.id,
            iteration: {
              nodeId: 'node',
              iteration: 1,
              status: 'succeeded',
              attempts: 1,
              startedAt: 1,
              finishedAt: 2,
              inputs: '{}',
              outputs: '{}',
              failure: null,
            },
          },
        ]);
        await kept([
          { kind: 'addTriggerEvent', event: aTriggerEvent(trigger, system, { key: 'once' }) },
          { kind: 'createEvaluation', evaluation, judges: [judge] },
          { kind: 'setEvaluationPlan', workspaceId: OURS, plan: { judges: [], threshold: 1 } },
        ]);
        await kept([{ kind: 'completeEvaluation', evaluation: completed(evaluation, true, 1), judges: [] }]);
        return {
          ...{
            run,
            workflow: made.workflow,
            version,
            file,
            delivery,
            key,
            evaluation,
            judge,
            request,
            credential,
            trigger,
            bulkJob,
          },
        };
      }

      it.each(Object.keys(reads) as (keyof typeof reads)[])('sees nothing of ours through %s', async (method) => {
        const of = await populate();
        const nothing = (value: unknown) => value === null || (Array.isArray(value) && value.length === 0);
        expect(nothing(await reads[method](OURS, of))).toBe(false);
        expect(nothing(await reads[method](THEIRS, of))).toBe(true);
      });

      it('can change nothing of ours', async () => {
        const { run, workflow, delivery, version, key, evaluation } = await populate();
        const evaluated = await store.getEvaluation(OURS, evaluation.id);
        const before = await store.loadRun(OURS, run.id);
        const theirs = { workspaceId: THEIRS } as const;
        await stale([{ kind: 'updateRun', run: { ...run, ...theirs, revision: 1, progress: 7 }, before: run.status }]);
        await stale([{ kind: 'deleteRun', ...theirs, runId: run.id }]);
        await stale([{ kind: 'saveWorkflow', workflow: { ...workflow, ...theirs, revision: 2 } }]);
        await stale([{ kind: 'recordAttempt', ...attempted({ ...delivery, ...theirs }) }]);
        await stale([{ kind: 'putApiKey', key: { ...key, ...theirs, revision: 2, scopes: [] } }]);
        await stale([{ kind: 'createEvaluation', evaluation: { ...evaluation, ...theirs }, judges: [] }]);
        await stale([{ kind: 'updateEvaluation', evaluation: { ...evaluation, ...theirs, revision: 3 }, judges: [] }]);
        await kept([
          { kind: 'setEvaluationFeedback', ...theirs, evaluationId: evaluation.id, feedback: null, at: 7 },
          { kind: 'endTasksOfRun', ...theirs, runId: run.id },
          { kind: 'renameVersion', version: { ...version, ...theirs, name: 'taken' } },
          { kind: 'touchKey', ...theirs, keyId: key.id, at: system.now() },
        ]);
        expect(await store.loadRun(OURS, run.id)).toEqual(before);
        expect(await store.getVersion(OURS, version.id)).toEqual(version);
        expect(await store.getApiKey(OURS, key.id)).toEqual(key);
        expect(await store.getEvaluation(OURS, evaluation.id)).toEqual(evaluated);
        expect(await claim()).toHaveLength(1);
      });
    });

    function aFile(): StoredFile {
      return {
        id: system.newId(),
        workspaceId: OURS,
        name: 'report.pdf',
        contentType: 'application/pdf',
        size: 123,
        blobId: 'files/1',
        createdAt: system.now(),
      };
    }

    function aBatch(runs: readonly Run[]): { batch: Batch; items: BatchItem[] } {
      const batch: Batch = {
        id: 'batch',
        workspaceId: OURS,
        kind: 'model',
        workflowId,
        itemsTotal: runs.length,
        itemsSucceeded: 0,
        itemsPartial: 0,
        itemsFailed: 0,
        itemsCanceled: 0,
        meta: { n: 1 },
        callbackUrl: null,
        requestId: 'req-1',
        apiKeyId: null,
        createdAt: system.now(),
        startedAt: null,
        finishedAt: null,
      };
      const items = runs.map((run, index) => ({ batchId: batch.id, index, runId: run.id }));
      return { batch, items };
    }

    function anUpload(set: Partial<AssetUpload> = {}): AssetUpload {
      return {
        id: 'upload',
        workspaceId: OURS,
        name: 'a.png',
        contentType: 'image/png',
        size: 3,
        createdAt: system.now(),
        expiresAt: system.now() + 1000,
        receivedAt: null,
        ...set,
      };
    }

    function aRequest(set: Partial<IdempotentRequest> = {}): IdempotentRequest {
      return {
        workspaceId: OURS,
        key: 'once',
        digest: 'd'.repeat(64),
        requestId: 'req-1',
        answer: null,
        createdAt: system.now(),
        ...set,
      };
    }

    function aView(): SavedView {
      const text = { name: 'Failures', q: 'status:failed', sort: '', columns: ['id'], extra: { wide: true } };
      const made = { createdBy: null, createdAt: system.now(), updatedAt: system.now() };
      return { id: system.newId(), workspaceId: OURS, ...text, ...made };
    }

    function aSecret(set: Partial<CallbackSecret> = {}): CallbackSecret {
      return {
        id: system.newId(),
        workspaceId: OURS,
        label: 'a receiver',
        prefix: 'whsec_abcdef',
        isCurrent: true,
        createdAt: system.now(),
        updatedAt: system.now(),
        disabledAt: null,
        lastUsedAt: null,
        ...set,
      };
    }

    function aKey(set: Partial<ApiKey> = {}): ApiKey {
      return {
        id: system.newId(),
        workspaceId: OURS,
        name: 'key',
        digest: 'a'.repeat(64),
        former: null,
        prefix: 'mr_abcd',
        scopes: ['runs:read', 'admin'],
        createdAt: system.now(),
        createdBy: null,
        expiresAt: null,
        rateLimit: null,
        lastUsedAt: null,
        revokedAt: null,
        revision: 1,
        ...set,
      };
    }
  });
}
