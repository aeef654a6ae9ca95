import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { Checkbox } from '../../components/field.tsx';
import { countText, exactTime, Nothing, Time } from '../../components/figures.tsx';
import { Menu } from '../../components/menu.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type KeyRow, type ShownKey } from '../../explorer-api.ts';
import { useSession } from '../../session.tsx';
import { Confirm } from './confirm.tsx';
import { CreateKeyDialog } from './create-key-dialog.tsx';
import { RotateKeyDialog } from './rotate-key-dialog.tsx';
import { Section, SkeletonRows, Table } from './section.tsx';
import styles from './settings-page.module.css';
import { ShownOnce } from './shown-once.tsx';

/** Badges of scopes that a row has room for. */
const MOST_SCOPES = 3;

const COLUMNS = ['Name', 'Scopes', 'Last used', 'Expires', 'Limit', ''];

/** The keys of the workspace: who may call, and what. */
export function Keys() {
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  const [asking, setAsking] = useState<
    { readonly what: 'create' } | { readonly what: 'rotate' | 'revoke'; readonly key: KeyRow } | null
  >(null);
  const [shown, setShown] = useState<ShownKey | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: ['keys', ended],
    queryFn: ({ signal }) => api.keys.list({ ended }, { signal }),
  });
  const changed = () => client.invalidateQueries({ queryKey: ['keys'] });
  const made = (key: ShownKey) => {
    setAsking(null);
    setShown(key);
    void changed();
  };
  return (
    <Section
      title="API keys"
      about="Every call takes a key. Give each program its own, with the scopes it needs and no others: what a key did can then be told, and one can be revoked alone."
      action={
        <>
          <Checkbox
            label="Also those that ended"
            checked={ended}
            onChange={(event) => setEnded(event.target.checked)}
          />
          <Button look="primary" icon="plus" onClick={() => setAsking({ what: 'create' })}>
            Create a key
          </Button>
        </>
      }
    >
      {error && !data ? (
        <ErrorState title="The keys could not be read" error={error} onRetry={() => void refetch()} />
      ) : (
        <Table label="API keys" columns={COLUMNS}>
          {data ? (
            data.items.map((key) => (
              <Row
                key={key.id}
                row={key}
                onRotate={() => setAsking({ what: 'rotate', key })}
                onRevoke={() => setAsking({ what: 'revoke', key })}
              />
            ))
          ) : (
            <SkeletonRows rows={3} columns={COLUMNS.length} />
          )}
        </Table>
      )}
      {asking?.what === 'create' && <CreateKeyDialog onClose={() => setAsking(null)} onMade={made} />}
      {asking?.what === 'rotate' && <RotateKeyDialog row={asking.key} onClose={() => setAsking(null)} onMade={made} />}
      {asking?.what === 'revoke' && (
        <RevokeKey row={asking.key} onClose={() => setAsking(null)} onRevoked={() => void changed()} />
      )}
      {shown && (
        <ShownOnce
          title={`The key “${shown.key.name}”`}
          what="the key"
          text={shown.text}
          onClose={() => setShown(null)}
        />
      )}
    </Section>
  );
}

function Row({
  row,
  onRotate,
  onRevoke,
}: {
  readonly row: KeyRow;
  readonly onRotate: () => void;
  readonly onRevoke: () => void;
}) {
  const { name, prefix, scopes, state, isOwn, lastUsedAt, expiresAt, rateLimit } = row;
  const { scopes: all } = useSession();
  return (
    <tr data-over={state !== 'valid'}>
      <th scope="row">
        <span className={styles['name']}>
          {name}
          {isOwn && <Badge tone="accent">this session</Badge>}
          {state !== 'valid' && <Badge>{state}</Badge>}
        </span>
        <code className={styles['second']}>{prefix}…</code>
      </th>
      <td>
        <span className={styles['wrap']} title={scopes.join(', ')}>
          {scopes.length >= all.length && all.length > MOST_SCOPES ? (
            <Badge>all scopes</Badge>
          ) : (
            scopes.slice(0, MOST_SCOPES).map((scope) => <Badge key={scope}>{scope}</Badge>)
          )}
          {scopes.length < all.length && scopes.length > MOST_SCOPES && (
            <Badge>{`and ${scopes.length - MOST_SCOPES} more`}</Badge>
          )}
        </span>
      </td>
      <td>{lastUsedAt === null ? 'never' : <Time at={lastUsedAt} />}</td>
      <td>{expiresAt === null ? 'never' : <span title={exactTime(expiresAt)}>{DAY.format(expiresAt)}</span>}</td>
      <td className="figures">{rateLimit === null ? <Nothing /> : `${countText(rateLimit)} a minute`}</td>
      <td>
        {state === 'valid' && (
          <Menu
            trigger={<IconButton icon="more" label={`More about the key ${name}`} />}
            groups={[
              {
                items: [
                  { label: 'Rotate…', icon: 'retry', onChoose: onRotate },
                  { label: 'Revoke…', icon: 'trash', danger: true, onChoose: onRevoke },
                ],
              },
            ]}
          />
        )}
      </td>
    </tr>
  );
}

const DAY = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

function RevokeKey({
  row,
  onClose,
  onRevoked,
}: {
  readonly row: KeyRow;
  readonly onClose: () => void;
  readonly onRevoked: () => void;
}) {
  return (
    <Confirm
      title={`Revoke the key “${row.name}”`}
      action="Revoke the key"
      onClose={onClose}
      onConfirm={async () => {
        await api.keys.revoke(row.id);
        toast(`The key “${row.name}” was revoked.`);
        onRevoked();
      }}
    >
      <p>
        Whoever uses it gets 401 from now on, for good.
        {row.isOwn && ' It is the key of this session: you will be signed out.'}
      </p>
    </Confirm>
  );
}
