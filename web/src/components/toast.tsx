import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { IconButton } from './button.tsx';
import { Icon } from './icon.tsx';
import styles from './toast.module.css';

interface Toast {
  readonly id: number;
  readonly tone: 'plain' | 'good' | 'bad';
  readonly text: ReactNode;
  /** Such as undoing it, or going there. */
  readonly action?: { readonly label: string; readonly onChoose: () => void };
}

/** Milliseconds until a toast goes; one that is pointed at or focused stays. A failure stays until it is closed. */
const STAYS = 6000;

/** More than these at once is a list, not a note. */
const MOST = 4;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function show(next: readonly Toast[]): void {
  toasts = next.slice(-MOST);
  for (const listener of listeners) listener();
}

/** Says in a corner what came of something. */
export function toast(text: ReactNode, options: Partial<Pick<Toast, 'tone' | 'action'>> = {}): void {
  show([...toasts, { id: ++lastId, tone: 'good', ...options, text }]);
}

/** Says what went wrong, in the words of the error. */
export function toastError(what: string, error: unknown): void {
  toast(`${what}: ${error instanceof Error ? error.message : String(error)}`, { tone: 'bad' });
}

/** Where toasts appear; once, around the page. */
export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <section className={styles['corner']} aria-label="Notices" aria-live="polite">
      {shown.map((one) => (
        <Note key={one.id} {...one} />
      ))}
    </section>
  );
}

function Note({ id, tone, text, action }: Toast) {
  const [held, setHeld] = useState(false);
  const close = () => show(toasts.filter((other) => other.id !== id));
  // biome-ignore lint/correctness/useExhaustiveDependencies: closing depends on the id alone
  useEffect(() => {
    if (held || tone === 'bad') return;
    const timer = setTimeout(close, STAYS);
    return () => clearTimeout(timer);
  }, [held, tone, id]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only waits while it is looked at
    <div
      className={styles['toast']}
      data-tone={tone}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon name={tone === 'bad' ? 'error' : tone === 'good' ? 'check' : 'info'} />
      <div className={styles['text']}>{text}</div>
      {action && (
        <button
          type="button"
          className={styles['action']}
          onClick={() => {
            close();
            action.onChoose();
          }}
        >
          {action.label}
        </button>
      )}
      <IconButton icon="close" label="Close this notice" onClick={close} />
    </div>
  );
}
