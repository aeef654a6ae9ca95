import type { JsonObject } from '../../domain/json.ts';

/** The name of the rate for graphs whose GPU has none of its own, or that name no GPU. */
const DEFAULT_RATE = 'default';

/**
 * What a second on a GPU costs, as measures tell it; nothing where no rate is configured for it.
 * @param gpu as a workflow names it, in whatever case; null: it names none
 * @param rates US dollars for a second, decimal numbers as text, by GPU
 */
export function gpuRate(gpu: string | null, rates: Readonly<Record<string, string>>): JsonObject {
  const wanted = [...(gpu === null ? [] : [gpu.toLowerCase()]), DEFAULT_RATE];
  for (const name of wanted) {
    const found = Object.keys(rates).find((known) => known.toLowerCase() === name);
    if (found !== undefined) return { gpu: gpu ?? DEFAULT_RATE, rate: rates[found]! };
  }
  return gpu === null ? {} : { gpu };
}
