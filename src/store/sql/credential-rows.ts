import type { CredentialKind, CredentialRecord } from '../../domain/credential.ts';
import type { ModelSettings } from '../../domain/model-settings.ts';
import type { Row } from './rows.ts';

type Cell = string | number | null;

export const CREDENTIAL_COLUMNS = [
  'workspace_id',
  'id',
  'name',
  'kind',
  'settings',
  'secrets',
  'models',
  'hosts',
  'created_at',
  'updated_at',
  'last_used_at',
  'revision',
] as const;

export function credentialCells(credential: CredentialRecord): Cell[] {
  return [
    credential.workspaceId,
    credential.id,
    credential.name,
    credential.kind,
    JSON.stringify(credential.settings),
    JSON.stringify(credential.secrets),
    JSON.stringify(credential.models),
    JSON.stringify(credential.hosts),
    credential.createdAt,
    credential.updatedAt,
    credential.lastUsedAt,
    credential.revision,
  ];
}

export function credentialFromRow(row: Row): CredentialRecord {
  const json = <T>(column: string): T => JSON.parse(row[column] as string) as T;
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    name: row['name'] as string,
    kind: row['kind'] as CredentialKind,
    settings: json('settings'),
    secrets: json('secrets'),
    models: json('models'),
    hosts: json('hosts'),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    lastUsedAt: row['last_used_at'] === null ? null : Number(row['last_used_at']),
    revision: Number(row['revision']),
  };
}

export const MODEL_SETTINGS_COLUMNS = [
  'workspace_id',
  'prices',
  'presets',
  'default_models',
  'updated_at',
  'revision',
] as const;

export function modelSettingsCells(settings: ModelSettings): Cell[] {
  return [
    settings.workspaceId,
    JSON.stringify(settings.prices),
    JSON.stringify(settings.presets),
    JSON.stringify(settings.defaultModels),
    settings.updatedAt,
    settings.revision,
  ];
}

export function modelSettingsFromRow(row: Row): ModelSettings {
  const json = <T>(column: string): T => JSON.parse(row[column] as string) as T;
  return {
    workspaceId: row['workspace_id'] as string,
    prices: json('prices'),
    presets: json('presets'),
    defaultModels: json('default_models'),
    updatedAt: Number(row['updated_at']),
    revision: Number(row['revision']),
  };
}
