/** A request that its sender may repeat without its work being done twice: the answer of the first is given again. */
export interface IdempotentRequest {
  readonly workspaceId: string;
  /** Chosen by the sender. */
  readonly key: string;
  /** Digest of method, address and body: the same key with another request is a mistake. */
  readonly digest: string;
  /** The id of the request that came first; what it made carries it. */
  readonly requestId: string;
  /** Null while it is worked on, or when the process died meanwhile. */
  readonly answer: { readonly status: number; readonly body: string } | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}
