import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import { SESSION_MS } from '../../operations/sessions.ts';
import { debugSessionRoutes } from '../debug-session-routes.ts';
import { accountRoutes } from './account-routes.ts';
import { credentialRoutes } from './credential-routes.ts';
import { answerError, answerNotFound } from './errors.ts';
import { evaluationRoutes } from './evaluation-routes.ts';
import { refuseOtherSites, SECURITY_HEADERS, sealOf, setSeal } from './page-security.ts';
import type { ExplorerParts } from './parts.ts';
import { personRequestLiveRoutes } from './person-request-live-routes.ts';
import { personRequestRoutes } from './person-request-routes.ts';
import { runActionRoutes } from './run-action-routes.ts';
import { runExportRoutes } from './run-export-routes.ts';
import { runListRoutes } from './run-list-routes.ts';
import { runLiveRoutes } from './run-live-routes.ts';
import { runRoutes } from './run-routes.ts';
import { savedViewRoutes } from './saved-view-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { triggerRoutes } from './trigger-routes.ts';
import { workflowRoutes } from './workflow-routes.ts';

/** Routes by noun, each file with the reading and presenting of its noun. */
const ROUTES: readonly ((api: FastifyInstance, parts: ExplorerParts) => void)[] = [
  runListRoutes,
  runLiveRoutes,
  runExportRoutes,
  runRoutes,
  runActionRoutes,
  savedViewRoutes,
  workflowRoutes,
  personRequestRoutes,
  personRequestLiveRoutes,
  evaluationRoutes,
  accountRoutes,
  credentialRoutes,
  triggerRoutes,
];

/**
 * The API of the run explorer (`docs/dialects/explorer.md`): one plugin that answers the page of this server alone, by the cookie of its session.
 * A key in a header opens nothing here, and the cookie nothing elsewhere.
 */
export async function explorer(app: FastifyInstance, parts: ExplorerParts): Promise<void> {
  await app.register(multipart, {
    // A byte more than is taken: a file that was cut off at this limit is told from one that just fits.
    limits: { fileSize: parts.maxFileBytes + 1, files: 1 },
    throwFileSizeLimit: false,
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS).header('cache-control', 'no-store');
    refuseOtherSites(request, parts.publicUrl);
  });
  sessionRoutes(app, parts);
  await app.register(async (api) => {
    api.addHook('onRequest', async (request, reply) => {
      const { caller, renewed } = await parts.sessions.callerOf(sealOf(request));
      request.caller = caller;
      if (renewed !== null) setSeal(request, reply, renewed, SESSION_MS / 1000);
    });
    for (const routes of ROUTES) routes(api, parts);
    debugSessionRoutes(api, { debugSessions: parts.debugSessions, answers: () => ({}), tags: [] });
  });
}
