import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

/**
 * Serves the OpenAPI 3.1 document of the routes that the plugin registers from here on, at `openapi.json`: the schemas in it are the ones that
 * check requests. It is made when it is asked for.
 */
export async function describeApi(
  app: FastifyInstance,
  about: { title: string; prefix: string; security: Record<string, object> },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: about.title, version: '1.1.0' },
      servers: [{ url: about.prefix }, { url: '/' }],
      components: { securitySchemes: about.security as never },
      security: Object.keys(about.security).map((name) => ({ [name]: [] })),
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json['$id'] === 'string' ? json['$id'] : `def-${index}`,
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
