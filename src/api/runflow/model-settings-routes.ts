import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { DialectParts } from '../dialect.ts';
import { ModelSettingsAnswer, ModelSettingsBody, presentModelSettings, readModelSettings } from '../model-settings.ts';
import { answers } from './schemas.ts';

const tags = ['Models'];

/** Prices, presets and default models of the organization. */
export function modelSettingsRoutes(api: FastifyInstance, { workspaceModels }: DialectParts): void {
  const path = '/v1/model-settings';
  const response = answers(ModelSettingsAnswer);
  api.get(path, { schema: { tags, summary: 'Get the settings of models', response } }, async ({ caller }) =>
    presentModelSettings(await workspaceModels.get(caller)),
  );
  api.put(
    path,
    { schema: { tags, summary: 'Replace the settings of models', body: ModelSettingsBody, response } },
    async ({ caller, body }) => {
      const given = readModelSettings(body as Static<typeof ModelSettingsBody>);
      return presentModelSettings(await workspaceModels.put(caller, given));
    },
  );
}
