import { invalid } from '../../domain/error.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { WORKFLOW_TYPES, type WorkflowRecord, type WorkflowType } from '../../domain/workflow.ts';

/** What an export begins with, so that an import knows what it has before it. */
const FORMAT = 'millrun.workflows/1';

/** A workflow on its way between servers. */
export interface PortableWorkflow {
  readonly name: string;
  readonly type: WorkflowType;
  readonly description: string | null;
  readonly definition: JsonObject;
  readonly settings: JsonObject;
  readonly meta: JsonObject;
}

/** The JSON bundle of a workflow. */
export function exportBundle(record: WorkflowRecord, document: string): JsonObject {
  const { workflow } = record;
  return {
    format: FORMAT,
    workflows: [
      {
        name: workflow.name,
        type: workflow.type,
        description: workflow.description,
        definition: JSON.parse(document) as JsonObject,
        settings: workflow.settings,
        meta: workflow.meta,
      },
    ],
  };
}

/**
 * The workflows in what somebody wants to import: a bundle, one workflow, or a bare definition; as object, as JSON text, or as that in base64.
 * @throws PlatformError `invalid`
 */
export function readBundle(given: unknown): PortableWorkflow[] {
  const bundle = typeof given === 'string' ? parseText(given) : given;
  if (!isJsonObject(bundle)) throw unreadable('it is not an object');
  if (Array.isArray(bundle['nodes'])) return [portable({ name: 'Imported workflow', definition: bundle })];
  if (!Array.isArray(bundle['workflows'])) return [portable(bundle)];
  if (bundle['format'] !== undefined && bundle['format'] !== FORMAT) {
    throw unreadable(`its format is ${JSON.stringify(bundle['format'])}, this server reads "${FORMAT}"`);
  }
  return bundle['workflows'].map((item) => portable(item));
}

function parseText(text: string): unknown {
  const trimmed = text.trim();
  const json = trimmed.startsWith('{') ? trimmed : Buffer.from(trimmed, 'base64').toString('utf8');
  try {
    return JSON.parse(json);
  } catch {
    throw unreadable('it is neither JSON nor JSON in base64');
  }
}

function portable(given: unknown): PortableWorkflow {
  if (!isJsonObject(given) || !isJsonObject(given['definition'] ?? null))
    throw unreadable('a workflow has no "definition"');
  const type = given['type'] ?? 'flow';
  if (!WORKFLOW_TYPES.includes(type as WorkflowType)) {
    throw unreadable(`its type is ${JSON.stringify(type)}, allowed are ${WORKFLOW_TYPES.join(', ')}`);
  }
  const object = (name: string): JsonObject => (isJsonObject(given[name] ?? null) ? (given[name] as JsonObject) : {});
  return {
    name: typeof given['name'] === 'string' && given['name'] !== '' ? given['name'] : 'Imported workflow',
    type: type as WorkflowType,
    description: typeof given['description'] === 'string' ? given['description'] : null,
    definition: object('definition'),
    settings: object('settings'),
    meta: object('meta'),
  };
}

function unreadable(why: string) {
  const message = `This cannot be imported: ${why}. Give what POST /v1/workflows/{id}/export answered.`;
  return invalid([{ at: ['body', 'definition'], message, type: 'unreadable' }]);
}
