import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { DialectParts } from '../dialect.ts';
import { ModelSettingsAnswer, ModelSettingsBody, presentModelSettings, readModelSettings } from '../model-settings.ts';
import { answers } from './route-schema.ts';

/** Prices, presets and default models of a workspace. */
export function modelSettingsRoutes(api: FastifyInstance, { workspaceModels }: DialectParts): void {
  const tags = ['V1 - Models'];
  const path = '/v1/model-settings';
  const response = answers(ModelSettingsAnswer);
  api.get(path, { schema: { tags, summary: 'Get Model Settings', response } }, async ({ caller }) =>
    presentModelSettings(await workspaceModels.get(caller)),
  );
  api.put<{ Body: Static<typeof ModelSettingsBody> }>(
    path,
    { schema: { tags, summary: 'Replace Model Settings', body: ModelSettingsBody, response } },
    async ({ caller, body }) => presentModelSettings(await workspaceModels.put(caller, readModelSettings(body))),
  );
}
