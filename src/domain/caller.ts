export const SCOPES = [
  'workflows:read',
  'workflows:write',
  'runs:create',
  'runs:read',
  'runs:stop',
  'runs:delete',
  'files:read',
  'files:write',
  'evaluations:create',
  'evaluations:read',
  'evaluations:edit',
  'admin',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks: an API key, the workspace it is bound to, and what it may do there. */
export interface Caller {
  readonly keyId: string;
  readonly keyName: string;
  readonly keyPrefix: string;
  readonly workspaceId: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** A key as it is kept: only a digest and the first characters, never the key. */
export interface ApiKey {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** SHA-256 of the key, hex. Keys carry 256 bits of entropy, so that a plain digest is enough. */
  readonly digest: string;
  /** The first characters, for people to tell keys apart. */
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

/** The tenant everything belongs to. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}
