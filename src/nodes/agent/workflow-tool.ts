import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { configText } from '../config.ts';
import { resolveReferences } from '../template.ts';
import type { AgentTool } from './tool.ts';
import type { ToolConfig } from './tool-config.ts';

/** A tool that runs a workflow of the workspace and gives its output. */
export function workflowTool(config: ToolConfig, name: string, variables: JsonObject): AgentTool {
  const { description, parameters, timeoutMs, written } = config;
  return {
    name,
    description,
    parameters: parameters.schema,
    schema: parameters,
    timeoutMs,
    async call(args, { place, context }) {
      const inputs = written['inputs'];
      const input = isJsonObject(inputs) ? filledIn(inputs, { ...args, ...variables }) : args;
      const { runId, status, output, failure } = await context.runWorkflow({
        workflowId: configText(written, 'workflow_id').trim(),
        input,
        place,
        timeoutMs,
        signal: context.signal,
      });
      const about = runId === null ? {} : { run_id: runId, run_status: status };
      return failure === null ? { output, about } : { failure, about };
    },
  };
}

/** What is one reference to an argument that the model left out, is left out. */
function filledIn(inputs: JsonObject, values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, written]) => {
      const value = resolveReferences(written, values);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
