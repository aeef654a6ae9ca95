/**
 * What processes that share a database agree on beside the truth, a step of the schema. Times are milliseconds by the database's clock, so that
 * clocks of hosts that differ change nothing.
 */
export const SHARED_TABLES = `
  -- Fixed once and the same for all processes, such as which secret the store was begun with.
  create table platform_facts (name text primary key, value text not null);

  -- What one process has in hand, and no other shall take meanwhile.
  create table holds (
    workspace_id text not null, name text not null, holder text not null, until double precision not null,
    primary key (workspace_id, name)
  ) with (fillfactor = 50);
  create index holds_by_end on holds (until);

  -- When each key's bucket is full again. Unlogged: each request writes, and after a crash of the server full buckets are what a restart gives anyway.
  create unlogged table rate_limits (
    workspace_id text not null, key_id text not null, full_at double precision not null,
    primary key (workspace_id, key_id)
  ) with (fillfactor = 50);

  create function clock_ms_1() returns double precision language sql volatile as
    $$ select extract(epoch from clock_timestamp())::double precision * 1000 $$;
`;
