import type { StatementSync } from 'node:sqlite';
import type { Write } from '../change.ts';
import {
  CREDENTIAL_COLUMNS,
  credentialCells,
  MODEL_SETTINGS_COLUMNS,
  modelSettingsCells,
} from '../sql/credential-rows.ts';

/** The statement of a text, prepared once. */
type Prepared = (sql: string) => StatementSync;

type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

/** A statement that adds a row, or replaces all of one but its key and the columns named. */
function put(table: string, columns: readonly string[], key: readonly string[], kept: readonly string[] = []): string {
  const replaced = columns.filter((column) => !key.includes(column) && !kept.includes(column));
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})
    on conflict (${key.join(', ')}) do update set ${replaced.map((column) => `${column} = excluded.${column}`).join(', ')}`;
}

const PUT_CREDENTIAL = put('credentials', CREDENTIAL_COLUMNS, ['workspace_id', 'id'], ['created_at', 'last_used_at']);
const PUT_MODEL_SETTINGS = put('model_settings', MODEL_SETTINGS_COLUMNS, ['workspace_id']);

/** Whether what a write rests on still holds. */
export function credentialHolds(
  write: Of<'putCredential' | 'removeCredential' | 'putModelSettings'>,
  prepared: Prepared,
): boolean {
  switch (write.kind) {
    case 'putCredential': {
      const { workspaceId, id, name, revision } = write.credential;
      const row = prepared('select revision from credentials where workspace_id = ? and id = ?').get(workspaceId, id);
      const namesake = prepared('select 1 from credentials where workspace_id = ? and name = ? and id <> ?').get(
        workspaceId,
        name,
        id,
      );
      return Number(row?.['revision'] ?? 0) === revision - 1 && namesake === undefined;
    }
    case 'removeCredential': {
      const row = prepared('select 1 from credentials where workspace_id = ? and id = ?').get(
        write.workspaceId,
        write.credentialId,
      );
      return row !== undefined;
    }
    case 'putModelSettings': {
      const { workspaceId, revision } = write.settings;
      const row = prepared('select revision from model_settings where workspace_id = ?').get(workspaceId);
      return Number(row?.['revision'] ?? 0) === revision - 1;
    }
  }
}

/** Writes what a write says. */
export function applyCredential(
  write: Of<'putCredential' | 'removeCredential' | 'touchCredential' | 'putModelSettings'>,
  prepared: Prepared,
): void {
  switch (write.kind) {
    case 'putCredential':
      prepared(PUT_CREDENTIAL).run(...credentialCells(write.credential));
      return;
    case 'removeCredential':
      prepared('delete from credentials where workspace_id = ? and id = ?').run(write.workspaceId, write.credentialId);
      return;
    case 'touchCredential':
      prepared(
        'update credentials set last_used_at = max(coalesce(last_used_at, 0), ?) where workspace_id = ? and id = ?',
      ).run(write.at, write.workspaceId, write.credentialId);
      return;
    case 'putModelSettings':
      prepared(PUT_MODEL_SETTINGS).run(...modelSettingsCells(write.settings));
      return;
  }
}
