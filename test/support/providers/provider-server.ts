import type { ServerResponse } from 'node:http';
import type { ProviderProtocol } from '../../../src/domain/credential.ts';
import type { ModelProvider } from '../../../src/nodes/node-type.ts';
import { startOtherServer } from '../http-server.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { chatCompletions, mistralChat } from './chat-completions.ts';
import { converse } from './converse.ts';
import { generateContent } from './generate-content.ts';
import { responses } from './responses.ts';
import type { Body, Said, Wire } from './wire.ts';

/** What a served model does with a request. */
export type Behaviour =
  | Said
  /** An error of the provider. */
  | { readonly status: number; readonly message?: string; readonly headers?: Readonly<Record<string, string>> }
  /** JSON made of the request: vectors, pictures. */
  | { gives(body: Body): object }
  /** Bytes of its own, whatever the protocol says. */
  | { readonly raw: string; readonly status?: number; readonly type?: string }
  /** It never answers; `after`: once this much was said. */
  | { readonly stalls: true; readonly after?: Said }
  /** It cuts the connection, after some of what it had to say when it streams. */
  | { readonly cuts: true; readonly after?: Said }
  /** It breaks the protocol in the middle. */
  | { readonly garbles: Said };

/** A request that a served model got. */
export interface Asked {
  readonly model: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly isStreamed: boolean;
}

export interface ProviderServer {
  readonly provider: ModelProvider;
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

/** The models of a provider by name. A list is gone through request by request; its last repeats. Those that are not here answer 404. */
export type Script = Readonly<Record<string, Behaviour | readonly Behaviour[]>>;

/** A provider of models on a real socket that speaks its protocol, streams and all. */
export async function startProvider(
  protocol: ProviderProtocol,
  script: Script,
  given: Partial<ModelProvider> = {},
): Promise<ProviderServer> {
  const asked: Asked[] = [];
  const server = await startOtherServer(({ path, headers, body: text }, response) => {
    const wire = wireOf(path, protocol);
    const body: Body = JSON.parse(text);
    const model = wire.modelOf(path, body);
    const isStreamed = wire.isStreamed(path, body);
    const before = asked.filter((one) => one.model === model).length;
    asked.push({ model, path, headers, body, isStreamed });
    const behaviours = [script[model] ?? { status: 404 }].flat() as Behaviour[];
    behave(behaviours[before] ?? behaviours.at(-1)!, wire, asked.at(-1)!, response);
  });
  const baseUrl = `${server.url}${ROOT[protocol]}`;
  const settings: Readonly<Record<string, string>> = protocol === 'bedrock' ? { region: 'us-east-1' } : {};
  return {
    provider: { name: protocol, protocol, baseUrl, apiKey: 'key-1', settings, models: [], ...given },
    asked,
    stop: () => server.stop(),
  };
}

/** The paths under which the providers serve their APIs. */
const ROOT: Readonly<Record<ProviderProtocol, string>> = {
  'openai-compatible': '/v1',
  openai: '/v1',
  anthropic: '/v1',
  google: '/v1beta',
  mistral: '/v1',
  azure: '/openai',
  bedrock: '',
};

function wireOf(path: string, protocol: ProviderProtocol): Wire {
  const { pathname } = new URL(path, 'http://server');
  if (protocol === 'mistral') return mistralChat;
  if (/\/(chat\/completions|embeddings|images\/generations)$/.test(pathname)) return chatCompletions;
  if (pathname.endsWith('/responses')) return responses;
  if (pathname.endsWith('/messages')) return anthropicMessages;
  if (/\/converse(-stream)?$/.test(pathname)) return converse;
  if (/:(stream)?(generateContent|batchEmbedContents|embedContent|predict)$/i.test(pathname)) return generateContent;
  throw new Error(`No provider of a test serves ${path}.`);
}

function behave(behaviour: Behaviour, wire: Wire, { isStreamed, body }: Asked, response: ServerResponse): void {
  if ('text' in behaviour) {
    if (isStreamed) response.writeHead(200, { 'content-type': wire.streamType }).end(joined(wire.frames(behaviour)));
    else sendJson(response, wire.whole(behaviour, body));
  } else if ('raw' in behaviour) {
    const type = behaviour.type ?? 'application/json';
    response.writeHead(behaviour.status ?? 200, { 'content-type': type }).end(behaviour.raw);
  } else if ('status' in behaviour) {
    const { status, message = `no luck: ${status}`, headers = {} } = behaviour;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    sendJson(response, wire.error(status, message), status);
  } else if ('gives' in behaviour) sendJson(response, behaviour.gives(body));
  else if ('garbles' in behaviour) garble(behaviour.garbles, wire, isStreamed, response);
  else begin(behaviour.after, wire, isStreamed, response, 'cuts' in behaviour);
}

/** Sends all but the end of an answer, then cuts the connection, or leaves it open for ever. */
function begin(
  said: Said | undefined,
  wire: Wire,
  isStreamed: boolean,
  response: ServerResponse,
  isCut: boolean,
): void {
  const end = () => {
    if (isCut) response.destroy();
  };
  if (said === undefined || !isStreamed) {
    end();
    return;
  }
  const frames = wire.frames(said);
  response.writeHead(200, { 'content-type': wire.streamType });
  // Cut in the middle of a frame, where a reader is least prepared.
  const bytes = joined(frames.slice(0, -1));
  response.write(bytes.subarray(0, isCut ? bytes.length - 3 : bytes.length), () => setImmediate(end));
}

function garble(said: Said, wire: Wire, isStreamed: boolean, response: ServerResponse): void {
  if (!isStreamed) {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(wire.whole(said, {})).slice(0, 12));
    return;
  }
  const [first = '', ...rest] = wire.frames(said);
  const nonsense = wire.streamType === 'text/event-stream' ? 'data: {"choi\n\n' : Buffer.alloc(40, 7);
  response.writeHead(200, { 'content-type': wire.streamType }).end(joined([first, nonsense, ...rest]));
}

function joined(frames: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(frames.map((frame) => Buffer.from(frame)));
}

function sendJson(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
