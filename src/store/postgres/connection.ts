import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { PlatformError } from '../../domain/error.ts';
import type { SqlValue } from '../sql/filter-to-sql.ts';
import type { Row } from '../sql/rows.ts';
import postgres from './driver.ts';

/** Connections of one process: commits take one, claims another; the rest are for reads, of which a page takes some milliseconds. */
const CONNECTIONS = 10;

/** Seconds after which a request is worth another try when the server is away: a restart takes some. */
const RETRY_SECONDS = 2;

/** Seconds to wait for a connection. */
const CONNECT_SECONDS = 10;

/** Seconds before a connection is tried again, by the number of failures: never long, since the processes that wait are few. */
const backoff = (failures: number): number => Math.min(0.5, 0.02 * 2 ** failures);

/**
 * Milliseconds before a read is given again whose connection was cut: an idle connection that a server or a proxy closed shows it at the next statement
 * only, and several may be so. Reads change nothing.
 */
const READ_AGAIN_AFTER = [0, 50, 500];

/**
 * A name that needs no quotes, and that nothing could be smuggled in with. It is part of other names, of channels (`millrun_told_…`) and of connections,
 * which have 63 bytes at most.
 */
const SCHEMA = /^[a-z_][a-z0-9_]{0,49}$/;

/** Reads on PostgreSQL. Statements are prepared once on each connection. */
export interface Reads {
  /**
   * Rows of one workspace, which is `$1` in the text; the values follow from `$2` on. A test holds every statement to it.
   * @param isRare of a text that hardly comes twice, as each filter makes one: it is not kept prepared
   */
  rows(workspaceId: string, text: string, values?: readonly SqlValue[], isRare?: 'rare'): Promise<readonly Row[]>;
  /** Rows that serve the platform itself and are of all workspaces. */
  platformRows(text: string, values?: readonly SqlValue[]): Promise<readonly Row[]>;
}

/** A connection string, taken apart. */
interface Address {
  /** Without the schema. */
  readonly url: string;
  readonly schema: string;
}

/** @throws Error that says what is wrong with the connection string */
export function readAddress(given: string): Address {
  const url = new URL(given);
  const schema = url.searchParams.get('schema') ?? 'public';
  url.searchParams.delete('schema');
  if (!SCHEMA.test(schema))
    throw new Error(
      `The schema ${JSON.stringify(schema)} of the store must be a name of at most 50 small letters, digits and underscores, such as "millrun".`,
    );
  return { url: url.href, schema };
}

/** How the connections of servers on a schema are called, where the database shows who is connected. */
export function applicationName(schema: string): string {
  return schema === 'public' ? 'millrun' : `millrun ${schema}`;
}

/** Opens a pool of connections. Nothing is connected before the first statement. @param name of the connections, that of servers when left out */
export function openConnections({ url, schema }: Address, name = applicationName(schema)): Sql {
  return postgres(url, {
    max: CONNECTIONS,
    connect_timeout: CONNECT_SECONDS,
    backoff,
    fetch_types: false,
    onnotice: () => undefined,
    connection: { application_name: name, ...(schema !== 'public' && { search_path: schema }) },
    // Whole numbers of ours fit into doubles; counts are far below.
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
  }) as unknown as Sql;
}

/** Reads over a pool. */
export function readsOf(sql: Sql): Reads {
  const run = async (text: string, values: readonly SqlValue[], prepare: boolean): Promise<readonly Row[]> => {
    try {
      return await sql.unsafe(text, values.map(storable), { prepare });
    } catch (error) {
      throw isConnectionTrouble(error) ? unreachable(error) : error;
    }
  };
  const read: typeof run = async (text, values, prepare) => {
    for (const pause of READ_AGAIN_AFTER) {
      try {
        return await run(text, values, prepare);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        await sleep(pause);
      }
    }
    return run(text, values, prepare);
  };
  return {
    rows: (workspaceId, text, values = [], isRare) => read(text, [workspaceId, ...values], isRare === undefined),
    platformRows: (text, values = []) => run(text, values, true),
  };
}

/** PostgreSQL's text has no NUL: what was written has the replacement character in its place. */
function storable(value: SqlValue): SqlValue {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
}

/** Whether an error says that the server was not reached or went away, and not that it refused a statement. */
export function isConnectionTrouble(error: unknown): boolean {
  const code = error instanceof Error ? String((error as Error & { code?: unknown }).code ?? '') : '';
  // Classes 08 and 57P of https://www.postgresql.org/docs/current/errcodes-appendix.html, codes of the driver, and those of sockets.
  return /^(08|57P0|53300|CONNECT|E[A-Z]+$)/.test(code);
}

/** How often what collided is given again, alone. Each time whoever it collided with has ended. */
export const TRIES = 5;

/** Unique violations, deadlocks, serialization failures: reading again may show that a change is stale, or that nothing is in its way. */
export function isCollision(error: unknown): boolean {
  return /^(23505|40P01|40001)$/.test(String((error as { code?: unknown }).code));
}

/** The error of a store that cannot be reached. */
export function unreachable(error: unknown): PlatformError {
  return new PlatformError(
    'unavailable',
    `The store cannot be reached (${(error as Error).message}). Try again shortly.`,
    { retryAfter: RETRY_SECONDS },
  );
}
