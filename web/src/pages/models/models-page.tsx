import { useInfiniteQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { Link, useLocation, useParams, useSearchParams } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { Input, Segments } from '../../components/field.tsx';
import { Cost, countText, durationText, Nothing, Time } from '../../components/figures.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { api, type WorkflowRow } from '../../explorer-api.ts';
import styles from './models-page.module.css';
import { TargetDetail, type TargetKind } from './target-detail.tsx';

/** Entries read at once. */
const PAGE = 50;

/** What is run by name besides workflows: models of the registry, and ComfyUI workflows. */
export default function ModelsPage() {
  const { id } = useParams<{ id?: string }>();
  const [params] = useSearchParams();
  const kind: TargetKind = params.get('kind') === 'comfyui' ? 'comfyui' : 'model';
  return id === undefined ? <Registry key={kind} kind={kind} /> : <TargetDetail key={id} kind={kind} targetId={id} />;
}

function Registry({ kind }: { readonly kind: TargetKind }) {
  const [, navigate] = useLocation();
  const [search, setSearch] = useState('');
  const asked = useDeferredValue(search.trim());
  const list = useInfiniteQuery({
    queryKey: ['targets', kind, asked],
    queryFn: ({ pageParam, signal }) =>
      (kind === 'model' ? api.models : api.comfyuiWorkflows).list(
        { search: asked, limit: PAGE, cursor: pageParam },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
  });
  const rows = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const listed = kind === 'model' ? 'Models' : 'ComfyUI workflows';
  const isEmpty = list.isSuccess && rows.length === 0 && asked === '';
  return (
    <>
      <PageHeader title="Models">
        <Segments
          label="What is listed"
          value={kind}
          options={[
            { value: 'model', label: 'Models' },
            { value: 'comfyui', label: 'ComfyUI workflows' },
          ]}
          onChange={(next) => navigate(next === 'comfyui' ? '/models?kind=comfyui' : '/models', { replace: true })}
        />
      </PageHeader>
      {list.error && !list.data ? (
        <ErrorState title="They could not be read" error={list.error} onRetry={() => void list.refetch()} />
      ) : isEmpty ? (
        <Nobody kind={kind} />
      ) : (
        <div className={styles['page']}>
          <Input
            icon="search"
            aria-label="Search by name"
            placeholder="Name, slug or description"
            className={styles['search']}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section className={styles['frame']} tabIndex={0} aria-label={listed}>
            <table className={styles['table']}>
              <thead>
                <tr>
                  {['Name', 'Runs', 'Success', 'p95', 'Cost, 14 days', 'Last run', 'Changed'].map((column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {list.isPending &&
                  [1, 2, 3].map((row) => (
                    <tr key={row}>
                      <td colSpan={7}>
                        <Skeleton width="50%" />
                      </td>
                    </tr>
                  ))}
                {list.isSuccess && rows.length === 0 && (
                  <tr>
                    <td colSpan={7}>None has “{asked}” in its name, slug or description.</td>
                  </tr>
                )}
                {rows.map((row) => (
                  <Row key={row.id} row={row} kind={kind} />
                ))}
              </tbody>
            </table>
          </section>
          {list.hasNextPage && (
            <div>
              <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </div>
      )}
    </>
  );
}

function Row({ row, kind }: { readonly row: WorkflowRow; readonly kind: TargetKind }) {
  const { id, name, slug, issues, runsCount, stats, lastRunAt, updatedAt } = row;
  return (
    <tr>
      <th scope="row">
        <Link href={`/models/${id}${kind === 'comfyui' ? '?kind=comfyui' : ''}`}>{name}</Link>
        {issues > 0 && (
          <>
            {' '}
            <Badge tone="warn">{issues === 1 ? '1 issue' : `${issues} issues`}</Badge>
          </>
        )}
        <code className={styles['slug']}>{slug}</code>
      </th>
      <td className="figures">
        <Link
          href={`/runs?${new URLSearchParams({ q: `workflow_id:'${id}'` })}`}
          aria-label={`${runsCount} runs of ${name}`}
        >
          {countText(runsCount)}
        </Link>
      </td>
      <td className="figures">
        {stats.successRate === null ? <Nothing /> : `${Math.round(stats.successRate * 100)} %`}
      </td>
      <td className="figures">{stats.p95 === null ? <Nothing /> : durationText(stats.p95)}</td>
      <td>
        <Cost amount={stats.runs === 0 ? null : stats.cost} />
      </td>
      <td>{lastRunAt === null ? 'never' : <Time at={lastRunAt} />}</td>
      <td>
        <Time at={updatedAt} />
      </td>
    </tr>
  );
}

function Nobody({ kind }: { readonly kind: TargetKind }) {
  if (kind === 'comfyui') {
    return (
      <EmptyState icon="cube" title="No ComfyUI workflows yet">
        <p>Deploy a graph from ComfyUI with the plugin ComfyUI-Runflow, or from the file of its Export (API):</p>
        <CodeBlock
          label="the command that deploys a graph"
          text={`jq '{name: "Portrait", slug: "portrait", workflow_json: .}' portrait_api.json |
  curl -X POST ${location.origin}/runflow/v1/comfyui-workflows -H "Authorization: Bearer $MILLRUN_API_KEY" \\
    -H 'Content-Type: application/json' -d @-`}
        />
      </EmptyState>
    );
  }
  return (
    <EmptyState icon="cube" title="No models yet">
      <p>
        A model is run by name: it declares its inputs and outputs, has a backend that answers, and prices. Register
        one:
      </p>
      <CodeBlock
        label="the command that registers a model"
        text={`curl ${location.origin}/runflow/v1/models -H "Authorization: Bearer $MILLRUN_API_KEY" -H 'Content-Type: application/json' -d '{
  "name": "Chat",
  "slug": "demo/chat",
  "inputs": [{"name": "prompt", "variable_type_code": "text", "is_required": true}],
  "outputs": [{"name": "text", "variable_type_code": "text"}],
  "backend": {"kind": "openai_chat", "model": "gpt-5-mini"},
  "pricing": [{"pricing_model_code": "per_request", "price": "0.001"}]
}'`}
      />
    </EmptyState>
  );
}
