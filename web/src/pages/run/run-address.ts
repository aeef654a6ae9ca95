import { useMemo } from 'react';
import { useSearchParams } from 'wouter';

export const VIEWS = ['graph', 'waterfall', 'list'] as const;
export type View = (typeof VIEWS)[number];

export const TABS = ['overview', 'logs', 'models', 'setup', 'callback', 'evaluations'] as const;
export type InspectorTab = (typeof TABS)[number];

/** What of the run is shown. It is the search part of the address: what is left out is as it is by default. */
export interface RunAddress {
  readonly view: View;
  /** The chosen node or step; null: the run as a whole. */
  readonly node: string | null;
  /** The pass of the node, 1-based; null: the first. */
  readonly iteration: number | null;
  readonly tab: InspectorTab;
  /** What a search found: the text, in which payload, and where in it, as `$.messages[0].text`. */
  readonly find: string;
  readonly field: string;
  readonly path: string;
  /** The line of the log that a link leads to. */
  readonly line: string | null;
  /** The run that this one is compared with. */
  readonly compare: string | null;
}

/** Reads and writes the address. `quiet` changes are no step that people could go back from. */
export function useRunAddress(): readonly [RunAddress, (change: Partial<RunAddress>, how?: 'quiet') => void] {
  const [params, setParams] = useSearchParams();
  const address = useMemo(() => readAddress(params), [params]);
  const change = (changed: Partial<RunAddress>, how?: 'quiet') =>
    // Of the newest address: two changes in one moment do not undo one another.
    setParams((now) => writeAddress({ ...readAddress(now), ...changed }), { replace: how === 'quiet' });
  return [address, change];
}

function readAddress(params: URLSearchParams): RunAddress {
  const iteration = Number(params.get('iteration'));
  return {
    view: VIEWS.find((view) => view === params.get('view')) ?? 'graph',
    node: params.get('node') || null,
    iteration: Number.isInteger(iteration) && iteration > 0 ? iteration : null,
    tab: TABS.find((tab) => tab === params.get('tab')) ?? 'overview',
    find: params.get('match') ?? '',
    field: params.get('field') ?? '',
    path: params.get('path') ?? '',
    line: params.get('line') || null,
    compare: params.get('compare') || null,
  };
}

/** The address as text without the question mark, for links. */
export function runSearch(address: Partial<RunAddress>): string {
  return writeAddress({ ...readAddress(new URLSearchParams()), ...address }).toString();
}

function writeAddress(address: RunAddress): URLSearchParams {
  const { view, node, iteration, tab, find, field, path, line, compare } = address;
  const given: Readonly<Record<string, string>> = {
    view: view === 'graph' ? '' : view,
    node: node ?? '',
    iteration: iteration === null ? '' : String(iteration),
    tab: tab === 'overview' ? '' : tab,
    match: find,
    field,
    path,
    line: line ?? '',
    compare: compare ?? '',
  };
  return new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ''));
}
