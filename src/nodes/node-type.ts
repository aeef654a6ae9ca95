import type { ModelCallRecord } from '../domain/attempt.ts';
import type { Credential, ProviderProtocol } from '../domain/credential.ts';
import type { NodeDefinition } from '../domain/definition.ts';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { ModelPrice } from '../domain/model-settings.ts';
import type { PersonAsk } from '../domain/person-request.ts';
import type { RetryPolicy } from '../domain/retry.ts';
import type { RunStatus, Usage } from '../domain/run.ts';
import type { LogLevel } from '../domain/run-log.ts';
import type { StoredFile } from '../domain/stored-file.ts';
import type { ValueType } from '../domain/value.ts';
import type { Warning } from '../domain/warning.ts';
import type { DefinitionIssue } from '../domain/workflow.ts';
import type { HttpClient } from '../system/http-client.ts';
import type { CodeAccess } from './code/sandbox.ts';

/** The kinds of connector of the Noxus catalogue (noxus-api.md 2.2). */
export type ConnectorKind =
  | 'connector'
  | 'variable_connector'
  | 'variable_type_connector'
  | 'variable_type_size_connector'
  | 'input'
  | 'output'
  | 'variable_type_input'
  | 'variable_type_output';

/** A socket as a node type offers it. Kinds with keys (`variable_connector`, `variable_type_size_connector`) are families of named sockets. */
export interface ConnectorSpec {
  readonly name: string;
  readonly label: string;
  readonly kind: ConnectorKind;
  readonly type: ValueType;
  readonly optional?: boolean;
  /** Types an author may choose, for the kinds with a chosen type. */
  readonly choices?: readonly ValueType[];
  /** False: a list that arrives is taken whole although the connector is single-valued. Default true. */
  readonly propagatesList?: boolean;
}

/** The entry types that official clients accept; anything else breaks their start (noxus-nodes.md section 1). */
export type ConfigType =
  | 'int'
  | 'float'
  | 'bool'
  | 'dict'
  | 'str'
  | 'list'
  | 'Image'
  | 'Audio'
  | 'File'
  | 'Quote'
  | 'Custom'
  | 'Any'
  | 'GoogleSheet'
  | 'SourceType';

/** One configuration field of a node type. */
export interface ConfigField {
  readonly type: ConfigType;
  readonly description: string;
  /** May be left out. A required field without a value keeps the definition from running. */
  readonly optional: boolean;
  /** Value when left out; null: none. */
  readonly default: JsonValue;
  /** The values allowed, when it is a choice. */
  readonly choices?: readonly string[];
  /** Smallest and largest number allowed. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Hidden behind "advanced" in editors. */
  readonly advanced?: boolean;
  /** Editor widget, e.g. `{ type: 'textarea' }`, passed through to the catalogue. */
  readonly display?: JsonObject;
}

/** What a node gets for one pass. Configuration has defaults filled in and V2 tokens replaced. */
export interface NodeInput {
  readonly nodeId: string;
  readonly config: JsonObject;
  /** Values by socket name (`connector` or `connector::key`). Optional inputs that did not arrive are absent. */
  readonly values: Readonly<Record<string, JsonValue>>;
}

/** What becomes of one pass of a node. */
export type Outcome =
  | {
      readonly kind: 'succeeded';
      /** Values by output connector (`connector` or `connector::key`). A connector that is left out is a branch not taken. */
      readonly outputs: Readonly<Record<string, JsonValue>>;
      readonly warnings?: readonly Warning[];
      readonly usage?: Usage;
    }
  | {
      readonly kind: 'failed';
      readonly failure: Failure;
      /** Whether a further attempt may go better; the engine decides if and when by the node's retry policy. */
      readonly retryable: boolean;
      /** The wait the remote side asked for, milliseconds; used when longer than the policy's. */
      readonly retryAfterMs?: number;
      readonly warnings?: readonly Warning[];
      readonly usage?: Usage;
    }
  /** It succeeds with these outputs at `dueAt` (epoch milliseconds), without running again; survives restarts. */
  | { readonly kind: 'later'; readonly dueAt: number; readonly outputs: Readonly<Record<string, JsonValue>> }
  /** It succeeds with what a person answers (`outputsOfAnswer`), without running again; survives restarts, and no worker waits. */
  | { readonly kind: 'person'; readonly ask: PersonAsk; readonly warnings?: readonly Warning[] };

/** Files a node reads and keeps, within the run's workspace. */
export interface NodeFiles {
  /** The stored file and its bytes, or null when there is none in this workspace. `id` is the bare id, not the uri. */
  read(id: string): Promise<{ file: StoredFile; bytes: Buffer } | null>;
  save(file: { name: string; contentType: string; bytes: Uint8Array }): Promise<StoredFile>;
}

/** An endpoint that serves models. */
export interface ModelProvider {
  readonly name: string;
  readonly protocol: ProviderProtocol;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /**
   * What the protocol needs beyond a key. Azure: `resource_name`, `api_version`. Bedrock: `region`, `access_key_id`, `secret_access_key`,
   * `session_token`.
   */
  readonly settings: Readonly<Record<string, string>>;
  /** Model names it serves; empty: any name that no other provider lists. */
  readonly models: readonly string[];
}

/** Configured model access. `prices` is keyed by model name. */
export interface ModelAccess {
  readonly providers: readonly ModelProvider[];
  readonly prices: Readonly<Record<string, ModelPrice>>;
  /** Lists of models that go by a name: a node that names the model `preset:<name>` means these, in this order. */
  readonly presets: Readonly<Record<string, readonly string[]>>;
  /** Models tried in this order when a node names none. */
  readonly defaultModels: readonly string[];
}

/** A ComfyUI server that the operator configured. */
export interface ComfyuiServer {
  /** Without a slash at its end, and without credentials. */
  readonly url: string;
  /** The Authorization header that it wants; null: none. */
  readonly authorization: string | null;
  /** A client that may call this server. The general one may not: the server would do whatever a workflow's HTTP request asked of it. */
  readonly http: HttpClient;
}

/** One thing that a node does inside, recorded as a node run of its own under `<node id>/<step id>`. */
export interface NodeStep {
  readonly id: string;
  readonly status: 'running' | 'succeeded' | 'failed' | 'canceled' | 'cached';
  /** Epoch milliseconds. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly inputs: JsonObject | null;
  readonly outputs: JsonObject | null;
  readonly failure: Failure | null;
}

/** Steps there are inside a node, and those that have ended. */
export interface StepProgress {
  readonly total: number;
  readonly completed: number;
}

/** A workflow that a node has run for it, as an agent's tool does. */
export interface WorkflowCall {
  readonly workflowId: string;
  /** By label, as any run's input. */
  readonly input: JsonObject;
  /**
   * Tells the call from others of the same try. One made again after a crash, at the same place with the same input, is given the run that it made
   * before.
   */
  readonly place: string;
  /** Milliseconds until the run is stopped. */
  readonly timeoutMs: number;
  /** Stops the run. */
  readonly signal: AbortSignal;
}

/** How a workflow call ended. */
export interface WorkflowCallEnd {
  /** Null: no run was made of it, and `failure` says why. */
  readonly runId: string | null;
  readonly status: RunStatus | null;
  readonly output: JsonObject;
  /** Null: the run succeeded, be it in part. */
  readonly failure: Failure | null;
}

/** What a pass does for a trace. */
export interface PassTracing {
  /** The header that hands the trace on to whoever is called (W3C Trace Context). */
  readonly traceparent: string;
  /** Whether what models are asked and answer is kept. */
  readonly keepsContent: boolean;
  /** Keeps a call of a model, if calls are kept of this run. */
  modelCall(call: ModelCallRecord): void;
}

/** What an effect may use besides its input. */
export interface NodeContext {
  readonly workspaceId: string;
  readonly runId: string;
  /** The item that this pass is about, from 1; 0: the node does not iterate. */
  readonly iteration: number;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * The same for one (run, node, iteration, attempt), however often a crash makes it run: remote sides that honour it do the work once. A try after
   * one that failed has another, since remote sides answer a key that they know with the failure again.
   */
  readonly idempotencyKey: string;
  /** Aborted at the node's timeout, and when the run is stopped. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  now(): number;
  log(level: LogLevel, message: string, meta?: JsonObject): void;
  /** A text without the secrets of the workspace, for what is led on within the node: all that leaves it is cleaned anyway. */
  redact(text: string): string;
  /**
   * Records steps inside this node, each replacing what was recorded under its id.
   * @param progress takes the place of the counts of the run's nodes; null: the nodes count
   */
  steps(steps: readonly NodeStep[], progress: StepProgress | null): void;
  /** Runs a workflow of the workspace and waits for its end; the pass holds no worker's place meanwhile. Its failures are told, not thrown. */
  runWorkflow(call: WorkflowCall): Promise<WorkflowCallEnd>;
  /**
   * Hands on text as it comes, to those who watch the run; nothing is recorded.
   * @param isAnew what was given before is void, since another answer takes its place
   */
  stream(text: string, isAnew?: boolean): void;
  /** The trace that the run is part of; null: none. */
  readonly tracing: PassTracing | null;
  readonly http: HttpClient;
  readonly files: NodeFiles;
  /** What the run's workspace may use. */
  readonly models: ModelAccess;
  /** Credentials that the node's author gave it, names or ids, by the word that they are given under (`credential_ids` of noxus-api.md 2.2). */
  readonly credentialIds: Readonly<Record<string, string>>;
  /**
   * A credential of the run's workspace; null: there is none of this name or id. What the pass says is redacted of all secrets of the workspace.
   * @throws SealBroken when it cannot be opened; the node then fails with that message
   */
  credential(nameOrId: string): Promise<Credential | null>;
  /** ComfyUI servers that the operator configured. */
  readonly comfyui: readonly ComfyuiServer[];
  /** US dollars for a second on a GPU, decimal numbers as text, by the name that workflows give it; `default` stands for all others. */
  readonly gpuRates: Readonly<Record<string, string>>;
  readonly code: CodeAccess;
}

interface NodeTypeBase {
  /** The name definitions use, e.g. `ComposeTextNode`. Never changes. */
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly category: string;
  /** Where the graph meets the run's input and output. */
  readonly role?: 'input' | 'output';
  readonly inputs: readonly ConnectorSpec[];
  readonly outputs: readonly ConnectorSpec[];
  readonly config: Readonly<Record<string, ConfigField>>;
  /** Takes lists whole on every input: never iterates. */
  readonly gathersList?: boolean;
  /** The input whose list makes the node run once per item, also a list that is one opaque value. */
  readonly eachOf?: string;
  /** The output that has a value for each of them: a list also where no pass gave one. The others are not taken then. */
  readonly eachTo?: string;
  /** Outputs that depend on the configuration (a switch's cases), added to `outputs`. */
  outputsOf?(config: JsonObject): readonly ConnectorSpec[];
  /** Of the outputs that depend on the configuration, some are taken and some are not: who goes on after a failure takes none of them. */
  readonly branches?: boolean;
  /** Mistakes that the field list alone does not show (a pattern that does not compile). `severity` says whether saving is refused. */
  check?(node: NodeDefinition): readonly DefinitionIssue[];
}

/** Free to run again: its outputs depend on its input alone. Runs inside a decision, synchronously, and must be quick. */
export interface PureNodeType extends NodeTypeBase {
  readonly effect: false;
  run(input: NodeInput): Outcome;
}

/** Touches the world: recorded before it runs and after, and not run again once its result is recorded. */
export interface EffectNodeType extends NodeTypeBase {
  readonly effect: true;
  readonly invokes?: false;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  run(input: NodeInput, context: NodeContext): Promise<Outcome>;
}

/** A workflow as a node sees it that invokes it. */
export interface SubflowSockets {
  readonly name: string;
  /** Names of its inputs, those with a value of their own left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A pass of a node that invokes a workflow. */
export interface InvokingPass {
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  readonly subflow: SubflowSockets;
}

/** A run that a pass invoked, and that has ended. */
export interface EndedInvocation {
  readonly runId: string;
  /** Its place among the runs of this try, from 1. */
  readonly ordinal: number;
  readonly input: JsonObject;
  /** By the names of the workflow's outputs. */
  readonly output: JsonObject;
  readonly isCanceled: boolean;
  /** Null: it succeeded. */
  readonly failure: Failure | null;
}

/** The pass goes on with a run of the workflow on this input. */
export interface Invocation {
  readonly kind: 'invoke';
  readonly input: JsonObject;
}

/** The outcome of a pass that is over. */
export type Ended = Extract<Outcome, { kind: 'succeeded' | 'failed' }>;

/**
 * Has its work done by another workflow, as runs that its run is the parent of: no worker waits meanwhile. What it decides depends on its input and
 * on the run that has ended alone. The workflow is named by `subflow_id` in the configuration.
 */
export interface InvokingNodeType extends NodeTypeBase {
  readonly effect: true;
  readonly invokes: true;
  /** Milliseconds one invoked run may take; 0: as long as it needs. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  begin(input: NodeInput, pass: InvokingPass): Invocation | Ended;
  next(input: NodeInput, pass: InvokingPass, ended: EndedInvocation): Invocation | Ended;
  /** What a pass that failed after all its tries delivers all the same, so that the others go on; null: it is a failure. */
  outputsOfFailedPass?(config: JsonObject, failure: Failure, iteration: number): JsonObject | null;
}

/** What a node can do. One file a type, in `builtin/`, with its test beside it. */
export type NodeType = PureNodeType | EffectNodeType | InvokingNodeType;

/** The outcome of a pass that cannot succeed with this input or configuration. */
export function failed(failure: Failure, retryable = false): Ended {
  return { kind: 'failed', failure, retryable };
}

/** The outcome of a pass that produced these outputs. */
export function succeeded(
  outputs: Readonly<Record<string, JsonValue>>,
  extra: { warnings?: readonly Warning[]; usage?: Usage } = {},
): Ended {
  return { kind: 'succeeded', outputs, ...extra };
}

/** The values of a keyed connector: key → value, in the order they were delivered. */
export function keyedValues(input: NodeInput, connector: string): Record<string, JsonValue> {
  const prefix = `${connector}::`;
  // Not by assignment: a key may be called __proto__.
  return Object.fromEntries(
    Object.entries(input.values).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}
