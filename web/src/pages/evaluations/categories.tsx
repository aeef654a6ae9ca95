import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { countText, Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { StatusIcon } from '../../components/status.tsx';
import { api, type EvaluationTrends } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import styles from './evaluations-page.module.css';

/** Runs shown of a category: enough to see what it is about. */
const MOST_RUNS = 20;

/** Faults by category, the most frequent first; each opens to the runs that have it. */
export function Categories({ trends }: { readonly trends: EvaluationTrends }) {
  const mayRuns = useMay('runs:read');
  const [open, setOpen] = useState<{ readonly category: string; readonly subcategory?: string } | null>(null);
  const { categories } = trends;
  if (categories.length === 0) {
    return <p className={styles['small']}>None in this time. Judges name them in their verdict under "issues".</p>;
  }
  const most = Math.max(...categories.map(({ evaluations }) => evaluations));
  return (
    <ul className={styles['categories']}>
      {categories.map(({ category, evaluations, subcategories }) => {
        const isOpen = open?.category === category;
        return (
          <li key={category}>
            <button
              type="button"
              className={styles['category']}
              aria-expanded={isOpen}
              disabled={!mayRuns}
              onClick={() => setOpen(isOpen ? null : { category })}
            >
              <Icon name={isOpen ? 'chevron-down' : 'chevron-right'} size={14} />
              <span>{category}</span>
              <span className={styles['share']} aria-hidden="true">
                <i style={{ width: `${(evaluations / most) * 100}%` }} />
              </span>
              <b className="figures">{countText(evaluations)}</b>
            </button>
            {isOpen && (
              <div className={styles['opened']}>
                <div className={styles['subcategories']}>
                  {subcategories
                    .filter(({ subcategory }) => subcategory !== null)
                    .map(({ subcategory, evaluations: count }) => (
                      <button
                        key={subcategory}
                        type="button"
                        aria-pressed={open.subcategory === subcategory}
                        onClick={() =>
                          setOpen(
                            open.subcategory === subcategory
                              ? { category }
                              : { category, ...(subcategory !== null && { subcategory }) },
                          )
                        }
                      >
                        {subcategory} <b className="figures">{countText(count)}</b>
                      </button>
                    ))}
                </div>
                <Runs {...open} />
              </div>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Runs({ category, subcategory }: { readonly category: string; readonly subcategory?: string }) {
  const { data, error } = useQuery({
    queryKey: ['runs', 'category', category, subcategory],
    queryFn: ({ signal }) =>
      api.runs.list({ category, ...(subcategory !== undefined && { subcategory }), limit: MOST_RUNS }, { signal }),
  });
  if (error) return <p role="alert">{error.message}</p>;
  if (!data) return <SkeletonLines lines={2} label="Loading the runs" />;
  if (data.items.length === 0) return <p className={styles['small']}>These runs were deleted, or judged anew.</p>;
  return (
    <ul className={styles['runs']} aria-label={`Runs with issues of ${subcategory ?? category}`}>
      {data.items.map((run) => (
        <li key={run.id}>
          <StatusIcon status={run.status} size={14} />
          <Link href={`/runs/${run.id}`}>
            {run.workflow.name ?? 'A workflow'} <code>{run.id.slice(-12)}</code>
          </Link>
          <Time at={run.createdAt} />
          {run.evaluation && <Link href={`/evaluations/${run.evaluation.id}`}>Evaluation</Link>}
        </li>
      ))}
      <li className={styles['small']}>
        <Link href={`/runs?${new URLSearchParams({ category, ...(subcategory !== undefined && { subcategory }) })}`}>
          {data.next === null ? 'Open them among the runs' : `These are the newest ${MOST_RUNS}. Open all of them`}
        </Link>
      </li>
    </ul>
  );
}
