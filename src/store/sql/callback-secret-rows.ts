import type { CallbackSecret } from '../../domain/callback-secret.ts';
import type { Row } from './rows.ts';

export const CALLBACK_SECRET_COLUMNS = [
  'workspace_id',
  'id',
  'label',
  'prefix',
  'is_current',
  'created_at',
  'updated_at',
  'disabled_at',
  'last_used_at',
] as const;

export function callbackSecretCells(secret: CallbackSecret): (string | number | null)[] {
  return [
    secret.workspaceId,
    secret.id,
    secret.label,
    secret.prefix,
    secret.isCurrent ? 1 : 0,
    secret.createdAt,
    secret.updatedAt,
    secret.disabledAt,
    secret.lastUsedAt,
  ];
}

export function callbackSecretFromRow(row: Row): CallbackSecret {
  const time = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    label: row['label'] as string | null,
    prefix: row['prefix'] as string,
    isCurrent: row['is_current'] === 1 || row['is_current'] === true,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    disabledAt: time('disabled_at'),
    lastUsedAt: time('last_used_at'),
  };
}
