import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Select } from '../../components/field.tsx';
import { api, type KeyRow, type ShownKey } from '../../explorer-api.ts';
import { Refusal } from './section.tsx';
import styles from './settings-page.module.css';

const HOUR = 3_600_000;

/** How long the text before is still taken, in milliseconds. */
const GRACES = [
  [0, 'Not at all'],
  [HOUR, 'For an hour'],
  [24 * HOUR, 'For a day'],
  [7 * 24 * HOUR, 'For a week'],
] as const;

/** Gives a key a new text. */
export function RotateKeyDialog({
  row,
  onClose,
  onMade,
}: {
  readonly row: KeyRow;
  readonly onClose: () => void;
  readonly onMade: (key: ShownKey) => void;
}) {
  const [grace, setGrace] = useState<number>(HOUR);
  const rotating = useMutation({ mutationFn: () => api.keys.rotate(row.id, grace), onSuccess: onMade });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Rotate the key “${row.name}”`}
      description={<p>It gets a new text and keeps its name, scopes and limits.</p>}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" busy={rotating.isPending} onClick={() => rotating.mutate()}>
            Rotate the key
          </Button>
        </>
      }
    >
      <div className={styles['form']}>
        <Field label="The text before is still taken" hint="Time to put the new one everywhere.">
          {(attributes) => (
            <Select {...attributes} value={grace} onChange={(event) => setGrace(Number(event.target.value))}>
              {GRACES.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Refusal error={rotating.error} />
      </div>
    </Dialog>
  );
}
