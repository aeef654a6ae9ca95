import type * as wire from '../../src/api/explorer/wire.ts';
import type { EvaluationPlan } from '../../src/domain/evaluation.ts';
import type { JsonObject, JsonValue } from '../../src/domain/json.ts';

/**
 * All that the page asks the server for. Nothing else calls `fetch` or `EventSource`. What goes over the wire is typed by `wire.ts`, and calls throw
 * an {@link ApiError} with the server's words.
 */

export type * from '../../src/api/explorer/wire.ts';

const BASE = '/explorer/v1';

/** A refusal of the server, or its silence (`kind` is `unreachable` then, `status` 0). The message says what to do. */
export class ApiError extends Error {
  readonly kind: string;
  readonly status: number;
  readonly problems: wire.Refusal['error']['problems'];
  readonly requestId: string | null;

  constructor(status: number, kind: string, message: string, refusal?: wire.Refusal['error']) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.kind = kind;
    this.problems = refusal?.problems ?? [];
    this.requestId = refusal?.requestId ?? null;
  }
}

type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Calls that read can be given up: the list that a newer filter has overtaken. */
type Reading = { readonly signal?: AbortSignal | undefined };

const get = <T>(path: string, query?: object, { signal }: Reading = {}): Promise<T> =>
  call('GET', path, { query: query as Query, signal });
const post = <T>(path: string, body: object = {}): Promise<T> => call('POST', path, { body });
const put = <T>(path: string, body: object | null): Promise<T> => call('PUT', path, { body });
const patch = <T>(path: string, body: object): Promise<T> => call('PATCH', path, { body });
const remove = <T = void>(path: string, query?: object): Promise<T> => call('DELETE', path, { query: query as Query });

/** A list that has no pages. */
interface Items<T> {
  readonly items: readonly T[];
}

/** What lists with cursors take. */
interface Cursor {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  readonly back?: boolean | undefined;
}

const id = encodeURIComponent;

export const api = {
  session: {
    read: (reading?: Reading) => get<wire.Session>('/session', undefined, reading),
    signIn: (key: string) => post<wire.Session>('/session', { key } satisfies wire.SignIn),
    signOut: () => remove('/session'),
  },
  runs: {
    list: (query: wire.RunListQuery, reading?: Reading) => get<wire.RunPage>('/runs', query, reading),
    count: (q: string, reading?: Reading) => get<wire.RunCount>('/runs/count', { q }, reading),
    search: (query: wire.SearchQuery, { signal }: Reading = {}) =>
      call<wire.SearchPage>('POST', '/runs/search', { body: query, signal }),
    facets: (q: string, fields?: readonly wire.FacetField[], reading?: Reading) =>
      get<wire.Facets>('/runs/facets', { q, fields: fields?.join(',') }, reading),
    histogram: (query: wire.HistogramQuery, reading?: Reading) =>
      get<wire.Histogram>('/runs/histogram', query, reading),
    live: (query: { readonly q: string; readonly position: number }, listener: LiveListener<wire.RunsLiveEvent>) =>
      listenWhileSeen<wire.RunsLiveEvent>('/runs/live', query, ['run', 'reset'], listener),
    start: (run: wire.StartRun) => post<wire.StartedRun>('/runs', run),
    /** Where the browser downloads the runs from. */
    exportHref: (query: {
      readonly format: 'csv' | 'jsonl';
      readonly q?: string;
      readonly sort?: string;
      readonly ids?: readonly string[];
      readonly columns?: readonly wire.ExportColumn[];
    }) => address('/runs/export', { ...query, ids: query.ids?.join(','), columns: query.columns?.join(',') }),
  },
  run: {
    read: (runId: string, reading?: Reading) => get<wire.RunDetail>(`/runs/${id(runId)}`, undefined, reading),
    node: (runId: string, node: string, iteration?: number, reading?: Reading) =>
      get<wire.NodeDetail>(`/runs/${id(runId)}/node`, { node, iteration }, reading),
    iterations: (
      runId: string,
      query: { readonly node: string; readonly from?: number; readonly limit?: number },
      reading?: Reading,
    ) => get<wire.IterationPage>(`/runs/${id(runId)}/iterations`, query, reading),
    logs: (runId: string, query: wire.LogQuery, reading?: Reading) =>
      get<wire.LogPage>(`/runs/${id(runId)}/logs`, query, reading),
    /** A payload that was too large to come with the run, by the `href` that came in its place. */
    payload: (href: string, { signal }: Reading = {}) => request<JsonValue>('GET', href, { signal }),
    live: (runId: string, position: number, listener: LiveListener<wire.RunLiveEvent>) =>
      listen<wire.RunLiveEvent>(`/runs/${id(runId)}/live`, { position }, ['state', 'logs', 'content', 'end'], listener),
    evaluations: (runId: string, reading?: Reading) =>
      get<Items<wire.EvaluationDetail>>(`/runs/${id(runId)}/evaluations`, undefined, reading),
    /** Runs that a node of it invoked, by pages. */
    children: (
      runId: string,
      query: { readonly node: string; readonly iteration?: number; readonly page?: number; readonly size?: number },
      reading?: Reading,
    ) => get<wire.ChildrenPage>(`/runs/${id(runId)}/children`, query, reading),
    /** What is different in another run. */
    diff: (runId: string, otherId: string, reading?: Reading) =>
      get<wire.RunComparison>(`/runs/${id(runId)}/diff`, { with: otherId }, reading),
    /** Runs that repeat this one, newest first. */
    retries: (runId: string, reading?: Reading) =>
      get<Items<wire.RunRow>>(`/runs/${id(runId)}/retries`, undefined, reading),
    stop: (runId: string, how: wire.StopRun = {}) => post<wire.RunRow>(`/runs/${id(runId)}/stop`, how),
    retry: (runId: string, how: wire.RetryRun = {}) => post<wire.StartedRun>(`/runs/${id(runId)}/retry`, how),
    evaluate: (runId: string, how: wire.EvaluateRun = {}) =>
      post<wire.EvaluationRow>(`/runs/${id(runId)}/evaluate`, how),
    feedback: (runId: string, feedback: wire.GiveFeedback) =>
      patch<wire.RunRow>(`/runs/${id(runId)}/feedback`, feedback),
    redeliver: (runId: string) => post<wire.DeliveryRow>(`/runs/${id(runId)}/redeliver`),
    remove: (runId: string) => remove(`/runs/${id(runId)}`),
  },
  debug: {
    read: (session: string, reading?: Reading) =>
      get<wire.DebugSessionState>(`/debug-sessions/${id(session)}`, undefined, reading),
    set: (session: string, how: wire.SetDebugSession) =>
      put<wire.DebugSessionState>(`/debug-sessions/${id(session)}`, how),
    continue: (session: string) => post<wire.DebugSessionState>(`/debug-sessions/${id(session)}/continue`),
    step: (session: string) => post<wire.DebugSessionState>(`/debug-sessions/${id(session)}/step`),
    edit: (session: string, how: wire.EditHeldNode) =>
      post<wire.DebugSessionState>(`/debug-sessions/${id(session)}/edit`, how),
  },
  bulk: {
    preview: (asked: wire.BulkAsked, { signal }: Reading = {}) =>
      call<wire.BulkPreview>('POST', '/bulk/preview', { body: asked, signal }),
    start: (start: wire.BulkStart) => post<wire.BulkJob>('/bulk', start),
    read: (jobId: string, reading?: Reading) => get<wire.BulkJob>(`/bulk/${id(jobId)}`, undefined, reading),
    list: (reading?: Reading) => get<Items<wire.BulkJob>>('/bulk', undefined, reading),
    cancel: (jobId: string) => post<wire.BulkJob>(`/bulk/${id(jobId)}/cancel`),
  },
  filter: {
    values: (query: { readonly field: string; readonly prefix?: string; readonly limit?: number }, reading?: Reading) =>
      get<wire.SeenValues>('/filter/values', query, reading),
  },
  views: {
    list: (reading?: Reading) => get<Items<wire.SavedView>>('/views', undefined, reading),
    create: (view: wire.SaveView) => post<wire.SavedView>('/views', view),
    change: (viewId: string, view: wire.SaveView) => put<wire.SavedView>(`/views/${id(viewId)}`, view),
    remove: (viewId: string) => remove(`/views/${id(viewId)}`),
  },
  workflows: {
    list: (
      query: Cursor & { readonly search?: string; readonly kind?: string; readonly sort?: string },
      reading?: Reading,
    ) => get<wire.WorkflowPage>('/workflows', query, reading),
    read: (workflowId: string, reading?: Reading) =>
      get<wire.WorkflowDetail>(`/workflows/${id(workflowId)}`, undefined, reading),
    create: (workflow: wire.SaveWorkflow) => post<wire.WorkflowDetail>('/workflows', workflow),
    save: (workflowId: string, workflow: wire.SaveWorkflow) =>
      patch<wire.WorkflowDetail>(`/workflows/${id(workflowId)}`, workflow),
    remove: (workflowId: string) => remove(`/workflows/${id(workflowId)}`),
    validate: (document: JsonObject, { signal }: Reading = {}) =>
      call<wire.Validation>('POST', '/workflows/validate', { body: { document }, signal }),
    try: (workflowId: string, attempt: wire.TryWorkflow) =>
      post<wire.StartedRun>(`/workflows/${id(workflowId)}/try`, attempt),
    versions: (workflowId: string, query: Cursor & { readonly all?: boolean } = {}, reading?: Reading) =>
      get<wire.VersionPage>(`/workflows/${id(workflowId)}/versions`, query, reading),
    version: (workflowId: string, versionId: string, reading?: Reading) =>
      get<wire.VersionDetail>(`/workflows/${id(workflowId)}/versions/${id(versionId)}`, undefined, reading),
    nameVersion: (workflowId: string, version: wire.SaveVersion) =>
      post<wire.VersionDetail>(`/workflows/${id(workflowId)}/versions`, version),
    changeVersion: (workflowId: string, versionId: string, version: Partial<wire.SaveVersion>) =>
      patch<wire.VersionDetail>(`/workflows/${id(workflowId)}/versions/${id(versionId)}`, version),
    catalogue: (reading?: Reading) => get<wire.CataloguePage>('/catalogue', undefined, reading),
  },
  people: {
    list: (
      query: Cursor & { readonly status?: string; readonly q?: string; readonly sort?: string },
      reading?: Reading,
    ) => get<wire.PersonRequestPage>('/requests', query, reading),
    live: (listener: LiveListener<wire.RequestsLiveEvent>) =>
      listen<wire.RequestsLiveEvent>('/requests/live', {}, ['pending'], listener),
    read: (requestId: string, reading?: Reading) =>
      get<wire.PersonRequestRow>(`/requests/${id(requestId)}`, undefined, reading),
    answer: (requestId: string, answer: wire.AnswerRequest) =>
      post<wire.PersonRequestRow>(`/requests/${id(requestId)}/answer`, answer),
    cancel: (requestId: string, reason?: string) =>
      post<wire.PersonRequestRow>(`/requests/${id(requestId)}/cancel`, reason === undefined ? {} : { reason }),
  },
  files: {
    upload: (file: File) => {
      const form = new FormData();
      form.append('file', file);
      return call<wire.UploadedFile>('POST', '/files', { form });
    },
    /** Where an image or a link shows a stored file from. */
    href: (fileId: string) => `${BASE}/files/${id(fileId)}`,
  },
  evaluations: {
    list: (query: Cursor & { readonly q?: string; readonly sort?: string }, reading?: Reading) =>
      get<wire.EvaluationPage>('/evaluations', query, reading),
    read: (evaluationId: string, reading?: Reading) =>
      get<wire.EvaluationDetail>(`/evaluations/${id(evaluationId)}`, undefined, reading),
    feedback: (evaluationId: string, feedback: wire.GiveFeedback) =>
      patch<wire.EvaluationDetail>(`/evaluations/${id(evaluationId)}/feedback`, feedback),
    trends: (query: { readonly from?: number; readonly to?: number; readonly buckets?: number }, reading?: Reading) =>
      get<wire.EvaluationTrends>('/evaluations/trends', query, reading),
  },
  models: {
    list: (query: Cursor & { readonly search?: string }, reading?: Reading) =>
      get<wire.WorkflowPage>('/models', query, reading),
    read: (modelId: string, reading?: Reading) => get<wire.TargetDetail>(`/models/${id(modelId)}`, undefined, reading),
    remove: (modelId: string) => remove(`/models/${id(modelId)}`),
  },
  comfyuiWorkflows: {
    list: (query: Cursor & { readonly search?: string }, reading?: Reading) =>
      get<wire.WorkflowPage>('/comfyui-workflows', query, reading),
    read: (workflowId: string, reading?: Reading) =>
      get<wire.TargetDetail>(`/comfyui-workflows/${id(workflowId)}`, undefined, reading),
    remove: (workflowId: string) => remove(`/comfyui-workflows/${id(workflowId)}`),
  },
  keys: {
    list: (query: { readonly ended?: boolean } = {}, reading?: Reading) =>
      get<Items<wire.KeyRow>>('/keys', query, reading),
    create: (key: wire.CreateKey) => post<wire.ShownKey>('/keys', key),
    rotate: (keyId: string, graceMs?: number) =>
      post<wire.ShownKey>(`/keys/${id(keyId)}/rotate`, graceMs === undefined ? {} : { graceMs }),
    revoke: (keyId: string, force = false) => remove<wire.KeyRow>(`/keys/${id(keyId)}`, { force: force || undefined }),
  },
  callbackSecrets: {
    list: (reading?: Reading) => get<Items<wire.CallbackSecretRow>>('/callback-secrets', undefined, reading),
    create: (label?: string) =>
      post<wire.ShownCallbackSecret>('/callback-secrets', label === undefined ? {} : { label }),
    disable: (secretId: string) => remove<wire.CallbackSecretRow>(`/callback-secrets/${id(secretId)}`),
  },
  credentials: {
    list: (reading?: Reading) => get<Items<wire.CredentialRow>>('/credentials', undefined, reading),
    create: (credential: wire.CreateCredential) => post<wire.CredentialRow>('/credentials', credential),
    change: (credentialId: string, credential: wire.ChangeCredential) =>
      patch<wire.CredentialRow>(`/credentials/${id(credentialId)}`, credential),
    test: (credentialId: string) => post<wire.CredentialTest>(`/credentials/${id(credentialId)}/test`),
    remove: (credentialId: string) => remove(`/credentials/${id(credentialId)}`),
  },
  triggers: {
    list: (reading?: Reading) => get<Items<wire.TriggerRow>>('/triggers', undefined, reading),
    read: (triggerId: string, reading?: Reading) =>
      get<wire.TriggerRow>(`/triggers/${id(triggerId)}`, undefined, reading),
    create: (trigger: wire.CreateTrigger) => post<wire.MadeTrigger>('/triggers', trigger),
    change: (triggerId: string, trigger: wire.ChangeTrigger) =>
      patch<wire.MadeTrigger>(`/triggers/${id(triggerId)}`, trigger),
    remove: (triggerId: string) => remove(`/triggers/${id(triggerId)}`),
    preview: (asked: wire.PreviewTrigger, { signal }: Reading = {}) =>
      call<wire.TriggerPreview>('POST', '/triggers/preview', { body: asked, signal }),
    fire: (triggerId: string, payload: JsonObject) =>
      post<wire.TriggerEventRow>(`/triggers/${id(triggerId)}/fire`, { payload } satisfies wire.FireTrigger),
    newSecret: (triggerId: string) => post<wire.MadeTrigger>(`/triggers/${id(triggerId)}/secret`),
    events: (triggerId: string, query: { page?: number; size?: number; errored?: boolean }, reading?: Reading) =>
      get<wire.TriggerEventPage>(`/triggers/${id(triggerId)}/events`, query, reading),
  },
  settings: {
    models: (reading?: Reading) => get<wire.ModelSettingsState>('/settings/models', undefined, reading),
    saveModels: (settings: wire.SaveModelSettings) => put<wire.ModelSettingsState>('/settings/models', settings),
    read: (reading?: Reading) => get<wire.Settings>('/settings', undefined, reading),
    retention: (reading?: Reading) => get<wire.RetentionState>('/settings/retention', undefined, reading),
    saveRetention: (own: wire.SaveRetention['own']) =>
      put<wire.RetentionState>('/settings/retention', { own } satisfies wire.SaveRetention),
    retentionPreview: (days: number, reading?: Reading) =>
      get<wire.RetentionPreview>('/settings/retention/preview', { days }, reading),
    saveEvaluation: (plan: EvaluationPlan | null) => put<EvaluationPlan | null>('/settings/evaluation', plan),
  },
  system: {
    read: (reading?: Reading) => get<wire.SystemState>('/system', undefined, reading),
    rebuildSearch: () => post<void>('/system/search/rebuild'),
  },
};

/** What a live view is told. `onState` hears whether the line is up, so that the page can say when it is not. */
export interface LiveListener<T> {
  readonly onEvent: (event: T) => void;
  readonly onState?: (state: 'open' | 'lost') => void;
}

/** Opens a stream of events; the browser takes it up again where it broke. @returns what closes it */
function listen<T extends { readonly event: string; readonly data: unknown }>(
  path: string,
  query: Query,
  names: readonly T['event'][],
  { onEvent, onState }: LiveListener<T>,
  /** Told the place in the stream after each event. */
  onId?: (lastId: string) => void,
): () => void {
  const source = new EventSource(address(path, query));
  for (const event of names) {
    source.addEventListener(event, ({ data, lastEventId }: MessageEvent<string>) => {
      onId?.(lastEventId);
      onEvent({ event, data: JSON.parse(data) } as T);
    });
  }
  source.onopen = () => onState?.('open');
  source.onerror = () => onState?.('lost');
  return () => source.close();
}

/**
 * As {@link listen}, closed while nobody sees the window and taken up where it was: a browser keeps six connections to a server, and windows in the
 * background would hold them. The stream's ids are its positions.
 */
function listenWhileSeen<T extends { readonly event: string; readonly data: unknown }>(
  path: string,
  query: Query & { readonly position: number },
  names: readonly T['event'][],
  listener: LiveListener<T>,
): () => void {
  let position: string | number = query.position;
  let close: (() => void) | null = null;
  const look = () => {
    if (document.visibilityState === 'hidden') {
      close?.();
      close = null;
    } else {
      close ??= listen(path, { ...query, position }, names, listener, (lastId) => {
        if (lastId !== '') position = lastId;
      });
    }
  };
  look();
  document.addEventListener('visibilitychange', look);
  return () => {
    document.removeEventListener('visibilitychange', look);
    close?.();
  };
}

interface Asked extends Reading {
  readonly query?: Query | undefined;
  readonly body?: object | null;
  readonly form?: FormData;
}

function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `${BASE}${path}${search && `?${search}`}`;
}

function call<T>(method: string, path: string, asked: Asked): Promise<T> {
  return request(method, address(path, asked.query), asked);
}

async function request<T>(method: string, href: string, { body, form, signal }: Asked): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(href, {
      method,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        // What other sites cannot send: the server's guard against calls they make in the name of who is signed in.
        ...(method !== 'GET' && { 'x-millrun-explorer': '1' }),
      },
      signal: signal ?? null,
      body: form ?? (body === undefined ? null : JSON.stringify(body)),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(
      0,
      'unreachable',
      'The server does not answer. Is it running, and is this machine connected to it?',
    );
  }
  if (answer.status === 204) return undefined as T;
  const said: unknown = await answer.json().catch(() => null);
  if (answer.ok) return said as T;
  const refusal = (said as wire.Refusal | null)?.error;
  throw new ApiError(
    answer.status,
    refusal?.kind ?? 'unknown',
    refusal?.message ?? `The server answered ${answer.status} without a reason.`,
    refusal,
  );
}
