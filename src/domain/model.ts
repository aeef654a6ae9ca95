/** What a property of a model holds. `decimal`: a number as text. */
export type PropertyKind =
  | 'uuid'
  | 'text'
  | 'code'
  | 'boolean'
  | 'integer'
  | 'decimal'
  | 'datetime'
  | 'object'
  | 'list'
  | 'any';

/** Names of properties as they stand in a profile, which are those of the Runflow API, in the order of its reference. */
export type Properties = Readonly<Record<string, PropertyKind>>;

/** What a model says of itself beside the name, slug and description that every workflow has (the page "Search runs", `model`). */
export const MODEL_PROPERTIES: Properties = {
  model_creator_id: 'uuid',
  version: 'text',
  is_public: 'boolean',
  is_open_source: 'boolean',
  icon_url: 'text',
  cover_url: 'text',
  category_code: 'code',
  status_code: 'code',
  family_id: 'uuid',
  family_variant_code: 'code',
  param_count: 'text',
  architecture: 'text',
  license_code: 'code',
  max_resolution: 'text',
  lora_support: 'boolean',
  fine_tuning: 'boolean',
  supports_streaming: 'boolean',
  paper_url: 'text',
  github_url: 'text',
  is_official: 'boolean',
  availability_status: 'code',
  seo: 'object',
  notable_features: 'list',
  content: 'text',
  pricing_note: 'text',
};

const DECLARED: Properties = {
  name: 'text',
  display_name: 'text',
  description: 'text',
  variable_type_code: 'code',
  validator_code: 'code',
  validator_attrs: 'object',
  sort_order: 'integer',
};

/** The lists that a model has, and the properties of their items besides `id`, `created_at` and `updated_at`. */
export const MODEL_PARTS = {
  inputs: {
    ...DECLARED,
    default_behavior_code: 'code',
    is_required: 'boolean',
    default_value: 'any',
    is_featured: 'boolean',
  },
  outputs: DECLARED,
  examples: {
    title: 'text',
    description: 'text',
    input: 'object',
    output: 'object',
    status_code: 'integer',
    cost: 'decimal',
    start_type: 'text',
    timing: 'object',
    duration_ms: 'integer',
    total_ms: 'integer',
    thumbnail_url: 'text',
    category_code: 'code',
    is_featured: 'boolean',
    is_public: 'boolean',
    sort_order: 'integer',
    ran_at: 'datetime',
  },
  faq_entries: { question: 'text', answer: 'text', sort_order: 'integer' },
  pricing: {
    pricing_model_code: 'code',
    rule_effect_code: 'code',
    model_input_id: 'uuid',
    match_value: 'any',
    dimension_code: 'code',
    min_value: 'decimal',
    max_value: 'decimal',
    price: 'decimal',
    currency_code: 'code',
    unit_code: 'code',
    multiplier_label: 'text',
    description: 'text',
    sort_order: 'integer',
    disabled_at: 'datetime',
    measurement_source: 'code',
  },
  related_links: { related_model_id: 'uuid', sort_order: 'integer' },
} as const satisfies Readonly<Record<string, Properties>>;

export type ModelPart = keyof typeof MODEL_PARTS;
