import { type Run, takesPlace } from '../../domain/run.ts';
import { runLimit, type Workflow } from '../../domain/workflow.ts';
import type { Change, Write } from '../change.ts';
import { ASSET_UPLOAD_COLUMNS, assetUploadCells } from '../sql/asset-upload-rows.ts';
import { RUN_ATTEMPT_COLUMNS, runAttemptCells } from '../sql/attempt-rows.ts';
import { BATCH_COLUMNS, BATCH_ITEM_COLUMNS, batchCells, batchItemCells } from '../sql/batch-rows.ts';
import { BULK_JOB_COLUMNS, bulkJobCells } from '../sql/bulk-job-rows.ts';
import { CALLBACK_SECRET_COLUMNS, callbackSecretCells } from '../sql/callback-secret-rows.ts';
import {
  CREDENTIAL_COLUMNS,
  credentialCells,
  MODEL_SETTINGS_COLUMNS,
  modelSettingsCells,
} from '../sql/credential-rows.ts';
import { DEBUG_SESSION_COLUMNS, debugSessionCells } from '../sql/debug-session-rows.ts';
import * as evaluationRows from '../sql/evaluation-rows.ts';
import { IDEMPOTENT_REQUEST_COLUMNS, idempotentRequestCells } from '../sql/idempotent-request-rows.ts';
import { OTLP_SPAN_COLUMNS, otlpSpanCells } from '../sql/otlp-span-rows.ts';
import { PERSON_REQUEST_COLUMNS, personRequestCells } from '../sql/person-request-rows.ts';
import * as rows from '../sql/rows.ts';
import { SAVED_VIEW_COLUMNS, savedViewCells } from '../sql/saved-view-rows.ts';
import { TRIGGER_COLUMNS, TRIGGER_EVENT_COLUMNS, triggerCells, triggerEventCells } from '../sql/trigger-rows.ts';

type Cell = string | number | null;
export type Cells = Readonly<Record<string, Cell>>;

/** A write as `commit_changes` reads it: `k` is its kind, `row` the row of its table by column. */
type WireWrite = { readonly k: Write['kind'] | 'putNodeRuns' } & Readonly<Record<string, unknown>>;

/** A row by column. What is null is left out: a column that is not named is null. */
export function rowOf(columns: readonly string[], cells: readonly Cell[]): Cells {
  const row: Record<string, Cell> = {};
  for (const [index, column] of columns.entries()) {
    const cell = cells[index];
    if (cell !== null && cell !== undefined) row[column] = cell;
  }
  return row;
}

/** PostgreSQL's text has no NUL, and its JSON no half of a surrogate pair: both become the replacement character. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** A change as JSON text. */
export const wireChange = (change: Change): string => storable(wireWrites(change));

/** A value as JSON text that PostgreSQL takes. */
export function storable(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('\\u') ? text.replace(UNSTORABLE, '$1\\ufffd') : text;
}

export type PutNodeRun = Extract<Write, { kind: 'putNodeRun' }>;

/** Nodes that are put one after the other are one statement for the server: a step of a run has several, and each statement costs more than its row. */
function wireWrites(change: Change): WireWrite[] {
  const wired: WireWrite[] = [];
  let nodeRuns: PutNodeRun[] = [];
  const close = () => {
    if (nodeRuns.length > 0) wired.push({ k: 'putNodeRuns', rows: nodeRuns.map(nodeRunRow) });
    nodeRuns = [];
  };
  for (const write of change) {
    if (write.kind !== 'putNodeRun') {
      close();
      wired.push(wireWrite(write));
      continue;
    }
    // One statement cannot change a row twice.
    const { runId, nodeRun } = write;
    if (nodeRuns.some((other) => other.runId === runId && other.nodeRun.nodeId === nodeRun.nodeId)) close();
    nodeRuns.push(write);
  }
  close();
  return wired;
}

export const nodeRunRow = ({ workspaceId, runId, nodeRun }: PutNodeRun): Cells =>
  rowOf(rows.NODE_RUN_COLUMNS, rows.nodeRunCells(workspaceId, runId, nodeRun));

function wireWrite(write: Exclude<Write, PutNodeRun>): WireWrite {
  const k = write.kind;
  switch (write.kind) {
    case 'createRun': {
      const { run } = write;
      const needsPlace = run.status === 'running' && takesPlace(run);
      return {
        k,
        row: runRow(run),
        child: run.parent !== null,
        takes_place: needsPlace,
        input: run.input,
        output: run.output,
      };
    }
    case 'updateRun': {
      const { run, before } = write;
      return { k, row: runRow(run), child: run.parent !== null, before, output: run.output };
    }
    case 'setFeedback':
      return { k, workspace_id: write.workspaceId, id: write.runId, ...feedbackOf(write.feedback) };
    case 'setErrorHandlerRun':
      return { k, workspace_id: write.workspaceId, id: write.runId, handler: write.handlerRunId };
    case 'putIteration':
      return {
        k,
        row: rowOf(rows.ITERATION_COLUMNS, rows.iterationCells(write.workspaceId, write.runId, write.iteration)),
      };
    case 'addTask':
      return { k, row: rowOf(rows.TASK_COLUMNS, rows.taskCells(write.task)) };
    case 'endTask': {
      const { task, token } = write.lease;
      return { k, workspace_id: task.workspaceId, run_id: task.runId, id: task.id, token };
    }
    case 'endTasksOfRun':
      return { k, workspace_id: write.workspaceId, id: write.runId };
    case 'dropTask':
      return { k, workspace_id: write.workspaceId, run_id: write.runId, id: write.taskId };
    case 'createPersonRequest':
      return { k, row: rowOf(PERSON_REQUEST_COLUMNS, personRequestCells(write.request)) };
    case 'settlePersonRequest': {
      const { status, answer, settledBy, keyId } = write.settlement;
      const settled = { status, answer: answer === null ? null : JSON.stringify(answer), settled_by: settledBy };
      return { k, workspace_id: write.workspaceId, id: write.requestId, ...settled, key_id: keyId, at: write.at };
    }
    case 'cancelPersonRequests':
      return { k, workspace_id: write.workspaceId, id: write.runId, at: write.at };
    case 'appendEvent': {
      const { workspaceId, runId, workflowId, at, kind, data } = write.event;
      const row = { workspace_id: workspaceId, run_id: runId, workflow_id: workflowId, at, kind };
      return { k, row: { ...row, data: JSON.stringify(data) } };
    }
    case 'appendLog':
      return { k, row: rowOf(rows.LOG_COLUMNS, rows.logCells(write.workspaceId, write.log)) };
    case 'deleteRun':
      return { k, workspace_id: write.workspaceId, id: write.runId };
    case 'createWorkflow':
    case 'saveWorkflow':
      return { k, row: workflowRow(write.workflow) };
    case 'createVersion':
      return { k, row: rowOf(rows.VERSION_COLUMNS, rows.versionCells(write.version)) };
    case 'renameVersion': {
      const { workspaceId, id, name, description } = write.version;
      return { k, workspace_id: workspaceId, id, name, description };
    }
    case 'createFile':
      return { k, row: rowOf(rows.FILE_COLUMNS, rows.fileCells(write.file)) };
    case 'createDelivery':
      return { k, row: rowOf(rows.DELIVERY_COLUMNS, rows.deliveryCells(write.delivery)) };
    case 'recordAttempt': {
      const { delivery, attempt } = write;
      const cells = rows.attemptCells(delivery.workspaceId, delivery.subjectId, attempt);
      return {
        k,
        row: rowOf(rows.DELIVERY_COLUMNS, rows.deliveryCells(delivery)),
        attempt: rowOf(rows.ATTEMPT_COLUMNS, cells),
      };
    }
    case 'createBatch': {
      const { batch, items } = write;
      return {
        k,
        row: rowOf(BATCH_COLUMNS, batchCells(batch)),
        items: items.map((item) => rowOf(BATCH_ITEM_COLUMNS, batchItemCells(batch.workspaceId, item))),
      };
    }
    case 'putUpload':
      return { k, row: rowOf(ASSET_UPLOAD_COLUMNS, assetUploadCells(write.upload)) };
    case 'endUpload':
      return { k, workspace_id: write.workspaceId, id: write.uploadId };
    case 'claimRequest':
      return {
        k,
        row: rowOf(IDEMPOTENT_REQUEST_COLUMNS, idempotentRequestCells(write.request)),
        keep_from: write.keepFrom,
      };
    case 'answerRequest':
      return { k, row: rowOf(IDEMPOTENT_REQUEST_COLUMNS, idempotentRequestCells(write.request)) };
    case 'forgetRequest':
      return { k, workspace_id: write.workspaceId, key: write.key };
    case 'putCallbackSecret':
      return { k, row: rowOf(CALLBACK_SECRET_COLUMNS, callbackSecretCells(write.secret)) };
    case 'putSavedView':
      return { k, row: rowOf(SAVED_VIEW_COLUMNS, savedViewCells(write.view)) };
    case 'deleteSavedView':
      return { k, workspace_id: write.workspaceId, id: write.viewId };
    case 'createEvaluation':
    case 'updateEvaluation':
    case 'completeEvaluation':
      return { k, ...evaluationOf(write) };
    case 'setEvaluationFeedback': {
      const { workspaceId, evaluationId, feedback, at } = write;
      return { k, workspace_id: workspaceId, id: evaluationId, ...feedbackOf(feedback), at };
    }
    case 'setEvaluationPlan':
      return { k, workspace_id: write.workspaceId, plan: write.plan === null ? null : JSON.stringify(write.plan) };
    case 'setRetention': {
      const { workspaceId, retention } = write;
      return { k, workspace_id: workspaceId, is_set: retention !== null, days: retention?.days ?? null };
    }
    case 'followed':
      return { k, follower: write.follower, position: write.position, before: write.before };
    case 'createWorkspace': {
      const { id, name, createdAt } = write.workspace;
      return { k, row: { id, name, created_at: createdAt } };
    }
    case 'putApiKey':
      return { k, row: rowOf(rows.API_KEY_COLUMNS, rows.apiKeyCells(write.key)) };
    case 'touchKey':
      return { k, workspace_id: write.workspaceId, id: write.keyId, at: write.at };
    case 'putCredential':
      return { k, row: rowOf(CREDENTIAL_COLUMNS, credentialCells(write.credential)) };
    case 'removeCredential':
      return { k, workspace_id: write.workspaceId, id: write.credentialId };
    case 'touchCredential':
      return { k, workspace_id: write.workspaceId, id: write.credentialId, at: write.at };
    case 'putModelSettings':
      return { k, row: rowOf(MODEL_SETTINGS_COLUMNS, modelSettingsCells(write.settings)) };
    case 'putTrigger':
      return { k, row: rowOf(TRIGGER_COLUMNS, triggerCells(write.trigger)) };
    case 'removeTrigger':
      return { k, workspace_id: write.workspaceId, id: write.triggerId };
    case 'addTriggerEvent':
      return { k, row: rowOf(TRIGGER_EVENT_COLUMNS, triggerEventCells(write.event)) };
    case 'pruneTriggerEvents':
      return { k, workspace_id: write.workspaceId, id: write.triggerId, before: write.before, keep: write.keep };
    case 'putAttempt': {
      const cells = runAttemptCells(write.workspaceId, write.runId, write.attempt);
      return { k, row: rowOf(RUN_ATTEMPT_COLUMNS, cells) };
    }
    case 'putOtlpSpans': {
      const { workspaceId, runId, spans, at } = write;
      return { k, rows: spans.map((span) => rowOf(OTLP_SPAN_COLUMNS, otlpSpanCells(workspaceId, runId, at, span))) };
    }
    case 'putDebugSession':
      return { k, row: rowOf(DEBUG_SESSION_COLUMNS, debugSessionCells(write.session)) };
    case 'dropOtlpSpans':
      return { k, workspace_id: write.workspaceId, trace_id: write.traceId };
    case 'startBulkJob': {
      const { job, seenSince, mostAtWork, keep } = write;
      const row = rowOf(BULK_JOB_COLUMNS, bulkJobCells(job));
      return { k, row, seen_since: seenSince, most_at_work: mostAtWork, keep };
    }
    case 'saveBulkJob':
      return { k, row: rowOf(BULK_JOB_COLUMNS, bulkJobCells(write.job)) };
    case 'askBulkJobToEnd':
      return { k, workspace_id: write.workspaceId, id: write.jobId, at: write.at };
  }
}

export function runRow(run: Run): Cells {
  const row = rowOf(rows.RUN_COLUMNS, rows.runCells(run));
  return run.parent === null ? row : { ...row, ...rowOf(rows.PARENT_COLUMNS, rows.parentCells(run.parent)) };
}

const workflowRow = (workflow: Workflow): Cells => ({
  ...rowOf(rows.WORKFLOW_COLUMNS, rows.workflowCells(workflow)),
  run_limit: runLimit(workflow.settings),
});

function feedbackOf(feedback: Parameters<typeof rows.feedbackCells>[0]): Cells {
  const [isPositive = null, reason = null] = rows.feedbackCells(feedback);
  return { is_positive: isPositive, reason };
}

function evaluationOf({
  evaluation,
  judges,
}: Extract<Write, { kind: 'createEvaluation' | 'updateEvaluation' | 'completeEvaluation' }>): Readonly<
  Record<string, unknown>
> {
  const { workspaceId, runId, failure } = evaluation;
  return {
    row: {
      ...rowOf(evaluationRows.EVALUATION_COLUMNS, evaluationRows.evaluationCells(evaluation)),
      failure_code: failure?.code ?? null,
    },
    judges: judges.map((judge) => rowOf(evaluationRows.JUDGE_COLUMNS, evaluationRows.judgeCells(workspaceId, judge))),
    issues: judges.flatMap((judge) =>
      judge.issues.map((issue, position) =>
        rowOf(evaluationRows.ISSUE_COLUMNS, evaluationRows.issueCells(workspaceId, runId, judge, issue, position)),
      ),
    ),
  };
}
