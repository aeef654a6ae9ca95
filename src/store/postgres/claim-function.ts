/** Places, and the starts of a workspace that have one, in the order in which they are due. */
export const PLACES_FUNCTIONS = `
  create function under_way_1(p_workspace text, p_workflow text) returns bigint language sql stable as $$
    select (select count(*) from runs r where r.workspace_id = p_workspace and r.workflow_id = p_workflow
        and r.status = 'running' and r.source <> 'agent')
      + (select count(*) from tasks t where t.workspace_id = p_workspace and t.leased_until is not null and t.start_of = p_workflow)
  $$;

  create function under_way_1(p_workspace text) returns bigint language sql stable as $$
    select (select count(*) from runs r where r.workspace_id = p_workspace and r.status = 'running' and r.source <> 'agent')
      + (select count(*) from tasks t where t.workspace_id = p_workspace and t.leased_until is not null and t.start_of is not null)
  $$;

  -- The lock of claims, and of whoever begins a run without one. Each schema has its own.
  create function lock_places_1() returns void language sql volatile as $$
    select pg_advisory_xact_lock('tasks'::regclass::oid::bigint::int, 1)
  $$;

  create function startable_1(p_workspace text, p_now bigint, p_limit bigint, p_workspace_limit bigint)
  returns table (run_id text, id text, due_at bigint) language plpgsql volatile as $$
  #variable_conflict use_column
  declare
    flow text := '';
    first_due bigint;
    flow_limit bigint;
    places bigint;
    flows text[] := '{}';
    flow_places bigint[] := '{}';
    all_places bigint := p_limit;
  begin
    loop
      select t.start_of, t.due_at into flow, first_due from tasks t
      where t.workspace_id = p_workspace and t.leased_until is null and t.start_of > flow
      order by t.start_of, t.due_at, t.id limit 1;
      exit when not found;
      continue when first_due > p_now;
      select w.run_limit into flow_limit from workflows w where w.workspace_id = p_workspace and w.id = flow;
      places := p_limit;
      if flow_limit is not null then places := least(places, flow_limit - under_way_1(p_workspace, flow)); end if;
      if places > 0 then
        flows := flows || flow;
        flow_places := flow_places || places;
      end if;
    end loop;
    if cardinality(flows) = 0 then return; end if;
    if p_workspace_limit is not null then all_places := least(all_places, p_workspace_limit - under_way_1(p_workspace)); end if;
    if all_places <= 0 then return; end if;
    return query
      select d.run_id, d.id, d.due_at from unnest(flows, flow_places) f(workflow_id, n)
      cross join lateral (
        select t.run_id, t.id, t.due_at from tasks t
        where t.workspace_id = p_workspace and t.leased_until is null and t.start_of = f.workflow_id and t.due_at <= p_now
        order by t.due_at, t.id limit f.n) d
      order by d.due_at, d.id limit all_places;
  end $$;
`;

/**
 * Hands out due tasks as `Store.claimTasks` says: part of the first step of the schema. A change of it is a new function with the next number, so
 * that processes of the version before go on with theirs.
 *
 * Claims take turns (an advisory lock that the transaction holds): each sees what the one before gave out, so that limits hold exactly and no two
 * claims look at the same tasks. A claim takes some milliseconds for 64 tasks and waits for no disk: what a crash of the server forgets of it is
 * claimed again, and the answer under the lost lease is stale. Rows that a commit holds are skipped: it is ending them.
 *
 * Starts that wait are looked at by workflow (`tasks_that_start` is stepped through from workflow to workflow), so that ten thousand of them that
 * have no place are passed over in one step. Places are counted and not kept in a column: there is nothing that could be wrong after a crash.
 */
export const CLAIM_FUNCTION = `
  create function claim_tasks_1(
    p_limit bigint, p_now bigint, p_until bigint, p_reserved bigint, p_held jsonb, p_after text, p_token text, p_workspace_limit bigint
  ) returns table (
    workspace_id text, run_id text, id text, node_id text, iteration bigint, attempt bigint, due_at bigint, outputs text, start_of text
  ) language plpgsql volatile as $$
  #variable_conflict use_column
  declare
    open_places bigint := p_limit - p_reserved;
    current_workspace text := p_after;
    is_wrapped boolean := p_after = '';
    next_workspace text;
    due_tasks bigint;
    ring text[] := '{}';
    candidate record;
    taken bigint := 0;
    taken_workspaces text[] := '{}';
    taken_runs text[] := '{}';
    taken_ids text[] := '{}';
  begin
    perform set_config('synchronous_commit', 'off', true);
    perform lock_places_1();

    update tasks t set token = null, leased_until = null
    from (select o.workspace_id, o.run_id, o.id from tasks o where o.leased_until <= p_now for update skip locked) over
    where t.workspace_id = over.workspace_id and t.run_id = over.run_id and t.id = over.id;

    -- Where there is one workspace, there is nobody to keep a place for.
    if (select count(distinct w.id) from (
        (select min(id) as id from workspaces) union all (select max(id) from workspaces)
        union all (select t.workspace_id from tasks t order by t.workspace_id limit 1)
        union all (select t.workspace_id from tasks t order by t.workspace_id desc limit 1)) w) < 2
    then open_places := p_limit; end if;

    -- The workspaces with something due, the one whose turn it is first.
    select count(*), array_agg(distinct d.workspace_id) into due_tasks, ring
    from (select t.workspace_id from tasks t where t.leased_until is null and t.due_at <= p_now order by t.due_at limit 2001) d;
    if due_tasks <= 2000 then
      select coalesce(array_agg(w.id order by w.id <= p_after, w.id), '{}') into ring from unnest(ring) w(id);
    else
      -- A crowd, of which most may be of one workspace: stepped through from workspace to workspace.
      ring := '{}';
      loop
        select min(t.workspace_id) into next_workspace from (
          (select a.workspace_id from tasks a where a.leased_until is null and a.start_of is null
            and a.workspace_id > current_workspace order by a.workspace_id limit 1)
          union all
          (select b.workspace_id from tasks b where b.leased_until is null and b.start_of is not null
            and b.workspace_id > current_workspace order by b.workspace_id limit 1)) t;
        if next_workspace is null or (is_wrapped and p_after <> '' and next_workspace > p_after) then
          exit when is_wrapped;
          is_wrapped := true;
          current_workspace := '';
          continue;
        end if;
        current_workspace := next_workspace;
        ring := ring || next_workspace;
        -- More than get a task need not be known, but for those that are passed over.
        exit when cardinality(ring) >= 1000;
      end loop;
    end if;

    for candidate in
      select c.workspace_id, c.run_id, c.id, c.turn from (
        select w.workspace_id, w.place, d.run_id, d.id, row_number() over (partition by w.place order by d.due_at, d.id) as turn
        from unnest(ring) with ordinality w(workspace_id, place)
        cross join lateral (
          select e.run_id, e.id, e.due_at from (
            (select t.run_id, t.id, t.due_at from tasks t
              where t.workspace_id = w.workspace_id and t.leased_until is null and t.start_of is null and t.due_at <= p_now
              order by t.due_at, t.id limit p_limit)
            union all
            select s.run_id, s.id, s.due_at from startable_1(w.workspace_id, p_now, p_limit, p_workspace_limit) s) e
          order by e.due_at, e.id limit p_limit) d) c
      order by c.turn, c.place
    loop
      exit when taken >= p_limit;
      continue when taken >= open_places and (candidate.turn > 1 or p_held ? candidate.workspace_id);
      taken := taken + 1;
      taken_workspaces := taken_workspaces || candidate.workspace_id;
      taken_runs := taken_runs || candidate.run_id;
      taken_ids := taken_ids || candidate.id;
    end loop;

    return query
      with locked as materialized (
        select t.workspace_id, t.run_id, t.id, c.n
        from unnest(taken_workspaces, taken_runs, taken_ids) with ordinality c(workspace_id, run_id, id, n)
        join tasks t on t.workspace_id = c.workspace_id and t.run_id = c.run_id and t.id = c.id
        where t.leased_until is null order by c.n for update of t skip locked
      ), claimed as (
        update tasks t set token = p_token, leased_until = p_until from locked l
        where t.workspace_id = l.workspace_id and t.run_id = l.run_id and t.id = l.id
        returning t.workspace_id, t.run_id, t.id, t.node_id, t.iteration, t.attempt, t.due_at, t.outputs, t.start_of, l.n
      )
      select c.workspace_id, c.run_id, c.id, c.node_id, c.iteration, c.attempt, c.due_at, c.outputs, c.start_of from claimed c order by c.n;
  end $$;
`;
