import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { isTerminal } from '../../../../src/domain/run.ts';
import { Badge } from '../../components/badge.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Cost, countText, Duration, Nothing, Time } from '../../components/figures.tsx';
import type { RunDetail } from '../../explorer-api.ts';
import styles from './run-facts.module.css';

/** What a run was and took, in one line under its name. */
export function RunFacts({ detail }: { readonly detail: RunDetail }) {
  const { run, version, usage, startedBy, deliveries, callbackUrl, requestId, trace } = detail;
  const isOver = isTerminal(run.status);
  const delivery = deliveries.at(-1);
  return (
    <dl className={styles['facts']}>
      <Fact name="Created">
        <Time at={run.createdAt} />
      </Fact>
      <Fact name="Queued">
        <Duration
          ms={run.startedAt === null ? null : run.startedAt - run.createdAt}
          since={isOver ? null : run.createdAt}
        />
      </Fact>
      <Fact name="Duration">
        <Duration ms={run.durationMs} since={isOver ? null : run.startedAt} />
      </Fact>
      {!isOver && (
        <Fact name="Done">
          <span className="figures">
            {run.nodesCompleted} of {run.nodesTotal}
          </span>
          <progress className={styles['progress']} value={run.progress} max={100} aria-label="Progress of the run" />
        </Fact>
      )}
      <Fact name="Cost">
        <Cost amount={run.cost} />
      </Fact>
      {usage && usage.inputTokens + usage.outputTokens > 0 && (
        <Fact name="Tokens">{countText(usage.inputTokens + usage.outputTokens)}</Fact>
      )}
      <Fact name="Version">
        <span title={version.id}>{version.name ?? `…${version.id.slice(-6)}`}</span>
        {!version.isCurrent && <Badge>not current</Badge>}
      </Fact>
      <Fact name="Source">
        {run.source === 'trigger' && typeof run.metadata?.['trigger_id'] === 'string' ? (
          <Link href={`/triggers/${run.metadata['trigger_id']}`}>{String(run.metadata['trigger_name'])}</Link>
        ) : (
          run.source
        )}
      </Fact>
      <Fact name="Key">
        {startedBy === null ? (
          <Nothing />
        ) : (
          <span title={startedBy.keyId}>{startedBy.name ?? `…${startedBy.keyId.slice(-6)}`}</span>
        )}
      </Fact>
      {run.clientRef !== null && <Fact name="Client ref">{run.clientRef}</Fact>}
      {run.batchId !== null && (
        <Fact name="Batch">
          <Link href={`/runs?q=${encodeURIComponent(`batch_id = "${run.batchId}"`)}`}>…{run.batchId.slice(-6)}</Link>
        </Fact>
      )}
      {requestId !== null && (
        <Fact name="Request">
          <code title="The request that started it, as the server’s log and the answer’s header name it">
            …{requestId.slice(-8)}
          </code>
          <CopyButton label="Copy the id of the request" text={requestId} />
        </Fact>
      )}
      {trace !== null && (
        <Fact name="Trace">
          {trace.href === null ? (
            <code title={trace.id}>…{trace.id.slice(-8)}</code>
          ) : (
            <a href={trace.href} title={trace.id} rel="noreferrer" target="_blank">
              …{trace.id.slice(-8)}
            </a>
          )}
          <CopyButton label="Copy the id of the trace" text={trace.id} />
        </Fact>
      )}
      <Fact name="Callback">
        {callbackUrl === null ? (
          <Nothing />
        ) : delivery ? (
          <Badge tone={delivery.status === 'delivered' ? 'good' : delivery.status === 'failed' ? 'bad' : 'plain'}>
            {delivery.status}
          </Badge>
        ) : (
          'when it ends'
        )}
      </Fact>
      <Fact name="Id">
        <code title={run.id}>…{run.id.slice(-10)}</code>
        <CopyButton label="Copy the id of the run" text={run.id} />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className={styles['fact']}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
