import { useEffect, useRef, useSyncExternalStore } from 'react';

/** A key, or keys one after the other (`g r`), that do something. `mod` is ⌘ on Apple's machines and Ctrl elsewhere. */
export interface Shortcut {
  readonly keys: string;
  /** What it does, for the map that `?` shows. */
  readonly label: string;
  readonly run: (event: KeyboardEvent) => void;
  /** Also while something is typed into. */
  readonly whileTyping?: boolean;
}

interface Section {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

/** Milliseconds within which the second key of a sequence must follow. */
const SEQUENCE = 1200;

/** Those that were added last are asked first, so that a page's keys win over the shell's. */
let sections: readonly Section[] = [];
const listeners = new Set<() => void>();

function setSections(next: readonly Section[]): void {
  sections = next;
  for (const listener of listeners) listener();
}

/** Keys that work while the component is there. The newest `run` of each is called; labels and keys are read once. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const newest = useRef(shortcuts);
  newest.current = shortcuts;
  const known = shortcuts.map(({ keys }) => keys).join('|');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the keys say when the section has changed
  useEffect(() => {
    const section: Section = {
      title,
      shortcuts: newest.current.map((shortcut, index) => ({
        ...shortcut,
        run: (event) => newest.current[index]?.run(event),
      })),
    };
    setSections([...sections, section]);
    return () => setSections(sections.filter((other) => other !== section));
  }, [title, known]);
}

/** What the keys do now, for the keyboard map. */
export function useShortcutMap(): readonly Section[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => sections,
  );
}

let first: { readonly key: string; readonly at: number } | null = null;

/** Listens for all shortcuts; once, by the page. @returns what ends it */
export function listenForShortcuts(): () => void {
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}

function onKeyDown(event: KeyboardEvent): void {
  // On a button or a link these keys press it.
  if ((event.key === 'Enter' || event.key === ' ') && isPressable(event.target)) return;
  if (event.defaultPrevented || event.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
  const pressed = nameOf(event);
  const sequence = first && event.timeStamp - first.at < SEQUENCE ? `${first.key} ${pressed}` : null;
  const typing = isTyping(event.target);
  // A dialog has the keyboard for itself.
  const behind =
    document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"]') !== null;
  const all = sections.toReversed().flatMap(({ shortcuts }) => shortcuts);
  const fits = (keys: string | null) =>
    all.find((shortcut) => shortcut.keys === keys && (!(typing || behind) || shortcut.whileTyping === true));
  const found = fits(sequence) ?? fits(pressed);
  first = found || typing || behind ? null : { key: pressed, at: event.timeStamp };
  if (!found) return;
  event.preventDefault();
  found.run(event);
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const parts = [
    ...(event.metaKey || event.ctrlKey ? ['mod'] : []),
    ...(event.altKey ? ['alt'] : []),
    // Of `?` and the like the shift is part of the character.
    ...(event.shiftKey && /^[a-z]$|^.{2,}$/.test(key) ? ['shift'] : []),
  ];
  return [...parts, key].join('+');
}

function isPressable(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest('button, a, summary, input, [role="tab"], [role="treeitem"]') !== null
  );
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type);
}
