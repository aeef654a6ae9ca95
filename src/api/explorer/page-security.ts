import type { FastifyReply, FastifyRequest } from 'fastify';
import { PlatformError } from '../../domain/error.ts';

/** What every answer to a browser carries: nothing from elsewhere, no script or style within a page, no frame around it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': policy("'self'"),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

/**
 * The policy of an answer that holds the page: style elements with the nonce are its own, since its editors make theirs as they go.
 * @param nonce unguessable, new for each answer
 */
export function pagePolicy(nonce: string): string {
  return policy(`'self' 'nonce-${nonce}'`);
}

function policy(styles: string): string {
  return [
    "default-src 'self'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data: blob:",
    "media-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The header that a page of another origin cannot send without asking first, which this server never allows. */
const OWN_HEADER = 'x-millrun-explorer';

const CHANGES_NOTHING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The name of the session's cookie. */
const COOKIE = 'millrun_session';

/**
 * Refuses what another site may have made a browser send: a request that changes something must carry the header and come from the same origin, by
 * the word of the browser (`Sec-Fetch-Site`) or, where it says nothing as over plain HTTP, by its `Origin`.
 * @throws PlatformError `forbidden`
 */
export function refuseOtherSites(request: FastifyRequest, publicUrl: string | null): void {
  if (CHANGES_NOTHING.has(request.method)) return;
  const { headers } = request;
  if (headers[OWN_HEADER] === undefined) {
    const message = 'A request that changes something carries the header X-Millrun-Explorer: 1, as the page sends it.';
    throw new PlatformError('forbidden', message);
  }
  const site = headers['sec-fetch-site'];
  if (site === undefined ? isOwnOrigin(headers.origin, request.host, publicUrl) : site === 'same-origin') return;
  const message = `This request came from ${headers.origin ?? 'nowhere that is known'}, and the explorer answers its own page alone. Open ${publicUrl ?? `http://${request.host}`}, or set publicUrl to the address that the page has.`;
  throw new PlatformError('forbidden', message);
}

function isOwnOrigin(origin: string | undefined, host: string, publicUrl: string | null): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false;
  const given = new URL(origin).host;
  return given === host || (publicUrl !== null && given === new URL(publicUrl).host);
}

/** The seal in the session's cookie; undefined without one. */
export function sealOf(request: FastifyRequest): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === COOKIE) return value;
  }
  return undefined;
}

/** Has the browser keep the seal, out of reach of scripts, and send it to this site alone; null: has it forgotten. */
export function setSeal(request: FastifyRequest, reply: FastifyReply, seal: string | null, seconds: number): void {
  const isSecure =
    request.protocol === 'https' || String(request.headers['x-forwarded-proto'] ?? '').startsWith('https');
  const parts = [
    `${COOKIE}=${seal ?? ''}`,
    'HttpOnly',
    'SameSite=Strict',
    'Path=/',
    `Max-Age=${seal === null ? 0 : seconds}`,
  ];
  reply.header('set-cookie', [...parts, ...(isSecure ? ['Secure'] : [])].join('; '));
}
