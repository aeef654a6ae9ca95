import type { Catalogue } from '../nodes/catalogue.ts';
import type { Access } from '../operations/access.ts';
import type { Assets } from '../operations/assets.ts';
import type { Batches } from '../operations/batches.ts';
import type { ComfyuiWorkflows } from '../operations/comfyui-workflows.ts';
import type { Credentials } from '../operations/credentials.ts';
import type { DebugSessions } from '../operations/debug-sessions.ts';
import type { Deliveries } from '../operations/deliveries.ts';
import type { Dispatch } from '../operations/dispatch.ts';
import type { Evaluations } from '../operations/evaluations.ts';
import type { Files } from '../operations/files.ts';
import type { Flows } from '../operations/flows.ts';
import type { Idempotency } from '../operations/idempotency.ts';
import type { Keys } from '../operations/keys.ts';
import type { WorkspaceModels } from '../operations/model-settings.ts';
import type { Models } from '../operations/models.ts';
import type { PersonRequests } from '../operations/person-requests.ts';
import type { Replays } from '../operations/replays.ts';
import type { RunDiffs } from '../operations/run-diff.ts';
import type { RunExport } from '../operations/run-export.ts';
import type { RunImport } from '../operations/run-import.ts';
import type { RunRecords } from '../operations/run-records.ts';
import type { Runs } from '../operations/runs.ts';
import type { RunSearch } from '../operations/search.ts';
import type { TakenTraces } from '../operations/taken-traces.ts';
import type { Triggers } from '../operations/triggers.ts';
import type { Workflows } from '../operations/workflows.ts';
import type { Addresses } from './addresses.ts';

/** What a dialect talks to. Dialects know operations and the catalogue, never the store or the engine. */
export interface DialectParts {
  readonly access: Access;
  readonly keys: Keys;
  readonly workflows: Workflows;
  readonly runs: Runs;
  readonly records: RunRecords;
  readonly replays: Replays;
  readonly runDiffs: RunDiffs;
  readonly runImport: RunImport;
  readonly runExport: RunExport;
  readonly search: RunSearch;
  readonly files: Files;
  readonly assets: Assets;
  readonly comfyuiWorkflows: ComfyuiWorkflows;
  readonly dispatch: Dispatch;
  readonly batches: Batches;
  readonly evaluations: Evaluations;
  readonly personRequests: PersonRequests;
  readonly addresses: Addresses;
  readonly deliveries: Deliveries;
  readonly idempotency: Idempotency;
  readonly catalogue: Catalogue;
  readonly credentials: Credentials;
  readonly workspaceModels: WorkspaceModels;
  readonly modelRegistry: Models;
  readonly flows: Flows;
  readonly triggers: Triggers;
  readonly takenTraces: TakenTraces;
  readonly debugSessions: DebugSessions;
  /** The key that a workspace's callbacks are signed with, for its receivers. */
  deriveSecret(workspaceId: string): string;
  readonly maxFileBytes: number;
  readonly syncTimeoutMs: number;
  /** Epoch milliseconds: what `now` means in a filter. */
  clock(): number;
}
