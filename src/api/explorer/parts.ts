import type { JsonObject } from '../../domain/json.ts';
import type { BulkJobs } from '../../operations/bulk-jobs.ts';
import type { Installation } from '../../operations/installation.ts';
import type { Retentions } from '../../operations/retention.ts';
import type { SavedViews } from '../../operations/saved-views.ts';
import type { Sessions } from '../../operations/sessions.ts';
import type { Surveys } from '../../operations/surveys.ts';
import type { GivenDefinition } from '../../operations/workflows.ts';
import type { DialectParts } from '../dialect.ts';

/** What the explorer's API talks to besides what every dialect does. */
export interface ExplorerOwnParts {
  readonly sessions: Sessions;
  readonly surveys: Surveys;
  readonly savedViews: SavedViews;
  readonly bulkJobs: BulkJobs;
  readonly retentions: Retentions;
  readonly installation: Installation;
  /** Of the server. */
  readonly version: string;
  /** Where people reach the server; null: whatever address they use. */
  readonly publicUrl: string | null;
  /** Where traces are shown, with `{trace_id}` in it; null: nowhere that it knows. */
  readonly traceLink: string | null;
}

export interface ExplorerParts extends DialectParts, ExplorerOwnParts {
  /** Reads a definition in the form that workflows are saved in. */
  readDocument(document: JsonObject): GivenDefinition;
}
