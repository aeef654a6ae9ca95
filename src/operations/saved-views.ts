import type { Caller } from '../domain/caller.ts';
import { notFound, PlatformError } from '../domain/error.ts';
import type { SavedView } from '../domain/saved-view.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';

/** Views of one workspace: as many as anybody finds one among. */
const MAX_VIEWS = 500;

/** What a person gives of a view. */
export type ViewText = Pick<SavedView, 'name' | 'q' | 'sort' | 'columns' | 'extra'>;

/** Ways to look at runs that are kept for everybody in a workspace. Whoever may read runs may keep them: they show nothing by themselves. */
export class SavedViews {
  readonly #store: Store;
  readonly #system: System;

  constructor(parts: { store: Store; system: System }) {
    this.#store = parts.store;
    this.#system = parts.system;
  }

  /** By name. */
  async list(caller: Caller): Promise<SavedView[]> {
    demand(caller, 'runs:read');
    return this.#store.listSavedViews(caller.workspaceId);
  }

  /** @throws PlatformError `conflict` when there are too many */
  async create(caller: Caller, text: ViewText): Promise<SavedView> {
    const views = await this.list(caller);
    if (views.length >= MAX_VIEWS) {
      throw new PlatformError(
        'conflict',
        `There are ${MAX_VIEWS} saved views, the most there may be. Delete one first.`,
      );
    }
    const now = this.#system.now();
    const made = { createdBy: caller.keyName, createdAt: now, updatedAt: now };
    const view: SavedView = { id: this.#system.newId(), workspaceId: caller.workspaceId, ...text, ...made };
    await this.#store.commit([{ kind: 'putSavedView', view }]);
    return view;
  }

  /** @throws PlatformError `not_found` */
  async replace(caller: Caller, viewId: string, text: ViewText): Promise<SavedView> {
    const view = { ...(await this.#get(caller, viewId)), ...text, updatedAt: this.#system.now() };
    await this.#store.commit([{ kind: 'putSavedView', view }]);
    return view;
  }

  /** @throws PlatformError `not_found` */
  async delete(caller: Caller, viewId: string): Promise<void> {
    await this.#get(caller, viewId);
    await this.#store.commit([{ kind: 'deleteSavedView', workspaceId: caller.workspaceId, viewId }]);
  }

  async #get(caller: Caller, viewId: string): Promise<SavedView> {
    const view = (await this.list(caller)).find(({ id }) => id === viewId);
    if (view === undefined) throw notFound('saved view', viewId);
    return view;
  }
}
