import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Refusal } from './section.tsx';

/** Asks before something is done that cannot be undone, and says below what the server refuses. */
export function Confirm({
  title,
  action,
  danger = true,
  onConfirm,
  onClose,
  children,
}: {
  readonly title: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const doing = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={children}
      footer={
        <>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button look={danger ? 'danger' : 'primary'} busy={doing.isPending} onClick={() => doing.mutate()}>
            {action}
          </Button>
        </>
      }
    >
      <Refusal error={doing.error} />
    </Dialog>
  );
}
