import type { Readable } from 'node:stream';

/** Bytes by id. Ids are made by the caller: `/`-separated words of `[A-Za-z0-9._-]`, e.g. `runs/<run id>/<uuid>`. */
export interface Blobs {
  /** Keeps the bytes; when it resolves they survive a power cut. Overwrites. */
  put(id: string, bytes: Uint8Array | Readable): Promise<{ size: number }>;
  /** @throws BlobMissing */
  get(id: string): Promise<Buffer>;
  /** A stream of the bytes, for answers. @throws BlobMissing */
  open(id: string): Promise<{ stream: Readable; size: number }>;
  /** Removes one blob, or with a trailing `/` everything below. Missing ones are no error. */
  remove(idOrPrefix: string): Promise<void>;
}

/** The bytes are not there: deleted, or lost outside the platform. */
export class BlobMissing extends Error {
  constructor(id: string) {
    super(`No blob with id ${id}.`);
    this.name = 'BlobMissing';
  }
}
