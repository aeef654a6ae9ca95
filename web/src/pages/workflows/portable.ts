import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';
import { WORKFLOW_TYPES, type WorkflowType } from '../../../../src/domain/workflow.ts';
import type { SaveWorkflow, WorkflowDetail } from '../../explorer-api.ts';

/** What an export begins with; the server's own exports do, too. */
const FORMAT = 'millrun.workflows/1';

/** A workflow in a file. */
export type PortableWorkflow = SaveWorkflow & { readonly name: string; readonly document: JsonObject };

/** Workflows as a file that every Millrun server takes. */
export function exportText(
  workflows: readonly (Pick<WorkflowDetail, 'document' | 'settings' | 'meta'> & {
    readonly workflow: { readonly name: string; readonly type: WorkflowType; readonly description: string | null };
  })[],
): string {
  const bundle = workflows.map(({ workflow: { name, type, description }, document: definition, settings, meta }) => ({
    ...{ name, type, description, definition, settings, meta },
  }));
  return JSON.stringify({ format: FORMAT, workflows: bundle }, null, 2);
}

/**
 * The workflows of a file: a bundle, one workflow, or a definition alone.
 * @throws Error that says what the file should hold
 */
export function readPortable(text: string, fileName: string): PortableWorkflow[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Error(`${fileName} is not JSON.`);
  }
  const listed =
    isJsonObject(given) && Array.isArray(given['workflows'])
      ? given['workflows']
      : Array.isArray(given)
        ? given
        : [given];
  const found = listed.flatMap((one) => (isJsonObject(one) ? readOne(one, fileName.replace(/\.json$/i, '')) : []));
  if (found.length === 0) {
    throw new Error(
      `${fileName} has no workflow. It should hold {"name": …, "definition": {"nodes": […], "edges": […]}}, or an export.`,
    );
  }
  return found;
}

function readOne(given: JsonObject, fallbackName: string): PortableWorkflow[] {
  const { definition, name, type, description, settings, meta } = given;
  const document = isJsonObject(definition) ? definition : given;
  if (!Array.isArray(document['nodes'])) return [];
  const known = WORKFLOW_TYPES.find((candidate) => candidate === type);
  return [
    {
      name: typeof name === 'string' && name !== '' ? name : fallbackName,
      document,
      ...(known && { type: known }),
      ...(typeof description === 'string' && { description }),
      ...(isJsonObject(settings) && { settings }),
      ...(isJsonObject(meta) && { meta }),
    },
  ];
}

/** Has the browser save text as a file. */
export function downloadText(fileName: string, text: string): void {
  const href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = href;
  link.download = fileName;
  link.click();
  // The download has its own hold on the bytes by then.
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** Asks for a JSON file. Null: nobody chose one. */
export function chooseFile(): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = '.json,application/json';
    input.onchange = () => resolve(input.files?.[0] ?? null);
    input.oncancel = () => resolve(null);
    input.click();
  });
}
