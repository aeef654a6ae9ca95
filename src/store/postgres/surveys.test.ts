import { startsPostgres } from '../../../test/support/postgres.ts';
import { describeSurveys } from '../surveys.conformance.ts';
import { openConnections, readAddress, readsOf } from './connection.ts';
import { openPostgresStore } from './postgres-store.ts';
import { surveyRuns } from './surveys.ts';

const cluster = startsPostgres();

describeSurveys('the PostgreSQL store', async () => {
  const { url, drop } = cluster.newSchema();
  const store = await openPostgresStore(url);
  const sql = openConnections(readAddress(url));
  return {
    store,
    surveyRuns: (request, limits) => surveyRuns(readsOf(sql), request, limits),
    async dispose() {
      await sql.end();
      await store.close();
      await drop();
    },
  };
});
