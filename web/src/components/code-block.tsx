import styles from './code-block.module.css';
import { CopyButton } from './copy-button.tsx';

/** Text to be copied, such as a command. */
export function CodeBlock({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <div className={styles['block']}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={styles['text']} tabIndex={0} aria-label={label}>
        <pre>{text}</pre>
      </section>
      <span className={styles['copy']}>
        <CopyButton label={`Copy ${label}`} text={text} />
      </span>
    </div>
  );
}
