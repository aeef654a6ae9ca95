import type { AssetUpload } from '../domain/asset-upload.ts';
import type { Attempt } from '../domain/attempt.ts';
import type { Batch, BatchItem } from '../domain/batch.ts';
import type { BulkJob } from '../domain/bulk-job.ts';
import type { Delivery, DeliveryAttempt } from '../domain/callback.ts';
import type { CallbackSecret } from '../domain/callback-secret.ts';
import type { ApiKey, Workspace } from '../domain/caller.ts';
import type { CredentialRecord } from '../domain/credential.ts';
import type { DebugSession } from '../domain/debug-session.ts';
import type { Evaluation, EvaluationPlan, Judge } from '../domain/evaluation.ts';
import type { NewRunEvent } from '../domain/event.ts';
import type { IdempotentRequest } from '../domain/idempotent-request.ts';
import type { ModelSettings } from '../domain/model-settings.ts';
import type { Iteration, NodeRun } from '../domain/node-run.ts';
import type { PersonRequest, PersonSettlement } from '../domain/person-request.ts';
import type { Retention } from '../domain/retention.ts';
import type { Feedback, Run } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { SavedView } from '../domain/saved-view.ts';
import type { StoredFile } from '../domain/stored-file.ts';
import type { TakenSpan } from '../domain/taken-span.ts';
import type { Lease, Task } from '../domain/task.ts';
import type { Trigger, TriggerEvent } from '../domain/trigger.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';

/**
 * One fact the store shall keep. Facts that rest on an earlier reading carry what they rest on, and make the whole change stale when that no
 * longer holds: `updateRun`, `saveWorkflow`, `putApiKey` and `updateEvaluation` the revision before, `endTask` the lease, `followed` the position
 * before, `settlePersonRequest` that nobody has.
 */
export type Write =
  /** One that is made `running` rests on there being a place for it, and on none that came before waiting for that place (`Store.claimTasks`). */
  | { readonly kind: 'createRun'; readonly run: Run }
  /** What a person thinks of a run, at any time of its life. Null takes it back. */
  | {
      readonly kind: 'setFeedback';
      readonly workspaceId: string;
      readonly runId: string;
      readonly feedback: Feedback | null;
    }
  /** Replaces what may change of a run. Rests on the stored revision being `run.revision - 1`. */
  | { readonly kind: 'updateRun'; readonly run: Run; readonly before: Run['status'] }
  | {
      readonly kind: 'putNodeRun';
      readonly workspaceId: string;
      readonly runId: string;
      readonly nodeRun: NodeRun;
    }
  | {
      readonly kind: 'putIteration';
      readonly workspaceId: string;
      readonly runId: string;
      readonly iteration: Iteration;
    }
  | { readonly kind: 'addTask'; readonly task: Task }
  /** Rests on the lease being the one given out last. */
  | { readonly kind: 'endTask'; readonly lease: Lease }
  /** Removes every task of a run, claimed or not: later answers are stale. */
  | { readonly kind: 'endTasksOfRun'; readonly workspaceId: string; readonly runId: string }
  /** Removes one task of a run, claimed or not, if it is there: a later answer is stale. */
  | { readonly kind: 'dropTask'; readonly workspaceId: string; readonly runId: string; readonly taskId: string }
  | { readonly kind: 'createPersonRequest'; readonly request: PersonRequest }
  /** Rests on the request being pending. `at`: epoch milliseconds. */
  | {
      readonly kind: 'settlePersonRequest';
      readonly workspaceId: string;
      readonly requestId: string;
      readonly settlement: PersonSettlement;
      readonly at: number;
    }
  /** Cancels every pending request of a run. `at`: epoch milliseconds. */
  | {
      readonly kind: 'cancelPersonRequests';
      readonly workspaceId: string;
      readonly runId: string;
      readonly at: number;
    }
  | { readonly kind: 'appendEvent'; readonly event: NewRunEvent }
  | { readonly kind: 'appendLog'; readonly workspaceId: string; readonly log: RunLog }
  /** Rests on the run being terminal. Removes everything it owns in the store, and all runs below it; blobs are the caller's to remove. */
  | { readonly kind: 'deleteRun'; readonly workspaceId: string; readonly runId: string }
  /** Beside what an ended run was made with, the run that handles its error. */
  | {
      readonly kind: 'setErrorHandlerRun';
      readonly workspaceId: string;
      readonly runId: string;
      readonly handlerRunId: string;
    }
  /** Rests on no other workflow of its kind having its slug. */
  | { readonly kind: 'createWorkflow'; readonly workflow: Workflow }
  /** Rests on the stored revision being `workflow.revision - 1`, and on no other workflow of its kind having its slug. */
  | { readonly kind: 'saveWorkflow'; readonly workflow: Workflow }
  | { readonly kind: 'createVersion'; readonly version: WorkflowVersion }
  /** Name and description only: a version's definition never changes. */
  | { readonly kind: 'renameVersion'; readonly version: WorkflowVersion }
  | { readonly kind: 'createFile'; readonly file: StoredFile }
  /** Adds nothing when the run is there no more: it may be deleted while its delivery is being made. */
  | { readonly kind: 'createDelivery'; readonly delivery: Delivery }
  /** Rests on the stored attempt count being one less. */
  | { readonly kind: 'recordAttempt'; readonly delivery: Delivery; readonly attempt: DeliveryAttempt }
  | { readonly kind: 'createBatch'; readonly batch: Batch; readonly items: readonly BatchItem[] }
  | { readonly kind: 'putUpload'; readonly upload: AssetUpload }
  | { readonly kind: 'endUpload'; readonly workspaceId: string; readonly uploadId: string }
  /** Rests on no request of this key being kept. Those made before `keepFrom` (epoch milliseconds) are let go. */
  | { readonly kind: 'claimRequest'; readonly request: IdempotentRequest; readonly keepFrom: number }
  | { readonly kind: 'answerRequest'; readonly request: IdempotentRequest }
  | { readonly kind: 'forgetRequest'; readonly workspaceId: string; readonly key: string }
  /** Makes or changes a secret. One that is current takes the place of the one that was. */
  | { readonly kind: 'putCallbackSecret'; readonly secret: CallbackSecret }
  /** Rests on the run being there, and on no evaluation of it having come after the parent. Not for one that is completed. */
  | { readonly kind: 'createEvaluation'; readonly evaluation: Evaluation; readonly judges: readonly Judge[] }
  /** Replaces what may change, and the judges given. Rests on the stored revision being `evaluation.revision - 1`. Not for one that completes. */
  | { readonly kind: 'updateEvaluation'; readonly evaluation: Evaluation; readonly judges: readonly Judge[] }
  /**
   * As `updateEvaluation`, for one that is completed now. It supersedes the run's current evaluation, or its parent where there is no run; when a
   * later attempt is current already, it is superseded itself. Rests on the stored one not being concluded, too.
   */
  | { readonly kind: 'completeEvaluation'; readonly evaluation: Evaluation; readonly judges: readonly Judge[] }
  /** What a person thinks of an evaluation. Null takes it back. `at`: epoch milliseconds. */
  | {
      readonly kind: 'setEvaluationFeedback';
      readonly workspaceId: string;
      readonly evaluationId: string;
      readonly feedback: Feedback | null;
      readonly at: number;
    }
  /** Makes or replaces a view. */
  | { readonly kind: 'putSavedView'; readonly view: SavedView }
  | { readonly kind: 'deleteSavedView'; readonly workspaceId: string; readonly viewId: string }
  /** Who judges in a workspace when nobody says otherwise; null: the built-in judges. */
  | { readonly kind: 'setEvaluationPlan'; readonly workspaceId: string; readonly plan: EvaluationPlan | null }
  /** How long a workspace keeps its finished runs; null: as the server says. */
  | { readonly kind: 'setRetention'; readonly workspaceId: string; readonly retention: Retention | null }
  /** A follower has dealt with the log up to `position`. Rests on its stored position being `before`. */
  | {
      readonly kind: 'followed';
      readonly follower: string;
      readonly position: number;
      readonly before: number;
    }
  | { readonly kind: 'createWorkspace'; readonly workspace: Workspace }
  /** Adds or replaces a key, all but its last use. Rests on the stored revision being `key.revision - 1`; 0: there is no such key. */
  | { readonly kind: 'putApiKey'; readonly key: ApiKey }
  /** A key was used. Changes nothing when the key is not there, or was used later. */
  | { readonly kind: 'touchKey'; readonly workspaceId: string; readonly keyId: string; readonly at: number }
  /**
   * Adds or replaces a credential, all but when it was made and used. Rests on the stored revision being `credential.revision - 1` (0: there is no such
   * credential), and on no other of its workspace having its name.
   */
  | { readonly kind: 'putCredential'; readonly credential: CredentialRecord }
  /** Rests on there being such a credential. */
  | { readonly kind: 'removeCredential'; readonly workspaceId: string; readonly credentialId: string }
  /** A credential was used. Changes nothing when it is not there, or was used later. */
  | {
      readonly kind: 'touchCredential';
      readonly workspaceId: string;
      readonly credentialId: string;
      readonly at: number;
    }
  /** Adds or replaces what a workspace says of models. Rests on the stored revision being `settings.revision - 1`; 0: there is nothing. */
  | { readonly kind: 'putModelSettings'; readonly settings: ModelSettings }
  /** Adds or replaces a trigger. Rests on the stored revision being `trigger.revision - 1`; 0: there is no such trigger. */
  | { readonly kind: 'putTrigger'; readonly trigger: Trigger }
  /** Removes a trigger with its events. Rests on there being such a trigger. */
  | { readonly kind: 'removeTrigger'; readonly workspaceId: string; readonly triggerId: string }
  /** Rests on the trigger being there, and on no event of it having this key. */
  | { readonly kind: 'addTriggerEvent'; readonly event: TriggerEvent }
  /** Lets go of events of a trigger that came before a time, and of those beyond a number, the oldest first. `before`: epoch milliseconds. */
  | {
      readonly kind: 'pruneTriggerEvents';
      readonly workspaceId: string;
      readonly triggerId: string;
      readonly before: number;
      readonly keep: number;
    }
  /** Keeps a try of a run that is traced. One that was kept before is replaced. */
  | { readonly kind: 'putAttempt'; readonly workspaceId: string; readonly runId: string; readonly attempt: Attempt }
  /** Keeps spans of other programs, each replacing what was kept under its id. A run that they were made into stays theirs. `at`: epoch milliseconds. */
  | {
      readonly kind: 'putOtlpSpans';
      readonly workspaceId: string;
      /** The run that they are made into; null: they wait for the root of their trace. */
      readonly runId: string | null;
      readonly spans: readonly TakenSpan[];
      readonly at: number;
    }
  /** Lets go of the spans of a trace that were not made into a run. */
  | { readonly kind: 'dropOtlpSpans'; readonly workspaceId: string; readonly traceId: string }
  /** Makes or replaces a session of a debugger. */
  | { readonly kind: 'putDebugSession'; readonly session: DebugSession }
  /**
   * Rests on fewer than `mostAtWork` jobs of the workspace being at work: not ended, and seen at `seenSince` (epoch milliseconds) or later. Of all that
   * are there, those beyond `keep` are let go of that are not at work, the oldest first.
   */
  | {
      readonly kind: 'startBulkJob';
      readonly job: BulkJob;
      readonly seenSince: number;
      readonly mostAtWork: number;
      readonly keep: number;
    }
  /** How far a job is, and that its process is there. Leaves its key, and who asked for its end; changes nothing when it is not there. */
  | { readonly kind: 'saveBulkJob'; readonly job: BulkJob }
  /** Asks for the end of a job, by its process. Changes nothing when it has ended, or when somebody asked before. `at`: epoch milliseconds. */
  | { readonly kind: 'askBulkJobToEnd'; readonly workspaceId: string; readonly jobId: string; readonly at: number };

/** What the store shall keep: all of it or none. */
export type Change = readonly Write[];
