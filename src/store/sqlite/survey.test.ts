import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeSurveys } from '../surveys.conformance.ts';
import { connection } from './connection.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { surveyRuns } from './survey.ts';

describeSurveys('the embedded store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-survey-'));
  const store = openSqliteStore(folder);
  const db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true });
  const on = connection(db);
  return {
    store,
    async surveyRuns(request, limits) {
      const steps = surveyRuns(on, request, limits);
      for (;;) {
        const { done, value } = steps.next();
        if (done) return value;
      }
    },
    async dispose() {
      db.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
