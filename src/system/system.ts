import { v7 } from 'uuid';

/** Time, identity and chance: what the platform takes from the outside world. Tests give one that stands still. */
export interface System {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds, with fractions, since some moment of this process: for spans of time, since nobody can set this clock. */
  elapsed(): number;
  /** A new UUIDv7 (RFC 9562): later ids sort after earlier ones, also within one millisecond. */
  newId(): string;
  /** A number in [0, 1). */
  random(): number;
}

export const realSystem: System = {
  now: Date.now,
  elapsed: () => performance.now(),
  newId: v7,
  random: Math.random,
};
