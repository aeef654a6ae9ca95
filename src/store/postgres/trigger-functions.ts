/** Triggers and their events: part of the second step of the schema. */
export const TRIGGER_TABLES = `
  create table triggers (
    workspace_id text not null, id text not null, workflow_id text not null, version_id text, name text not null, enabled bigint not null,
    definition text not null, inputs text, secret text, created_by text not null, created_at bigint not null, updated_at bigint not null,
    due_at bigint, wake_at bigint, state text, revision bigint not null,
    primary key (workspace_id, id)
  );
  create index triggers_by_id on triggers (id);
  create index triggers_due on triggers (wake_at) where wake_at is not null;

  create table trigger_events (
    workspace_id text not null, trigger_id text not null, id text not null, workflow_id text not null, at bigint not null,
    kind text not null, outcome text not null, key text, run_id text, reason text, data text not null,
    primary key (workspace_id, trigger_id, id)
  );
  create unique index trigger_events_by_key on trigger_events (workspace_id, trigger_id, key) where key is not null;
  create index trigger_events_by_id on trigger_events (workspace_id, id);
`;

/**
 * What is written of triggers. The functions that look at every write are given another name and called for all that is not of triggers, so that a
 * step that adds writes of its own need not know those of other steps.
 */
export const TRIGGER_FUNCTIONS = `
  alter function holds_1(jsonb, bigint) rename to holds_before_triggers_1;
  alter function apply_rare_1(jsonb) rename to apply_rare_before_triggers_1;

  create function holds_1(w jsonb, p_workspace_limit bigint) returns boolean language plpgsql volatile as $$
  declare
    r jsonb := w -> 'row';
    found_number bigint;
  begin
    case w ->> 'k'
      when 'putTrigger' then
        select t.revision into found_number from triggers t where t.workspace_id = r ->> 'workspace_id' and t.id = r ->> 'id' for update;
        return coalesce(found_number, 0) = (r ->> 'revision')::bigint - 1;
      when 'removeTrigger' then
        perform 1 from triggers t where t.workspace_id = w ->> 'workspace_id' and t.id = w ->> 'id' for update;
        return found;
      when 'addTriggerEvent' then
        perform 1 from triggers t where t.workspace_id = r ->> 'workspace_id' and t.id = r ->> 'trigger_id' for key share;
        return found and not exists (select 1 from trigger_events e
          where e.workspace_id = r ->> 'workspace_id' and e.trigger_id = r ->> 'trigger_id' and e.key = r ->> 'key');
      else
        return holds_before_triggers_1(w, p_workspace_limit);
    end case;
  end $$;

  create function apply_rare_1(w jsonb) returns void language plpgsql volatile as $$
  declare
    ws text := w ->> 'workspace_id';
    rid text := w ->> 'id';
    r jsonb := w -> 'row';
  begin
    case w ->> 'k'
      when 'putTrigger' then
        -- As with all that is made by its first change: what was made meanwhile fails the insert, and the change is tried again.
        update triggers t set (workflow_id, version_id, name, enabled, definition, inputs, secret, created_by, created_at, updated_at, due_at,
          wake_at, state, revision) = (
          select n.workflow_id, n.version_id, n.name, n.enabled, n.definition, n.inputs, n.secret, n.created_by, n.created_at, n.updated_at,
            n.due_at, n.wake_at, n.state, n.revision
          from jsonb_populate_record(null::triggers, r) n)
        where t.workspace_id = r ->> 'workspace_id' and t.id = r ->> 'id' and t.revision = (r ->> 'revision')::bigint - 1;
        if not found then insert into triggers select * from jsonb_populate_record(null::triggers, r); end if;
      when 'removeTrigger' then
        delete from trigger_events e where e.workspace_id = ws and e.trigger_id = rid;
        delete from triggers t where t.workspace_id = ws and t.id = rid;
      when 'addTriggerEvent' then
        insert into trigger_events select * from jsonb_populate_record(null::trigger_events, r);
      when 'pruneTriggerEvents' then
        delete from trigger_events e where e.workspace_id = ws and e.trigger_id = rid and e.at < (w ->> 'before')::bigint;
        delete from trigger_events e where e.workspace_id = ws and e.trigger_id = rid and e.id <= (
          select o.id from trigger_events o where o.workspace_id = ws and o.trigger_id = rid
          order by o.id desc limit 1 offset (w ->> 'keep')::bigint);
      else
        perform apply_rare_before_triggers_1(w);
    end case;
  end $$;
`;
