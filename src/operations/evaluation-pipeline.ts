import { createHash } from 'node:crypto';
import type { RunEvent } from '../domain/event.ts';
import { type Follower, follow } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import { type EvaluationSettings, readEvaluationSettings } from './evaluation-settings.ts';
import { type Evaluations, JUDGE_SOURCE } from './evaluations.ts';

/** The name that the position in the log is kept under. */
const FOLLOWER = 'evaluations';

/** Events passed by before the position is kept although nothing was begun: a sync less per batch, for some 20 ms of reading at a start. */
const KEEP_POSITION_EVERY = 5_000;

/** Tries to begin an automatic evaluation that others of the same run get in the way of. Each round one of them wins. */
const BEGIN_TRIES = 20;

/**
 * Carries evaluations on as runs end: takes in what judges' runs came to, and begins the evaluations that workflows want of each of their runs.
 *
 * An evaluation is written together with the runs of its judges, so that none waits for a run that was never begun. Taking in may happen twice and
 * changes nothing the second time; beginning keeps the position in the same write, so that a crash neither forgets nor doubles an evaluation.
 */
export class EvaluationPipeline {
  readonly #store: Store;
  readonly #evaluations: Evaluations;
  readonly #log: Log;
  #follower: Follower | undefined;
  /** The follower's position as last seen in the store. */
  #kept = 0;

  constructor(parts: { store: Store; evaluations: Evaluations; log: Log }) {
    this.#store = parts.store;
    this.#evaluations = parts.evaluations;
    this.#log = parts.log;
  }

  /** Begins where the last process stopped. */
  async start(): Promise<void> {
    this.#kept = await this.#store.followerPosition(FOLLOWER);
    this.#follower = follow(
      this.#store,
      this.#kept,
      (events) => this.#take(events),
      (error) => this.#log.error({ err: error }, 'evaluations could not be carried on; trying again'),
    );
  }

  /** Ends after what is in hand. */
  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  async #take(events: readonly RunEvent[]): Promise<void> {
    const heard = events.filter(({ kind }) => kind !== 'created');
    for (const [workspaceId, some] of Map.groupBy(heard, (event) => event.workspaceId)) {
      const runIds = [...new Set(some.map(({ runId }) => runId))];
      for (const evaluationId of await this.#store.evaluationsJudgedBy(workspaceId, runIds)) {
        await this.#evaluations.settle(workspaceId, evaluationId);
      }
    }
    // Of one batch: settings that change count from the next one on.
    const settings = new Map<string, EvaluationSettings | null>();
    for (const event of heard)
      if (event.kind === 'finished' && !event.data.imported) await this.#evaluate(event, settings);
    const last = events.at(-1)?.position ?? this.#kept;
    if (last - this.#kept >= KEEP_POSITION_EVERY) await this.#keep(last);
  }

  async #evaluate(event: RunEvent, settings: Map<string, EvaluationSettings | null>): Promise<void> {
    const wanted = await this.#settingsOf(event, settings);
    if (wanted === null || !isSampled(event.runId, wanted.sample)) return;
    for (let tries = 0; tries < BEGIN_TRIES; tries += 1) {
      const run = await this.#store.getRun(event.workspaceId, event.runId);
      if (run === null || run.source === JUDGE_SOURCE) return;
      const before = await this.#store.followerPosition(FOLLOWER);
      this.#kept = before;
      if (before >= event.position) return;
      const { position } = event;
      const also = [{ kind: 'followed', follower: FOLLOWER, position, before }] as const;
      if ((await this.#evaluations.beginAutomatic(event.workspaceId, event.runId, also)) !== null) {
        this.#kept = position;
        return;
      }
    }
    this.#log.warn(
      { runId: event.runId },
      'a run was not evaluated: other evaluations of it were in the way all the time',
    );
  }

  /** Null: runs of this workflow are not judged by themselves. */
  async #settingsOf(
    { workspaceId, workflowId }: RunEvent,
    known: Map<string, EvaluationSettings | null>,
  ): Promise<EvaluationSettings | null> {
    const found = known.get(workflowId);
    if (found !== undefined) return found;
    const workflow = await this.#store.getWorkflow(workspaceId, workflowId);
    const settings = workflow === null ? null : readEvaluationSettings(workflow.settings);
    const wanted = settings?.automatic === true ? settings : null;
    known.set(workflowId, wanted);
    return wanted;
  }

  async #keep(position: number): Promise<void> {
    const before = await this.#store.followerPosition(FOLLOWER);
    if (before < position) await this.#store.commit([{ kind: 'followed', follower: FOLLOWER, position, before }]);
    this.#kept = Math.max(before, position);
  }
}

/** Whether a run belongs to the share of runs that is judged: by its id, so that a repetition decides alike. */
function isSampled(runId: string, share: number): boolean {
  const at = createHash('sha256').update(runId).digest().readUInt32BE() / 2 ** 32;
  return at < share;
}
