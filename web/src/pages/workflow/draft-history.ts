import { useCallback, useMemo, useReducer } from 'react';
import type { DraftGraph } from './draft-graph.ts';

/** Steps that can be undone. */
const MOST = 200;

interface History {
  readonly past: readonly DraftGraph[];
  readonly present: DraftGraph;
  readonly future: readonly DraftGraph[];
  /** What the last step changed: another of the same is the same step, so that a word that is typed is undone at once. */
  readonly tag: string | null;
}

type Action =
  | { readonly kind: 'change'; readonly change: (graph: DraftGraph) => DraftGraph; readonly tag: string | null }
  | { readonly kind: 'undo' }
  | { readonly kind: 'redo' };

export function historyAfter(history: History, action: Action): History {
  const { past, present, future } = history;
  if (action.kind === 'undo') {
    const before = past.at(-1);
    return before ? { past: past.slice(0, -1), present: before, future: [present, ...future], tag: null } : history;
  }
  if (action.kind === 'redo') {
    const [after, ...rest] = future;
    return after ? { past: [...past, present], present: after, future: rest, tag: null } : history;
  }
  const next = action.change(present);
  if (next === present) return history;
  const isSameStep = action.tag !== null && action.tag === history.tag;
  return {
    past: isSameStep ? past : [...past, present].slice(-MOST),
    present: next,
    future: [],
    tag: action.tag,
  };
}

/** The graph in work, and the way back. */
export interface Draft {
  readonly graph: DraftGraph;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** `tag`: changes in a row with the same one are one step. */
  readonly change: (change: (graph: DraftGraph) => DraftGraph, tag?: string) => void;
  readonly undo: () => void;
  readonly redo: () => void;
}

/** @param saved what undoing everything leads to, when the work goes on with a draft that was kept */
export function useDraft(first: DraftGraph, saved: DraftGraph | null): Draft {
  const [{ past, present, future }, act] = useReducer(historyAfter, null, () => ({
    past: saved ? [saved] : [],
    present: first,
    future: [],
    tag: null,
  }));
  const change = useCallback<Draft['change']>((how, tag) => act({ kind: 'change', change: how, tag: tag ?? null }), []);
  const undo = useCallback(() => act({ kind: 'undo' }), []);
  const redo = useCallback(() => act({ kind: 'redo' }), []);
  const canUndo = past.length > 0;
  const canRedo = future.length > 0;
  return useMemo(
    () => ({ graph: present, canUndo, canRedo, change, undo, redo }),
    [present, canUndo, canRedo, change, undo, redo],
  );
}
