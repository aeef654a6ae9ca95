import type { Lease, Task } from '../../domain/task.ts';
import type { Claim } from '../store.ts';
import { Heap } from './heap.ts';

interface Entry {
  readonly task: Task;
  readonly lane: Lane;
  /** Of a task that starts a run: its workflow, which may have no place for it. */
  readonly flow: Flow | null;
  /** Of tasks that are due at the same time the one that came first goes first. */
  readonly order: number;
  /** The lease given out last, while it holds. */
  token: string | null;
  leasedUntil: number;
  /** Its row is gone. Heaps drop it when it surfaces. */
  isOver: boolean;
}

/** The tasks of one workspace, and the places that its runs take. */
interface Lane {
  readonly workspaceId: string;
  /** Unclaimed tasks of runs that are under way. */
  readonly work: Heap<Entry>;
  /** The next start of each workflow that has a place for it. */
  readonly starts: Heap<Offer>;
  readonly flows: Map<string, Flow>;
  /** Runs under way, and those whose start is claimed. */
  underWay: number;
  /** Flows that may have another start to offer than they do. */
  readonly changed: Set<Flow>;
  /** Its place in the heap of lanes that wait for a time; null: it waits for none. */
  sleep: Sleep | null;
}

/** The runs of one workflow. */
interface Flow {
  limit: number;
  underWay: number;
  /** Unclaimed tasks that start runs. */
  readonly waiting: Heap<Entry>;
  /** Its place among the starts of its lane; null: it has no start, or no place for one. */
  offer: Offer | null;
}

interface Offer {
  readonly flow: Flow;
  /** Its next start. */
  readonly entry: Entry;
}

interface Sleep {
  readonly lane: Lane;
  /** When its next task is due. */
  readonly at: number;
}

const keyOf = (workspaceId: string, runId: string): string => `${workspaceId} ${runId}`;

const earlier = (left: Entry, right: Entry): boolean =>
  left.task.dueAt < right.task.dueAt || (left.task.dueAt === right.task.dueAt && left.order < right.order);

/**
 * The due tasks of an embedded store, mirrored in memory, with the places that runs take.
 *
 * One process owns an embedded store, so a claim needs no write: when the process dies its claims die with it, and every task that the
 * table still holds is due again at the next start. That saves the one commit a task that a shared store cannot save.
 * Invariant: an entry is here exactly while its row is in `tasks`; the writer calls `add` and `end` only after the rows are on disk.
 *
 * Each workspace has a lane, and a claim goes round the lanes that have something due. Starts wait with their workflow, which offers the next of them
 * while it has a place, so that a claim never walks past what cannot be claimed: it costs O(log n) of the tasks, workflows and lanes
 * there are, and one step for each workspace that is passed over because it holds a place already.
 */
export class TaskQueue {
  readonly #entries = new Map<string, Entry>();
  /** Tasks of a run by `keyOf(workspace, run)`. */
  readonly #byRun = new Map<string, Set<string>>();
  /** Entries whose lease holds: few, so that looking for those that ran out does not walk the whole queue. */
  readonly #claimed = new Set<Entry>();
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with something due, the one whose turn it is first. */
  readonly #ring = new Set<Lane>();
  /** Lanes by the time at which something of them is due; what a lane has left behind is dropped when it surfaces. */
  readonly #sleeping = new Heap<Sleep>((left, right) => left.at < right.at);
  /** Lanes with changes since the last claim: what changes back within one commit is never acted on. */
  readonly #stirred = new Set<Lane>();
  readonly #runsPerWorkspace: number;
  #tokens = 0;
  #order = 0;

  /** @param runsPerWorkspace runs of one workspace that may be under way; null: any number */
  constructor(runsPerWorkspace: number | null = null) {
    this.#runsPerWorkspace = runsPerWorkspace ?? Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Makes a workspace known, whether or not it has tasks. */
  addWorkspace(workspaceId: string): void {
    this.#laneOf(workspaceId);
  }

  add(task: Task): void {
    const lane = this.#laneOf(task.workspaceId);
    const flow = task.startOf === null ? null : flowOf(lane, task.startOf);
    this.#order += 1;
    const entry = {
      task,
      lane,
      flow,
      order: this.#order,
      token: null,
      leasedUntil: 0,
      isOver: false,
    };
    this.#entries.set(task.id, entry);
    const key = keyOf(task.workspaceId, task.runId);
    const ofRun = this.#byRun.get(key);
    if (ofRun) ofRun.add(task.id);
    else this.#byRun.set(key, new Set([task.id]));
    this.#push(entry);
  }

  holds(lease: Lease): boolean {
    return this.#entries.get(lease.task.id)?.token === lease.token;
  }

  end(taskId: string): void {
    const entry = this.#entries.get(taskId);
    if (!entry) return;
    this.#entries.delete(taskId);
    entry.isOver = true;
    if (!this.#claimed.delete(entry)) this.#stir(entry.lane, entry.flow);
    else if (entry.flow !== null) this.#countUnderWay(entry.lane, entry.flow, -1);
    const key = keyOf(entry.task.workspaceId, entry.task.runId);
    const ofRun = this.#byRun.get(key);
    ofRun?.delete(taskId);
    if (ofRun?.size === 0) this.#byRun.delete(key);
  }

  endRun(workspaceId: string, runId: string): void {
    for (const taskId of [...(this.#byRun.get(keyOf(workspaceId, runId)) ?? [])]) this.end(taskId);
  }

  /** Takes in that so many more runs of a workflow are under way; fewer, when negative. */
  countRuns(workspaceId: string, workflowId: string, by: number): void {
    const lane = this.#laneOf(workspaceId);
    this.#countUnderWay(lane, flowOf(lane, workflowId), by);
  }

  /** @param limit runs of the workflow that may be under way; null: any number */
  limit(workspaceId: string, workflowId: string, limit: number | null): void {
    const lane = this.#laneOf(workspaceId);
    const flow = flowOf(lane, workflowId);
    flow.limit = limit ?? Number.POSITIVE_INFINITY;
    this.#stir(lane, flow);
  }

  /**
   * Whether a run may begin that never was in the queue: there is a place, and none that came before waits for it.
   * @param more runs that begin beside it and are not counted yet, of the workspace and of the workflow
   */
  hasPlace(workspaceId: string, workflowId: string, more: { ofWorkspace: number; ofWorkflow: number }): boolean {
    const lane = this.#laneOf(workspaceId);
    const flow = flowOf(lane, workflowId);
    this.#settle();
    const isFirst = {
      ofWorkspace: this.#runsPerWorkspace === Number.POSITIVE_INFINITY || nextOffer(lane) === undefined,
      ofWorkflow: flow.limit === Number.POSITIVE_INFINITY || nextWaiting(flow) === undefined,
    };
    return (
      isFirst.ofWorkspace &&
      isFirst.ofWorkflow &&
      lane.underWay + more.ofWorkspace < this.#runsPerWorkspace &&
      flow.underWay + more.ofWorkflow < flow.limit
    );
  }

  /** See `Store.claimTasks`. */
  claim({ limit, now, leaseMs, reserved = 0, held }: Claim): Lease[] {
    this.#settle();
    for (let next = this.#nextSleep(); next !== undefined && next.at <= now; next = this.#nextSleep()) {
      this.#sleeping.pop();
      next.lane.sleep = null;
      this.#ring.add(next.lane);
    }
    const leases: Lease[] = [];
    const holding = new Set(held?.keys());
    // Where there is one workspace, there is nobody to keep a place for.
    const open = this.#lanes.size > 1 ? limit - reserved : limit;
    // What is added to a set while it is gone through comes up at its end: lanes have one turn after the other until nothing is left.
    for (const lane of this.#ring) {
      if (leases.length >= limit) break;
      if (leases.length >= open && holding.has(lane.workspaceId)) continue;
      this.#ring.delete(lane);
      const entry = this.#take(lane, now);
      if (entry !== null) {
        entry.token = String(++this.#tokens);
        entry.leasedUntil = now + leaseMs;
        this.#claimed.add(entry);
        leases.push({ task: entry.task, token: entry.token });
        holding.add(lane.workspaceId);
      }
      const next = this.#next(lane);
      if (next !== undefined && next.task.dueAt <= now) this.#ring.add(lane);
      else this.#sleep(lane);
    }
    return leases;
  }

  /** Prolongs the leases that still hold; the others are returned. */
  renew(leases: readonly Lease[], until: number): Lease[] {
    return leases.filter((lease) => {
      const entry = this.#entries.get(lease.task.id);
      if (entry?.token !== lease.token) return true;
      entry.leasedUntil = until;
      return false;
    });
  }

  giveBack(leases: readonly Lease[]): void {
    for (const lease of leases) {
      const entry = this.#entries.get(lease.task.id);
      if (entry?.token === lease.token) this.#release(entry);
    }
  }

  /** Gives back leases whose time is over: their worker hangs. */
  expire(now: number): void {
    for (const entry of this.#claimed) if (entry.leasedUntil <= now) this.#release(entry);
  }

  /** See `Store.nextTaskDueAt`. */
  nextDueAt(): number | null {
    this.#settle();
    return this.#nextSleep()?.at ?? null;
  }

  #laneOf(workspaceId: string): Lane {
    const known = this.#lanes.get(workspaceId);
    if (known !== undefined) return known;
    const lane: Lane = {
      workspaceId,
      work: new Heap(earlier),
      starts: new Heap((left, right) => earlier(left.entry, right.entry)),
      flows: new Map(),
      underWay: 0,
      changed: new Set(),
      sleep: null,
    };
    this.#lanes.set(workspaceId, lane);
    return lane;
  }

  #release(entry: Entry): void {
    entry.token = null;
    this.#claimed.delete(entry);
    if (entry.flow !== null) this.#countUnderWay(entry.lane, entry.flow, -1);
    this.#push(entry);
  }

  #push(entry: Entry): void {
    const { lane, flow } = entry;
    (flow?.waiting ?? lane.work).push(entry);
    this.#stir(lane, flow);
  }

  #countUnderWay(lane: Lane, flow: Flow, by: number): void {
    lane.underWay += by;
    flow.underWay += by;
    this.#stir(lane, flow);
  }

  #stir(lane: Lane, flow: Flow | null): void {
    if (flow !== null) lane.changed.add(flow);
    this.#stirred.add(lane);
  }

  /** Acts on what has changed: workflows offer the right start, lanes wait for the right time. */
  #settle(): void {
    for (const lane of this.#stirred) {
      for (const flow of lane.changed) offerNext(lane, flow);
      lane.changed.clear();
      if (!this.#ring.has(lane)) this.#sleep(lane);
    }
    this.#stirred.clear();
  }

  /** Lets a lane wait for its next task, if it has one that only time keeps from being claimed. */
  #sleep(lane: Lane): void {
    const at = this.#next(lane)?.task.dueAt;
    if (lane.sleep?.at === at) return;
    lane.sleep = at === undefined ? null : { lane, at };
    if (lane.sleep !== null) this.#sleeping.push(lane.sleep);
  }

  #nextSleep(): Sleep | undefined {
    for (;;) {
      const next = this.#sleeping.top;
      if (next === undefined || next.lane.sleep === next) return next;
      this.#sleeping.pop();
    }
  }

  /** Takes the next task of a lane out of its heap; null: none is due. */
  #take(lane: Lane, now: number): Entry | null {
    const entry = this.#next(lane);
    if (entry === undefined || entry.task.dueAt > now) return null;
    (entry.flow?.waiting ?? lane.work).pop();
    if (entry.flow !== null) {
      this.#countUnderWay(lane, entry.flow, 1);
      offerNext(lane, entry.flow);
    }
    return entry;
  }

  /** The next task of a lane: undefined when nothing of it can be claimed at any time, as things stand. */
  #next(lane: Lane): Entry | undefined {
    while (lane.work.top?.isOver) lane.work.pop();
    const work = lane.work.top;
    const start = lane.underWay < this.#runsPerWorkspace ? nextOffer(lane)?.entry : undefined;
    return start !== undefined && (work === undefined || earlier(start, work)) ? start : work;
  }
}

function flowOf(lane: Lane, workflowId: string): Flow {
  const known = lane.flows.get(workflowId);
  if (known !== undefined) return known;
  const flow: Flow = { limit: Number.POSITIVE_INFINITY, underWay: 0, waiting: new Heap(earlier), offer: null };
  lane.flows.set(workflowId, flow);
  return flow;
}

/** The next start of a workflow, whether or not there is a place for it. */
function nextWaiting(flow: Flow): Entry | undefined {
  while (flow.waiting.top?.isOver) flow.waiting.pop();
  return flow.waiting.top;
}

/** Makes a workflow offer its next start, or none when it has no place for it. What it offered before is dropped when it surfaces. */
function offerNext(lane: Lane, flow: Flow): void {
  const entry = flow.underWay < flow.limit ? nextWaiting(flow) : undefined;
  if (flow.offer?.entry === entry) return;
  flow.offer = entry === undefined ? null : { flow, entry };
  if (flow.offer !== null) lane.starts.push(flow.offer);
}

/** The start that comes next of all that are offered. */
function nextOffer(lane: Lane): Offer | undefined {
  for (;;) {
    const offer = lane.starts.top;
    if (offer === undefined || offer.flow.offer === offer) return offer;
    lane.starts.pop();
  }
}
