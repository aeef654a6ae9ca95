import { Link } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { Cost, Nothing, Time } from '../../components/figures.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import type { EvaluationRow } from '../../explorer-api.ts';
import styles from './evaluations-page.module.css';
import { percentText } from './percent.ts';

/** Evaluations one by one, newest first; null: on their way. */
export function EvaluationTable({ evaluations }: { readonly evaluations: readonly EvaluationRow[] | null }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={styles['frame']} tabIndex={0} aria-label="List of evaluations">
      <table className={styles['table']}>
        <thead>
          <tr>
            {['Verdict', 'Run', 'Pass rate', 'Issues', 'Made', 'Cost'].map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {evaluations === null &&
            [1, 2, 3, 4].map((row) => (
              <tr key={row}>
                <td colSpan={6}>
                  <Skeleton width="60%" />
                </td>
              </tr>
            ))}
          {evaluations?.length === 0 && (
            <tr>
              <td colSpan={6}>None with this verdict.</td>
            </tr>
          )}
          {evaluations?.map((evaluation) => (
            <tr key={evaluation.id}>
              <td>
                <Link href={`/evaluations/${evaluation.id}`} className={styles['verdict']}>
                  <VerdictBadge {...evaluation} />
                </Link>
              </td>
              <td>
                {evaluation.runId === null ? (
                  'A picture'
                ) : (
                  <Link href={`/runs/${evaluation.runId}`}>
                    {evaluation.workflow?.name ?? 'A workflow'} <code>{evaluation.runId.slice(-12)}</code>
                  </Link>
                )}
                {evaluation.attempt > 1 && <span className={styles['small']}> · attempt {evaluation.attempt}</span>}
              </td>
              <td className="figures">
                {evaluation.passRate === null ? <Nothing /> : percentText(evaluation.passRate)}
              </td>
              <td>
                {evaluation.topIssues.length === 0 ? (
                  <Nothing />
                ) : (
                  <span className={styles['badges']}>
                    {evaluation.topIssues.slice(0, 3).map((issue) => (
                      <Badge key={issue}>{issue}</Badge>
                    ))}
                  </span>
                )}
              </td>
              <td>
                <Time at={evaluation.createdAt} />
              </td>
              <td>
                <Cost amount={evaluation.cost} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What came of an evaluation, in a word. */
export function VerdictBadge({ status, passed }: Pick<EvaluationRow, 'status' | 'passed'>) {
  if (status === 'pending' || status === 'running') return <Badge>Being judged</Badge>;
  if (status === 'failed') return <Badge tone="warn">No judge came to an end</Badge>;
  if (passed === null) return <Badge>No verdict</Badge>;
  return <Badge tone={passed ? 'good' : 'bad'}>{passed ? 'Passed' : 'Failed'}</Badge>;
}
