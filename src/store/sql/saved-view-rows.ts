import type { SavedView } from '../../domain/saved-view.ts';
import type { Row } from './rows.ts';

export const SAVED_VIEW_COLUMNS = [
  'workspace_id',
  'id',
  'name',
  'q',
  'sort',
  'columns',
  'extra',
  'created_by',
  'created_at',
  'updated_at',
] as const;

export function savedViewCells(view: SavedView): (string | number | null)[] {
  return [
    view.workspaceId,
    view.id,
    view.name,
    view.q,
    view.sort,
    JSON.stringify(view.columns),
    JSON.stringify(view.extra),
    view.createdBy,
    view.createdAt,
    view.updatedAt,
  ];
}

export function savedViewFromRow(row: Row): SavedView {
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    name: row['name'] as string,
    q: row['q'] as string,
    sort: row['sort'] as string,
    columns: JSON.parse(row['columns'] as string),
    extra: JSON.parse(row['extra'] as string),
    createdBy: row['created_by'] as string | null,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
  };
}
