import type { FastifyInstance, FastifyRequest } from 'fastify';
import { invalid, PlatformError } from '../../domain/error.ts';
import { nearest } from '../../domain/nearest.ts';
import type { DialectParts } from '../dialect.ts';
import { describeApi } from '../openapi.ts';
import { assetContentRoutes, assetRoutes } from './asset-routes.ts';
import { batchRoutes } from './batch-routes.ts';
import { callbackRoutes } from './callback-routes.ts';
import { answerError, answerNotFound } from './errors.ts';
import { evaluationRoutes } from './evaluation-routes.ts';
import { honourIdempotencyKeys } from './idempotency.ts';
import { keyRoutes } from './key-routes.ts';
import { runRoutes } from './run-routes.ts';

/** Routes by noun, each file with the schemas, reading and presenting of its noun. */
const ROUTES: readonly ((api: FastifyInstance, parts: DialectParts) => void)[] = [
  runRoutes,
  callbackRoutes,
  assetRoutes,
  batchRoutes,
  evaluationRoutes,
  keyRoutes,
];

/** The Runflow API (`docs/dialects/runflow.md`): one plugin with its own authentication, errors and 404. */
export async function runflow(app: FastifyInstance, parts: DialectParts): Promise<void> {
  await describeApi(app, {
    title: 'Millrun: Runflow API',
    prefix: '/runflow',
    security: { HTTPBearer: { type: 'http', scheme: 'bearer' } },
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);

  await app.register(async (open) => assetContentRoutes(open, parts));
  await app.register(async (api) => {
    api.addHook('onRequest', async (request) => {
      request.caller = await parts.access.callerOf(bearerKey(request.headers.authorization), HOW_TO_GIVE_A_KEY);
      refuseOtherOrganization(request);
    });
    api.addHook('preValidation', async (request) => refuseUnknownParameters(request));
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
  const known = Object.keys(schema?.properties ?? {});
  const problems = Object.keys(request.query as object)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const all = known.length === 0 ? 'This address takes none.' : `Known are ${known.join(', ')}.`;
      return {
        at: ['query', name],
        message: `There is no query parameter ${JSON.stringify(name.slice(0, 80))} here.`,
        type: 'unknown_parameter',
        hint: near === undefined ? all : `Did you mean ${near}?`,
      };
    });
  if (problems.length > 0) throw invalid(problems);
}
