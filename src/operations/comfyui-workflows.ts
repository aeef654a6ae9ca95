import type { Caller } from '../domain/caller.ts';
import {
  COMFYUI_PARTS,
  COMFYUI_PROPERTIES,
  type ComfyuiPart,
  RESERVED_SLUGS,
  timesOf,
} from '../domain/comfyui-workflow.ts';
import { invalid, notFound, type Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import { slugOf } from '../domain/slug.ts';
import { storedFileId } from '../domain/stored-file.ts';
import type { Workflow } from '../domain/workflow.ts';
import { COMFYUI_PART_VOCABULARIES } from '../filter/comfyui-workflow-vocabulary.ts';
import { readDeclared } from '../nodes/comfyui/declared.ts';
import type { FindRequest, FoundWorkflow, Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand, granted } from './access.ts';
import type { Assets } from './assets.ts';
import { comfyuiConfig, comfyuiDefinition } from './comfyui-definition.ts';
import { changedProfile, comfyuiItems, misspelled } from './comfyui-profile.ts';
import { findTarget } from './dispatch.ts';
import { type Listed, type ListRequest, pageOf } from './list-in-memory.ts';
import type { GivenDefinition, Workflows } from './workflows.ts';

/** Workflows that are read at a time when items of all of them are listed: each may hold a graph of megabytes. */
const WORKFLOWS_AT_ONCE = 20;

/** One item of a list of a ComfyUI workflow, as it is stored: properties under their wire names, times in ISO 8601. */
export interface ComfyuiItem {
  readonly workflowId: string;
  readonly item: JsonObject;
}

const BODY_KEYS: readonly string[] = [
  'name',
  'slug',
  'description',
  ...Object.keys(COMFYUI_PROPERTIES),
  ...Object.keys(COMFYUI_PARTS),
];

/** Deployed ComfyUI graphs: workflows of kind `comfyui_workflow` whose definition follows from what they say of themselves. */
export class ComfyuiWorkflows {
  readonly #store: Store;
  readonly #workflows: Workflows;
  readonly #assets: Assets;
  readonly #system: System;

  constructor(parts: { store: Store; workflows: Workflows; assets: Assets; system: System }) {
    this.#store = parts.store;
    this.#workflows = parts.workflows;
    this.#assets = parts.assets;
    this.#system = parts.system;
  }

  /** @param wanted properties under their wire names, lists included @throws PlatformError `invalid` with every mistake; `conflict` for a slug that is taken */
  async create(caller: Caller, wanted: JsonObject): Promise<Workflow> {
    demand(caller, 'comfyui-workflows:create');
    const problems = misspelled(wanted, BODY_KEYS, ['body']);
    const name = nameOf(wanted['name'], problems);
    const given = wanted['slug'] ?? null;
    if (given !== null) problems.push(...slugProblems(given));
    if ((wanted['workflow_json'] ?? null) === null) {
      const message = 'A ComfyUI workflow needs workflow_json: the graph that ComfyUI writes with "Export (API)".';
      problems.push({ at: ['body', 'workflow_json'], message, type: 'missing' });
    }
    const made = await this.#made(caller, { created_by: caller.keyId }, wanted, problems);
    const slug = given ?? (isFree(slugOf(name)) ? null : this.#system.newId());
    const { workflow } = await this.#workflows.create(granted(caller, 'workflows:write'), {
      name,
      kind: 'comfyui_workflow',
      ...(slug === null ? {} : { slug: String(slug) }),
      ...made,
      type: 'flow',
      description: textOrNull(wanted['description']),
      errorHandlerId: null,
      settings: {},
      meta: {},
    });
    return workflow;
  }

  /** By id, by slug, or by slug behind an owner's name. @throws PlatformError `not_found` */
  async get(caller: Caller, path: string): Promise<Workflow> {
    demand(caller, 'comfyui-workflows:read');
    return this.#named(caller, path);
  }

  /** One page of workflows. */
  async find(caller: Caller, request: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<Workflow>> {
    demand(caller, 'comfyui-workflows:read');
    const page = await this.#find(caller, request);
    return { ...page, items: page.items.map(({ workflow }) => workflow) };
  }

  /** Changes what is given and leaves the rest; another graph is a new version. @throws as `create` */
  async update(caller: Caller, path: string, patch: JsonObject): Promise<Workflow> {
    demand(caller, 'comfyui-workflows:edit');
    const problems = misspelled(patch, BODY_KEYS, ['body']);
    const name = patch['name'] === undefined ? undefined : nameOf(patch['name'], problems);
    return this.#change(caller, path, problems, ({ slug }, found) => {
      if ((patch['slug'] ?? slug) !== slug) {
        const message = `The slug is "${slug}" and stays so: callers have it in their addresses. Leave it out, or deploy under another slug.`;
        found.push({ at: ['body', 'slug'], message, type: 'unchangeable' });
      }
      const description = patch['description'] === undefined ? {} : { description: textOrNull(patch['description']) };
      return { patch, about: { ...(name === undefined ? {} : { name }), ...description } };
    });
  }

  /** Removes it from lists and frees its slug; its runs stay readable. */
  async delete(caller: Caller, path: string): Promise<void> {
    demand(caller, 'comfyui-workflows:delete');
    const { id } = await this.#named(caller, path);
    await this.#workflows.delete(granted(caller, 'workflows:read', 'workflows:write'), id);
  }

  /** One page of a list of a workflow; without a path of that list of every workflow. */
  async findItems(
    caller: Caller,
    path: string | null,
    part: ComfyuiPart,
    request: ListRequest,
  ): Promise<KeysetPage<ComfyuiItem>> {
    demand(caller, 'comfyui-workflows:read');
    const items = (await this.#items(caller, path, part)).map((item) => listed(item, part));
    const column = part === 'gpu_explicit_models' ? 'created_at' : 'sort_order';
    const vocabulary = COMFYUI_PART_VOCABULARIES[part];
    return pageOf(items, request, { vocabulary, defaultSort: [{ column, direction: 'asc' }] });
  }

  /** @param path null: whichever workflow it belongs to @throws PlatformError `not_found` */
  async getItem(caller: Caller, path: string | null, part: ComfyuiPart, itemId: string): Promise<ComfyuiItem> {
    demand(caller, 'comfyui-workflows:read');
    return this.#item(caller, path, part, itemId);
  }

  /** Adds an item to a list of a workflow. */
  async addItem(caller: Caller, path: string, part: ComfyuiPart, wanted: JsonObject): Promise<ComfyuiItem> {
    demand(caller, 'comfyui-workflows:edit');
    const id = this.#system.newId();
    const { id: workflowId, profile } = await this.#change(caller, path, [], (workflow) => ({
      patch: { [part]: [...comfyuiItems(workflow.profile, part), { ...wanted, id }] },
    }));
    return { workflowId, item: itemIn(profile, part, id) };
  }

  /** @throws PlatformError `not_found` */
  async changeItem(
    caller: Caller,
    path: string | null,
    part: ComfyuiPart,
    itemId: string,
    patch: JsonObject,
  ): Promise<ComfyuiItem> {
    demand(caller, 'comfyui-workflows:edit');
    const { workflowId } = await this.#item(caller, path, part, itemId);
    const { profile } = await this.#change(caller, workflowId, [], (workflow) => ({
      patch: {
        [part]: comfyuiItems(workflow.profile, part).map((item) =>
          item['id'] === itemId ? { ...item, ...patch, id: itemId } : item,
        ),
      },
    }));
    return { workflowId, item: itemIn(profile, part, itemId) };
  }

  /** @throws PlatformError `not_found` */
  async removeItem(caller: Caller, path: string | null, part: ComfyuiPart, itemId: string): Promise<void> {
    demand(caller, 'comfyui-workflows:edit');
    const { workflowId } = await this.#item(caller, path, part, itemId);
    await this.#change(caller, workflowId, [], (workflow) => ({
      patch: { [part]: comfyuiItems(workflow.profile, part).filter(({ id }) => id !== itemId) },
    }));
  }

  async #named(caller: Caller, path: string): Promise<Workflow> {
    const workflow = await findTarget(this.#store, caller.workspaceId, ['comfyui_workflow'], path);
    if (workflow === null) throw notFound('comfyui workflow', path);
    return workflow;
  }

  async #item(caller: Caller, path: string | null, part: ComfyuiPart, itemId: string): Promise<ComfyuiItem> {
    const found = (await this.#items(caller, path, part)).find(({ item }) => item['id'] === itemId);
    if (found === undefined) throw notFound(NOUNS[part], itemId);
    return found;
  }

  /** The items of a list of one workflow, or of all of them. */
  async #items(caller: Caller, path: string | null, part: ComfyuiPart): Promise<ComfyuiItem[]> {
    const itemsOf = ({ id: workflowId, profile }: Workflow) =>
      comfyuiItems(profile, part).map((item): ComfyuiItem => ({ workflowId, item }));
    if (path !== null) return itemsOf(await this.#named(caller, path));
    const items: ComfyuiItem[] = [];
    let from: KeysetPage<unknown>['next'] = null;
    do {
      const request = { filter: null, sort: [], limit: WORKFLOWS_AT_ONCE, from, backward: false };
      const page: KeysetPage<FoundWorkflow> = await this.#find(caller, request);
      items.push(...page.items.flatMap(({ workflow }) => itemsOf(workflow)));
      from = page.next;
    } while (from !== null);
    return items;
  }

  #find(caller: Caller, { filter, ...request }: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<FoundWorkflow>> {
    const ours = {
      kind: 'in',
      target: { column: 'kind', kind: 'code', path: [] },
      values: ['comfyui_workflow'],
    } as const;
    return this.#store.find('workflows', {
      ...request,
      filter: filter === null ? ours : { kind: 'and', terms: [ours, filter] },
      workspaceId: caller.workspaceId,
    });
  }

  /** Saves a change that is made of the workflow as it stands, anew whenever another save came first. */
  async #change(
    caller: Caller,
    path: string,
    problems: readonly Problem[],
    wanted: (
      workflow: Workflow,
      found: Problem[],
    ) => { patch: JsonObject; about?: { name?: string; description?: string | null } },
  ): Promise<Workflow> {
    const { id } = await this.#named(caller, path);
    const save = async ({ workflow }: { workflow: Workflow }) => {
      const found = [...problems];
      const { patch, about } = wanted(workflow, found);
      return { ...about, ...(await this.#made(caller, workflow.profile, patch, found)) };
    };
    const acting = granted(caller, 'workflows:read', 'workflows:write');
    return (await this.#workflows.update(acting, id, save, true)).workflow;
  }

  /** The profile with a change in it, and the definition that follows from it. @throws PlatformError `invalid` with every mistake */
  async #made(
    caller: Caller,
    before: JsonObject,
    patch: JsonObject,
    problems: Problem[],
  ): Promise<{ profile: JsonObject; given: GivenDefinition }> {
    const stamp = { now: new Date(this.#system.now()).toISOString(), newId: () => this.#system.newId() };
    const { profile, problems: ofProfile } = changedProfile(before, patch, stamp);
    problems.push(...ofProfile);
    if (isJsonObject(patch['resources'])) {
      profile['resources'] = await this.#resources(caller, patch['resources'], problems);
    }
    profile['inputs'] = await this.#withKeptDefaults(caller, comfyuiItems(profile, 'inputs'), problems);
    if (problems.length === 0) {
      // The rest is what a run would be refused for.
      const declared = readDeclared(comfyuiConfig(profile));
      const messages = 'problems' in declared ? declared.problems : [];
      problems.push(...messages.map((message): Problem => ({ at: ['body'], message, type: 'not_runnable' })));
    }
    if (problems.length > 0) throw invalid(problems);
    return { profile, given: comfyuiDefinition(profile) };
  }

  /** Files that the graph names, each with the address of what is kept here: the one that the plugin was given expires. */
  async #resources(caller: Caller, given: JsonObject, problems: Problem[]): Promise<JsonObject> {
    const entries = Object.entries(given).map(async ([path, value]) => {
      const entry: JsonObject = isJsonObject(value) ? value : { url: value };
      const { asset_id: assetId, url } = entry;
      const at = ['body', 'resources', path];
      const address = typeof assetId === 'string' && assetId !== '' ? `runflow://assets/${assetId}` : url;
      if (typeof address !== 'string' || address === '') {
        const message = `The resource "${path}" needs the asset_id of an uploaded file, or a url.`;
        problems.push({ at, message, type: 'missing' });
        return [path, entry] as const;
      }
      const resolved = await this.#assets.resolve(caller, address, at);
      problems.push(...resolved.problems);
      return [
        path,
        { ...entry, asset_id: storedFileId(resolved.value) ?? assetId ?? null, url: resolved.value },
      ] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Inputs whose default is a file that is kept here, in the form in which runs read it. */
  async #withKeptDefaults(caller: Caller, inputs: readonly JsonObject[], problems: Problem[]): Promise<JsonObject[]> {
    const kept = inputs.map(async (input, index) => {
      const { default_value: preset, variable_type_code: type } = input;
      if (typeof preset !== 'string' || (type !== 'IMAGE' && type !== 'FILE')) return input;
      const resolved = await this.#assets.resolve(caller, preset, ['body', 'inputs', index, 'default_value']);
      problems.push(...resolved.problems);
      return { ...input, default_value: resolved.value };
    });
    return Promise.all(kept);
  }
}

const NOUNS: Readonly<Record<ComfyuiPart, string>> = {
  inputs: 'comfyui workflow input',
  outputs: 'comfyui workflow output',
  gpu_explicit_models: 'comfyui workflow gpu model',
};

const itemIn = (profile: JsonObject, part: ComfyuiPart, itemId: string): JsonObject =>
  comfyuiItems(profile, part).find(({ id }) => id === itemId) ?? {};

function listed({ workflowId, item }: ComfyuiItem, part: ComfyuiPart): Listed<ComfyuiItem> {
  const times = timesOf(part).map((name) => [name, Date.parse(String(item[name]))]);
  const record = { ...item, ...Object.fromEntries(times), comfyui_workflow_id: workflowId };
  return { item: { workflowId, item }, record };
}

const textOrNull = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null);

function nameOf(given: JsonValue | undefined, problems: Problem[]): string {
  if (typeof given === 'string' && given.trim() !== '') return given;
  problems.push({ at: ['body', 'name'], message: 'A ComfyUI workflow needs a name.', type: 'missing' });
  return '';
}

const isFree = (slug: string): boolean => slug !== '' && !RESERVED_SLUGS.has(slug);

function slugProblems(given: JsonValue): Problem[] {
  const made = slugOf(String(given));
  if (made === given && isFree(made)) return [];
  const message = RESERVED_SLUGS.has(made)
    ? `"${made}" means something else in addresses. Take another slug.`
    : `A slug has small letters, digits, "_" and "-", none of the last two at its ends; given was ${JSON.stringify(given)}.`;
  const hint = isFree(made) ? { hint: `Take "${made}".` } : {};
  return [{ at: ['body', 'slug'], message, type: 'slug', ...hint }];
}
