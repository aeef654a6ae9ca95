import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Cost, countText, Duration, durationText, Time } from '../../components/figures.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { Skeleton, SkeletonLines } from '../../components/skeleton.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { api, type DeliveryRow, type LogRow, type NodeRow, type RunDetail } from '../../explorer-api.ts';
import { FailureNote, RequestNote, WarningNotes } from './callouts.tsx';
import styles from './inspector.module.css';
import { IterationWalk, MadeRuns, useChildren } from './iteration-walk.tsx';
import { textKey } from './live-run.ts';
import { LogView } from './log-view.tsx';
import { asksModels, ModelCalls } from './model-calls.tsx';
import { holderOf, nodeLabel } from './node-rows.ts';
import { NodeStatusPill } from './node-status.tsx';
import { PayloadView } from './payload-view.tsx';
import type { RerunWish } from './rerun-dialog.tsx';
import { type InspectorTab, type RunAddress, runSearch } from './run-address.ts';
import { hitPlace } from './search-hit.ts';

interface InspectorProps {
  readonly detail: RunDetail;
  readonly live: readonly LogRow[];
  readonly texts: ReadonlyMap<string, string>;
  readonly address: RunAddress;
  readonly go: (change: Partial<RunAddress>, how?: 'quiet') => void;
  readonly onRerun: (wish: RerunWish) => void;
}

/** All about what is chosen: the run, a node, or a step inside a node. */
export function Inspector(props: InspectorProps) {
  const { detail, address } = props;
  const row = address.node === null ? null : detail.nodes.find(({ nodeId }) => nodeId === address.node);
  return (
    <section className={styles['inspector']} aria-label="Inspector">
      {row ? (
        <OfNode key={row.nodeId} {...props} row={row} />
      ) : row === null ? (
        <OfRun {...props} />
      ) : (
        <p className={styles['none']}>
          This run has no record of “{address.node}”.{' '}
          <button type="button" className={styles['plain']} onClick={() => props.go({ node: null })}>
            Show the run
          </button>
        </p>
      )}
    </section>
  );
}

function OfRun({ detail, live, address, go, onRerun }: InspectorProps) {
  const { run, input, output, requests, context } = detail;
  const hit = hitPlace(address);
  const find = (part: 'input' | 'output') =>
    hit?.node === null && hit.part === part ? { find: address.find, at: hit.at } : {};
  const failedNode = run.failure?.nodeId;
  const names = new Map(detail.version.definition.nodes.map(({ id, name }) => [id, name]));
  const warned = detail.nodes.filter(({ warnings }) => warnings.length > 0);
  const hasModels = detail.nodes.some(asksModels);
  const overview = (
    <div className={styles['stack']}>
      {run.failure && (
        <FailureNote
          failure={run.failure}
          onShowNode={
            failedNode === undefined ? undefined : () => go({ node: failedNode, iteration: null, tab: 'overview' })
          }
        >
          {detail.actions.retryFailed === null && (
            <Button icon="retry" onClick={() => onRerun({ from: 'failed_node', edits: false })}>
              Rerun from the failed node
            </Button>
          )}
        </FailureNote>
      )}
      {requests
        .filter(({ status }) => status === 'pending')
        .map((request) => (
          <RequestNote key={request.id} request={request} />
        ))}
      {warned.length > 0 && (
        <section className={styles['warned']} aria-label="Nodes with warnings">
          {warned.map(({ nodeId, warnings }) => (
            <button
              key={nodeId}
              type="button"
              className={styles['jump']}
              onClick={() => go({ node: nodeId, iteration: null, tab: 'overview' })}
            >
              <Badge tone="warn">{warnings.length}</Badge> warnings of {names.get(nodeId) ?? nodeId}
            </button>
          ))}
        </section>
      )}
      <PayloadView title="Output of the run" part={output} nothing="Nothing has come out yet." {...find('output')} />
      <PayloadView title="Input of the run" part={input} nothing="Nothing went in." {...find('input')} />
      {run.metadata && (
        <section className={styles['part']} aria-label="Metadata">
          <h3>Metadata</h3>
          <JsonView label="Metadata" value={run.metadata} height={200} />
        </section>
      )}
      {context && (
        <section className={styles['part']} aria-label="Context">
          <h3>Context</h3>
          <JsonView label="Context" value={context} height={200} />
        </section>
      )}
    </div>
  );
  return (
    <Framed title="The run">
      <Tabs<InspectorTab>
        label="About the run"
        value={fitting(address.tab, ['setup', ...(hasModels ? [] : ['models' as const])])}
        onChange={(tab) => go({ tab }, 'quiet')}
        tabs={[
          tabOf('overview', 'Overview', overview),
          logTab(detail, null, live, address, go),
          ...(hasModels
            ? [
                tabOf(
                  'models',
                  'Model calls',
                  <ModelCalls
                    detail={detail}
                    node={null}
                    iteration={1}
                    onChoose={(node) => go({ node, iteration: null })}
                  />,
                ),
              ]
            : []),
          tabOf('callback', 'Callback', <Callback detail={detail} />),
          tabOf('evaluations', 'Evaluations', <Evaluations detail={detail} />),
        ]}
      />
    </Framed>
  );
}

function OfNode({ detail, live, texts, address, go, row }: InspectorProps & { readonly row: NodeRow }) {
  const runId = detail.run.id;
  const iteration = Math.min(address.iteration ?? 1, Math.max(1, row.totalIterations));
  const isStep = holderOf(row.nodeId) !== null;
  const isReached = row.status !== 'pending';
  const { data: io, error } = useQuery({
    queryKey: ['run-node', runId, row.nodeId, iteration, row.status, row.currentIteration >= iteration],
    queryFn: ({ signal }) => api.run.node(runId, row.nodeId, iteration, { signal }),
    enabled: isReached,
    placeholderData: (before) => (before?.nodeId === row.nodeId ? before : undefined),
  });
  const node = detail.version.definition.nodes.find(({ id }) => id === row.nodeId);
  const hit = hitPlace(address);
  const find = (part: 'input' | 'output') =>
    hit?.node === row.nodeId && hit.part === part ? { find: address.find, at: hit.at } : {};
  const walks = row.iterates && row.totalIterations > 0;
  const children = useChildren(runId, row, walks ? iteration : undefined);
  const isWriting = row.status === 'running';
  const written = texts.get(textKey(row.nodeId, row.iterates ? iteration : 0));
  const hasModels =
    asksModels(row) || detail.nodes.some((other) => holderOf(other.nodeId) === row.nodeId && asksModels(other));
  const overview = (
    <div className={styles['stack']}>
      <dl className={styles['facts']}>
        <Fact name="Began">
          {row.startedAt === null ? (
            'not yet'
          ) : (
            <span title={new Date(row.startedAt).toISOString()}>
              +{durationText(row.startedAt - detail.run.createdAt)}
            </span>
          )}
        </Fact>
        <Fact name="Duration">
          <Duration
            ms={row.startedAt === null || row.finishedAt === null ? null : row.finishedAt - row.startedAt}
            since={row.startedAt}
          />
        </Fact>
        {row.attempts > 0 && <Fact name="Tries">{row.attempts}</Fact>}
        {row.usage && <Fact name="Tokens">{countText(row.usage.inputTokens + row.usage.outputTokens)}</Fact>}
        {row.usage?.cost != null && (
          <Fact name="Cost">
            <Cost amount={row.usage.cost} />
          </Fact>
        )}
      </dl>
      {row.failure && <FailureNote failure={row.failure} />}
      {detail.requests
        .filter((request) => request.nodeId === row.nodeId && (!walks || request.iteration === iteration))
        .map((request) => (
          <RequestNote key={request.id} request={request} />
        ))}
      <WarningNotes warnings={row.warnings} />
      {walks && (
        <IterationWalk
          runId={runId}
          row={row}
          iteration={iteration}
          made={children}
          onGo={(wanted) => go({ iteration: wanted === 1 ? null : wanted }, 'quiet')}
        />
      )}
      {isWriting && written !== undefined && (
        <section className={styles['part']} aria-label="What it is writing">
          <h3>It is writing</h3>
          <pre className={styles['written']}>{written}</pre>
        </section>
      )}
      {!walks && <MadeRuns made={children} />}
      {!isReached ? (
        <p className={styles['none']}>The run did not come to this node: nothing went in, nothing came out.</p>
      ) : error ? (
        <p className={styles['none']}>{error.message}</p>
      ) : io === undefined ? (
        <>
          <Skeleton height={22} width={80} />
          <Skeleton height={180} />
        </>
      ) : (
        <>
          {io.failure !== null && io.failure !== row.failure?.message && (
            <p className={styles['wrong']}>{io.failure}</p>
          )}
          <PayloadView
            title={walks ? `Output of item ${iteration}` : 'Output'}
            part={io.outputs}
            nothing={row.finishedAt === null ? 'Nothing has come out yet.' : 'Nothing came out.'}
            {...find('output')}
          />
          <PayloadView
            title={walks ? `Input of item ${iteration}` : 'Input'}
            part={io.inputs}
            nothing="Nothing went in."
            {...find('input')}
          />
        </>
      )}
    </div>
  );
  return (
    <Framed
      title={nodeLabel(row)}
      aside={<NodeStatusPill status={row.status} />}
      onClose={() => go({ node: null, iteration: null, tab: 'overview', line: null, find: '', field: '', path: '' })}
      lead={
        <p className={styles['sub']}>
          {isStep ? 'A step of ' : ''}
          {isStep ? (
            <button
              type="button"
              className={styles['plain']}
              onClick={() => go({ node: holderOf(row.nodeId), tab: 'overview' })}
            >
              {detail.nodes.find(({ nodeId }) => nodeId === holderOf(row.nodeId))?.name ?? holderOf(row.nodeId)}
            </button>
          ) : (
            <>
              {row.type?.replace(/Node$/, '')} · <code>{row.nodeId}</code>
              <CopyButton label="Copy the id of the node" text={row.nodeId} />
            </>
          )}
        </p>
      }
    >
      <Tabs<InspectorTab>
        label="About the node"
        value={fitting(address.tab, [
          'callback',
          'evaluations',
          ...(hasModels ? [] : ['models' as const]),
          ...(node ? [] : ['setup' as const]),
        ])}
        onChange={(tab) => go({ tab }, 'quiet')}
        tabs={[
          tabOf('overview', 'Overview', overview),
          logTab(detail, row.nodeId, live, address, go),
          ...(hasModels
            ? [
                tabOf(
                  'models',
                  'Model calls',
                  <ModelCalls detail={detail} node={row} iteration={iteration} onChoose={() => {}} />,
                ),
              ]
            : []),
          ...(node
            ? [
                tabOf(
                  'setup',
                  'Setup',
                  <div className={styles['stack']}>
                    <section className={styles['part']} aria-label="Configuration">
                      <h3>Configuration</h3>
                      <JsonView label="Configuration" value={node.config} />
                    </section>
                    {node.constants && Object.keys(node.constants).length > 0 && (
                      <section className={styles['part']} aria-label="Constants">
                        <h3>Constants</h3>
                        <JsonView label="Constants" value={node.constants} />
                      </section>
                    )}
                  </div>,
                ),
              ]
            : []),
        ]}
      />
    </Framed>
  );
}

/** A tab that what is chosen does not have gives way to the first one. */
function fitting(tab: InspectorTab, absent: readonly InspectorTab[]): InspectorTab {
  return absent.includes(tab) ? 'overview' : tab;
}

function tabOf(value: InspectorTab, label: string, content: ReactNode) {
  return { value, label, content: <div className={styles['content']}>{content}</div> };
}

function logTab(
  detail: RunDetail,
  node: string | null,
  live: readonly LogRow[],
  address: RunAddress,
  go: InspectorProps['go'],
) {
  const hit = hitPlace(address);
  return tabOf(
    'logs',
    'Log',
    <LogView
      key={`${node ?? ''} ${address.find}`}
      detail={detail}
      node={node}
      live={live}
      find={hit?.tab === 'logs' ? address.find : ''}
      line={address.line}
      onLine={(line) => go({ line }, 'quiet')}
    />,
  );
}

function Framed({
  title,
  aside,
  lead,
  onClose,
  children,
}: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly lead?: ReactNode;
  readonly onClose?: () => void;
  readonly children: ReactNode;
}) {
  return (
    <>
      <header className={styles['head']}>
        <h2 className={styles['title']}>{title}</h2>
        {aside}
        {onClose && <IconButton icon="close" label="Show the run as a whole" keys="Escape" onClick={onClose} />}
      </header>
      {lead}
      <div className={styles['body']}>{children}</div>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Callback({ detail }: { readonly detail: RunDetail }) {
  const { callbackUrl, deliveries } = detail;
  if (callbackUrl === null) {
    return (
      <p className={styles['none']}>
        Nobody is told when this run ends. Give `callback_url` when a run is started, and its end is posted there.
      </p>
    );
  }
  return (
    <div className={styles['stack']}>
      <p>
        Told at <code className={styles['url']}>{callbackUrl}</code>
      </p>
      {deliveries.length === 0 && <p className={styles['none']}>It is told once the run has ended.</p>}
      {deliveries.map((delivery) => (
        <Delivery key={delivery.id} delivery={delivery} />
      ))}
    </div>
  );
}

const DELIVERY_TONES = { delivered: 'good', failed: 'bad', pending: 'plain' } as const;

function Delivery({ delivery }: { readonly delivery: DeliveryRow }) {
  const { status, isAutomatic, attempts, attemptCount, maxAttempts, nextAttemptAt } = delivery;
  return (
    <section className={styles['delivery']} aria-label="Delivery">
      <header className={styles['row']}>
        <Badge tone={DELIVERY_TONES[status]}>{status}</Badge>
        <span>{isAutomatic ? 'when the run ended' : 'when somebody asked'}</span>
        <Time at={delivery.createdAt} />
      </header>
      <p className={styles['note']}>
        {attemptCount} of {maxAttempts} tries
        {nextAttemptAt !== null && (
          <>
            , the next one <Time at={nextAttemptAt} exact />
          </>
        )}
      </p>
      <ul>
        {attempts.map((attempt) => (
          <li key={attempt.attempt} className={styles['row']}>
            <Badge
              tone={attempt.error === null && attempt.httpStatus !== null && attempt.httpStatus < 300 ? 'good' : 'bad'}
            >
              {attempt.httpStatus ?? 'no answer'}
            </Badge>
            <span className="figures">{durationText(attempt.durationMs)}</span>
            <Time at={attempt.at} />
            {attempt.error !== null && <span className={styles['wrong']}>{attempt.error}</span>}
          </li>
        ))}
      </ul>
      <details>
        <summary>What is posted</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre className={styles['posted']} tabIndex={0}>
          {delivery.body}
        </pre>
      </details>
    </section>
  );
}

function Evaluations({ detail }: { readonly detail: RunDetail }) {
  const runId = detail.run.id;
  const { data, error } = useQuery({
    queryKey: ['run-evaluations', runId, detail.run.evaluation?.id],
    queryFn: ({ signal }) => api.run.evaluations(runId, { signal }),
  });
  if (error) return <p className={styles['none']}>{error.message}</p>;
  if (!data) return <SkeletonLines lines={3} label="Reading evaluations" />;
  if (data.items.length === 0) {
    return <p className={styles['none']}>Nobody has judged this run yet. “More” has “Evaluate”.</p>;
  }
  return (
    <ul className={styles['stack']}>
      {data.items.map((evaluation) => (
        <li key={evaluation.id} className={styles['delivery']}>
          <div className={styles['row']}>
            {evaluation.passed === null ? (
              <Badge>{evaluation.status}</Badge>
            ) : (
              <Badge tone={evaluation.passed ? 'good' : 'bad'}>{evaluation.passed ? 'passed' : 'failed'}</Badge>
            )}
            <Link href={`/evaluations/${evaluation.id}`}>
              {evaluation.passRate === null ? 'Evaluation' : `${Math.round(evaluation.passRate * 100)} % of its judges`}
            </Link>
            <Time at={evaluation.createdAt} />
          </div>
          {evaluation.topIssues.length > 0 && <p className={styles['note']}>{evaluation.topIssues.join(' · ')}</p>}
        </li>
      ))}
    </ul>
  );
}

/** The run that this one is a part of, repeats, or is repeated by. */
export function Relatives({ detail }: { readonly detail: RunDetail }) {
  const { parent, retryOf } = detail;
  return (
    <>
      {parent && (
        <Link
          href={`/runs/${parent.runId}?${runSearch({ node: parent.nodeId, iteration: parent.iteration > 0 ? parent.iteration : null })}`}
        >
          Part of …{parent.runId.slice(-10)}
        </Link>
      )}
      {retryOf !== null && (
        <Link href={`/runs/${retryOf}?compare=${detail.run.id}`}>Repeats …{retryOf.slice(-10)}</Link>
      )}
    </>
  );
}
