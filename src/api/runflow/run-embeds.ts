import type { FastifyRequest } from 'fastify';
import type { Evaluation } from '../../domain/evaluation.ts';
import type { Run } from '../../domain/run.ts';
import { WORKFLOW_KINDS } from '../../domain/workflow.ts';
import type { DialectParts } from '../dialect.ts';
import { listText, objectText } from '../json-text.ts';
import { presentLog } from './present-log.ts';
import { presentNodeRun, type ShownNodeRun } from './present-node-run.ts';
import { payloadsFor } from './present-run.ts';
import { presentTarget } from './present-target.ts';

/** What can be embedded in a run. */
export const RUN_EMBEDS = [
  'comfyui_workflow',
  'current_evaluation_summary',
  'flow',
  'logs',
  'model',
  'node_runs',
] as const;

/** Records of one run that are embedded, of each sort. Their own lists have all of them. */
const EMBEDDED_RECORDS = 1000;

/**
 * The JSON texts of what is embedded in each of some runs. Each relation is read once for all of them.
 * @throws PlatformError `forbidden` without the scope that reading a relation takes
 */
export async function runEmbeds(
  request: FastifyRequest,
  parts: Pick<DialectParts, 'runs' | 'records' | 'assets' | 'addresses' | 'evaluations'>,
  shown: readonly Run[],
  embeds: ReadonlySet<string>,
): Promise<(run: Run) => Readonly<Record<string, string>>> {
  if (embeds.size === 0) return () => ({});
  const { runs, records, evaluations } = parts;
  const { caller } = request;
  const show = payloadsFor(request, parts);
  const kinds = WORKFLOW_KINDS.filter((kind) => embeds.has(kind));
  const workflowIds = shown.filter((run) => kinds.includes(run.kind)).map((run) => run.workflowId);
  const targets = await records.targets(caller, workflowIds, new Set(kinds));
  const targetTexts = new Map([...targets].map(([id, target]) => [id, show(JSON.stringify(presentTarget(target)))]));

  const ids = shown.map((run) => run.id);
  const current = embeds.has('current_evaluation_summary') ? await evaluations.currentOf(caller, ids) : null;
  const [hasNodeRuns, hasLogs] = [embeds.has('node_runs'), embeds.has('logs')];
  const wanted = { nodeRuns: hasNodeRuns ? EMBEDDED_RECORDS : 0, logs: hasLogs ? EMBEDDED_RECORDS : 0 };
  const found = hasNodeRuns || hasLogs ? await records.ofRuns(caller, ids, wanted) : null;
  const nodeRunTexts = new Map<string, string>();
  for (const run of hasNodeRuns ? shown : []) {
    const { id: runId, kind, workflowId, createdAt: runCreatedAt } = run;
    const items = (found?.nodeRuns.get(runId) ?? []).map(async (nodeRun) =>
      objectText(presentNodeRun(await withPayloads(runs, { runId, kind, workflowId, runCreatedAt, nodeRun }), show)),
    );
    nodeRunTexts.set(runId, listText(await Promise.all(items)));
  }
  return (run) => {
    const embedded: Record<string, string> = {};
    for (const kind of kinds) {
      embedded[kind] = run.kind === kind ? (targetTexts.get(run.workflowId) ?? 'null') : 'null';
    }
    if (hasNodeRuns) embedded['node_runs'] = nodeRunTexts.get(run.id) ?? '[]';
    if (hasLogs) {
      embedded['logs'] = listText((found?.logs.get(run.id) ?? []).map((log) => objectText(presentLog(log))));
    }
    if (current !== null) embedded['current_evaluation_summary'] = summaryText(current.get(run.id));
    return embedded;
  };
}

function summaryText(evaluation: Evaluation | undefined): string {
  if (evaluation === undefined) return 'null';
  const { passed, status, passRate } = evaluation;
  return JSON.stringify({ passed, status_code: status, score: passRate });
}

/** A node run with the JSON texts of what went in and came out. */
export async function withPayloads(runs: DialectParts['runs'], found: ShownNodeRun['found']): Promise<ShownNodeRun> {
  const text = (payload: string | null) => (payload === null ? null : runs.text(payload));
  const [inputs, outputs] = await Promise.all([text(found.nodeRun.inputs), text(found.nodeRun.outputs)]);
  return { found, inputs, outputs };
}
