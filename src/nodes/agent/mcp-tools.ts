import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import type { Failure } from '../../domain/failure.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import { shown } from '../ai/model-failure.ts';
import { httpClientError, isRetryableStatus, shownUrl } from '../http-outcome.ts';
import type { NodeContext } from '../node-type.ts';
import { renderTemplate, resolveReferences } from '../template.ts';
import { MAX_DESCRIPTION_LENGTH, MAX_LISTED_TOOLS, MAX_SCHEMA_LENGTH } from './limits.ts';
import { readParameters } from './parameters.ts';
import type { AgentTool, ToolAnswer, ToolNames } from './tool.ts';
import { ALL_TOOLS, allowedTools, type ToolConfig } from './tool-config.ts';

/** How the platform names itself to MCP servers. */
const CLIENT = { name: 'millrun', version: '1' };

/** Milliseconds that a server has to take note of the end of a session; it forgets it by itself anyway. */
const GOODBYE_MS = 1_000;

/** The statuses of JSON-RPC errors are no business of the reader's: the message tells. */
const RPC_PREFIX = /^MCP error -?\d+: /;

/** Tools of MCP servers that are open, and the way to close them. */
export interface McpSession {
  readonly tools: readonly AgentTool[];
  close(): Promise<void>;
}

/** A server could not be used, so that its tools are missing. */
export interface McpProblem {
  readonly failure: Failure;
  readonly retryable: boolean;
}

interface ListedTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: unknown;
}

/**
 * Opens a session at an MCP server (Model Context Protocol 2025-11-25, streamable HTTP) and makes tools of those of its tools that are allowed. The
 * library is loaded at the first one.
 */
export async function openMcpServer(
  config: ToolConfig,
  names: ToolNames,
  variables: JsonObject,
  context: NodeContext,
): Promise<McpSession | McpProblem> {
  const [{ Client: McpClient }, { StreamableHTTPClientTransport: Transport }] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
  ]);
  const place = addressOf(config, variables);
  if ('failure' in place) return { failure: place.failure, retryable: false };
  const transport = new Transport(place.url, {
    requestInit: { headers: place.headers },
    fetch: (url, init) => fetchWithoutListening(context, url, init),
    // A session that broke is not taken up again: the call fails, and the model is told.
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
    },
  });
  const client = new McpClient(CLIENT, { jsonSchemaValidator: NO_VALIDATION });
  const close = () => closeSession(client, transport, context);
  const timeout = AbortSignal.timeout(config.timeoutMs);
  const options = { signal: AbortSignal.any([context.signal, timeout]), timeout: config.timeoutMs };
  try {
    // The library's own types do not agree with each other under `exactOptionalPropertyTypes`.
    await client.connect(transport as Parameters<Client['connect']>[0], options);
    const listed = await listTools(client, options);
    return { tools: allowed(config, listed, context).map((tool) => agentTool(config, names, client, tool)), close };
  } catch (error) {
    await close();
    if (timeout.aborted && !context.signal.aborted) {
      const message = `The MCP server at ${shownUrl(place.url.href)} did not list its tools within ${config.timeoutMs / 1_000} s.`;
      return { failure: { code: 'timeout', message }, retryable: true };
    }
    return problemOf(error, `The MCP server at ${shownUrl(place.url.href)} cannot be used`, context);
  }
}

/** Where the server is, and the headers it gets. */
function addressOf(
  { written }: ToolConfig,
  variables: JsonObject,
): { readonly url: URL; readonly headers: Record<string, string> } | { readonly failure: Failure } {
  const rendered = renderTemplate(written['url'] ?? null, variables, (text, at) =>
    at === 0 ? text : encodeURIComponent(text),
  );
  if ('failure' in rendered) return rendered;
  const url = URL.parse(rendered.text.trim());
  if (url === null) {
    const message = `The address of the MCP server is none: ${shownUrl(rendered.text)}. Give it whole, e.g. https://example.com/mcp.`;
    return { failure: { code: 'invalid_config', message } };
  }
  if (url.username !== '' || url.password !== '') {
    const message = `The address of the MCP server, ${shownUrl(url.href)}, has a user or a password in it. Send them in "headers".`;
    return { failure: { code: 'invalid_config', message } };
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(isJsonObject(written['headers']) ? written['headers'] : {})) {
    headers[name] = valueAsText(resolveReferences(value, variables) ?? null);
  }
  try {
    new Headers(headers);
  } catch {
    // Its message would repeat the value, which may be a key.
    const message =
      'The headers for the MCP server have a name or a value that a header cannot carry (RFC 9110 5.1, 5.5).';
    return { failure: { code: 'invalid_config', message } };
  }
  return { url, headers };
}

/**
 * The guarded `fetch`. The library would also keep a connection open for what a server says of its own accord, which an agent has no use for: it is
 * told what a server says that has none (405).
 */
function fetchWithoutListening(context: NodeContext, url: string | URL, init: RequestInit = {}): Promise<Response> {
  const isListening = init.method === 'GET' && !new Headers(init.headers).has('last-event-id');
  return isListening ? Promise.resolve(new Response(null, { status: 405 })) : context.http.fetch(url, init);
}

/** The library would compile the schemas that a server sends into code of this process. What comes is text for a model either way. */
const NO_VALIDATION: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

async function listTools(
  client: Client,
  options: { signal: AbortSignal; timeout: number },
): Promise<readonly ListedTool[]> {
  const tools: ListedTool[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor }, options);
    tools.push(...page.tools);
    cursor = page.tools.length === 0 ? undefined : page.nextCursor;
  } while (cursor !== undefined && tools.length < MAX_LISTED_TOOLS);
  return tools.slice(0, MAX_LISTED_TOOLS);
}

/** The tools that the author allows, in the author's order; names that the server does not have are told to the run's log. */
function allowed({ written, name }: ToolConfig, listed: readonly ListedTool[], context: NodeContext): ListedTool[] {
  const wanted = allowedTools(written);
  if (wanted.includes(ALL_TOOLS)) return listed.filter((tool) => isUsable(tool, context));
  const byName = new Map(listed.map((tool) => [tool.name, tool]));
  const missing = wanted.filter((one) => !byName.has(one));
  if (missing.length > 0) {
    const of = name === '' ? 'The MCP server' : `The MCP server "${name}"`;
    context.log('warning', `${of} has no tool ${missing.map((one) => `"${one}"`).join(', ')}.`, {
      listed: listed.map((tool) => tool.name).slice(0, 50),
    });
  }
  return wanted.flatMap((one) => byName.get(one) ?? []).filter((tool) => isUsable(tool, context));
}

/** Every question to a model carries the schemas of all tools. */
function isUsable({ name, inputSchema }: ListedTool, context: NodeContext): boolean {
  const { length } = JSON.stringify(inputSchema);
  if (length <= MAX_SCHEMA_LENGTH) return true;
  const message = `The tool "${name}" of an MCP server is left out: its schema has ${length} characters, at most ${MAX_SCHEMA_LENGTH} are allowed.`;
  context.log('warning', message);
  return false;
}

function agentTool(config: ToolConfig, names: ToolNames, client: Client, tool: ListedTool): AgentTool {
  const { timeoutMs } = config;
  // Servers check what they are called with themselves; what cannot be checked here is left to them.
  const schema = readParameters(tool.inputSchema as JsonValue);
  return {
    name: names.take(config.name === '' ? tool.name : `${config.name}_${tool.name}`),
    description: (tool.description ?? '').slice(0, MAX_DESCRIPTION_LENGTH),
    parameters: tool.inputSchema as JsonObject,
    schema: 'problem' in schema ? null : schema,
    timeoutMs,
    async call(args, { context }) {
      const options = { signal: context.signal, timeout: timeoutMs, maxTotalTimeout: timeoutMs };
      try {
        return answerOf(await client.callTool({ name: tool.name, arguments: args }, undefined, options));
      } catch (error) {
        if (context.signal.aborted) throw error;
        return { failure: problemOf(error, `The MCP server failed at "${tool.name}"`, context).failure };
      }
    },
  };
}

/** What a tool said: its structured content where it has some, else its texts. Other parts are named and left out. */
function answerOf(result: Awaited<ReturnType<Client['callTool']>>): ToolAnswer {
  const parts = Array.isArray(result.content) ? (result.content as readonly McpPart[]) : [];
  const text = parts.map(partAsText).join('\n');
  if (result.isError === true) {
    return { failure: { code: 'provider', message: text === '' ? 'The tool failed and did not say why.' : text } };
  }
  const structured = result.structuredContent as JsonValue | undefined;
  return { output: structured === undefined ? text : structured };
}

interface McpPart {
  readonly type: string;
  readonly text?: string;
  readonly mimeType?: string;
  readonly uri?: string;
  readonly resource?: { readonly uri?: string; readonly text?: string };
}

function partAsText(part: McpPart): string {
  if (part.type === 'text') return part.text ?? '';
  if (part.type === 'resource' && part.resource?.text !== undefined) return part.resource.text;
  const uri = part.uri ?? part.resource?.uri;
  return `[${[part.type, part.mimeType, uri].filter((one) => one !== undefined).join(' ')}]`;
}

/** Why a server cannot be used, from what the library or the guarded client threw. */
function problemOf(error: unknown, what: string, { signal }: NodeContext): McpProblem {
  if (signal.aborted) return { failure: { code: 'timeout', message: `${what}: it was stopped.` }, retryable: true };
  const cause = httpClientError(error);
  if (cause !== null) {
    const code =
      cause.reason === 'address_refused' || cause.reason === 'too_large' || cause.reason === 'timeout'
        ? cause.reason
        : 'network';
    return {
      failure: { code, message: `${what}: ${cause.message}` },
      retryable: code === 'network' || code === 'timeout',
    };
  }
  const said = (error instanceof Error ? error.message : String(error)).replace(RPC_PREFIX, '');
  const message = `${what}: ${shown(said)}`;
  const status = (error as { code?: unknown }).code;
  if (typeof status !== 'number' || status < 400 || status > 599) {
    return { failure: { code: 'provider', message }, retryable: false };
  }
  return { failure: { code: 'provider', message, httpStatus: status }, retryable: isRetryableStatus(status) };
}

async function closeSession(
  client: Client,
  transport: StreamableHTTPClientTransport,
  { signal }: NodeContext,
): Promise<void> {
  if (transport.sessionId !== undefined && !signal.aborted) {
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, GOODBYE_MS);
    await Promise.race([transport.terminateSession().catch(() => {}), enough.promise]);
    clearTimeout(timer);
  }
  await client.close();
}
