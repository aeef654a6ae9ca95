/**
 * Every right there is, in the order in which they are shown: one right for each thing that can be reached, whatever the dialects call it.
 * A key has some of them; the first and the preset key have all.
 */
export const SCOPES = [
  'workflows:read',
  'workflows:write',
  'comfyui-workflows:read',
  'comfyui-workflows:create',
  'comfyui-workflows:edit',
  'comfyui-workflows:delete',
  'models:read',
  'models:write',
  'runs:create',
  'runs:read',
  'runs:stop',
  'runs:execute',
  'runs:delete',
  'runs:import',
  'people:read',
  'people:answer',
  'evaluations:create',
  'evaluations:read',
  'evaluations:edit',
  'files:read',
  'files:write',
  'credentials:read',
  'credentials:write',
  'credit_balance:read',
  'triggers:read',
  'triggers:write',
  'admin',
] as const;
export type Scope = (typeof SCOPES)[number];

/** What Runflow calls rights that have a name already (runflow-api.md 1.1): a flow is a workflow, an asset is a stored file. */
export const SCOPE_ALIASES: Readonly<Record<string, Scope>> = {
  'flows:read': 'workflows:read',
  'assets:read': 'files:read',
  'assets:create': 'files:write',
  'assets:edit': 'files:write',
};

/** Who asks: an API key, the workspace it is bound to, and what it may do there. */
export interface Caller {
  readonly keyId: string;
  readonly keyName: string;
  readonly keyPrefix: string;
  readonly workspaceId: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** A key as it is kept: only digests and the first characters, never the key. */
export interface ApiKey {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** SHA-256 of the key, hex. Keys that are made here carry 256 bits of entropy, so that a plain digest is enough. */
  readonly digest: string;
  /** The text before the last rotation, while it is still taken. */
  readonly former: { readonly digest: string; readonly validUntil: number } | null;
  /** The first characters, for people to tell keys apart. */
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  /** The id of the key that made it; null for the keys that the platform makes itself at its start. */
  readonly createdBy: string | null;
  readonly expiresAt: number | null;
  /** Requests a minute; null: as many as the server can take. */
  readonly rateLimit: number | null;
  /** To the minute: written at most once in that time. */
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
  /** The number of kept changes, 1 for a new key. Uses do not count. */
  readonly revision: number;
}

/** Whether a key opens anything: `expired` and `revoked` are for good. */
export type KeyState = 'valid' | 'expired' | 'revoked';

/** How a key stands at a time, in epoch milliseconds. */
export function keyState(key: ApiKey, now: number): KeyState {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'valid';
}

/** The tenant everything belongs to. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}
