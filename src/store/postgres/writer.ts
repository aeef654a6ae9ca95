import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { PlatformError } from '../../domain/error.ts';
import type { Change } from '../change.ts';
import { isCollision, isConnectionTrouble, TRIES, unreachable } from './connection.ts';
import { wireChange } from './wire-change.ts';
import { runsOf, type SetPart, setPart, wireSet } from './wire-set.ts';

/** Characters of one group at most, so that a burst of large payloads is not one statement of a gigabyte. One change may be larger. */
const GROUP_CHARACTERS = 8_000_000;

/** Changes of one group at most: some 0.1 s of the server. */
const GROUP_CHANGES = 1000;

/**
 * How long the server may be away before commits fail: a restart takes some seconds. What is given when it has been away for longer is tried once, since
 * whoever waits for it would wait behind all that came before.
 */
const AWAY = { forMs: 10_000, everyMs: 250 };

/** The code that the server gives a writer whose row is not as it should be. */
const LOST_WRITER = '55006';

interface Pending {
  readonly change: Change;
  /** What it is among the changes of other runs; null: it is for itself. */
  readonly part: SetPart | null;
  /** Characters of it. */
  readonly length: number;
  /** As JSON text, where it was made already. */
  readonly text: string | null;
  readonly resolve: (result: 'kept' | 'stale') => void;
  readonly reject: (error: unknown) => void;
}

/** What is sent for a group. */
interface Statement {
  readonly sql: string;
  /** What it is given, after which come the writer, the number of the group and the time. */
  readonly values: readonly (string | number | null)[];
}

/**
 * What the server said of a group: a letter for each change, the last position of the log, and whether there may be more to claim. `k`: kept, `s`: stale. Of a
 * set of which something does not hold nothing is kept: `a` is to be given again, `l` in a group, since its workflow has a limit.
 */
interface Outcome {
  readonly letters: string;
  readonly lastPosition: number;
  readonly hasWork: boolean;
}

/**
 * Applies changes in groups: what is given while a transaction is on its way goes into the next one, as one statement, which is one round trip and one
 * sync for all of them. Changes of different runs, which nearly all are, become a set (`commit-runs-function.ts`); the others are applied one after the
 * other (`commit-function.ts`), those of one run in the order in which they were given.
 *
 * A commit whose answer was lost may have happened. So each group has a number, which the transaction writes beside its outcome: when the
 * connection breaks, the number is moved on, which waits for the lost transaction to end and locks it out if it has not begun, and tells whether it
 * was kept. No group is applied twice, and none is taken for lost that was kept.
 */
export class Writer {
  readonly id = randomUUID();
  readonly #sql: Sql;
  readonly #workspaceLimit: number | null;
  readonly #onKept: (outcome: Outcome) => void;
  #pending: Pending[] = [];
  #working: Promise<void> | null = null;
  #sequence = 0;
  /** Whether nobody knows what became of the last group: its number must be moved on before there is a next one. */
  #isUnsure = false;
  /** Since when the server has not been reached, by the clock that only goes forward; null: it was there last. */
  #awaySince: number | null = null;

  /** @param workspaceLimit runs of one workspace that may be under way; null: any number */
  constructor(sql: Sql, workspaceLimit: number | null, onKept: (outcome: Outcome) => void) {
    this.#sql = sql;
    this.#workspaceLimit = workspaceLimit;
    this.#onKept = onKept;
  }

  /** Makes the writer known to the store. */
  async begin(): Promise<void> {
    await this.#sql.unsafe('delete from platform_writers where at < $1', [Date.now() - 86_400_000]);
    await this.#sql.unsafe('insert into platform_writers (id, sequence, at) values ($1, 0, $2)', [this.id, Date.now()]);
  }

  submit(change: Change): Promise<'kept' | 'stale'> {
    return new Promise((resolve, reject) => {
      const part = setPart(change, this.#workspaceLimit);
      const text = part === null ? wireChange(change) : null;
      this.#pending.push({ change, part, text, length: part?.length ?? text?.length ?? 0, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when everything that was given is dealt with. */
  async drained(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  async #work(): Promise<void> {
    // What is given in the same turn of the event loop is one group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const { set, rest } = split(this.#nextGroup());
      const left = set.length > 0 ? await this.#applySet(set) : [];
      if (left.length + rest.length > 0) await this.#applyGroup([...left, ...rest]);
    }
    this.#working = null;
  }

  /** Applies changes of different runs. @returns those that are to be applied in a group */
  async #applySet(set: readonly Pending[]): Promise<Pending[]> {
    const left: Pending[] = [];
    let again = set;
    let hasCollided = false;
    while (again.length > 0) {
      const parts = again.flatMap(({ part }) => part ?? []);
      const group = again;
      let outcome: Outcome;
      try {
        outcome = await this.#commit({ sql: 'select commit_runs_1($1::text::jsonb, ', values: [wireSet(parts)] });
      } catch (error) {
        // Whom it collided with has ended by now. Change by change, a large set would hold up what comes behind it.
        if (!hasCollided && isCollision(error)) {
          hasCollided = true;
          continue;
        }
        await this.#failed(group, error);
        return left;
      }
      const { letters } = outcome;
      const saying = (letter: string) => group.filter((_, index) => letters[index] === letter);
      left.push(...saying('l'));
      again = saying('a');
      this.#tell(group, outcome);
    }
    return left;
  }

  async #applyGroup(group: readonly Pending[]): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.#commitGroup(group);
    } catch (error) {
      await this.#failed(group, error);
      return;
    }
    this.#tell(group, outcome);
  }

  /** One change that breaks a constraint must not take its neighbours with it: alone, each shows whether it is the one. */
  async #failed(group: readonly Pending[], error: unknown): Promise<void> {
    if (error instanceof PlatformError) for (const pending of group) pending.reject(error);
    else for (const pending of group) await this.#commitAlone(pending);
  }

  #nextGroup(): Pending[] {
    let characters = 0;
    let count = 0;
    for (const { length } of this.#pending) {
      characters += length;
      if (count > 0 && (characters > GROUP_CHARACTERS || count >= GROUP_CHANGES)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #commitAlone(pending: Pending): Promise<void> {
    for (let tried = 1; ; tried += 1) {
      let outcome: Outcome;
      try {
        outcome = await this.#commitGroup([pending]);
      } catch (error) {
        if (tried < TRIES && isCollision(error)) continue;
        pending.reject(error);
        return;
      }
      this.#tell([pending], outcome);
      return;
    }
  }

  /** Tells what became of changes; those that are to be given again hear of it then. */
  #tell(group: readonly Pending[], outcome: Outcome): void {
    const { letters } = outcome;
    for (const [index, { resolve }] of group.entries()) {
      if (letters[index] === 'k') resolve('kept');
      else if (letters[index] === 's') resolve('stale');
    }
    if (!letters.includes('k')) return;
    // In a turn of its own: a listener that fails must not make what was kept look as if it had failed.
    queueMicrotask(() => this.#onKept(outcome));
  }

  #commitGroup(group: readonly Pending[]): Promise<Outcome> {
    const changes = `[${group.map(({ text, change }) => text ?? wireChange(change)).join(',')}]`;
    return this.#commit({
      sql: 'select commit_changes_1($1::text::jsonb, $2, ',
      values: [changes, this.#workspaceLimit],
    });
  }

  async #commit({ sql, values }: Statement): Promise<Outcome> {
    const first = values.length + 1;
    const text = `${sql}$${first}, $${first + 1}, $${first + 2}) as outcome`;
    // What became of it nobody asks any more: its callers were told that it failed.
    if (this.#isUnsure) await this.#lost(this.#sequence, new Error('it was away for long'));
    for (let entered = 0; ; ) {
      const sequence = this.#sequence + 1;
      let cause: unknown;
      try {
        const [row] = await this.#sql.unsafe(text, [...values, this.id, sequence, Date.now()], { prepare: true });
        const outcome = readOutcome(row?.['outcome']);
        if (outcome !== null) {
          this.#sequence = sequence;
          return outcome;
        }
        cause = new Error('its answer says nothing');
      } catch (error) {
        if ((error as { code?: unknown }).code === LOST_WRITER && entered < TRIES) {
          // Nothing was written. What the store has is another number, or none: it was restored, or the writer was silent for long.
          entered += 1;
          this.#sequence = (await this.#enter()).sequence;
          continue;
        }
        if (!isConnectionTrouble(error)) throw error;
        cause = error;
      }
      const outcome = await this.#lost(sequence, cause);
      if (outcome !== null) return outcome;
    }
  }

  /** Makes the writer known to the store where it is not. @returns what the store has of it */
  async #enter(): Promise<{ readonly sequence: number; readonly outcome: Outcome | null }> {
    const [row] = await this.#sql.unsafe(
      `insert into platform_writers as p (id, sequence, at) values ($1, $2, $3)
       on conflict (id) do update set at = excluded.at returning p.sequence, p.outcome`,
      [this.id, this.#sequence, Date.now()],
    );
    return { sequence: Number(row?.['sequence'] ?? this.#sequence), outcome: readOutcome(row?.['outcome']) };
  }

  /**
   * What became of a group whose answer was lost; null: nothing, and it never will.
   * @throws when the server does not come back, or does not let it be known: then that is asked before the next group
   */
  async #lost(sequence: number, cause: unknown): Promise<Outcome | null> {
    const since = this.#awaySince ?? performance.now();
    this.#awaySince = since;
    this.#sequence = sequence;
    this.#isUnsure = true;
    for (;;) {
      try {
        // Waits for the lost transaction, which holds the row. One that has yet to begin finds another number and writes nothing. An asking of this
        // kind that was lost itself, and comes after the next group, finds no row.
        const [row] = await this.#sql.unsafe(
          `update platform_writers p set sequence = $2, outcome = case when p.sequence = $2 then p.outcome end
           where p.id = $1 and p.sequence between $2::bigint - 1 and $2 returning p.sequence, p.outcome`,
          [this.id, sequence],
        );
        const found =
          row === undefined
            ? await this.#enter()
            : { sequence: Number(row['sequence']), outcome: readOutcome(row['outcome']) };
        this.#sequence = found.sequence;
        this.#isUnsure = false;
        this.#awaySince = null;
        return found.sequence === sequence ? found.outcome : null;
      } catch (error) {
        // Whatever it is, nobody knows what became of the group: its changes must not be tried alone.
        if (!isConnectionTrouble(error)) throw unreachable(error);
      }
      if (performance.now() > since + AWAY.forMs) break;
      await sleep(AWAY.everyMs);
    }
    throw unreachable(cause);
  }

  async end(): Promise<void> {
    await this.drained();
    await this.#sql.unsafe('delete from platform_writers where id = $1', [this.id]).catch(() => undefined);
  }
}

/**
 * Changes that can be applied as a set, and the others. What comes behind another change of its run is applied behind it; changes of anything else have no
 * order, since whoever needs one waits for the one before.
 */
function split(group: readonly Pending[]): { readonly set: Pending[]; readonly rest: Pending[] } {
  const set: Pending[] = [];
  const rest: Pending[] = [];
  const seen = new Set<string>();
  for (const pending of group) {
    const runIds = pending.part?.runIds ?? runsOf(pending.change);
    const isFirst = ![...runIds].some((id) => seen.has(id));
    for (const id of runIds) seen.add(id);
    if (pending.part !== null && isFirst) set.push(pending);
    else rest.push(pending);
  }
  return { set, rest };
}

function readOutcome(text: unknown): Outcome | null {
  if (typeof text !== 'string') return null;
  const [letters = '', position, work] = text.split(' ');
  return { letters, lastPosition: Number(position), hasWork: work === 'w' };
}
