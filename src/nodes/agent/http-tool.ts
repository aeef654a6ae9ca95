import type { JsonObject } from '../../domain/json.ts';
import { httpRequest } from '../builtin/http-request.ts';
import type { AgentTool } from './tool.ts';
import type { ToolConfig } from './tool-config.ts';

/** What a tool may set of an HTTP request; all else is as an HTTP node has it. */
const FIELDS = [
  'method',
  'url',
  'headers',
  'query',
  'body_type',
  'body',
  'max_bytes',
  'response',
  'follow_redirects',
  'credential',
];

/** A tool that makes the request of a template, as `HttpRequestNode` does: ((argument)) is replaced by what the model gave. */
export function httpTool(config: ToolConfig, name: string, variables: JsonObject): AgentTool {
  const { description, parameters, timeoutMs, written } = config;
  const fields = FIELDS.flatMap((field) => (written[field] === undefined ? [] : [[field, written[field]] as const]));
  const defaults = Object.entries(httpRequest.config).map(([field, { default: value }]) => [field, value] as const);
  return {
    name,
    description,
    parameters: parameters.schema,
    schema: parameters,
    timeoutMs,
    async call(args, { context }) {
      const request: JsonObject = {
        ...Object.fromEntries(defaults),
        ...Object.fromEntries(fields),
        timeout_seconds: timeoutMs / 1_000,
        // Without a template the body is what the model gave.
        ...(written['body_type'] === 'json' && written['body'] === undefined ? { body: args } : {}),
      };
      // What the author connected stands: no argument of the model's takes its place.
      const known = { ...args, ...variables };
      const values = Object.fromEntries(Object.entries(known).map(([key, value]) => [`variables::${key}`, value]));
      // The node's own credential is for its model; a request names the one it goes with.
      const own = { ...context, credentialIds: {} };
      const outcome = await httpRequest.run({ nodeId: name, config: request, values }, own);
      if (outcome.kind === 'failed') return { failure: outcome.failure };
      if (outcome.kind !== 'succeeded') throw new Error(`An HTTP request ended as ${outcome.kind}.`);
      const { status = null, body = null } = outcome.outputs;
      return { output: body, about: { http_status: status } };
    },
  };
}
