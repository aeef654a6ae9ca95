import type { RunLog } from '../../domain/run-log.ts';
import type { LogRow } from './wire.ts';

export function presentLog({ id, nodeId, iteration, level, message, at, meta }: RunLog): LogRow {
  return { id, nodeId, iteration, level, message, at, meta };
}
