import Type, { type TSchema, type TSchemaOptions } from 'typebox';
import { EVALUATION_STATUSES } from '../../domain/evaluation.ts';
import { FORM_FIELD_KINDS } from '../../domain/form.ts';
import { PERSON_REQUEST_STATUSES } from '../../domain/person-request.ts';
import { WORKFLOW_KINDS } from '../../domain/workflow.ts';
import { RUN_STATUS_CODES } from './words.ts';

/**
 * The resources of the Runflow API as schemas: those of the page "Search runs" with every property that it shows, the hidden enumerations of
 * runflow-api.md 2.8 included. Every property is optional and nullable, as the reference says of all its answers.
 */

/** A schema or null. */
export const nullable = <T extends TSchema>(schema: T, options: TSchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options);

/** A property that may be left out or null. */
export const opt = <T extends TSchema>(schema: T) => Type.Optional(nullable(schema));

const uuid = () => opt(Type.String({ format: 'uuid' }));
const text = () => opt(Type.String());
const time = () => opt(Type.String({ format: 'date-time' }));
const integer = () => opt(Type.Integer());
const flag = () => opt(Type.Boolean());
/** An amount of money, or another number that must stay exact, as text. */
const decimal = () => opt(Type.String());
const object = () => opt(Type.Record(Type.String(), Type.Unknown()));
const any = () => Type.Optional(Type.Unknown());
const list = (name: string) => opt(Type.Array(Type.Ref(name)));
const one = (name: string) => opt(Type.Ref(name));
const code = (values: readonly string[]) => opt(Type.Enum([...values], { type: 'string' }));

const timestamps = { created_at: time(), updated_at: time() };

const EvaluationSummary = Type.Object(
  { passed: flag(), status_code: text(), score: opt(Type.Number()) },
  { $id: 'EvaluationSummary' },
);

const EvaluationIssue = Type.Object(
  {
    id: uuid(),
    evaluation_id: uuid(),
    evaluation_judge_id: uuid(),
    category: text(),
    subcategory: text(),
    detail: text(),
  },
  { $id: 'EvaluationIssue' },
);

const EvaluationJudge = Type.Object(
  {
    id: uuid(),
    evaluation_id: uuid(),
    name: text(),
    description: text(),
    category: text(),
    workflow_id: text(),
    run_id: uuid(),
    status_code: text(),
    is_gate: flag(),
    passed: flag(),
    confidence: opt(Type.Number()),
    weight: opt(Type.Number()),
    reasoning: text(),
    evidence: opt(Type.Array(Type.String())),
    strengths: opt(Type.Array(Type.String())),
    sub_point_results: object(),
    sub_points_evaluated: integer(),
    created_at: time(),
    issues: list('EvaluationIssue'),
  },
  { $id: 'EvaluationJudge' },
);

const Evaluation = Type.Object(
  {
    id: uuid(),
    org_id: uuid(),
    run_id: uuid(),
    target_type_code: code(WORKFLOW_KINDS),
    model_id: uuid(),
    flow_id: uuid(),
    comfyui_workflow_id: uuid(),
    task_type: text(),
    task_description: text(),
    generation_prompt: text(),
    generated_image_url: text(),
    input_attributes: object(),
    evaluation_instructions: text(),
    reference_images: opt(Type.Array(Type.Object({ url: text(), kind: text(), description: text() }))),
    status_code: code(EVALUATION_STATUSES),
    job_class_code: text(),
    overall_passed: flag(),
    weighted_pass_rate: opt(Type.Number({ minimum: 0, maximum: 1 })),
    pass_threshold: opt(Type.Number({ minimum: 0, maximum: 1 })),
    override_reason: text(),
    top_issues: opt(Type.Array(Type.String())),
    top_strengths: opt(Type.Array(Type.String())),
    check_summary: object(),
    analysis_modules_executed: integer(),
    primary_action_code: text(),
    parent_evaluation_id: uuid(),
    attempt_number: integer(),
    superseded_at: time(),
    eval_duration_ms: integer(),
    feedback_is_positive: flag(),
    feedback_reason: text(),
    created_at: time(),
    updated_at: time(),
    client_ref: text(),
    submitted_at: time(),
    completed_at: time(),
    callback_url: text(),
    cost: decimal(),
    links: object(),
    failure_code: text(),
    failure_message: text(),
    judges: list('EvaluationJudge'),
    action: object(),
    gate_failures: opt(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
  },
  { $id: 'Evaluation' },
);

const NodeRun = Type.Object(
  {
    id: uuid(),
    run_id: uuid(),
    node_id: uuid(),
    /** An addition: the name of the node in its graph. */
    node_key: text(),
    flow_id: uuid(),
    state_code: text(),
    input: object(),
    output: object(),
    input_signature: text(),
    preview_type: text(),
    preview_value: text(),
    duration_ms: integer(),
    cost: decimal(),
    retry_count: integer(),
    error_message: text(),
    created_at: time(),
    started_at: time(),
    completed_at: time(),
  },
  { $id: 'NodeRun' },
);

const RunLog = Type.Object(
  {
    id: uuid(),
    run_id: uuid(),
    level_code: text(),
    message: text(),
    timestamp: time(),
    meta: object(),
    run: one('Run'),
  },
  { $id: 'RunLog' },
);

/** What inputs of models, ComfyUI workflows and flows have in common. */
const input = {
  name: text(),
  display_name: text(),
  description: text(),
  variable_type_code: text(),
  validator_code: text(),
  validator_attrs: object(),
  is_required: flag(),
  default_value: any(),
  sort_order: integer(),
};

/** What outputs of models, ComfyUI workflows and flows have in common. */
const output = {
  name: text(),
  display_name: text(),
  description: text(),
  variable_type_code: text(),
  validator_code: text(),
  validator_attrs: object(),
  sort_order: integer(),
};

const ofModel = { id: uuid(), model_id: uuid() };

const ModelInput = Type.Object(
  { ...ofModel, ...input, default_behavior_code: text(), is_featured: flag(), ...timestamps },
  { $id: 'ModelInput' },
);

const ModelOutput = Type.Object({ ...ofModel, ...output, ...timestamps }, { $id: 'ModelOutput' });

const ModelExample = Type.Object(
  {
    ...ofModel,
    title: text(),
    description: text(),
    input: object(),
    output: object(),
    /** As of HTTP. */
    status_code: integer(),
    cost: decimal(),
    start_type: text(),
    timing: object(),
    duration_ms: integer(),
    total_ms: integer(),
    thumbnail_url: text(),
    category_code: text(),
    is_featured: flag(),
    is_public: flag(),
    sort_order: integer(),
    ran_at: time(),
    ...timestamps,
  },
  { $id: 'ModelExample' },
);

const ModelFaqEntry = Type.Object(
  { ...ofModel, question: text(), answer: text(), sort_order: integer(), ...timestamps },
  { $id: 'ModelFaqEntry' },
);

const ModelPricing = Type.Object(
  {
    ...ofModel,
    pricing_model_code: text(),
    rule_effect_code: text(),
    model_input_id: uuid(),
    match_value: any(),
    dimension_code: text(),
    min_value: decimal(),
    max_value: decimal(),
    price: decimal(),
    currency_code: text(),
    unit_code: text(),
    multiplier_label: text(),
    description: text(),
    sort_order: integer(),
    disabled_at: time(),
    measurement_source: text(),
    ...timestamps,
  },
  { $id: 'ModelPricing' },
);

const ModelRelatedLink = Type.Object(
  { ...ofModel, related_model_id: uuid(), sort_order: integer(), created_at: time() },
  { $id: 'ModelRelatedLink' },
);

const Model = Type.Object(
  {
    id: uuid(),
    org_id: uuid(),
    model_creator_id: uuid(),
    slug: text(),
    name: text(),
    description: text(),
    version: text(),
    is_public: flag(),
    is_open_source: flag(),
    icon_url: text(),
    cover_url: text(),
    category_code: text(),
    status_code: text(),
    family_id: uuid(),
    family_variant_code: text(),
    param_count: text(),
    architecture: text(),
    license_code: text(),
    max_resolution: text(),
    lora_support: flag(),
    fine_tuning: flag(),
    supports_streaming: flag(),
    paper_url: text(),
    github_url: text(),
    is_official: flag(),
    availability_status: text(),
    seo: object(),
    notable_features: opt(Type.Array(Type.Unknown())),
    content: text(),
    pricing_note: text(),
    created_by: uuid(),
    ...timestamps,
    deleted_at: time(),
    deleted_by: uuid(),
    inputs: list('ModelInput'),
    outputs: list('ModelOutput'),
    examples: list('ModelExample'),
    faq_entries: list('ModelFaqEntry'),
    pricing: list('ModelPricing'),
    related_links: list('ModelRelatedLink'),
  },
  { $id: 'Model' },
);

const ofComfyUi = { id: uuid(), comfyui_workflow_id: uuid() };
/** Where in the graph it sits: the key of a node, and the field of that node. */
const place = { comfyui_node_id: text(), comfyui_field_name: text() };

const ComfyUIWorkflowInput = Type.Object(
  { ...ofComfyUi, ...input, default_behavior_code: text(), ...place, ...timestamps },
  { $id: 'ComfyUIWorkflowInput' },
);

const ComfyUIWorkflowOutput = Type.Object(
  { ...ofComfyUi, ...output, ...place, ...timestamps },
  { $id: 'ComfyUIWorkflowOutput' },
);

const ComfyUIWorkflowGpuModel = Type.Object(
  { ...ofComfyUi, gpu_model_code: text(), created_at: time() },
  { $id: 'ComfyUIWorkflowGpuModel' },
);

const ComfyUIWorkflow = Type.Object(
  {
    id: uuid(),
    org_id: uuid(),
    slug: text(),
    name: text(),
    description: text(),
    workflow_json: object(),
    version: text(),
    is_public: flag(),
    status_code: text(),
    created_by: uuid(),
    environment: object(),
    models: object(),
    custom_nodes: object(),
    graph: object(),
    resources: object(),
    ...timestamps,
    deleted_at: time(),
    deleted_by: uuid(),
    category_code: text(),
    gpu_current_tier_code: text(),
    inputs: list('ComfyUIWorkflowInput'),
    outputs: list('ComfyUIWorkflowOutput'),
    gpu_explicit_models: list('ComfyUIWorkflowGpuModel'),
  },
  { $id: 'ComfyUIWorkflow' },
);

const ofFlow = { id: uuid(), flow_id: uuid() };

const FlowInput = Type.Object({ ...ofFlow, ...input, ...timestamps }, { $id: 'FlowInput' });
const FlowOutput = Type.Object({ ...ofFlow, ...output, ...timestamps }, { $id: 'FlowOutput' });

const Flow = Type.Object(
  {
    id: uuid(),
    slug: text(),
    name: text(),
    description: text(),
    cover_url: text(),
    org_id: uuid(),
    flow_type_code: text(),
    category_code: text(),
    visibility_code: text(),
    source_visibility_code: text(),
    status_code: text(),
    version: integer(),
    current_version_id: uuid(),
    estimated_cost: decimal(),
    context_variables: object(),
    run_count: integer(),
    avg_duration: decimal(),
    cost_per_run: decimal(),
    featured_at: time(),
    created_by: uuid(),
    ...timestamps,
    inputs: list('FlowInput'),
    outputs: list('FlowOutput'),
  },
  { $id: 'Flow' },
);

const Run = Type.Object(
  {
    id: uuid(),
    flow_id: uuid(),
    model_id: uuid(),
    comfyui_workflow_id: uuid(),
    target_type: code(WORKFLOW_KINDS),
    target_version: text(),
    org_id: uuid(),
    status_code: code(RUN_STATUS_CODES),
    source_code: text(),
    input: object(),
    output: object(),
    context: object(),
    duration_ms: integer(),
    cost: decimal(),
    cost_breakdown: object(),
    nodes_total: integer(),
    nodes_completed: integer(),
    resolved_template_id: uuid(),
    batch_id: uuid(),
    client_ref: text(),
    jurisdiction_code: text(),
    flow_version_id: uuid(),
    request_id: text(),
    created_by: uuid(),
    created_at: time(),
    started_at: time(),
    completed_at: time(),
    callback_url: text(),
    metadata: object(),
    has_logs: flag(),
    has_node_runs: flag(),
    links: object(),
    failure_code: text(),
    failure_stage_code: text(),
    failure_message: text(),
    feedback_is_positive: flag(),
    feedback_reason: text(),
    source_chat_message_id: uuid(),
    current_evaluation_summary: one('EvaluationSummary'),
    node_runs: list('NodeRun'),
    logs: list('RunLog'),
    flow: one('Flow'),
    model: one('Model'),
    comfyui_workflow: one('ComfyUIWorkflow'),
  },
  { $id: 'Run' },
);

/** The body of every refusal (runflow-api.md 1.2). */
const ApiError = Type.Object(
  {
    code: Type.String(),
    message: Type.String(),
    errors: opt(
      Type.Array(
        Type.Object({
          loc: Type.Array(Type.Union([Type.String(), Type.Integer()])),
          msg: Type.String(),
          type: Type.String(),
          /** Where in the text that was given, in UTF-16 code units. */
          position: Type.Optional(Type.Integer()),
          end: Type.Optional(Type.Integer()),
          hint: Type.Optional(Type.String()),
          node_id: Type.Optional(Type.String()),
        }),
      ),
    ),
  },
  { $id: 'Error' },
);

/** What a run asks a person: an addition. */
const HumanRequest = Type.Object(
  {
    id: uuid(),
    org_id: text(),
    workflow_id: uuid(),
    run_id: uuid(),
    node_key: text(),
    iteration: integer(),
    status_code: code(PERSON_REQUEST_STATUSES),
    title: text(),
    description: text(),
    fields: opt(
      Type.Array(
        Type.Object({
          name: text(),
          type: code(FORM_FIELD_KINDS),
          label: text(),
          required: flag(),
          initial_value: any(),
          options: opt(Type.Array(Type.String())),
        }),
      ),
    ),
    assignee: text(),
    due_at: time(),
    default_answer: object(),
    answer: object(),
    settled_by: text(),
    created_at: time(),
    settled_at: time(),
  },
  { $id: 'HumanRequest' },
);

/** Schemas that routes refer to by name. */
export const COMPONENTS: readonly TSchema[] = [
  EvaluationSummary,
  EvaluationIssue,
  EvaluationJudge,
  Evaluation,
  NodeRun,
  RunLog,
  ModelInput,
  ModelOutput,
  ModelExample,
  ModelFaqEntry,
  ModelPricing,
  ModelRelatedLink,
  Model,
  ComfyUIWorkflowInput,
  ComfyUIWorkflowOutput,
  ComfyUIWorkflowGpuModel,
  ComfyUIWorkflow,
  FlowInput,
  FlowOutput,
  Flow,
  Run,
  HumanRequest,
  ApiError,
];

/** The properties of a component, in the order of the reference. */
export function fieldsOf(component: string): readonly string[] {
  const found = COMPONENTS.find((one) => (one as { $id?: string }).$id === component);
  return Object.keys((found as { properties?: object } | undefined)?.properties ?? {});
}

/** The answers of a route: what it gives, and the refusals that every route may give. */
export function answers(schema: TSchema, status = 200) {
  const refusal = (description: string) => Type.Ref('Error', { description });
  return {
    [status]: schema,
    401: refusal('No key, or one that is not known'),
    403: refusal('The key lacks a scope'),
    404: refusal('There is no such thing in this organization'),
    422: refusal('What was sent is not valid'),
  };
}
