import type { ListDialect } from './list-dialect.ts';

/** Parts of statements in which `r` is a run. */

export const HAS_LOGS = 'exists (select 1 from run_logs l where l.workspace_id = r.workspace_id and l.run_id = r.id)';
export const HAS_NODE_RUNS =
  'exists (select 1 from node_runs n where n.workspace_id = r.workspace_id and n.run_id = r.id)';

/** In the words of the partial index, or it cannot be used. */
export const verdictSql = ({ indexed }: ListDialect): string =>
  `(select case e.passed when 1 then 'passed' when 0 then 'failed' end from evaluations e${indexed('evaluations_current')}
    where e.workspace_id = r.workspace_id and e.run_id = r.id and e.status = 'completed' and e.superseded_at is null)`;
