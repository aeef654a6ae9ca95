/**
 * A secret that deliveries of the Runflow API are signed with. Its text is derived from the installation's secret and this id, so that nothing
 * of it is stored: it is shown once, when it is made.
 */
export interface CallbackSecret {
  readonly id: string;
  readonly workspaceId: string;
  readonly label: string | null;
  /** The first characters of its text, for people to tell secrets apart. */
  readonly prefix: string;
  /** Signs. At most one of a workspace does; the one before it stays until it is disabled, so that receivers can change over. */
  readonly isCurrent: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly disabledAt: number | null;
  readonly lastUsedAt: number | null;
}
