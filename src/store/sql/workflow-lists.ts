import { COMFYUI_PROPERTIES } from '../../domain/comfyui-workflow.ts';
import { MODEL_PROPERTIES, type Properties } from '../../domain/model.ts';
import { WORKFLOW_KINDS } from '../../domain/workflow.ts';
import type { FindOptions, FoundVersion, FoundWorkflow } from '../store.ts';
import type { ListSource } from './keyset.ts';
import type { ListDialect } from './list-dialect.ts';
import * as rows from './rows.ts';

/** The place of a version among those of its workflow; all three are columns. */
const numberOf = (workspace: string, workflow: string, version: string): string =>
  `(select count(*) from workflow_versions o where o.workspace_id = ${workspace} and o.workflow_id = ${workflow} and o.id <= ${version})`;

const CURRENT_NUMBER = numberOf('w.workspace_id', 'w.id', 'w.current_version_id');
const VERSION_NUMBER = numberOf('v.workspace_id', 'v.workflow_id', 'v.id');

const RUNS_COUNT =
  '(select coalesce(sum(c.n), 0) from run_counts c where c.workspace_id = w.workspace_id and c.workflow_id = w.id)';

/** What workflows of the kinds that have a profile say of themselves. */
const PROFILE_PROPERTIES: Properties = { ...MODEL_PROPERTIES, ...COMFYUI_PROPERTIES, created_by: 'uuid' };

/** What a workflow's kind says of itself: JSON stays JSON, everything else becomes a value. */
const profileColumns = ({ property }: ListDialect): Record<string, string> =>
  Object.fromEntries(
    Object.entries(PROFILE_PROPERTIES).map(([name, kind]) => [`profile.${name}`, property('w.profile', name, kind)]),
  );

/** Workflows of every kind. */
export function workflows(options: FindOptions, dialect: ListDialect): ListSource<FoundWorkflow> {
  const definitions = options.definitions === true;
  const current = rows.VERSION_COLUMNS.map((column) => `v.${column} as version_${column}`).join(', ');
  return {
    select: `w.*, ${CURRENT_NUMBER} as version_number, ${RUNS_COUNT} as runs_count${definitions ? `, ${current}` : ''}`,
    table: 'workflows w',
    joins: [
      {
        sql: `${dialect.join} workflow_versions v on v.workspace_id = w.workspace_id and v.id = w.current_version_id`,
        columns: new Set(['status']),
      },
    ],
    workspace: 'w.workspace_id',
    where: 'w.deleted_at is null',
    columns: {
      id: 'w.id',
      workspaceId: 'w.workspace_id',
      kind: 'w.kind',
      slug: 'w.slug',
      name: 'w.name',
      type: 'w.type',
      description: 'w.description',
      currentVersionId: 'w.current_version_id',
      versionNumber: CURRENT_NUMBER,
      status: "(case when v.validation = '[]' then 'active' else 'draft' end)",
      runsCount: RUNS_COUNT,
      author: 'w.author_name',
      createdAt: 'w.created_at',
      updatedAt: 'w.updated_at',
      ...profileColumns(dialect),
    },
    notNull: new Set([
      'id',
      'workspaceId',
      'kind',
      'slug',
      'name',
      'type',
      'currentVersionId',
      'versionNumber',
      'status',
      'runsCount',
      'createdAt',
      'updatedAt',
    ]),
    key: ['id'],
    indexes: [
      { name: 'sqlite_autoindex_workflows_1', columns: ['id'] },
      { name: 'workflows_by_kind', columns: ['kind', 'slug', 'id'] },
    ],
    values: { kind: WORKFLOW_KINDS },
    defaultSort: [{ column: 'createdAt', direction: 'desc' }],
    item: (row) => ({
      workflow: rows.workflowFromRow(row),
      version: definitions
        ? rows.versionFromRow(
            Object.fromEntries(rows.VERSION_COLUMNS.map((name) => [name, row[`version_${name}`] ?? null])),
          )
        : null,
      versionNumber: Number(row['version_number']),
      runsCount: Number(row['runs_count']),
    }),
  };
}

/** Versions of workflows: every definition that was saved, newest first. */
export function versions(_options: FindOptions, { join }: ListDialect): ListSource<FoundVersion> {
  return {
    select: `v.*, ${VERSION_NUMBER} as number`,
    table: 'workflow_versions v',
    joins: [
      {
        sql: `${join} workflows w on w.workspace_id = v.workspace_id and w.id = v.workflow_id`,
        columns: new Set(['kind']),
      },
    ],
    workspace: 'v.workspace_id',
    where:
      'exists (select 1 from workflows d where d.workspace_id = v.workspace_id and d.id = v.workflow_id and d.deleted_at is null)',
    columns: {
      id: 'v.id',
      workflowId: 'v.workflow_id',
      kind: 'w.kind',
      number: VERSION_NUMBER,
      name: 'v.name',
      description: 'v.description',
      createdAt: 'v.created_at',
      createdBy: 'v.created_by',
      hash: 'v.hash',
    },
    notNull: new Set(['id', 'workflowId', 'kind', 'number', 'createdAt', 'hash']),
    key: ['id'],
    indexes: [
      { name: 'sqlite_autoindex_workflow_versions_1', columns: ['id'] },
      { name: 'workflow_versions_by_workflow', columns: ['workflowId', 'id'] },
    ],
    defaultSort: [{ column: 'createdAt', direction: 'desc' }],
    item: (row) => ({ version: rows.versionFromRow(row), number: Number(row['number']) }),
  };
}
