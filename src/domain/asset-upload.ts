/** A file that somebody announced and is about to send. Its id becomes the file's. Times are epoch milliseconds. */
export interface AssetUpload {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly createdAt: number;
  /** Until then its bytes are taken, and it is kept. */
  readonly expiresAt: number;
  /** When its bytes arrived, whole. */
  readonly receivedAt: number | null;
}
