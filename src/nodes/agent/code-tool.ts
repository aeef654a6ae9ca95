import type { JsonObject } from '../../domain/json.ts';
import { codeExecution } from '../code/code-node.ts';
import type { AgentTool } from './tool.ts';
import type { ToolConfig } from './tool-config.ts';

/** What a code tool may set; all else is as a code node has it. */
const FIELDS = ['language', 'memory_mb', 'deterministic'];

/** A tool that is a function of the author's, run as `CodeExecutionV3Node` does. */
export function codeTool(config: ToolConfig, name: string, variables: JsonObject): AgentTool {
  const { description, parameters, timeoutMs, written } = config;
  const fields = FIELDS.flatMap((field) => (written[field] === undefined ? [] : [[field, written[field]] as const]));
  return {
    name,
    description,
    parameters: parameters.schema,
    schema: parameters,
    timeoutMs,
    async call(args, { context }) {
      const seconds = timeoutMs / 1_000;
      const code: JsonObject = { ...Object.fromEntries(fields), template: written['code']!, timeout_seconds: seconds };
      const inputs = { ...args, ...variables };
      const values = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [`variables::${key}`, value]));
      const outcome = await codeExecution.run({ nodeId: name, config: code, values }, context);
      if (outcome.kind === 'failed') return { failure: outcome.failure };
      if (outcome.kind !== 'succeeded') throw new Error(`Code ended as ${outcome.kind}.`);
      const outputs = Object.entries(outcome.outputs).map(([socket, value]) => [
        socket.slice('outputs::'.length),
        value,
      ]);
      return { output: Object.fromEntries(outputs) };
    },
  };
}
