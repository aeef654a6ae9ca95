import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';
import type { TriggerType } from '../../../../src/domain/trigger.ts';
import { Button } from '../../components/button.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type TriggerRow } from '../../explorer-api.ts';
import { Refusal } from '../settings/section.tsx';
import styles from './triggers-page.module.css';

/** What comes to a trigger of each type, to begin with. */
const EXAMPLES: Readonly<Record<TriggerType, JsonObject>> = {
  schedule: {},
  webhook: { body: {}, query: {}, headers: {} },
  poll: { item: { id: '1', title: 'A title', link: 'https://example.com/1' } },
};

/** Fires a trigger as if something had come, and tells of the run. */
export function FireDialog({
  trigger,
  onClose,
  onFired,
}: {
  readonly trigger: TriggerRow;
  readonly onClose: () => void;
  readonly onFired: () => void;
}) {
  const [text, setText] = useState(() => JSON.stringify(EXAMPLES[trigger.definition.type], null, 2));
  const [refused, setRefused] = useState<string | null>(null);
  const [, navigate] = useLocation();
  const read = readPayload(text);
  const firing = useMutation({
    mutationFn: (payload: JsonObject) => api.triggers.fire(trigger.id, payload),
    onSuccess: ({ runId, reason }) => {
      onFired();
      if (runId === null) {
        setRefused(reason);
        return;
      }
      onClose();
      toast(`${trigger.name} has started a run.`, {
        action: { label: 'Open it', onChoose: () => navigate(`/runs/${runId}`) },
      });
    },
  });
  const problem = 'problem' in read ? read.problem : null;
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Fire ${trigger.name} now`}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            look="primary"
            icon="play"
            busy={firing.isPending}
            disabled={problem !== null}
            onClick={() => {
              setRefused(null);
              if ('payload' in read) firing.mutate(read.payload);
            }}
          >
            Fire
          </Button>
        </>
      }
    >
      <div className={styles['form']}>
        <Field label="As if this had come" hint="JSON, by name: what inputs are made of." error={problem}>
          {() => (
            <CodeEditor label="What shall have come" language="json" height={200} value={text} onChange={setText} />
          )}
        </Field>
        {refused !== null && <Refusal error={new Error(`No run was started: ${refused}`)} />}
        <Refusal error={firing.error} />
      </div>
    </Dialog>
  );
}

function readPayload(text: string): { readonly payload: JsonObject } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    return isJsonObject(value) ? { payload: value } : { problem: 'It is an object: {"body": …}.' };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'This is not JSON.' };
  }
}
