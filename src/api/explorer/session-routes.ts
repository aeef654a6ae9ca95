import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { SESSION_MS, type Session } from '../../operations/sessions.ts';
import { exactly } from './list.ts';
import { sealOf, setSeal } from './page-security.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

const SignIn = exactly({ key: Type.String({ minLength: 1, maxLength: 500 }) });

/** Signing in and out, and who is signed in: the one place where a key is taken. */
export function sessionRoutes(app: FastifyInstance, { sessions, version, clock }: ExplorerParts): void {
  const present = ({ caller, expiresAt }: Session): wire.Session => ({
    keyId: caller.keyId,
    keyName: caller.keyName,
    keyPrefix: caller.keyPrefix,
    workspaceId: caller.workspaceId,
    scopes: [...caller.scopes],
    expiresAt,
    version,
    now: clock(),
  });
  app.post('/v1/session', { schema: { body: SignIn } }, async (request, reply) => {
    const { key }: wire.SignIn = request.body as Static<typeof SignIn>;
    const session = await sessions.open(key.trim());
    setSeal(request, reply, session.renewed, SESSION_MS / 1000);
    return present(session);
  });
  app.get('/v1/session', async (request, reply) => {
    const session = await sessions.callerOf(sealOf(request));
    if (session.renewed !== null) setSeal(request, reply, session.renewed, SESSION_MS / 1000);
    return present(session);
  });
  app.delete('/v1/session', async (request, reply) => {
    setSeal(request, reply, null, 0);
    return reply.code(204).send();
  });
}
