/**
 * Applies a group of changes in one statement: part of the first step of the schema. A change of it is a new function with the next number, so that
 * processes of the version before go on with theirs.
 *
 * A change is a JSON list of writes (`wire-change.ts`), a group a list of changes, applied one after the other. What a change rests on is read, and
 * locked, before the first of its writes; when it no longer holds the change is passed over. An error undoes the whole group: the caller then
 * gives each change alone.
 *
 * What every process writes comes last, so that its locks are held for the end of the commit only, and in one order, so that two groups never wait
 * for each other: counts of runs by workspace and workflow, then the head of the log. The lock on the head gives positions in the order in
 * which commits become visible: docs/decisions/postgres-log-positions.md.
 *
 * Other processes are told (`PostgresStore.#hear`) who wrote, how far the log is, whether there may be more to claim, and which runs have ended. A
 * place that is free is work only where a start waits for one.
 */
export const COMMIT_FUNCTION = `
  create function holds_1(w jsonb, p_workspace_limit bigint) returns boolean language plpgsql volatile as $$
  declare
    kind text := w ->> 'k';
    ws text := w ->> 'workspace_id';
    rid text := w ->> 'id';
    r jsonb := w -> 'row';
    flow_limit bigint;
    found_text text;
    found_number bigint;
  begin
    case kind
      when 'createRun' then
        if not (w ->> 'takes_place')::boolean then return true; end if;
        select f.run_limit into flow_limit from workflows f where f.workspace_id = r ->> 'workspace_id' and f.id = r ->> 'workflow_id';
        if flow_limit is null and p_workspace_limit is null then return true; end if;
        perform lock_places_1();
        if flow_limit is not null then
          if exists (select 1 from tasks t where t.workspace_id = r ->> 'workspace_id' and t.leased_until is null
              and t.start_of = r ->> 'workflow_id')
            or under_way_1(r ->> 'workspace_id', r ->> 'workflow_id') >= flow_limit then return false; end if;
        end if;
        if p_workspace_limit is not null then
          if under_way_1(r ->> 'workspace_id') >= p_workspace_limit
            or exists (select 1 from startable_1(r ->> 'workspace_id', 9223372036854775807, 1, null)) then return false; end if;
        end if;
        return true;
      when 'updateRun' then
        if (w ->> 'child')::boolean then
          select c.revision into found_number from child_runs c
          where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'id' for update;
        else
          select c.revision into found_number from runs c
          where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'id' for update;
        end if;
        return found_number is not distinct from (r ->> 'revision')::bigint - 1;
      when 'endTask' then
        perform 1 from tasks t where t.workspace_id = ws and t.run_id = w ->> 'run_id' and t.id = rid and t.token = w ->> 'token' for update;
        return found;
      when 'deleteRun' then
        select c.status into found_text from runs c where c.workspace_id = ws and c.id = rid for update;
        return found and found_text in ('succeeded', 'partial', 'failed', 'canceled');
      when 'createWorkflow', 'saveWorkflow' then
        if kind = 'saveWorkflow' then
          select f.revision into found_number from workflows f where f.workspace_id = r ->> 'workspace_id' and f.id = r ->> 'id' for update;
          if found_number is distinct from (r ->> 'revision')::bigint - 1 then return false; end if;
        end if;
        return r ->> 'deleted_at' is not null or not exists (select 1 from workflows f where f.workspace_id = r ->> 'workspace_id'
          and f.kind = r ->> 'kind' and f.slug = r ->> 'slug' and f.id <> r ->> 'id' and f.deleted_at is null);
      when 'putApiKey' then
        select a.revision into found_number from api_keys a where a.workspace_id = r ->> 'workspace_id' and a.id = r ->> 'id' for update;
        return coalesce(found_number, 0) = (r ->> 'revision')::bigint - 1;
      when 'recordAttempt' then
        select d.attempt_count into found_number from deliveries d
        where d.workspace_id = r ->> 'workspace_id' and d.subject_id = r ->> 'subject_id' and d.id = r ->> 'id' for update;
        return found_number is not distinct from (r ->> 'attempt_count')::bigint - 1;
      when 'claimRequest' then
        select q.created_at into found_number from idempotent_requests q
        where q.workspace_id = r ->> 'workspace_id' and q.key = r ->> 'key' for update;
        return not found or found_number < (w ->> 'keep_from')::bigint;
      when 'followed' then
        select p.position into found_number from platform_followers p where p.name = w ->> 'follower' for update;
        return coalesce(found_number, 0) = (w ->> 'before')::bigint;
      when 'createEvaluation' then
        if r ->> 'run_id' is null then
          return r ->> 'parent_id' is null
            or exists (select 1 from evaluations e where e.workspace_id = r ->> 'workspace_id' and e.id = r ->> 'parent_id');
        end if;
        perform 1 from runs c where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'run_id' for share;
        if not found then return false; end if;
        select e.id into found_text from evaluations e where e.workspace_id = r ->> 'workspace_id' and e.run_id = r ->> 'run_id'
        order by e.attempt desc limit 1;
        return found_text is not distinct from r ->> 'parent_id';
      when 'updateEvaluation', 'completeEvaluation' then
        select e.revision, e.status into found_number, found_text from evaluations e
        where e.workspace_id = r ->> 'workspace_id' and e.id = r ->> 'id' for update;
        if not found or found_number <> (r ->> 'revision')::bigint - 1 then return false; end if;
        return kind = 'updateEvaluation' or found_text in ('pending', 'running');
      when 'settlePersonRequest' then
        select q.status into found_text from person_requests q where q.workspace_id = ws and q.id = rid for update;
        return found and found_text = 'pending';
      when 'putCredential' then
        select c.revision into found_number from credentials c where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'id' for update;
        return coalesce(found_number, 0) = (r ->> 'revision')::bigint - 1 and not exists (select 1 from credentials c
          where c.workspace_id = r ->> 'workspace_id' and c.name = r ->> 'name' and c.id <> r ->> 'id');
      when 'removeCredential' then
        perform 1 from credentials c where c.workspace_id = ws and c.id = rid for update;
        return found;
      when 'putModelSettings' then
        select m.revision into found_number from model_settings m where m.workspace_id = r ->> 'workspace_id' for update;
        return coalesce(found_number, 0) = (r ->> 'revision')::bigint - 1;
      else
        return true;
    end case;
  end $$;

  create function put_judges_1(p_workspace text, p_run text, p_judges jsonb, p_issues jsonb) returns void language plpgsql volatile as $$
  begin
    delete from evaluation_issues i using jsonb_populate_recordset(null::evaluation_judges, p_judges) j
    where i.workspace_id = p_workspace and i.evaluation_id = j.evaluation_id and i.judge_id = j.id;
    insert into evaluation_judges select * from jsonb_populate_recordset(null::evaluation_judges, p_judges)
    on conflict (workspace_id, evaluation_id, id) do update set
      workflow_id = excluded.workflow_id, name = excluded.name, description = excluded.description, category = excluded.category,
      weight = excluded.weight, gate = excluded.gate, run_id = excluded.run_id, status = excluded.status, passed = excluded.passed,
      confidence = excluded.confidence, reasoning = excluded.reasoning, evidence = excluded.evidence, strengths = excluded.strengths,
      sub_points = excluded.sub_points, created_at = excluded.created_at;
    insert into evaluation_issues select * from jsonb_populate_recordset(null::evaluation_issues, p_issues);
  end $$;

  create function update_evaluation_1(r jsonb) returns void language sql volatile as $$
    update evaluations e set (status, revision, passed, pass_rate, pass_rate_key, override_reason, top_issues, top_strengths, checks,
      next_action, superseded_at, failure, failure_code, cost, cost_key, updated_at, completed_at) = (
      select n.status, n.revision, n.passed, n.pass_rate, n.pass_rate_key, n.override_reason, n.top_issues, n.top_strengths, n.checks,
        n.next_action, n.superseded_at, n.failure, n.failure_code, n.cost, n.cost_key, n.updated_at, n.completed_at
      from jsonb_populate_record(null::evaluations, r) n)
    where e.workspace_id = r ->> 'workspace_id' and e.id = r ->> 'id'
  $$;

  -- The order of attempts decides, not that of completion: a slow older judgement does not take the place of a newer one.
  create function complete_evaluation_1(w jsonb) returns void language plpgsql volatile as $$
  declare
    r jsonb := w -> 'row';
    ws text := r ->> 'workspace_id';
    ended_at bigint := coalesce((r ->> 'completed_at')::bigint, (r ->> 'updated_at')::bigint);
    before_id text;
    before_attempt bigint;
    is_late boolean;
  begin
    if r ->> 'run_id' is null then
      select e.id, e.attempt into before_id, before_attempt from evaluations e
      where e.workspace_id = ws and e.id = r ->> 'parent_id' and e.status = 'completed' and e.superseded_at is null for update;
    else
      select e.id, e.attempt into before_id, before_attempt from evaluations e
      where e.workspace_id = ws and e.run_id = r ->> 'run_id' and e.status = 'completed' and e.superseded_at is null for update;
    end if;
    is_late := before_id is not null and before_attempt > (r ->> 'attempt')::bigint;
    if before_id is not null and not is_late then
      update evaluations e set superseded_at = ended_at, updated_at = ended_at where e.workspace_id = ws and e.id = before_id;
      update evaluation_issues i set is_current = 0 where i.workspace_id = ws and i.evaluation_id = before_id;
    end if;
    if is_late then r := jsonb_set(r, '{superseded_at}', to_jsonb(ended_at)); end if;
    perform update_evaluation_1(r);
    perform put_judges_1(ws, r ->> 'run_id', w -> 'judges', w -> 'issues');
    update evaluation_issues i set is_current = (not is_late)::int where i.workspace_id = ws and i.evaluation_id = r ->> 'id';
  end $$;

  create function delete_run_1(ws text, p_run text) returns void language plpgsql volatile as $$
  declare
    owned text[];
    judged text[];
  begin
    select array_agg(c.id) || p_run into owned from child_runs c where c.workspace_id = ws and c.root_run_id = p_run;
    owned := coalesce(owned, array[p_run]);
    select coalesce(array_agg(e.id), '{}') into judged from evaluations e where e.workspace_id = ws and e.run_id = any(owned);
    delete from evaluation_issues x where x.workspace_id = ws and x.evaluation_id = any(judged);
    delete from evaluation_judges x where x.workspace_id = ws and x.evaluation_id = any(judged);
    delete from evaluations x where x.workspace_id = ws and x.id = any(judged);
    delete from deliveries x where x.workspace_id = ws and x.subject_id = any(owned || judged);
    delete from delivery_attempts x where x.workspace_id = ws and x.subject_id = any(owned || judged);
    delete from run_payloads x where x.workspace_id = ws and x.run_id = any(owned);
    delete from node_runs x where x.workspace_id = ws and x.run_id = any(owned);
    delete from iterations x where x.workspace_id = ws and x.run_id = any(owned);
    delete from run_logs x where x.workspace_id = ws and x.run_id = any(owned);
    delete from tasks x where x.workspace_id = ws and x.run_id = any(owned);
    delete from batch_items x where x.workspace_id = ws and x.run_id = any(owned);
    delete from person_requests x where x.workspace_id = ws and x.run_id = any(owned);
    delete from child_runs x where x.workspace_id = ws and x.id = any(owned);
    delete from runs x where x.workspace_id = ws and x.id = p_run;
  end $$;

  create function apply_rare_1(w jsonb) returns void language plpgsql volatile as $$
  declare
    ws text := w ->> 'workspace_id';
    rid text := w ->> 'id';
    r jsonb := w -> 'row';
  begin
    case w ->> 'k'
      when 'setFeedback' then
        update runs c set feedback_is_positive = (w ->> 'is_positive')::bigint, feedback_reason = w ->> 'reason'
        where c.workspace_id = ws and c.id = rid;
      when 'setErrorHandlerRun' then
        update runs c set context = (coalesce(c.context, '{}')::jsonb || jsonb_build_object('error_handler_run_id', w ->> 'handler'))::text
        where c.workspace_id = ws and c.id = rid;
      when 'createPersonRequest' then
        insert into person_requests select * from jsonb_populate_record(null::person_requests, r);
      when 'settlePersonRequest' then
        update person_requests q set status = w ->> 'status',
          answer = case w ->> 'status' when 'expired' then q.fallback else w ->> 'answer' end,
          settled_by = w ->> 'settled_by', key_id = w ->> 'key_id', settled_at = (w ->> 'at')::bigint, revision = q.revision + 1
        where q.workspace_id = ws and q.id = rid;
      when 'cancelPersonRequests' then
        update person_requests q set status = 'canceled', settled_at = (w ->> 'at')::bigint, revision = q.revision + 1
        where q.workspace_id = ws and q.run_id = rid and q.status = 'pending';
      when 'createWorkflow' then
        insert into workflows select * from jsonb_populate_record(null::workflows, r);
      when 'saveWorkflow' then
        update workflows f set (name, kind, slug, type, description, current_version_id, error_handler_id, settings, meta, profile,
          author_name, created_at, updated_at, deleted_at, revision, run_limit) = (
          select n.name, n.kind, n.slug, n.type, n.description, n.current_version_id, n.error_handler_id, n.settings, n.meta, n.profile,
            n.author_name, n.created_at, n.updated_at, n.deleted_at, n.revision, n.run_limit
          from jsonb_populate_record(null::workflows, r) n)
        where f.workspace_id = r ->> 'workspace_id' and f.id = r ->> 'id';
      when 'createVersion' then
        insert into workflow_versions select * from jsonb_populate_record(null::workflow_versions, r);
      when 'renameVersion' then
        update workflow_versions v set name = w ->> 'name', description = w ->> 'description' where v.workspace_id = ws and v.id = rid;
      when 'createFile' then
        insert into files select * from jsonb_populate_record(null::files, r);
      when 'createDelivery' then
        -- A run may be deleted while its delivery is being made.
        if r ->> 'subject' = 'run' then
          perform 1 from runs c where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'subject_id' for share;
          if not found then return; end if;
        end if;
        insert into deliveries select * from jsonb_populate_record(null::deliveries, r);
      when 'recordAttempt' then
        update deliveries d set claimed_until = null, status = r ->> 'status', attempt_count = (r ->> 'attempt_count')::bigint,
          next_attempt_at = (r ->> 'next_attempt_at')::bigint, finished_at = (r ->> 'finished_at')::bigint,
          signing_secret_id = r ->> 'signing_secret_id'
        where d.workspace_id = r ->> 'workspace_id' and d.subject_id = r ->> 'subject_id' and d.id = r ->> 'id';
        insert into delivery_attempts select * from jsonb_populate_record(null::delivery_attempts, w -> 'attempt');
        update callback_secrets s set last_used_at = (w -> 'attempt' ->> 'at')::bigint
        where s.workspace_id = r ->> 'workspace_id' and s.id = r ->> 'signing_secret_id';
      when 'createBatch' then
        insert into batches select * from jsonb_populate_record(null::batches, r);
        insert into batch_items select * from jsonb_populate_recordset(null::batch_items, w -> 'items');
      when 'putUpload' then
        insert into asset_uploads select * from jsonb_populate_record(null::asset_uploads, r)
        on conflict (workspace_id, id) do update set name = excluded.name, content_type = excluded.content_type, size = excluded.size,
          created_at = excluded.created_at, expires_at = excluded.expires_at, received_at = excluded.received_at;
      when 'endUpload' then
        delete from asset_uploads u where u.workspace_id = ws and u.id = rid;
      when 'claimRequest' then
        delete from idempotent_requests q where q.workspace_id = r ->> 'workspace_id' and q.created_at < (w ->> 'keep_from')::bigint;
        insert into idempotent_requests select * from jsonb_populate_record(null::idempotent_requests, r);
      when 'answerRequest' then
        insert into idempotent_requests select * from jsonb_populate_record(null::idempotent_requests, r)
        on conflict (workspace_id, key) do update set digest = excluded.digest, request_id = excluded.request_id,
          status = excluded.status, body = excluded.body, created_at = excluded.created_at;
      when 'forgetRequest' then
        delete from idempotent_requests q where q.workspace_id = ws and q.key = w ->> 'key';
      when 'putCallbackSecret' then
        if (r ->> 'is_current')::bigint = 1 then
          update callback_secrets s set is_current = 0, updated_at = (r ->> 'updated_at')::bigint
          where s.workspace_id = r ->> 'workspace_id' and s.id <> r ->> 'id';
        end if;
        insert into callback_secrets select * from jsonb_populate_record(null::callback_secrets, r)
        on conflict (workspace_id, id) do update set label = excluded.label, prefix = excluded.prefix, is_current = excluded.is_current,
          created_at = excluded.created_at, updated_at = excluded.updated_at, disabled_at = excluded.disabled_at,
          last_used_at = excluded.last_used_at;
      when 'putSavedView' then
        insert into saved_views select * from jsonb_populate_record(null::saved_views, r)
        on conflict (workspace_id, id) do update set name = excluded.name, q = excluded.q, sort = excluded.sort,
          columns = excluded.columns, extra = excluded.extra, created_by = excluded.created_by, created_at = excluded.created_at,
          updated_at = excluded.updated_at;
      when 'deleteSavedView' then
        delete from saved_views v where v.workspace_id = ws and v.id = rid;
      when 'createEvaluation' then
        insert into evaluations (workspace_id, id, run_id, target_kind, workflow_id, task_type, task_description, prompt, image_url,
          input_attributes, instructions, reference_images, threshold, client_ref, callback_url, parent_id, attempt, created_at, status,
          revision, passed, pass_rate, pass_rate_key, override_reason, top_issues, top_strengths, checks, next_action, superseded_at,
          failure, failure_code, cost, cost_key, updated_at, completed_at, feedback_is_positive, feedback_reason)
        select n.workspace_id, n.id, n.run_id, n.target_kind, n.workflow_id, n.task_type, n.task_description, n.prompt, n.image_url,
          n.input_attributes, n.instructions, n.reference_images, n.threshold, n.client_ref, n.callback_url, n.parent_id, n.attempt,
          n.created_at, n.status, n.revision, n.passed, n.pass_rate, n.pass_rate_key, n.override_reason, n.top_issues, n.top_strengths,
          n.checks, n.next_action, n.superseded_at, n.failure, n.failure_code, n.cost, n.cost_key, n.updated_at, n.completed_at,
          n.feedback_is_positive, n.feedback_reason
        from jsonb_populate_record(null::evaluations, r) n;
        perform put_judges_1(r ->> 'workspace_id', r ->> 'run_id', w -> 'judges', w -> 'issues');
      when 'updateEvaluation' then
        perform update_evaluation_1(r);
        perform put_judges_1(r ->> 'workspace_id', r ->> 'run_id', w -> 'judges', w -> 'issues');
      when 'completeEvaluation' then
        perform complete_evaluation_1(w);
      when 'setEvaluationFeedback' then
        update evaluations e set feedback_is_positive = (w ->> 'is_positive')::bigint, feedback_reason = w ->> 'reason',
          updated_at = (w ->> 'at')::bigint, revision = e.revision + 1
        where e.workspace_id = ws and e.id = rid;
      when 'setEvaluationPlan' then
        delete from evaluation_plans p where p.workspace_id = ws;
        if w ->> 'plan' is not null then
          insert into evaluation_plans (workspace_id, plan) values (ws, w ->> 'plan')
          on conflict (workspace_id) do update set plan = excluded.plan;
        end if;
      when 'setRetention' then
        delete from retentions t where t.workspace_id = ws;
        if (w ->> 'is_set')::boolean then
          insert into retentions (workspace_id, days) values (ws, (w ->> 'days')::bigint)
          on conflict (workspace_id) do update set days = excluded.days;
        end if;
      when 'followed' then
        -- What was not there when it was looked for may be there now. Then neither statement may do: the insert fails, and the change is tried
        -- again, to find that it is stale. So it is with all that is made by its first change.
        update platform_followers p set position = (w ->> 'position')::bigint
        where p.name = w ->> 'follower' and p.position = (w ->> 'before')::bigint;
        if not found then
          insert into platform_followers (name, position) values (w ->> 'follower', (w ->> 'position')::bigint);
        end if;
      when 'createWorkspace' then
        insert into workspaces select * from jsonb_populate_record(null::workspaces, r);
      when 'putApiKey' then
        update api_keys a set (name, digest, prefix, scopes, created_at, revoked_at, created_by, expires_at, rate_limit, former_digest,
          former_until, revision) = (
          select n.name, n.digest, n.prefix, n.scopes, n.created_at, n.revoked_at, n.created_by, n.expires_at, n.rate_limit,
            n.former_digest, n.former_until, n.revision
          from jsonb_populate_record(null::api_keys, r) n)
        where a.workspace_id = r ->> 'workspace_id' and a.id = r ->> 'id' and a.revision = (r ->> 'revision')::bigint - 1;
        if not found then insert into api_keys select * from jsonb_populate_record(null::api_keys, r); end if;
      when 'touchKey' then
        update api_keys a set last_used_at = greatest(coalesce(a.last_used_at, 0), (w ->> 'at')::bigint)
        where a.workspace_id = ws and a.id = rid;
      when 'putCredential' then
        update credentials c set (name, kind, settings, secrets, models, hosts, updated_at, revision) = (
          select n.name, n.kind, n.settings, n.secrets, n.models, n.hosts, n.updated_at, n.revision
          from jsonb_populate_record(null::credentials, r) n)
        where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'id' and c.revision = (r ->> 'revision')::bigint - 1;
        if not found then insert into credentials select * from jsonb_populate_record(null::credentials, r); end if;
      when 'removeCredential' then
        delete from credentials c where c.workspace_id = ws and c.id = rid;
      when 'touchCredential' then
        update credentials c set last_used_at = greatest(coalesce(c.last_used_at, 0), (w ->> 'at')::bigint)
        where c.workspace_id = ws and c.id = rid;
      when 'putModelSettings' then
        update model_settings m set (prices, presets, default_models, updated_at, revision) = (
          select n.prices, n.presets, n.default_models, n.updated_at, n.revision
          from jsonb_populate_record(null::model_settings, r) n)
        where m.workspace_id = r ->> 'workspace_id' and m.revision = (r ->> 'revision')::bigint - 1;
        if not found then insert into model_settings select * from jsonb_populate_record(null::model_settings, r); end if;
      else
        raise exception 'The store knows no write %', w ->> 'k';
    end case;
  end $$;

  create function commit_changes_1(p_changes jsonb, p_workspace_limit bigint, p_writer text, p_sequence bigint, p_at bigint)
  returns text language plpgsql volatile as $$
  declare
    change jsonb;
    w jsonb;
    r jsonb;
    holds boolean;
    any_kept boolean := false;
    told text := '';
    events jsonb[] := '{}';
    count_workspaces text[] := '{}';
    count_workflows text[] := '{}';
    count_statuses text[] := '{}';
    count_numbers bigint[] := '{}';
    last_position bigint;
    removed record;
    has_work boolean := false;
    frees_places boolean := false;
    ended text[] := '{}';
  begin
    -- A group whose answer was lost is asked about under another sequence: then this one comes too late, and must write nothing.
    update platform_writers p set sequence = p_sequence, outcome = null, at = p_at where p.id = p_writer and p.sequence = p_sequence - 1;
    if not found then raise exception 'Writer % is no longer at %', p_writer, p_sequence - 1 using errcode = '55006'; end if;

    for change in select c.value from jsonb_array_elements(p_changes) c loop
      holds := true;
      for w in select c.value from jsonb_array_elements(change) c loop
        -- Most writes rest on nothing.
        continue when w ->> 'k' in ('putNodeRuns', 'addTask', 'appendEvent', 'appendLog', 'putIteration', 'dropTask');
        holds := holds_1(w, p_workspace_limit);
        exit when not holds;
      end loop;
      told := told || case when holds then 'k' else 's' end;
      continue when not holds;
      any_kept := true;

      for w in select c.value from jsonb_array_elements(change) c loop
        r := w -> 'row';
        case w ->> 'k'
          when 'putNodeRuns' then
            insert into node_runs as n select * from jsonb_populate_recordset(null::node_runs, w -> 'rows')
            on conflict (workspace_id, run_id, node_id) do update set
              status = excluded.status, current_iteration = excluded.current_iteration, total_iterations = excluded.total_iterations,
              iterates = excluded.iterates, attempts = excluded.attempts, started_at = excluded.started_at,
              finished_at = excluded.finished_at, failure = excluded.failure, warnings = excluded.warnings, usage = excluded.usage,
              taken = excluded.taken, inputs = coalesce(excluded.inputs, n.inputs), outputs = coalesce(excluded.outputs, n.outputs);
          when 'addTask' then
            insert into tasks select * from jsonb_populate_record(null::tasks, r);
            has_work := true;
          when 'endTask', 'dropTask' then
            delete from tasks t where t.workspace_id = w ->> 'workspace_id' and t.run_id = w ->> 'run_id' and t.id = w ->> 'id';
          when 'appendEvent' then
            events := events || r;
          when 'updateRun' then
            if r ->> 'status' <> 'running' then frees_places := true; end if;
            if r ->> 'status' in ('succeeded', 'partial', 'failed', 'canceled') then ended := ended || (r ->> 'id'); end if;
            if (w ->> 'child')::boolean then
              update child_runs c set (status, revision, progress, nodes_total, nodes_completed, started_at, finished_at, duration_ms,
                failure, failure_code, meta, cost, cost_key, cost_breakdown) = (
                select n.status, n.revision, n.progress, n.nodes_total, n.nodes_completed, n.started_at, n.finished_at, n.duration_ms,
                  n.failure, n.failure_code, n.meta, n.cost, n.cost_key, n.cost_breakdown
                from jsonb_populate_record(null::child_runs, r) n)
              where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'id';
            else
              update runs c set (status, revision, progress, nodes_total, nodes_completed, started_at, finished_at, duration_ms,
                failure, failure_code, meta, cost, cost_key, cost_breakdown) = (
                select n.status, n.revision, n.progress, n.nodes_total, n.nodes_completed, n.started_at, n.finished_at, n.duration_ms,
                  n.failure, n.failure_code, n.meta, n.cost, n.cost_key, n.cost_breakdown
                from jsonb_populate_record(null::runs, r) n)
              where c.workspace_id = r ->> 'workspace_id' and c.id = r ->> 'id';
            end if;
            if w ->> 'output' is not null then
              update run_payloads p set output = w ->> 'output' where p.workspace_id = r ->> 'workspace_id' and p.run_id = r ->> 'id';
            end if;
            if w ->> 'before' <> r ->> 'status' and not (w ->> 'child')::boolean then
              count_workspaces := count_workspaces || array[r ->> 'workspace_id', r ->> 'workspace_id'];
              count_workflows := count_workflows || array[r ->> 'workflow_id', r ->> 'workflow_id'];
              count_statuses := count_statuses || array[w ->> 'before', r ->> 'status'];
              count_numbers := count_numbers || array[-1, 1]::bigint[];
              if r ->> 'batch_id' is not null then
                -- A batch is as far as its runs are: nobody ever sees the two disagree.
                update batches b set
                  started_at = coalesce(b.started_at, (r ->> 'started_at')::bigint, (r ->> 'finished_at')::bigint),
                  items_succeeded = b.items_succeeded + (r ->> 'status' = 'succeeded')::int,
                  items_partial = b.items_partial + (r ->> 'status' = 'partial')::int,
                  items_failed = b.items_failed + (r ->> 'status' = 'failed')::int,
                  items_canceled = b.items_canceled + (r ->> 'status' = 'canceled')::int,
                  finished_at = case when r ->> 'status' in ('succeeded', 'partial', 'failed', 'canceled') and b.items_total =
                    b.items_succeeded + b.items_partial + b.items_failed + b.items_canceled + 1 then (r ->> 'finished_at')::bigint end
                where b.workspace_id = r ->> 'workspace_id' and b.id = r ->> 'batch_id';
              end if;
            end if;
          when 'createRun' then
            insert into run_payloads (workspace_id, run_id, input, output)
            values (r ->> 'workspace_id', r ->> 'id', w ->> 'input', w ->> 'output');
            if (w ->> 'child')::boolean then
              insert into child_runs select * from jsonb_populate_record(null::child_runs, r);
            else
              insert into runs select * from jsonb_populate_record(null::runs, r);
              count_workspaces := count_workspaces || (r ->> 'workspace_id');
              count_workflows := count_workflows || (r ->> 'workflow_id');
              count_statuses := count_statuses || (r ->> 'status');
              count_numbers := count_numbers || 1::bigint;
            end if;
          when 'appendLog' then
            insert into run_logs select * from jsonb_populate_record(null::run_logs, r);
          when 'putIteration' then
            insert into iterations select * from jsonb_populate_record(null::iterations, r);
          when 'endTasksOfRun' then
            delete from tasks t where t.workspace_id = w ->> 'workspace_id' and t.run_id = w ->> 'id';
          when 'deleteRun' then
            select c.workflow_id, c.status into removed from runs c where c.workspace_id = w ->> 'workspace_id' and c.id = w ->> 'id';
            perform delete_run_1(w ->> 'workspace_id', w ->> 'id');
            count_workspaces := count_workspaces || (w ->> 'workspace_id');
            count_workflows := count_workflows || removed.workflow_id;
            count_statuses := count_statuses || removed.status;
            count_numbers := count_numbers || (-1)::bigint;
          else
            -- A limit that was raised lets starts go that wait.
            if w ->> 'k' = 'saveWorkflow' then frees_places := true; end if;
            perform apply_rare_1(w);
        end case;
      end loop;
    end loop;

    insert into run_counts as c (workspace_id, workflow_id, status, n)
    select d.workspace_id, d.workflow_id, d.status, sum(d.n) from unnest(count_workspaces, count_workflows, count_statuses, count_numbers)
      d(workspace_id, workflow_id, status, n)
    group by 1, 2, 3 having sum(d.n) <> 0 order by 1, 2, 3
    on conflict (workspace_id, workflow_id, status) do update set n = c.n + excluded.n;

    if cardinality(events) > 0 then
      update platform_log_head set position = position + cardinality(events) returning position into last_position;
      insert into events (workspace_id, position, run_id, workflow_id, at, kind, data)
      select e.value ->> 'workspace_id', last_position - cardinality(events) + e.n, e.value ->> 'run_id', e.value ->> 'workflow_id',
        (e.value ->> 'at')::bigint, e.value ->> 'kind', e.value ->> 'data'
      from unnest(events) with ordinality e(value, n);
    else
      select position into last_position from platform_log_head;
    end if;
    has_work := has_work or (frees_places and exists (select 1 from tasks t where t.leased_until is null and t.start_of is not null));
    told := told || ' ' || last_position || case when has_work then ' w' else ' -' end;
    update platform_writers p set outcome = told where p.id = p_writer;
    if any_kept then
      -- A notification holds 8,000 bytes.
      for part in 0 .. cardinality(ended) / 200 loop
        perform pg_notify('millrun_' || current_schema(), p_writer || ' ' || last_position || case when has_work then ' w ' else ' - ' end
          || array_to_string(ended[part * 200 + 1 : part * 200 + 200], ','));
      end loop;
    end if;
    return told;
  end $$;
`;
