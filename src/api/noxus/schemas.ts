import Type, { type TSchema, type TSchemaOptions } from 'typebox';
import { WARNING_IDENTIFIERS } from '../../domain/warning.ts';
import { WORKFLOW_TYPES } from '../../domain/workflow.ts';
import { DEFINITION_DESCRIPTION } from './texts.ts';
import { RUN_STATUS_WORDS } from './words.ts';

/** The schemas of the Noxus API, as its reference pages give them (`noxus-api.md` 1.4 to 1.8 and 2.1). */

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const uuid = (options: object = {}) => Type.String({ format: 'uuid', ...options });
/** Ids of other systems are free texts. */
const anyId = () => Type.Union([uuid(), Type.String(), Type.Null()]);
const dateTime = () => Type.String({ format: 'date-time' });
const freeObject = (options: TSchemaOptions = {}) => Type.Record(Type.String(), Type.Unknown(), options);
const oneOf = <const T extends readonly string[]>(values: T, options: object = {}) =>
  Type.Enum(values as unknown as string[], { type: 'string', ...options });
const o = Type.Optional;

const RunStatus = oneOf(RUN_STATUS_WORDS, { $id: 'RunStatus' });

const NodeStatus = oneOf(
  ['running', 'errored', 'succeeded', 'skipped', 'payment_required', 'awaiting_human_feedback'],
  { $id: 'NodeStatus' },
);

const EDGE_STATUS_WORDS = ['pending', 'active', 'skipped', 'completed'] as const;
const EdgeStatus = oneOf(EDGE_STATUS_WORDS, { $id: 'EdgeStatus' });
const WarningIdentifier = oneOf(WARNING_IDENTIFIERS, { $id: 'WarningIdentifier' });

const SpotWarning = Type.Object(
  {
    detail: Type.String(),
    identifier: Type.Ref('WarningIdentifier'),
    node_id: o(nullable(Type.String())),
    params: o(freeObject({ default: {} })),
    markdown: o(nullable(Type.String())),
    snippet: o(nullable(Type.String())),
  },
  { $id: 'SpotWarning' },
);

const NodeProgress = Type.Object(
  {
    current_it: Type.Integer(),
    total_it: Type.Integer(),
    status: Type.Ref('NodeStatus'),
    started_at: o(nullable(dateTime())),
    finished_at: o(nullable(dateTime())),
    warnings: o(Type.Array(Type.Ref('SpotWarning'))),
  },
  { $id: 'NodeProgress' },
);

const EdgeProgress = Type.Object(
  // In full: what stands beside a reference does not get into the document.
  { status: o(oneOf(EDGE_STATUS_WORDS, { default: 'pending' })) },
  { $id: 'EdgeProgress' },
);

const ConnectorAddress = Type.Object(
  {
    connector_name: Type.String(),
    node_id: Type.String(),
    key: o(nullable(Type.String())),
    optional: o(Type.Boolean({ default: false })),
  },
  { $id: 'ConnectorAddress' },
);

const SubflowConfig = Type.Object(
  {
    workflow_id: Type.String(),
    workflow_name: Type.String(),
    workflow_nodes: o(Type.Array(Type.String(), { default: [] })),
  },
  { $id: 'SubflowConfig' },
);

const NodePreview = Type.Object(
  {
    node_config: freeObject(),
    connector_config: o(nullable(freeObject())),
    credential_ids: o(Type.Record(Type.String(), Type.String(), { default: {} })),
    subflow_id: o(nullable(Type.String())),
    id: Type.String(),
    name: o(nullable(Type.String())),
    type: Type.String(),
    subflow_config: o(nullable(Type.Ref('SubflowConfig'))),
    plugin_name: o(nullable(Type.String())),
  },
  { $id: 'NodePreview' },
);

const EdgePreview = Type.Object(
  { from_id: Type.Ref('ConnectorAddress'), to_id: Type.Ref('ConnectorAddress'), id: Type.String() },
  { $id: 'EdgePreview' },
);

const WorkflowDefinition = Type.Object(
  { nodes: Type.Array(Type.Ref('NodePreview')), edges: Type.Array(Type.Ref('EdgePreview')) },
  { $id: 'WorkflowDefinition' },
);

const WorkflowProgress = Type.Object(
  {
    executed_nodes: Type.Array(Type.String()),
    running_nodes: o(nullable(Type.Array(Type.String()))),
    remaining_nodes: Type.Array(Type.String()),
    skipped_nodes: o(Type.Array(Type.String(), { default: [] })),
    error_handler_nodes: o(Type.Array(Type.String(), { default: [] })),
    per_node_progress: Type.Record(Type.String(), Type.Ref('NodeProgress')),
    subflow_executions: o(Type.Record(Type.String(), Type.Ref('SubflowExecution'), { default: {} })),
    per_edge_progress: o(Type.Record(Type.String(), Type.Ref('EdgeProgress'), { default: {} })),
    run_logs: o(Type.Record(Type.String(), Type.Union([Type.String(), freeObject(), Type.Number(), Type.Integer()]))),
  },
  { $id: 'WorkflowProgress' },
);

const SubflowExecution = Type.Object(
  {
    node_id: Type.String(),
    workflow_name: Type.String(),
    workflow_id: Type.String(),
    workflow_definition: Type.Ref('WorkflowDefinition'),
    raw_definition: o(nullable(freeObject())),
    total_iterations: Type.Integer(),
    iterations: o(Type.Record(Type.String(), Type.Ref('WorkflowProgress'), { default: {} })),
  },
  { $id: 'SubflowExecution' },
);

/** Fields that every form of a run has. */
const runBase = {
  id: uuid(),
  group_id: uuid(),
  workflow_id: uuid(),
  status: Type.Ref('RunStatus'),
  created_at: dateTime(),
  input: o(nullable(freeObject())),
  node_ids: o(nullable(Type.Union([Type.Array(Type.String()), freeObject()]))),
  progress: o(Type.Integer({ default: 0 })),
  finished_at: o(nullable(dateTime())),
};

const pinned = {
  single_node_id: o(nullable(Type.String())),
  workflow_version_id: o(nullable(uuid())),
};

const provenance = {
  definitions: o(nullable(freeObject())),
  started_at: o(nullable(dateTime())),
  source: o(nullable(Type.String())),
  meta: o(nullable(freeObject())),
  error_handler_run_id: o(
    uuid({ description: 'The run that handles the error of this one, where there is one. An addition of Millrun.' }),
  ),
  failed_run_id: o(
    uuid({ description: 'The run whose error this one handles, where it handles one. An addition of Millrun.' }),
  ),
};

/** Answer of create, stop and get-by-workflow: without the definition. */
const SimplifiedRun = Type.Object(
  {
    ...runBase,
    ...pinned,
    output: o(nullable(freeObject())),
    progress_details: o(nullable(Type.Ref('WorkflowProgress'))),
    error: o(nullable(Type.String({ description: 'Why it failed. An addition of Millrun.' }))),
    warnings: o(Type.Array(Type.String(), { description: 'What the caller should know. An addition of Millrun.' })),
  },
  { $id: 'SimplifiedRun' },
);

const RunNoIO = Type.Object(
  {
    ...runBase,
    ...pinned,
    ...provenance,
    user_id: o(anyId()),
    conversation_id: o(anyId()),
    api_key_id: o(anyId()),
  },
  { $id: 'RunNoIO' },
);

const WorkflowRecord = Type.Object(
  {
    id: uuid(),
    group_id: uuid(),
    name: Type.String(),
    type: oneOf(WORKFLOW_TYPES),
    definition: freeObject(),
    workflow_hash: o(Type.String()),
    flow_version: o(nullable(Type.String())),
    meta: o(freeObject()),
    settings: o(freeObject()),
    last_updated_at: dateTime(),
    last_run_at: o(nullable(dateTime())),
    created_at: dateTime(),
    deleted_at: o(nullable(dateTime())),
    runs_count: Type.Integer({ minimum: 0 }),
    author_name: o(nullable(Type.String())),
    description: o(nullable(Type.String())),
    saved: Type.Boolean(),
    error_handler: o(nullable(uuid())),
    triggers: o(Type.Array(freeObject())),
    validation: o(
      Type.Array(freeObject(), {
        description: 'What keeps the definition from running; empty when it is runnable. An addition of Millrun.',
      }),
    ),
  },
  { $id: 'WorkflowRecord' },
);

const ListedRun = Type.Object(
  { ...runBase, ...pinned, ...provenance, workflow: o(nullable(Type.Ref('WorkflowRecord'))) },
  { $id: 'ListedRun' },
);

const ValidationError = Type.Object(
  {
    loc: Type.Array(Type.Union([Type.String(), Type.Integer()])),
    msg: Type.String(),
    type: Type.String(),
    node_id: o(Type.String({ description: 'The node that is wrong. An addition of Millrun.' })),
    hint: o(Type.String({ description: 'What to do. An addition of Millrun.' })),
  },
  { $id: 'ValidationError' },
);

const HTTPValidationError = Type.Object(
  { detail: o(Type.Array(Type.Ref('ValidationError'))) },
  { $id: 'HTTPValidationError' },
);

const PlainError = Type.Object({ detail: Type.String() }, { $id: 'PlainError' });

const pageOf = (item: string) =>
  Type.Object(
    {
      items: Type.Array(Type.Ref(item)),
      total: Type.Integer({ minimum: 0 }),
      page: Type.Integer({ minimum: 1 }),
      size: Type.Integer({ minimum: 1 }),
      pages: Type.Integer({ minimum: 0 }),
    },
    { $id: `Page_${item}_` },
  );

const VersionRecord = Type.Object(
  {
    id: uuid(),
    name: Type.String(),
    description: o(nullable(Type.String())),
    created_at: dateTime(),
    created_by: o(nullable(uuid())),
    definition: freeObject(),
    validation: o(Type.Array(freeObject())),
  },
  { $id: 'VersionRecord' },
);

const FileRecord = Type.Object(
  {
    id: uuid(),
    uri: Type.String(),
    size: Type.Number(),
    group_id: o(uuid()),
    filename: Type.String(),
    content_type: Type.String(),
    source_type: Type.String(),
    source_metadata: nullable(freeObject()),
    created_at: o(dateTime()),
  },
  { $id: 'FileRecord' },
);

const DeletionReport = Type.Object(
  {
    succeeded: Type.Integer(),
    failed: Type.Integer(),
    errors: Type.Record(Type.String(), Type.String()),
    matched: Type.Integer(),
  },
  { $id: 'DeletionReport' },
);

export const SearchRunRequest = Type.Object({
  query: Type.String(),
  similarity_threshold: o(Type.Number({ default: 0, minimum: 0, maximum: 1 })),
  limit: o(Type.Integer({ default: 10, minimum: 1, maximum: 100 })),
  offset: o(Type.Integer({ default: 0, minimum: 0, maximum: 10_000 })),
  context_size: o(Type.Integer({ default: 30, minimum: 0, maximum: 1000 })),
  max_matches_per_run: o(Type.Integer({ default: 5, minimum: 0, maximum: 100 })),
  exact: o(Type.Boolean({ default: true })),
  search_in: o(nullable(Type.Array(oneOf(['input', 'output', 'other', 'run_id'] as const)))),
  filter: o(
    nullable(
      Type.String({
        maxLength: 4096,
        description: 'Filter expression, e.g. status:failed AND created_at > now-7d. An addition of Millrun.',
      }),
    ),
  ),
  workflow_ids: o(nullable(Type.Array(uuid(), { maxItems: 100, description: 'An addition of Millrun.' }))),
  ignore_accents: o(Type.Boolean({ default: false, description: 'Find é as e. An addition of Millrun.' })),
});

const PublicRunWithSearchData = Type.Object(
  {
    ...runBase,
    ...pinned,
    ...provenance,
    output: o(nullable(freeObject())),
    progress_details: o(nullable(Type.Ref('WorkflowProgress'))),
    similarity: o(Type.Number({ default: 0 })),
    matches: o(Type.Array(Type.Record(Type.String(), Type.String()), { default: [] })),
  },
  { $id: 'PublicRunWithSearchData', description: 'RunWithSearchData for public API — excludes workflow_definition.' },
);

/** Everything with a name, as components of the OpenAPI document. */
export const COMPONENTS: readonly TSchema[] = [
  RunStatus,
  NodeStatus,
  EdgeStatus,
  WarningIdentifier,
  SpotWarning,
  NodeProgress,
  EdgeProgress,
  ConnectorAddress,
  SubflowConfig,
  NodePreview,
  EdgePreview,
  WorkflowDefinition,
  WorkflowProgress,
  SubflowExecution,
  SimplifiedRun,
  RunNoIO,
  WorkflowRecord,
  ListedRun,
  ValidationError,
  HTTPValidationError,
  PlainError,
  VersionRecord,
  FileRecord,
  DeletionReport,
  PublicRunWithSearchData,
  pageOf('PublicRunWithSearchData'),
  pageOf('SimplifiedRun'),
  pageOf('ListedRun'),
  pageOf('WorkflowRecord'),
];

/** Body of create run and of its synchronous form (reference page "Create Run"). */
export const CreateRunBody = Type.Object({
  input: freeObject({ description: 'Values by label or id of the input nodes.' }),
  node_ids: o(nullable(Type.Array(Type.String()))),
  single_node_id: o(nullable(Type.String())),
  group_id: o(nullable(Type.String())),
  workflow_version_id: o(nullable(uuid())),
  tracing: o(Type.Boolean({ default: false })),
  debugger: o(nullable(Type.String())),
  callback_url: o(nullable(Type.String({ minLength: 1, maxLength: 2083 }))),
});

/** Body of create and update workflow. */
export const WorkflowBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  type: o(oneOf(WORKFLOW_TYPES, { default: 'flow' })),
  definition: Type.Object({}, { additionalProperties: true, description: DEFINITION_DESCRIPTION }),
  description: o(nullable(Type.String())),
  error_handler: o(nullable(uuid())),
  settings: o(nullable(freeObject())),
  meta: o(nullable(freeObject())),
  workflow_hash: o(nullable(Type.String())),
});

export const WorkflowPatchBody = Type.Partial(WorkflowBody);

export const VersionBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  description: o(nullable(Type.String())),
  definition: o(nullable(Type.Object({}, { additionalProperties: true }))),
});

export const VersionPatchBody = Type.Partial(VersionBody);

export const BulkDeleteBody = Type.Object({
  dry_run: o(Type.Boolean({ default: false })),
  run_ids: o(nullable(Type.Array(Type.String()))),
  filters: o(
    nullable(
      Type.Object({
        to_date: Type.String({ description: 'ISO 8601; without a zone it is UTC.' }),
        workflow_id: o(nullable(uuid())),
      }),
    ),
  ),
  expected_count: o(nullable(Type.Integer({ minimum: 0 }))),
});

export const ImportBody = Type.Object({
  definition: Type.Unknown({ description: 'What export gave: the object, its JSON text, or that in base64.' }),
  version: o(nullable(Type.String())),
});

/** Page parameters of every list (fastapi-pagination). */
export const PageQuery = Type.Object({
  page: o(Type.Integer({ minimum: 1, default: 1, description: 'Page number' })),
  size: o(Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'Page size' })),
});
