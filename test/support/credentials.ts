import type { CredentialRecord } from '../../src/domain/credential.ts';
import type { ModelSettings } from '../../src/domain/model-settings.ts';
import type { System } from '../../src/system/system.ts';

/** A credential as it is kept, with a name of its own. What is sealed in it was never a secret. */
export function aCredential(
  workspaceId: string,
  system: System,
  set: Partial<CredentialRecord> = {},
): CredentialRecord {
  const id = system.newId();
  return {
    ...{ id, workspaceId, name: `credential ${id}`, kind: 'http_bearer', settings: {}, models: [], hosts: [] },
    secrets: { token: { sealed: 's1.000000000000.AAAA', ending: null } },
    ...{ createdAt: system.now(), updatedAt: system.now(), lastUsedAt: null, revision: 1 },
    ...set,
  };
}

export function modelSettings(workspaceId: string, set: Partial<ModelSettings> = {}): ModelSettings {
  return { workspaceId, prices: {}, presets: {}, defaultModels: [], updatedAt: 1, revision: 1, ...set };
}
