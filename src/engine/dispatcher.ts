/**
 * Gives work to this process: decides which due tasks it claims and when, and hands them to its worker. What there is to do, and who has it, is the
 * store's to say, whatever the dispatcher is: a task is worked on under a lease of the store and settled by a commit that rests on it. So a
 * dispatcher may hand out something twice, late or after a crash, and nothing is done twice that was recorded; what it may not do is forget a task
 * for ever.
 *
 * `StoreDispatcher` claims from the store, embedded or shared. One that leaves it to an engine elsewhere who works on which run was built and left out:
 * docs/decisions/dispatch-without-restate.md says why, and what it needs.
 */
export interface Dispatcher {
  /** Tasks that this process has in hand. */
  readonly busy: number;
  /**
   * Takes no more tasks and waits up to `graceMs` milliseconds for those in hand; then gives the rest back, to be run again by whoever comes next.
   */
  stop(graceMs: number): Promise<void>;
}

/** The dispatcher of a process that works on nothing itself: others do. */
export const IDLE_DISPATCHER: Dispatcher = { busy: 0, stop: async () => undefined };
