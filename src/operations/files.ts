import type { Readable } from 'node:stream';
import type { Blobs } from '../blobs/blobs.ts';
import type { Caller } from '../domain/caller.ts';
import { notFound, PlatformError } from '../domain/error.ts';
import type { StoredFile } from '../domain/stored-file.ts';
import type { NodeFiles } from '../nodes/node-type.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';

export class Files {
  readonly #store: Store;
  readonly #blobs: Blobs;
  readonly #system: System;
  readonly #maxBytes: number;

  constructor(parts: { store: Store; blobs: Blobs; system: System; maxBytes: number }) {
    this.#maxBytes = parts.maxBytes;
    this.#store = parts.store;
    this.#blobs = parts.blobs;
    this.#system = parts.system;
  }

  /** @throws PlatformError `too_large`; nothing of the file is kept then */
  async save(
    caller: Caller,
    file: { name: string; contentType: string; bytes: Uint8Array | Readable },
  ): Promise<StoredFile> {
    demand(caller, 'files:write');
    return this.#keep(caller.workspaceId, file, this.#maxBytes);
  }

  /** @throws PlatformError `not_found` */
  async open(caller: Caller, fileId: string): Promise<{ file: StoredFile; stream: Readable; size: number }> {
    demand(caller, 'files:read');
    const file = await this.#store.getFile(caller.workspaceId, fileId);
    if (file === null) throw notFound('file', fileId);
    return { file, ...(await this.#blobs.open(file.blobId)) };
  }

  /** The files of a workspace, as nodes that run in it see them. */
  ofWorkspace(workspaceId: string): NodeFiles {
    return {
      read: async (fileId) => {
        const file = await this.#store.getFile(workspaceId, fileId);
        return file === null ? null : { file, bytes: await this.#blobs.get(file.blobId) };
      },
      save: (file) => this.#keep(workspaceId, file),
    };
  }

  /** The bytes go first: a crash in between leaves bytes that nobody points at, never a file without bytes. */
  async #keep(
    workspaceId: string,
    given: { name: string; contentType: string; bytes: Uint8Array | Readable },
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<StoredFile> {
    const id = this.#system.newId();
    const blobId = `files/${id}`;
    const { size } = await this.#blobs.put(blobId, given.bytes);
    if (size > maxBytes) {
      await this.#blobs.remove(blobId);
      throw new PlatformError(
        'too_large',
        `The file "${given.name}" has more than ${maxBytes} bytes, the most this server takes (MILLRUN_MAX_FILE_BYTES).`,
      );
    }
    const file = {
      id,
      workspaceId,
      name: given.name,
      contentType: given.contentType,
      size,
      blobId,
      createdAt: this.#system.now(),
    };
    await this.#store.commit([{ kind: 'createFile', file }]);
    return file;
  }
}
