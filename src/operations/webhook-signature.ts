import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { WebhookDefinition } from '../domain/trigger.ts';

/** Seconds that the time of signing may be away from ours, before and after: as Standard Webhooks has it. */
const TOLERANCE_SECONDS = 5 * 60;

const SECRET_BYTES = 32;

/** Least characters of a secret that a sender gives: below, it could be guessed from one signed request. */
const MIN_SECRET = 16;
const MAX_SECRET = 512;

/** A request as it came to a webhook. */
export interface SignedRequest {
  /** What stands behind the trigger's id in the path. */
  readonly pathSecret: string | null;
  /** By name in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A new secret: in the form of Standard Webhooks where that is what it is for, otherwise one that may stand in an address. */
export function newWebhookSecret({ verify }: WebhookDefinition): string {
  const bytes = randomBytes(SECRET_BYTES);
  return verify === 'standard' ? `whsec_${bytes.toString('base64')}` : bytes.toString('base64url');
}

/** What is wrong with a secret that somebody gives; null when nothing is. */
export function secretProblem(secret: string, { verify }: Pick<WebhookDefinition, 'verify'>): string | null {
  if (secret.length < MIN_SECRET || secret.length > MAX_SECRET) {
    return `A secret has ${MIN_SECRET} to ${MAX_SECRET} characters, given were ${secret.length}.`;
  }
  if (verify === 'path' && !/^[\w.~-]+$/.test(secret)) {
    return 'A secret that stands in the address consists of letters of A to Z, digits, "-", ".", "_" and "~".';
  }
  if (verify !== 'standard') return null;
  try {
    new Webhook(secret);
    return null;
  } catch {
    return 'A secret of Standard Webhooks is "whsec_" and a key in base64.';
  }
}

/**
 * Why a request may not start runs; null: it may. Secrets and signatures are compared in constant time.
 * @param now epoch milliseconds
 */
export function refusalOf(
  definition: WebhookDefinition,
  secret: string,
  { pathSecret, headers, body }: SignedRequest,
  now: number,
): string | null {
  switch (definition.verify) {
    case 'path':
      return isSame(pathSecret ?? '', secret) ? null : 'The secret at the end of the address is wrong or missing.';
    case 'header': {
      const given = headers[definition.header];
      if (given === undefined) return `The header ${definition.header} with the secret is missing.`;
      const isRight = isSame(given, definition.prefix + secret);
      return isRight ? null : `The secret in the header ${definition.header} is wrong.`;
    }
    case 'standard':
      return standardRefusal(secret, headers, body, now);
    case 'github':
      return signatureRefusal('x-hub-signature-256', headers, `sha256=${hmac('sha256', secret, body, 'hex')}`);
    case 'hmac': {
      const { header, prefix, algorithm, encoding, timestampHeader } = definition;
      if (timestampHeader === null) {
        return signatureRefusal(header, headers, prefix + hmac(algorithm, secret, body, encoding));
      }
      const time = headers[timestampHeader];
      if (time === undefined) return `The header ${timestampHeader} with the time of signing is missing.`;
      const signed = Buffer.concat([Buffer.from(`${time}.`, 'utf8'), body]);
      return (
        signatureRefusal(header, headers, prefix + hmac(algorithm, secret, signed, encoding)) ?? timeRefusal(time, now)
      );
    }
  }
}

/** https://www.standardwebhooks.com, "Verifying webhooks": several signatures may be given, of which one has to be right. */
function standardRefusal(secret: string, headers: SignedRequest['headers'], body: Buffer, now: number): string | null {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': given } = headers;
  if (id === undefined || time === undefined || given === undefined) {
    return 'The headers webhook-id, webhook-timestamp and webhook-signature are needed, and one of them is missing.';
  }
  const refusal = timeRefusal(time, now);
  if (refusal !== null) return refusal;
  const expected = new Webhook(secret).sign(id, new Date(Number(time) * 1000), body);
  const isRight = given.split(' ').some((one) => isSame(one, expected));
  return isRight ? null : 'None of the signatures in the header webhook-signature is right.';
}

function signatureRefusal(header: string, headers: SignedRequest['headers'], expected: string): string | null {
  const given = headers[header];
  if (given === undefined) return `The header ${header} with the signature is missing.`;
  return isSame(given, expected) ? null : `The signature in the header ${header} is wrong.`;
}

function timeRefusal(time: string, now: number): string | null {
  const seconds = /^\d{1,12}$/.test(time) ? Number(time) : Number.NaN;
  if (Number.isNaN(seconds)) return 'The time of signing is not a number of seconds since 1970.';
  const away = Math.abs(Math.floor(now / 1000) - seconds);
  if (away <= TOLERANCE_SECONDS) return null;
  return `It was signed ${away} s away from this server's clock; at most ${TOLERANCE_SECONDS} s are taken.`;
}

function hmac(algorithm: string, secret: string, body: Buffer, encoding: 'hex' | 'base64'): string {
  return createHmac(algorithm, secret).update(body).digest(encoding);
}

/** In a time that tells nothing of where they differ, nor of how long the right one is: digests have one length. */
function isSame(given: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(given), digest(right));
}
