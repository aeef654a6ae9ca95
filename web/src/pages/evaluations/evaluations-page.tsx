import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { Link, useLocation, useParams, useSearchParams } from 'wouter';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { Select } from '../../components/field.tsx';
import { countText } from '../../components/figures.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Skeleton, SkeletonLines } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { api, type EvaluationTrends } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { Categories } from './categories.tsx';
import { EvaluationDetail } from './evaluation-detail.tsx';
import { EvaluationTable } from './evaluation-table.tsx';
import styles from './evaluations-page.module.css';
import { percentText } from './percent.ts';

const TrendChart = lazy(() => import('./trend-chart.tsx'));

const DAY = 86_400_000;

/** Days that can be looked at. */
const SPANS = [1, 7, 30, 90];
const DEFAULT_SPAN = 30;

/** Bars, about: more cannot be told apart in a narrow window. */
const BUCKETS = 30;

const PAGE = 50;

/** What judges say of runs, over time and one by one. */
export default function EvaluationsPage() {
  const { id } = useParams<{ id?: string }>();
  const mayRead = useMay('evaluations:read');
  if (!mayRead) {
    return (
      <>
        <PageHeader title="Evaluations" />
        <EmptyState icon="key" title="This key may not see them">
          <p>
            Evaluations take the scope <code>evaluations:read</code>. Sign in with a key that has it.
          </p>
        </EmptyState>
      </>
    );
  }
  return id === undefined ? <Overview /> : <EvaluationDetail key={id} evaluationId={id} />;
}

function Overview() {
  const [, navigate] = useLocation();
  const [params] = useSearchParams();
  const days = SPANS.find((span) => String(span) === params.get('days')) ?? DEFAULT_SPAN;
  const verdict = params.get('verdict') ?? '';
  const change = (name: string, value: string, usual: string) => {
    const next = new URLSearchParams(params);
    if (value === usual) next.delete(name);
    else next.set(name, value);
    navigate(`/evaluations${next.size > 0 ? `?${next}` : ''}`, { replace: true });
  };
  // The end is that of the visit, so that the same question is not another one with every drawing.
  const [now] = useState(() => Date.now());
  const trends = useQuery({
    queryKey: ['evaluations', 'trends', days],
    queryFn: ({ signal }) => api.evaluations.trends({ from: now - days * DAY, buckets: BUCKETS }, { signal }),
    placeholderData: keepPreviousData,
  });
  const list = useInfiniteQuery({
    queryKey: ['evaluations', 'list', verdict],
    queryFn: ({ pageParam, signal }) =>
      api.evaluations.list({ q: QUERIES[verdict] ?? '', limit: PAGE, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages[0]?.items.some(({ status }) => status === 'pending' || status === 'running') ? 2000 : false,
  });
  const evaluations = list.data?.pages.flatMap(({ items }) => items) ?? [];
  if (list.isSuccess && evaluations.length === 0 && verdict === '') return <NoEvaluations />;
  return (
    <>
      <PageHeader title="Evaluations">
        <Select
          aria-label="Time"
          value={days}
          onChange={(event) => change('days', event.target.value, String(DEFAULT_SPAN))}
        >
          {SPANS.map((span) => (
            <option key={span} value={span}>
              {span === 1 ? 'Last 24 hours' : `Last ${span} days`}
            </option>
          ))}
        </Select>
      </PageHeader>
      <div className={styles['page']}>
        {trends.error && !trends.data ? (
          <ErrorState
            title="What judges say over time could not be read"
            error={trends.error}
            onRetry={() => void trends.refetch()}
          />
        ) : (
          <>
            <Totals trends={trends.data} days={days} />
            <section className={styles['part']} aria-label="Verdicts over time">
              <div className={styles['legend']} aria-hidden="true">
                <span data-kind="passed">Passed</span>
                <span data-kind="failed">Failed</span>
                <span data-kind="rate">Pass rate</span>
              </div>
              <div className={styles['chart']}>
                <Suspense fallback={<Skeleton height={200} />}>
                  {trends.data ? <TrendChart trends={trends.data} /> : <Skeleton height={200} />}
                </Suspense>
              </div>
            </section>
            <section className={styles['part']} aria-labelledby="issues-title">
              <h2 id="issues-title">Issues that judges found</h2>
              {trends.data ? <Categories trends={trends.data} /> : <SkeletonLines lines={3} />}
            </section>
          </>
        )}
        <section className={styles['part']} aria-labelledby="list-title">
          <header className={styles['head']}>
            <h2 id="list-title">Evaluations</h2>
            <Select
              aria-label="Verdict"
              value={verdict}
              onChange={(event) => change('verdict', event.target.value, '')}
            >
              <option value="">All</option>
              <option value="passed">Passed</option>
              <option value="failed">Failed</option>
              <option value="none">Without a verdict</option>
            </Select>
          </header>
          {list.error && !list.data ? (
            <ErrorState
              title="The evaluations could not be read"
              error={list.error}
              onRetry={() => void list.refetch()}
            />
          ) : (
            <EvaluationTable evaluations={list.data ? evaluations : null} />
          )}
          {list.hasNextPage && (
            <div>
              <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </section>
      </div>
    </>
  );
}

/** Verdicts in the language of filters. */
const QUERIES: Readonly<Record<string, string>> = {
  passed: 'overall_passed:true',
  failed: 'overall_passed:false',
  none: 'overall_passed.isnull',
};

function Totals({ trends, days }: { readonly trends: EvaluationTrends | undefined; readonly days: number }) {
  const sum = (kind: 'passed' | 'failed' | 'withoutVerdict') =>
    trends?.buckets.reduce((total, bucket) => total + bucket[kind], 0) ?? 0;
  const [passed, failed, none] = [sum('passed'), sum('failed'), sum('withoutVerdict')];
  const since = `created_at>=now-${days}d`;
  const figures = [
    { name: 'Pass rate', value: passed + failed === 0 ? '–' : percentText(passed / (passed + failed)), href: null },
    { name: 'Passed', value: countText(passed), href: `verdict:passed AND ${since}` },
    { name: 'Failed', value: countText(failed), href: `verdict:failed AND ${since}` },
    { name: 'Without a verdict', value: countText(none), href: null },
  ];
  return (
    <dl className={styles['totals']}>
      {figures.map(({ name, value, href }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="figures">{trends ? value : <Skeleton width={56} height={20} />}</dd>
          <dd className={styles['small']}>
            {href === null ? ' ' : <Link href={`/runs?${new URLSearchParams({ q: href })}`}>Show the runs</Link>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function NoEvaluations() {
  return (
    <>
      <PageHeader title="Evaluations" />
      <EmptyState icon="verdict" title="Nothing was judged yet">
        <p>
          An evaluation is a judgement of what a run made. Choose runs on the page of runs and evaluate them, or ask for
          one with the id of a run that ended:
        </p>
        <CodeBlock
          label="the command that evaluates a run"
          text={`curl ${location.origin}/runflow/v1/evaluations -H "Authorization: Bearer $MILLRUN_API_KEY" \\
  -H 'Content-Type: application/json' -d '{"run_id": "<id of a run>"}'`}
        />
        <div>
          <Link href="/runs?q=status%3Asucceeded">Show the runs that succeeded</Link>
        </div>
      </EmptyState>
    </>
  );
}
