import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input } from '../../components/field.tsx';
import { Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { Menu } from '../../components/menu.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toastError } from '../../components/toast.tsx';
import { ApiError, api, type PersonRequestRow } from '../../explorer-api.ts';
import { REQUEST_LISTS } from '../../people-line.tsx';
import { useMay } from '../../session.tsx';
import { AnswerForm } from './answer-form.tsx';
import { Due } from './due.tsx';
import { GivenAnswer } from './given-answer.tsx';
import styles from './request-detail.module.css';
import { SETTLED } from './request-list.tsx';
import { RunProgress } from './run-progress.tsx';

/** One request: what is asked, the form or what was answered, and how its run goes on. */
export function RequestDetail({
  requestId,
  onBack,
  onNext,
}: {
  readonly requestId: string;
  readonly onBack: () => void;
  /** Goes to the next one that waits; null: there is none. */
  readonly onNext: (() => void) | null;
}) {
  const client = useQueryClient();
  const mayAnswer = useMay('people:answer');
  const mayReadRuns = useMay('runs:read');
  const queryKey = [...REQUEST_LISTS, 'one', requestId];
  const {
    data: request,
    error,
    refetch,
  } = useQuery({
    queryKey,
    queryFn: ({ signal }) => api.people.read(requestId, { signal }),
  });
  /** What came of the answer that was given here: it was taken, or somebody else was quicker. */
  const [outcome, setOutcome] = useState<'taken' | ApiError | null>(null);
  const [isCanceling, setCanceling] = useState(false);

  if (!request) {
    if (!error) return <SkeletonLines lines={6} label="Loading the request" />;
    return <ErrorState title="The request could not be read" error={error} onRetry={() => void refetch()} />;
  }
  const settled = (now: PersonRequestRow) => {
    client.setQueryData(queryKey, now);
    setOutcome('taken');
  };
  const refused = async (conflict: ApiError) => {
    setOutcome(conflict);
    await client.invalidateQueries({ queryKey: REQUEST_LISTS });
  };
  return (
    <article className={styles['request']} aria-labelledby="request-title">
      <header className={styles['head']}>
        <div className={styles['line']}>
          <span className={styles['back']}>
            <IconButton icon="chevron-left" label="All requests" onClick={onBack} />
          </span>
          <h2 id="request-title">{request.title || 'Please confirm'}</h2>
          {request.status === 'pending' && mayAnswer && (
            <Menu
              trigger={<IconButton icon="more" label="More about this request" />}
              groups={[
                {
                  items: [
                    {
                      label: 'Cancel the request…',
                      icon: 'close',
                      danger: true,
                      onChoose: () => setCanceling(true),
                    },
                  ],
                },
              ]}
            />
          )}
        </div>
        <dl className={styles['facts']}>
          <Fact name="Workflow">{request.workflow.name ?? request.workflow.id}</Fact>
          <Fact name="Node">
            <code>{request.nodeId}</code>
            {request.iteration > 0 && ` · item ${request.iteration}`}
          </Fact>
          <Fact name="Asked">
            <Time at={request.createdAt} />
          </Fact>
          {request.assignee !== null && (
            <Fact name="For">
              <Icon name="person" size={12} /> {request.assignee}
            </Fact>
          )}
          {request.status === 'pending'
            ? request.dueAt !== null && (
                <Fact name="Until">
                  <Due at={request.dueAt} />
                </Fact>
              )
            : null}
          {request.status !== 'pending' && (
            <Fact name="State">
              <Badge tone={SETTLED[request.status].tone}>{SETTLED[request.status].word}</Badge>
            </Fact>
          )}
        </dl>
      </header>
      {request.description !== '' && <p className={styles['description']}>{request.description}</p>}
      {outcome instanceof ApiError && (
        <p className={styles['conflict']} role="alert">
          <Icon name="warning" />
          {outcome.message}
        </p>
      )}
      {request.status === 'pending' ? (
        <AnswerForm
          request={request}
          mayAnswer={mayAnswer}
          onTaken={settled}
          onConflict={(error) => void refused(error)}
        />
      ) : (
        <GivenAnswer request={request} isOwn={outcome === 'taken'}>
          {onNext && (
            <Button icon="arrow-right" onClick={onNext}>
              Next request
            </Button>
          )}
        </GivenAnswer>
      )}
      {mayReadRuns ? (
        <RunProgress runId={request.runId} />
      ) : (
        <p className={styles['small']}>
          Run <code>{request.runId}</code>
        </p>
      )}
      {isCanceling && (
        <CancelDialog
          request={request}
          onClose={() => setCanceling(false)}
          onCanceled={(now) => client.setQueryData(queryKey, now)}
        />
      )}
    </article>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function CancelDialog({
  request,
  onClose,
  onCanceled,
}: {
  readonly request: PersonRequestRow;
  readonly onClose: () => void;
  readonly onCanceled: (request: PersonRequestRow) => void;
}) {
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    try {
      onCanceled(await api.people.cancel(request.id, reason.trim() === '' ? undefined : reason.trim()));
      onClose();
    } catch (error) {
      toastError('The request was not canceled', error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Cancel the request"
      description={
        <p>
          Nobody can answer it any more. The node that asked fails; its <code>on_error</code> branch gets the reason, or
          the run fails.
        </p>
      }
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={isBusy} onClick={() => void cancel()}>
            Cancel the request
          </Button>
        </>
      }
    >
      <Field label="Reason" hint="It is kept with the run's failure. May be left empty.">
        {(attributes) => (
          <Input {...attributes} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        )}
      </Field>
    </Dialog>
  );
}
