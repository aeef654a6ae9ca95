import type { KeysetPage } from '../../domain/keyset.ts';
import type { ListSource } from '../sql/keyset.ts';
import { LIST_SOURCES } from '../sql/list-sources.ts';
import type { FindOptions, FindRequest, Listed } from '../store.ts';
import type { FindLimits } from './access.ts';
import type { Connection } from './connection.ts';
import { evaluationCondition } from './evaluation-lists.ts';
import { findPage } from './find-page.ts';
import { sqliteLists } from './sqlite-lists.ts';

/** See `Store.find`. Each step takes some milliseconds at most. */
export function* find<K extends keyof Listed>(
  on: Connection,
  what: K,
  request: FindRequest,
  options: FindOptions,
  limits?: FindLimits,
): Generator<undefined, KeysetPage<Listed[K]>> {
  const source = LIST_SOURCES[what](options, sqliteLists) as ListSource<Listed[K]>;
  const evaluation = options.evaluation && evaluationCondition(on, request.workspaceId, options.evaluation);
  return yield* findPage(on, source, evaluation ? evaluation.narrowed(request) : request, limits, evaluation?.sql);
}
