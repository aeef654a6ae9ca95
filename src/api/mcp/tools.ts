import { nearest } from '../../domain/nearest.ts';
import { FIND_TOOLS } from './find-tools.ts';
import { PERSON_TOOLS } from './person-tools.ts';
import { RUN_TOOLS } from './run-tools.ts';
import type { Tool } from './tool.ts';
import { WORKFLOW_TOOLS } from './workflow-tools.ts';

/** Every tool, in the order in which a model reads of them. */
export const TOOLS: readonly Tool[] = [...WORKFLOW_TOOLS, ...FIND_TOOLS, ...RUN_TOOLS, ...PERSON_TOOLS];

/** What is said of a tool that is not there. */
export function unknownTool(name: string): string {
  const names = TOOLS.map((one) => one.name);
  const near = nearest(name, names);
  const advice = near === undefined ? `The tools are ${names.join(', ')}.` : `Did you mean ${near}?`;
  return `There is no tool ${JSON.stringify(name.slice(0, 80))}. ${advice}`;
}
