import { useState } from 'react';

/** Runs that were chosen to be acted on: by their ids, or all that the filter lets through. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly isAll: boolean;
  readonly has: (id: string) => boolean;
  readonly isEmpty: boolean;
  /** Takes one in or out; `upTo` with all between it and the one before. */
  readonly toggle: (id: string, upTo?: boolean) => void;
  readonly set: (ids: readonly string[]) => void;
  readonly chooseAll: () => void;
  readonly clear: () => void;
}

/** @param order the ids as the table has them, for what lies between two */
export function useSelection(order: readonly string[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [isAll, setIsAll] = useState(false);
  const [last, setLast] = useState<string | null>(null);
  return {
    ids,
    isAll,
    isEmpty: ids.size === 0 && !isAll,
    has: (id) => isAll || ids.has(id),
    toggle(id, upTo = false) {
      const next = new Set(isAll ? order : ids);
      const [from, to] = [last === null ? -1 : order.indexOf(last), order.indexOf(id)];
      if (upTo && from >= 0 && to >= 0) {
        for (const between of order.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(between);
      } else if (!next.delete(id)) next.add(id);
      setIds(next);
      setIsAll(false);
      setLast(id);
    },
    set(chosen) {
      setIds(new Set(chosen));
      setIsAll(false);
    },
    chooseAll: () => setIsAll(true),
    clear() {
      setIds(new Set());
      setIsAll(false);
      setLast(null);
    },
  };
}
