import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type WorkflowRow } from '../../explorer-api.ts';

/** Asks before a model or a ComfyUI workflow is deleted. */
export function DeleteDialog({
  kind,
  target: { id, name, slug },
  onClose,
}: {
  readonly kind: 'model' | 'comfyui';
  readonly target: WorkflowRow;
  readonly onClose: () => void;
}) {
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const doing = useMutation({
    mutationFn: () => (kind === 'model' ? api.models : api.comfyuiWorkflows).remove(id),
    onSuccess: () => {
      toast(`${name} was deleted.`);
      void client.invalidateQueries({ queryKey: ['targets', kind] });
      navigate(kind === 'model' ? '/models' : '/models?kind=comfyui');
    },
    onError: (error) => toastError(`${name} was not deleted`, error),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Delete ${name}?`}
      description={
        <>
          Calls of <code>{slug}</code> are refused from now on, and another may take the slug. Its runs stay.
        </>
      }
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={doing.isPending} onClick={() => doing.mutate()}>
            Delete
          </Button>
        </>
      }
    />
  );
}
