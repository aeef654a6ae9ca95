// Written by scripts/write-sdk-types.ts from the OpenAPI document of the server; test/sdk-types.test.ts holds both together.

export type RunStatus = 'queued' | 'running' | 'failed' | 'completed' | 'stopped' | 'awaiting_human_feedback';

export type NodeStatus = 'running' | 'errored' | 'succeeded' | 'skipped' | 'payment_required' | 'awaiting_human_feedback';

export type EdgeStatus = 'pending' | 'active' | 'skipped' | 'completed';

export type WarningIdentifier = 'general' | 'model_fallback' | 'model_timeout' | 'reading_spreadsheet' | 'invalid_search' | 'no_results_returned' | 'integration_warning' | 'failed_scraping' | 'invalid_value' | 'continue_on_error' | 'data_ingestion' | 'document_already_exists' | 'ingestion_timeout' | 'libreoffice_conversion' | 'low_confidence' | 'guardrail_validation' | 'kb_creation' | 'kb_empty' | 'unsupported_qa_file_type' | 'unsupported_file_type' | 'no_files_to_add_to_kb' | 'no_files_added_to_kb' | 'no_google_drive_files' | 'no_one_drive_files' | 'no_sharepoint_files' | 'no_websites_scraped' | 'websites_failed_scraping' | 'empty_file' | 'document_overwrite' | 'no_content_provided' | 'invalid_folder' | 'document_name_too_long' | 'retry_warning';

export type SpotWarning = {
  detail: string;
  identifier: WarningIdentifier;
  node_id?: string | null | undefined;
  params?: Record<string, unknown> | undefined;
  markdown?: string | null | undefined;
  snippet?: string | null | undefined;
};

export type NodeProgress = {
  current_it: number;
  total_it: number;
  status: NodeStatus;
  started_at?: string | null | undefined;
  finished_at?: string | null | undefined;
  warnings?: Array<SpotWarning> | undefined;
};

export type EdgeProgress = {
  status?: 'pending' | 'active' | 'skipped' | 'completed' | undefined;
};

export type ConnectorAddress = {
  connector_name: string;
  node_id: string;
  key?: string | null | undefined;
  optional?: boolean | undefined;
};

export type SubflowConfig = {
  workflow_id: string;
  workflow_name: string;
  workflow_nodes?: Array<string> | undefined;
};

export type NodePreview = {
  node_config: Record<string, unknown>;
  connector_config?: Record<string, unknown> | null | undefined;
  credential_ids?: Record<string, string> | undefined;
  subflow_id?: string | null | undefined;
  id: string;
  name?: string | null | undefined;
  type: string;
  subflow_config?: SubflowConfig | null | undefined;
  plugin_name?: string | null | undefined;
};

export type EdgePreview = {
  from_id: ConnectorAddress;
  to_id: ConnectorAddress;
  id: string;
};

export type WorkflowDefinition = {
  nodes: Array<NodePreview>;
  edges: Array<EdgePreview>;
};

export type WorkflowProgress = {
  executed_nodes: Array<string>;
  running_nodes?: Array<string> | null | undefined;
  remaining_nodes: Array<string>;
  skipped_nodes?: Array<string> | undefined;
  error_handler_nodes?: Array<string> | undefined;
  per_node_progress: Record<string, NodeProgress>;
  subflow_executions?: Record<string, SubflowExecution> | undefined;
  per_edge_progress?: Record<string, EdgeProgress> | undefined;
  run_logs?: Record<string, string | Record<string, unknown> | number> | undefined;
};

export type SubflowExecution = {
  node_id: string;
  workflow_name: string;
  workflow_id: string;
  workflow_definition: WorkflowDefinition;
  raw_definition?: Record<string, unknown> | null | undefined;
  total_iterations: number;
  iterations?: Record<string, WorkflowProgress> | undefined;
};

export type SimplifiedRun = {
  id: string;
  group_id: string;
  workflow_id: string;
  status: RunStatus;
  created_at: string;
  input?: Record<string, unknown> | null | undefined;
  node_ids?: Array<string> | Record<string, unknown> | null | undefined;
  progress?: number | undefined;
  finished_at?: string | null | undefined;
  single_node_id?: string | null | undefined;
  workflow_version_id?: string | null | undefined;
  output?: Record<string, unknown> | null | undefined;
  progress_details?: WorkflowProgress | null | undefined;
  error?: string | null | undefined;
  warnings?: Array<string> | undefined;
};

export type RunNoIO = {
  id: string;
  group_id: string;
  workflow_id: string;
  status: RunStatus;
  created_at: string;
  input?: Record<string, unknown> | null | undefined;
  node_ids?: Array<string> | Record<string, unknown> | null | undefined;
  progress?: number | undefined;
  finished_at?: string | null | undefined;
  single_node_id?: string | null | undefined;
  workflow_version_id?: string | null | undefined;
  definitions?: Record<string, unknown> | null | undefined;
  started_at?: string | null | undefined;
  source?: string | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
  error_handler_run_id?: string | undefined;
  failed_run_id?: string | undefined;
  user_id?: string | null | undefined;
  conversation_id?: string | null | undefined;
  api_key_id?: string | null | undefined;
};

export type WorkflowRecord = {
  id: string;
  group_id: string;
  name: string;
  type: 'flow' | 'handler' | 'ingestion' | 'agent_flow' | 'sub_flow';
  definition: Record<string, unknown>;
  workflow_hash?: string | undefined;
  flow_version?: string | null | undefined;
  meta?: Record<string, unknown> | undefined;
  settings?: Record<string, unknown> | undefined;
  last_updated_at: string;
  last_run_at?: string | null | undefined;
  created_at: string;
  deleted_at?: string | null | undefined;
  runs_count: number;
  author_name?: string | null | undefined;
  description?: string | null | undefined;
  saved: boolean;
  error_handler?: string | null | undefined;
  triggers?: Array<Record<string, unknown>> | undefined;
  validation?: Array<Record<string, unknown>> | undefined;
};

export type ListedRun = {
  id: string;
  group_id: string;
  workflow_id: string;
  status: RunStatus;
  created_at: string;
  input?: Record<string, unknown> | null | undefined;
  node_ids?: Array<string> | Record<string, unknown> | null | undefined;
  progress?: number | undefined;
  finished_at?: string | null | undefined;
  single_node_id?: string | null | undefined;
  workflow_version_id?: string | null | undefined;
  definitions?: Record<string, unknown> | null | undefined;
  started_at?: string | null | undefined;
  source?: string | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
  error_handler_run_id?: string | undefined;
  failed_run_id?: string | undefined;
  workflow?: WorkflowRecord | null | undefined;
};

export type ValidationError = {
  loc: Array<string | number>;
  msg: string;
  type: string;
  node_id?: string | undefined;
  hint?: string | undefined;
};

export type HTTPValidationError = {
  detail?: Array<ValidationError> | undefined;
};

export type PlainError = {
  detail: string;
};

export type VersionRecord = {
  id: string;
  name: string;
  description?: string | null | undefined;
  created_at: string;
  created_by?: string | null | undefined;
  definition: Record<string, unknown>;
  validation?: Array<Record<string, unknown>> | undefined;
};

export type FileRecord = {
  id: string;
  uri: string;
  size: number;
  group_id?: string | undefined;
  filename: string;
  content_type: string;
  source_type: string;
  source_metadata: Record<string, unknown> | null;
  created_at?: string | undefined;
};

export type DeletionReport = {
  succeeded: number;
  failed: number;
  errors: Record<string, string>;
  matched: number;
};

export type PublicRunWithSearchData = {
  id: string;
  group_id: string;
  workflow_id: string;
  status: RunStatus;
  created_at: string;
  input?: Record<string, unknown> | null | undefined;
  node_ids?: Array<string> | Record<string, unknown> | null | undefined;
  progress?: number | undefined;
  finished_at?: string | null | undefined;
  single_node_id?: string | null | undefined;
  workflow_version_id?: string | null | undefined;
  definitions?: Record<string, unknown> | null | undefined;
  started_at?: string | null | undefined;
  source?: string | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
  error_handler_run_id?: string | undefined;
  failed_run_id?: string | undefined;
  output?: Record<string, unknown> | null | undefined;
  progress_details?: WorkflowProgress | null | undefined;
  similarity?: number | undefined;
  matches?: Array<Record<string, string>> | undefined;
};

export type Page_PublicRunWithSearchData_ = {
  items: Array<PublicRunWithSearchData>;
  total: number;
  page: number;
  size: number;
  pages: number;
};

export type Page_SimplifiedRun_ = {
  items: Array<SimplifiedRun>;
  total: number;
  page: number;
  size: number;
  pages: number;
};

export type Page_ListedRun_ = {
  items: Array<ListedRun>;
  total: number;
  page: number;
  size: number;
  pages: number;
};

export type Page_WorkflowRecord_ = {
  items: Array<WorkflowRecord>;
  total: number;
  page: number;
  size: number;
  pages: number;
};

/** Every operation by method and path. */
export interface Noxus {
  /** List Node Types. */
  'GET /v1/nodes': {
    path: object;
    query: object;
    body: undefined;
    answer: Array<unknown>;
  };
  /** Describe The Key. */
  'GET /v1/admin/me': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get The Callback Signing Secret. */
  'GET /v1/admin/callback-secret': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Tell How The Search Index Stands. */
  'GET /v1/admin/search': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Rebuild The Search Index. */
  'POST /v1/admin/search/rebuild': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List Models. */
  'GET /v1/models/llms': {
    path: object;
    query: object;
    body: undefined;
    answer: Array<unknown>;
  };
  /** List Presets. */
  'GET /v1/models/llms/presets': {
    path: object;
    query: object;
    body: undefined;
    answer: Array<unknown>;
  };
  /** List Workflows. */
  'GET /v1/workflows': {
    path: object;
    query: {
      page?: number | undefined;
      size?: number | undefined;
      type?: 'flow' | 'handler' | 'ingestion' | 'agent_flow' | 'sub_flow' | undefined;
    };
    body: undefined;
    answer: Page_WorkflowRecord_;
  };
  /** Create Workflow. */
  'POST /v1/workflows': {
    path: object;
    query: object;
    body: {
      name: string;
      type?: 'flow' | 'handler' | 'ingestion' | 'agent_flow' | 'sub_flow' | undefined;
      definition: Record<string, unknown>;
      description?: string | null | undefined;
      error_handler?: string | null | undefined;
      settings?: Record<string, unknown> | null | undefined;
      meta?: Record<string, unknown> | null | undefined;
      workflow_hash?: string | null | undefined;
    };
    answer: WorkflowRecord;
  };
  /** Get Workflow. */
  'GET /v1/workflows/{workflow_id}': {
    path: { workflow_id: string };
    query: object;
    body: undefined;
    answer: WorkflowRecord;
  };
  /** Update Workflow. */
  'PATCH /v1/workflows/{workflow_id}': {
    path: { workflow_id: string };
    query: {
      force?: boolean | undefined;
    };
    body: {
      name?: string | undefined;
      type?: 'flow' | 'handler' | 'ingestion' | 'agent_flow' | 'sub_flow' | undefined;
      definition?: Record<string, unknown> | undefined;
      description?: string | null | undefined;
      error_handler?: string | null | undefined;
      settings?: Record<string, unknown> | null | undefined;
      meta?: Record<string, unknown> | null | undefined;
      workflow_hash?: string | null | undefined;
    };
    answer: WorkflowRecord;
  };
  /** Delete Workflow. */
  'DELETE /v1/workflows/{workflow_id}': {
    path: { workflow_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List Versions. */
  'GET /v1/workflows/{workflow_id}/versions': {
    path: { workflow_id: string };
    query: object;
    body: undefined;
    answer: Array<VersionRecord>;
  };
  /** Save Version. */
  'POST /v1/workflows/{workflow_id}/versions': {
    path: { workflow_id: string };
    query: object;
    body: {
      name: string;
      description?: string | null | undefined;
      definition?: Record<string, unknown> | null | undefined;
    };
    answer: VersionRecord;
  };
  /** Update Version. */
  'PATCH /v1/workflows/{workflow_id}/versions/{version_id}': {
    path: { workflow_id: string; version_id: string };
    query: object;
    body: {
      name?: string | undefined;
      description?: string | null | undefined;
      definition?: Record<string, unknown> | null | undefined;
    };
    answer: VersionRecord;
  };
  /** Export Workflow. */
  'POST /v1/workflows/{workflow_id}/export': {
    path: { workflow_id: string };
    query: {
      version_id?: string | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Preview Export. */
  'GET /v1/workflows/{workflow_id}/export/preview': {
    path: { workflow_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Import Workflows. */
  'POST /v1/workflows/import': {
    path: object;
    query: {
      mode?: 'clone' | 'version' | 'replace' | undefined;
      activate?: boolean | undefined;
      dry_run?: boolean | undefined;
      workflow_id?: string | undefined;
    };
    body: {
      definition: unknown;
      version?: string | null | undefined;
    };
    answer: Array<unknown>;
  };
  /** List Log Lines. */
  'GET /v1/workflows/{workflow_id}/logs': {
    path: { workflow_id: string };
    query: {
      page?: number | undefined;
      size?: number | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** List Log Columns. */
  'GET /v1/workflows/{workflow_id}/logs/columns': {
    path: { workflow_id: string };
    query: object;
    body: undefined;
    answer: Array<string>;
  };
  /** Create Run With Api Key. */
  'POST /v1/workflows/{workflow_id}/runs': {
    path: { workflow_id: string };
    query: object;
    body: {
      input: Record<string, unknown>;
      node_ids?: Array<string> | null | undefined;
      single_node_id?: string | null | undefined;
      group_id?: string | null | undefined;
      workflow_version_id?: string | null | undefined;
      tracing?: boolean | undefined;
      debugger?: string | null | undefined;
      callback_url?: string | null | undefined;
    };
    answer: SimplifiedRun;
  };
  /** List Runs Of A Workflow. */
  'GET /v1/workflows/{workflow_id}/runs': {
    path: { workflow_id: string };
    query: {
      page?: number | undefined;
      size?: number | undefined;
    };
    body: undefined;
    answer: Page_SimplifiedRun_;
  };
  /** Create Run And Wait. */
  'POST /v1/workflows/{workflow_id}/runs/sync': {
    path: { workflow_id: string };
    query: {
      output_only?: boolean | undefined;
      use_output_ids?: boolean | undefined;
    };
    body: {
      input: Record<string, unknown>;
      node_ids?: Array<string> | null | undefined;
      single_node_id?: string | null | undefined;
      group_id?: string | null | undefined;
      workflow_version_id?: string | null | undefined;
      tracing?: boolean | undefined;
      debugger?: string | null | undefined;
      callback_url?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Get Run Of A Workflow. */
  'GET /v1/workflows/{workflow_id}/runs/{run_id}': {
    path: { workflow_id: string; run_id: string };
    query: {
      output_only?: boolean | undefined;
      use_output_ids?: boolean | undefined;
    };
    body: undefined;
    answer: SimplifiedRun;
  };
  /** Get Run Of A Workflow. */
  'GET /v1/workflows/{workflow_id}/run/{run_id}': {
    path: { workflow_id: string; run_id: string };
    query: {
      output_only?: boolean | undefined;
      use_output_ids?: boolean | undefined;
    };
    body: undefined;
    answer: SimplifiedRun;
  };
  /** Get Paginated Runs. */
  'GET /v1/runs': {
    path: object;
    query: {
      page?: number | undefined;
      size?: number | undefined;
    };
    body: undefined;
    answer: Page_ListedRun_;
  };
  /** Search Runs Public. */
  'POST /v1/runs/search': {
    path: object;
    query: {
      page?: number | undefined;
      size?: number | undefined;
    };
    body: {
      query: string;
      similarity_threshold?: number | undefined;
      limit?: number | undefined;
      offset?: number | undefined;
      context_size?: number | undefined;
      max_matches_per_run?: number | undefined;
      exact?: boolean | undefined;
      search_in?: Array<'input' | 'output' | 'other' | 'run_id'> | null | undefined;
      filter?: string | null | undefined;
      workflow_ids?: Array<string> | null | undefined;
      ignore_accents?: boolean | undefined;
    };
    answer: Page_PublicRunWithSearchData_;
  };
  /** Public Get Run By Id. */
  'GET /v1/runs/{run_id}': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: RunNoIO;
  };
  /** Delete Run. */
  'DELETE /v1/runs/{run_id}': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: DeletionReport;
  };
  /** Stream Run Events. */
  'GET /v1/runs/{run_id}/events': {
    path: { run_id: string };
    query: {
      etag?: string | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Stop Run. */
  'POST /v1/runs/{run_id}/stop': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: SimplifiedRun;
  };
  /** Get Run Data. */
  'GET /v1/runs/{run_id}/data': {
    path: { run_id: string };
    query: {
      fetch_structured_data?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Get Inputs And Outputs Of A Node. */
  'GET /v1/runs/{run_id}/io/{node_id}': {
    path: { run_id: string; node_id: string };
    query: {
      it?: number | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** List Runs That A Node Invoked. */
  'GET /v1/runs/{run_id}/subflows/{node_id}': {
    path: { run_id: string; node_id: string };
    query: {
      page?: number | undefined;
      size?: number | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** List Callback Deliveries. */
  'GET /v1/runs/{run_id}/callback': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Delete Runs. */
  'POST /v1/runs/bulk/delete': {
    path: object;
    query: object;
    body: {
      dry_run?: boolean | undefined;
      run_ids?: Array<string> | null | undefined;
      filters?: {
        to_date: string;
        workflow_id?: string | null | undefined;
      } | null | undefined;
      expected_count?: number | null | undefined;
    };
    answer: DeletionReport;
  };
  /** List Records Of Runs. */
  'GET /v1/runs/records': {
    path: object;
    query: {
      q?: string | undefined;
      sort?: string | undefined;
      limit?: number | undefined;
      cursor?: string | undefined;
      whole?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Import Records Of Runs. */
  'POST /v1/runs/records': {
    path: object;
    query: object;
    body: string | {
      records: Array<Record<string, unknown>>;
    };
    answer: unknown;
  };
  /** Search Records Of Runs. */
  'POST /v1/runs/records/search': {
    path: object;
    query: object;
    body: {
      query: string;
      by?: 'text' | 'meaning' | undefined;
      q?: string | undefined;
      limit?: number | undefined;
      offset?: number | undefined;
    };
    answer: unknown;
  };
  /** Get The Record Of A Run. */
  'GET /v1/runs/{run_id}/record': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Replay Run. */
  'POST /v1/runs/{run_id}/replay': {
    path: { run_id: string };
    query: object;
    body: {
      from?: 'start' | 'failed_node' | null | undefined;
      from_nodes?: Array<string> | null | undefined;
      version?: 'original' | 'current' | null | undefined;
      input?: Record<string, unknown> | null | undefined;
      input_overrides?: Record<string, unknown> | null | undefined;
    } | null;
    answer: SimplifiedRun;
  };
  /** Compare Runs. */
  'GET /v1/runs/{run_id}/diff/{other_run_id}': {
    path: { run_id: string; other_run_id: string };
    query: object;
    body: undefined;
    answer: {
      before: {
        id: string;
        workflow_id: string;
        version_id: string;
        status: string;
        created_at: string | null;
        started_at: string | null;
        finished_at: string | null;
        error: string | null;
        retry_of: string | null;
      };
      after: {
        id: string;
        workflow_id: string;
        version_id: string;
        status: string;
        created_at: string | null;
        started_at: string | null;
        finished_at: string | null;
        error: string | null;
        retry_of: string | null;
      };
      same_workflow: boolean;
      version: {
        same: boolean;
        nodes: Array<{
          node_id: string;
          change: 'added' | 'removed' | 'changed' | 'reconnected';
        }>;
      };
      input: {
        differs: boolean;
        differences: Array<{
          path: string;
          kind: 'added' | 'removed' | 'changed';
          before?: unknown | undefined;
          after?: unknown | undefined;
          cut?: Array<'before' | 'after'> | undefined;
        }>;
        is_cut: boolean;
      };
      output: {
        differs: boolean;
        differences: Array<{
          path: string;
          kind: 'added' | 'removed' | 'changed';
          before?: unknown | undefined;
          after?: unknown | undefined;
          cut?: Array<'before' | 'after'> | undefined;
        }>;
        is_cut: boolean;
      };
      nodes: Array<{
        node_id: string;
        in: 'both' | 'before' | 'after';
        before: {
          status: string;
          started_at: string | null;
          finished_at: string | null;
          current_it: number;
          total_it: number;
          iterates: boolean;
          queue_ms: number | null;
          duration_ms: number | null;
          attempts: number;
          input_tokens: number;
          output_tokens: number;
          cost: string | null;
          warnings: number;
          warning_details: Array<{
            identifier: string;
            detail: string;
          }>;
          error: string | null;
          taken_over_from: string | null;
        } | null;
        after: {
          status: string;
          started_at: string | null;
          finished_at: string | null;
          current_it: number;
          total_it: number;
          iterates: boolean;
          queue_ms: number | null;
          duration_ms: number | null;
          attempts: number;
          input_tokens: number;
          output_tokens: number;
          cost: string | null;
          warnings: number;
          warning_details: Array<{
            identifier: string;
            detail: string;
          }>;
          error: string | null;
          taken_over_from: string | null;
        } | null;
        change: {
          queue_ms: number | null;
          duration_ms: number | null;
          attempts: number | null;
          input_tokens: number | null;
          output_tokens: number | null;
          cost: string | null;
          warnings: number | null;
        } | null;
        inputs_differ: boolean;
        outputs_differ: boolean;
      }>;
      totals: {
        before: {
          queue_ms: number | null;
          duration_ms: number | null;
          attempts: number;
          input_tokens: number;
          output_tokens: number;
          cost: string | null;
          warnings: number;
        };
        after: {
          queue_ms: number | null;
          duration_ms: number | null;
          attempts: number;
          input_tokens: number;
          output_tokens: number;
          cost: string | null;
          warnings: number;
        };
        change: {
          queue_ms: number | null;
          duration_ms: number | null;
          attempts: number | null;
          input_tokens: number | null;
          output_tokens: number | null;
          cost: string | null;
          warnings: number | null;
        };
      };
    };
  };
  /** List Human Requests. */
  'GET /v1/human-requests': {
    path: object;
    query: {
      status?: 'pending' | 'answered' | 'canceled' | 'expired' | 'all' | undefined;
      run_id?: string | undefined;
      workflow_id?: string | undefined;
      node_id?: string | undefined;
      assignee?: string | undefined;
      size?: number | undefined;
      after?: string | undefined;
    };
    body: undefined;
    answer: {
      items: Array<{
        id: string;
        group_id: string;
        workflow_id: string;
        run_id: string;
        node_id: string;
        it: number;
        status: 'pending' | 'answered' | 'canceled' | 'expired';
        title: string;
        description: string;
        fields: Array<{
          name: string;
          type: 'checkbox' | 'select' | 'text' | 'number' | 'file';
          label: string;
          required: boolean;
          initial_value: unknown;
          options?: Array<string> | undefined;
        }>;
        assignee: string | null;
        due_at: string | null;
        default_answer: Record<string, unknown> | null;
        answer: Record<string, unknown> | null;
        settled_by: string | null;
        created_at: string;
        settled_at: string | null;
      }>;
      next: string | null;
    };
  };
  /** Get Human Request. */
  'GET /v1/human-requests/{request_id}': {
    path: { request_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      run_id: string;
      node_id: string;
      it: number;
      status: 'pending' | 'answered' | 'canceled' | 'expired';
      title: string;
      description: string;
      fields: Array<{
        name: string;
        type: 'checkbox' | 'select' | 'text' | 'number' | 'file';
        label: string;
        required: boolean;
        initial_value: unknown;
        options?: Array<string> | undefined;
      }>;
      assignee: string | null;
      due_at: string | null;
      default_answer: Record<string, unknown> | null;
      answer: Record<string, unknown> | null;
      settled_by: string | null;
      created_at: string;
      settled_at: string | null;
    };
  };
  /** Answer Human Request. */
  'POST /v1/human-requests/{request_id}/answer': {
    path: { request_id: string };
    query: object;
    body: {
      answer: Record<string, unknown>;
      answered_by?: string | null | undefined;
    };
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      run_id: string;
      node_id: string;
      it: number;
      status: 'pending' | 'answered' | 'canceled' | 'expired';
      title: string;
      description: string;
      fields: Array<{
        name: string;
        type: 'checkbox' | 'select' | 'text' | 'number' | 'file';
        label: string;
        required: boolean;
        initial_value: unknown;
        options?: Array<string> | undefined;
      }>;
      assignee: string | null;
      due_at: string | null;
      default_answer: Record<string, unknown> | null;
      answer: Record<string, unknown> | null;
      settled_by: string | null;
      created_at: string;
      settled_at: string | null;
    };
  };
  /** Cancel Human Request. */
  'POST /v1/human-requests/{request_id}/cancel': {
    path: { request_id: string };
    query: object;
    body: {
      reason?: string | null | undefined;
    } | null;
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      run_id: string;
      node_id: string;
      it: number;
      status: 'pending' | 'answered' | 'canceled' | 'expired';
      title: string;
      description: string;
      fields: Array<{
        name: string;
        type: 'checkbox' | 'select' | 'text' | 'number' | 'file';
        label: string;
        required: boolean;
        initial_value: unknown;
        options?: Array<string> | undefined;
      }>;
      assignee: string | null;
      due_at: string | null;
      default_answer: Record<string, unknown> | null;
      answer: Record<string, unknown> | null;
      settled_by: string | null;
      created_at: string;
      settled_at: string | null;
    };
  };
  /** Upload File. */
  'POST /v1/file': {
    path: object;
    query: object;
    body: undefined;
    answer: FileRecord;
  };
  /** Download File. */
  'GET /v1/file/{file_id}': {
    path: { file_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List API Keys. */
  'GET /v1/admin/groups/{group_id}/api-keys': {
    path: { group_id: string };
    query: {
      ended?: boolean | undefined;
    };
    body: undefined;
    answer: Array<{
      id: string;
      group_id: string;
      name: string;
      tenant_admin: boolean;
      value: string;
      prefix: string;
      scopes: Array<string>;
      created_at: string;
      created_by: string | null;
      last_used_at: string | null;
      expires_at: string | null;
      rate_limit: number | null;
      revoked_at: string | null;
      former_valid_until: string | null;
    }>;
  };
  /** Create API Key. */
  'POST /v1/admin/groups/{group_id}/api-keys': {
    path: { group_id: string };
    query: object;
    body: {
      name: string;
      tenant_admin?: boolean | null | undefined;
      scopes?: Array<string> | null | undefined;
      expires_at?: string | null | undefined;
      rate_limit?: number | null | undefined;
    };
    answer: {
      id: string;
      group_id: string;
      name: string;
      tenant_admin: boolean;
      value: string;
      prefix: string;
      scopes: Array<string>;
      created_at: string;
      created_by: string | null;
      last_used_at: string | null;
      expires_at: string | null;
      rate_limit: number | null;
      revoked_at: string | null;
      former_valid_until: string | null;
    };
  };
  /** Get API Key. */
  'GET /v1/admin/groups/{group_id}/api-keys/{key_id}': {
    path: { group_id: string; key_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      group_id: string;
      name: string;
      tenant_admin: boolean;
      value: string;
      prefix: string;
      scopes: Array<string>;
      created_at: string;
      created_by: string | null;
      last_used_at: string | null;
      expires_at: string | null;
      rate_limit: number | null;
      revoked_at: string | null;
      former_valid_until: string | null;
    };
  };
  /** Revoke API Key. */
  'DELETE /v1/admin/groups/{group_id}/api-keys/{key_id}': {
    path: { group_id: string; key_id: string };
    query: {
      force?: boolean | undefined;
    };
    body: undefined;
    answer: {
      id: string;
      group_id: string;
      name: string;
      tenant_admin: boolean;
      value: string;
      prefix: string;
      scopes: Array<string>;
      created_at: string;
      created_by: string | null;
      last_used_at: string | null;
      expires_at: string | null;
      rate_limit: number | null;
      revoked_at: string | null;
      former_valid_until: string | null;
    };
  };
  /** Rotate API Key. */
  'POST /v1/admin/groups/{group_id}/api-keys/{key_id}/rotate': {
    path: { group_id: string; key_id: string };
    query: object;
    body: {
      grace_seconds?: number | undefined;
    } | null;
    answer: {
      id: string;
      group_id: string;
      name: string;
      tenant_admin: boolean;
      value: string;
      prefix: string;
      scopes: Array<string>;
      created_at: string;
      created_by: string | null;
      last_used_at: string | null;
      expires_at: string | null;
      rate_limit: number | null;
      revoked_at: string | null;
      former_valid_until: string | null;
    };
  };
  /** List Credentials. */
  'GET /v1/credentials': {
    path: object;
    query: object;
    body: undefined;
    answer: {
      items: Array<{
        id: string;
        name: string;
        kind: string;
        fields: Record<string, {
          secret: boolean;
          value?: string | undefined;
          last_characters?: string | null | undefined;
        }>;
        models: Array<string>;
        hosts: Array<string>;
        created_at: string;
        updated_at: string;
        last_used_at: string | null;
        group_id: string;
      }>;
    };
  };
  /** Create Credential. */
  'POST /v1/credentials': {
    path: object;
    query: object;
    body: {
      name: string;
      kind: string;
      fields: Record<string, unknown>;
      models?: Array<string> | undefined;
      hosts?: Array<string> | undefined;
    };
    answer: {
      id: string;
      name: string;
      kind: string;
      fields: Record<string, {
        secret: boolean;
        value?: string | undefined;
        last_characters?: string | null | undefined;
      }>;
      models: Array<string>;
      hosts: Array<string>;
      created_at: string;
      updated_at: string;
      last_used_at: string | null;
      group_id: string;
    };
  };
  /** Seal Credentials With The Current Key. */
  'POST /v1/credentials/reseal': {
    path: object;
    query: object;
    body: undefined;
    answer: {
      resealed: Array<string>;
      unchanged: Array<string>;
      failed: Record<string, string>;
    };
  };
  /** Get Credential. */
  'GET /v1/credentials/{credential_id}': {
    path: { credential_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      name: string;
      kind: string;
      fields: Record<string, {
        secret: boolean;
        value?: string | undefined;
        last_characters?: string | null | undefined;
      }>;
      models: Array<string>;
      hosts: Array<string>;
      created_at: string;
      updated_at: string;
      last_used_at: string | null;
      group_id: string;
    };
  };
  /** Update Credential. */
  'PATCH /v1/credentials/{credential_id}': {
    path: { credential_id: string };
    query: object;
    body: {
      name?: string | undefined;
      fields?: Record<string, unknown> | undefined;
      models?: Array<string> | undefined;
      hosts?: Array<string> | undefined;
    };
    answer: {
      id: string;
      name: string;
      kind: string;
      fields: Record<string, {
        secret: boolean;
        value?: string | undefined;
        last_characters?: string | null | undefined;
      }>;
      models: Array<string>;
      hosts: Array<string>;
      created_at: string;
      updated_at: string;
      last_used_at: string | null;
      group_id: string;
    };
  };
  /** Delete Credential. */
  'DELETE /v1/credentials/{credential_id}': {
    path: { credential_id: string };
    query: object;
    body: undefined;
    answer: {
      success: boolean;
    };
  };
  /** Test Credential. */
  'POST /v1/credentials/{credential_id}/test': {
    path: { credential_id: string };
    query: object;
    body: undefined;
    answer: {
      ok: boolean;
      status: number | null;
      message: string;
      models: Array<string>;
    };
  };
  /** Get Model Settings. */
  'GET /v1/model-settings': {
    path: object;
    query: object;
    body: undefined;
    answer: {
      prices: Record<string, {
        input: string;
        output: string;
        cached_input?: string | null | undefined;
      }>;
      presets: Record<string, Array<string>>;
      default_models: Array<string>;
      updated_at: string | null;
      effective: {
        prices: Record<string, {
          input: string;
          output: string;
          cached_input?: string | null | undefined;
        }>;
        presets: Record<string, Array<string>>;
        default_models: Array<string>;
        providers: Array<{
          name: string;
          protocol: string;
          models: Array<string>;
        }>;
      };
    };
  };
  /** Replace Model Settings. */
  'PUT /v1/model-settings': {
    path: object;
    query: object;
    body: {
      prices?: Record<string, {
        input: string;
        output: string;
        cached_input?: string | null | undefined;
      }> | null | undefined;
      presets?: Record<string, Array<string>> | null | undefined;
      default_models?: Array<string> | null | undefined;
    };
    answer: {
      prices: Record<string, {
        input: string;
        output: string;
        cached_input?: string | null | undefined;
      }>;
      presets: Record<string, Array<string>>;
      default_models: Array<string>;
      updated_at: string | null;
      effective: {
        prices: Record<string, {
          input: string;
          output: string;
          cached_input?: string | null | undefined;
        }>;
        presets: Record<string, Array<string>>;
        default_models: Array<string>;
        providers: Array<{
          name: string;
          protocol: string;
          models: Array<string>;
        }>;
      };
    };
  };
  /** List Triggers Of Workflow. */
  'GET /v1/workflows/{workflow_id}/triggers': {
    path: { workflow_id: string };
    query: {
      page?: number | undefined;
      size?: number | undefined;
    };
    body: undefined;
    answer: {
      items: Array<{
        id: string;
        group_id: string;
        workflow_id: string;
        workflow_version_id: string | null;
        name: string;
        enabled: boolean;
        definition: {
          type: 'schedule' | 'webhook' | 'poll';
        };
        inputs: Record<string, unknown> | null;
        url: string | null;
        secret?: string | null | undefined;
        secret_ending: string | null;
        next_times: Array<string>;
        last_polled_at: string | null;
        failures: number;
        last_error: string | null;
        created_at: string;
        updated_at: string;
      }>;
      total: number;
      page: number;
      size: number;
      pages: number;
    };
  };
  /** Create Trigger. */
  'POST /v1/workflows/{workflow_id}/triggers': {
    path: { workflow_id: string };
    query: object;
    body: {
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      workflow_version_id?: string | null | undefined;
      name?: string | null | undefined;
      enabled?: boolean | undefined;
      inputs?: Record<string, unknown> | null | undefined;
      secret?: string | null | undefined;
    };
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      workflow_version_id: string | null;
      name: string;
      enabled: boolean;
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      inputs: Record<string, unknown> | null;
      url: string | null;
      secret?: string | null | undefined;
      secret_ending: string | null;
      next_times: Array<string>;
      last_polled_at: string | null;
      failures: number;
      last_error: string | null;
      created_at: string;
      updated_at: string;
    };
  };
  /** Update Trigger. */
  'PATCH /v1/workflows/{workflow_id}/triggers/{trigger_id}': {
    path: { workflow_id: string; trigger_id: string };
    query: object;
    body: {
      definition?: {
        type: 'schedule' | 'webhook' | 'poll';
      } | undefined;
      workflow_version_id?: string | null | undefined;
      name?: string | null | undefined;
      enabled?: boolean | undefined;
      inputs?: Record<string, unknown> | null | undefined;
    };
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      workflow_version_id: string | null;
      name: string;
      enabled: boolean;
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      inputs: Record<string, unknown> | null;
      url: string | null;
      secret?: string | null | undefined;
      secret_ending: string | null;
      next_times: Array<string>;
      last_polled_at: string | null;
      failures: number;
      last_error: string | null;
      created_at: string;
      updated_at: string;
    };
  };
  /** List Events Of Trigger. */
  'GET /v1/workflows/{workflow_id}/triggers/{trigger_id}/events': {
    path: { workflow_id: string; trigger_id: string };
    query: {
      page?: number | undefined;
      size?: number | undefined;
      search?: string | undefined;
      errored?: boolean | undefined;
      event_type?: 'schedule' | 'webhook' | 'poll' | 'manual' | undefined;
      started_run?: boolean | undefined;
    };
    body: undefined;
    answer: {
      items: Array<{
        id: string;
        group_id: string;
        trigger_id: string;
        workflow_id: string;
        created_at: string;
        event_type: 'schedule' | 'webhook' | 'poll' | 'manual';
        outcome: 'started' | 'refused' | 'skipped' | 'failed';
        errored: boolean;
        run_id: string | null;
        reason: string | null;
        data: Record<string, unknown>;
      }>;
      total: number;
      page: number;
      size: number;
      pages: number;
    };
  };
  /** List Triggers. */
  'GET /v1/triggers': {
    path: object;
    query: {
      page?: number | undefined;
      size?: number | undefined;
      workflow_id?: string | undefined;
    };
    body: undefined;
    answer: {
      items: Array<{
        id: string;
        group_id: string;
        workflow_id: string;
        workflow_version_id: string | null;
        name: string;
        enabled: boolean;
        definition: {
          type: 'schedule' | 'webhook' | 'poll';
        };
        inputs: Record<string, unknown> | null;
        url: string | null;
        secret?: string | null | undefined;
        secret_ending: string | null;
        next_times: Array<string>;
        last_polled_at: string | null;
        failures: number;
        last_error: string | null;
        created_at: string;
        updated_at: string;
      }>;
      total: number;
      page: number;
      size: number;
      pages: number;
    };
  };
  /** List Trigger Events. */
  'GET /v1/triggers/events': {
    path: object;
    query: {
      page?: number | undefined;
      size?: number | undefined;
      search?: string | undefined;
      errored?: boolean | undefined;
      event_type?: 'schedule' | 'webhook' | 'poll' | 'manual' | undefined;
      started_run?: boolean | undefined;
      workflow_id?: string | undefined;
      trigger_id?: string | undefined;
    };
    body: undefined;
    answer: {
      items: Array<{
        id: string;
        group_id: string;
        trigger_id: string;
        workflow_id: string;
        created_at: string;
        event_type: 'schedule' | 'webhook' | 'poll' | 'manual';
        outcome: 'started' | 'refused' | 'skipped' | 'failed';
        errored: boolean;
        run_id: string | null;
        reason: string | null;
        data: Record<string, unknown>;
      }>;
      total: number;
      page: number;
      size: number;
      pages: number;
    };
  };
  /** Preview Trigger. */
  'POST /v1/triggers/preview': {
    path: object;
    query: object;
    body: {
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      with_items?: boolean | undefined;
    };
    answer: {
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      next_times: Array<string>;
      items: Array<unknown>;
      problem: string | null;
    };
  };
  /** Get Trigger. */
  'GET /v1/triggers/{trigger_id}': {
    path: { trigger_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      workflow_version_id: string | null;
      name: string;
      enabled: boolean;
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      inputs: Record<string, unknown> | null;
      url: string | null;
      secret?: string | null | undefined;
      secret_ending: string | null;
      next_times: Array<string>;
      last_polled_at: string | null;
      failures: number;
      last_error: string | null;
      created_at: string;
      updated_at: string;
    };
  };
  /** Delete Trigger. */
  'DELETE /v1/triggers/{trigger_id}': {
    path: { trigger_id: string };
    query: object;
    body: undefined;
    answer: {
      success: boolean;
    };
  };
  /** Fire Trigger. */
  'POST /v1/triggers/{trigger_id}/fire': {
    path: { trigger_id: string };
    query: object;
    body: {
      payload?: Record<string, unknown> | undefined;
    } | null;
    answer: {
      id: string;
      group_id: string;
      trigger_id: string;
      workflow_id: string;
      created_at: string;
      event_type: 'schedule' | 'webhook' | 'poll' | 'manual';
      outcome: 'started' | 'refused' | 'skipped' | 'failed';
      errored: boolean;
      run_id: string | null;
      reason: string | null;
      data: Record<string, unknown>;
    };
  };
  /** Rotate Secret Of Trigger. */
  'POST /v1/triggers/{trigger_id}/rotate-secret': {
    path: { trigger_id: string };
    query: object;
    body: {
      secret?: string | null | undefined;
    } | null;
    answer: {
      id: string;
      group_id: string;
      workflow_id: string;
      workflow_version_id: string | null;
      name: string;
      enabled: boolean;
      definition: {
        type: 'schedule' | 'webhook' | 'poll';
      };
      inputs: Record<string, unknown> | null;
      url: string | null;
      secret?: string | null | undefined;
      secret_ending: string | null;
      next_times: Array<string>;
      last_polled_at: string | null;
      failures: number;
      last_error: string | null;
      created_at: string;
      updated_at: string;
    };
  };
  /** Get Debug Session. */
  'GET /v1/debug-sessions/{session_id}': {
    path: { session_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      run_id: string | null;
      run_status: string | null;
      mode: 'run' | 'step';
      breakpoints: Array<{
        node_id: string;
        when?: 'before' | 'after' | undefined;
      }>;
      paused: {
        node_id: string;
        when: 'before' | 'after';
        inputs: Record<string, unknown> | null;
        outputs: Record<string, unknown> | null;
      } | null;
    };
  };
  /** Put Debug Session. */
  'PUT /v1/debug-sessions/{session_id}': {
    path: { session_id: string };
    query: object;
    body: {
      breakpoints?: Array<{
        node_id: string;
        when?: 'before' | 'after' | undefined;
      }> | undefined;
      mode?: 'run' | 'step' | undefined;
    };
    answer: {
      id: string;
      run_id: string | null;
      run_status: string | null;
      mode: 'run' | 'step';
      breakpoints: Array<{
        node_id: string;
        when?: 'before' | 'after' | undefined;
      }>;
      paused: {
        node_id: string;
        when: 'before' | 'after';
        inputs: Record<string, unknown> | null;
        outputs: Record<string, unknown> | null;
      } | null;
    };
  };
  /** Continue To The Next Breakpoint. */
  'POST /v1/debug-sessions/{session_id}/continue': {
    path: { session_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      run_id: string | null;
      run_status: string | null;
      mode: 'run' | 'step';
      breakpoints: Array<{
        node_id: string;
        when?: 'before' | 'after' | undefined;
      }>;
      paused: {
        node_id: string;
        when: 'before' | 'after';
        inputs: Record<string, unknown> | null;
        outputs: Record<string, unknown> | null;
      } | null;
    };
  };
  /** Step To The Next Node. */
  'POST /v1/debug-sessions/{session_id}/step': {
    path: { session_id: string };
    query: object;
    body: undefined;
    answer: {
      id: string;
      run_id: string | null;
      run_status: string | null;
      mode: 'run' | 'step';
      breakpoints: Array<{
        node_id: string;
        when?: 'before' | 'after' | undefined;
      }>;
      paused: {
        node_id: string;
        when: 'before' | 'after';
        inputs: Record<string, unknown> | null;
        outputs: Record<string, unknown> | null;
      } | null;
    };
  };
  /** Edit What A Held Node Is Given Or Gave. */
  'POST /v1/debug-sessions/{session_id}/edit': {
    path: { session_id: string };
    query: object;
    body: {
      node_id: string;
      values: Record<string, unknown>;
    };
    answer: {
      id: string;
      run_id: string | null;
      run_status: string | null;
      mode: 'run' | 'step';
      breakpoints: Array<{
        node_id: string;
        when?: 'before' | 'after' | undefined;
      }>;
      paused: {
        node_id: string;
        when: 'before' | 'after';
        inputs: Record<string, unknown> | null;
        outputs: Record<string, unknown> | null;
      } | null;
    };
  };
  /** Watch Debug Session. */
  'GET /v1/debug-sessions/{session_id}/events': {
    path: { session_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
}
