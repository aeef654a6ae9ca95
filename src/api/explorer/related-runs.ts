import type { Caller } from '../../domain/caller.ts';
import type { Run } from '../../domain/run.ts';
import type { ExplorerParts } from './parts.ts';
import { presentOneRow, presentRows } from './present-run.ts';
import type * as wire from './wire.ts';

/** Runs of one node that are named at once: those of a pass, or the first ones of all passes. */
const CHILDREN = 50;

/** The runs that a node invoked, in the order of its passes; only those of one pass where one is given. */
export async function readChildren(
  parts: ExplorerParts,
  caller: Caller,
  runId: string,
  nodeId: string,
  iteration: number | null,
): Promise<wire.ChildRun[]> {
  const { items } = await parts.runs.listInvoked(caller, runId, nodeId, { page: 1, size: CHILDREN }, iteration);
  const rows = await presentRows(parts, caller, items);
  return rows.map((run, index) => ({ run, nodeId, iteration: items[index]?.parent?.iteration ?? 0 }));
}

/** The run that a run is a part of, and its place there; null for a run that somebody started. */
export async function readParent(parts: ExplorerParts, caller: Caller, run: Run): Promise<wire.ChildRun | null> {
  if (run.parent === null) return null;
  const { runId, nodeId, iteration } = run.parent;
  return { run: await presentOneRow(parts, caller, await parts.runs.get(caller, runId)), nodeId, iteration };
}
