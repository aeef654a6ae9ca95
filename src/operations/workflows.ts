import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '../domain/caller.ts';
import type { Definition, NodeDefinition } from '../domain/definition.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { slugOf } from '../domain/slug.ts';
import {
  type DefinitionIssue,
  runLimit,
  type Workflow,
  type WorkflowKind,
  type WorkflowRecord,
  type WorkflowType,
  type WorkflowVersion,
} from '../domain/workflow.ts';
import { checkDefinition } from '../engine/check-definition.ts';
import { invokedWorkflow } from '../engine/graph.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import { frozenSettings } from '../nodes/workflow-settings.ts';
import type { Write } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';

/** A definition as its dialect read it. */
export interface GivenDefinition {
  readonly definition: Definition;
  /** JSON text, given back as it is. */
  readonly document: string;
  /** Mistakes that only the dialect could see. */
  readonly issues: readonly DefinitionIssue[];
}

/** A workflow to be saved. */
export interface NewWorkflow {
  readonly name: string;
  /** Without it: a flow. */
  readonly kind?: WorkflowKind;
  /** Without it one is made of the name. */
  readonly slug?: string;
  readonly profile?: JsonObject;
  readonly type: WorkflowType;
  readonly description: string | null;
  readonly given: GivenDefinition;
  readonly errorHandlerId: string | null;
  readonly settings: JsonObject;
  readonly meta: JsonObject;
}

/** What a save changes; what is left out stays. */
export type WorkflowPatch = Partial<Omit<NewWorkflow, 'type' | 'kind'>> & {
  readonly type?: WorkflowType;
  /** The hash of the definition that the author started from; a save over another one conflicts unless forced. */
  readonly basedOnHash?: string;
};

/** What a person saves as a version. */
export interface NewVersion {
  readonly name: string;
  readonly description: string | null;
  /** Null: the current definition. */
  readonly given: GivenDefinition | null;
}

/** Tries of a save that other saves get in the way of. Each round one save wins, so that more in a row means something is wrong. */
const SAVE_TRIES = 20;

/** Versions kept in memory for runs. */
const VERSIONS_KEPT = 500;

export class Workflows {
  readonly #store: Store;
  readonly #catalogue: Catalogue;
  readonly #system: System;
  readonly #versions = new Map<string, WorkflowVersion>();

  constructor(parts: { store: Store; catalogue: Catalogue; system: System }) {
    this.#store = parts.store;
    this.#catalogue = parts.catalogue;
    this.#system = parts.system;
  }

  /** @throws PlatformError `invalid` with every mistake of the definition */
  async create(caller: Caller, wanted: NewWorkflow): Promise<WorkflowRecord> {
    demand(caller, 'workflows:write');
    await this.#checkHandler(caller, wanted.errorHandlerId);
    const now = this.#system.now();
    const id = this.#system.newId();
    refuseLimit(wanted.settings);
    await this.#checkSubflows(caller, id, wanted.given);
    const version = this.#version(caller, id, wanted.given, wanted.settings, { name: null, description: null });
    const workflow: Workflow = {
      id,
      workspaceId: caller.workspaceId,
      name: wanted.name,
      kind: wanted.kind ?? 'flow',
      slug: wanted.slug ?? (slugOf(wanted.name) || id),
      type: wanted.type,
      description: wanted.description,
      currentVersionId: version.id,
      errorHandlerId: wanted.errorHandlerId,
      settings: wanted.settings,
      meta: wanted.meta,
      profile: wanted.profile ?? {},
      authorName: caller.keyName,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
      revision: 1,
    };
    const created = await this.#tryCreate(workflow, version, wanted.slug === undefined);
    if (created !== null) return { workflow: created, version, runsCount: 0, lastRunAt: null };
    throw slugTaken(workflow, workflow.slug);
  }

  /** Saves a new workflow. Where its slug is taken and may be another one, it gets its id's last characters. Null: it is taken. */
  async #tryCreate(workflow: Workflow, version: WorkflowVersion, mayRename: boolean): Promise<Workflow | null> {
    const renamed = { ...workflow, slug: `${workflow.slug}-${workflow.id.slice(-12)}` };
    for (const candidate of mayRename ? [workflow, renamed] : [workflow]) {
      const change: Write[] = [
        { kind: 'createWorkflow', workflow: candidate },
        { kind: 'createVersion', version },
      ];
      if ((await this.#store.commit(change)) === 'kept') return candidate;
    }
    return null;
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, workflowId: string): Promise<WorkflowRecord> {
    demand(caller, 'workflows:read');
    const record = await this.#store.getWorkflowRecord(caller.workspaceId, workflowId);
    if (record === null) throw notFound('workflow', workflowId);
    return record;
  }

  /** Last changed first. */
  async list(caller: Caller, page: PageRequest, type: WorkflowType | null): Promise<Page<WorkflowRecord>> {
    demand(caller, 'workflows:read');
    return this.#store.listWorkflows(caller.workspaceId, page, type);
  }

  /** The workflow of a run, also when it was deleted since; null when nothing of it is left. */
  async recordOfRun(caller: Caller, workflowId: string): Promise<WorkflowRecord | null> {
    demand(caller, 'runs:read');
    return this.#store.getWorkflowRecord(caller.workspaceId, workflowId, { deleted: true });
  }

  /** The workflow that an import goes into: the one named by id, else the newest of that name. Null: there is none of that name. */
  async importTarget(caller: Caller, workflowId: string | null, name: string): Promise<WorkflowRecord | null> {
    if (workflowId !== null) return this.get(caller, workflowId);
    demand(caller, 'workflows:read');
    return this.#store.findWorkflowByName(caller.workspaceId, name);
  }

  /** @throws PlatformError `not_found`, also for a version of another workflow */
  async getVersion(caller: Caller, workflowId: string, versionId: string): Promise<WorkflowVersion> {
    await this.get(caller, workflowId);
    return this.#versionOf(caller, workflowId, versionId);
  }

  /**
   * Saves over a workflow. Runs in flight go on with the definition they started with.
   * @param wanted the change, or what makes it of the workflow as it stands: asked again when another save came first
   * @throws PlatformError `conflict` when the definition is no longer the one the author started from, unless `force`; when the slug is taken
   */
  async update(
    caller: Caller,
    workflowId: string,
    wanted: WorkflowPatch | ((record: WorkflowRecord) => Promise<WorkflowPatch>),
    force: boolean,
  ): Promise<WorkflowRecord> {
    demand(caller, 'workflows:write');
    for (let tries = 0; tries < SAVE_TRIES; tries += 1) {
      const record = await this.get(caller, workflowId);
      const patch = typeof wanted === 'function' ? await wanted(record) : wanted;
      if (patch.errorHandlerId !== undefined) await this.#checkHandler(caller, patch.errorHandlerId);
      refuseMadeDefinition(record, patch);
      if (patch.slug !== undefined) await this.#checkSlug(record, patch.slug);
      if (patch.given !== undefined) await this.#checkSubflows(caller, workflowId, patch.given);
      if (patch.type !== undefined && patch.type !== record.workflow.type) {
        const message = `The type of a workflow cannot be changed: it is "${record.workflow.type}", given was "${patch.type}". Save a new workflow of that type.`;
        throw invalid([{ at: ['body', 'type'], message, type: 'unchangeable' }]);
      }
      if (!force && patch.basedOnHash !== undefined && patch.basedOnHash !== record.version.hash) {
        throw new PlatformError(
          'conflict',
          'The workflow was changed since you read it. Read it again and bring your change in, or save with force=true to overwrite.',
        );
      }
      const saved = await this.#trySave(caller, record, patch);
      if (saved) return saved;
    }
    throw new PlatformError('conflict', 'The workflow is being saved by others all the time. Try again.');
  }

  /** Removes it from lists; its runs stay readable. */
  async delete(caller: Caller, workflowId: string): Promise<void> {
    demand(caller, 'workflows:write');
    for (let tries = 0; tries < SAVE_TRIES; tries += 1) {
      const { workflow } = await this.get(caller, workflowId);
      const deleted = { ...workflow, deletedAt: this.#system.now(), revision: workflow.revision + 1 };
      if ((await this.#store.commit([{ kind: 'saveWorkflow', workflow: deleted }])) === 'kept') return;
    }
    throw new PlatformError('conflict', 'The workflow is being saved by others all the time. Try again.');
  }

  /** Those that a person saved, newest first. */
  async listVersions(caller: Caller, workflowId: string): Promise<WorkflowVersion[]> {
    await this.get(caller, workflowId);
    return this.#store.listSavedVersions(caller.workspaceId, workflowId);
  }

  /** Keeps a definition under a name. It can be run, and does not become the current one. */
  async createVersion(caller: Caller, workflowId: string, wanted: NewVersion): Promise<WorkflowVersion> {
    demand(caller, 'workflows:write');
    const { workflow, version: current } = await this.get(caller, workflowId);
    const given = wanted.given ?? this.#givenAgain(current);
    await this.#checkSubflows(caller, workflowId, given);
    const version = this.#version(caller, workflowId, given, workflow.settings, wanted);
    await this.#store.commit([{ kind: 'createVersion', version }]);
    return version;
  }

  /**
   * Keeps a definition to be tried: as a version without a name, which does not become the current one. One that was kept before is taken again.
   * @throws PlatformError `not_found`; `invalid` when it cannot run
   */
  async draft(caller: Caller, workflowId: string, given: GivenDefinition): Promise<WorkflowVersion> {
    demand(caller, 'workflows:write');
    const { workflow, version: current } = await this.get(caller, workflowId);
    await this.#checkSubflows(caller, workflowId, given);
    const version = this.#version(caller, workflowId, given, workflow.settings, { name: null, description: null });
    if (version.validation.length > 0)
      throw invalid(version.validation.map((issue) => problemOf(issue, ['body', 'document'])));
    if (version.hash === current.hash) return current;
    const test = (column: string, value: string): CheckedFilter => ({
      kind: 'in',
      target: { column, kind: 'text', path: [] },
      values: [value],
    });
    const filter: CheckedFilter = { kind: 'and', terms: [test('workflowId', workflowId), test('hash', version.hash)] };
    const one = { workspaceId: caller.workspaceId, filter, sort: [], limit: 1, from: null, backward: false };
    const [known] = (await this.#store.find('versions', one)).items;
    // The same nodes under settings that were changed since are another definition.
    const isSame = isDeepStrictEqual(known?.version.definition.settings, version.definition.settings);
    if (known !== undefined && isSame) return known.version;
    await this.#store.commit([{ kind: 'createVersion', version }]);
    return version;
  }

  /**
   * Changes a version's name and description. With another definition the version is replaced by a new one of the same name: runs that
   * used the old one keep what they ran.
   */
  async updateVersion(
    caller: Caller,
    workflowId: string,
    versionId: string,
    patch: Partial<NewVersion>,
  ): Promise<WorkflowVersion> {
    demand(caller, 'workflows:write');
    const version = await this.#versionOf(caller, workflowId, versionId);
    const about = {
      name: patch.name ?? version.name,
      description: patch.description === undefined ? version.description : patch.description,
    };
    if (!patch.given || hashOf(patch.given.document) === version.hash) {
      const renamed = { ...version, ...about };
      await this.#store.commit([{ kind: 'renameVersion', version: renamed }]);
      return renamed;
    }
    const { workflow } = await this.get(caller, workflowId);
    await this.#checkSubflows(caller, workflowId, patch.given);
    const replacement = this.#version(caller, workflowId, patch.given, workflow.settings, about);
    await this.#store.commit([
      { kind: 'renameVersion', version: { ...version, name: null } },
      { kind: 'createVersion', version: replacement },
    ]);
    return replacement;
  }

  /**
   * The version that a run is to use: the one asked for, or the current one.
   * @throws PlatformError `not_found`; `invalid` when the definition is not runnable yet
   */
  async runnable(
    caller: Pick<Caller, 'workspaceId'>,
    workflowId: string,
    versionId: string | null,
  ): Promise<{ workflow: Workflow; version: WorkflowVersion }> {
    const workflow = await this.#store.getWorkflow(caller.workspaceId, workflowId);
    if (workflow === null) throw notFound('workflow', workflowId);
    const version = await this.#frozen(caller, workflowId, versionId ?? workflow.currentVersionId);
    if (version.validation.length > 0)
      throw invalid(version.validation.map((issue) => problemOf(issue, ['definition'])));
    return { workflow, version };
  }

  /** Every mistake that saving this definition would be refused for, or would leave it not runnable for. */
  check(given: GivenDefinition): DefinitionIssue[] {
    return [...given.issues, ...checkDefinition(given.definition, this.#catalogue)];
  }

  /** The definition of a version as its dialect read it once. */
  #givenAgain({ definition, document, validation }: WorkflowVersion): GivenDefinition {
    const seenHere = checkDefinition(definition, this.#catalogue);
    const issues = validation.filter((issue) => !seenHere.some((known) => isDeepStrictEqual(known, issue)));
    return { definition, document, issues };
  }

  /** A definition with what runs of it take from the workflow's settings. */
  #frozenWith(given: GivenDefinition, settings: JsonObject): GivenDefinition {
    const { settings: _former, ...definition } = given.definition;
    const frozen = frozenSettings(settings);
    return Object.keys(frozen).length === 0
      ? { ...given, definition }
      : { ...given, definition: { ...definition, settings: frozen } };
  }

  /** A version as runs need it: its definition never changes, so that a hot one is read and parsed once. */
  async #frozen(caller: Pick<Caller, 'workspaceId'>, workflowId: string, versionId: string): Promise<WorkflowVersion> {
    const known = this.#versions.get(versionId);
    if (known?.workspaceId === caller.workspaceId && known.workflowId === workflowId) return known;
    const version = await this.#versionOf(caller, workflowId, versionId);
    const oldest = this.#versions.keys().next().value;
    if (this.#versions.size >= VERSIONS_KEPT && oldest !== undefined) this.#versions.delete(oldest);
    this.#versions.set(versionId, version);
    return version;
  }

  /** @throws PlatformError `invalid` with every mistake of those definitions that have no meaning */
  refuseMeaningless(given: readonly GivenDefinition[]): void {
    const issues = given.flatMap((definition) => this.check(definition));
    refuse(issues, ['body', 'definition']);
  }

  async #versionOf(
    caller: Pick<Caller, 'workspaceId'>,
    workflowId: string,
    versionId: string,
  ): Promise<WorkflowVersion> {
    const version = await this.#store.getVersion(caller.workspaceId, versionId);
    if (version === null || version.workflowId !== workflowId) throw notFound('workflow version', versionId);
    return version;
  }

  async #trySave(caller: Caller, record: WorkflowRecord, patch: WorkflowPatch): Promise<WorkflowRecord | null> {
    const { workflow } = record;
    const writes: Write[] = [];
    let { version } = record;
    const settings = patch.settings ?? workflow.settings;
    if (patch.settings !== undefined) refuseLimit(patch.settings);
    const isOther = patch.given !== undefined && hashOf(patch.given.document) !== version.hash;
    if (isOther || !isDeepStrictEqual(frozenSettings(settings), version.definition.settings ?? {})) {
      const given = patch.given !== undefined && isOther ? patch.given : this.#givenAgain(version);
      version = this.#version(caller, workflow.id, given, settings, { name: null, description: null });
      writes.push({ kind: 'createVersion', version });
    }
    const saved: Workflow = {
      ...workflow,
      name: patch.name ?? workflow.name,
      description: patch.description === undefined ? workflow.description : patch.description,
      errorHandlerId: patch.errorHandlerId === undefined ? workflow.errorHandlerId : patch.errorHandlerId,
      settings,
      meta: patch.meta ?? workflow.meta,
      profile: patch.profile ?? workflow.profile,
      slug: patch.slug ?? workflow.slug,
      currentVersionId: version.id,
      updatedAt: this.#system.now(),
      revision: workflow.revision + 1,
    };
    // The precondition comes with this write, so that it goes first: nothing of a save that lost is kept.
    const kept = await this.#store.commit([{ kind: 'saveWorkflow', workflow: saved }, ...writes]);
    return kept === 'kept' ? { ...record, workflow: saved, version } : null;
  }

  /** @throws PlatformError `invalid` when the definition has no meaning */
  #version(
    caller: Caller,
    workflowId: string,
    unfrozen: GivenDefinition,
    settings: JsonObject,
    about: { name: string | null; description: string | null },
  ): WorkflowVersion {
    const given = this.#frozenWith(unfrozen, settings);
    const issues = this.check(given);
    refuse(issues, ['body', 'definition']);
    return {
      id: this.#system.newId(),
      workspaceId: caller.workspaceId,
      workflowId,
      name: about.name,
      description: about.description,
      createdAt: this.#system.now(),
      createdBy: caller.keyId,
      definition: given.definition,
      document: given.document,
      hash: hashOf(given.document),
      validation: issues,
    };
  }

  async #checkSlug({ workflow }: WorkflowRecord, slug: string): Promise<void> {
    const found = await this.#store.findWorkflowBySlug(workflow.workspaceId, workflow.kind, slug);
    if (found !== null && found.workflow.id !== workflow.id) throw slugTaken(workflow, slug);
  }

  /**
   * Refuses a definition that invokes a workflow which is not there, or that would invoke itself over others.
   * @throws PlatformError `invalid` naming each node
   */
  async #checkSubflows(caller: Caller, workflowId: string, { definition }: GivenDefinition): Promise<void> {
    const problems: Problem[] = [];
    for (const { node, subflowId } of this.#invocations(definition)) {
      const at = ['body', 'definition', 'nodes', node.id];
      const circle = await this.#wayBack(caller, workflowId, subflowId);
      if (circle === 'unknown') {
        const message = `Node "${node.id}" runs the workflow ${subflowId}, which is not in this workspace. Save it first, or name another one.`;
        problems.push({ at, message, type: 'unknown_workflow', nodeId: node.id });
      } else if (circle !== null) {
        const way = circle.map((name) => `"${name}"`).join(' → ');
        const message = `Node "${node.id}" would make this workflow run itself: ${way} → this workflow. Take one of them out of the circle.`;
        problems.push({ at, message, type: 'subflow_cycle', nodeId: node.id });
      }
    }
    if (problems.length > 0) throw invalid(problems);
  }

  #invocations(definition: Definition): { node: NodeDefinition; subflowId: string }[] {
    return definition.nodes.flatMap((node) => {
      const type = this.#catalogue.find(node.type);
      const subflowId = type === null ? null : invokedWorkflow(node, type);
      return subflowId === null ? [] : [{ node, subflowId }];
    });
  }

  /** Names of the workflows by which `from` comes to invoke `workflowId`; null: it does not. */
  async #wayBack(caller: Caller, workflowId: string, from: string): Promise<string[] | 'unknown' | null> {
    const open: { id: string; way: string[] }[] = [{ id: from, way: [] }];
    const seen = new Set<string>();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.id === workflowId) return next.way;
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      const workflow = await this.#store.getWorkflow(caller.workspaceId, next.id);
      if (workflow === null) {
        if (next.id === from) return 'unknown';
        continue;
      }
      const { definition } = await this.#frozen(caller, workflow.id, workflow.currentVersionId);
      const way = [...next.way, workflow.name];
      for (const { subflowId } of this.#invocations(definition)) open.push({ id: subflowId, way });
    }
    return null;
  }

  async #checkHandler(caller: Caller, workflowId: string | null): Promise<void> {
    if (workflowId === null) return;
    const handler = await this.#store.getWorkflow(caller.workspaceId, workflowId);
    if (handler !== null) return;
    const message = `The error handler ${workflowId} is not a workflow of this workspace. Save it first, or leave error_handler out.`;
    throw invalid([{ at: ['body', 'error_handler'], message, type: 'unknown_workflow' }]);
  }
}

/** @throws PlatformError `invalid` when the settings limit runs by something that is no number of runs */
function refuseLimit(settings: JsonObject): void {
  const given = settings['max_concurrent_runs'] ?? null;
  if (given === null || runLimit(settings) !== null) return;
  const message = `"max_concurrent_runs" is ${JSON.stringify(given).slice(0, 80)}, but takes a whole number from 1. Leave it out for any number of runs.`;
  throw invalid([{ at: ['body', 'settings', 'max_concurrent_runs'], message, type: 'invalid_setting' }]);
}

function slugTaken({ kind }: Workflow, slug: string): PlatformError {
  const message = `The slug "${slug}" belongs to another ${kind} of this workspace. Choose another one, or change that one.`;
  return new PlatformError('conflict', message);
}

/** The graph of a model or a ComfyUI workflow follows from what it says of itself. */
function refuseMadeDefinition({ workflow }: WorkflowRecord, patch: WorkflowPatch): void {
  if (workflow.kind === 'flow' || patch.given === undefined || patch.profile !== undefined) return;
  const message = `"${workflow.name}" is a ${workflow.kind}: its definition is made by the platform. Change it where ${workflow.kind}s are changed.`;
  throw invalid([{ at: ['body', 'definition'], message, type: 'unchangeable' }]);
}

function hashOf(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}

/** Incomplete definitions are kept as drafts; those without a meaning are refused. */
function refuse(issues: readonly DefinitionIssue[], at: Problem['at']): void {
  const meaningless = issues.filter((issue) => issue.severity === 'invalid');
  if (meaningless.length > 0) throw invalid(meaningless.map((issue) => problemOf(issue, at)));
}

function problemOf(issue: DefinitionIssue, at: Problem['at']): Problem {
  return {
    at: [
      ...at,
      ...(issue.nodeId === null ? [] : ['nodes', issue.nodeId]),
      ...(issue.edgeId === null ? [] : ['edges', issue.edgeId]),
    ],
    message: issue.message,
    type: issue.type,
    hint: issue.hint,
    ...(issue.nodeId === null ? {} : { nodeId: issue.nodeId }),
    ...(issue.edgeId === null ? {} : { edgeId: issue.edgeId }),
  };
}
