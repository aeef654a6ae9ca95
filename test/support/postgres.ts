import { afterAll, beforeAll } from 'vitest';
import postgres from '../../src/store/postgres/driver.ts';
import { PostgresCluster } from './cluster.ts';
import { needsProgram } from './programs.ts';

/** A PostgreSQL cluster of its own for one test file. */
export interface Cluster {
  /** A connection string to its database. */
  readonly url: string;
  /** The same with a schema of its own, which nobody has written to. */
  newSchema(): { readonly url: string; drop(): Promise<void> };
  /** Everything the server was asked to do since it started. */
  statements(): string[];
  /** Ends the server as a power cut does; `start` starts it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Both, one after the other. */
  crash(): Promise<void>;
}

/**
 * Starts a cluster before the tests of a file and removes it after them. Where PostgreSQL is missing the tests are skipped with the command that
 * brings it.
 * @param settings of the server, beside those that suit tests
 */
export function startsPostgres(settings: Readonly<Record<string, string>> = {}): Cluster {
  const program = needsProgram('postgres');
  let schemas = 0;
  let cluster: PostgresCluster | null = null;
  let admin: ReturnType<typeof postgres> | null = null;

  beforeAll(async () => {
    if (program === null) return;
    cluster = await PostgresCluster.open(program, { log_statement: 'all', log_parameter_max_length: '0', ...settings });
    admin = postgres(cluster.url, { max: 1, onnotice: () => undefined });
  }, 60_000);

  afterAll(async () => {
    await admin?.end({ timeout: 1 });
    await cluster?.remove();
  });

  const opened = (): PostgresCluster => {
    if (cluster === null) throw new Error('The cluster starts before the first test, and not earlier.');
    return cluster;
  };
  return {
    get url() {
      return opened().url;
    },
    newSchema() {
      schemas += 1;
      const name = `test_${schemas}`;
      return {
        url: `${opened().url}?schema=${name}`,
        drop: async () => {
          await admin?.unsafe(`drop schema if exists ${name} cascade`);
        },
      };
    },
    statements: () => opened().statements(),
    stop: () => opened().stop('immediate'),
    start: () => opened().start(),
    async crash() {
      await opened().stop('immediate');
      await opened().start();
    },
  };
}
