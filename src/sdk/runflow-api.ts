// Written by scripts/write-sdk-types.ts from the OpenAPI document of the server; test/sdk-types.test.ts holds both together.

export type EvaluationSummary = {
  passed?: boolean | null | undefined;
  status_code?: string | null | undefined;
  score?: number | null | undefined;
};

export type EvaluationIssue = {
  id?: string | null | undefined;
  evaluation_id?: string | null | undefined;
  evaluation_judge_id?: string | null | undefined;
  category?: string | null | undefined;
  subcategory?: string | null | undefined;
  detail?: string | null | undefined;
};

export type EvaluationJudge = {
  id?: string | null | undefined;
  evaluation_id?: string | null | undefined;
  name?: string | null | undefined;
  description?: string | null | undefined;
  category?: string | null | undefined;
  workflow_id?: string | null | undefined;
  run_id?: string | null | undefined;
  status_code?: string | null | undefined;
  is_gate?: boolean | null | undefined;
  passed?: boolean | null | undefined;
  confidence?: number | null | undefined;
  weight?: number | null | undefined;
  reasoning?: string | null | undefined;
  evidence?: Array<string> | null | undefined;
  strengths?: Array<string> | null | undefined;
  sub_point_results?: Record<string, unknown> | null | undefined;
  sub_points_evaluated?: number | null | undefined;
  created_at?: string | null | undefined;
  issues?: Array<EvaluationIssue> | null | undefined;
};

export type Evaluation = {
  id?: string | null | undefined;
  org_id?: string | null | undefined;
  run_id?: string | null | undefined;
  target_type_code?: 'flow' | 'model' | 'comfyui_workflow' | null | undefined;
  model_id?: string | null | undefined;
  flow_id?: string | null | undefined;
  comfyui_workflow_id?: string | null | undefined;
  task_type?: string | null | undefined;
  task_description?: string | null | undefined;
  generation_prompt?: string | null | undefined;
  generated_image_url?: string | null | undefined;
  input_attributes?: Record<string, unknown> | null | undefined;
  evaluation_instructions?: string | null | undefined;
  reference_images?: Array<{
    url?: string | null | undefined;
    kind?: string | null | undefined;
    description?: string | null | undefined;
  }> | null | undefined;
  status_code?: 'pending' | 'running' | 'completed' | 'failed' | null | undefined;
  job_class_code?: string | null | undefined;
  overall_passed?: boolean | null | undefined;
  weighted_pass_rate?: number | null | undefined;
  pass_threshold?: number | null | undefined;
  override_reason?: string | null | undefined;
  top_issues?: Array<string> | null | undefined;
  top_strengths?: Array<string> | null | undefined;
  check_summary?: Record<string, unknown> | null | undefined;
  analysis_modules_executed?: number | null | undefined;
  primary_action_code?: string | null | undefined;
  parent_evaluation_id?: string | null | undefined;
  attempt_number?: number | null | undefined;
  superseded_at?: string | null | undefined;
  eval_duration_ms?: number | null | undefined;
  feedback_is_positive?: boolean | null | undefined;
  feedback_reason?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
  client_ref?: string | null | undefined;
  submitted_at?: string | null | undefined;
  completed_at?: string | null | undefined;
  callback_url?: string | null | undefined;
  cost?: string | null | undefined;
  links?: Record<string, unknown> | null | undefined;
  failure_code?: string | null | undefined;
  failure_message?: string | null | undefined;
  judges?: Array<EvaluationJudge> | null | undefined;
  action?: Record<string, unknown> | null | undefined;
  gate_failures?: Array<Record<string, unknown>> | null | undefined;
};

export type NodeRun = {
  id?: string | null | undefined;
  run_id?: string | null | undefined;
  node_id?: string | null | undefined;
  node_key?: string | null | undefined;
  flow_id?: string | null | undefined;
  state_code?: string | null | undefined;
  input?: Record<string, unknown> | null | undefined;
  output?: Record<string, unknown> | null | undefined;
  input_signature?: string | null | undefined;
  preview_type?: string | null | undefined;
  preview_value?: string | null | undefined;
  duration_ms?: number | null | undefined;
  cost?: string | null | undefined;
  retry_count?: number | null | undefined;
  error_message?: string | null | undefined;
  created_at?: string | null | undefined;
  started_at?: string | null | undefined;
  completed_at?: string | null | undefined;
};

export type RunLog = {
  id?: string | null | undefined;
  run_id?: string | null | undefined;
  level_code?: string | null | undefined;
  message?: string | null | undefined;
  timestamp?: string | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
  run?: Run | null | undefined;
};

export type ModelInput = {
  id?: string | null | undefined;
  model_id?: string | null | undefined;
  name?: string | null | undefined;
  display_name?: string | null | undefined;
  description?: string | null | undefined;
  variable_type_code?: string | null | undefined;
  validator_code?: string | null | undefined;
  validator_attrs?: Record<string, unknown> | null | undefined;
  is_required?: boolean | null | undefined;
  default_value?: unknown | undefined;
  sort_order?: number | null | undefined;
  default_behavior_code?: string | null | undefined;
  is_featured?: boolean | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ModelOutput = {
  id?: string | null | undefined;
  model_id?: string | null | undefined;
  name?: string | null | undefined;
  display_name?: string | null | undefined;
  description?: string | null | undefined;
  variable_type_code?: string | null | undefined;
  validator_code?: string | null | undefined;
  validator_attrs?: Record<string, unknown> | null | undefined;
  sort_order?: number | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ModelExample = {
  id?: string | null | undefined;
  model_id?: string | null | undefined;
  title?: string | null | undefined;
  description?: string | null | undefined;
  input?: Record<string, unknown> | null | undefined;
  output?: Record<string, unknown> | null | undefined;
  status_code?: number | null | undefined;
  cost?: string | null | undefined;
  start_type?: string | null | undefined;
  timing?: Record<string, unknown> | null | undefined;
  duration_ms?: number | null | undefined;
  total_ms?: number | null | undefined;
  thumbnail_url?: string | null | undefined;
  category_code?: string | null | undefined;
  is_featured?: boolean | null | undefined;
  is_public?: boolean | null | undefined;
  sort_order?: number | null | undefined;
  ran_at?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ModelFaqEntry = {
  id?: string | null | undefined;
  model_id?: string | null | undefined;
  question?: string | null | undefined;
  answer?: string | null | undefined;
  sort_order?: number | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ModelPricing = {
  id?: string | null | undefined;
  model_id?: string | null | undefined;
  pricing_model_code?: string | null | undefined;
  rule_effect_code?: string | null | undefined;
  model_input_id?: string | null | undefined;
  match_value?: unknown | undefined;
  dimension_code?: string | null | undefined;
  min_value?: string | null | undefined;
  max_value?: string | null | undefined;
  price?: string | null | undefined;
  currency_code?: string | null | undefined;
  unit_code?: string | null | undefined;
  multiplier_label?: string | null | undefined;
  description?: string | null | undefined;
  sort_order?: number | null | undefined;
  disabled_at?: string | null | undefined;
  measurement_source?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ModelRelatedLink = {
  id?: string | null | undefined;
  model_id?: string | null | undefined;
  related_model_id?: string | null | undefined;
  sort_order?: number | null | undefined;
  created_at?: string | null | undefined;
};

export type Model = {
  id?: string | null | undefined;
  org_id?: string | null | undefined;
  model_creator_id?: string | null | undefined;
  slug?: string | null | undefined;
  name?: string | null | undefined;
  description?: string | null | undefined;
  version?: string | null | undefined;
  is_public?: boolean | null | undefined;
  is_open_source?: boolean | null | undefined;
  icon_url?: string | null | undefined;
  cover_url?: string | null | undefined;
  category_code?: string | null | undefined;
  status_code?: string | null | undefined;
  family_id?: string | null | undefined;
  family_variant_code?: string | null | undefined;
  param_count?: string | null | undefined;
  architecture?: string | null | undefined;
  license_code?: string | null | undefined;
  max_resolution?: string | null | undefined;
  lora_support?: boolean | null | undefined;
  fine_tuning?: boolean | null | undefined;
  supports_streaming?: boolean | null | undefined;
  paper_url?: string | null | undefined;
  github_url?: string | null | undefined;
  is_official?: boolean | null | undefined;
  availability_status?: string | null | undefined;
  seo?: Record<string, unknown> | null | undefined;
  notable_features?: Array<unknown> | null | undefined;
  content?: string | null | undefined;
  pricing_note?: string | null | undefined;
  created_by?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
  deleted_at?: string | null | undefined;
  deleted_by?: string | null | undefined;
  inputs?: Array<ModelInput> | null | undefined;
  outputs?: Array<ModelOutput> | null | undefined;
  examples?: Array<ModelExample> | null | undefined;
  faq_entries?: Array<ModelFaqEntry> | null | undefined;
  pricing?: Array<ModelPricing> | null | undefined;
  related_links?: Array<ModelRelatedLink> | null | undefined;
};

export type ComfyUIWorkflowInput = {
  id?: string | null | undefined;
  comfyui_workflow_id?: string | null | undefined;
  name?: string | null | undefined;
  display_name?: string | null | undefined;
  description?: string | null | undefined;
  variable_type_code?: string | null | undefined;
  validator_code?: string | null | undefined;
  validator_attrs?: Record<string, unknown> | null | undefined;
  is_required?: boolean | null | undefined;
  default_value?: unknown | undefined;
  sort_order?: number | null | undefined;
  default_behavior_code?: string | null | undefined;
  comfyui_node_id?: string | null | undefined;
  comfyui_field_name?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ComfyUIWorkflowOutput = {
  id?: string | null | undefined;
  comfyui_workflow_id?: string | null | undefined;
  name?: string | null | undefined;
  display_name?: string | null | undefined;
  description?: string | null | undefined;
  variable_type_code?: string | null | undefined;
  validator_code?: string | null | undefined;
  validator_attrs?: Record<string, unknown> | null | undefined;
  sort_order?: number | null | undefined;
  comfyui_node_id?: string | null | undefined;
  comfyui_field_name?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type ComfyUIWorkflowGpuModel = {
  id?: string | null | undefined;
  comfyui_workflow_id?: string | null | undefined;
  gpu_model_code?: string | null | undefined;
  created_at?: string | null | undefined;
};

export type ComfyUIWorkflow = {
  id?: string | null | undefined;
  org_id?: string | null | undefined;
  slug?: string | null | undefined;
  name?: string | null | undefined;
  description?: string | null | undefined;
  workflow_json?: Record<string, unknown> | null | undefined;
  version?: string | null | undefined;
  is_public?: boolean | null | undefined;
  status_code?: string | null | undefined;
  created_by?: string | null | undefined;
  environment?: Record<string, unknown> | null | undefined;
  models?: Record<string, unknown> | null | undefined;
  custom_nodes?: Record<string, unknown> | null | undefined;
  graph?: Record<string, unknown> | null | undefined;
  resources?: Record<string, unknown> | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
  deleted_at?: string | null | undefined;
  deleted_by?: string | null | undefined;
  category_code?: string | null | undefined;
  gpu_current_tier_code?: string | null | undefined;
  inputs?: Array<ComfyUIWorkflowInput> | null | undefined;
  outputs?: Array<ComfyUIWorkflowOutput> | null | undefined;
  gpu_explicit_models?: Array<ComfyUIWorkflowGpuModel> | null | undefined;
};

export type FlowInput = {
  id?: string | null | undefined;
  flow_id?: string | null | undefined;
  name?: string | null | undefined;
  display_name?: string | null | undefined;
  description?: string | null | undefined;
  variable_type_code?: string | null | undefined;
  validator_code?: string | null | undefined;
  validator_attrs?: Record<string, unknown> | null | undefined;
  is_required?: boolean | null | undefined;
  default_value?: unknown | undefined;
  sort_order?: number | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type FlowOutput = {
  id?: string | null | undefined;
  flow_id?: string | null | undefined;
  name?: string | null | undefined;
  display_name?: string | null | undefined;
  description?: string | null | undefined;
  variable_type_code?: string | null | undefined;
  validator_code?: string | null | undefined;
  validator_attrs?: Record<string, unknown> | null | undefined;
  sort_order?: number | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
};

export type Flow = {
  id?: string | null | undefined;
  slug?: string | null | undefined;
  name?: string | null | undefined;
  description?: string | null | undefined;
  cover_url?: string | null | undefined;
  org_id?: string | null | undefined;
  flow_type_code?: string | null | undefined;
  category_code?: string | null | undefined;
  visibility_code?: string | null | undefined;
  source_visibility_code?: string | null | undefined;
  status_code?: string | null | undefined;
  version?: number | null | undefined;
  current_version_id?: string | null | undefined;
  estimated_cost?: string | null | undefined;
  context_variables?: Record<string, unknown> | null | undefined;
  run_count?: number | null | undefined;
  avg_duration?: string | null | undefined;
  cost_per_run?: string | null | undefined;
  featured_at?: string | null | undefined;
  created_by?: string | null | undefined;
  created_at?: string | null | undefined;
  updated_at?: string | null | undefined;
  inputs?: Array<FlowInput> | null | undefined;
  outputs?: Array<FlowOutput> | null | undefined;
};

export type Run = {
  id?: string | null | undefined;
  flow_id?: string | null | undefined;
  model_id?: string | null | undefined;
  comfyui_workflow_id?: string | null | undefined;
  target_type?: 'flow' | 'model' | 'comfyui_workflow' | null | undefined;
  target_version?: string | null | undefined;
  org_id?: string | null | undefined;
  status_code?: 'queued' | 'dispatching' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'partial_succeeded' | null | undefined;
  source_code?: string | null | undefined;
  input?: Record<string, unknown> | null | undefined;
  output?: Record<string, unknown> | null | undefined;
  context?: Record<string, unknown> | null | undefined;
  duration_ms?: number | null | undefined;
  cost?: string | null | undefined;
  cost_breakdown?: Record<string, unknown> | null | undefined;
  nodes_total?: number | null | undefined;
  nodes_completed?: number | null | undefined;
  resolved_template_id?: string | null | undefined;
  batch_id?: string | null | undefined;
  client_ref?: string | null | undefined;
  jurisdiction_code?: string | null | undefined;
  flow_version_id?: string | null | undefined;
  request_id?: string | null | undefined;
  created_by?: string | null | undefined;
  created_at?: string | null | undefined;
  started_at?: string | null | undefined;
  completed_at?: string | null | undefined;
  callback_url?: string | null | undefined;
  metadata?: Record<string, unknown> | null | undefined;
  has_logs?: boolean | null | undefined;
  has_node_runs?: boolean | null | undefined;
  links?: Record<string, unknown> | null | undefined;
  failure_code?: string | null | undefined;
  failure_stage_code?: string | null | undefined;
  failure_message?: string | null | undefined;
  feedback_is_positive?: boolean | null | undefined;
  feedback_reason?: string | null | undefined;
  source_chat_message_id?: string | null | undefined;
  current_evaluation_summary?: EvaluationSummary | null | undefined;
  node_runs?: Array<NodeRun> | null | undefined;
  logs?: Array<RunLog> | null | undefined;
  flow?: Flow | null | undefined;
  model?: Model | null | undefined;
  comfyui_workflow?: ComfyUIWorkflow | null | undefined;
};

export type HumanRequest = {
  id?: string | null | undefined;
  org_id?: string | null | undefined;
  workflow_id?: string | null | undefined;
  run_id?: string | null | undefined;
  node_key?: string | null | undefined;
  iteration?: number | null | undefined;
  status_code?: 'pending' | 'answered' | 'canceled' | 'expired' | null | undefined;
  title?: string | null | undefined;
  description?: string | null | undefined;
  fields?: Array<{
    name?: string | null | undefined;
    type?: 'checkbox' | 'select' | 'text' | 'number' | 'file' | null | undefined;
    label?: string | null | undefined;
    required?: boolean | null | undefined;
    initial_value?: unknown | undefined;
    options?: Array<string> | null | undefined;
  }> | null | undefined;
  assignee?: string | null | undefined;
  due_at?: string | null | undefined;
  default_answer?: Record<string, unknown> | null | undefined;
  answer?: Record<string, unknown> | null | undefined;
  settled_by?: string | null | undefined;
  created_at?: string | null | undefined;
  settled_at?: string | null | undefined;
};

export type ErrorBody = {
  code: string;
  message: string;
  errors?: Array<{
    loc: Array<string | number>;
    msg: string;
    type: string;
    position?: number | undefined;
    end?: number | undefined;
    hint?: string | undefined;
    node_id?: string | undefined;
  }> | null | undefined;
};

/** Every operation by method and path. */
export interface Runflow {
  /** Tell whether the server is well. */
  'GET /v1/health': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Read the bytes of an asset. */
  'GET /v1/asset-content/{id}': {
    path: { id: string };
    query: {
      org: string;
      expires: number;
      signature: string;
    };
    body: undefined;
    answer: unknown;
  };
  /** Send the bytes of an upload. */
  'PUT /v1/asset-uploads/{id}/content': {
    path: { id: string };
    query: {
      org: string;
      expires: number;
      signature: string;
    };
    body: undefined;
    answer: unknown;
  };
  /** Search runs. */
  'GET /v1/runs': {
    path: object;
    query: {
      evaluation_issue_category?: string | null | undefined;
      evaluation_issue_subcategory?: string | null | undefined;
      evaluation_status?: 'passed' | 'failed' | 'not_evaluated' | null | undefined;
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: {
      items: Array<Run>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** List run statuses. */
  'GET /v1/runs/statuses': {
    path: object;
    query: object;
    body: undefined;
    answer: {
      items: Array<unknown>;
    };
  };
  /** Get run. */
  'GET /v1/runs/{id}': {
    path: { id: string };
    query: {
      fields?: string | null | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: Run;
  };
  /** Set feedback on a run. */
  'PATCH /v1/runs/{id}/feedback': {
    path: { id: string };
    query: object;
    body: {
      is_positive?: boolean | null | undefined;
      reason?: string | null | undefined;
    };
    answer: Run;
  };
  /** List node runs. */
  'GET /v1/runs/{run_id}/node-runs': {
    path: { run_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: {
      items: Array<NodeRun>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Get node run. */
  'GET /v1/runs/{run_id}/node-runs/{id}': {
    path: { run_id: string; id: string };
    query: {
      fields?: string | null | undefined;
    };
    body: undefined;
    answer: NodeRun;
  };
  /** List run logs. */
  'GET /v1/runs/{run_id}/logs': {
    path: { run_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: {
      items: Array<RunLog>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Get run log. */
  'GET /v1/runs/{run_id}/logs/{id}': {
    path: { run_id: string; id: string };
    query: {
      fields?: string | null | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: RunLog;
  };
  /** Cancel run. */
  'POST /v1/runs/{id}/cancellation': {
    path: { id: string };
    query: object;
    body: {
      reason?: string | null | undefined;
    };
    answer: Run;
  };
  /** Retry run. */
  'POST /v1/runs/{id}/retries': {
    path: { id: string };
    query: object;
    body: {
      from?: 'start' | 'failed_node' | null | undefined;
      from_nodes?: Array<string> | null | undefined;
      version?: 'original' | 'current' | null | undefined;
      input?: Record<string, unknown> | null | undefined;
      input_overrides?: Record<string, unknown> | null | undefined;
    };
    answer: Run;
  };
  /** Cancel run. */
  'POST /v1/admin/runs/{id}/cancellation': {
    path: { id: string };
    query: object;
    body: {
      reason?: string | null | undefined;
    };
    answer: Run;
  };
  /** Retry run. */
  'POST /v1/admin/runs/{id}/retries': {
    path: { id: string };
    query: object;
    body: {
      from?: 'start' | 'failed_node' | null | undefined;
      from_nodes?: Array<string> | null | undefined;
      version?: 'original' | 'current' | null | undefined;
      input?: Record<string, unknown> | null | undefined;
      input_overrides?: Record<string, unknown> | null | undefined;
    };
    answer: Run;
  };
  /** Compare runs. */
  'GET /v1/runs/{id}/diff/{other_id}': {
    path: { id: string; other_id: string };
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
  /** Get run statistics. */
  'GET /v1/runs-stats': {
    path: object;
    query: {
      created_at_from?: string | null | undefined;
      created_at_to?: string | null | undefined;
      from?: string | null | undefined;
      to?: string | null | undefined;
    };
    body: undefined;
    answer: {
      timeline: Array<{
        date: string;
        runs: number;
        spend: string;
      }>;
      by_flow: Array<{
        target_type: string;
        target_id: string;
        flow_slug: string;
        flow_name: string;
        runs: number;
        spend: string;
        avg_duration_ms?: number | null | undefined;
      }>;
      by_source: Array<{
        source_code: string;
        runs: number;
        pct: number;
      }>;
    };
  };
  /** List the callback deliveries of a run. */
  'GET /v1/runs/{run_id}/callback': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Deliver the callback of a run again. */
  'POST /v1/runs/{run_id}/callback-redeliveries': {
    path: { run_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List callback secrets. */
  'GET /v1/callback-secrets': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Make a callback secret. */
  'POST /v1/callback-secrets': {
    path: object;
    query: object;
    body: {
      label?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Disable a callback secret. */
  'DELETE /v1/callback-secrets/{id}': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Announce an upload. */
  'POST /v1/asset-uploads': {
    path: object;
    query: object;
    body: {
      filename: string;
      mime_type: string;
      size_bytes: number;
    };
    answer: unknown;
  };
  /** Confirm an upload. */
  'POST /v1/asset-uploads/{id}/confirmations': {
    path: { id: string };
    query: object;
    body: {
      folder_id?: string | null | undefined;
    } | null;
    answer: unknown;
  };
  /** List kinds of assets. */
  'GET /v1/assets/types': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get an asset. */
  'GET /v1/assets/{id}': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Search models. */
  'GET /v1/models': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Register a model. */
  'POST /v1/models': {
    path: object;
    query: object;
    body: {
      name: string;
      slug?: string | undefined;
      description?: string | null | undefined;
      model_creator_id?: string | null | undefined;
      version?: string | null | undefined;
      is_public?: boolean | null | undefined;
      is_open_source?: boolean | null | undefined;
      icon_url?: string | null | undefined;
      cover_url?: string | null | undefined;
      category_code?: string | null | undefined;
      status_code?: string | null | undefined;
      family_id?: string | null | undefined;
      family_variant_code?: string | null | undefined;
      param_count?: string | null | undefined;
      architecture?: string | null | undefined;
      license_code?: string | null | undefined;
      max_resolution?: string | null | undefined;
      lora_support?: boolean | null | undefined;
      fine_tuning?: boolean | null | undefined;
      supports_streaming?: boolean | null | undefined;
      paper_url?: string | null | undefined;
      github_url?: string | null | undefined;
      is_official?: boolean | null | undefined;
      availability_status?: string | null | undefined;
      seo?: Record<string, unknown> | null | undefined;
      notable_features?: Array<unknown> | null | undefined;
      content?: string | null | undefined;
      pricing_note?: string | null | undefined;
      inputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
        default_behavior_code?: string | null | undefined;
        is_required?: boolean | null | undefined;
        default_value?: unknown | undefined;
        is_featured?: boolean | null | undefined;
      }> | undefined;
      outputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
      }> | undefined;
      examples?: Array<{
        id?: string | null | undefined;
        title?: string | null | undefined;
        description?: string | null | undefined;
        input?: Record<string, unknown> | null | undefined;
        output?: Record<string, unknown> | null | undefined;
        status_code?: number | null | undefined;
        cost?: string | number | null | undefined;
        start_type?: string | null | undefined;
        timing?: Record<string, unknown> | null | undefined;
        duration_ms?: number | null | undefined;
        total_ms?: number | null | undefined;
        thumbnail_url?: string | null | undefined;
        category_code?: string | null | undefined;
        is_featured?: boolean | null | undefined;
        is_public?: boolean | null | undefined;
        sort_order?: number | null | undefined;
        ran_at?: string | null | undefined;
      }> | undefined;
      faq_entries?: Array<{
        id?: string | null | undefined;
        question?: string | null | undefined;
        answer?: string | null | undefined;
        sort_order?: number | null | undefined;
      }> | undefined;
      pricing?: Array<{
        id?: string | null | undefined;
        pricing_model_code?: string | null | undefined;
        rule_effect_code?: string | null | undefined;
        model_input_id?: string | null | undefined;
        match_value?: unknown | undefined;
        dimension_code?: string | null | undefined;
        min_value?: string | number | null | undefined;
        max_value?: string | number | null | undefined;
        price?: string | number | null | undefined;
        currency_code?: string | null | undefined;
        unit_code?: string | null | undefined;
        multiplier_label?: string | null | undefined;
        description?: string | null | undefined;
        sort_order?: number | null | undefined;
        disabled_at?: string | null | undefined;
        measurement_source?: string | null | undefined;
      }> | undefined;
      related_links?: Array<{
        id?: string | null | undefined;
        related_model_id?: string | null | undefined;
        sort_order?: number | null | undefined;
      }> | undefined;
      backend?: {
        kind: string;
      } | null | undefined;
    };
    answer: unknown;
  };
  /** Get a model. */
  'GET /v1/models/{model}': {
    path: { model: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change a model. */
  'PATCH /v1/models/{model}': {
    path: { model: string };
    query: object;
    body: {
      name?: string | undefined;
      slug?: string | undefined;
      description?: string | null | undefined;
      model_creator_id?: string | null | undefined;
      version?: string | null | undefined;
      is_public?: boolean | null | undefined;
      is_open_source?: boolean | null | undefined;
      icon_url?: string | null | undefined;
      cover_url?: string | null | undefined;
      category_code?: string | null | undefined;
      status_code?: string | null | undefined;
      family_id?: string | null | undefined;
      family_variant_code?: string | null | undefined;
      param_count?: string | null | undefined;
      architecture?: string | null | undefined;
      license_code?: string | null | undefined;
      max_resolution?: string | null | undefined;
      lora_support?: boolean | null | undefined;
      fine_tuning?: boolean | null | undefined;
      supports_streaming?: boolean | null | undefined;
      paper_url?: string | null | undefined;
      github_url?: string | null | undefined;
      is_official?: boolean | null | undefined;
      availability_status?: string | null | undefined;
      seo?: Record<string, unknown> | null | undefined;
      notable_features?: Array<unknown> | null | undefined;
      content?: string | null | undefined;
      pricing_note?: string | null | undefined;
      inputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
        default_behavior_code?: string | null | undefined;
        is_required?: boolean | null | undefined;
        default_value?: unknown | undefined;
        is_featured?: boolean | null | undefined;
      }> | undefined;
      outputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
      }> | undefined;
      examples?: Array<{
        id?: string | null | undefined;
        title?: string | null | undefined;
        description?: string | null | undefined;
        input?: Record<string, unknown> | null | undefined;
        output?: Record<string, unknown> | null | undefined;
        status_code?: number | null | undefined;
        cost?: string | number | null | undefined;
        start_type?: string | null | undefined;
        timing?: Record<string, unknown> | null | undefined;
        duration_ms?: number | null | undefined;
        total_ms?: number | null | undefined;
        thumbnail_url?: string | null | undefined;
        category_code?: string | null | undefined;
        is_featured?: boolean | null | undefined;
        is_public?: boolean | null | undefined;
        sort_order?: number | null | undefined;
        ran_at?: string | null | undefined;
      }> | undefined;
      faq_entries?: Array<{
        id?: string | null | undefined;
        question?: string | null | undefined;
        answer?: string | null | undefined;
        sort_order?: number | null | undefined;
      }> | undefined;
      pricing?: Array<{
        id?: string | null | undefined;
        pricing_model_code?: string | null | undefined;
        rule_effect_code?: string | null | undefined;
        model_input_id?: string | null | undefined;
        match_value?: unknown | undefined;
        dimension_code?: string | null | undefined;
        min_value?: string | number | null | undefined;
        max_value?: string | number | null | undefined;
        price?: string | number | null | undefined;
        currency_code?: string | null | undefined;
        unit_code?: string | null | undefined;
        multiplier_label?: string | null | undefined;
        description?: string | null | undefined;
        sort_order?: number | null | undefined;
        disabled_at?: string | null | undefined;
        measurement_source?: string | null | undefined;
      }> | undefined;
      related_links?: Array<{
        id?: string | null | undefined;
        related_model_id?: string | null | undefined;
        sort_order?: number | null | undefined;
      }> | undefined;
      backend?: {
        kind: string;
      } | null | undefined;
    };
    answer: unknown;
  };
  /** Remove a model. */
  'DELETE /v1/models/{model}': {
    path: { model: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the inputs of a model. */
  'GET /v1/models/{model_id}/inputs': {
    path: { model_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Add to the inputs of a model. */
  'POST /v1/models/{model_id}/inputs': {
    path: { model_id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
      default_behavior_code?: string | null | undefined;
      is_required?: boolean | null | undefined;
      default_value?: unknown | undefined;
      is_featured?: boolean | null | undefined;
    };
    answer: unknown;
  };
  /** Get one of the inputs of a model. */
  'GET /v1/models/{model_id}/inputs/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change one of the inputs of a model. */
  'PATCH /v1/models/{model_id}/inputs/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
      default_behavior_code?: string | null | undefined;
      is_required?: boolean | null | undefined;
      default_value?: unknown | undefined;
      is_featured?: boolean | null | undefined;
    };
    answer: unknown;
  };
  /** Remove one of the inputs of a model. */
  'DELETE /v1/models/{model_id}/inputs/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the outputs of a model. */
  'GET /v1/models/{model_id}/outputs': {
    path: { model_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Add to the outputs of a model. */
  'POST /v1/models/{model_id}/outputs': {
    path: { model_id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Get one of the outputs of a model. */
  'GET /v1/models/{model_id}/outputs/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change one of the outputs of a model. */
  'PATCH /v1/models/{model_id}/outputs/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Remove one of the outputs of a model. */
  'DELETE /v1/models/{model_id}/outputs/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the examples of a model. */
  'GET /v1/models/{model_id}/examples': {
    path: { model_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Add to the examples of a model. */
  'POST /v1/models/{model_id}/examples': {
    path: { model_id: string };
    query: object;
    body: {
      title?: string | null | undefined;
      description?: string | null | undefined;
      input?: Record<string, unknown> | null | undefined;
      output?: Record<string, unknown> | null | undefined;
      status_code?: number | null | undefined;
      cost?: string | number | null | undefined;
      start_type?: string | null | undefined;
      timing?: Record<string, unknown> | null | undefined;
      duration_ms?: number | null | undefined;
      total_ms?: number | null | undefined;
      thumbnail_url?: string | null | undefined;
      category_code?: string | null | undefined;
      is_featured?: boolean | null | undefined;
      is_public?: boolean | null | undefined;
      sort_order?: number | null | undefined;
      ran_at?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Get one of the examples of a model. */
  'GET /v1/models/{model_id}/examples/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change one of the examples of a model. */
  'PATCH /v1/models/{model_id}/examples/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: {
      title?: string | null | undefined;
      description?: string | null | undefined;
      input?: Record<string, unknown> | null | undefined;
      output?: Record<string, unknown> | null | undefined;
      status_code?: number | null | undefined;
      cost?: string | number | null | undefined;
      start_type?: string | null | undefined;
      timing?: Record<string, unknown> | null | undefined;
      duration_ms?: number | null | undefined;
      total_ms?: number | null | undefined;
      thumbnail_url?: string | null | undefined;
      category_code?: string | null | undefined;
      is_featured?: boolean | null | undefined;
      is_public?: boolean | null | undefined;
      sort_order?: number | null | undefined;
      ran_at?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Remove one of the examples of a model. */
  'DELETE /v1/models/{model_id}/examples/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the faq entries of a model. */
  'GET /v1/models/{model_id}/faq-entries': {
    path: { model_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Add to the faq entries of a model. */
  'POST /v1/models/{model_id}/faq-entries': {
    path: { model_id: string };
    query: object;
    body: {
      question?: string | null | undefined;
      answer?: string | null | undefined;
      sort_order?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Get one of the faq entries of a model. */
  'GET /v1/models/{model_id}/faq-entries/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change one of the faq entries of a model. */
  'PATCH /v1/models/{model_id}/faq-entries/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: {
      question?: string | null | undefined;
      answer?: string | null | undefined;
      sort_order?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Remove one of the faq entries of a model. */
  'DELETE /v1/models/{model_id}/faq-entries/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the pricing of a model. */
  'GET /v1/models/{model_id}/pricing': {
    path: { model_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Add to the pricing of a model. */
  'POST /v1/models/{model_id}/pricing': {
    path: { model_id: string };
    query: object;
    body: {
      pricing_model_code?: string | null | undefined;
      rule_effect_code?: string | null | undefined;
      model_input_id?: string | null | undefined;
      match_value?: unknown | undefined;
      dimension_code?: string | null | undefined;
      min_value?: string | number | null | undefined;
      max_value?: string | number | null | undefined;
      price?: string | number | null | undefined;
      currency_code?: string | null | undefined;
      unit_code?: string | null | undefined;
      multiplier_label?: string | null | undefined;
      description?: string | null | undefined;
      sort_order?: number | null | undefined;
      disabled_at?: string | null | undefined;
      measurement_source?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Get one of the pricing of a model. */
  'GET /v1/models/{model_id}/pricing/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change one of the pricing of a model. */
  'PATCH /v1/models/{model_id}/pricing/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: {
      pricing_model_code?: string | null | undefined;
      rule_effect_code?: string | null | undefined;
      model_input_id?: string | null | undefined;
      match_value?: unknown | undefined;
      dimension_code?: string | null | undefined;
      min_value?: string | number | null | undefined;
      max_value?: string | number | null | undefined;
      price?: string | number | null | undefined;
      currency_code?: string | null | undefined;
      unit_code?: string | null | undefined;
      multiplier_label?: string | null | undefined;
      description?: string | null | undefined;
      sort_order?: number | null | undefined;
      disabled_at?: string | null | undefined;
      measurement_source?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Remove one of the pricing of a model. */
  'DELETE /v1/models/{model_id}/pricing/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the related links of a model. */
  'GET /v1/models/{model_id}/related-links': {
    path: { model_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Add to the related links of a model. */
  'POST /v1/models/{model_id}/related-links': {
    path: { model_id: string };
    query: object;
    body: {
      related_model_id?: string | null | undefined;
      sort_order?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Get one of the related links of a model. */
  'GET /v1/models/{model_id}/related-links/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Change one of the related links of a model. */
  'PATCH /v1/models/{model_id}/related-links/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: {
      related_model_id?: string | null | undefined;
      sort_order?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Remove one of the related links of a model. */
  'DELETE /v1/models/{model_id}/related-links/{id}': {
    path: { model_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Search flows. */
  'GET /v1/flows': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Search flows for an overview. */
  'GET /v1/flow-summaries': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Get a flow. */
  'GET /v1/flows/{flow}': {
    path: { flow: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the nodes of a flow. */
  'GET /v1/flows/{flow_id}/nodes': {
    path: { flow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Get a node of a flow. */
  'GET /v1/flows/{flow_id}/nodes/{id}': {
    path: { flow_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get a node of whichever flow. */
  'GET /v1/flow-nodes/{id}': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the inputs of a flow. */
  'GET /v1/flows/{flow_id}/inputs': {
    path: { flow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** List the outputs of a flow. */
  'GET /v1/flows/{flow_id}/outputs': {
    path: { flow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** List the versions of a flow. */
  'GET /v1/flows/{flow_id}/versions': {
    path: { flow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Get a version of a flow. */
  'GET /v1/flows/{flow_id}/versions/{id}': {
    path: { flow_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Search ComfyUI workflows. */
  'GET /v1/comfyui-workflows': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: {
      items: Array<ComfyUIWorkflow>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Deploy a ComfyUI workflow. */
  'POST /v1/comfyui-workflows': {
    path: object;
    query: object;
    body: {
      name: string;
      slug?: string | null | undefined;
      description?: string | null | undefined;
      workflow_json: Record<string, unknown>;
      version?: string | null | undefined;
      is_public?: boolean | null | undefined;
      status_code?: string | null | undefined;
      environment?: Record<string, unknown> | null | undefined;
      models?: Record<string, unknown> | null | undefined;
      custom_nodes?: Record<string, unknown> | null | undefined;
      graph?: Record<string, unknown> | null | undefined;
      resources?: Record<string, unknown> | null | undefined;
      category_code?: string | null | undefined;
      gpu_current_tier_code?: string | null | undefined;
      inputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        default_behavior_code?: string | null | undefined;
        is_required?: boolean | null | undefined;
        default_value?: unknown | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
        comfyui_node_id?: string | null | undefined;
        comfyui_field_name?: string | null | undefined;
      }> | null | undefined;
      outputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
        comfyui_node_id?: string | null | undefined;
        comfyui_field_name?: string | null | undefined;
      }> | null | undefined;
      gpu_explicit_models?: Array<string | {
        gpu_model_code?: string | null | undefined;
      }> | null | undefined;
    };
    answer: ComfyUIWorkflow;
  };
  /** Get a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{workflow}': {
    path: { workflow: string };
    query: {
      fields?: string | null | undefined;
    };
    body: undefined;
    answer: ComfyUIWorkflow;
  };
  /** Change a ComfyUI workflow. */
  'PATCH /v1/comfyui-workflows/{workflow}': {
    path: { workflow: string };
    query: object;
    body: {
      name?: string | undefined;
      slug?: string | null | undefined;
      description?: string | null | undefined;
      workflow_json?: Record<string, unknown> | null | undefined;
      version?: string | null | undefined;
      is_public?: boolean | null | undefined;
      status_code?: string | null | undefined;
      environment?: Record<string, unknown> | null | undefined;
      models?: Record<string, unknown> | null | undefined;
      custom_nodes?: Record<string, unknown> | null | undefined;
      graph?: Record<string, unknown> | null | undefined;
      resources?: Record<string, unknown> | null | undefined;
      category_code?: string | null | undefined;
      gpu_current_tier_code?: string | null | undefined;
      inputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        default_behavior_code?: string | null | undefined;
        is_required?: boolean | null | undefined;
        default_value?: unknown | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
        comfyui_node_id?: string | null | undefined;
        comfyui_field_name?: string | null | undefined;
      }> | null | undefined;
      outputs?: Array<{
        id?: string | null | undefined;
        name?: string | null | undefined;
        display_name?: string | null | undefined;
        description?: string | null | undefined;
        variable_type_code?: string | null | undefined;
        validator_code?: string | null | undefined;
        validator_attrs?: Record<string, unknown> | null | undefined;
        sort_order?: number | null | undefined;
        comfyui_node_id?: string | null | undefined;
        comfyui_field_name?: string | null | undefined;
      }> | null | undefined;
      gpu_explicit_models?: Array<string | {
        gpu_model_code?: string | null | undefined;
      }> | null | undefined;
    };
    answer: ComfyUIWorkflow;
  };
  /** Remove a ComfyUI workflow. */
  'DELETE /v1/comfyui-workflows/{workflow}': {
    path: { workflow: string };
    query: object;
    body: undefined;
    answer: undefined;
  };
  /** List the inputs of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{comfyui_workflow_id}/inputs': {
    path: { comfyui_workflow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: {
      items: Array<ComfyUIWorkflowInput>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Add to the inputs of a ComfyUI workflow. */
  'POST /v1/comfyui-workflows/{comfyui_workflow_id}/inputs': {
    path: { comfyui_workflow_id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      default_behavior_code?: string | null | undefined;
      is_required?: boolean | null | undefined;
      default_value?: unknown | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
      comfyui_node_id?: string | null | undefined;
      comfyui_field_name?: string | null | undefined;
    };
    answer: ComfyUIWorkflowInput;
  };
  /** Get one of the inputs of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{comfyui_workflow_id}/inputs/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: undefined;
    answer: ComfyUIWorkflowInput;
  };
  /** Change one of the inputs of a ComfyUI workflow. */
  'PATCH /v1/comfyui-workflows/{comfyui_workflow_id}/inputs/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      default_behavior_code?: string | null | undefined;
      is_required?: boolean | null | undefined;
      default_value?: unknown | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
      comfyui_node_id?: string | null | undefined;
      comfyui_field_name?: string | null | undefined;
    };
    answer: ComfyUIWorkflowInput;
  };
  /** Remove one of the inputs of a ComfyUI workflow. */
  'DELETE /v1/comfyui-workflows/{comfyui_workflow_id}/inputs/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: undefined;
    answer: undefined;
  };
  /** List the outputs of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{comfyui_workflow_id}/outputs': {
    path: { comfyui_workflow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: {
      items: Array<ComfyUIWorkflowOutput>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Add to the outputs of a ComfyUI workflow. */
  'POST /v1/comfyui-workflows/{comfyui_workflow_id}/outputs': {
    path: { comfyui_workflow_id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
      comfyui_node_id?: string | null | undefined;
      comfyui_field_name?: string | null | undefined;
    };
    answer: ComfyUIWorkflowOutput;
  };
  /** Get one of the outputs of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{comfyui_workflow_id}/outputs/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: undefined;
    answer: ComfyUIWorkflowOutput;
  };
  /** Change one of the outputs of a ComfyUI workflow. */
  'PATCH /v1/comfyui-workflows/{comfyui_workflow_id}/outputs/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: {
      name?: string | null | undefined;
      display_name?: string | null | undefined;
      description?: string | null | undefined;
      variable_type_code?: string | null | undefined;
      validator_code?: string | null | undefined;
      validator_attrs?: Record<string, unknown> | null | undefined;
      sort_order?: number | null | undefined;
      comfyui_node_id?: string | null | undefined;
      comfyui_field_name?: string | null | undefined;
    };
    answer: ComfyUIWorkflowOutput;
  };
  /** Remove one of the outputs of a ComfyUI workflow. */
  'DELETE /v1/comfyui-workflows/{comfyui_workflow_id}/outputs/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: undefined;
    answer: undefined;
  };
  /** List the gpu explicit models of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{comfyui_workflow_id}/gpu-models': {
    path: { comfyui_workflow_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: {
      items: Array<ComfyUIWorkflowGpuModel>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Add to the gpu explicit models of a ComfyUI workflow. */
  'POST /v1/comfyui-workflows/{comfyui_workflow_id}/gpu-models': {
    path: { comfyui_workflow_id: string };
    query: object;
    body: {
      gpu_model_code?: string | null | undefined;
    };
    answer: ComfyUIWorkflowGpuModel;
  };
  /** Get one of the gpu explicit models of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{comfyui_workflow_id}/gpu-models/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: undefined;
    answer: ComfyUIWorkflowGpuModel;
  };
  /** Change one of the gpu explicit models of a ComfyUI workflow. */
  'PATCH /v1/comfyui-workflows/{comfyui_workflow_id}/gpu-models/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: {
      gpu_model_code?: string | null | undefined;
    };
    answer: ComfyUIWorkflowGpuModel;
  };
  /** Remove one of the gpu explicit models of a ComfyUI workflow. */
  'DELETE /v1/comfyui-workflows/{comfyui_workflow_id}/gpu-models/{id}': {
    path: { comfyui_workflow_id: string; id: string };
    query: object;
    body: undefined;
    answer: undefined;
  };
  /** Dispatch a run of a model. */
  'POST /v1/models/{target}/runs': {
    path: { target: string };
    query: object;
    body: {
      input?: Record<string, unknown> | undefined;
      metadata?: Record<string, unknown> | null | undefined;
      callback_url?: string | null | undefined;
      client_ref?: string | null | undefined;
    };
    answer: unknown;
  };
  /** List the runs of a model. */
  'GET /v1/models/{target}/runs': {
    path: { target: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Dispatch a batch of runs of a model. */
  'POST /v1/models/{target}/batches': {
    path: { target: string };
    query: object;
    body: {
      input?: Array<Record<string, unknown>> | undefined;
      items?: Array<{
        input: Record<string, unknown>;
        client_ref?: string | null | undefined;
      }> | undefined;
      metadata?: Record<string, unknown> | null | undefined;
      callback_url?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Dispatch a run of a ComfyUI workflow. */
  'POST /v1/comfyui-workflows/{target}/runs': {
    path: { target: string };
    query: object;
    body: {
      input?: Record<string, unknown> | undefined;
      metadata?: Record<string, unknown> | null | undefined;
      callback_url?: string | null | undefined;
      client_ref?: string | null | undefined;
    };
    answer: unknown;
  };
  /** List the runs of a ComfyUI workflow. */
  'GET /v1/comfyui-workflows/{target}/runs': {
    path: { target: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Dispatch a batch of runs of a ComfyUI workflow. */
  'POST /v1/comfyui-workflows/{target}/batches': {
    path: { target: string };
    query: object;
    body: {
      input?: Array<Record<string, unknown>> | undefined;
      items?: Array<{
        input: Record<string, unknown>;
        client_ref?: string | null | undefined;
      }> | undefined;
      metadata?: Record<string, unknown> | null | undefined;
      callback_url?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Dispatch a run of a flow. */
  'POST /v1/flows/{target}/runs': {
    path: { target: string };
    query: object;
    body: {
      input?: Record<string, unknown> | undefined;
      metadata?: Record<string, unknown> | null | undefined;
      callback_url?: string | null | undefined;
      client_ref?: string | null | undefined;
      flow_version_id?: string | null | undefined;
    };
    answer: unknown;
  };
  /** List the runs of a flow. */
  'GET /v1/flows/{target}/runs': {
    path: { target: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Dispatch a batch of runs of a flow. */
  'POST /v1/flows/{target}/batches': {
    path: { target: string };
    query: object;
    body: {
      input?: Array<Record<string, unknown>> | undefined;
      items?: Array<{
        input: Record<string, unknown>;
        client_ref?: string | null | undefined;
      }> | undefined;
      metadata?: Record<string, unknown> | null | undefined;
      callback_url?: string | null | undefined;
    };
    answer: unknown;
  };
  /** Search batches. */
  'GET /v1/batches': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Get a batch. */
  'GET /v1/batches/{batch_id}': {
    path: { batch_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Cancel the runs of a batch. */
  'POST /v1/batches/{batch_id}/cancellation': {
    path: { batch_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the items of a batch. */
  'GET /v1/batches/{batch_id}/items': {
    path: { batch_id: string };
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Get an item of a batch. */
  'GET /v1/batches/{batch_id}/items/{id}': {
    path: { batch_id: string; id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List the callback deliveries of a batch. */
  'GET /v1/batches/{batch_id}/callback': {
    path: { batch_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Deliver the callback of a batch again. */
  'POST /v1/batches/{batch_id}/callback-redeliveries': {
    path: { batch_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Evaluate a run or a picture. */
  'POST /v1/evaluations': {
    path: object;
    query: object;
    body: {
      run_id?: string | null | undefined;
      generated_image_url?: string | null | undefined;
      task_type?: string | null | undefined;
      task_description?: string | null | undefined;
      generation_prompt?: string | null | undefined;
      evaluation_instructions?: string | null | undefined;
      input_attributes?: Record<string, unknown> | null | undefined;
      reference_images?: Array<{
        url: string;
        kind?: string | null | undefined;
        description?: string | null | undefined;
      }> | null | undefined;
      parent_evaluation_id?: string | null | undefined;
      judges?: Array<{
        workflow_id: string;
        name?: string | null | undefined;
        category?: string | null | undefined;
        weight?: number | null | undefined;
        gate?: boolean | null | undefined;
      }> | null | undefined;
      threshold?: number | null | undefined;
      client_ref?: string | null | undefined;
      job_class?: 'standard' | null | undefined;
      callback_url?: string | null | undefined;
    };
    answer: Evaluation;
  };
  /** Search evaluations. */
  'GET /v1/evaluations': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: {
      items: Array<Evaluation>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** List evaluation statuses. */
  'GET /v1/evaluations/statuses': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** List classes of evaluations. */
  'GET /v1/evaluations/job-classes': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get the judges of the workspace. */
  'GET /v1/evaluations/defaults': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Set the judges of the workspace. */
  'PUT /v1/evaluations/defaults': {
    path: object;
    query: object;
    body: {
      judges?: Array<{
        workflow_id: string;
        name?: string | null | undefined;
        category?: string | null | undefined;
        weight?: number | null | undefined;
        gate?: boolean | null | undefined;
      }> | null | undefined;
      threshold?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Evaluate the runs that a filter finds. */
  'POST /v1/evaluations/bulk': {
    path: object;
    query: object;
    body: {
      q?: string | null | undefined;
      limit?: number | undefined;
      judges?: Array<{
        workflow_id: string;
        name?: string | null | undefined;
        category?: string | null | undefined;
        weight?: number | null | undefined;
        gate?: boolean | null | undefined;
      }> | null | undefined;
      threshold?: number | null | undefined;
      expected_count?: number | null | undefined;
      dry_run?: boolean | undefined;
    };
    answer: unknown;
  };
  /** Get an evaluation. */
  'GET /v1/evaluations/{evaluation_id}': {
    path: { evaluation_id: string };
    query: {
      fields?: string | null | undefined;
      embed?: string | null | undefined;
    };
    body: undefined;
    answer: Evaluation;
  };
  /** List the callback deliveries of an evaluation. */
  'GET /v1/evaluations/{evaluation_id}/callback': {
    path: { evaluation_id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Set feedback on an evaluation. */
  'PATCH /v1/evaluations/{evaluation_id}/feedback': {
    path: { evaluation_id: string };
    query: object;
    body: {
      is_positive?: boolean | null | undefined;
      reason?: string | null | undefined;
    };
    answer: Evaluation;
  };
  /** Search human requests. */
  'GET /v1/human-requests': {
    path: object;
    query: {
      q?: string | null | undefined;
      limit?: number | null | undefined;
      sort_by?: string | null | undefined;
      fields?: string | null | undefined;
      pq?: string | null | undefined;
      from_prev?: boolean | undefined;
      status_code?: 'pending' | 'answered' | 'canceled' | 'expired' | 'all' | undefined;
    };
    body: undefined;
    answer: {
      items: Array<HumanRequest>;
      first?: string | null | undefined;
      next?: string | null | undefined;
      previous?: string | null | undefined;
    };
  };
  /** Get a human request. */
  'GET /v1/human-requests/{id}': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: HumanRequest;
  };
  /** Answer a human request. */
  'POST /v1/human-requests/{id}/answer': {
    path: { id: string };
    query: object;
    body: {
      answer: Record<string, unknown>;
      answered_by?: string | null | undefined;
    };
    answer: HumanRequest;
  };
  /** Cancel a human request. */
  'POST /v1/human-requests/{id}/cancel': {
    path: { id: string };
    query: object;
    body: {
      reason?: string | null | undefined;
    };
    answer: HumanRequest;
  };
  /** List API keys. */
  'GET /v1/api-keys': {
    path: object;
    query: {
      ended?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Make an API key. */
  'POST /v1/api-keys': {
    path: object;
    query: object;
    body: {
      name: string;
      scopes: Array<string>;
      expires_at?: string | null | undefined;
      rate_limit?: number | null | undefined;
    };
    answer: unknown;
  };
  /** Get an API key. */
  'GET /v1/api-keys/{id}': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Revoke an API key. */
  'DELETE /v1/api-keys/{id}': {
    path: { id: string };
    query: {
      force?: boolean | undefined;
    };
    body: undefined;
    answer: unknown;
  };
  /** Give an API key a new text. */
  'POST /v1/api-keys/{id}/rotations': {
    path: { id: string };
    query: object;
    body: {
      grace_seconds?: number | undefined;
    } | null;
    answer: unknown;
  };
  /** List credentials. */
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
        org_id: string;
      }>;
    };
  };
  /** Make a credential. */
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
      org_id: string;
    };
  };
  /** Seal credentials with the current key. */
  'POST /v1/credentials/reseals': {
    path: object;
    query: object;
    body: undefined;
    answer: {
      resealed: Array<string>;
      unchanged: Array<string>;
      failed: Record<string, string>;
    };
  };
  /** Get a credential. */
  'GET /v1/credentials/{id}': {
    path: { id: string };
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
      org_id: string;
    };
  };
  /** Change a credential. */
  'PATCH /v1/credentials/{id}': {
    path: { id: string };
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
      org_id: string;
    };
  };
  /** Delete a credential. */
  'DELETE /v1/credentials/{id}': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: undefined;
  };
  /** Test a credential. */
  'POST /v1/credentials/{id}/tests': {
    path: { id: string };
    query: object;
    body: undefined;
    answer: {
      ok: boolean;
      status: number | null;
      message: string;
      models: Array<string>;
    };
  };
  /** Get the settings of models. */
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
  /** Replace the settings of models. */
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
  /** Describe the key. */
  'GET /v1/auth/me': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get the balance. */
  'GET /v1/credit-balances': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get the balance in cents. */
  'GET /v1/billing/balance': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
  /** Get this description. */
  'GET /v1/openapi.json': {
    path: object;
    query: object;
    body: undefined;
    answer: unknown;
  };
}
