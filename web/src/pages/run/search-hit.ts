import { childPath } from '../../components/json-tree.ts';
import type { InspectorTab, RunAddress } from './run-address.ts';

/** Where in the page a match is. */
export interface HitPlace {
  readonly node: string | null;
  readonly tab: InspectorTab;
  readonly part: 'input' | 'output' | null;
  /** Within the value, as `JsonView` writes it. */
  readonly at: string;
}

/** Finds the place that an address with a match leads to; null without one. */
export function hitPlace({ find, field, path, node }: RunAddress): HitPlace | null {
  if (find === '' || field === '') return null;
  const steps = stepsOf(path);
  if (field === 'input' || field === 'output') {
    return { node: null, tab: 'overview', part: field, at: viewPath(steps) };
  }
  const [kind, owner, part] = steps;
  if (kind === 'nodes' && typeof owner === 'string') {
    return { node: owner, tab: 'overview', part: part === 'input' ? 'input' : 'output', at: viewPath(steps.slice(3)) };
  }
  return { node, tab: kind === 'logs' ? 'logs' : 'overview', part: null, at: '' };
}

/** The keys and indexes of a JSON path: `$.a[0]['b c']` is a, 0, b c. */
function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/g)].map(
    ([, plain, index, single, double]) =>
      index === undefined ? (plain ?? (single ?? double ?? '').replaceAll(/\\(.)/g, '$1')) : Number(index),
  );
}

function viewPath(steps: readonly (string | number)[]): string {
  return steps.reduce<string>(childPath, '');
}
