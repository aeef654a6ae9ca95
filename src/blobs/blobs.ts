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
  /** The ids and sizes of everything below, in the order of the ids' code points. @param after the id that the list goes on behind */
  list(after?: string): AsyncIterable<{ readonly id: string; readonly size: number }>;
  /** Addresses at which clients reach bytes without this server; null where there are none, or none are to be given out. */
  readonly direct: DirectAddresses | null;
}

/** Addresses at the blob store itself. Whoever has one may use it for as long as it is good. */
export interface DirectAddresses {
  /** Where the bytes are read with GET. @param as the headers of the answer @param seconds how long it is good for, a week at most */
  read(
    id: string,
    as: { readonly contentType: string; readonly disposition: string },
    seconds: number,
  ): Promise<string>;
  /** Where exactly `size` bytes are written with PUT. @param seconds how long it is good for, a week at most */
  write(id: string, size: number, seconds: number): Promise<string>;
  /** Moves what was written at an address to an id to which no address leads; null when nothing was. */
  take(from: string, to: string): Promise<{ readonly size: number } | null>;
}

/** Blobs with connections that are to be closed. */
export interface OpenedBlobs extends Blobs {
  close(): void;
}

/** The bytes are not there: deleted, or lost outside the platform. */
export class BlobMissing extends Error {
  constructor(id: string) {
    super(`No blob with id ${id}.`);
    this.name = 'BlobMissing';
  }
}
