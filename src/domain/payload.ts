/**
 * JSON text that the platform keeps for a run, or a reference to it when it is large.
 *
 * It travels as text from the store to the wire: list and get paths splice it into answers and never parse it.
 * A reference starts with `@`, which no JSON text does, so that one text column holds both.
 */
export type Payload = string;

/** Payloads above this many UTF-16 units live in blobs: rows stay small enough to scan, and a page of 50 stays in memory. */
export const INLINE_PAYLOAD_LIMIT = 256 * 1024;

/** The payload that points at blob `blobId`, whose JSON text has `bytes` bytes. */
export function payloadReference(blobId: string, bytes: number): Payload {
  return `@${bytes}:${blobId}`;
}

/** The blob a payload points at, or null when the payload is the JSON text itself. */
export function referencedBlob(payload: Payload): { blobId: string; bytes: number } | null {
  if (!payload.startsWith('@')) return null;
  const colon = payload.indexOf(':');
  return { bytes: Number(payload.slice(1, colon)), blobId: payload.slice(colon + 1) };
}
