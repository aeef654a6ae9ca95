import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { Addresses } from './api/addresses.ts';
import { createHealthServer, type HealthParts } from './api/health.ts';
import {
  presentCallbackBody as presentNoxusBody,
  presentRequestCallbackBody as presentNoxusRequest,
} from './api/noxus/callback-body.ts';
import { readOutline } from './api/noxus/outline.ts';
import {
  presentBatchCallbackBody,
  presentCallbackBody as presentRunflowBody,
  presentRequestCallbackBody as presentRunflowRequest,
} from './api/runflow/callback-body.ts';
import { presentEvaluationCallbackBody } from './api/runflow/present-evaluation.ts';
import { createServer } from './api/server.ts';
import { Callbacks } from './callbacks/callbacks.ts';
import { type Config, modelEndpoint } from './config/config.ts';
import { type Dispatcher, IDLE_DISPATCHER } from './engine/dispatcher.ts';
import { Engine } from './engine/engine.ts';
import { LiveContent } from './engine/live-content.ts';
import { Payloads } from './engine/payloads.ts';
import { StoreDispatcher } from './engine/store-dispatcher.ts';
import { createCatalogue } from './nodes/catalogue.ts';
import { CodeThreads } from './nodes/code/code-threads.ts';
import type { ModelAccess, ModelProvider } from './nodes/node-type.ts';
import { Access, ensureFirstKey, isValidKey } from './operations/access.ts';
import { Assets } from './operations/assets.ts';
import { Batches } from './operations/batches.ts';
import { BuiltInJudges } from './operations/built-in-judges.ts';
import { BulkJobs } from './operations/bulk-jobs.ts';
import { ComfyuiWorkflows } from './operations/comfyui-workflows.ts';
import { Credentials } from './operations/credentials.ts';
import { DebugSessions } from './operations/debug-sessions.ts';
import { Deliveries } from './operations/deliveries.ts';
import { Dispatch, type TakeInMedia } from './operations/dispatch.ts';
import { ErrorHandlers } from './operations/error-handlers.ts';
import { EvaluationPipeline } from './operations/evaluation-pipeline.ts';
import { Evaluations } from './operations/evaluations.ts';
import { Files } from './operations/files.ts';
import { Flows } from './operations/flows.ts';
import { Idempotency } from './operations/idempotency.ts';
import { Installation, type ProcessFacts } from './operations/installation.ts';
import { firstKey } from './operations/key-record.ts';
import { Keyring } from './operations/keyring.ts';
import { Keys } from './operations/keys.ts';
import { LiveRuns } from './operations/live.ts';
import { WorkspaceModels } from './operations/model-settings.ts';
import { Models } from './operations/models.ts';
import { PersonRequests } from './operations/person-requests.ts';
import { Polls } from './operations/polls.ts';
import { Replays } from './operations/replays.ts';
import { Retentions } from './operations/retention.ts';
import { RunDiffs } from './operations/run-diff.ts';
import { RunExport } from './operations/run-export.ts';
import { RunImport } from './operations/run-import.ts';
import { RunRecords } from './operations/run-records.ts';
import { Runs } from './operations/runs.ts';
import { SavedViews } from './operations/saved-views.ts';
import { RunSearch } from './operations/search.ts';
import { Sessions } from './operations/sessions.ts';
import { Surveys } from './operations/surveys.ts';
import { TakenTraces } from './operations/taken-traces.ts';
import { TriggerFiring } from './operations/trigger-firing.ts';
import { TriggerScheduler } from './operations/trigger-scheduler.ts';
import { Triggers } from './operations/triggers.ts';
import { Webhooks } from './operations/webhooks.ts';
import { Workflows } from './operations/workflows.ts';
import { blobSettings, openBlobs } from './platform-blobs.ts';
import { hostOf, searchThreads } from './platform-search-threads.ts';
import { openEncryptionKeys, openSecret } from './platform-secrets.ts';
import { openSharedStore, rightfully, type Say } from './platform-store.ts';
import { searchSecret } from './search/remote/member-protocol.ts';
import { RoutedSearch } from './search/remote/routed-search.ts';
import type { Search } from './search/search.ts';
import { SearchService } from './search/service.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { createGuardedHttp } from './system/guarded-http.ts';
import type { Log } from './system/log.ts';
import { realSystem } from './system/system.ts';
import { Tracing, type TracingParts } from './tracing/tracing.ts';

export { openDoor } from './api/health.ts';

export interface Platform {
  readonly server: FastifyInstance;
  /** The key to show at the start, or null when it was preset and is the operator's own, or was revoked. */
  readonly shownKey: string | null;
  /** Stops accepting, lets what runs end for up to `graceMs` milliseconds, gives the rest back, closes the store. */
  stop(graceMs: number): Promise<void>;
}

/** What every process of an installation has, whether it answers requests or works only. */
async function openProcess(config: Config, log: Log, say: Say) {
  const system = realSystem;
  const folder = resolve(config.data);
  // What a setting may be wrong for comes first: a store that is open keeps a process alive that has said why it does not start.
  const configured = modelAccess(config);
  const http = createGuardedHttp({
    allow: [...config.httpAllow, ...configured.providers.map(({ baseUrl }) => hostOf(baseUrl))],
  });
  const comfyui = config.comfyuiUrl ?? [];
  // A client of their own: the general one would let every HTTP node of a workflow call them.
  const comfyuiHttp = createGuardedHttp({ allow: comfyui.map(({ url }) => hostOf(url)) });
  const codeThreads = new CodeThreads();
  const runner = config.codeRunnerUrl;
  const runnerHttp = createGuardedHttp({ allow: runner === null ? [] : [hostOf(runner.url)] });
  const limits = { runsPerWorkspace: config.workspaceConcurrency };
  const blobs = await openBlobs(blobSettings(config), folder);
  const shared = config.store === null ? null : await openSharedStore(config.store, folder, limits, { log, say });
  const store = shared ?? openSqliteStore(folder, limits);
  const facts = shared?.facts ?? null;
  const keys = await rightfully(store, () => openEncryptionKeys(config, folder, store, facts));
  const payloads = new Payloads(blobs, system);
  const catalogue = createCatalogue();

  if (keys.trouble !== null) log.error(keys.trouble);
  const { sealing } = keys;
  const keyring = new Keyring({ store, sealing, system, log, configured });
  const modelsOf = (workspaceId: string) => keyring.modelsOf(workspaceId);

  const engine = new Engine({ store, catalogue, system, payloads, log, tracesAll: config.tracingRuns === 'all' });
  const files = new Files({ store, blobs, system, maxBytes: config.maxFileBytes });
  const content = new LiveContent(store);
  const startDispatcher = (): Dispatcher => {
    if (config.workerConcurrency === 0) return IDLE_DISPATCHER;
    return new StoreDispatcher({
      engine,
      store,
      system,
      tools: {
        http,
        modelsOf,
        credentialOf: (workspaceId, nameOrId) => keyring.credentialOf(workspaceId, nameOrId),
        redactorOf: (workspaceId) => keyring.redactorOf(workspaceId),
        comfyui: comfyui.map((server) => ({ ...server, http: comfyuiHttp })),
        gpuRates: config.comfyuiRates,
        code: { sandbox: codeThreads, runner: runner === null ? null : { ...runner, http: runnerHttp } },
        content,
        tracesContent: config.tracingContent,
        filesOf: (workspaceId) => files.ofWorkspace(workspaceId),
      },
      log,
      concurrency: config.workerConcurrency,
    });
  };
  return {
    system,
    folder,
    facts,
    store,
    http,
    blobs,
    payloads,
    catalogue,
    keyring,
    sealing,
    modelsOf,
    engine,
    files,
    content,
    startDispatcher,
    /** Everything but the store, which goes last, and what was started. */
    async close() {
      content.stop();
      await codeThreads.close();
      await http.close();
      await comfyuiHttp.close();
      await runnerHttp.close();
      blobs.close();
    },
  };
}

/**
 * Puts the house together. The only place that knows which implementations there are.
 * @throws StoreInUse, NewerSchema when the data folder cannot be used
 */
export async function openPlatform(
  config: Config,
  version: string,
  log: Log,
  say: Say = () => undefined,
): Promise<Platform> {
  const opened = await openProcess(config, log, say);
  const { system, folder, store, http, blobs, payloads, catalogue, keyring, sealing, modelsOf } = opened;
  const { engine, files, content } = opened;
  const secret = await rightfully(store, () => openSecret(config, folder, opened.facts));
  const first = firstKey(secret);
  await store.alone(() => ensureFirstKey(store, system, { first, preset: config.apiKey }));
  const workflows = new Workflows({ store, catalogue, system });
  const live = new LiveRuns(store, log, content);
  const searchService: Search =
    config.searchAt === null
      ? new SearchService({
          store,
          system,
          log,
          startThread: searchThreads(config, '1/1', config.searchSnapshotMinutes ?? 0),
        })
      : new RoutedSearch({ store, at: config.searchAt, secret: searchSecret(secret), log });
  const search = new RunSearch({ store, search: searchService });
  const runs = new Runs({ store, engine, workflows, payloads, http, system, live, search, keyring });
  const deriveSecret = (workspaceId: string) =>
    `whsec_${createHmac('sha256', secret).update(`callbacks ${workspaceId}`).digest('base64')}`;
  const callbackSecretText = (secretId: string) =>
    `whsec_${createHmac('sha256', secret).update(`callback secret ${secretId}`).digest('hex')}`;
  const callbacks = new Callbacks({
    store,
    system,
    http,
    log,
    version,
    readPayload: (payload) => payloads.text(payload),
    presentBatch: presentBatchCallbackBody,
    presentPersonRequest: { noxus: presentNoxusRequest, runflow: presentRunflowRequest },
    presentRun: { noxus: presentNoxusBody, runflow: presentRunflowBody },
    deriveSecret,
    callbackSecretText,
  });
  const dispatcher = opened.startDispatcher();
  await callbacks.start();
  const assets = new Assets({ store, blobs, files, system, secret });
  const takeInMedia: TakeInMedia = (caller, given) => assets.takeIn(caller, given);
  const dispatch = new Dispatch({ store, runs, takeInMedia });

  const evaluations = new Evaluations({
    store,
    engine,
    workflows,
    payloads,
    http,
    system,
    callbacks,
    presentCallback: presentEvaluationCallbackBody,
    builtIn: new BuiltInJudges({ store, workflows, modelsOf, read: (outline) => readOutline(outline, catalogue) }),
  });
  const pipeline = new EvaluationPipeline({ store, evaluations, log });
  await pipeline.start();
  const errorHandlers = new ErrorHandlers({ store, engine, workflows, payloads, system, log });
  await errorHandlers.start();
  const takenTraces = new TakenTraces({ store, payloads, keyring, system, log });
  takenTraces.start();
  const tracing = tracingOf(config, version, store, log, (payload) => payloads.text(payload));
  await tracing?.start();

  const firing = new TriggerFiring({ engine, workflows, keyring, system });
  const polls = new Polls({ store, firing, keyring, http, system, log });
  const scheduler = new TriggerScheduler({ store, firing, polls, system, log });
  scheduler.start();
  const triggers = new Triggers({ store, workflows, firing, polls, scheduler, sealing, http, system, log });
  const webhooks = new Webhooks({ store, engine, payloads, firing, sealing, system, log });

  const access = new Access({ store, system, log });
  const replays = new Replays({ store, engine, workflows, payloads, dispatch, takeInMedia, keyring });
  const surveys = new Surveys({ store, system });
  const bulkJobs = new BulkJobs({ store, runs, replays, evaluations, surveys, system, log });
  const retentions = new Retentions({ store, engine, payloads, system, log, serverDays: config.retentionDays });
  retentions.start();
  const installation = new Installation({
    stats: () => store.stats(),
    search,
    facts: async () => ({
      busyWorkers: dispatcher.busy,
      concurrency: config.workerConcurrency,
      disk: await diskUse(folder),
    }),
  });

  const isShown = config.apiKey === null && (await isValidKey(store, system, first));
  const health = healthOf(store, dispatcher, { search: searchService, tracing });
  const server = await createServer({
    access,
    keys: new Keys({ store, system, log }),
    workflows,
    runs,
    records: new RunRecords(store),
    replays,
    runDiffs: new RunDiffs({ store, engine, payloads }),
    runExport: new RunExport({ store, payloads }),
    runImport: new RunImport({ store, payloads, system, catalogue, keyring }),
    search,
    files,
    idempotency: new Idempotency({ store, system }),
    assets,
    comfyuiWorkflows: new ComfyuiWorkflows({ store, workflows, assets, system }),
    dispatch,
    batches: new Batches({ store, runs, dispatch, callbacks, system }),
    evaluations,
    personRequests: new PersonRequests({ store, engine, keyring }),
    addresses: new Addresses(config.publicUrl),
    deliveries: new Deliveries({ store, callbacks, system, textOf: callbackSecretText }),
    catalogue,
    credentials: new Credentials({ store, keyring, sealing, http, system, log }),
    workspaceModels: new WorkspaceModels({ store, keyring, system, log }),
    modelRegistry: new Models({ store, workflows, catalogue, system }),
    flows: new Flows({ store, catalogue }),
    triggers,
    webhooks,
    takenTraces,
    debugSessions: new DebugSessions({ store, engine, payloads, keyring, live, system }),
    deriveSecret,
    clock: system.now,
    maxFileBytes: config.maxFileBytes,
    syncTimeoutMs: config.syncTimeoutSeconds * 1000,
    maxBodyBytes: config.maxBodyBytes,
    explorer: {
      sessions: new Sessions({ access, system, secret }),
      surveys,
      savedViews: new SavedViews({ store, system }),
      bulkJobs,
      retentions,
      installation,
      version,
      publicUrl: config.publicUrl,
      traceLink: config.tracingLink,
    },
    webFolder: WEB_FOLDER,
    log,
    ...health,
  });

  return {
    server,
    shownKey: isShown ? first : null,
    async stop(graceMs) {
      health.drain();
      const deadline = Date.now() + graceMs;
      const left = () => Math.max(0, deadline - Date.now());
      // Requests in hand may wait for nodes: the worker goes on while the server closes, and is cut off with it.
      const cut = setTimeout(() => server.server.closeAllConnections(), graceMs);
      await server.close();
      clearTimeout(cut);
      await bulkJobs.stop();
      await scheduler.stop();
      await retentions.stop();
      await dispatcher.stop(left());
      await pipeline.stop();
      await errorHandlers.stop();
      await takenTraces.stop();
      await tracing?.stop();
      await callbacks.stop(left());
      await live.stop();
      await searchService.close();
      await opened.close();
      await store.close();
    },
  };
}

/** A process that works and answers nobody. */
export interface WorkerProcess {
  /** Answers how the process is, once it listens, which it need not. */
  readonly server: FastifyInstance;
  /** Takes no more work, lets what runs end for up to `graceMs` milliseconds, gives the rest back, closes the store. */
  stop(graceMs: number): Promise<void>;
}

/** Puts together what works on a store that is shared with servers. */
export async function openWorker(config: Config, log: Log, say: Say = () => undefined): Promise<WorkerProcess> {
  const opened = await openProcess(config, log, say);
  const { store } = opened;
  const dispatcher = opened.startDispatcher();
  const health = healthOf(store, dispatcher, { search: null, tracing: null });
  const server = createHealthServer({ ...health, log });
  return {
    server,
    async stop(graceMs) {
      health.drain();
      await dispatcher.stop(graceMs);
      await server.close();
      await opened.close();
      await store.close();
    },
  };
}

/** How a process is, for `/readyz` and `/metrics`. */
function healthOf(
  store: Store,
  dispatcher: Dispatcher,
  { search, tracing }: { search: Search | null; tracing: Tracing | null },
): HealthParts & { drain(): void } {
  let isDraining = false;
  return {
    drain() {
      isDraining = true;
    },
    readiness: async () => {
      if (isDraining) return 'draining';
      return (await store.isReachable()) ? null : 'store_unreachable';
    },
    vitals: async () => ({
      ...(await store.stats()),
      busyWorkers: dispatcher.busy,
      search: (await search?.status()) ?? null,
      spans: tracing?.counts ?? null,
    }),
  };
}

/**
 * Removes the search index of a data folder that no server uses; the next one builds it anew.
 * @returns whether there was a store to which an index could belong
 * @throws StoreInUse
 */
export async function removeSearchIndex(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, 'millrun.db'))) return false;
  const store = openSqliteStore(resolve(folder));
  // A server never needs it on its main thread.
  const { INDEX_FILE_NAME, removeIndexFile } = await import('./search/sqlite/index-file.ts');
  removeIndexFile(join(folder, INDEX_FILE_NAME));
  await store.close();
  return true;
}

/** Where the page of the explorer is built into. */
const WEB_FOLDER = fileURLToPath(new URL('../web/dist', import.meta.url));

/** Bytes of the files of a data folder. Blobs are not counted: walking a million files would take minutes. */
async function diskUse(folder: string): Promise<ProcessFacts['disk']> {
  const sizeOf = async (...names: string[]) => {
    const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => ({ size: 0 }))));
    return sizes.reduce((sum, { size }) => sum + size, 0);
  };
  const [store, searchIndex] = await Promise.all([
    sizeOf('millrun.db', 'millrun.db-wal'),
    sizeOf('search.db', 'search.db-wal'),
  ]);
  return { store, searchIndex, blobs: null };
}

function modelAccess(config: Config): ModelAccess {
  const endpoint = modelEndpoint(config);
  const providers: ModelProvider[] =
    endpoint === null ? [] : [{ name: 'openai', protocol: 'openai-compatible', ...endpoint, models: [], settings: {} }];
  return { providers, prices: config.modelPrices, presets: {}, defaultModels: config.models };
}

/** Null: nobody takes traces. */
function tracingOf(
  { tracingEndpoint: url, tracingHeaders: headers, tracingServiceName: serviceName, tracingContent }: Config,
  version: string,
  store: Store,
  log: Log,
  readPayload: TracingParts['readPayload'],
): Tracing | null {
  if (url === null) return null;
  const target = { url, headers, serviceName, version };
  return new Tracing({ store, log, target, exportsContent: tracingContent, readPayload });
}
