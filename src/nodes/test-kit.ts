import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { type Asked, type Script, startProvider } from '../../test/support/providers/provider-server.ts';
import type { Credential, ProviderProtocol } from '../domain/credential.ts';
import type { NodeDefinition } from '../domain/definition.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { StoredFile } from '../domain/stored-file.ts';
import type { DefinitionIssue } from '../domain/workflow.ts';
import { createGuardedHttp } from '../system/guarded-http.ts';
import type { CodeAccess } from './code/sandbox.ts';
import type {
  ComfyuiServer,
  EffectNodeType,
  ModelAccess,
  ModelProvider,
  NodeContext,
  NodeStep,
  NodeType,
  Outcome,
  PureNodeType,
} from './node-type.ts';

/** What the tests of node types share: configuration with its defaults, a context, and servers to call. */

type Values = Record<string, JsonValue>;

const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** The moment every test context says it is: 2026-01-31T12:00:00Z. */
export const NOW = Date.UTC(2026, 0, 31, 12);

export function runPure(type: PureNodeType, config: JsonObject, values: Values): Outcome {
  return type.run({ nodeId: 'n1', config: withDefaults(type, config), values });
}

export function runEffect(
  type: EffectNodeType,
  config: JsonObject,
  values: Values,
  context: NodeContext,
): Promise<Outcome> {
  return type.run({ nodeId: 'n1', config: withDefaults(type, config), values }, context);
}

/** The outputs of an outcome that must be a success. */
export function outputsOf(outcome: Outcome): Readonly<Record<string, JsonValue>> {
  if (outcome.kind !== 'succeeded') throw new Error(`It did not succeed: ${JSON.stringify(outcome)}`);
  return outcome.outputs;
}

/** `code: message` of an outcome that must be a failure. */
export function failureOf(outcome: Outcome): string {
  if (outcome.kind !== 'failed') throw new Error(`It did not fail: ${JSON.stringify(outcome)}`);
  return `${outcome.failure.code}: ${outcome.failure.message}`;
}

/** What the type's own check says about a node configured like this. */
export function issuesOf(type: NodeType, config: JsonObject): readonly DefinitionIssue[] {
  const node: NodeDefinition = { id: 'n1', type: type.type, name: 'Node', config, inputs: [], outputs: [] };
  return type.check?.(node) ?? [];
}

function withDefaults(type: NodeType, config: JsonObject): JsonObject {
  const defaults = Object.entries(type.config).map(([name, field]) => [name, field.default] as const);
  return { ...Object.fromEntries(defaults), ...config };
}

export interface TestContext extends NodeContext {
  readonly logged: string[];
  /** Text as it was handed on; `|` before an answer that takes the place of another. */
  readonly streamed: string[];
  /** Steps as they were told, and how many there were and had ended. */
  readonly told: { steps: readonly NodeStep[]; total?: number; completed?: number }[];
  readonly saved: Map<string, { file: StoredFile; bytes: Buffer }>;
}

const noSandbox: CodeAccess['sandbox'] = {
  run: async () => {
    throw new Error('This test gave its context no sandbox.');
  },
};

const noWorkflows: NodeContext['runWorkflow'] = async () => {
  throw new Error('This test gave its context no workflows.');
};

/** A context with the real guarded client, which may call the tests' own servers, and files in memory. */
export function testContext(
  given: {
    models?: Partial<ModelAccess>;
    signal?: AbortSignal;
    attempt?: number;
    allow?: string[];
    comfyui?: readonly Omit<ComfyuiServer, 'http'>[];
    gpuRates?: NodeContext['gpuRates'];
    code?: Partial<CodeAccess>;
    runWorkflow?: NodeContext['runWorkflow'];
    credentials?: readonly Credential[];
    credentialIds?: NodeContext['credentialIds'];
    tracing?: NodeContext['tracing'];
  } = {},
): TestContext {
  const http = createGuardedHttp({ allow: given.allow ?? ['127.0.0.1'] });
  opened.push(() => http.close());
  const saved: TestContext['saved'] = new Map();
  const logged: string[] = [];
  const streamed: string[] = [];
  const told: TestContext['told'] = [];
  return {
    workspaceId: 'w1',
    runId: 'r1',
    attempt: given.attempt ?? 1,
    iteration: 0,
    idempotencyKey: 'r1/n1/0',
    signal: given.signal ?? new AbortController().signal,
    now: () => NOW,
    log: (level, message, meta) => logged.push(`${level} ${message} ${JSON.stringify(meta ?? null)}`),
    steps: (steps, progress) => told.push({ steps, ...progress }),
    runWorkflow: given.runWorkflow ?? noWorkflows,
    stream: (text, isAnew) => streamed.push(isAnew ? `|${text}` : text),
    tracing: given.tracing ?? null,
    http,
    code: { sandbox: given.code?.sandbox ?? noSandbox, runner: given.code?.runner ?? null },
    comfyui: (given.comfyui ?? []).map((server) => ({ ...server, http })),
    gpuRates: given.gpuRates ?? {},
    files: {
      read: async (id) => saved.get(id) ?? null,
      save: async ({ name, contentType, bytes }) => {
        const id = `f${saved.size + 1}`;
        const file = { id, workspaceId: 'w1', name, contentType, size: bytes.byteLength, blobId: id, createdAt: NOW };
        saved.set(id, { file, bytes: Buffer.from(bytes) });
        return file;
      },
    },
    models: { providers: [], prices: {}, presets: {}, defaultModels: [], ...given.models },
    credentialIds: given.credentialIds ?? {},
    credential: async (nameOrId) =>
      given.credentials?.find(({ id, name }) => id === nameOrId || name === nameOrId) ?? null,
    redact: (text) => text,
    logged,
    streamed,
    told,
    saved,
  };
}

/** A server on this machine for one test. @returns its origin */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  opened.push(() => new Promise((closed) => server.close(closed).closeAllConnections()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A provider of models that speaks OpenAI's chat completions, stopped after the test, and a context whose default model is its first. */
export async function servedModels(
  script: Script,
  given: Partial<ModelAccess> & { protocol?: ProviderProtocol } = {},
): Promise<{ context: TestContext; asked: readonly Asked[] }> {
  const { protocol = 'openai-compatible', ...access } = given;
  const { provider, asked, stop } = await startProvider(protocol, script);
  opened.push(stop);
  const models = { providers: [provider], defaultModels: Object.keys(script).slice(0, 1), ...access };
  return { context: testContext({ models }), asked };
}

/** A provider that speaks as OpenAI does, at an address of the test's own. */
export function compatibleProvider(given: Pick<ModelProvider, 'name' | 'baseUrl' | 'apiKey'>): ModelProvider {
  return { protocol: 'openai-compatible', models: [], settings: {}, ...given };
}
