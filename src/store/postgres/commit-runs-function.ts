/**
 * Applies changes of runs as sets, one statement for each table: a step of the schema. A change of it is a new function with the next number, so that
 * processes of the version before go on with theirs.
 *
 * It is for what nearly all changes of a busy store are: runs that are taken in, go on and end, each change about another run
 * (`wire-set.ts` says which). What rests on something is checked for the whole set before the first write. When something does not hold, nothing is
 * written: the answer has a letter for each change, `s` for one that is stale, `l` for a run that begins at once though its workflow has a limit
 * (`commit_changes_1` counts), and `a` for those to be given again.
 *
 * No statement reads a whole table, whatever the tables looked like when it was planned: a plan of a store that was just made, which is kept for as long as
 * a connection, would. Which index it takes still is what looked best then, until the tables are analyzed (`PostgresStore.#analyzeNew`). What cannot be had but by
 * such a plan is reckoned as dear as can be, for which the server would compile it to machine code (35 ms).
 *
 * Locks are taken in the order of keys, and what every process writes comes last: see `commit-function.ts`.
 */
export const COMMIT_RUNS_FUNCTION = `
  create function commit_runs_1(p_set jsonb, p_writer text, p_sequence bigint, p_at bigint) returns text language plpgsql volatile
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set jit = off as $$
  declare
    changes int := (p_set ->> 'changes')::int;
    kept int[] := '{}';
    late int[];
    limited int[] := '{}';
    told text;
    counted int := jsonb_array_length(p_set -> 'events');
    ended text[];
    last_position bigint;
    has_work boolean := (p_set ->> 'has_work')::boolean;
    frees_places boolean := (p_set ->> 'frees_places')::boolean;
  begin
    -- A group whose answer was lost is asked about under another sequence: then this one comes too late, and must write nothing.
    update platform_writers p set sequence = p_sequence, outcome = null, at = p_at where p.id = p_writer and p.sequence = p_sequence - 1;
    if not found then raise exception 'Writer % is no longer at %', p_writer, p_sequence - 1 using errcode = '55006'; end if;

    -- What the set rests on.
    if p_set ? 'begun' then
      select coalesce(array_agg(b.change), '{}') into limited
      from jsonb_to_recordset(p_set -> 'begun') b(change int, workspace_id text, workflow_id text)
      join workflows f on f.workspace_id = b.workspace_id and f.id = b.workflow_id where f.run_limit is not null;
    end if;
    if p_set ? 'updates' then
      select coalesce(array_agg(l.change), '{}') into kept from (
        select u.change from jsonb_to_recordset(p_set -> 'updates') u(change int, workspace_id text, id text, revision bigint)
        join runs c on c.workspace_id = u.workspace_id and c.id = u.id
        where c.revision = u.revision - 1 order by c.workspace_id, c.id for update of c) l;
      select array_agg(u.change) into late from jsonb_to_recordset(p_set -> 'updates') u(change int) where u.change <> all (kept);
    end if;
    if p_set ? 'ends' then
      select coalesce(array_agg(l.change), '{}') into kept from (
        select e.change from jsonb_to_recordset(p_set -> 'ends') e(change int, workspace_id text, run_id text, id text, token text)
        join tasks t on t.workspace_id = e.workspace_id and t.run_id = e.run_id and t.id = e.id
        where t.token = e.token order by t.workspace_id, t.run_id, t.id for update of t) l;
      select late || array_agg(e.change) into late from jsonb_to_recordset(p_set -> 'ends') e(change int) where e.change <> all (kept);
    end if;
    if cardinality(late) > 0 or cardinality(limited) > 0 then
      select string_agg(case when n = any (late) then 's' when n = any (limited) then 'l' else 'a' end, '' order by n) into told
      from generate_series(0, changes - 1) n;
      select told || ' ' || h.position || ' -' into told from platform_log_head h;
      update platform_writers p set outcome = told where p.id = p_writer;
      return told;
    end if;

    if p_set ? 'runs' then
      insert into run_payloads select * from jsonb_populate_recordset(null::run_payloads, p_set -> 'payloads');
      insert into runs select * from jsonb_populate_recordset(null::runs, p_set -> 'runs');
    end if;
    if p_set ? 'updates' then
      update runs c set status = u.status, revision = u.revision, progress = u.progress, nodes_total = u.nodes_total,
        nodes_completed = u.nodes_completed, started_at = u.started_at, finished_at = u.finished_at, duration_ms = u.duration_ms,
        failure = u.failure, failure_code = u.failure_code, meta = u.meta, cost = u.cost, cost_key = u.cost_key,
        cost_breakdown = u.cost_breakdown
      from jsonb_populate_recordset(null::runs, p_set -> 'updates') u where c.workspace_id = u.workspace_id and c.id = u.id;
    end if;
    if p_set ? 'outputs' then
      update run_payloads p set output = o.output from jsonb_populate_recordset(null::run_payloads, p_set -> 'outputs') o
      where p.workspace_id = o.workspace_id and p.run_id = o.run_id;
    end if;
    if p_set ? 'nodes' then
      insert into node_runs as n select * from jsonb_populate_recordset(null::node_runs, p_set -> 'nodes')
      on conflict (workspace_id, run_id, node_id) do update set
        status = excluded.status, current_iteration = excluded.current_iteration, total_iterations = excluded.total_iterations,
        iterates = excluded.iterates, attempts = excluded.attempts, started_at = excluded.started_at,
        finished_at = excluded.finished_at, failure = excluded.failure, warnings = excluded.warnings, usage = excluded.usage,
        taken = excluded.taken, inputs = coalesce(excluded.inputs, n.inputs), outputs = coalesce(excluded.outputs, n.outputs);
    end if;
    if p_set ? 'iterations' then
      insert into iterations select * from jsonb_populate_recordset(null::iterations, p_set -> 'iterations');
    end if;
    if p_set ? 'logs' then
      insert into run_logs select * from jsonb_populate_recordset(null::run_logs, p_set -> 'logs');
    end if;
    if p_set ? 'ends' then
      delete from tasks t using jsonb_populate_recordset(null::tasks, p_set -> 'ends') e
      where t.workspace_id = e.workspace_id and t.run_id = e.run_id and t.id = e.id;
    end if;
    if p_set ? 'drops' then
      delete from tasks t using jsonb_populate_recordset(null::tasks, p_set -> 'drops') d
      where t.workspace_id = d.workspace_id and t.run_id = d.run_id and t.id = d.id;
    end if;
    if p_set ? 'tasks' then
      insert into tasks select * from jsonb_populate_recordset(null::tasks, p_set -> 'tasks');
    end if;
    if p_set ? 'batches' then
      -- A batch is as far as its runs are: nobody ever sees the two disagree.
      perform 1 from jsonb_populate_recordset(null::batches, p_set -> 'batches') d
      join batches b on b.workspace_id = d.workspace_id and b.id = d.id order by b.workspace_id, b.id for update of b;
      update batches b set
        started_at = coalesce(b.started_at, d.started_at),
        items_succeeded = b.items_succeeded + d.items_succeeded, items_partial = b.items_partial + d.items_partial,
        items_failed = b.items_failed + d.items_failed, items_canceled = b.items_canceled + d.items_canceled,
        finished_at = case when b.items_total = b.items_succeeded + b.items_partial + b.items_failed + b.items_canceled
          + d.items_succeeded + d.items_partial + d.items_failed + d.items_canceled then d.finished_at end
      from jsonb_populate_recordset(null::batches, p_set -> 'batches') d where b.workspace_id = d.workspace_id and b.id = d.id;
    end if;

    if p_set ? 'counts' then
      insert into run_counts as c (workspace_id, workflow_id, status, n)
      select d.workspace_id, d.workflow_id, d.status, d.n from jsonb_populate_recordset(null::run_counts, p_set -> 'counts') d
      order by 1, 2, 3
      on conflict (workspace_id, workflow_id, status) do update set n = c.n + excluded.n;
    end if;
    if counted > 0 then
      update platform_log_head set position = position + counted returning position into last_position;
      insert into events (workspace_id, position, run_id, workflow_id, at, kind, data)
      select e.value ->> 'workspace_id', last_position - counted + e.n, e.value ->> 'run_id', e.value ->> 'workflow_id',
        (e.value ->> 'at')::bigint, e.value ->> 'kind', e.value ->> 'data'
      from jsonb_array_elements(p_set -> 'events') with ordinality e(value, n);
    else
      select position into last_position from platform_log_head;
    end if;
    has_work := has_work or (frees_places and exists (select 1 from tasks t where t.leased_until is null and t.start_of is not null));
    told := repeat('k', changes) || ' ' || last_position || case when has_work then ' w' else ' -' end;
    update platform_writers p set outcome = told where p.id = p_writer;
    select coalesce(array_agg(e.id), '{}') into ended from jsonb_array_elements_text(p_set -> 'ended') e(id);
    -- A notification holds 8,000 bytes.
    for part in 0 .. cardinality(ended) / 200 loop
      perform pg_notify('millrun_' || current_schema(), p_writer || ' ' || last_position || case when has_work then ' w ' else ' - ' end
        || array_to_string(ended[part * 200 + 1 : part * 200 + 200], ','));
    end loop;
    return told;
  end $$;
`;
