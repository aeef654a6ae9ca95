import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { FastifyBaseLogger } from 'fastify';
import { PlatformError } from '../../domain/error.ts';
import { explained, FAULT } from './errors.ts';
import type { McpParts } from './parts.ts';
import { RESOURCE_TEMPLATES, RESOURCES, readResource } from './resources.ts';
import { missingScope, type Tool, type ToolCall } from './tool.ts';
import { TOOLS, unknownTool } from './tools.ts';
import { workflowTools } from './workflow-as-tool.ts';

/** What a model is told before its first call. */
const INSTRUCTIONS = `Millrun runs AI workflows and records every run. list_workflows tells what can be run and with what input; run_workflow runs it and waits. To find runs, list_runs takes conditions (millrun://filter-language has the fields), search_runs what the runs say. get_run tells why a run failed: look at failing_node and logs first. A run with the status waiting goes on when answer_person_request answers it.`;

/** One HTTP request with the messages in it. */
export interface Asked extends Pick<ToolCall, 'caller' | 'requestId'> {
  readonly request: Request;
  readonly body: unknown;
  readonly log: FastifyBaseLogger;
  /** Whether each workflow is a tool of its own. */
  readonly workflowsAreTools: boolean;
  /** Aborted when the client has its answer or is gone. */
  readonly gone: AbortSignal;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/** Answers the messages of a request: without sessions, each request stands for itself and any process can take the next one. */
export async function answerMessages(parts: McpParts, asked: Asked): Promise<Response> {
  const server = createServer(parts, asked);
  const transport = new WebStandardStreamableHTTPServerTransport({});
  asked.gone.addEventListener('abort', () => void server.close(), { once: true });
  // The types of the package are not written for exact optional properties.
  await server.connect(transport as Transport);
  return transport.handleRequest(asked.request, { parsedBody: asked.body });
}

function createServer(parts: McpParts, asked: Asked): Server {
  const about = { name: 'millrun', title: 'Millrun', version: parts.version };
  const server = new Server(about, { capabilities: { tools: {}, resources: {} }, instructions: INSTRUCTIONS });
  const silent: ToolCall = { ...asked, signal: AbortSignal.any([asked.gone, asked.stopping]), progress() {} };
  const ownTools = async () => (asked.workflowsAreTools ? workflowTools(parts, silent) : []);

  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const usable = TOOLS.filter((tool) => missingScope(tool, asked.caller) === null);
    return { tools: [...usable, ...(await ownTools())].map(presentTool) };
  });

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const known = TOOLS.find(({ name }) => name === params.name);
    const tool = known ?? (await ownTools()).find(({ name }) => name === params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, unknownTool(params.name));
    const progressToken = params._meta?.progressToken;
    let told = -1;
    const progress = (percent: number, message: string) => {
      if (progressToken === undefined || percent <= told) return;
      told = percent;
      const sent = { progressToken, progress: percent, total: 100, message };
      // Who is gone is told by the signal.
      extra.sendNotification({ method: 'notifications/progress', params: sent }).catch(() => {});
    };
    return callTool(parts, tool, { ...silent, progress }, params.arguments, asked);
  });

  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: RESOURCES }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: RESOURCE_TEMPLATES }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const found = await readResource(parts, silent, uri).catch((error: unknown) => {
      throw error instanceof PlatformError
        ? new McpError(ErrorCode.InvalidParams, explained(error))
        : fault(error, asked);
    });
    if (found === null) throw new McpError(RESOURCE_NOT_FOUND, `There is no resource ${uri.slice(0, 200)}.`);
    return { contents: [{ uri, ...found }] };
  });
  return server;
}

/** The code of MCP for an address that leads nowhere; the package has no name for it. */
const RESOURCE_NOT_FOUND = -32_002;

function presentTool({ name, title, description, input, output, annotations }: Tool) {
  const asObject = (schema: object) => schema as { type: 'object' };
  return { name, title, description, inputSchema: asObject(input), outputSchema: asObject(output), annotations };
}

/** Refusals are results too: a model reads them and does better. */
async function callTool(
  parts: McpParts,
  tool: Tool,
  call: ToolCall,
  given: unknown,
  asked: Asked,
): Promise<CallToolResult> {
  const missing = missingScope(tool, call.caller);
  try {
    if (missing !== null) {
      const message = `The key "${call.caller.keyName}" lacks the scope ${missing}, which ${tool.name} takes. Use a key that has it.`;
      throw new PlatformError('forbidden', message);
    }
    const result = await tool.run(parts, call, given);
    return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: { ...result } };
  } catch (error) {
    const text = error instanceof PlatformError ? explained(error) : fault(error, asked).message;
    return { content: [{ type: 'text', text }], isError: true };
  }
}

function fault(error: unknown, { log, requestId }: Asked): Error {
  log.error({ err: error, requestId }, 'a request failed');
  return new Error(`${FAULT} ${requestId}.`);
}
