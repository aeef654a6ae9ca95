/**
 * The step of the schema that brings jobs over many runs. The functions that look at every write are wrapped, as by the steps before: a step need not
 * know the writes of others.
 */
export const BULK_JOB_TABLES = `
  create table bulk_jobs (
    workspace_id text not null, id text not null, key_id text not null, seen_at bigint not null, finished_at bigint, end_asked_at bigint,
    state text not null,
    primary key (workspace_id, id)
  );
`;

export const BULK_JOB_FUNCTIONS = `
  alter function holds_1(jsonb, bigint) rename to holds_1_but_bulk_jobs;
  create function holds_1(w jsonb, p_workspace_limit bigint) returns boolean language plpgsql volatile as $$
  begin
    if w ->> 'k' <> 'startBulkJob' then return holds_1_but_bulk_jobs(w, p_workspace_limit); end if;
    -- Jobs begin one after the other, whichever servers they begin on: each finds those before it.
    perform pg_advisory_xact_lock('bulk_jobs'::regclass::oid::bigint::int, 1);
    return (select count(*) from bulk_jobs j where j.workspace_id = w -> 'row' ->> 'workspace_id' and j.finished_at is null
      and j.seen_at >= (w ->> 'seen_since')::bigint) < (w ->> 'most_at_work')::bigint;
  end $$;

  alter function apply_rare_1(jsonb) rename to apply_rare_1_but_bulk_jobs;
  create function apply_rare_1(w jsonb) returns void language plpgsql volatile as $$
  declare
    ws text := w ->> 'workspace_id';
    r jsonb := w -> 'row';
    beyond bigint;
  begin
    case w ->> 'k'
      when 'startBulkJob' then
        insert into bulk_jobs select * from jsonb_populate_record(null::bulk_jobs, r);
        select count(*) - (w ->> 'keep')::bigint into beyond from bulk_jobs j where j.workspace_id = r ->> 'workspace_id';
        delete from bulk_jobs j where j.workspace_id = r ->> 'workspace_id' and j.id in (
          select o.id from bulk_jobs o where o.workspace_id = r ->> 'workspace_id'
            and (o.finished_at is not null or o.seen_at < (w ->> 'seen_since')::bigint)
          order by o.id limit greatest(beyond, 0));
      when 'saveBulkJob' then
        update bulk_jobs j set seen_at = (r ->> 'seen_at')::bigint, finished_at = (r ->> 'finished_at')::bigint, state = r ->> 'state'
        where j.workspace_id = r ->> 'workspace_id' and j.id = r ->> 'id';
      when 'askBulkJobToEnd' then
        update bulk_jobs j set end_asked_at = coalesce(j.end_asked_at, (w ->> 'at')::bigint)
        where j.workspace_id = ws and j.id = w ->> 'id' and j.finished_at is null;
      else
        perform apply_rare_1_but_bulk_jobs(w);
    end case;
  end $$;
`;
