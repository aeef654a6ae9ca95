/** Parts of statements in which `r` is a run. */

export const HAS_LOGS = 'exists (select 1 from run_logs l where l.workspace_id = r.workspace_id and l.run_id = r.id)';
export const HAS_NODE_RUNS =
  'exists (select 1 from node_runs n where n.workspace_id = r.workspace_id and n.run_id = r.id)';
