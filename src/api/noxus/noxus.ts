import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { debugSessionRoutes } from '../debug-session-routes.ts';
import type { DialectParts } from '../dialect.ts';
import { describeApi } from '../openapi.ts';
import { credentialRoutes } from './credential-routes.ts';
import { answerError, answerNotFound } from './errors.ts';
import { fileRoutes } from './file-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { modelSettingsRoutes } from './model-settings-routes.ts';
import { personRequestRoutes } from './person-request-routes.ts';
import { recordRoutes } from './record-routes.ts';
import { replayRoutes } from './replay-routes.ts';
import { answers } from './route-schema.ts';
import { runRoutes } from './run-routes.ts';
import * as schemas from './schemas.ts';
import { startUpRoutes } from './start-up-routes.ts';
import { triggerRoutes } from './trigger-routes.ts';
import { workflowRoutes } from './workflow-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; set before any handler of a dialect runs. */
    caller: Caller;
  }
}

/** The Noxus API (`docs/dialects/noxus.md`): one plugin with its own authentication, errors and 404. */
export async function noxus(app: FastifyInstance, parts: DialectParts): Promise<void> {
  const { access } = parts;
  for (const component of schemas.COMPONENTS) app.addSchema(component);
  await describeApi(app, {
    title: 'Millrun: Noxus runs API',
    prefix: '/noxus',
    security: { APIKeyHeader: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
  });
  await app.register(multipart, {
    // A byte more than is taken: a file that was cut off at this limit is told from one that just fits.
    limits: { fileSize: parts.maxFileBytes + 1, files: 1 },
    throwFileSizeLimit: false,
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.decorateRequest('caller');

  await app.register(async (api) => {
    api.addHook('onRequest', async (request) => {
      const header = request.headers['x-api-key'];
      request.caller = await access.callerOf(Array.isArray(header) ? header[0] : header);
    });
    startUpRoutes(api, parts);
    workflowRoutes(api, parts);
    runRoutes(api, parts);
    recordRoutes(api, parts);
    replayRoutes(api, parts);
    personRequestRoutes(api, parts);
    fileRoutes(api, parts);
    keyRoutes(api, parts.keys);
    credentialRoutes(api, parts);
    modelSettingsRoutes(api, parts);
    triggerRoutes(api, parts);
    const { debugSessions } = parts;
    const held = { 409: Type.Ref('PlainError', { description: 'The run is not held, or not at that node.' }) };
    debugSessionRoutes(api, {
      debugSessions,
      answers: (schema) => ({ ...answers(schema), ...held }),
      tags: ['V1 - Debugger'],
    });
  });
}
