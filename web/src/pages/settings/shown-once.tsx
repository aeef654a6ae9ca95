import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Icon } from '../../components/icon.tsx';
import styles from './settings-page.module.css';

/** A secret that the server tells this once. A click beside the dialog does not lose it: it takes the button, or Esc. */
export function ShownOnce({
  title,
  what,
  text,
  onClose,
}: {
  readonly title: string;
  readonly what: string;
  readonly text: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <Button look="primary" onClick={onClose}>
          I have copied it
        </Button>
      }
    >
      <div className={styles['form']}>
        <p className={styles['note']}>
          <Icon name="warning" />
          It is shown this once and cannot be looked up again. Put it where you keep secrets.
        </p>
        <CodeBlock label={what} text={text} />
      </div>
    </Dialog>
  );
}
