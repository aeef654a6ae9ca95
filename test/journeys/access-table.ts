import type { Scope } from '../../src/domain/caller.ts';
import { MODEL_PARTS, type ModelPart } from '../../src/domain/model.ts';
import type { Client, Wire } from '../support/client.ts';
import { GREETING } from '../support/noxus-definitions.ts';

/**
 * Every route of every dialect: how it is called, and which rights it takes. `access.test.ts` walks it, and fails for a route of the server that
 * is not here. A dialect is added by an entry of `DIALECTS`; what its routes are called with is made in `makeThings`.
 */

/** What a route answers to a key of another workspace: that there is no such thing, or none, or things of its own alone. */
type Hidden = 'missing' | 'empty' | 'own';

export interface Route {
  readonly method: string;
  /** Parts in braces stand for the thing of that name, whatever the route calls them. */
  readonly path: string;
  /** The rights it takes, all of them; without one, any key will do. */
  readonly scopes: readonly Scope[];
  /** Null: it shows nothing that belongs to a workspace. */
  readonly hidden: Hidden | null;
  readonly body?: () => unknown;
}

export interface Dialect {
  readonly name: string;
  /** Where it is mounted. */
  readonly mount: string;
  /** What may stand before a path, the mount among it: at the root, the credential tells which dialect is meant. */
  readonly prefixes: readonly string[];
  readonly openApi: string;
  credentials(key: string): Readonly<Record<string, string>>;
  /** What a request without a key is told. */
  readonly howToGiveAKey: string;
  readonly challenge: string;
  /** The text of a refusal; undefined when the answer has not the dialect's form. */
  refusal(body: Wire): unknown;
  /** In an order in which each can be called: what deletes a thing comes after what reads it. */
  readonly routes: readonly Route[];
  /** Routes that ask for no key: the address carries its right, an end and a signature. */
  readonly signed: readonly Pick<Route, 'method' | 'path'>[];
  /** Routes that ask for nothing: they show nothing that belongs to anybody. */
  readonly open: readonly Pick<Route, 'method' | 'path'>[];
}

/** Routes of no dialect that ask for no key, since they show nothing that belongs to anybody. */
export const OPEN_ROUTES: readonly string[] = [
  'GET /',
  'GET /healthz',
  'GET /metrics',
  'GET /noxus/openapi.json',
  'GET /readyz',
  'GET /runflow/openapi.json',
];

/** The routes of MCP: what their messages may do is a matter of tools, which `mcp.test.ts` walks. */
export const MCP_ROUTES: readonly string[] = ['DELETE /mcp', 'GET /mcp', 'POST /mcp'];
/** Routes of no dialect that are opened by a secret of their own: `triggers.test.ts` says what they refuse. */
export const SECRET_ROUTES: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) => [
  `${method} /hooks/{}`,
  `${method} /hooks/{}/{}`,
]);

const route = (
  method: string,
  path: string,
  scopes: Scope | readonly Scope[] | null,
  hidden: Hidden | null,
  body?: () => unknown,
): Route => ({ ...{ method, path, scopes: [scopes ?? []].flat(), hidden }, ...(body ? { body } : {}) });

/** Changing a workflow takes reading it: what was there before counts, and the answer shows it. */
const CHANGES = ['workflows:write', 'workflows:read'] as const;

const WORKFLOW = '/v1/workflows/{workflow_id}';
const KEYS = '/v1/admin/groups/{group_id}/api-keys';
const runBody = () => ({ input: { Name: 'Ada' } });
const batchBody = () => ({ input: [{ Name: 'Ada' }] });
const workflowBody = () => ({ name: 'x', definition: { nodes: [], edges: [] } });
const nameBody = () => ({ name: 'x' });

function fileBody(): FormData {
  const form = new FormData();
  form.append('file', new File(['Notes'], 'notes.txt', { type: 'text/plain' }));
  return form;
}

const REQUESTS: readonly Route[] = [
  route('GET', '/v1/human-requests', 'people:read', 'empty'),
  route('GET', '/v1/human-requests/{request_id}', 'people:read', 'missing'),
  route('POST', '/v1/human-requests/{request_id}/answer', 'people:answer', 'missing', () => ({ answer: {} })),
  route('POST', '/v1/human-requests/{other_request_id}/cancel', 'people:answer', 'missing'),
];

let credentialsMade = 0;
/** With a name of its own. */
const credentialBody = (set: object = {}) => {
  credentialsMade += 1;
  return { name: `credential ${credentialsMade}`, kind: 'generic', fields: { token: 'x' }, ...set };
};

/** Credentials and what a workspace says of models, with the words for sealing anew and for a test. */
function credentialRoutes(reseal: string, test: string): readonly Route[] {
  const list = '/v1/credentials';
  return [
    route('GET', list, 'credentials:read', 'empty'),
    route('POST', list, 'credentials:write', null, credentialBody),
    route('POST', `${list}/${reseal}`, 'credentials:write', null),
    route('GET', `${list}/{credential_id}`, 'credentials:read', 'missing'),
    route('PATCH', `${list}/{credential_id}`, 'credentials:write', 'missing', () => ({ models: [] })),
    route('POST', `${list}/{credential_id}/${test}`, 'credentials:write', 'missing'),
    route('DELETE', `${list}/{doomed_credential_id}`, 'credentials:write', 'missing'),
    route('GET', '/v1/model-settings', 'models:read', null),
    route('PUT', '/v1/model-settings', 'models:write', null, () => ({})),
  ];
}

/** A trigger is as good as a key that starts runs. */
const TRIGGERS_CHANGE = ['triggers:write', 'runs:create'] as const;
const triggerBody = () => ({ definition: { type: 'schedule', cron: '0 0 1 1 *' } });

const TRIGGERS: readonly Route[] = [
  route('GET', `${WORKFLOW}/triggers`, 'triggers:read', 'missing'),
  route('POST', `${WORKFLOW}/triggers`, TRIGGERS_CHANGE, 'missing', triggerBody),
  route('PATCH', `${WORKFLOW}/triggers/{trigger_id}`, TRIGGERS_CHANGE, 'missing', nameBody),
  route('GET', `${WORKFLOW}/triggers/{trigger_id}/events`, 'triggers:read', 'missing'),
  route('GET', '/v1/triggers', 'triggers:read', 'empty'),
  route('GET', '/v1/triggers/events', 'triggers:read', 'empty'),
  route('POST', '/v1/triggers/preview', 'triggers:write', null, triggerBody),
  route('GET', '/v1/triggers/{trigger_id}', 'triggers:read', 'missing'),
  route('POST', '/v1/triggers/{trigger_id}/fire', TRIGGERS_CHANGE, 'missing', () => ({
    payload: { body: { Name: 'Ada' } },
  })),
  route('POST', '/v1/triggers/{trigger_id}/rotate-secret', TRIGGERS_CHANGE, 'missing'),
  route('DELETE', '/v1/triggers/{doomed_trigger_id}', 'triggers:write', 'missing'),
];

const SESSION = '/v1/debug-sessions/{session_id}';
const DEBUGS = ['runs:create', 'runs:read'] as const;
const DEBUG_SESSIONS: readonly Route[] = [
  route('GET', SESSION, 'runs:read', 'missing'),
  route('PUT', SESSION, DEBUGS, null, () => ({})),
  // In the order in which the run that is held allows of them: it is watched to its end.
  route('POST', `${SESSION}/edit`, DEBUGS, 'missing', () => ({ node_id: 'in', values: {} })),
  route('POST', `${SESSION}/step`, DEBUGS, 'missing'),
  route('POST', `${SESSION}/continue`, DEBUGS, 'missing'),
  route('GET', `${SESSION}/events`, 'runs:read', 'missing'),
];

const NOXUS: readonly Route[] = [
  ...DEBUG_SESSIONS,
  route('GET', '/v1/nodes', null, null),
  route('GET', '/v1/admin/me', null, null),
  route('GET', '/v1/admin/callback-secret', 'admin', null),
  route('GET', '/v1/admin/search', 'admin', null),
  route('POST', '/v1/admin/search/rebuild', 'admin', null),
  route('GET', KEYS, 'admin', 'missing'),
  route('POST', KEYS, 'admin', 'missing', () => ({ name: 'x', scopes: ['admin'] })),
  route('GET', `${KEYS}/{key_id}`, 'admin', 'missing'),
  route('POST', `${KEYS}/{key_id}/rotate`, 'admin', 'missing'),
  route('GET', '/v1/models/llms', null, null),
  route('GET', '/v1/models/llms/presets', null, null),
  ...credentialRoutes('reseal', 'test'),
  route('GET', '/v1/workflows', 'workflows:read', 'empty'),
  route('POST', '/v1/workflows', 'workflows:write', null, workflowBody),
  route('GET', WORKFLOW, 'workflows:read', 'missing'),
  route('PATCH', WORKFLOW, CHANGES, 'missing', nameBody),
  route('GET', `${WORKFLOW}/versions`, 'workflows:read', 'missing'),
  route('POST', `${WORKFLOW}/versions`, CHANGES, 'missing', nameBody),
  route('PATCH', `${WORKFLOW}/versions/{version_id}`, 'workflows:write', 'missing', nameBody),
  route('POST', `${WORKFLOW}/export`, 'workflows:read', 'missing'),
  route('GET', `${WORKFLOW}/export/preview`, 'workflows:read', 'missing'),
  route('POST', '/v1/workflows/import', 'workflows:write', null, () => ({ definition: workflowBody() })),
  route('GET', `${WORKFLOW}/logs`, ['runs:read', 'workflows:read'], 'missing'),
  route('GET', `${WORKFLOW}/logs/columns`, 'workflows:read', 'missing'),
  route('POST', `${WORKFLOW}/runs`, 'runs:create', 'missing', runBody),
  route('POST', `${WORKFLOW}/runs/sync`, 'runs:create', 'missing', runBody),
  route('GET', `${WORKFLOW}/runs`, 'runs:read', 'missing'),
  route('GET', `${WORKFLOW}/runs/{run_id}`, 'runs:read', 'missing'),
  route('GET', `${WORKFLOW}/run/{run_id}`, 'runs:read', 'missing'),
  route('GET', '/v1/runs', 'runs:read', 'empty'),
  route('POST', '/v1/runs/search', 'runs:read', 'empty', () => ({ query: 'Ada' })),
  route('GET', '/v1/runs/{run_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/events', 'runs:read', 'missing'),
  route('GET', '/v1/runs/records', 'runs:read', 'own'),
  route('POST', '/v1/runs/records/search', 'runs:read', 'empty', () => ({ query: 'Ada' })),
  route('POST', '/v1/runs/records', 'runs:import', null, () => ({ records: [] })),
  route('GET', '/v1/runs/{run_id}/record', 'runs:read', 'missing'),
  route('POST', '/v1/runs/{run_id}/stop', 'runs:stop', 'missing'),
  route('GET', '/v1/runs/{run_id}/data', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/io/{node_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/subflows/{node_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/callback', 'runs:read', 'missing'),
  route('POST', '/v1/runs/{run_id}/replay', 'runs:create', 'missing'),
  route('GET', '/v1/runs/{run_id}/diff/{canceled_run_id}', 'runs:read', 'missing'),
  ...REQUESTS,
  ...TRIGGERS,
  route('POST', '/v1/file', 'files:write', null, fileBody),
  route('GET', '/v1/file/{file_id}', 'files:read', 'missing'),
  route('POST', '/v1/runs/bulk/delete', 'runs:delete', null, () => ({ run_ids: [] })),
  route('DELETE', '/v1/runs/{run_id}', 'runs:delete', 'missing'),
  route('DELETE', WORKFLOW, CHANGES, 'missing'),
  route('DELETE', `${KEYS}/{key_id}`, 'admin', 'missing'),
];

const uploadBody = () => ({ filename: 'notes.txt', mime_type: 'text/plain', size_bytes: 5 });

const COMFYUI_WORKFLOW = '/v1/comfyui-workflows/{comfyui_workflow_id}';

/** A graph that declares an input and an output. */
const COMFYUI_GRAPH = {
  1: { class_type: 'RunflowInputString', inputs: { input_id: 'Prompt' } },
  2: { class_type: 'RunflowOutputImage', inputs: { output_id: 'Picture', value: ['1', 0] } },
};
const comfyuiBody = () => ({ name: 'Paint', workflow_json: COMFYUI_GRAPH, gpu_explicit_models: ['L4'] });

const comfyuiSocket = () => ({
  name: 'x',
  variable_type_code: 'IMAGE',
  comfyui_node_id: '2',
  comfyui_field_name: 'filename_prefix',
});

/** The routes of one list that ComfyUI workflows have. */
const comfyuiItems = (segment: string, itemId: string, body: () => unknown): readonly Route[] => {
  const list = `${COMFYUI_WORKFLOW}/${segment}`;
  return [
    route('GET', list, 'comfyui-workflows:read', 'missing'),
    route('POST', list, 'comfyui-workflows:edit', 'missing', body),
    route('GET', `${list}/${itemId}`, 'comfyui-workflows:read', 'missing'),
    route('PATCH', `${list}/${itemId}`, 'comfyui-workflows:edit', 'missing', () => ({})),
    route('DELETE', `${list}/${itemId}`, 'comfyui-workflows:edit', 'missing'),
  ];
};

const COMFYUI: readonly Route[] = [
  route('GET', '/v1/comfyui-workflows', 'comfyui-workflows:read', 'empty'),
  route('POST', '/v1/comfyui-workflows', 'comfyui-workflows:create', null, comfyuiBody),
  route('GET', COMFYUI_WORKFLOW, 'comfyui-workflows:read', 'missing'),
  // Before its inputs change.
  route('POST', `${COMFYUI_WORKFLOW}/runs`, 'runs:create', 'missing', () => ({ input: { Prompt: 'a cat' } })),
  route('GET', `${COMFYUI_WORKFLOW}/runs`, 'runs:read', 'missing'),
  route('POST', `${COMFYUI_WORKFLOW}/batches`, 'runs:create', 'missing', () => ({ input: [{ Prompt: 'a cat' }] })),
  route('PATCH', COMFYUI_WORKFLOW, 'comfyui-workflows:edit', 'missing', nameBody),
  ...comfyuiItems('inputs', '{comfyui_input_id}', comfyuiSocket),
  ...comfyuiItems('outputs', '{comfyui_output_id}', comfyuiSocket),
  ...comfyuiItems('gpu-models', '{comfyui_gpu_id}', () => ({ gpu_model_code: 'H100' })),
  route('DELETE', COMFYUI_WORKFLOW, 'comfyui-workflows:delete', 'missing'),
];

const BATCH = '/v1/batches/{batch_id}';
const FLOW = '/v1/flows/{workflow_id}';
const MODEL = '/v1/models/{model_id}';

/** What is added to each list of a model. */
const MODEL_ITEMS: Readonly<Record<ModelPart, object>> = {
  inputs: { name: 'Nickname' },
  outputs: { name: 'x' },
  examples: { title: 'x' },
  faq_entries: { question: 'x' },
  pricing: { price: '1' },
  related_links: {},
};

/** Starting runs of a target, and listing them. */
const dispatchRoutes = (target: string): Route[] => [
  route('POST', `${target}/runs`, 'runs:create', 'missing', runBody),
  route('GET', `${target}/runs`, 'runs:read', 'missing'),
  route('POST', `${target}/batches`, 'runs:create', 'missing', batchBody),
];
const evaluationBody = () => ({ generated_image_url: 'https://example.com/a.png', task_type: 'headshot' });

const RUNFLOW: readonly Route[] = [
  route('GET', '/v1/runs', 'runs:read', 'empty'),
  route('GET', '/v1/runs/statuses', null, null),
  route('GET', '/v1/runs/{run_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/node-runs', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{run_id}/node-runs/{node_run_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{canceled_run_id}/logs', 'runs:read', 'missing'),
  route('GET', '/v1/runs/{canceled_run_id}/logs/{log_id}', 'runs:read', 'missing'),
  route('GET', '/v1/runs-stats', 'runs:read', 'own'),
  route('PATCH', '/v1/runs/{run_id}/feedback', 'runs:create', 'missing', () => ({ is_positive: true })),
  route('POST', '/v1/runs/{run_id}/cancellation', 'runs:stop', 'missing'),
  route('POST', '/v1/runs/{run_id}/retries', 'runs:create', 'missing'),
  route('GET', '/v1/runs/{run_id}/diff/{canceled_run_id}', 'runs:read', 'missing'),
  route('POST', '/v1/admin/runs/{run_id}/cancellation', ['admin', 'runs:stop'], 'missing'),
  route('POST', '/v1/admin/runs/{run_id}/retries', ['admin', 'runs:create'], 'missing'),
  route('GET', '/v1/auth/me', null, 'own'),
  route('GET', '/v1/credit-balances', 'credit_balance:read', null),
  route('GET', '/v1/billing/balance', 'credit_balance:read', null),
  route('GET', '/v1/openapi.json', null, null),
  route('GET', '/v1/runs/{run_id}/callback', 'runs:read', 'missing'),
  route('POST', '/v1/runs/{run_id}/callback-redeliveries', 'runs:execute', 'missing'),
  route('GET', '/v1/callback-secrets', 'admin', 'empty'),
  route('POST', '/v1/callback-secrets', 'admin', null, () => ({ label: 'x' })),
  route('DELETE', '/v1/callback-secrets/{secret_id}', 'admin', 'missing'),
  route('POST', '/v1/asset-uploads', 'files:write', null, uploadBody),
  route('POST', '/v1/asset-uploads/{upload_id}/confirmations', 'files:write', 'missing'),
  route('GET', '/v1/assets/types', null, null),
  route('GET', '/v1/assets/{file_id}', 'files:read', 'missing'),
  route('POST', '/v1/evaluations', 'evaluations:create', null, evaluationBody),
  route('GET', '/v1/evaluations', 'evaluations:read', 'empty'),
  route('GET', '/v1/evaluations/statuses', null, null),
  route('GET', '/v1/evaluations/job-classes', null, null),
  route('GET', '/v1/evaluations/defaults', 'evaluations:read', 'own'),
  route('PUT', '/v1/evaluations/defaults', 'evaluations:edit', null, () => ({ threshold: 0.5 })),
  route('POST', '/v1/evaluations/bulk', ['evaluations:create', 'runs:read'], null, () => ({ dry_run: true })),
  route('GET', '/v1/evaluations/{evaluation_id}', 'evaluations:read', 'missing'),
  route('GET', '/v1/evaluations/{evaluation_id}/callback', 'evaluations:read', 'missing'),
  route('PATCH', '/v1/evaluations/{evaluation_id}/feedback', 'evaluations:edit', 'missing', () => ({ reason: 'x' })),
  route('GET', '/v1/api-keys', 'admin', 'own'),
  route('POST', '/v1/api-keys', 'admin', null, () => ({ name: 'x', scopes: ['admin'] })),
  route('GET', '/v1/api-keys/{key_id}', 'admin', 'missing'),
  route('POST', '/v1/api-keys/{key_id}/rotations', 'admin', 'missing'),
  route('DELETE', '/v1/api-keys/{doomed_key_id}', 'admin', 'missing'),
  ...credentialRoutes('reseals', 'tests'),
  ...REQUESTS,
  ...COMFYUI,
  route('GET', '/v1/batches', 'runs:read', 'empty'),
  route('GET', BATCH, 'runs:read', 'missing'),
  route('GET', `${BATCH}/items`, 'runs:read', 'missing'),
  route('GET', `${BATCH}/items/{batch_item_id}`, 'runs:read', 'missing'),
  route('GET', `${BATCH}/callback`, 'runs:read', 'missing'),
  route('POST', `${BATCH}/callback-redeliveries`, ['runs:execute', 'runs:read'], 'missing'),
  route('POST', `${BATCH}/cancellation`, ['runs:stop', 'runs:read'], 'missing'),
  route('GET', '/v1/flows', 'workflows:read', 'empty'),
  route('GET', '/v1/flow-summaries', 'workflows:read', 'empty'),
  route('GET', FLOW, 'workflows:read', 'missing'),
  ...['nodes', 'inputs', 'outputs', 'versions'].map((part) =>
    route('GET', `${FLOW}/${part}`, 'workflows:read', 'missing'),
  ),
  route('GET', `${FLOW}/nodes/{flow_node_id}`, 'workflows:read', 'missing'),
  route('GET', `${FLOW}/versions/{version_id}`, 'workflows:read', 'missing'),
  route('GET', '/v1/flow-nodes/{flow_node_id}', 'workflows:read', 'missing'),
  ...dispatchRoutes(FLOW),
  route('GET', '/v1/models', 'models:read', 'empty'),
  route('POST', '/v1/models', 'models:write', null, nameBody),
  route('GET', MODEL, 'models:read', 'missing'),
  route('PATCH', MODEL, 'models:write', 'missing', nameBody),
  ...dispatchRoutes(MODEL),
  ...Object.keys(MODEL_PARTS).flatMap((part) => {
    const items = `${MODEL}/${part.replaceAll('_', '-')}`;
    return [
      route('GET', items, 'models:read', 'missing'),
      route('POST', items, 'models:write', 'missing', () => ({
        ...MODEL_ITEMS[part as ModelPart],
        ...(part === 'outputs' ? { name: 'y' } : {}),
      })),
      route('GET', `${items}/{${part}_id}`, 'models:read', 'missing'),
      route('PATCH', `${items}/{${part}_id}`, 'models:write', 'missing', () => ({ sort_order: 1 })),
      route('DELETE', `${items}/{${part}_id}`, 'models:write', 'missing'),
    ];
  }),
  route('DELETE', MODEL, 'models:write', 'missing'),
];

export const DIALECTS: readonly Dialect[] = [
  {
    name: 'noxus',
    mount: '/noxus',
    prefixes: ['', '/noxus'],
    openApi: '/noxus/openapi.json',
    credentials: (key) => ({ 'x-api-key': key }),
    howToGiveAKey: 'X-API-Key',
    challenge: 'ApiKey',
    refusal: (body) => body?.detail,
    routes: NOXUS,
    signed: [],
    open: [],
  },
  {
    name: 'runflow',
    mount: '/runflow',
    prefixes: ['', '/runflow'],
    openApi: '/runflow/openapi.json',
    credentials: (key) => ({ authorization: `Bearer ${key}` }),
    howToGiveAKey: 'Authorization: Bearer',
    challenge: 'Bearer',
    refusal: (body) => body?.message,
    routes: RUNFLOW,
    signed: [
      { method: 'PUT', path: '/v1/asset-uploads/{upload_id}/content' },
      { method: 'GET', path: '/v1/asset-content/{file_id}' },
    ],
    open: [{ method: 'GET', path: '/v1/health' }],
  },
];

/**
 * Makes the things that routes are called with, by their names in the paths of the table; all belong to the workspace of the client's key.
 * @param receiver where callbacks are taken
 */
export async function makeThings(client: Client, receiver: string): Promise<Readonly<Record<string, string>>> {
  const bearer = { authorization: `Bearer ${client.key}` };
  const file = await client.post('/v1/file', fileBody());
  const workflow = await client.save(GREETING);
  const version = await client.post(`/v1/workflows/${workflow.id}/versions`, { name: 'one' });
  const run = await client.run(workflow.id, { ...runBody(), callback_url: receiver });
  await delivered(client, run.id);
  const secret = await client.send('POST', '/runflow/v1/callback-secrets', {}, bearer);
  const upload = await client.send('POST', '/runflow/v1/asset-uploads', uploadBody(), bearer);
  await fetch(upload.body.upload_url, { method: 'PUT', body: 'Notes', headers: { 'content-type': 'text/plain' } });
  const painting = (await client.send('POST', '/runflow/v1/comfyui-workflows', comfyuiBody(), bearer)).body;
  const evaluation = await client.send('POST', '/runflow/v1/evaluations', evaluationBody(), bearer);
  const { group_id } = await client.get('/v1/admin/me');
  const key = await client.post(`/v1/admin/groups/${group_id}/api-keys`, { name: 'a key', scopes: ['admin'] });
  const doomed = await client.post(`/v1/admin/groups/${group_id}/api-keys`, { name: 'another', scopes: ['admin'] });
  const provider = { kind: 'openai', fields: { api_key: 'x', base_url: receiver } };
  const credential = await client.post('/v1/credentials', credentialBody(provider));
  const doomedCredential = await client.post('/v1/credentials', credentialBody());
  const hook = { definition: { type: 'webhook' } };
  const trigger = await client.post(`/v1/workflows/${workflow.id}/triggers`, hook);
  const doomedTrigger = await client.post(`/v1/workflows/${workflow.id}/triggers`, hook);
  const canceled = await canceledRun(client, bearer);
  const request = await personRequest(client);
  const other = await personRequest(client);
  const lists = Object.fromEntries(Object.entries(MODEL_ITEMS).map(([part, item]) => [part, [item]]));
  const about = { name: 'x', ...lists, inputs: [{ name: 'Name' }], backend: { kind: 'http', url: receiver } };
  const made = await client.send('POST', '/runflow/v1/models', about, bearer);
  const items = Object.keys(MODEL_PARTS).map((part) => [`${part}_id`, made.body[part][0].id]);
  const batchOf = { ...batchBody(), callback_url: receiver };
  const batch = await client.send('POST', `/runflow/v1/flows/${workflow.id}/batches`, batchOf, bearer);
  await told(client, batch.body.id);
  const nodes = await client.send('GET', `/runflow/v1/flows/${workflow.id}/nodes`, undefined, bearer);
  return {
    ...canceled,
    session_id: await heldSession(client, workflow.id),
    ...{ credential_id: credential.id, doomed_credential_id: doomedCredential.id },
    ...{ request_id: request, other_request_id: other },
    ...{ trigger_id: trigger.id, doomed_trigger_id: doomedTrigger.id },
    ...{ node_run_id: await nodeRunOf(client, run.id, bearer) },
    ...{ model_id: made.body.id, flow_node_id: nodes.body.items[0].id },
    ...{ batch_id: batch.body.id, batch_item_id: batch.body.items[0].id },
    ...Object.fromEntries(items),
    ...{ group_id, workflow_id: workflow.id, version_id: version.id, run_id: run.id, node_id: 'say' },
    ...{ comfyui_workflow_id: painting.id, comfyui_input_id: painting.inputs[0].id },
    ...{ comfyui_output_id: painting.outputs[0].id, comfyui_gpu_id: painting.gpu_explicit_models[0].id },
    ...{ doomed_key_id: doomed.id, evaluation_id: evaluation.body.id },
    ...{ file_id: file.id, key_id: key.id, secret_id: secret.body.id, upload_id: upload.body.asset_id },
  };
}

/** A session whose run is held at its first node. */
async function heldSession(client: Client, workflowId: string): Promise<string> {
  const id = `of-${workflowId}`;
  await client.ok('PUT', `/v1/debug-sessions/${id}`, { mode: 'step' });
  await client.run(workflowId, { ...runBody(), debugger: id }, ['awaiting_human_feedback']);
  return id;
}

async function nodeRunOf(client: Client, runId: string, bearer: Readonly<Record<string, string>>): Promise<string> {
  const { body } = await client.send('GET', `/runflow/v1/runs/${runId}/node-runs?limit=1`, undefined, bearer);
  return body.items[0].id;
}

/** The id of something that a person is asked. */
async function personRequest(client: Client): Promise<string> {
  const ask = { id: 'ask', type: 'HumanInTheLoopNode', node_config: { title: 'Publish?' } };
  const workflow = await client.save({ nodes: [ask], edges: [] });
  const run = await client.run(workflow.id, { input: {} }, ['awaiting_human_feedback']);
  const { items } = await client.get(`/v1/human-requests?run_id=${run.id}`);
  return items[0].id;
}

/** A run that was canceled, and the line in its log that says so. */
async function canceledRun(client: Client, bearer: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const wait = { id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } };
  const workflow = await client.save({ nodes: [wait], edges: [] });
  const run = await client.post(`/v1/workflows/${workflow.id}/runs`, { input: {} });
  await client.send('POST', `/runflow/v1/runs/${run.id}/cancellation`, {}, bearer);
  const { body } = await client.send('GET', `/runflow/v1/runs/${run.id}/logs`, undefined, bearer);
  return { canceled_run_id: run.id, log_id: body.items[0].id };
}

async function delivered(client: Client, runId: string): Promise<void> {
  for (;;) {
    const [delivery] = await client.get(`/v1/runs/${runId}/callback`);
    if (delivery?.status === 'delivered') return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until a batch has ended and its receiver has heard of it. */
async function told(client: Client, batchId: string): Promise<void> {
  const bearer = { authorization: `Bearer ${client.key}` };
  for (;;) {
    const { body } = await client.send('GET', `/runflow/v1/batches/${batchId}/callback`, undefined, bearer);
    if (body[0]?.completed_at) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
