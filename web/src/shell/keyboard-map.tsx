import { Dialog } from '../components/dialog.tsx';
import { Keys } from '../components/kbd.tsx';
import { useShortcutMap } from '../shortcuts.ts';
import styles from './keyboard-map.module.css';

/** All keys that do something on this page. */
export default function KeyboardMap({ onClose }: { readonly onClose: () => void }) {
  const sections = useShortcutMap().toReversed();
  return (
    <Dialog open onClose={onClose} title="Keys" size="wide">
      <div className={styles['map']}>
        {sections.map(({ title, shortcuts }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {shortcuts.map(({ keys, label }) => (
                <div key={keys} className={styles['line']}>
                  <dt>{label}</dt>
                  <dd>
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
