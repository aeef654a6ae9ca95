import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { isJSONRPCRequest, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/sdk/types.js';
import { explained } from '../failures.ts';
import { readArguments } from '../flags.ts';
import { serverFor } from '../server-access.ts';

/** JSON-RPC's code of a failure that is nobody's message to blame for. */
const INTERNAL_ERROR = -32_603;

/**
 * `millrun mcp [--url URL] [--key KEY] [--workflows-as-tools]`: speaks the Model Context Protocol on standard input and output for a client that starts
 * it, and asks a running server (`docs/mcp.md`). 0 when the client has ended it, 2 when no server could be asked.
 */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const given = readArguments(args, { texts: ['url', 'key'], switches: ['workflows-as-tools'] });
    const { url, key } = await serverFor(given);
    const address = new URL(`${url}/mcp`);
    if (given.switches.has('workflows-as-tools')) address.searchParams.set('workflows', 'tools');
    return relay(address, key);
  });
}

/** Hands every message on, in both directions, until standard input has ended and everything that was asked is answered. */
async function relay(address: URL, key: string): Promise<number> {
  const client = new StdioServerTransport();
  const server = new StreamableHTTPClientTransport(address, {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
  });
  const ended = Promise.withResolvers<void>();
  const unanswered = new Set<RequestId>();
  let hasMore = true;
  const answer = (message: JSONRPCMessage) => {
    void client.send(message);
    if ('id' in message && message.id !== undefined && !isJSONRPCRequest(message)) unanswered.delete(message.id);
    if (!hasMore && unanswered.size === 0) ended.resolve();
  };

  let isOver = false;
  server.onerror = (error) => {
    // Closing breaks off the line on which the server could still say something, which is no error then.
    if (!isOver) process.stderr.write(`${error.message}\n`);
  };
  server.onmessage = (message: JSONRPCMessage) => {
    // Later requests must say which version was agreed upon, which is in the answer to the first.
    if ('result' in message && typeof message.result['protocolVersion'] === 'string') {
      server.setProtocolVersion(message.result['protocolVersion']);
    }
    answer(message);
  };
  client.onmessage = (message: JSONRPCMessage) => {
    if (isJSONRPCRequest(message)) unanswered.add(message.id);
    server.send(message).catch((error: Error) => {
      if (!isJSONRPCRequest(message)) return;
      const told = `The server at ${address.origin} refused or is gone: ${error.message}`;
      answer({ jsonrpc: '2.0', id: message.id, error: { code: INTERNAL_ERROR, message: told } });
    });
  };
  process.stdin.once('end', () => {
    hasMore = false;
    if (unanswered.size === 0) ended.resolve();
  });
  await server.start();
  await client.start();
  await ended.promise;
  isOver = true;
  await server.close();
  await client.close();
  return 0;
}
