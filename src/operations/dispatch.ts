import type { Caller } from '../domain/caller.ts';
import { type DeclaredInput, readDeclaredInput } from '../domain/declared-input.ts';
import { invalid, notFound, type Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';
import type { Workflow, WorkflowKind } from '../domain/workflow.ts';
import type { Store } from '../store/store.ts';
import { demand } from './access.ts';
import { checkComfyuiInput } from './comfyui-inputs.ts';
import { checkInput } from './declared-inputs.ts';
import type { RunRequest, Runs } from './runs.ts';

/** What a caller hands over with a run and gets back from it. */
export interface GivenData {
  readonly input: JsonObject;
  /** Given back as it is. */
  readonly metadata: JsonObject | null;
}

/**
 * Keeps media that stand in the data themselves and checks the assets it refers to.
 * @throws PlatformError `invalid` with every reference that leads nowhere
 */
export type TakeInMedia = (caller: Caller, given: GivenData) => Promise<GivenData>;

/** A run of a target. */
export interface DispatchRequest extends GivenData {
  readonly callbackUrl: string | null;
  /** At most 255 characters; several runs may share one. */
  readonly clientRef: string | null;
  readonly requestId: string | null;
  readonly source: string;
  /** Null: the current version. */
  readonly versionId?: string | null;
  readonly batchId?: string | null;
  /** The trace that the caller is in. */
  readonly trace?: RunRequest['trace'];
  /** See `RunRequest.isRepeat`. */
  readonly isRepeat?: boolean;
}

/** Where the input stands in a request, for the places of problems. */
const INPUT: Problem['at'] = ['body', 'input'];

/** Starts runs of models, ComfyUI workflows and flows: finds the target by id or path, checks the input against what it declares. */
export class Dispatch {
  readonly #store: Store;
  readonly #runs: Runs;
  readonly #takeInMedia: TakeInMedia;

  constructor(parts: { store: Store; runs: Runs; takeInMedia: TakeInMedia }) {
    this.#store = parts.store;
    this.#runs = parts.runs;
    this.#takeInMedia = parts.takeInMedia;
  }

  /**
   * What a path names: an id, a slug, or a slug behind its owner's name, which means nothing here. Kinds are tried one after the other.
   * @throws PlatformError `not_found` in the name of the first kind
   */
  async target(caller: Caller, kinds: readonly WorkflowKind[], path: string): Promise<Workflow> {
    demand(caller, 'runs:create');
    return this.#find(caller, kinds, path);
  }

  /** The same for who reads its runs. */
  async targetOfRuns(caller: Caller, kinds: readonly WorkflowKind[], path: string): Promise<Workflow> {
    demand(caller, 'runs:read');
    return this.#find(caller, kinds, path);
  }

  async #find(caller: Caller, kinds: readonly WorkflowKind[], path: string): Promise<Workflow> {
    const workflow = await findTarget(this.#store, caller.workspaceId, kinds, path);
    if (workflow === null) throw notFound((kinds[0] ?? 'workflow').replaceAll('_', ' '), path);
    return workflow;
  }

  /**
   * The input as the run will have it, and everything that is wrong with it. A flow's input is checked when its run is made.
   * @param at where the input stands in the request
   */
  check(
    target: Workflow,
    input: JsonObject,
    at: Problem['at'] = INPUT,
  ): { input: JsonObject; problems: readonly Problem[] } {
    if (target.kind === 'flow') return { input, problems: [] };
    const check = target.kind === 'comfyui_workflow' ? checkComfyuiInput : checkInput;
    return check(declaredInputs(target), input, at);
  }

  /**
   * Checks the input, takes in its media, records the run and queues it.
   * @throws PlatformError `invalid` with every mistake
   */
  async start(caller: Caller, target: Workflow, request: DispatchRequest): Promise<Run> {
    const { input, problems } = this.check(target, request.input);
    if (problems.length > 0) throw invalid(problems);
    return this.#runs.create(caller, await this.prepare(caller, target, { ...request, input }));
  }

  /** The run that a request with a checked input asks for. Its media are kept by then. */
  async prepare(caller: Caller, target: Workflow, request: DispatchRequest): Promise<RunRequest> {
    const taken = await this.#takeInMedia(caller, { input: request.input, metadata: request.metadata });
    return {
      workflowId: target.id,
      versionId: request.versionId ?? null,
      workspaceId: null,
      input: taken.input,
      nodeIds: null,
      singleNodeId: null,
      callbackUrl: request.callbackUrl,
      tracing: false,
      debugger: null,
      trace: request.trace ?? null,
      source: request.source,
      meta: taken.metadata,
      clientRef: request.clientRef,
      batchId: request.batchId ?? null,
      requestId: request.requestId,
      isRepeat: request.isRepeat ?? false,
      dialect: 'runflow',
    };
  }
}

/** See `Dispatch.target`; null: there is none. */
export async function findTarget(
  store: Store,
  workspaceId: string,
  kinds: readonly WorkflowKind[],
  path: string,
): Promise<Workflow | null> {
  const byId = await store.getWorkflow(workspaceId, path.toLowerCase());
  if (byId !== null && kinds.includes(byId.kind)) return byId;
  const withoutOwner = path.slice(path.indexOf('/') + 1);
  for (const kind of kinds) {
    for (const slug of new Set([path, withoutOwner])) {
      const found = await store.findWorkflowBySlug(workspaceId, kind, slug);
      if (found !== null) return found.workflow;
    }
  }
  return null;
}

/** The inputs that a model or a ComfyUI workflow says it takes. */
function declaredInputs({ profile }: Workflow): DeclaredInput[] {
  const inputs = profile['inputs'];
  return Array.isArray(inputs) ? inputs.filter(isJsonObject).map(readDeclaredInput) : [];
}
