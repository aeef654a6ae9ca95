import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { Menu } from '../../components/menu.tsx';
import { PageHeader } from '../../components/page.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type MadeTrigger, type TriggerRow } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { Confirm } from '../settings/confirm.tsx';
import { ShownOnce } from '../settings/shown-once.tsx';
import { FireDialog } from './fire-dialog.tsx';
import { TriggerDialog } from './trigger-dialog.tsx';
import { TriggerEvents } from './trigger-events.tsx';
import { momentText, TYPE_WORDS, VERIFICATION_WORDS, whenOf } from './trigger-words.ts';
import styles from './triggers-page.module.css';

/** Milliseconds between two readings. */
const LOOK_EVERY = 5000;

type Asked = 'edit' | 'fire' | 'secret' | 'delete';

/** One trigger: how it is set, how it is reached, when it fires next, and what came of it. */
export function TriggerDetail({ triggerId }: { readonly triggerId: string }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [shown, setShown] = useState<string | null>(null);
  const [, navigate] = useLocation();
  const mayWrite = useMay('triggers:write');
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ['triggers', triggerId],
    queryFn: ({ signal }) => api.triggers.read(triggerId, { signal }),
    refetchInterval: LOOK_EVERY,
  });
  const reread = () => client.invalidateQueries({ queryKey: ['triggers'] });
  const close = () => setAsked(null);
  const switching = useMutation({
    mutationFn: (enabled: boolean) => api.triggers.change(triggerId, { enabled }),
    onSuccess: reread,
    onError: (refused) => toastError('It stays as it is', refused),
  });
  const back = (
    <Link href="/triggers" className={styles['back']} aria-label="All triggers">
      <Icon name="chevron-left" />
    </Link>
  );
  if (!data) {
    return (
      <>
        <PageHeader title="Trigger" lead={back} />
        {error ? (
          <ErrorState title="It could not be read" error={error} onRetry={() => void refetch()} />
        ) : (
          <SkeletonLines lines={6} />
        )}
      </>
    );
  }
  const { name, enabled, definition } = data;
  const isWebhook = definition.type === 'webhook';
  const show = ({ trigger, secret }: MadeTrigger) => {
    if (secret !== null) setShown(addressWith(trigger, secret) ?? secret);
    void reread();
  };
  return (
    <>
      <PageHeader title={name} lead={back}>
        {mayWrite && (
          <>
            <Button icon="play" onClick={() => setAsked('fire')}>
              Fire now
            </Button>
            <Button icon="edit" onClick={() => setAsked('edit')}>
              Edit
            </Button>
            <Button busy={switching.isPending} onClick={() => switching.mutate(!enabled)}>
              {enabled ? 'Switch off' : 'Switch on'}
            </Button>
            <Menu
              trigger={<IconButton icon="more" label="More about this trigger" />}
              groups={[
                {
                  items: [
                    ...(isWebhook
                      ? [{ label: 'New secret', icon: 'key', onChoose: () => setAsked('secret') } as const]
                      : []),
                    { label: 'Delete', icon: 'trash', danger: true, onChoose: () => setAsked('delete') },
                  ],
                },
              ]}
            />
          </>
        )}
      </PageHeader>
      {asked === 'edit' && (
        <TriggerDialog
          trigger={data}
          onClose={close}
          onSaved={() => {
            close();
            void reread();
          }}
        />
      )}
      {asked === 'fire' && <FireDialog trigger={data} onClose={close} onFired={() => void reread()} />}
      {asked === 'secret' && (
        <Confirm
          title={`Make a new secret of ${name}?`}
          action="Make a new one"
          onConfirm={async () => show(await api.triggers.newSecret(triggerId))}
          onClose={close}
        >
          The one before opens nothing from then on: whoever sends to it needs the new one.
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete"
          onConfirm={async () => {
            await api.triggers.remove(triggerId);
            toast(`${name} was deleted.`);
            // Its own queries would ask for what is not there any more.
            navigate('/triggers');
            void client.invalidateQueries({ queryKey: ['triggers'], exact: true });
          }}
          onClose={close}
        >
          It fires no more, and its events go with it. Runs that it started stay.
        </Confirm>
      )}
      {shown !== null && (
        <ShownOnce
          title="The new secret"
          what={shown.includes('/hooks/') ? 'the address with its secret' : 'the secret'}
          text={shown}
          onClose={() => setShown(null)}
        />
      )}
      <div className={styles['page']}>
        <p className={styles['facts']}>
          <Badge tone={enabled ? 'good' : 'plain'}>{enabled ? 'on' : 'off'}</Badge>
          <Badge>{TYPE_WORDS[definition.type]}</Badge>
          <span>{whenOf(definition)}</span>
          <span>
            starts{' '}
            {data.workflowName === null ? (
              'a workflow that is not there'
            ) : (
              <Link href={`/workflows/${data.workflowId}`}>{data.workflowName}</Link>
            )}
          </span>
        </p>
        {data.lastError !== null && (
          <p className={styles['note']} role="status">
            <Icon name="warning" />
            {data.failures === 1 ? 'The last look' : `The last ${data.failures} looks`} failed: {data.lastError}
          </p>
        )}
        {isWebhook ? <Address trigger={data} /> : <Times trigger={data} />}
        <section className={styles['part']}>
          <h2>Input of its runs</h2>
          {data.inputs === null ? (
            <p className={styles['small']}>Each input of the workflow is given what comes under its name.</p>
          ) : (
            <JsonView label="Input of its runs" value={data.inputs} openTo={2} height={160} />
          )}
        </section>
        <TriggerEvents trigger={data} />
      </div>
    </>
  );
}

function Times({ trigger: { enabled, nextTimes, definition, lastPolledAt } }: { readonly trigger: TriggerRow }) {
  return (
    <section className={styles['part']}>
      <h2>{definition.type === 'poll' ? 'Next look' : 'Next times'}</h2>
      {nextTimes.length === 0 ? (
        <p className={styles['small']}>{enabled ? 'None: its end has come.' : 'None: it is switched off.'}</p>
      ) : (
        <ol className={styles['times']}>
          {nextTimes.map((at) => (
            <li key={at} className="figures">
              {momentText(at)}
            </li>
          ))}
        </ol>
      )}
      {lastPolledAt !== null && (
        <p className={styles['small']}>
          It looked <Time at={lastPolledAt} />.
        </p>
      )}
    </section>
  );
}

/** Where requests go, and one as a command. */
function Address({ trigger }: { readonly trigger: TriggerRow }) {
  const { definition, url, secretEnding } = trigger;
  if (definition.type !== 'webhook' || url === null) return null;
  const method = definition.methods.includes('POST') ? 'POST' : (definition.methods[0] ?? 'POST');
  const address = url.replace('{secret}', '$WEBHOOK_SECRET');
  const header =
    definition.verify === 'header' ? ` -H "${definition.header}: ${definition.prefix}$WEBHOOK_SECRET"` : '';
  const hasBody = method !== 'GET' && method !== 'DELETE';
  const isSigned = ['standard', 'github', 'hmac'].includes(definition.verify);
  return (
    <section className={styles['part']}>
      <h2>Address</h2>
      <CodeBlock label="the address of this webhook" text={url} />
      <p className={styles['small']}>
        {VERIFICATION_WORDS[definition.verify]}
        {secretEnding !== null && `; the secret ends in ${secretEnding}`}.{' '}
        {definition.waitSeconds === null
          ? 'It answers at once with the id of the run.'
          : `It answers with the output of the run, or after ${definition.waitSeconds} s with its id.`}
      </p>
      {!isSigned && (
        <CodeBlock
          label="a request as a command"
          text={`curl -X ${method} "${address}"${header}${hasBody ? ` \\\n  -H 'Content-Type: application/json' -d '{}'` : ''}`}
        />
      )}
    </section>
  );
}

/** The address of a webhook with its secret where that is a part of it. */
function addressWith({ url }: TriggerRow, secret: string): string | null {
  return url?.includes('{secret}') ? url.replace('{secret}', secret) : null;
}
