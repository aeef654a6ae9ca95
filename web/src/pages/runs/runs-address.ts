import { useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { COLUMN_KEYS, type ColumnKey, DEFAULT_COLUMNS } from './run-columns.tsx';

/** All that decides what the page shows. It is the search part of the address: what is left out is as it is by default. */
export interface RunsAddress {
  /** The filter, in its language. */
  readonly q: string;
  /** What runs must say or mean; empty for no search. */
  readonly text: string;
  readonly mode: 'exact' | 'meaning';
  /** Only runs whose evaluation found an issue of this category; empty for all. The search for texts knows none. */
  readonly category: string;
  readonly subcategory: string;
  /** As `created_at:desc`; empty for the newest first. */
  readonly sort: string;
  readonly columns: readonly ColumnKey[];
  readonly facets: boolean;
}

export const FIRST_ADDRESS: RunsAddress = {
  q: '',
  text: '',
  mode: 'exact',
  category: '',
  subcategory: '',
  sort: '',
  columns: DEFAULT_COLUMNS,
  facets: true,
};

/** Reads and writes the address. What people do is a step that they can go back from; `quiet` changes, such as of columns, are not. */
export function useRunsAddress(): readonly [RunsAddress, (change: Partial<RunsAddress>, how?: 'quiet') => void] {
  const [params, setParams] = useSearchParams();
  const address = useMemo(() => readAddress(params), [params]);
  const change = (changed: Partial<RunsAddress>, how?: 'quiet') =>
    setParams(writeAddress({ ...address, ...changed }), { replace: how === 'quiet' });
  return [address, change];
}

function readAddress(params: URLSearchParams): RunsAddress {
  const columns = (params.get('columns') ?? '')
    .split(',')
    .filter((key): key is ColumnKey => (COLUMN_KEYS as string[]).includes(key));
  return {
    q: params.get('q') ?? '',
    text: params.get('text') ?? '',
    mode: params.get('mode') === 'meaning' ? 'meaning' : 'exact',
    category: params.get('text') ? '' : (params.get('category') ?? ''),
    subcategory: params.get('text') || !params.get('category') ? '' : (params.get('subcategory') ?? ''),
    sort: params.get('sort') ?? '',
    columns: columns.length > 0 ? [...new Set(columns)] : DEFAULT_COLUMNS,
    facets: params.get('facets') !== 'off',
  };
}

function writeAddress({ q, text, mode, category, subcategory, sort, columns, facets }: RunsAddress): URLSearchParams {
  const given: Readonly<Record<string, string>> = {
    q,
    text,
    mode: text !== '' && mode === 'meaning' ? mode : '',
    category: text === '' ? category : '',
    subcategory: text === '' && category !== '' ? subcategory : '',
    sort,
    columns: columns.join() === DEFAULT_COLUMNS.join() ? '' : columns.join(),
    facets: facets ? '' : 'off',
  };
  return new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ''));
}
