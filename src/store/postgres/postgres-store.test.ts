import { startsPostgres } from '../../../test/support/postgres.ts';
import { describeClaims } from '../claims.conformance.ts';
import { describeCredentials } from '../credentials.conformance.ts';
import { describeEvaluations } from '../evaluations.conformance.ts';
import { describeInvokedRuns } from '../invoked-runs.conformance.ts';
import { describePersonRequests } from '../person-requests.conformance.ts';
import { describeRunQueries } from '../run-queries.conformance.ts';
import { describeStore, type OpenedStore } from '../store.conformance.ts';
import { describeWorkflowLists } from '../workflow-lists.conformance.ts';
import { openPostgresStore } from './postgres-store.ts';

const cluster = startsPostgres();

async function openNew(runsPerWorkspace: number | null = null): Promise<OpenedStore> {
  const { url, drop } = cluster.newSchema();
  let store = await openPostgresStore(url, { runsPerWorkspace });
  return {
    store,
    async reopen() {
      await store.close();
      store = await openPostgresStore(url, { runsPerWorkspace });
      return store;
    },
    async dispose() {
      await store.close();
      await drop();
    },
  };
}

describeStore('the PostgreSQL store', () => openNew());
describeRunQueries('the PostgreSQL store', () => openNew());
describeWorkflowLists('the PostgreSQL store', () => openNew());
describeEvaluations('the PostgreSQL store', () => openNew());
describeClaims('the PostgreSQL store', openNew);
describePersonRequests('the PostgreSQL store', () => openNew());
describeInvokedRuns('the PostgreSQL store', () => openNew());
describeCredentials('the PostgreSQL store', () => openNew());
