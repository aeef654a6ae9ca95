import { useQuery } from '@tanstack/react-query';
import { Fragment, type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Cost, countText, Duration, durationText, Nothing, Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { StatusPill } from '../../components/status.tsx';
import {
  api,
  type Figures,
  type NodeComparison,
  type NodeFacts,
  type PayloadDifference,
  type RunComparison,
  type RunDetail,
  type RunRow,
} from '../../explorer-api.ts';
import { PayloadView } from './payload-view.tsx';
import styles from './run-compare.module.css';

/** Two runs side by side: what went in, what each node did and took, what came out. */
export function RunCompare({
  detail,
  otherId,
  onClose,
}: {
  readonly detail: RunDetail;
  readonly otherId: string;
  readonly onClose: () => void;
}) {
  const { run, version } = detail;
  const { data, error, refetch } = useQuery({
    queryKey: ['run-compare', run.id, otherId, run.status],
    queryFn: ({ signal }) => api.run.diff(run.id, otherId, { signal }),
  });
  const names = new Map(version.definition.nodes.map(({ id, name }) => [id, name]));
  return (
    <div className={styles['compare']}>
      <div className={styles['bar']}>
        <h2>Compared with another run</h2>
        <Button icon="close" onClick={onClose}>
          End comparing
        </Button>
      </div>
      {error ? (
        <ErrorState title="The runs cannot be compared" error={error} onRetry={() => void refetch()} />
      ) : data ? (
        <Compared data={data} names={names} />
      ) : (
        <SkeletonLines lines={8} label="Comparing" />
      )}
    </div>
  );
}

function Compared({ data, names }: { readonly data: RunComparison; readonly names: ReadonlyMap<string, string> }) {
  const { runs, totals } = data;
  const [onlyChanges, setOnlyChanges] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const changed = data.nodes.filter((node) => isChanged(node));
  const shown = onlyChanges ? changed : data.nodes;
  return (
    <>
      <div className={styles['sides']}>
        <Side title="This run" run={runs.before} figures={totals.before} />
        <Side title="The other run" run={runs.after} figures={totals.after} against={totals.before} />
      </div>
      <p className={styles['same']}>
        {data.isSameVersion
          ? 'Both used the same definition.'
          : data.isSameWorkflow
            ? 'They used two versions of one workflow.'
            : 'They are of different workflows: nodes of one id stand beside one another.'}{' '}
        {data.definition.map(({ nodeId, kind }) => (
          <Badge key={nodeId} tone="warn">
            {names.get(nodeId) ?? nodeId}: {kind}
          </Badge>
        ))}
      </p>
      <Payload title="Input" comparison={data.input} />
      <Payload title="Output" comparison={data.output} />
      <section className={styles['part']} aria-label="Nodes">
        <header className={styles['head']}>
          <h3>Nodes</h3>
          <span className={styles['note']}>
            {changed.length === 0 ? 'none did anything else' : `${changed.length} of ${data.nodes.length} differ`}
          </span>
          <Button look="ghost" aria-pressed={onlyChanges} onClick={() => setOnlyChanges(!onlyChanges)}>
            Only those that differ
          </Button>
        </header>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section className={styles['scroller']} tabIndex={0} aria-label="Nodes of both runs">
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">This run</th>
                <th scope="col">The other run</th>
                <th scope="col">Input</th>
                <th scope="col">Output</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((node) => (
                <Fragment key={node.nodeId}>
                  <tr data-changed={isChanged(node) || undefined}>
                    <th scope="row">
                      <button
                        type="button"
                        className={styles['open']}
                        aria-expanded={open === node.nodeId}
                        onClick={() => setOpen(open === node.nodeId ? null : node.nodeId)}
                      >
                        <Icon name={open === node.nodeId ? 'chevron-down' : 'chevron-right'} size={12} />
                        {names.get(node.nodeId) ?? node.nodeId}
                      </button>
                    </th>
                    <td>
                      <Facts node={node.before} />
                    </td>
                    <td>
                      <Facts node={node.after} />
                    </td>
                    <td>
                      <Differs differs={node.inputsDiffer} />
                    </td>
                    <td>
                      <Differs differs={node.outputsDiffer} />
                    </td>
                  </tr>
                  {open === node.nodeId && (
                    <tr>
                      <td colSpan={5}>
                        <div className={styles['sides']}>
                          <NodeSide runId={runs.before.id} node={node} side="before" />
                          <NodeSide runId={runs.after.id} node={node} side="after" />
                        </div>
                      </td>
                    </tr>
                  )}
                </Fragment>
              ))}
            </tbody>
          </table>
        </section>
      </section>
    </>
  );
}

function isChanged({ before, after, inputsDiffer, outputsDiffer }: NodeComparison): boolean {
  return inputsDiffer || outputsDiffer || before?.status !== after?.status;
}

function Side({
  title,
  run,
  figures,
  against,
}: {
  readonly title: string;
  readonly run: RunRow;
  readonly figures: Figures;
  readonly against?: Figures;
}) {
  return (
    <section className={styles['side']} aria-label={title}>
      <header className={styles['head']}>
        <h3>{title}</h3>
        <StatusPill status={run.status} />
        <Link className={styles['id']} href={`/runs/${run.id}`}>
          …{run.id.slice(-10)}
        </Link>
        <Time at={run.createdAt} />
      </header>
      <dl className={styles['figures']}>
        <Figure name="Duration" change={against && timeChange(against.durationMs, figures.durationMs)}>
          <Duration ms={figures.durationMs} />
        </Figure>
        <Figure name="Queued" change={against && timeChange(against.queueMs, figures.queueMs)}>
          <Duration ms={figures.queueMs} />
        </Figure>
        <Figure name="Tries" change={against && countChange(against.attempts, figures.attempts)}>
          {figures.attempts}
        </Figure>
        <Figure
          name="Tokens"
          change={
            against &&
            countChange(against.inputTokens + against.outputTokens, figures.inputTokens + figures.outputTokens)
          }
        >
          {countText(figures.inputTokens + figures.outputTokens)}
        </Figure>
        <Figure name="Cost" change={null}>
          <Cost amount={figures.cost} />
        </Figure>
        <Figure name="Warnings" change={against && countChange(against.warnings, figures.warnings)}>
          {figures.warnings}
        </Figure>
      </dl>
    </section>
  );
}

function Figure({
  name,
  change,
  children,
}: {
  readonly name: string;
  readonly change: string | null | undefined;
  readonly children: ReactNode;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children} {change && <span className={styles['change']}>{change}</span>}
      </dd>
    </div>
  );
}

function timeChange(before: number | null, after: number | null): string | null {
  if (before === null || after === null || before === after) return null;
  return `${after > before ? '+' : '−'}${durationText(Math.abs(after - before))}`;
}

function countChange(before: number, after: number): string | null {
  if (before === after) return null;
  return `${after > before ? '+' : '−'}${countText(Math.abs(after - before))}`;
}

function Payload({ title, comparison }: { readonly title: string; readonly comparison: PayloadDifference }) {
  const { differs, differences, isCut } = comparison;
  return (
    <section className={styles['part']} aria-label={`Differences of the ${title.toLowerCase()}`}>
      <header className={styles['head']}>
        <h3>{title}</h3>
        <span className={styles['note']}>
          {differs
            ? differences.length > 0
              ? `${differences.length}${isCut ? ' or more' : ''} ${differences.length === 1 ? 'difference' : 'differences'}`
              : 'differs'
            : 'the same'}
        </span>
      </header>
      {differences.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className={styles['scroller']} tabIndex={0} aria-label={`${title} of both runs`}>
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">Where</th>
                <th scope="col">This run</th>
                <th scope="col">The other run</th>
              </tr>
            </thead>
            <tbody>
              {differences.map(({ kind, path, before, after, cut }) => (
                <tr key={path}>
                  <th scope="row">
                    <code className={styles['where']}>{path === '' ? 'the whole' : path}</code>
                  </th>
                  <td data-side={kind === 'added' ? undefined : 'before'}>
                    {kind === 'added' ? <Nothing /> : <Shown value={before ?? null} isCut={cut.includes('before')} />}
                  </td>
                  <td data-side={kind === 'removed' ? undefined : 'after'}>
                    {kind === 'removed' ? <Nothing /> : <Shown value={after ?? null} isCut={cut.includes('after')} />}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {differs && differences.length === 0 && (
        <p className={styles['note']}>The values are too large to be taken apart. Open the runs to read them.</p>
      )}
    </section>
  );
}

function Shown({ value, isCut }: { readonly value: JsonValue; readonly isCut: boolean }) {
  return (
    <code className={styles['value']}>
      {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
      {isCut && ' …'}
    </code>
  );
}

function Facts({ node }: { readonly node: NodeFacts | null }) {
  if (node === null) return <span className="nothing">not reached</span>;
  const { figures } = node;
  return (
    <span className={styles['facts']}>
      <StatusPill status={node.status} />
      <Duration ms={figures.durationMs} />
      {node.takenOverFrom !== null && <Badge>taken over</Badge>}
      {figures.attempts > 1 && <Badge tone="warn">{figures.attempts} tries</Badge>}
      {figures.cost !== null && <Cost amount={figures.cost} />}
    </span>
  );
}

function Differs({ differs }: { readonly differs: boolean }) {
  return differs ? <Badge tone="warn">differs</Badge> : <span className="nothing">same</span>;
}

function NodeSide({
  runId,
  node,
  side,
}: {
  readonly runId: string;
  readonly node: NodeComparison;
  readonly side: 'before' | 'after';
}) {
  const facts = node[side];
  const { data, error } = useQuery({
    queryKey: ['run-node', runId, node.nodeId, 1, facts?.status],
    queryFn: ({ signal }) => api.run.node(runId, node.nodeId, undefined, { signal }),
    enabled: facts !== null,
  });
  if (facts === null) return <p className={styles['note']}>It was not reached.</p>;
  if (error) return <p className={styles['note']}>{error.message}</p>;
  if (!data) return <SkeletonLines lines={3} />;
  return (
    <div className={styles['node']}>
      {facts.failure !== null && <p className={styles['failure']}>{facts.failure}</p>}
      <PayloadView
        title={side === 'before' ? 'Input, this run' : 'Input, the other run'}
        part={data.inputs}
        nothing="Nothing went in."
      />
      <PayloadView
        title={side === 'before' ? 'Output, this run' : 'Output, the other run'}
        part={data.outputs}
        nothing="Nothing came out."
      />
    </div>
  );
}
