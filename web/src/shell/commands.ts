import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { IconName } from '../components/icon.tsx';

/** Something the command palette offers. */
export interface Command {
  readonly label: string;
  readonly icon: IconName;
  /** The key that does the same. */
  readonly keys?: string;
  /** Further words under which it is found. */
  readonly words?: string;
  readonly run: () => void;
}

let offered: readonly (readonly Command[])[] = [];
const listeners = new Set<() => void>();

function setOffered(next: typeof offered): void {
  offered = next;
  for (const listener of listeners) listener();
}

/** Commands of a page, in the palette while it is there. The newest `run` of each is called. */
export function useCommands(commands: readonly Command[]): void {
  const newest = useRef(commands);
  newest.current = commands;
  const known = commands.map(({ label }) => label).join('|');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the labels say when the commands have changed
  useEffect(() => {
    const mine = newest.current.map((command, index) => ({ ...command, run: () => newest.current[index]?.run() }));
    setOffered([mine, ...offered]);
    return () => setOffered(offered.filter((other) => other !== mine));
  }, [known]);
}

/** What pages offer now, those of the newest first. */
export function useOfferedCommands(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => offered,
  ).flat();
}
