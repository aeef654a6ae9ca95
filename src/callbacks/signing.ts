import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Delivery } from '../domain/callback.ts';

/** What a try is signed with. */
export interface SigningKeys {
  /** `whsec_` and the key in base64. */
  readonly deriveSecret: (workspaceId: string) => string;
  /** The text of the secret that the workspace signs with at present; null when it has none. */
  readonly current: { readonly id: string; readonly text: string } | null;
}

/** The headers by which a receiver knows who sent a delivery, in the way of the API that its run was started through. */
export function signedHeaders(delivery: Delivery, at: number, keys: SigningKeys): Record<string, string> {
  return delivery.dialect === 'noxus' ? standardHeaders(delivery, at, keys) : runflowHeaders(delivery, keys);
}

/** https://www.standardwebhooks.com, "Webhook headers": the id stays the same over all tries, so that receivers can tell a repetition. */
function standardHeaders(delivery: Delivery, at: number, { deriveSecret }: SigningKeys): Record<string, string> {
  return {
    'webhook-id': delivery.id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(deriveSecret(delivery.workspaceId)).sign(delivery.id, new Date(at), delivery.body),
  };
}

/** runflow-api.md 4: lower-case hex over the raw body, without time or prefix, and only where the workspace has a secret. */
function runflowHeaders(delivery: Delivery, { current }: SigningKeys): Record<string, string> {
  return {
    'webhook-id': delivery.id,
    ...(delivery.requestId === null ? {} : { 'runflow-request-id': delivery.requestId }),
    ...(current === null
      ? {}
      : { 'runflow-signature': createHmac('sha256', current.text).update(delivery.body).digest('hex') }),
  };
}
