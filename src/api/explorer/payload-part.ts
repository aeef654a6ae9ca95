import type { Runs } from '../../operations/runs.ts';
import type { PayloadKind, PayloadPart } from './wire.ts';

/** Characters of JSON that an answer carries whole. More makes a page wait for what it may not show. */
const WHOLE_LENGTH = 64 * 1024;

/** Characters of the beginning of a larger one. */
const BEGINNING_LENGTH = 4096;

/** What a run was given or gave, as a page takes it: of a large one only the beginning is read. */
export async function runPart(runs: Runs, payload: string, href: string): Promise<PayloadPart> {
  const { text, bytes } = await runs.beginning(payload, WHOLE_LENGTH);
  return Buffer.byteLength(text) === bytes
    ? { bytes, value: JSON.parse(text), href }
    : { bytes, beginning: text.slice(0, BEGINNING_LENGTH), href };
}

/** JSON text as a page takes it: whole when it is small. */
export function payloadPart(text: string, href: string): PayloadPart {
  const bytes = Buffer.byteLength(text);
  return text.length <= WHOLE_LENGTH
    ? { bytes, value: JSON.parse(text), href }
    : { bytes, beginning: text.slice(0, BEGINNING_LENGTH), href };
}

/** Where all of a payload is streamed from. */
export function payloadHref(runId: string, part: PayloadKind, node: { id: string; iteration: number } | null): string {
  const query = new URLSearchParams({ part, ...(node && { node: node.id, iteration: String(node.iteration) }) });
  return `/explorer/v1/runs/${runId}/payload?${query.toString()}`;
}
