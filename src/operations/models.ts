import Big from 'big.js';
import { validate } from 'uuid';
import type { Caller } from '../domain/caller.ts';
import { INPUT_TYPES, kindOfType, readDeclaredInput } from '../domain/declared-input.ts';
import type { Definition } from '../domain/definition.ts';
import { invalid, notFound, type Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import { MODEL_PARTS, MODEL_PROPERTIES, type ModelPart, type Properties } from '../domain/model.ts';
import { nearest } from '../domain/nearest.ts';
import { slugOf } from '../domain/slug.ts';
import type { Workflow } from '../domain/workflow.ts';
import { MODEL_PART_VOCABULARIES } from '../filter/model-part-vocabulary.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import { referencesIn } from '../nodes/model/input-template.ts';
import { compilePattern } from '../nodes/pattern.ts';
import type { FindRequest, Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand, granted } from './access.ts';
import { valueProblem } from './declared-inputs.ts';
import { findTarget } from './dispatch.ts';
import { type Listed, type ListRequest, pageOf } from './list-in-memory.ts';
import { BACKEND_FIELDS, BACKEND_KINDS, declaredByWorkflow, makeDefinition } from './model-definition.ts';
import { readPricing, withInputIds } from './model-pricing.ts';
import type { GivenDefinition, Workflows } from './workflows.ts';

/** Items of one list of a model: a page of a list, and far more than any form shows. */
const MAX_ITEMS = 500;

/** Models that are read at a time when items of all of them are listed. */
const MODELS_AT_ONCE = 500;

const MAX_SLUG_LENGTH = 200;

/** Last words of addresses below a model's own: a slug that ends in one could not be told from them. */
const RESERVED: ReadonlySet<string> = new Set([
  'runs',
  'batches',
  ...Object.keys(MODEL_PARTS).map((part) => part.replaceAll('_', '-')),
]);

/** Properties that a model is shown with and that nobody sets: clients send back what they read. */
const READ_ONLY: ReadonlySet<string> = new Set([
  'id',
  'org_id',
  'model_id',
  'created_by',
  'created_at',
  'updated_at',
  'deleted_at',
  'deleted_by',
]);

/** Every list of a model that an item may be in, in the order of the reference. */
const PARTS = Object.keys(MODEL_PARTS) as ModelPart[];

/** One item of a list of a model, as it is stored: properties under their wire names, times in ISO 8601. */
export interface ModelItem {
  readonly modelId: string;
  readonly item: JsonObject;
}

/** The registry of models: workflows of kind `model` whose graph follows from what they say of themselves. */
export class Models {
  readonly #store: Store;
  readonly #workflows: Workflows;
  readonly #catalogue: Catalogue;
  readonly #system: System;

  constructor(parts: { store: Store; workflows: Workflows; catalogue: Catalogue; system: System }) {
    this.#store = parts.store;
    this.#workflows = parts.workflows;
    this.#catalogue = parts.catalogue;
    this.#system = parts.system;
  }

  /** @param wanted properties under their wire names, lists included @throws PlatformError `invalid` with every mistake; `conflict` for a slug that is taken */
  async create(caller: Caller, wanted: JsonObject): Promise<Workflow> {
    demand(caller, 'models:write');
    const problems = unknownProblems(wanted, MODEL_KEYS, ['body']);
    const name = nameOf(wanted['name'], problems);
    const slug = wanted['slug'] ?? null;
    if (slug !== null) problems.push(...slugProblems(slug));
    const about = { created_by: caller.keyId };
    const { profile, given } = await this.#made(caller, about, wanted, problems);
    const record = await this.#workflows.create(granted(caller, 'workflows:write'), {
      name,
      kind: 'model',
      ...(slug === null && slugOf(name) !== '' ? {} : { slug: String(slug ?? this.#system.newId()) }),
      profile,
      type: 'flow',
      description: textOrNull(wanted['description']),
      given,
      errorHandlerId: null,
      settings: {},
      meta: {},
    });
    return record.workflow;
  }

  /** By id, by slug, or by slug behind an owner's name. @throws PlatformError `not_found` */
  async get(caller: Caller, path: string): Promise<Workflow> {
    demand(caller, 'models:read');
    const model = await findTarget(this.#store, caller.workspaceId, ['model'], path);
    if (model === null) throw notFound('model', path);
    return model;
  }

  /** One page of models. */
  async find(caller: Caller, request: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<Workflow>> {
    demand(caller, 'models:read');
    const page = await this.#find(caller, request);
    return { ...page, items: page.items.map(({ workflow }) => workflow) };
  }

  /** Changes what is given and leaves the rest; a list that is given takes the place of the whole list. @throws as `create` */
  async update(caller: Caller, path: string, patch: JsonObject): Promise<Workflow> {
    demand(caller, 'models:write');
    const problems = unknownProblems(patch, MODEL_KEYS, ['body']);
    if (patch['slug'] !== undefined) problems.push(...slugProblems(patch['slug']));
    const name = patch['name'] === undefined ? undefined : nameOf(patch['name'], problems);
    return this.#change(caller, path, problems, () => ({
      patch,
      about: {
        ...(name === undefined ? {} : { name }),
        ...(patch['slug'] === undefined ? {} : { slug: String(patch['slug']) }),
        ...(patch['description'] === undefined ? {} : { description: textOrNull(patch['description']) }),
      },
    }));
  }

  /** Removes it from lists and frees its slug; its runs stay readable. */
  async delete(caller: Caller, path: string): Promise<void> {
    demand(caller, 'models:write');
    const model = await this.get(granted(caller, 'models:read'), path);
    await this.#workflows.delete(granted(caller, 'workflows:read', 'workflows:write'), model.id);
  }

  /** One page of a list of a model; without a path of that list of every model. */
  async findItems(
    caller: Caller,
    path: string | null,
    part: ModelPart,
    request: ListRequest,
  ): Promise<KeysetPage<ModelItem>> {
    demand(caller, 'models:read');
    const models = path === null ? await this.#all(caller) : [await this.get(caller, path)];
    const items = models.flatMap(({ id, profile }) =>
      itemsOf(profile, part).map((item) => listed({ modelId: id, item }, MODEL_PARTS[part])),
    );
    const vocabulary = MODEL_PART_VOCABULARIES[part];
    return pageOf(items, request, { vocabulary, defaultSort: [{ column: 'sort_order', direction: 'asc' }] });
  }

  /** @param path null: whichever model it belongs to @throws PlatformError `not_found` */
  async getItem(caller: Caller, path: string | null, part: ModelPart, itemId: string): Promise<ModelItem> {
    demand(caller, 'models:read');
    const models = path === null ? await this.#all(caller) : [await this.get(caller, path)];
    for (const { id, profile } of models) {
      const item = itemsOf(profile, part).find((one) => one['id'] === itemId);
      if (item !== undefined) return { modelId: id, item };
    }
    throw notFound(nounOf(part), itemId);
  }

  /** Adds an item to a list of a model. */
  async addItem(caller: Caller, path: string, part: ModelPart, wanted: JsonObject): Promise<ModelItem> {
    demand(caller, 'models:write');
    const itemId = this.#system.newId();
    const model = await this.#change(caller, path, [], ({ profile }) => ({
      patch: { [part]: [...itemsOf(profile, part), { ...wanted, id: itemId }] },
    }));
    return { modelId: model.id, item: itemsOf(model.profile, part).find(({ id }) => id === itemId) ?? {} };
  }

  /** @throws PlatformError `not_found` */
  async changeItem(
    caller: Caller,
    path: string | null,
    part: ModelPart,
    itemId: string,
    patch: JsonObject,
  ): Promise<ModelItem> {
    demand(caller, 'models:write');
    const { modelId } = await this.getItem(granted(caller, 'models:read'), path, part, itemId);
    const model = await this.#change(caller, modelId, [], ({ profile }) => ({
      patch: {
        [part]: itemsOf(profile, part).map((item) =>
          item['id'] === itemId ? { ...item, ...patch, id: itemId } : item,
        ),
      },
    }));
    const item = itemsOf(model.profile, part).find(({ id }) => id === itemId);
    if (item === undefined) throw notFound(nounOf(part), itemId);
    return { modelId, item };
  }

  /** @throws PlatformError `not_found` */
  async removeItem(caller: Caller, path: string | null, part: ModelPart, itemId: string): Promise<void> {
    demand(caller, 'models:write');
    const { modelId } = await this.getItem(granted(caller, 'models:read'), path, part, itemId);
    await this.#change(caller, modelId, [], ({ profile }) => ({
      patch: { [part]: itemsOf(profile, part).filter(({ id }) => id !== itemId) },
    }));
  }

  /** Saves a change that is made of the model as it stands, anew whenever another save came first. */
  async #change(
    caller: Caller,
    path: string,
    problems: readonly Problem[],
    wanted: (model: Workflow) => {
      patch: JsonObject;
      about?: { name?: string; slug?: string; description?: string | null };
    },
  ): Promise<Workflow> {
    const { id } = await this.get(granted(caller, 'models:read'), path);
    const acting = granted(caller, 'workflows:read', 'workflows:write');
    const save = async ({ workflow }: { workflow: Workflow }) => {
      const { patch, about } = wanted(workflow);
      return { ...about, ...(await this.#made(caller, workflow.profile, patch, [...problems])) };
    };
    return (await this.#workflows.update(acting, id, save, true)).workflow;
  }

  /** The profile with a change in it, and the graph that follows from it. @throws PlatformError `invalid` with every mistake */
  async #made(
    caller: Caller,
    before: JsonObject,
    patch: JsonObject,
    problems: Problem[],
  ): Promise<{ profile: JsonObject; given: GivenDefinition }> {
    const profile: JsonObject = { ...before };
    for (const name of [...Object.keys(MODEL_PROPERTIES), 'backend']) {
      if (patch[name] !== undefined) profile[name] = patch[name];
    }
    const backend = isJsonObject(profile['backend']) ? profile['backend'] : null;
    if (backend !== null) problems.push(...backendProblems(backend));
    const workflow = await this.#workflowOf(caller, profile, patch, problems);
    for (const part of PARTS) {
      const given =
        patch[part] ?? (profile[part] === undefined ? undeclared(part, workflow, this.#catalogue) : undefined);
      if (given !== undefined) profile[part] = this.#items(part, given, itemsOf(before, part), problems);
    }
    const inputs = itemsOf(profile, 'inputs');
    profile['pricing'] = withInputIds(itemsOf(profile, 'pricing'), inputs);
    problems.push(...inputs.flatMap(inputProblems), ...repeatedNames(profile));
    if (backend !== null) problems.push(...referenceProblems(backend, inputs, itemsOf(profile, 'outputs')));
    const { rules, problems: ofPricing } = readPricing(itemsOf(profile, 'pricing'), inputs, this.#system.now());
    problems.push(...ofPricing);
    if (problems.length > 0) throw invalid(problems);
    const parts = { inputs, outputs: itemsOf(profile, 'outputs'), backend, pricing: rules, workflow };
    const made = makeDefinition(parts, this.#catalogue);
    const meaningless = this.#workflows.check(made.given).filter(({ severity }) => severity === 'invalid');
    const ofBackend = meaningless.map(
      ({ message, hint, type }): Problem => ({ at: ['body', 'backend'], message, hint, type }),
    );
    if (made.problems.length + ofBackend.length > 0) throw invalid([...made.problems, ...ofBackend]);
    return { profile, given: made.given };
  }

  /**
   * The definition that the backend names, frozen in the profile as `workflow_version_id`. It is the workflow's current one whenever the backend is
   * given anew without a version.
   */
  async #workflowOf(
    caller: Caller,
    profile: JsonObject,
    patch: JsonObject,
    problems: Problem[],
  ): Promise<Definition | null> {
    const backend = profile['backend'];
    if (!isJsonObject(backend) || backend['kind'] !== 'workflow') return null;
    const { workflow_id: workflowId, workflow_version_id: versionId = null } = backend;
    if (typeof workflowId !== 'string') return null;
    // The model shows what the workflow takes and gives.
    if (patch['backend'] !== undefined) demand(caller, 'workflows:read');
    const workflow = await this.#store.getWorkflow(caller.workspaceId, workflowId);
    const version = await this.#store.getVersion(caller.workspaceId, String(versionId ?? workflow?.currentVersionId));
    if ((workflow === null && patch['backend'] !== undefined) || version?.workflowId !== workflowId) {
      const message = `There is no workflow ${workflowId} of this workspace${versionId === null ? '' : ` with a version ${versionId}`}. GET /v1/flows lists what there is.`;
      problems.push({ at: ['body', 'backend', 'workflow_id'], message, type: 'unknown_workflow' });
      return null;
    }
    if (version.validation.length > 0) {
      const message = `The workflow cannot run yet: ${version.validation[0]?.message}`;
      problems.push({ at: ['body', 'backend', 'workflow_id'], message, type: 'not_runnable' });
    }
    profile['backend'] = { ...backend, workflow_version_id: version.id };
    return version.definition;
  }

  /** The items of a list with their ids and times; what an item had keeps what is not given. */
  #items(part: ModelPart, given: JsonValue, before: readonly JsonObject[], problems: Problem[]): JsonObject[] {
    const items = Array.isArray(given) ? given.filter(isJsonObject) : [];
    if (items.length > MAX_ITEMS) {
      const message = `${part} has ${items.length} items; at most ${MAX_ITEMS} are kept.`;
      problems.push({ at: ['body', part], message, type: 'too_many' });
      return [];
    }
    const now = new Date(this.#system.now()).toISOString();
    const known: Properties = MODEL_PARTS[part];
    return items.map((item, index) => {
      problems.push(...unknownProblems(item, Object.keys(known), ['body', part, index]));
      const own = Object.fromEntries(
        Object.entries(known).map(([name, kind]) => {
          const value = item[name] ?? null;
          return [name, kind === 'decimal' && value !== null ? new Big(String(value)).toFixed() : value];
        }),
      );
      const old = before.find(({ id }) => id === item['id']);
      const isSame = old !== undefined && Object.keys(known).every((name) => same(old[name], own[name]));
      if (isSame) return old;
      const id = old?.['id'] ?? givenId(item) ?? this.#system.newId();
      const sortOrder = own['sort_order'] ?? index;
      const updated = part === 'related_links' ? {} : { updated_at: now };
      return { id, ...own, sort_order: sortOrder, created_at: old?.['created_at'] ?? now, ...updated };
    });
  }

  async #all(caller: Caller): Promise<Workflow[]> {
    const models: Workflow[] = [];
    let from: KeysetPage<unknown>['next'] = null;
    do {
      const request = { filter: null, sort: [], limit: MODELS_AT_ONCE, from, backward: false };
      const page: KeysetPage<{ workflow: Workflow }> = await this.#find(caller, request);
      models.push(...page.items.map(({ workflow }) => workflow));
      from = page.next;
    } while (from !== null);
    return models;
  }

  #find(caller: Caller, { filter, ...request }: Omit<FindRequest, 'workspaceId'>) {
    const isModel = { kind: 'in', target: { column: 'kind', kind: 'code', path: [] }, values: ['model'] } as const;
    return this.#store.find('workflows', {
      ...request,
      filter: filter === null ? isModel : { kind: 'and', terms: [isModel, filter] },
      workspaceId: caller.workspaceId,
    });
  }
}

const MODEL_KEYS: readonly string[] = [
  'name',
  'slug',
  'description',
  ...Object.keys(MODEL_PROPERTIES),
  ...PARTS,
  'backend',
];

/** The items of a list of a model. */
export function itemsOf(profile: JsonObject, part: ModelPart): JsonObject[] {
  const items = profile[part];
  return Array.isArray(items) ? items.filter(isJsonObject) : [];
}

function listed({ modelId, item }: ModelItem, properties: Properties): Listed<ModelItem> {
  const times = Object.fromEntries(
    ['created_at', 'updated_at', ...Object.keys(properties).filter((name) => properties[name] === 'datetime')].map(
      (name) => {
        const value = item[name];
        return [name, typeof value === 'string' ? Date.parse(value) : null];
      },
    ),
  );
  return { item: { modelId, item }, record: { ...item, ...times, model_id: modelId } };
}

const nounOf = (part: ModelPart): string => `model ${part.replaceAll('_', ' ').replace(/ies$/, 'y').replace(/s$/, '')}`;

const textOrNull = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null);

const same = (a: JsonValue | undefined, b: JsonValue | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** An item that comes from elsewhere keeps its id: price lists refer to inputs by theirs. */
function givenId({ id }: JsonObject): string | null {
  return typeof id === 'string' && validate(id) ? id.toLowerCase() : null;
}

function nameOf(given: JsonValue | undefined, problems: Problem[]): string {
  if (typeof given === 'string' && given.trim() !== '') return given;
  problems.push({ at: ['body', 'name'], message: 'A model needs a name.', type: 'missing' });
  return '';
}

/** A property that is written wrongly would silently have no effect. */
function unknownProblems(given: JsonObject, known: readonly string[], at: Problem['at']): Problem[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name) && !READ_ONLY.has(name))
    .map((name) => {
      const near = nearest(name, known);
      return {
        at: [...at, name],
        message: `There is no property ${JSON.stringify(name.slice(0, 80))} here.`,
        type: 'unknown_property',
        hint: near === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${near}?`,
      };
    });
}

function slugProblems(slug: JsonValue): Problem[] {
  const refuse = (message: string): Problem[] => [{ at: ['body', 'slug'], message, type: 'slug' }];
  const isSlug =
    typeof slug === 'string' &&
    slug.length <= MAX_SLUG_LENGTH &&
    /^[a-z0-9_-][a-z0-9._-]*(\/[a-z0-9_-][a-z0-9._-]*)*$/.test(slug);
  if (!isSlug) {
    return refuse(
      `A slug has small letters, digits, ".", "_" and "-", in parts between slashes, ${MAX_SLUG_LENGTH} characters at most; given was ${JSON.stringify(slug)}.`,
    );
  }
  const last = slug.split('/').at(-1) ?? '';
  return RESERVED.has(last) ? refuse(`A slug cannot end in "${last}", which addresses below a model end in.`) : [];
}

/** What a backend lacks or has too much of. Its node checks the rest. */
function backendProblems(backend: JsonObject): Problem[] {
  const { kind } = backend;
  const at = ['body', 'backend'];
  const fields = BACKEND_FIELDS[String(kind)];
  if (fields === undefined) {
    const message = `The backend's kind is one of ${BACKEND_KINDS.join(', ')}; given was ${JSON.stringify(kind ?? null)}.`;
    return [{ at: [...at, 'kind'], message, type: 'unknown_code' }];
  }
  const needed = kind === 'http' ? 'url' : kind === 'workflow' ? 'workflow_id' : 'model';
  const isMissing = typeof backend[needed] !== 'string' || backend[needed] === '';
  const missing = { at: [...at, needed], message: `A backend of kind ${kind} needs "${needed}".`, type: 'missing' };
  return [...(isMissing ? [missing] : []), ...unknownProblems(backend, ['kind', ...fields], at)];
}

/** Names of inputs and outputs that the model does not declare: a reference to one would be empty in every run. */
function referenceProblems(
  backend: JsonObject,
  inputs: readonly JsonObject[],
  outputs: readonly JsonObject[],
): Problem[] {
  const { kind, prompt_input: promptInput, output } = backend;
  const isText = kind === 'openai_chat' || kind === 'openai_images';
  const used = Object.entries(backend).flatMap(([field, value]) =>
    referencesIn(value).map((name) => ({ field, side: 'input', name, known: inputs })),
  );
  if (isText) used.push({ field: 'prompt_input', side: 'input', name: String(promptInput ?? 'prompt'), known: inputs });
  if (kind === 'http' && isJsonObject(output) && outputs.length > 0) {
    used.push(...Object.keys(output).map((name) => ({ field: 'output', side: 'output', name, known: outputs })));
  }
  return used
    .filter(({ name, known }) => !known.some((item) => item['name'] === name))
    .map(({ field, side, name, known }) => {
      const names = known.map((item) => String(item['name']));
      const near = nearest(name, names);
      const all = `The model declares ${names.map((one) => `"${one}"`).join(', ') || 'none'}.`;
      return {
        at: ['body', 'backend', field],
        message: `There is no ${side} "${name}".`,
        type: 'unknown_name',
        hint: near === undefined ? all : `Did you mean "${near}"?`,
      };
    });
}

function inputProblems(item: JsonObject, index: number): Problem[] {
  const at = ['body', 'inputs', index];
  const { name, variable_type_code: code } = item;
  const problems: Problem[] = [];
  if (typeof name !== 'string' || name === '')
    problems.push({ at: [...at, 'name'], message: 'An input needs a name.', type: 'missing' });
  if (typeof code === 'string' && kindOfType(code) === null) {
    const near = nearest(code.toLowerCase(), INPUT_TYPES);
    const hint = near === undefined ? `It takes ${INPUT_TYPES.join(', ')}.` : `Did you mean ${near}?`;
    problems.push({
      at: [...at, 'variable_type_code'],
      message: `${JSON.stringify(code)} is not known here. ${hint}`,
      type: 'unknown_code',
    });
  }
  if (name === '__proto__') {
    problems.push({ at: [...at, 'name'], message: 'No input can have this name.', type: 'name' });
  }
  const declared = readDeclaredInput(item);
  const { pattern } = declared.limits;
  const compiled = pattern === null ? null : compilePattern(pattern, { caseSensitive: true });
  if (compiled !== null && 'problem' in compiled) {
    problems.push({ at: [...at, 'validator_attrs', 'pattern'], message: compiled.problem, type: 'pattern' });
  }
  const wrong =
    problems.length > 0 || declared.defaultValue === null ? null : valueProblem(declared, declared.defaultValue);
  if (wrong !== null)
    problems.push({
      at: [...at, 'default_value'],
      message: `The default does not fit: ${wrong.message}`,
      type: wrong.type,
    });
  return problems;
}

function repeatedNames(profile: JsonObject): Problem[] {
  return (['inputs', 'outputs'] as const).flatMap((part) => {
    const names = itemsOf(profile, part).map(({ name }) => name);
    return names.flatMap((name, index): Problem[] =>
      names.indexOf(name) === index
        ? []
        : [
            {
              at: ['body', part, index, 'name'],
              message: `Two ${part} have the name ${JSON.stringify(name)}.`,
              type: 'repeated',
            },
          ],
    );
  });
}

/** A model that runs a workflow has the inputs and outputs of that workflow unless it says otherwise. */
function undeclared(part: ModelPart, workflow: Definition | null, catalogue: Catalogue): JsonObject[] | undefined {
  if (workflow === null) return undefined;
  if (part === 'inputs') return declaredByWorkflow(workflow, 'input', catalogue);
  return part === 'outputs' ? declaredByWorkflow(workflow, 'output', catalogue) : undefined;
}
