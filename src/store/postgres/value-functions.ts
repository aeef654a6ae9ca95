/**
 * Functions that lists and filters need and PostgreSQL does not have without extensions: part of the first step of the schema, never changed.
 * They are immutable, and give null for null.
 */
export const VALUE_FUNCTIONS = `
  -- Half of a surrogate pair and the character NUL are good JSON and no good PostgreSQL: they act as the replacement character.
  create function json_of(given text) returns jsonb language sql immutable strict parallel safe as $$
    select case when strpos(given, '\\u') = 0 then given::jsonb else
      regexp_replace(
        regexp_replace(given,
          '(?<!\\\\)((?:\\\\\\\\)*)\\\\u(?:0000|[dD][89abAB][0-9a-fA-F]{2}(?!\\\\u[dD][c-fC-F]))', '\\1\\\\ufffd', 'g'),
        '(?<!\\\\u[dD][89abAB][0-9a-fA-F]{2})(?<!\\\\)((?:\\\\\\\\)*)\\\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\\1\\\\ufffd', 'g')::jsonb end
  $$;

  -- PostgreSQL takes a bare value for a list of one.
  create function json_item(given jsonb, place int) returns jsonb language sql immutable strict parallel safe as $$
    select case when jsonb_typeof(given) = 'array' then given -> place end
  $$;

  -- A JSON number as JavaScript has it: a double, which the largest ones do not fit into.
  create function json_number(given jsonb) returns double precision language sql immutable strict parallel safe as $$
    select case
      when abs(given::numeric) >= 1.797693134862315808e308::numeric then sign(given::numeric) * 'infinity'::double precision
      when abs(given::numeric) < 3e-324::numeric then 0
      else given::numeric::double precision end
  $$;

  -- See filter/decimal.ts.
  create function decimal_key(given text) returns text language plpgsql immutable strict parallel safe as $$
  declare
    part text[] := regexp_match(given, '^([+-]?)([0-9]*)(?:\\.([0-9]*))?$');
    whole text;
    fraction text;
    digits text;
  begin
    if part is null or given !~ '[0-9]' then return null; end if;
    whole := ltrim(part[2], '0');
    fraction := rtrim(coalesce(part[3], ''), '0');
    if length(whole) > 9999 then return null; end if;
    digits := lpad(length(whole)::text, 4, '0') || whole || fraction;
    if part[1] = '-' and whole || fraction <> '' then
      return '0' || translate(digits, '0123456789', '9876543210') || '~';
    end if;
    return '1' || digits;
  end $$;

  -- See nodeRunId of system/derived-id.ts.
  create function node_run_id(run_id text, node_id text) returns text language sql immutable strict parallel safe as $$
    select left(run_id, 13) || '-8' || substr(d, 1, 3) || '-'
      || to_hex(8 | (('x' || substr(d, 4, 1))::bit(4)::int & 3)) || substr(d, 5, 3) || '-' || substr(d, 8, 12)
    from encode(sha256(convert_to(run_id || ' ' || node_id, 'UTF8')), 'hex') d
  $$;

  -- SHA-1 (RFC 3174), which only the extensions of PostgreSQL have. Some 0.2 ms a block.
  create function sha1_of(given bytea) returns bytea language plpgsql immutable strict parallel safe as $$
  declare
    size int := length(given);
    message bytea := given || '\\x80'::bytea || decode(repeat('00', ((119 - size % 64) % 64)), 'hex') || int8send(size * 8::bigint);
    mask bigint := 4294967295;
    h0 bigint := 1732584193; h1 bigint := 4023233417; h2 bigint := 2562383102; h3 bigint := 271733878; h4 bigint := 3285377520;
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
    w bigint[];
  begin
    for block in 0 .. length(message) / 64 - 1 loop
      w := '{}';
      for i in 0 .. 15 loop
        t := block * 64 + i * 4;
        w[i] := (get_byte(message, t::int)::bigint << 24) | (get_byte(message, t::int + 1) << 16)
          | (get_byte(message, t::int + 2) << 8) | get_byte(message, t::int + 3);
      end loop;
      for i in 16 .. 79 loop
        t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
        w[i] := ((t << 1) | (t >> 31)) & mask;
      end loop;
      a := h0; b := h1; c := h2; d := h3; e := h4;
      for i in 0 .. 79 loop
        if i < 20 then f := (b & c) | ((b # mask) & d); k := 1518500249;
        elsif i < 40 then f := b # c # d; k := 1859775393;
        elsif i < 60 then f := (b & c) | (b & d) | (c & d); k := 2400959708;
        else f := b # c # d; k := 3395469782;
        end if;
        t := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[i]) & mask;
        e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := t;
      end loop;
      h0 := (h0 + a) & mask; h1 := (h1 + b) & mask; h2 := (h2 + c) & mask; h3 := (h3 + d) & mask; h4 := (h4 + e) & mask;
    end loop;
    return decode(lpad(to_hex(h0), 8, '0') || lpad(to_hex(h1), 8, '0') || lpad(to_hex(h2), 8, '0') || lpad(to_hex(h3), 8, '0')
      || lpad(to_hex(h4), 8, '0'), 'hex');
  end $$;

  -- See flowNodeId of system/derived-id.ts. Null for a workflow whose id is no UUID.
  create function flow_node_id(workflow_id text, node_id text) returns text language plpgsql immutable strict parallel safe as $$
  declare
    digest bytea;
  begin
    if workflow_id !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then return null; end if;
    digest := substr(sha1_of(decode(replace(workflow_id, '-', ''), 'hex') || convert_to(node_id, 'UTF8')), 1, 16);
    digest := set_byte(digest, 6, (get_byte(digest, 6) & 15) | 80);
    digest := set_byte(digest, 8, (get_byte(digest, 8) & 63) | 128);
    return encode(digest, 'hex')::uuid::text;
  end $$;
`;
