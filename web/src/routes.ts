import type { ComponentType } from 'react';
import type { IconName } from './components/icon.tsx';

/** A page: where it is, and its code, which is loaded when it is first visited. What it shows beside its list is `:id?` of the same page. */
export interface PageRoute {
  readonly path: string;
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

/** A place in the navigation. */
export interface Place {
  readonly path: string;
  readonly label: string;
  readonly icon: IconName;
  /** Goes there, after `g`. */
  readonly key: string;
  /** Apart from the daily work, at the foot. */
  readonly isAside?: boolean;
}

export const PLACES: readonly Place[] = [
  { path: '/runs', label: 'Runs', icon: 'runs', key: 'r' },
  { path: '/people', label: 'People', icon: 'person', key: 'p' },
  { path: '/workflows', label: 'Workflows', icon: 'graph', key: 'w' },
  { path: '/triggers', label: 'Triggers', icon: 'bolt', key: 't' },
  { path: '/evaluations', label: 'Evaluations', icon: 'verdict', key: 'e' },
  { path: '/models', label: 'Models', icon: 'cube', key: 'm' },
  { path: '/settings', label: 'Settings', icon: 'sliders', key: 's', isAside: true },
  { path: '/system', label: 'System', icon: 'gauge', key: 'y', isAside: true },
];

const PAGES: readonly PageRoute[] = [
  { path: '/runs', load: () => import('./pages/runs/runs-page.tsx') },
  { path: '/runs/:id', load: () => import('./pages/run/run-page.tsx') },
  { path: '/people/:id?', load: () => import('./pages/people/people-page.tsx') },
  { path: '/workflows', load: () => import('./pages/workflows/workflows-page.tsx') },
  { path: '/workflows/:id', load: () => import('./pages/workflow/workflow-page.tsx') },
  { path: '/evaluations/:id?', load: () => import('./pages/evaluations/evaluations-page.tsx') },
  { path: '/triggers/:id?', load: () => import('./pages/triggers/triggers-page.tsx') },
  { path: '/models/:id?', load: () => import('./pages/models/models-page.tsx') },
  { path: '/settings/:section?', load: () => import('./pages/settings/settings-page.tsx') },
  { path: '/system', load: () => import('./pages/system/system-page.tsx') },
  { path: '/design', load: () => import('./pages/design/design-page.tsx') },
];

/** The addresses of all pages. */
export const PATHS: readonly string[] = PAGES.map(({ path }) => path);

const loading = new Map<string, Promise<ComponentType>>();
const loaded = new Map<string, ComponentType>();

/** A page whose code is here. It is drawn at once, without the fallback that React shows for 300 ms at least once it has shown it. */
export function loadedPage(path: string): ComponentType | undefined {
  return loaded.get(path);
}

/** Fetches the code of a page, once. One that could not be had is fetched again the next time. */
export function loadPage(path: string): Promise<ComponentType> {
  const known = loading.get(path);
  if (known) return known;
  const page = PAGES.find((one) => one.path === path);
  if (!page) throw new Error(`There is no page at ${path}.`);
  const promise = page.load().then(
    (module) => {
      loaded.set(path, module.default);
      return module.default;
    },
    (error: unknown) => {
      loading.delete(path);
      throw error;
    },
  );
  // Whoever draws the page hears of a failure; who only fetched it ahead need not.
  promise.catch(() => {});
  loading.set(path, promise);
  return promise;
}

/** Fetches the code of the page at an address that is about to be visited. */
export function preload(address: string): void {
  const path = PATHS.find((one) => shapeOf(one).test(address === '/' ? '/runs' : address));
  if (path !== undefined) void loadPage(path);
}

function shapeOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/\/:\w+\?/g, '(?:/[^/]+)?').replace(/:\w+/g, '[^/]+')}$`);
}
