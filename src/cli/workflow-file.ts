import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Obstacle } from './server-access.ts';
import type { ToldDefinition } from './told-run.ts';

/** A workflow as a file holds it. */
export interface WorkflowFile {
  readonly name: string;
  readonly type?: string;
  readonly description?: string | null;
  readonly definition: ToldDefinition;
  readonly settings?: object;
  readonly meta?: object;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The workflow of a file: a body of `POST /v1/workflows` as in examples/, an export with one workflow, or a bare definition, which is named after
 * the file.
 * @throws Obstacle
 */
export function readWorkflowFile(path: string): WorkflowFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== undefined) throw new Obstacle(`${path} cannot be read (${code}).`);
    throw new Obstacle(`${path} is no workflow: it is not JSON. ${(error as Error).message}`);
  }
  const found = workflowIn(value);
  if (found === null)
    throw new Obstacle(`${path} is no workflow: it has neither a "definition" nor "nodes". examples/ has some.`);
  return { name: basename(path).replace(/(\.millrun)?\.json$/, ''), ...found };
}

function workflowIn(value: unknown): Omit<WorkflowFile, 'name'> | null {
  if (!isObject(value)) return null;
  const { workflows, definition, nodes } = value;
  if (Array.isArray(workflows)) return workflows.length === 1 ? workflowIn(workflows[0]) : null;
  if (isObject(definition)) return value as unknown as WorkflowFile;
  return Array.isArray(nodes) ? { definition: value as ToldDefinition } : null;
}
