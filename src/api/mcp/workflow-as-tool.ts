import Type from 'typebox';
import { PlatformError } from '../../domain/error.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { DialectParts } from '../dialect.ts';
import { inputSchema } from './input-schema.ts';
import { RunDetail } from './run-tools.ts';
import type { Tool, ToolCall } from './tool.ts';
import { DEFAULT_WAIT_S } from './wait.ts';
import { findWorkflows, startRun } from './workflow-tools.ts';

/** Workflows that become tools: the last changed ones. More would fill a model's context with descriptions. */
const MOST_TOOLS = 50;

/** What the name of such a tool begins with. */
const PREFIX = 'workflow_';

/** Names that clients take: the narrowest ask for 64 characters of these. */
const NAME_LENGTH = 64;

/** Each workflow that can be run as a tool of its own, whose arguments are its input; none for a key that may not read or run them. */
export async function workflowTools(parts: DialectParts, { caller }: ToolCall): Promise<Tool[]> {
  if (!caller.scopes.has('workflows:read') || !caller.scopes.has('runs:create')) return [];
  const { items } = await findWorkflows(parts, caller, 'flow', {
    filter: null,
    sort: [{ column: 'updatedAt', direction: 'desc' }],
    limit: MOST_TOOLS,
    from: null,
    backward: false,
  });
  const runnable = items.filter(({ version }) => version?.validation.length === 0);
  const tools = runnable.map(
    ({ workflow, version }): Tool => ({
      name: `${PREFIX}${workflow.slug.replaceAll(/[^\w-]/g, '_')}`.slice(0, NAME_LENGTH),
      title: workflow.name,
      description: workflow.description ?? `Runs the workflow "${workflow.name}" and waits for its end.`,
      scopes: ['workflows:read', 'runs:create'],
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
      input: Type.Unsafe(inputSchema(workflow, version, parts.catalogue)),
      output: RunDetail,
      run(ofParts, call, given = {}) {
        if (!isJsonObject(given)) throw new PlatformError('invalid', 'The arguments must be an object.');
        const wanted = { input: given as JsonObject, seconds: DEFAULT_WAIT_S, clientRef: null, metadata: null };
        return startRun(ofParts, call, { path: workflow.id, ...wanted });
      },
    }),
  );
  // Slugs that differ only in what a name cannot carry: the newer one has it, the other is run by run_workflow.
  return [...new Map(tools.toReversed().map((one) => [one.name, one])).values()].toReversed();
}
