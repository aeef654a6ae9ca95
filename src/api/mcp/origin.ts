import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { PlatformError } from '../../domain/error.ts';

/**
 * Refuses requests of pages of other sites (MCP 2025-11-25, "Streamable HTTP", Security Warning). A page may call from the public address of this
 * server, or from the address it was called at where that is `localhost` or a number: a name that an attacker owns can be made to lead here.
 * Programs send no Origin.
 * @throws PlatformError `forbidden`
 */
export function refuseOtherSites({ headers: { origin }, host }: FastifyRequest, publicUrl: string | null): void {
  if (origin === undefined) return;
  const given = URL.canParse(origin) ? new URL(origin) : null;
  if (given !== null && publicUrl !== null && given.host === new URL(publicUrl).host) return;
  if (given !== null && given.host === host && isRebindable(given.hostname) === false) return;
  const message = `Pages of ${origin.slice(0, 200)} may not call this server. Set publicUrl to the address that the page has, or call from a program.`;
  throw new PlatformError('forbidden', message);
}

/** Whether the name's owner decides where it leads. */
function isRebindable(hostname: string): boolean {
  return hostname !== 'localhost' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0;
}
