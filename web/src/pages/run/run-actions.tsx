import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { isTerminal } from '../../../../src/domain/run.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Menu, type MenuItem } from '../../components/menu.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type RunDetail } from '../../explorer-api.ts';
import { useCommands } from '../../shell/commands.ts';
import { useShortcuts } from '../../shortcuts.ts';
import { ComparePicker } from './compare-picker.tsx';
import { runKey } from './live-run.ts';
import type { RerunWish } from './rerun-dialog.tsx';
import { COPIES, copyOf } from './run-copies.ts';

/** What is asked before it is done, or needs more than a press. */
type Asked = 'stop' | 'delete' | 'compare' | null;

/** What can be done with a run. What cannot says why. */
export function RunActions({
  detail,
  chosenNode,
  onRerun,
  onCompare,
}: {
  readonly detail: RunDetail;
  /** The chosen node of the definition, where a rerun may begin. */
  readonly chosenNode: { readonly id: string; readonly name: string } | null;
  readonly onRerun: (wish: RerunWish) => void;
  readonly onCompare: (otherId: string) => void;
}) {
  const { run, actions } = detail;
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [asked, setAsked] = useState<Asked>(null);
  const [isBusy, setBusy] = useState(false);
  const close = () => setAsked(null);
  const reload = () => client.invalidateQueries({ queryKey: runKey(run.id) });

  const act = async (what: string, action: () => Promise<void>) => {
    setBusy(true);
    try {
      await action();
      close();
    } catch (error) {
      toastError(what, error);
    } finally {
      setBusy(false);
    }
  };
  const stop = () =>
    act('The run could not be stopped', async () => {
      await api.run.stop(run.id);
      await reload();
      toast('The run was stopped.');
    });
  const remove = () =>
    act('The run could not be deleted', async () => {
      await api.run.remove(run.id);
      client.removeQueries({ queryKey: runKey(run.id) });
      navigate('/runs');
      toast('The run was deleted.');
    });
  const evaluate = () =>
    act('The run could not be evaluated', async () => {
      await api.run.evaluate(run.id);
      await client.invalidateQueries({ queryKey: ['run-evaluations', run.id] });
      toast('An evaluation was started.');
    });
  const redeliver = () =>
    act('The callback could not be sent', async () => {
      await api.run.redeliver(run.id);
      await reload();
      toast('The callback is being sent again.');
    });

  const rerun = (from: RerunWish['from'], edits = false) => onRerun({ from, edits });
  const fromHere: MenuItem = {
    label: chosenNode === null ? 'Rerun from a node' : `Rerun from “${chosenNode.name}”`,
    icon: 'arrow-right',
    refused: chosenNode === null ? 'Choose the node first.' : actions.retry,
    onChoose: () => chosenNode && rerun([chosenNode.id]),
  };
  const reruns: MenuItem[] = [
    { label: 'Rerun from the start', icon: 'retry', keys: 'r', refused: actions.retry, onChoose: () => rerun('start') },
    {
      label: 'Rerun from the failed node',
      icon: 'retry',
      refused: actions.retryFailed,
      onChoose: () => rerun('failed_node'),
    },
    fromHere,
    {
      label: 'Rerun with an edited input…',
      icon: 'edit',
      keys: 'e',
      refused: actions.retry,
      onChoose: () => rerun('start', true),
    },
  ];
  const others: MenuItem[] = [
    { label: 'Compare with another run…', icon: 'compare', keys: 'c', onChoose: () => setAsked('compare') },
    { label: 'Evaluate', icon: 'verdict', refused: actions.evaluate, onChoose: () => void evaluate() },
    {
      label: 'Send the callback again',
      icon: 'external',
      refused: actions.redeliver,
      onChoose: () => void redeliver(),
    },
  ];
  const copies = (Object.keys(COPIES) as (keyof typeof COPIES)[]).map(
    (what): MenuItem => ({ label: COPIES[what].label, icon: 'copy', onChoose: () => void copyOf(what, detail) }),
  );
  useShortcuts('Run', [
    { keys: 'r', label: 'Rerun from the start', run: () => actions.retry === null && rerun('start') },
    { keys: 'e', label: 'Rerun with an edited input', run: () => actions.retry === null && rerun('start', true) },
    { keys: 'c', label: 'Compare with another run', run: () => setAsked('compare') },
  ]);
  useCommands([
    ...[...reruns, ...others].flatMap(({ label, icon, refused, onChoose }) =>
      refused || icon === undefined ? [] : [{ label: String(label), icon, run: onChoose }],
    ),
    ...copies.map(({ label, onChoose }) => ({ label: `Copy: ${String(label)}`, icon: 'copy' as const, run: onChoose })),
  ]);

  const isGoing = !isTerminal(run.status);
  return (
    <>
      {isGoing ? (
        <Button
          icon="stop"
          disabled={actions.stop !== null}
          title={actions.stop ?? undefined}
          onClick={() => setAsked('stop')}
        >
          Stop
        </Button>
      ) : (
        <Menu
          trigger={
            <Button icon="retry" look="primary">
              Rerun
            </Button>
          }
          groups={[{ items: reruns }]}
        />
      )}
      <Menu trigger={<Button icon="copy">Copy</Button>} groups={[{ items: copies }]} />
      <Menu
        trigger={
          <Button icon="more" aria-label="More actions">
            More
          </Button>
        }
        groups={[
          { items: others },
          ...(isGoing ? [{ items: reruns }] : []),
          {
            items: [
              {
                label: 'Delete…',
                icon: 'trash',
                danger: true,
                refused: actions.delete,
                onChoose: () => setAsked('delete'),
              },
            ],
          },
        ]}
      />
      {asked === 'stop' && (
        <Dialog
          open
          onClose={close}
          title="Stop this run?"
          description="Nodes at work are cut off, and nothing after them begins. It can be rerun from there."
          footer={
            <>
              <Button onClick={close}>Let it run</Button>
              <Button look="danger" busy={isBusy} onClick={() => void stop()}>
                Stop the run
              </Button>
            </>
          }
        />
      )}
      {asked === 'delete' && (
        <Dialog
          open
          onClose={close}
          title="Delete this run?"
          description="Its input, output, logs and files of its own are gone then. This cannot be undone."
          footer={
            <>
              <Button onClick={close}>Keep it</Button>
              <Button look="danger" busy={isBusy} onClick={() => void remove()}>
                Delete the run
              </Button>
            </>
          }
        />
      )}
      {asked === 'compare' && (
        <ComparePicker
          detail={detail}
          onClose={close}
          onChoose={(otherId) => {
            close();
            onCompare(otherId);
          }}
        />
      )}
    </>
  );
}
