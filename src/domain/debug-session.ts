import type { JsonObject } from './json.ts';

/** Before a node begins, or after it has ended and before anybody has what it gave. */
export const DEBUG_MOMENTS = ['before', 'after'] as const;
export type DebugMoment = (typeof DEBUG_MOMENTS)[number];

/** A place at which a run is held. */
export interface Breakpoint {
  readonly nodeId: string;
  readonly when: DebugMoment;
}

export const DEBUG_MODES = ['run', 'step'] as const;

/** `run`: up to the next breakpoint. `step`: up to the next node. */
export type DebugMode = (typeof DEBUG_MODES)[number];

/** A session of a debugger: what a run is to be held at, and what it is held at. Times are epoch milliseconds. */
export interface DebugSession {
  /** The caller's own name for it. */
  readonly id: string;
  readonly workspaceId: string;
  /** The run that is debugged, or was last; null: none yet. */
  readonly runId: string | null;
  readonly mode: DebugMode;
  readonly breakpoints: readonly Breakpoint[];
  /** What the run is held at, in the order in which it came there; nothing begins while there is one. */
  readonly pauses: readonly Breakpoint[];
  /** Values that take the place of what arrives at a node, by node and socket. */
  readonly edits: Readonly<Record<string, JsonObject>>;
  readonly updatedAt: number;
}

/** What a debugger wants of a run. */
export type DebugCommand =
  /** Lets go of the first pause; the run goes on to the next breakpoint, or to the next node. */
  | { readonly kind: 'go'; readonly mode: DebugMode }
  | { readonly kind: 'breakpoints'; readonly breakpoints: readonly Breakpoint[] }
  /** Changes what the node that the run is held at is given, or what it gave; by socket, the others stay. */
  | { readonly kind: 'edit'; readonly nodeId: string; readonly values: JsonObject };
