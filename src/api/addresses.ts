import type { FastifyRequest } from 'fastify';
import type { Trigger } from '../domain/trigger.ts';
import type { SignedAsset } from '../operations/assets.ts';

/** Addresses under which this server can be reached, for links in its answers. */
export class Addresses {
  readonly #publicUrl: string | null;

  /** @param publicUrl without a slash at its end; null: whatever address the request came to */
  constructor(publicUrl: string | null) {
    this.#publicUrl = publicUrl;
  }

  /** Where an asset's bytes are read, by whoever has the address. */
  content(request: FastifyRequest): (signed: SignedAsset) => string {
    const base = this.#base(request);
    return (signed) => `${base}/runflow/v1/asset-content/${signed.assetId}?${queryOf(signed)}`;
  }

  /** Where the bytes of an announced file are sent. */
  upload(request: FastifyRequest, signed: SignedAsset): string {
    return `${this.#base(request)}/runflow/v1/asset-uploads/${signed.assetId}/content?${queryOf(signed)}`;
  }

  /**
   * Where a trigger takes requests, to be read by people; null for one that takes none.
   * @param secret what ends the address where it is the secret; null: `{secret}` stands for it
   */
  webhook(request: FastifyRequest, { id, definition }: Trigger, secret: string | null): string | null {
    if (definition.type !== 'webhook') return null;
    return `${this.#base(request)}/hooks/${id}${definition.verify === 'path' ? `/${secret ?? '{secret}'}` : ''}`;
  }

  #base(request: FastifyRequest): string {
    return this.#publicUrl ?? `${request.protocol}://${request.host}`;
  }
}

function queryOf({ workspaceId, expires, signature }: SignedAsset): string {
  return new URLSearchParams({ org: workspaceId, expires: String(expires), signature }).toString();
}
