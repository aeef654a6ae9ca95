import { createHash } from 'node:crypto';
import { extname, posix } from 'node:path';
import { v5 } from 'uuid';
import type { Failure, FailureStage } from '../../domain/failure.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Warning } from '../../domain/warning.ts';
import type { DefinitionIssue } from '../../domain/workflow.ts';
import { configIssue, configText } from '../config.ts';
import { fileReference, type LoadedFile, loadFile } from '../file-reference.ts';
import { failedRequest, isRetryableStatus } from '../http-outcome.ts';
import {
  type ComfyuiServer,
  type EffectNodeType,
  failed,
  keyedValues,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { one } from '../value-types.ts';
import { findArtefacts, keepArtefact } from './artefacts.ts';
import { ComfyuiClient, ComfyuiError, type HistoryEntry } from './comfyui-client.ts';
import { type DeclaredWorkflow, readDeclared } from './declared.ts';
import { extract } from './extract.ts';
import { gpuRate } from './gpu-rate.ts';
import { DEPLOY_CLASS, type Graph } from './graph.ts';
import { executionFailure, GraphProgress } from './graph-progress.ts';
import { buildPrompt, fitToServer, markOutputs, nodeErrors, readValues } from './prompt.ts';
import { cancelPrompt, PACE, type Pace, PromptFollower } from './prompt-follower.ts';
import { chooseServer, type Survey, surveyServers } from './servers.ts';

/** The run limit of the Runflow service (runflow-comfyui.md 4). */
const TIMEOUT_MS = 30 * 60_000;

/** Submissions of one prompt: a server that loses it twice is not to be trusted with it a third time. */
const MAX_SUBMISSIONS = 2;

/** Namespace of the ids of prompts (RFC 9562 5.5). */
const PROMPT_IDS = '6f2f3f0a-5d0c-4b8e-9a53-1f7f1d0c2b54';

/** A ComfyUI graph on one of the configured servers. */
export function createComfyuiWorkflow(pace: Pace = PACE): EffectNodeType {
  return {
    type: 'ComfyUIWorkflowNode',
    title: 'ComfyUI workflow',
    description:
      'Runs a graph on the least busy of the ComfyUI servers that the operator configured. The graph’s Runflow input nodes take the connected values, and the files of its Runflow output nodes become stored files. Images and files are given as spot://, http(s) or data addresses. Servers without the Runflow nodes are served too, as far as ComfyUI’s own nodes can stand in for them.',
    category: 'ai',
    effect: true,
    timeoutMs: TIMEOUT_MS,
    retry: { retries: 2, delayMs: 5_000, factor: 3, maxDelayMs: 60_000 },
    inputs: [{ name: 'inputs', label: 'Inputs', kind: 'variable_connector', type: one('Any'), optional: true }],
    outputs: [
      { name: 'outputs', label: 'Outputs', kind: 'connector', type: one('list') },
      { name: 'measures', label: 'Measures', kind: 'connector', type: one('dict') },
    ],
    config: {
      workflow: {
        type: 'dict',
        description: 'The graph in ComfyUI’s API format ("Export (API)").',
        optional: false,
        default: null,
      },
      inputs: {
        type: 'list',
        description: 'Declared inputs; those of the graph’s Runflow input nodes when left out.',
        optional: true,
        default: null,
      },
      outputs: {
        type: 'list',
        description:
          'Declared outputs; those of the graph’s Runflow output nodes when left out, and every file when it has none.',
        optional: true,
        default: null,
      },
      resources: {
        type: 'dict',
        description:
          'Files that the graph names: path below ComfyUI’s input folder to a stored file, e.g. {"masks/a.png": "spot://…"}.',
        optional: true,
        default: {},
        advanced: true,
      },
      gpu: {
        type: 'str',
        description: 'The GPU that it is charged by, e.g. L40S; the default rate when left out.',
        optional: true,
        default: null,
        advanced: true,
      },
    },
    check(node) {
      const { workflow } = node.config;
      if (!isJsonObject(workflow)) return [];
      const issues: DefinitionIssue[] = extract(workflow).problems.map(({ message }) => ({
        ...configIssue(node, 'workflow', message, 'Correct it in ComfyUI, and export it again.'),
        severity: 'incomplete',
      }));
      if (Object.values(workflow).some((item) => isJsonObject(item) && item['class_type'] === DEPLOY_CLASS)) {
        const hint = 'Remove the node from the graph.';
        issues.push(configIssue(node, 'workflow', `A ${DEPLOY_CLASS} node holds an API key, which is not kept.`, hint));
      }
      return issues;
    },
    run: (input, context) => runWorkflow(input, context, pace),
  };
}

async function runWorkflow(input: NodeInput, context: NodeContext, pace: Pace): Promise<Outcome> {
  if (context.comfyui.length === 0) {
    return failed({
      code: 'not_configured',
      stage: 'dispatch',
      message:
        'No ComfyUI server is configured. Set COMFYUI_URL to its address, e.g. http://127.0.0.1:8188, and restart.',
    });
  }
  const workflow = readDeclared(input.config);
  if ('problems' in workflow)
    return failed({ code: 'invalid_config', stage: 'validation', message: workflow.problems.join(' ') });
  const values = readValues(workflow.inputs, keyedValues(input, 'inputs'));
  const references = new Map([...values.files].map(([name, given]) => [name, fileReference(given)]));
  const unread = [...references].filter(([, reference]) => reference === null).map(([name]) => notAFile(name));
  const problems = [...values.problems, ...unread];
  if (problems.length > 0) return failed({ code: 'invalid_input', stage: 'validation', message: problems.join(' ') });
  const job: Job = {
    context,
    pace,
    workflow,
    scalars: values.scalars,
    stage: 'dispatch',
    files: new Map(),
    resources: new Map(),
    gpu: configText(input.config, 'gpu') || null,
  };
  for (const [name, reference] of references) {
    const loaded = await loadFile(reference!, context);
    if ('kind' in loaded) return staged(loaded, 'dispatch');
    job.files.set(name, loaded);
  }
  for (const [path, reference] of workflow.resources) {
    const loaded = await loadFile(reference, context);
    if ('kind' in loaded) return staged(loaded, 'dispatch');
    job.resources.set(path, loaded);
  }
  try {
    return await submitUntilKept(job);
  } catch (error) {
    return staged(failedCall(error, context), job.stage);
  }
}

function notAFile(name: string): string {
  return `Input "${name}" takes a file: a spot://, http(s) or data address, or an object with one under "uri" or "url".`;
}

/** What is to be run, whatever server takes it. */
interface Job {
  readonly context: NodeContext;
  readonly pace: Pace;
  readonly workflow: DeclaredWorkflow;
  readonly scalars: ReadonlyMap<string, string | number | boolean>;
  /** How far it has come. */
  stage: FailureStage;
  /** By input name. */
  readonly files: Map<string, LoadedFile>;
  /** By path below the input folder. */
  readonly resources: Map<string, LoadedFile>;
  readonly gpu: string | null;
}

/** A server does not know a prompt any more that it had taken. */
interface Lost {
  readonly kind: 'lost';
  readonly server: string;
}

/** Submits the prompt, and once more when a server loses it. */
async function submitUntilKept(job: Job): Promise<Outcome> {
  const { context } = job;
  let lost = 0;
  for (let submission = 1; ; submission++) {
    // The same for the same try: after a restart of this process, the prompt that it left behind is found again.
    const promptId = v5(`${context.idempotencyKey} ${context.attempt} ${submission}`, PROMPT_IDS);
    const surveys = await surveyServers(context, promptId);
    const known = surveys.find(({ trace }) => trace !== null);
    const outcome = known ? await resume(job, known, promptId) : await dispatch(job, surveys, promptId);
    // Stopped in an earlier life of this try, which begins again under another id.
    if (outcome === null) continue;
    if (outcome.kind !== 'lost') return outcome;
    lost++;
    if (lost >= MAX_SUBMISSIONS) {
      return failed({
        code: 'worker_lost',
        stage: 'execution',
        message: `${outcome.server} lost the prompt after it was submitted ${lost} times: it is neither in the queue nor in the history there, or the server does not answer. Look whether ComfyUI is restarted or runs out of memory.`,
      });
    }
    context.log('warning', `${outcome.server} lost the prompt. It is submitted once more.`, { prompt_id: promptId });
  }
}

/** Goes on with a prompt that an earlier life of this process submitted; null when it was stopped then. */
async function resume(job: Job, { server, trace }: Survey, promptId: string): Promise<Outcome | Lost | null> {
  const { prompt, entry } = trace!;
  if (entry?.messages.some(({ type }) => type === 'execution_interrupted')) return null;
  job.context.log('info', `${server.url} has the prompt of this run already.`, { prompt_id: promptId });
  return follow(job, server, prompt, promptId, async () => promptId);
}

async function dispatch(job: Job, surveys: readonly Survey[], promptId: string): Promise<Outcome | Lost> {
  const { context, workflow } = job;
  job.stage = 'dispatch';
  const chosen = await chooseServer(surveys, workflow.graph, context);
  if ('kind' in chosen) return staged(chosen, 'dispatch');
  const { server, has, arrived } = chosen;
  try {
    const client = new ComfyuiClient(server, context.signal);
    const uploads = await upload(job, client);
    const built = buildPrompt(workflow.graph, workflow.inputs, { scalars: job.scalars, ...uploads });
    const { prompt } = fitToServer(built, has);
    markOutputs(prompt, workflow.outputs, promptId);
    return await follow(job, server, prompt, promptId, async () => {
      const accepted = await client.submit({ prompt, promptId, clientId: promptId });
      arrived();
      context.log('info', `${server.url} took the prompt.`, { prompt_id: accepted.promptId, server: server.url });
      for (const message of nodeErrors(accepted.nodeErrors, prompt)) context.log('warning', message);
      return accepted.promptId;
    });
  } finally {
    arrived();
  }
}

/** Puts the run's files and the workflow's resources into the server's input folder. */
async function upload(
  job: Job,
  client: ComfyuiClient,
): Promise<{ files: Map<string, string>; renamed: Map<string, string> }> {
  const files = new Map<string, string>();
  for (const [name, { bytes, contentType, name: fileName }] of job.files) {
    // Named by what they hold: the same file is stored there once, and different ones never meet.
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    const named = `millrun-${digest}${extname(fileName)}`;
    files.set(name, await client.upload({ name: named, subfolder: '', contentType, bytes }));
  }
  const renamed = new Map<string, string>();
  for (const [path, { bytes, contentType }] of job.resources) {
    const { dir: subfolder, base: name } = posix.parse(path);
    const stored = await client.upload({ name, subfolder, contentType, bytes });
    if (stored !== path) renamed.set(path, stored);
  }
  return { files, renamed };
}

/** Follows a prompt from its submission to its outcome, and takes it back when that is not to be. */
async function follow(
  job: Job,
  server: ComfyuiServer,
  prompt: Graph,
  promptId: string,
  submit: () => Promise<string>,
): Promise<Outcome | Lost> {
  const { context, pace } = job;
  const client = new ComfyuiClient(server, context.signal);
  const progress = new GraphProgress(prompt, context);
  const onEvent = progress.apply.bind(progress);
  const follower = new PromptFollower({ client, clientId: promptId, signal: context.signal, onEvent, pace });
  let submitted = promptId;
  let entry: HistoryEntry | null;
  try {
    await follower.open();
    submitted = await submit();
    job.stage = 'execution';
    entry = await follower.follow(submitted);
  } catch (error) {
    progress.end(context.signal.aborted ? 'canceled' : 'failed');
    if (error instanceof ComfyuiError && error.status === 400) return refused(error, prompt, client);
    await cancelPrompt(server, submitted);
    throw error;
  } finally {
    follower.close();
  }
  if (entry === null) {
    progress.end('failed');
    return { kind: 'lost', server: server.url };
  }
  progress.finish(entry);
  if (!entry.succeeded) return staged(failed(endFailure(entry, prompt, client)), 'execution');
  job.stage = 'output';
  return collect(job, client, entry, { prompt, promptId: submitted, startedAt: progress.startedAt });
}

/** ComfyUI did not take the prompt: what it says of each node. */
function refused(error: ComfyuiError, prompt: Graph, client: ComfyuiClient): Outcome {
  const body = isJsonObject(error.body) ? error.body : {};
  const cause = isJsonObject(body['error']) ? body['error'] : {};
  const said = [cause['message'], cause['details']].filter((part) => typeof part === 'string' && part.trim() !== '');
  const errors = nodeErrors(body['node_errors'], prompt);
  // "details" repeats the errors of the nodes in one line.
  const general = errors.length > 0 ? said.slice(0, 1) : said;
  const message = [`${client.url} refused the prompt: ${general.join(': ') || 'it gave no reason'}.`, ...errors].join(
    ' ',
  );
  return failed({ code: 'provider', stage: 'dispatch', message, httpStatus: 400 });
}

function endFailure(entry: HistoryEntry, prompt: Graph, client: ComfyuiClient): Failure {
  const ending = entry.messages.find(({ type }) => type === 'execution_error' || type === 'execution_interrupted');
  if (ending?.type === 'execution_error') return executionFailure(ending.data, prompt);
  const message = ending
    ? `The graph was interrupted at ${client.url}, by somebody else or by a restart. Run it again.`
    : `The graph failed at ${client.url}, which does not say why. Look into the log of ComfyUI.`;
  return { code: 'provider', message };
}

/** Keeps the files of a prompt that succeeded. */
async function collect(
  job: Job,
  client: ComfyuiClient,
  entry: HistoryEntry,
  run: { prompt: Graph; promptId: string; startedAt: number | null },
): Promise<Outcome> {
  const { context, workflow } = job;
  const found = findArtefacts(entry.outputs, workflow.outputs, run.prompt);
  const outputs: JsonObject[] = [];
  const gone: string[] = [];
  for (const artefact of found.artefacts) {
    const kept = await keepArtefact(artefact, client, context.files);
    if (kept === null) gone.push(artefact.output);
    else outputs.push(kept);
  }
  const given = new Set(outputs.map(({ name }) => name));
  const missing = [...new Set([...found.missing, ...gone])].filter((name) => !given.has(name));
  const names = missing.map((name) => `"${name}"`).join(', ');
  if (missing.length > 0 && outputs.length === 0) {
    return failed({
      code: 'output_missing',
      stage: 'output',
      message: `The graph succeeded at ${client.url} and left no file for ${names}. Look whether its output nodes save one.`,
    });
  }
  const warnings: Warning[] = [];
  if (missing.length > 0) {
    const detail = `The graph succeeded and left no file for ${names}.`;
    warnings.push({ identifier: 'general', detail, params: { missing }, partial: true });
  } else if (outputs.length === 0) {
    const detail = 'The graph succeeded and left no files. Add output nodes to it.';
    warnings.push({ identifier: 'no_results_returned', detail });
  }
  const measures: JsonObject = {
    gpu_seconds: gpuSeconds(entry, run.startedAt, context.now()),
    ...gpuRate(job.gpu, context.gpuRates),
    server: client.url,
    prompt_id: run.promptId,
    ...(missing.length > 0 ? { partial: true, missing } : {}),
  };
  return succeeded({ outputs, measures }, { warnings });
}

/** Seconds of execution with three decimals, by the server's own clock; by this one where the server tells no times. */
function gpuSeconds(entry: HistoryEntry, startedAt: number | null, now: number): string {
  const timeOf = (types: readonly string[]) =>
    entry.messages
      .filter(({ type }) => types.includes(type))
      .map(({ data }) => data['timestamp'])
      .at(-1);
  const start = timeOf(['execution_start']);
  const end = timeOf(['execution_success', 'execution_error', 'execution_interrupted']);
  const ms = typeof start === 'number' && typeof end === 'number' ? end - start : now - (startedAt ?? now);
  return (Math.max(0, ms) / 1_000).toFixed(3);
}

/** The outcome of a call that failed. Whatever else went wrong is a mistake in the program, and is thrown on. */
function failedCall(error: unknown, context: NodeContext): Outcome {
  if (context.signal.aborted) return failed({ code: 'timeout', message: 'The ComfyUI graph was stopped.' }, true);
  if (!(error instanceof ComfyuiError)) return failedRequest(error);
  const failure: Failure = { code: 'provider', message: error.message, httpStatus: error.status };
  return failed(failure, isRetryableStatus(error.status));
}

function staged(outcome: Outcome, stage: FailureStage): Outcome {
  return outcome.kind === 'failed' ? { ...outcome, failure: { ...outcome.failure, stage } } : outcome;
}
