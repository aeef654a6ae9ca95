import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { isProviderKind } from '../../../../src/domain/credential.ts';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Menu } from '../../components/menu.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type CredentialRow } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { Confirm } from './confirm.tsx';
import { CredentialDialog } from './credential-dialog.tsx';
import { Section, SkeletonRows, Table } from './section.tsx';
import styles from './settings-page.module.css';

const COLUMNS = ['Name', 'Kind', 'Fields', 'Goes to', 'Last used', ''];

/** What the workspace reaches models and other services with. Secrets go in and are never shown. */
export function Credentials() {
  const client = useQueryClient();
  const mayWrite = useMay('credentials:write');
  const [asking, setAsking] = useState<CredentialRow | 'new' | null>(null);
  const [removing, setRemoving] = useState<CredentialRow | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: ['credentials'],
    queryFn: ({ signal }) => api.credentials.list({ signal }),
  });
  // Providers of models follow from them.
  const changed = () =>
    Promise.all([['credentials'], ['settings', 'models']].map((queryKey) => client.invalidateQueries({ queryKey })));
  const create = mayWrite && (
    <Button look="primary" icon="plus" onClick={() => setAsking('new')}>
      Add a credential
    </Button>
  );
  return (
    <Section
      title="Credentials"
      about="What workflows reach models and other services with. Secrets are sealed, and no answer of this server holds one; wherever they turn up in runs, [secret <name>] stands in their place."
      action={data && data.items.length > 0 && create}
    >
      {error && !data ? (
        <ErrorState title="The credentials could not be read" error={error} onRetry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <EmptyState icon="key" title="No credentials yet">
          <p>Add the key of a model provider here, or from a shell, where the secret comes from standard input:</p>
          <CodeBlock
            label="the command that adds a credential"
            text={'printf %s "$OPENAI_KEY" | millrun credentials set main --kind openai --models gpt-5-mini'}
          />
          <div>{create}</div>
        </EmptyState>
      ) : (
        <Table label="Credentials" columns={COLUMNS}>
          {data ? (
            data.items.map((credential) => (
              <Row
                key={credential.id}
                credential={credential}
                mayWrite={mayWrite}
                onChange={() => setAsking(credential)}
                onRemove={() => setRemoving(credential)}
              />
            ))
          ) : (
            <SkeletonRows rows={3} columns={COLUMNS.length} />
          )}
        </Table>
      )}
      {asking && (
        <CredentialDialog
          credential={asking === 'new' ? null : asking}
          onClose={() => setAsking(null)}
          onSaved={(name) => {
            setAsking(null);
            toast(`The credential “${name}” was saved.`);
            void changed();
          }}
        />
      )}
      {removing && (
        <Confirm
          title={`Delete the credential “${removing.name}”`}
          action="Delete the credential"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await api.credentials.remove(removing.id);
            toast(`The credential “${removing.name}” was deleted.`);
            await changed();
          }}
        >
          <p>Nodes that name it fail from then on. The secret is gone: only whoever gave it has it still.</p>
        </Confirm>
      )}
    </Section>
  );
}

function Row({
  credential,
  mayWrite,
  onChange,
  onRemove,
}: {
  readonly credential: CredentialRow;
  readonly mayWrite: boolean;
  readonly onChange: () => void;
  readonly onRemove: () => void;
}) {
  const { id, name, kind, settings, secrets, models, hosts, lastUsedAt } = credential;
  const testing = useMutation({ mutationFn: () => api.credentials.test(id) });
  const isProvider = isProviderKind(kind);
  const said = testing.error ? { ok: false, message: testing.error.message, models: [] } : testing.data;
  return (
    <>
      <tr>
        <th scope="row">{name}</th>
        <td>
          <Badge>{kind}</Badge>
        </td>
        <td>
          {Object.entries(settings).map(([field, value]) => (
            <div key={field} className={styles['second']}>
              {field}: {value}
            </div>
          ))}
          {Object.entries(secrets).map(([field, { ending }]) => (
            <div key={field} className={styles['second']}>
              {field}: ••••{ending ?? ''}
            </div>
          ))}
        </td>
        <td>
          <span className={styles['wrap']}>
            {isProvider ? (
              models.length === 0 ? (
                'every model'
              ) : (
                models.map((model) => <Badge key={model}>{model}</Badge>)
              )
            ) : hosts.length === 0 ? (
              <Badge tone="warn">any host</Badge>
            ) : (
              hosts.map((host) => <Badge key={host}>{host}</Badge>)
            )}
          </span>
        </td>
        <td>{lastUsedAt === null ? 'never' : <Time at={lastUsedAt} />}</td>
        <td>
          {mayWrite && (
            <span className={styles['acts']}>
              {isProvider && (
                <Button busy={testing.isPending} aria-label={`Test ${name}`} onClick={() => testing.mutate()}>
                  Test
                </Button>
              )}
              <Menu
                trigger={<IconButton icon="more" label={`More about ${name}`} />}
                groups={[
                  {
                    items: [
                      { label: 'Change…', icon: 'edit', onChoose: onChange },
                      { label: 'Delete…', icon: 'trash', danger: true, onChoose: onRemove },
                    ],
                  },
                ]}
              />
            </span>
          )}
        </td>
      </tr>
      {said && (
        <tr>
          <td colSpan={COLUMNS.length}>
            <span className={styles['test']} data-ok={said.ok} role="status">
              <Icon name={said.ok ? 'check' : 'error'} />
              <span>
                {said.message}
                {said.models.length > 0 &&
                  ` Models: ${said.models.slice(0, 12).join(', ')}${said.models.length > 12 ? ' …' : ''}`}
              </span>
            </span>
          </td>
        </tr>
      )}
    </>
  );
}
