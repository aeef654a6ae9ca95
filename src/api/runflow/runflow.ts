import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { invalid, PlatformError } from '../../domain/error.ts';
import type { DialectParts } from '../dialect.ts';
import { describeApi } from '../openapi.ts';
import { unknownNames } from '../unknown-names.ts';
import { accountRoutes } from './account-routes.ts';
import { assetContentRoutes, assetRoutes } from './asset-routes.ts';
import { batchRoutes } from './batch-routes.ts';
import { callbackRoutes } from './callback-routes.ts';
import { comfyuiWorkflowRoutes } from './comfyui-workflow-routes.ts';
import { credentialRoutes } from './credential-routes.ts';
import { dispatchRoutes } from './dispatch-routes.ts';
import { answerError, answerNotFound } from './errors.ts';
import { evaluationRoutes } from './evaluation-routes.ts';
import { flowRoutes } from './flow-routes.ts';
import { honourIdempotencyKeys } from './idempotency.ts';
import { keyRoutes } from './key-routes.ts';
import { logRoutes } from './log-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { modelSettingsRoutes } from './model-settings-routes.ts';
import { nodeRunRoutes } from './node-run-routes.ts';
import { personRequestRoutes } from './person-request-routes.ts';
import { runControlRoutes } from './run-control-routes.ts';
import { runRoutes } from './run-routes.ts';
import { COMPONENTS, nullable } from './schemas.ts';
import { statsRoutes } from './stats-routes.ts';

/** Routes by noun, each file with the schemas, reading and presenting of its noun. */
const ROUTES: readonly ((api: FastifyInstance, parts: DialectParts) => void)[] = [
  runRoutes,
  nodeRunRoutes,
  logRoutes,
  runControlRoutes,
  statsRoutes,
  callbackRoutes,
  assetRoutes,
  modelRoutes,
  flowRoutes,
  comfyuiWorkflowRoutes,
  dispatchRoutes,
  batchRoutes,
  evaluationRoutes,
  personRequestRoutes,
  keyRoutes,
  credentialRoutes,
  modelSettingsRoutes,
  accountRoutes,
];

/** The header that every route takes. Its own check is `refuseOtherOrganization`. */
const Headers = Type.Object({ 'X-Organization-Id': Type.Optional(nullable(Type.String())) });

/** The Runflow API (`docs/dialects/runflow.md`): one plugin with its own authentication, errors and 404. */
export async function runflow(app: FastifyInstance, parts: DialectParts): Promise<void> {
  for (const component of COMPONENTS) app.addSchema(component);
  // Before the routes are described.
  app.addHook('onRoute', ({ schema }) => {
    if (schema && !schema.hide) schema.headers ??= Headers;
  });
  await describeApi(app, {
    title: 'Millrun: Runflow API',
    prefix: '/runflow',
    security: { HTTPBearer: { type: 'http', scheme: 'bearer' } },
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    reply.header('runflow-request-id', request.id);
  });

  app.get(
    '/v1/health',
    { schema: { tags: ['Account'], summary: 'Tell whether the server is well', security: [] } },
    // The one client reads `status`, the other `ok`.
    async () => ({ status: 'ok', ok: true }),
  );

  await app.register(async (open) => assetContentRoutes(open, parts));
  await app.register(async (api) => {
    api.addHook('onRequest', async (request) => {
      request.caller = await parts.access.callerOf(bearerKey(request.headers.authorization), HOW_TO_GIVE_A_KEY);
      refuseOtherOrganization(request);
    });
    api.addHook('preValidation', async (request) => {
      refuseUnknownParameters(request);
      fillInEmptyBody(request);
    });
    honourIdempotencyKeys(api, parts.idempotency);
    for (const routes of ROUTES) routes(api, parts);
  });
}

const HOW_TO_GIVE_A_KEY = 'Send yours as Authorization: Bearer <key>.';

function bearerKey(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+)$/i.exec(header.trim())?.[1] ?? '');
}

/** The organization of a key is its workspace; there is no other for it. */
function refuseOtherOrganization({ headers, caller }: FastifyRequest): void {
  const given = headers['x-organization-id'];
  if (given === undefined || given === '' || given === caller.workspaceId) return;
  const message = `This key belongs to the organization ${caller.workspaceId}. Leave X-Organization-Id out, or use a key of the other one.`;
  throw new PlatformError('forbidden', message);
}

/** A typing error in a parameter's name must not answer with a list that nobody filtered. */
function refuseUnknownParameters(request: FastifyRequest): void {
  const schema = request.routeOptions.schema?.querystring as { properties?: object } | undefined;
  const problems = unknownNames('query', request.query as object, Object.keys(schema?.properties ?? {}));
  if (problems.length > 0) throw invalid(problems);
}

/** Where a body may be empty, it may be missing. */
function fillInEmptyBody(request: FastifyRequest): void {
  const schema = request.routeOptions.schema?.body as { required?: readonly string[] } | undefined;
  if (schema && (schema.required ?? []).length === 0) request.body ??= {};
}
