import type { Sql } from 'postgres';
import type { JsonObject } from '../../domain/json.ts';
import { runLimit } from '../../domain/workflow.ts';
import type { Standing, StoreTables, TableProgress, TransferCell, TransferRow, TransferTable } from '../transfer.ts';
import { storable, TransferRefused } from '../transfer.ts';
import { applicationName, openConnections, readAddress } from './connection.ts';
import { MOVE_TABLE, migrate } from './migrations.ts';

/** Tables that say something of this one store, or of the processes that are on it: they are not moved, and other stores have none like them. */
const OF_THE_STORE: ReadonlySet<string> = new Set([
  'platform_schema',
  'platform_log_head',
  'platform_writers',
  // Which secrets processes must have: those that come to the new store agree anew.
  'platform_facts',
  'platform_search_members',
  'holds',
  'rate_limits',
  MOVE_TABLE,
]);

/** Columns that other stores do not have, by table: leases and claims, which nobody holds any more, and what follows from other columns. */
const OWN_COLUMNS: Readonly<Record<string, ReadonlySet<string>>> = {
  tasks: new Set(['token', 'leased_until']),
  deliveries: new Set(['claimed_until']),
  workflows: new Set(['run_limit']),
};

/**
 * The tables of a store on PostgreSQL that no server uses, brought to the newest schema first.
 * @throws TransferRefused when a server uses it
 * @throws NewerSchema
 */
export async function openPostgresTables(address: string): Promise<StoreTables> {
  const read = readAddress(address);
  const sql = openConnections(read, 'millrun migrate-store');
  try {
    const { hostname, port, pathname } = new URL(read.url);
    const name = `postgres://${hostname}:${port || 5432}${pathname}?schema=${read.schema}`;
    await refuseUsed(sql, name, applicationName(read.schema));
    await migrate(sql, read.schema, { use: 'moving' });
    return new PostgresTables(sql, name);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

async function refuseUsed(sql: Sql, name: string, servers: string): Promise<void> {
  const [used] = await sql.unsafe(
    'select count(*) as n from pg_stat_activity where datname = current_database() and application_name = $1',
    [servers],
  );
  if (Number(used?.['n']) > 0) {
    throw new TransferRefused(`Servers are connected to ${name}. Stop them: nothing may be written during a move.`);
  }
}

class PostgresTables implements StoreTables {
  readonly name: string;
  readonly #sql: Sql;

  constructor(sql: Sql, name: string) {
    this.#sql = sql;
    this.name = name;
  }

  async tables(): Promise<readonly TransferTable[]> {
    const columns = await this.#sql.unsafe(
      `select c.relname as table, a.attname as name, array_position(i.indkey::int2[], a.attnum) as place
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_index i on i.indrelid = c.oid and i.indisprimary
       where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' order by c.relname, a.attname`,
    );
    const tables = new Map<string, { name: string; place: number | null }[]>();
    for (const row of columns) {
      const [table, name] = [String(row['table']), String(row['name'])];
      if (OF_THE_STORE.has(table) || OWN_COLUMNS[table]?.has(name)) continue;
      const place = row['place'] === null ? null : Number(row['place']);
      tables.set(table, [...(tables.get(table) ?? []), { name, place }]);
    }
    return [...tables].map(([table, found]) => {
      const key = found.filter(({ place }) => place !== null).sort((a, b) => Number(a.place) - Number(b.place));
      return { name: toCommon(table), columns: found.map(({ name }) => name).sort(), key: key.map(({ name }) => name) };
    });
  }

  async count(table: string): Promise<number> {
    const [row] = await this.#sql.unsafe(`select count(*) as n from ${toOwn(table)}`);
    return Number(row?.['n']);
  }

  async read(table: TransferTable, after: readonly TransferCell[] | null, limit: number) {
    const key = table.key.join(', ');
    const places = table.key.map((_, index) => `$${index + 2}`).join(', ');
    const text = `select ${table.columns.join(', ')} from ${toOwn(table.name)}
      ${after === null ? '' : `where (${key}) > (${places})`} order by ${key} limit $1`;
    return [...(await this.#sql.unsafe<TransferRow[]>(text, [limit, ...(after ?? [])], { prepare: true }))];
  }

  async head(): Promise<number> {
    const [row] = await this.#sql.unsafe('select position from platform_log_head');
    return Number(row?.['position']);
  }

  async standing(): Promise<Standing> {
    const [mark] = await this.#sql.unsafe('select to_regclass($1) is not null as is_half', [MOVE_TABLE]);
    if (mark?.['is_half'] === true) {
      const [begun] = await this.#sql.unsafe(`select source from ${MOVE_TABLE} where table_name = ''`);
      return { kind: 'half', from: String(begun?.['source']) };
    }
    for (const { name } of await this.tables()) {
      const [found] = await this.#sql.unsafe(`select exists (select 1 from ${toOwn(name)}) as is_used`);
      if (found?.['is_used'] === true) return { kind: 'used', table: name };
    }
    return { kind: 'empty' };
  }

  async begin(from: string): Promise<void> {
    await this.#sql.begin(async (transaction) => {
      await transaction.unsafe(
        `create table ${MOVE_TABLE} (table_name text collate "C" primary key, source text, done bigint not null, after text)`,
      );
      await transaction.unsafe(`insert into ${MOVE_TABLE} values ('', $1, 0, null)`, [from]);
    });
  }

  async progress(): Promise<ReadonlyMap<string, TableProgress>> {
    const rows = await this.#sql.unsafe(`select * from ${MOVE_TABLE} where table_name <> ''`);
    return new Map(
      rows.map((row) => [String(row['table_name']), { rows: Number(row['done']), after: JSON.parse(row['after']) }]),
    );
  }

  async write({ name, columns }: TransferTable, rows: readonly TransferRow[], progress: TableProgress): Promise<void> {
    const table = toOwn(name);
    const computed = await this.#sql.unsafe(
      "select attname as name from pg_attribute where attrelid = $1::text::regclass and attgenerated <> ''",
      [table],
    );
    const unwritten = new Set(computed.map((row) => row['name']));
    const written = [...columns, ...(OWN_COLUMNS[table] ?? [])].filter((column) => !unwritten.has(column)).join(', ');
    const given = JSON.stringify(rows.map((row) => asStored(name, row)));
    await this.#sql.begin(async (transaction) => {
      await transaction.unsafe(
        `insert into ${table} (${written}) select ${written} from json_populate_recordset(null::${table}, $1::text::json)`,
        [given],
      );
      await transaction.unsafe(
        `insert into ${MOVE_TABLE} values ($1, null, $2, $3)
         on conflict (table_name) do update set done = excluded.done, after = excluded.after`,
        [name, progress.rows, JSON.stringify(progress.after)],
      );
    });
  }

  async finish(head: number): Promise<void> {
    await this.#sql.begin(async (transaction) => {
      await transaction.unsafe('update platform_log_head set position = $1', [head]);
      await transaction.unsafe(`drop table ${MOVE_TABLE}`);
    });
    // Plans rest on counts, which a store that was filled at once has none of.
    await this.#sql.unsafe('analyze');
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 5 });
  }
}

/** A row with its text as PostgreSQL takes it, and with what follows from it. */
function asStored(table: string, row: TransferRow): Readonly<Record<string, TransferCell>> {
  const stored = Object.fromEntries(Object.entries(row).map(([column, cell]) => [column, storable(cell)]));
  if (table !== 'workflows') return stored;
  return { ...stored, run_limit: runLimit(JSON.parse(String(row['settings'])) as JsonObject) };
}

/** Tables of the platform say so in their names here, and nowhere else. */
const OWN_NAMES: Readonly<Record<string, string>> = { followers: 'platform_followers' };

const toOwn = (table: string): string => OWN_NAMES[table] ?? table;

const toCommon = (table: string): string => Object.entries(OWN_NAMES).find(([, own]) => own === table)?.[0] ?? table;
