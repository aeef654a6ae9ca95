import { createHash } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { Payload } from '../domain/payload.ts';
import { type RecordedParts, type RecordedRun, recordProblem } from '../domain/recorded-run.ts';
import type { Run } from '../domain/run.ts';
import { slugOf } from '../domain/slug.ts';
import type { DefinitionIssue, Workflow, WorkflowVersion } from '../domain/workflow.ts';
import { checkDefinition } from '../engine/check-definition.ts';
import { compile } from '../engine/graph.ts';
import { Payloads } from '../engine/payloads.ts';
import type { Redactor } from '../engine/redactor.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import type { Change, Write } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import type { Keyring } from './keyring.ts';
import { standInDefinition } from './stand-in.ts';
import type { GivenDefinition } from './workflows.ts';

/** A workflow as runs that come from elsewhere bring it along. */
export interface RecordedWorkflow
  extends Pick<
    Workflow,
    | 'id'
    | 'name'
    | 'kind'
    | 'slug'
    | 'type'
    | 'description'
    | 'currentVersionId'
    | 'settings'
    | 'meta'
    | 'authorName'
    | 'createdAt'
    | 'updatedAt'
  > {
  /** Those that the runs executed, and the current one where it is known. One that runs elsewhere only is a stand-in (`standInDefinition`). */
  readonly versions: readonly RecordedVersion[];
}

export interface RecordedVersion extends Pick<WorkflowVersion, 'id' | 'name' | 'description' | 'createdAt'> {
  readonly given: GivenDefinition;
}

/** What came of records, each told by its id. */
export interface ImportReport {
  readonly imported: readonly string[];
  /** Those that were here before, and stayed as they were. */
  readonly present: readonly string[];
  /** Why others could not be taken, each in a sentence. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Records of one call: some megabytes of JSON, and some 0.1 s of writing. */
export const MAX_RECORDED_RUNS = 500;

/** Runs that are written together: between two such writes, others have their turn. */
const RUNS_A_WRITE = 25;

/** Runs below one run: as many as search reads. */
const MAX_RUNS_BELOW = 20_000;

/**
 * Takes in runs that ended elsewhere. They are found, shown and compared like others and never run; nothing follows from their end: no callback,
 * no error handler, no evaluation. Retention counts from when they finished.
 */
export class RunImport {
  readonly #store: Store;
  readonly #payloads: Payloads;
  readonly #system: System;
  readonly #catalogue: Catalogue;
  readonly #keyring: Pick<Keyring, 'redactorOf'>;

  constructor(parts: {
    store: Store;
    payloads: Payloads;
    system: System;
    catalogue: Catalogue;
    keyring: Pick<Keyring, 'redactorOf'>;
  }) {
    this.#store = parts.store;
    this.#payloads = parts.payloads;
    this.#system = parts.system;
    this.#catalogue = parts.catalogue;
    this.#keyring = parts.keyring;
  }

  /**
   * Keeps records: workflows and versions that are not here yet, then the runs, each with all that it brings or not at all. A record that is here
   * already stays as it is, so that the same call may be made again.
   * @param runs at most `MAX_RECORDED_RUNS`; payloads are JSON texts
   * @throws PlatformError `forbidden`
   */
  async take(
    caller: Caller,
    workflows: readonly RecordedWorkflow[],
    runs: readonly RecordedRun[],
  ): Promise<ImportReport> {
    demand(caller, 'runs:import');
    const { workspaceId } = caller;
    const elsewhere = (await this.#store.listWorkspaces()).map(({ id }) => id).filter((id) => id !== workspaceId);
    const refused = new Map<string, string>();
    for (const workflow of workflows) {
      const problem = await this.#takeWorkflow(caller, workflow, elsewhere);
      if (problem !== null) refused.set(workflow.id, problem);
    }
    const redactor = await this.#keyring.redactorOf(workspaceId);
    const imported: string[] = [];
    const present: string[] = [];
    for (let at = 0; at < runs.length; at += RUNS_A_WRITE) {
      const some = runs.slice(at, at + RUNS_A_WRITE);
      const results = await Promise.all(some.map((run) => this.#takeRun(workspaceId, run, elsewhere, redactor)));
      for (const [index, result] of results.entries()) {
        const { id } = some[index]!.run;
        if (result === 'imported') imported.push(id);
        else if (result === 'present') present.push(id);
        else refused.set(id, result.problem);
      }
    }
    return { imported, present, refused };
  }

  /** @returns in a sentence why it could not be taken */
  async #takeWorkflow(caller: Caller, given: RecordedWorkflow, elsewhere: readonly string[]): Promise<string | null> {
    const { workspaceId } = caller;
    const [known] = await this.#store.listWorkflowsById(workspaceId, [given.id]);
    const versions: WorkflowVersion[] = [];
    for (const version of given.versions) {
      if ((await this.#store.getVersion(workspaceId, version.id)) !== null) continue;
      // Compiled graphs and payloads are kept by ids alone: an id has one meaning in the whole installation.
      for (const other of elsewhere)
        if ((await this.#store.getVersion(other, version.id)) !== null) return `The version ${version.id} is ${TAKEN}`;
      versions.push(this.#version(caller, given, version));
    }
    if (known !== undefined) {
      if (versions.length > 0) await this.#unlessThere(versions.map((version) => ({ kind: 'createVersion', version })));
      return null;
    }
    for (const other of elsewhere)
      if ((await this.#store.listWorkflowsById(other, [given.id])).length > 0)
        return `The workflow ${given.id} is ${TAKEN}`;
    const current = versions.find(({ id }) => id === given.currentVersionId) ?? versions[0];
    if (current === undefined) return `The workflow ${given.id} comes without a version of its own.`;
    await this.#createWorkflow(this.#workflow(caller, given, current), versions);
    return null;
  }

  async #createWorkflow(workflow: Workflow, versions: readonly WorkflowVersion[]): Promise<void> {
    // A slug that is taken gets the id's last characters, and where that is taken too, the whole id.
    for (const slug of [workflow.slug, `${workflow.slug}-${workflow.id.slice(-12)}`, workflow.id]) {
      const kept = await this.#unlessThere([
        { kind: 'createWorkflow', workflow: { ...workflow, slug } },
        ...versions.map((version): Write => ({ kind: 'createVersion', version })),
      ]);
      if (kept) return;
    }
  }

  /** @returns false when something that the change rests on does not hold; what is there already by another call is no fault */
  async #unlessThere(change: Change): Promise<boolean> {
    try {
      return (await this.#store.commit(change)) === 'kept';
    } catch (error) {
      const first = change[0];
      if (first?.kind === 'createWorkflow') {
        const { workspaceId, id } = first.workflow;
        if ((await this.#store.listWorkflowsById(workspaceId, [id])).length > 0) return true;
      }
      if (first?.kind === 'createVersion') {
        const { workspaceId, id } = first.version;
        if ((await this.#store.getVersion(workspaceId, id)) !== null) return true;
      }
      throw error;
    }
  }

  #workflow(caller: Caller, given: RecordedWorkflow, current: WorkflowVersion): Workflow {
    return {
      id: given.id,
      workspaceId: caller.workspaceId,
      name: given.name,
      kind: given.kind,
      slug: given.slug || slugOf(given.name) || given.id,
      type: given.type,
      description: given.description,
      currentVersionId: current.id,
      errorHandlerId: null,
      settings: given.settings,
      meta: given.meta,
      profile: {},
      authorName: given.authorName ?? caller.keyName,
      createdAt: given.createdAt,
      updatedAt: given.updatedAt,
      // A model or a ComfyUI workflow is what its profile says, which runs do not bring along: it gives them its name, and is in no list.
      deletedAt: given.kind === 'flow' ? null : this.#system.now(),
      revision: 1,
    };
  }

  #version(caller: Caller, workflow: RecordedWorkflow, { id, name, description, createdAt, given }: RecordedVersion) {
    const sound = this.#sound(given);
    const version: WorkflowVersion = {
      id,
      workspaceId: caller.workspaceId,
      workflowId: workflow.id,
      name,
      description,
      createdAt,
      createdBy: caller.keyId,
      definition: sound.definition,
      document: sound.document,
      hash: createHash('sha256').update(sound.document).digest('hex'),
      validation: sound.issues,
    };
    return version;
  }

  /** The definition where it can be shown; one that this server cannot read has a stand-in of the same nodes. */
  #sound(given: GivenDefinition): {
    definition: GivenDefinition['definition'];
    document: string;
    issues: DefinitionIssue[];
  } {
    const issues = [...given.issues, ...checkDefinition(given.definition, this.#catalogue)];
    if (!issues.some(({ severity }) => severity === 'invalid') && this.#compiles(given)) return { ...given, issues };
    const { nodes, edges } = given.definition;
    const standIn = standInDefinition({
      nodes: nodes.map(({ id, name, type, config }) => ({ id, name, type, config })),
      edges: edges.map(({ from, to }) => ({ from: from.nodeId, to: to.nodeId })),
    });
    return { ...standIn, issues: checkDefinition(standIn.definition, this.#catalogue) };
  }

  #compiles({ definition }: GivenDefinition): boolean {
    try {
      compile(definition, this.#catalogue);
      return true;
    } catch {
      return false;
    }
  }

  async #takeRun(
    workspaceId: string,
    record: RecordedRun,
    elsewhere: readonly string[],
    redactor: Redactor | null,
  ): Promise<'imported' | 'present' | { readonly problem: string }> {
    const { id } = record.run;
    const known = await this.#store.getRun(workspaceId, id);
    if (known === null) {
      const problem = await this.#problemOf(workspaceId, record, elsewhere);
      if (problem !== null) return { problem };
      const change = this.#change(workspaceId, record, redactor);
      const moved = Payloads.needsMove(change) ? await this.#payloads.moveOut(change) : change;
      try {
        await this.#store.commit(moved);
      } catch (error) {
        // Twice at the same time: one of them is kept, with all that it brings.
        if ((await this.#store.getRun(workspaceId, id)) === null) throw error;
        return 'present';
      }
    }
    // A call that ended between the two writes is made again.
    const isLacking = record.evaluation !== null && (await this.#store.lastEvaluation(workspaceId, id)) === null;
    if (isLacking && known?.parent == null) await this.#keepEvaluation(workspaceId, record);
    return known === null ? 'imported' : 'present';
  }

  async #problemOf(workspaceId: string, record: RecordedRun, elsewhere: readonly string[]): Promise<string | null> {
    const { below } = record;
    if (below.length > MAX_RUNS_BELOW) return `It has ${below.length} runs below it; at most are ${MAX_RUNS_BELOW}.`;
    if (record.run.parent !== null) return 'It is a part of another run. Import the run at its root.';
    const ids = new Set<string>();
    for (const parts of [record, ...below]) {
      const { run } = parts;
      const problem = recordProblem(parts) ?? parentProblem(record, run, ids);
      if (problem !== null) return run === record.run ? problem : `The run ${run.id} below it: ${problem}`;
      ids.add(run.id);
      const version = await this.#store.getVersion(workspaceId, run.workflowVersionId);
      if (version?.workflowId !== run.workflowId) {
        return `Its workflow ${run.workflowId} with the version ${run.workflowVersionId} is not here, and did not come with it.`;
      }
      const [workflow] = await this.#store.listWorkflowsById(workspaceId, [run.workflowId]);
      if (workflow?.workflow.kind !== run.kind)
        return `It is the run of a ${run.kind}, and its workflow is a ${workflow?.workflow.kind}.`;
      for (const other of elsewhere)
        if ((await this.#store.getRun(other, run.id)) !== null) return `Its id is ${TAKEN}`;
      if (run !== record.run && (await this.#store.getRun(workspaceId, run.id)) !== null)
        return `The run ${run.id} below it is here already, and belongs to another run.`;
    }
    return null;
  }

  /** All that a run brings, but for its evaluation, which rests on the run being there. */
  #change(workspaceId: string, record: RecordedRun, redactor: Redactor | null): Change {
    const clean = cleaner(redactor);
    const writes = [record, ...record.below].flatMap(({ run, nodeRuns, iterations, logs }): Write[] => [
      { kind: 'createRun', run: { ...clean.run(run), ...OF_HERE, workspaceId } },
      ...nodeRuns.map(
        (nodeRun): Write => ({ kind: 'putNodeRun', workspaceId, runId: run.id, nodeRun: clean.io(nodeRun) }),
      ),
      ...iterations.map(
        (iteration): Write => ({ kind: 'putIteration', workspaceId, runId: run.id, iteration: clean.io(iteration) }),
      ),
      ...logs.map((log): Write => {
        const said = { message: clean.text(log.message), meta: clean.value(log.meta) };
        return { kind: 'appendLog', workspaceId, log: { ...log, ...said, runId: run.id } };
      }),
    ]);
    const { id: runId, workflowId, status, progress } = record.run;
    const data = { status, progress, imported: true } as const;
    const event = { workspaceId, runId, workflowId, at: this.#system.now(), kind: 'finished', data } as const;
    return [...writes, { kind: 'appendEvent', event }];
  }

  async #keepEvaluation(workspaceId: string, { run, evaluation: given }: RecordedRun): Promise<void> {
    if (given === null) return;
    const target = { kind: run.kind, workflowId: run.workflowId };
    const own = { workspaceId, runId: run.id, target, parentId: null, supersededAt: null, callbackUrl: null };
    const evaluation = { ...given.evaluation, ...own };
    const judges = given.judges.map((judge) => ({ ...judge, evaluationId: evaluation.id, runId: null }));
    const begun = { ...evaluation, status: 'running', completedAt: null, revision: 1 } as const;
    const kept = await this.#store.commit([{ kind: 'createEvaluation', evaluation: begun, judges }]);
    if (kept === 'stale') return;
    const ended = { ...evaluation, status: 'completed', revision: 2 } as const;
    await this.#store.commit([{ kind: 'completeEvaluation', evaluation: ended, judges }]);
    if (evaluation.feedback === null) return;
    const { id: evaluationId, feedback, updatedAt: at } = evaluation;
    await this.#store.commit([{ kind: 'setEvaluationFeedback', workspaceId, evaluationId, feedback, at }]);
  }
}

/** What a run is here, whatever it was where it ran. */
const OF_HERE = {
  revision: 1,
  requestId: null,
  callbackUrl: null,
  apiKeyId: null,
  debugger: null,
  tracing: false,
} satisfies Partial<Run>;

const TAKEN = 'used for something else on this server.';

/** @param above ids of the runs that came before it in the record */
function parentProblem(record: RecordedRun, run: RecordedParts['run'], above: ReadonlySet<string>): string | null {
  if (run === record.run) return null;
  if (above.has(run.id)) return 'There are two of this id.';
  if (run.parent === null || run.parent.rootId !== record.run.id || !above.has(run.parent.runId))
    return 'It does not say which of the runs before it invoked it.';
  return null;
}

/** Takes the secrets of the workspace out of what a record says, as it is done with what runs say here. */
function cleaner(redactor: Redactor | null) {
  const text = (given: string): string => redactor?.text(given) ?? given;
  const value = <T extends JsonValue>(given: T): T => redactor?.value(given) ?? given;
  const payload = <T extends Payload | null>(given: T): T => {
    if (redactor === null || given === null || redactor.text(given) === given) return given;
    return JSON.stringify(redactor.values(JSON.parse(given) as JsonObject)) as T;
  };
  const failure = (given: Failure | null) => given && { ...given, message: text(given.message) };
  return {
    text,
    value,
    run: (run: RecordedParts['run']): RecordedParts['run'] => ({
      ...run,
      input: payload(run.input),
      output: payload(run.output),
      failure: failure(run.failure),
      meta: value(run.meta),
      context: value(run.context),
      clientRef: value(run.clientRef),
    }),
    io: <T extends { readonly inputs: Payload | null; readonly outputs: Payload | null; failure: Failure | null }>(
      given: T,
    ): T => ({
      ...given,
      inputs: payload(given.inputs),
      outputs: payload(given.outputs),
      failure: failure(given.failure),
    }),
  };
}
