import type { FindOptions, Listed } from '../store.ts';
import { batches, batchItems } from './batch-lists.ts';
import { evaluations } from './evaluation-lists.ts';
import type { ListSource } from './keyset.ts';
import type { ListDialect } from './list-dialect.ts';
import { personRequests } from './person-request-lists.ts';
import { logs, nodeRuns, runs } from './run-lists.ts';
import { versions, workflows } from './workflow-lists.ts';

/** Everything that `Store.find` lists. */
export const LIST_SOURCES: {
  readonly [K in keyof Listed]: (options: FindOptions, dialect: ListDialect) => ListSource<Listed[K]>;
} = { runs, nodeRuns, logs, workflows, versions, batches, batchItems, evaluations, personRequests };
