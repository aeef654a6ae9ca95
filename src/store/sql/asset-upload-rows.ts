import type { AssetUpload } from '../../domain/asset-upload.ts';
import type { Row } from './rows.ts';

export const ASSET_UPLOAD_COLUMNS = [
  'workspace_id',
  'id',
  'name',
  'content_type',
  'size',
  'created_at',
  'expires_at',
  'received_at',
] as const;

export function assetUploadCells(upload: AssetUpload): (string | number | null)[] {
  const { workspaceId, id, name, contentType, size, createdAt, expiresAt, receivedAt } = upload;
  return [workspaceId, id, name, contentType, size, createdAt, expiresAt, receivedAt];
}

export function assetUploadFromRow(row: Row): AssetUpload {
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    name: row['name'] as string,
    contentType: row['content_type'] as string,
    size: Number(row['size']),
    createdAt: Number(row['created_at']),
    expiresAt: Number(row['expires_at']),
    receivedAt: row['received_at'] === null ? null : Number(row['received_at']),
  };
}
