import type { Readable } from 'node:stream';

/**
 * Bytes of a part. The store takes 10,000 parts of 5 MiB and more, the last excepted; so that 64 GiB, the most that a file may have, fit, and
 * memory holds little.
 */
export const PART_BYTES = 8 * 1024 * 1024;

/** A stream in parts of `PART_BYTES`, the last being what is left; an empty stream is one empty part. */
export async function* inParts(stream: Readable): AsyncGenerator<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  let chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
    let rest =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    // A full part goes when more comes: only then is it known not to be the last.
    while (length + rest.length > PART_BYTES) {
      const fitting = rest.subarray(0, PART_BYTES - length);
      rest = rest.subarray(fitting.length);
      yield { bytes: Buffer.concat([...chunks, fitting]), isLast: false };
      chunks = [];
      length = 0;
    }
    chunks.push(rest);
    length += rest.length;
  }
  yield { bytes: Buffer.concat(chunks), isLast: true };
}
