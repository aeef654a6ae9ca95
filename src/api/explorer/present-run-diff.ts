import type { Caller } from '../../domain/caller.ts';
import type { RunDiff } from '../../operations/run-diff.ts';
import type { ExplorerParts } from './parts.ts';
import { presentOneRow } from './present-run.ts';
import type * as wire from './wire.ts';

/** Two runs side by side, with the runs as lists show them. */
export async function presentRunDiff(
  parts: ExplorerParts,
  caller: Caller,
  { runs, isSameWorkflow, isSameVersion, definition, input, output, nodes, totals }: RunDiff,
): Promise<wire.RunComparison> {
  const [before, after] = await Promise.all([
    presentOneRow(parts, caller, runs.before),
    presentOneRow(parts, caller, runs.after),
  ]);
  return {
    runs: { before, after },
    isSameWorkflow,
    isSameVersion,
    definition,
    input,
    output,
    nodes: nodes.map(({ nodeId, before, after, inputsDiffer, outputsDiffer }) => ({
      nodeId,
      before: before && presentFacts(before),
      after: after && presentFacts(after),
      inputsDiffer,
      outputsDiffer,
    })),
    totals: { before: totals.before, after: totals.after },
  };
}

function presentFacts({
  status,
  totalIterations,
  figures,
  failure,
  takenOverFrom,
}: NonNullable<RunDiff['nodes'][number]['before']>): wire.ComparedNode {
  return { status, totalIterations, figures, failure, takenOverFrom };
}
