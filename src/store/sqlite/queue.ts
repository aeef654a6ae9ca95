import type { Lease, Task } from '../../domain/task.ts';

interface Entry {
  readonly task: Task;
  /** The lease given out last, while it holds. */
  token: string | null;
  leasedUntil: number;
}

const keyOf = (workspaceId: string, runId: string): string => `${workspaceId} ${runId}`;

/**
 * The due tasks of an embedded store, mirrored in memory.
 *
 * One process owns an embedded store, so a claim needs no write: when the process dies its claims die with it, and every task that the
 * table still holds is due again at the next start. That saves the one commit a task that a shared store cannot save.
 * Invariant: an entry is here exactly while its row is in `tasks`; the writer calls `add` and `end` only after the rows are on disk.
 */
export class TaskQueue {
  readonly #entries = new Map<string, Entry>();
  /** Tasks of a run by `keyOf(workspace, run)`. */
  readonly #byRun = new Map<string, Set<string>>();
  /** Entries whose lease holds: few, so that looking for those that ran out does not walk the whole queue. */
  readonly #claimed = new Set<Entry>();
  /** Unclaimed tasks as a binary heap by due time; entries that were ended meanwhile are dropped when they surface. */
  readonly #heap: Entry[] = [];
  #tokens = 0;

  get size(): number {
    return this.#entries.size;
  }

  add(task: Task): void {
    const entry: Entry = { task, token: null, leasedUntil: 0 };
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
    this.#claimed.delete(entry);
    const key = keyOf(entry.task.workspaceId, entry.task.runId);
    const ofRun = this.#byRun.get(key);
    ofRun?.delete(taskId);
    if (ofRun?.size === 0) this.#byRun.delete(key);
  }

  endRun(workspaceId: string, runId: string): void {
    for (const taskId of [...(this.#byRun.get(keyOf(workspaceId, runId)) ?? [])]) this.end(taskId);
  }

  claim(limit: number, now: number, leaseMs: number): Lease[] {
    const leases: Lease[] = [];
    while (leases.length < limit) {
      const entry = this.#due(now);
      if (!entry) break;
      this.#pop();
      entry.token = String(++this.#tokens);
      entry.leasedUntil = now + leaseMs;
      this.#claimed.add(entry);
      leases.push({ task: entry.task, token: entry.token });
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

  nextDueAt(): number | null {
    return this.#due(Number.POSITIVE_INFINITY)?.task.dueAt ?? null;
  }

  #release(entry: Entry): void {
    entry.token = null;
    this.#claimed.delete(entry);
    this.#push(entry);
  }

  #due(now: number): Entry | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (!top) return undefined;
      if (this.#entries.get(top.task.id) === top && top.token === null) {
        return top.task.dueAt <= now ? top : undefined;
      }
      this.#pop();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.task.dueAt <= entry.task.dueAt) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.task.dueAt < heap[child]!.task.dueAt) child += 1;
      if (heap[child]!.task.dueAt >= last.task.dueAt) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
