/** A file that a caller uploaded or a node fetched. Its bytes are a blob. */
export interface StoredFile {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly blobId: string;
  readonly createdAt: number;
}

/** The reference a definition or an input uses for a stored file. */
export function storedFileUri(id: string): string {
  return `spot://${id}`;
}

/** The id in a stored-file reference, or null when `uri` is something else. */
export function storedFileId(uri: string): string | null {
  return uri.startsWith('spot://') ? uri.slice('spot://'.length) : null;
}
