import type { FoundLog } from '../../operations/run-records.ts';
import { text, time } from './present-run.ts';

/** The properties of a log line, in the order of the reference page. Its run is an embed. */
export const LOG_FIELDS = ['id', 'run_id', 'level_code', 'message', 'timestamp', 'meta'] as const;

/** The JSON text of each property of a log line. Inside a run its `run` is null: it would hold the line again. */
export function presentLog(log: FoundLog): Record<(typeof LOG_FIELDS)[number] | 'run', string> {
  const place = log.nodeId === null ? null : { node_key: log.nodeId, iteration: log.iteration };
  return {
    id: text(log.id),
    run_id: text(log.runId),
    level_code: text(log.level),
    message: text(log.message),
    timestamp: time(log.at),
    meta: text(place === null ? log.meta : { ...log.meta, ...place }),
    run: 'null',
  };
}
