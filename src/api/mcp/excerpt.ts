import Type, { type Static } from 'typebox';
import type { Runs } from '../../operations/runs.ts';

/** Characters of a payload that the facts of a run show: what most runs take and give fits. */
const SHOWN_LENGTH = 2000;

/** The beginning of a JSON text. */
export const Excerpt = Type.Object({
  text: Type.String({ description: 'JSON text, from its beginning.' }),
  bytes: Type.Integer({ description: 'Length of the whole text in UTF-8.' }),
  is_cut: Type.Boolean({ description: 'There is more: read_run_content reads it.' }),
});

/** The beginning of an input or output of a run, without reading all of it. */
export async function excerpt(runs: Runs, payload: string): Promise<Static<typeof Excerpt>> {
  const { text, bytes } = await runs.beginning(payload, SHOWN_LENGTH);
  return { text, bytes, is_cut: Buffer.byteLength(text) < bytes };
}

/** A stretch of a text, with where the next one begins; null: nothing follows. Offsets are UTF-16 code units. */
export interface Stretch {
  readonly text: string;
  readonly nextOffset: number | null;
}

/** A stretch of a text that is in memory. */
export function stretchOf(text: string, offset: number, length: number): Stretch {
  const end = offset + length;
  return { text: text.slice(offset, end), nextOffset: end < text.length ? end : null };
}

/** A stretch of an input or output of a run; of a large one no more is read than up to its end. */
export async function stretch(runs: Runs, payload: string, offset: number, length: number): Promise<Stretch> {
  const { text } = await runs.open(payload);
  if (typeof text === 'string') return stretchOf(text, offset, length);
  const end = offset + length;
  let position = 0;
  let found = '';
  // What is read out ends the loop, and that the stream.
  for await (const chunk of text.setEncoding('utf8') as AsyncIterable<string>) {
    found += chunk.slice(Math.max(0, offset - position), Math.max(0, end - position));
    position += chunk.length;
    if (position > end) return { text: found, nextOffset: end };
  }
  return { text: found, nextOffset: null };
}
