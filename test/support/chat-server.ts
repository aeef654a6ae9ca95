import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What a chat completion is asked for (OpenAI's API reference, "Create chat completion"). */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | null;
    readonly tool_call_id?: string;
  }[];
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters: object } }[];
}

/** What a model says: a text, or calls of tools by name with arguments as JSON text. */
type Said = string | { readonly text?: string; readonly calls: readonly (readonly [name: string, args: string])[] };

/** A turn of a model. A function that gives nothing has answered by itself, or never will. */
export type ChatTurn = Said | ((request: ChatRequest, response: ServerResponse) => Said | undefined);

export interface ChatServer {
  readonly url: string;
  readonly asked: readonly ChatRequest[];
  stop(): Promise<void>;
}

/**
 * A server of models that speaks as OpenAI does, with calls of tools.
 * @param turns what is said, question by question; the last one for ever
 */
export async function startChatServer(turns: readonly ChatTurn[]): Promise<ChatServer> {
  const asked: ChatRequest[] = [];
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as ChatRequest;
    asked.push(body);
    const turn = turns[Math.min(asked.length, turns.length) - 1] ?? '';
    const said = typeof turn === 'function' ? turn(body, response) : turn;
    if (said === undefined) return;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(completion(said, asked.length, body.model)));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function completion(said: Said, turn: number, model: string) {
  const { text = null, calls = [] } = typeof said === 'string' ? { text: said } : said;
  const message = {
    role: 'assistant',
    content: text,
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(([name, args], index) => ({
            id: `call_${turn}_${index}`,
            type: 'function',
            function: { name, arguments: args },
          })),
        }),
  };
  return {
    id: `c${turn}`,
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: calls.length === 0 ? 'stop' : 'tool_calls' }],
    usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
  };
}
