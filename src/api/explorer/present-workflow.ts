import type { Caller } from '../../domain/caller.ts';
import type { Definition } from '../../domain/definition.ts';
import type { WorkflowSurvey } from '../../domain/run-survey.ts';
import { DATA_TYPES, type DataType } from '../../domain/value.ts';
import type { WorkflowRecord } from '../../domain/workflow.ts';
import type { Catalogue } from '../../nodes/catalogue.ts';
import type { FoundVersion } from '../../operations/flows.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

/** Days that the figures of a workflow are about. */
const DAYS = 14;
const DAY_MS = 86_400_000;

/** Workflows as lists show them, with how they did of late. */
export async function presentWorkflows(
  { surveys, clock }: Pick<ExplorerParts, 'surveys' | 'clock'>,
  caller: Caller,
  records: readonly WorkflowRecord[],
): Promise<wire.WorkflowRow[]> {
  const today = Math.floor(clock() / DAY_MS) * DAY_MS;
  const since = today - (DAYS - 1) * DAY_MS;
  const ids = records.map(({ workflow }) => workflow.id);
  const found = await surveys.workflows(caller, ids, since);
  const byId = new Map(found.map((survey) => [survey.workflowId, survey]));
  return records.map(({ workflow, version, runsCount, lastRunAt }) => ({
    id: workflow.id,
    name: workflow.name,
    slug: workflow.slug,
    kind: workflow.kind,
    type: workflow.type,
    description: workflow.description,
    createdAt: workflow.createdAt,
    updatedAt: workflow.updatedAt,
    authorName: workflow.authorName,
    runsCount,
    lastRunAt,
    issues: version.validation.length,
    stats: presentStats(byId.get(workflow.id), since),
  }));
}

function presentStats(survey: WorkflowSurvey | undefined, since: number): wire.WorkflowStats {
  const days = new Map(survey?.days.map((day) => [day.at, day]));
  const ended = (survey?.succeeded ?? 0) + (survey?.failed ?? 0);
  return {
    days: DAYS,
    sparkline: Array.from({ length: DAYS }, (_, index) => {
      const at = since + index * DAY_MS;
      return days.get(at) ?? { at, runs: 0, failed: 0 };
    }),
    runs: survey?.runs ?? 0,
    successRate: survey === undefined || ended === 0 ? null : survey.succeeded / ended,
    p50: survey?.p50 ?? null,
    p95: survey?.p95 ?? null,
    cost: survey?.cost ?? '0',
    isPartial: survey?.isPartial ?? false,
  };
}

/** What a run is asked for: the input nodes of a definition under their labels. */
export function presentInputs({ nodes }: Definition, catalogue: Catalogue): wire.WorkflowInput[] {
  return nodes
    .filter((node) => catalogue.find(node.type)?.role === 'input')
    .map(({ id, type, config }) => {
      const { label, type: wanted, value = null, optional, description } = config;
      const isFile = type === 'FileInputNode';
      const named = DATA_TYPES.find((dataType) => dataType === wanted);
      const dataType: DataType = isFile ? 'File' : (named ?? 'Any');
      return {
        name: typeof label === 'string' && label !== '' ? label : id,
        nodeId: id,
        type: { dataType, isList: false },
        isRequired: optional !== true && (value === null || value === ''),
        description: typeof description === 'string' && description !== '' ? description : null,
      };
    });
}

export function presentVersion({ version, number }: FoundVersion, currentVersionId: string): wire.VersionRow {
  return {
    id: version.id,
    number,
    name: version.name,
    description: version.description,
    createdAt: version.createdAt,
    createdBy: version.createdBy,
    hash: version.hash,
    isCurrent: version.id === currentVersionId,
    issues: version.validation.length,
  };
}

export function presentVersionDetail(found: FoundVersion, currentVersionId: string): wire.VersionDetail {
  const { document, definition, validation } = found.version;
  return { ...presentVersion(found, currentVersionId), document: JSON.parse(document), definition, validation };
}
