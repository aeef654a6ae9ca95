import styles from './kbd.module.css';

/** One key, as it is printed on a keyboard. */
export function Kbd({ children }: { readonly children: string }) {
  return <kbd className={styles['key']}>{KEYCAPS[children] ?? children.toUpperCase()}</kbd>;
}

/** Keys to press: `mod+k` together, `g r` one after the other. */
export function Keys({ keys }: { readonly keys: string }) {
  return (
    <span className={styles['keys']}>
      {keys.split(/[ +]/).map((key) => (
        <Kbd key={key}>{key}</Kbd>
      ))}
    </span>
  );
}

const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.platform);

const KEYCAPS: Readonly<Record<string, string>> = {
  mod: IS_APPLE ? '⌘' : 'Ctrl',
  shift: IS_APPLE ? '⇧' : 'Shift',
  alt: IS_APPLE ? '⌥' : 'Alt',
  Enter: '↵',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
};
