import Big from 'big.js';
import { isJsonObject, type JsonObject } from '../domain/json.ts';

/** Time on a GPU that a node measured. */
export interface GpuTime {
  /** Decimal number as text. */
  readonly seconds: string;
  readonly gpu: string | null;
  /** US dollars for a second, as text; null: none is configured. */
  readonly rate: string | null;
}

/** What a node says in its output `measures` of its time on a GPU; a node that ran once per item says it for each. */
export function gpuTimes(outputs: JsonObject | null): GpuTime[] {
  const measures = outputs?.['measures'];
  return [measures].flat().flatMap((one): GpuTime[] => {
    if (!isJsonObject(one)) return [];
    const { gpu_seconds: seconds, gpu, rate } = one;
    if (!isDecimal(seconds)) return [];
    return [{ seconds, gpu: typeof gpu === 'string' ? gpu : null, rate: isDecimal(rate) ? rate : null }];
  });
}

/**
 * What time on GPUs costs: seconds times the rate, exactly. Null where no rate is known for any of it.
 * @returns the parts as well: `{gpu, seconds, rate}` when all was on one GPU, else a list of those under `gpu_parts`
 */
export function gpuCost(times: readonly GpuTime[]): { readonly cost: string; readonly parts: JsonObject } | null {
  const rated = times.filter((time) => time.rate !== null);
  if (rated.length === 0) return null;
  const lines = [...Map.groupBy(rated, ({ gpu, rate }) => JSON.stringify([gpu, rate])).values()].map((group) => {
    const seconds = group.reduce((sum, time) => sum.plus(time.seconds), new Big(0));
    return { gpu: group[0]!.gpu, seconds: seconds.toFixed(), rate: group[0]!.rate! };
  });
  const cost = lines.reduce((sum, { seconds, rate }) => sum.plus(new Big(seconds).times(rate)), new Big(0));
  return { cost: cost.toFixed(), parts: lines.length === 1 ? lines[0]! : { gpu_parts: lines } };
}

function isDecimal(value: JsonObject[string] | undefined): value is string {
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value);
}
