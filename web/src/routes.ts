import { type ComponentType, lazy } from 'react';
import type { IconName } from './components/icon.tsx';

/** A page: where it is, and its code, which is loaded when it is first visited. */
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
  { path: '/evaluations', label: 'Evaluations', icon: 'verdict', key: 'e' },
  { path: '/models', label: 'Models', icon: 'cube', key: 'm' },
  { path: '/settings', label: 'Settings', icon: 'sliders', key: 's', isAside: true },
  { path: '/system', label: 'System', icon: 'gauge', key: 'y', isAside: true },
];

const PAGES: readonly PageRoute[] = [
  { path: '/runs', load: () => import('./pages/runs/runs-page.tsx') },
  { path: '/runs/:id', load: () => import('./pages/run/run-page.tsx') },
  { path: '/people', load: () => import('./pages/people/people-page.tsx') },
  { path: '/people/:id', load: () => import('./pages/people/people-page.tsx') },
  { path: '/workflows', load: () => import('./pages/workflows/workflows-page.tsx') },
  { path: '/workflows/:id', load: () => import('./pages/workflow/workflow-page.tsx') },
  { path: '/evaluations', load: () => import('./pages/evaluations/evaluations-page.tsx') },
  { path: '/evaluations/:id', load: () => import('./pages/evaluations/evaluations-page.tsx') },
  { path: '/models', load: () => import('./pages/models/models-page.tsx') },
  { path: '/models/:id', load: () => import('./pages/models/models-page.tsx') },
  { path: '/settings', load: () => import('./pages/settings/settings-page.tsx') },
  { path: '/settings/:section', load: () => import('./pages/settings/settings-page.tsx') },
  { path: '/system', load: () => import('./pages/system/system-page.tsx') },
  { path: '/design', load: () => import('./pages/design/design-page.tsx') },
];

/** Pages as components that load themselves. */
export const ROUTES = PAGES.map(({ path, load }) => ({ path, load, component: lazy(load) }));

/** Fetches the code of a page that is about to be visited. */
export function preload(path: string): void {
  void PAGES.find((page) => page.path === path)?.load();
}
