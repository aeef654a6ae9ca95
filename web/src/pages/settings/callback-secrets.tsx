import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input } from '../../components/field.tsx';
import { Time } from '../../components/figures.tsx';
import { Menu } from '../../components/menu.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type CallbackSecretRow, type ShownCallbackSecret } from '../../explorer-api.ts';
import { Confirm } from './confirm.tsx';
import { Refusal, Section, SkeletonRows, Table } from './section.tsx';
import styles from './settings-page.module.css';
import { ShownOnce } from './shown-once.tsx';

const COLUMNS = ['Label', 'Created', 'Last used', 'State', ''];

/** What callbacks are signed with, for those who receive them. */
export function CallbackSecrets() {
  const client = useQueryClient();
  const [isCreating, setCreating] = useState(false);
  const [ending, setEnding] = useState<CallbackSecretRow | null>(null);
  const [shown, setShown] = useState<ShownCallbackSecret | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: ['callback-secrets'],
    queryFn: ({ signal }) => api.callbackSecrets.list({ signal }),
  });
  const changed = () => client.invalidateQueries({ queryKey: ['callback-secrets'] });
  const create = (
    <Button look="primary" icon="plus" onClick={() => setCreating(true)}>
      Create a secret
    </Button>
  );
  return (
    <Section
      title="Secrets of callbacks"
      about="Callbacks of the Runflow API are signed with the newest of these, so that a receiver knows that they come from here. To change it, create another, give it to the receivers, and disable the old one."
      action={data && data.items.length > 0 && create}
    >
      {error && !data ? (
        <ErrorState title="The secrets could not be read" error={error} onRetry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <EmptyState icon="key" title="No secret yet">
          <p>Create one, and give it to whoever checks the signatures of callbacks.</p>
          <div>{create}</div>
        </EmptyState>
      ) : (
        <Table label="Secrets of callbacks" columns={COLUMNS}>
          {data ? (
            data.items.map((secret) => (
              <tr key={secret.id} data-over={secret.disabledAt !== null}>
                <th scope="row">
                  {secret.label ?? 'Without a label'}
                  <br />
                  <code className={styles['second']}>{secret.prefix}…</code>
                </th>
                <td>
                  <Time at={secret.createdAt} />
                </td>
                <td>{secret.lastUsedAt === null ? 'never' : <Time at={secret.lastUsedAt} />}</td>
                <td>
                  {secret.disabledAt !== null ? (
                    <Badge>disabled</Badge>
                  ) : secret.isCurrent ? (
                    <Badge tone="good">signs callbacks</Badge>
                  ) : (
                    <Badge>valid</Badge>
                  )}
                </td>
                <td>
                  {secret.disabledAt === null && (
                    <Menu
                      trigger={
                        <IconButton icon="more" label={`More about the secret ${secret.label ?? secret.prefix}`} />
                      }
                      groups={[
                        {
                          items: [
                            { label: 'Disable…', icon: 'trash', danger: true, onChoose: () => setEnding(secret) },
                          ],
                        },
                      ]}
                    />
                  )}
                </td>
              </tr>
            ))
          ) : (
            <SkeletonRows rows={2} columns={COLUMNS.length} />
          )}
        </Table>
      )}
      {isCreating && (
        <CreateSecret
          onClose={() => setCreating(false)}
          onMade={(secret) => {
            setCreating(false);
            setShown(secret);
            void changed();
          }}
        />
      )}
      {ending && (
        <Confirm
          title={`Disable the secret “${ending.label ?? ending.prefix}”`}
          action="Disable the secret"
          onClose={() => setEnding(null)}
          onConfirm={async () => {
            await api.callbackSecrets.disable(ending.id);
            toast('The secret was disabled.');
            await changed();
          }}
        >
          <p>Nothing is signed with it any more, for good. Receivers that know no other one refuse what comes next.</p>
        </Confirm>
      )}
      {shown && (
        <ShownOnce title="The secret of callbacks" what="the secret" text={shown.text} onClose={() => setShown(null)} />
      )}
    </Section>
  );
}

function CreateSecret({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (secret: ShownCallbackSecret) => void;
}) {
  const [label, setLabel] = useState('');
  const creating = useMutation({
    mutationFn: () => api.callbackSecrets.create(label.trim() === '' ? undefined : label.trim()),
    onSuccess: onMade,
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Create a secret of callbacks"
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" busy={creating.isPending} onClick={() => creating.mutate()}>
            Create the secret
          </Button>
        </>
      }
    >
      <div className={styles['form']}>
        <Field label="Label" hint="For whom it is. May be left empty.">
          {(attributes) => (
            <Input {...attributes} value={label} maxLength={200} onChange={(event) => setLabel(event.target.value)} />
          )}
        </Field>
        <Refusal error={creating.error} />
      </div>
    </Dialog>
  );
}
