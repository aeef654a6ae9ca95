import type { JsonObject } from './json.ts';

/** The kinds of warning a node may raise; the list of the Noxus API (reference page "Search Runs", WarningIdentifier). */
export const WARNING_IDENTIFIERS = [
  'general',
  'model_fallback',
  'model_timeout',
  'reading_spreadsheet',
  'invalid_search',
  'no_results_returned',
  'integration_warning',
  'failed_scraping',
  'invalid_value',
  'continue_on_error',
  'data_ingestion',
  'document_already_exists',
  'ingestion_timeout',
  'libreoffice_conversion',
  'low_confidence',
  'guardrail_validation',
  'kb_creation',
  'kb_empty',
  'unsupported_qa_file_type',
  'unsupported_file_type',
  'no_files_to_add_to_kb',
  'no_files_added_to_kb',
  'no_google_drive_files',
  'no_one_drive_files',
  'no_sharepoint_files',
  'no_websites_scraped',
  'websites_failed_scraping',
  'empty_file',
  'document_overwrite',
  'no_content_provided',
  'invalid_folder',
  'document_name_too_long',
  'retry_warning',
] as const;

export type WarningIdentifier = (typeof WARNING_IDENTIFIERS)[number];

/** Something a person should know about a node that went on all the same. */
export interface Warning {
  readonly identifier: WarningIdentifier;
  readonly detail: string;
  readonly params?: JsonObject;
  /** Declared outputs are missing: a run that succeeds otherwise ends as `partial`. */
  readonly partial?: true;
}
