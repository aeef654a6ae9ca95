import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { acceptWebSocket, type ServerSocket } from './websocket-server.ts';

/** The part of a ComfyUI graph that the server looks at. */
type Prompt = Readonly<
  Record<string, { readonly class_type: string; readonly inputs: Readonly<Record<string, unknown>> }>
>;

/** A prompt that the server took, and what a script may do with it. Events go to the client that submitted it. */
export interface ServedPrompt {
  readonly id: string;
  readonly clientId: string;
  readonly prompt: Prompt;
  /** Sends an event that carries the prompt's id. */
  tell(type: string, data?: Readonly<Record<string, unknown>>): void;
  /** Sends a preview: a binary frame. */
  preview(): void;
  /** Cuts the websocket of the client. */
  drop(): void;
  /** Puts the prompt into the history, and tells the end. Times in milliseconds since execution began. */
  end(ending: {
    outputs?: Readonly<Record<string, unknown>>;
    error?: Readonly<Record<string, unknown>>;
    ms?: number;
    /** Does not tell, so that only the history knows. */
    silently?: boolean;
  }): void;
  /** Plays the whole of it as ComfyUI does: every node in turn, and a file for each node that saves one. */
  play(): void;
  /** Resolves when the prompt is interrupted. */
  readonly interrupted: Promise<void>;
}

interface Upload {
  readonly name: string;
  readonly subfolder: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** What a ComfyUI server of a test is like. */
export interface ComfyuiScript {
  /** Classes that it has; all when left out. */
  readonly classes?: readonly string[];
  /** What it does with the prompts, the first given to the first; the last repeats. `play` when left out. */
  readonly prompts?: readonly ((prompt: ServedPrompt) => unknown)[];
  /** The body of a 400 for a prompt, or null to take it. */
  readonly refuse?: (prompt: Prompt) => unknown;
  /** The name under which it keeps an upload. */
  readonly rename?: (name: string) => string;
  /** Gives prompts ids of its own, as older servers do. */
  readonly ownIds?: boolean;
  /** The Authorization header that it demands. */
  readonly authorization?: string;
}

/** A ComfyUI server on a real socket that speaks what runs need of its API (`server.py` of ComfyUI). */
export interface ComfyuiTestServer {
  readonly url: string;
  /** `METHOD path` of every request, without the query. */
  readonly requests: readonly string[];
  readonly prompts: readonly ServedPrompt[];
  readonly uploads: readonly Upload[];
  /** Ids of prompts that were taken out of the queue, or asked to be. */
  readonly dequeued: readonly string[];
  readonly interrupts: readonly string[];
  /** Bytes of files by `type/subfolder/filename`; others are a tiny PNG. Null: gone. */
  readonly files: Map<string, { readonly contentType: string; readonly bytes: Buffer } | null>;
  /** Prompts of other clients that wait. */
  readonly others: string[];
  /** Sends an event to every client. */
  tellAll(type: string, data: Readonly<Record<string, unknown>>): void;
  /** Forgets everything and cuts every connection, as a restart does. */
  restart(): void;
  /** Resolves when as many prompts have come. */
  got(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** 1 x 1 pixel. */
export const TINY_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** When execution begins, by the server's clock, which is not the platform's. */
const STARTED_AT = 1_700_000_000_000;

const SAVING = new Set(['RunflowOutputImage', 'RunflowOutputFile', 'SaveImage', 'PreviewImage']);

interface Held extends ServedPrompt {
  isRunning: boolean;
  interrupt(): void;
}

export async function startComfyuiServer(script: ComfyuiScript = {}): Promise<ComfyuiTestServer> {
  const requests: string[] = [];
  const prompts: Held[] = [];
  const uploads: Upload[] = [];
  const dequeued: string[] = [];
  const interrupts: string[] = [];
  const files: ComfyuiTestServer['files'] = new Map();
  const others: string[] = [];
  const sockets = new Map<string, ServerSocket>();
  const connections = new Set<Socket>();
  const waiting = new Set<() => void>();
  let queue: Held[] = [];
  let history: Record<string, unknown> = {};

  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  http.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  http.on('upgrade', (request, socket) => {
    const url = new URL(request.url ?? '/', 'http://comfyui');
    requests.push(`GET ${url.pathname} (websocket)`);
    if (!isAllowed(request)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    const clientId = url.searchParams.get('clientId') ?? '';
    const opened = acceptWebSocket(request, socket);
    sockets.set(clientId, opened);
    void opened.ended.then(() => sockets.get(clientId) === opened && sockets.delete(clientId));
    send(clientId, 'status', { status: { exec_info: { queue_remaining: queue.length } }, sid: clientId });
  });
  await new Promise<void>((ready) => http.listen(0, '127.0.0.1', ready));

  function isAllowed(request: IncomingMessage): boolean {
    return script.authorization === undefined || request.headers.authorization === script.authorization;
  }

  function send(clientId: string, type: string, data: unknown): void {
    sockets.get(clientId)?.text(JSON.stringify({ type, data }));
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://comfyui');
    const { pathname: path, searchParams: query } = url;
    requests.push(`${request.method} ${path}`);
    const body = await buffer(request);
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
    if (!isAllowed(request)) return void response.writeHead(401).end('Unauthorized');
    const [, name = '', rest = ''] = /^\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    switch (`${request.method} ${name}`) {
      case 'GET system_stats':
        return void json({ system: { comfyui_version: '0.3.75' }, devices: [{ name: 'cpu', type: 'cpu' }] });
      case 'GET object_info': {
        const classType = decodeURIComponent(rest);
        return void json(script.classes?.includes(classType) === false ? {} : { [classType]: { input: {} } });
      }
      case 'POST upload':
        return void json(await takeUpload(request, body));
      case 'POST prompt':
        return takePrompt(JSON.parse(body.toString()), json);
      case 'GET history':
        return void json(Object.hasOwn(history, rest) ? { [rest]: history[rest] } : {});
      case 'GET queue': {
        const item = (held: Held, index: number) => [index, held.id, held.prompt, {}, []];
        return void json({
          queue_running: queue.filter(({ isRunning }) => isRunning).map(item),
          queue_pending: [
            ...queue.filter(({ isRunning }) => !isRunning).map(item),
            ...others.map((id, index) => [index, id, {}, {}, []]),
          ],
        });
      }
      case 'POST queue': {
        const { delete: ids = [] } = JSON.parse(body.toString()) as { delete?: string[] };
        dequeued.push(...ids);
        queue = queue.filter(({ id, isRunning }) => isRunning || !ids.includes(id));
        return void response.end();
      }
      case 'POST interrupt': {
        const { prompt_id: id } = JSON.parse(body.toString()) as { prompt_id?: string };
        interrupts.push(id ?? 'whatever runs');
        for (const held of queue) if (held.isRunning && held.id === id) held.interrupt();
        return void response.end();
      }
      case 'GET view': {
        const key = `${query.get('type')}/${query.get('subfolder')}/${query.get('filename')}`;
        const file = files.has(key) ? files.get(key) : { contentType: 'image/png', bytes: TINY_PNG };
        if (!file) return void response.writeHead(404).end();
        return void response.setHeader('content-type', file.contentType).end(file.bytes);
      }
      default:
        return void response.writeHead(404).end();
    }
  }

  async function takeUpload(request: IncomingMessage, body: Buffer): Promise<unknown> {
    const headers = { 'content-type': request.headers['content-type'] ?? '' };
    const form = await new Response(new Uint8Array(body), { headers }).formData();
    const file = form.get('image') as File;
    const subfolder = String(form.get('subfolder') ?? '');
    uploads.push({ name: file.name, subfolder, contentType: file.type, bytes: Buffer.from(await file.arrayBuffer()) });
    return { name: script.rename?.(file.name) ?? file.name, subfolder, type: 'input' };
  }

  function takePrompt(
    body: { prompt: Prompt; prompt_id?: string; client_id: string },
    json: (value: unknown, status?: number) => unknown,
  ): void {
    const refusal = script.refuse?.(body.prompt) ?? null;
    if (refusal !== null) return void json(refusal, 400);
    const number = prompts.length;
    const id = script.ownIds || body.prompt_id === undefined ? `own-${number}` : body.prompt_id;
    const held = servedPrompt(id, body.client_id, body.prompt);
    prompts.push(held);
    queue.push(held);
    for (const wake of waiting) wake();
    const act = script.prompts?.[Math.min(number, script.prompts.length - 1)] ?? ((one: ServedPrompt) => one.play());
    // What a script does at once comes before the answer: ComfyUI works its queue off in another thread.
    act(held);
    json({ prompt_id: id, number, node_errors: {} });
  }

  function servedPrompt(id: string, clientId: string, prompt: Prompt): Held {
    const interrupted = Promise.withResolvers<void>();
    const tell: ServedPrompt['tell'] = (type, data = {}) => {
      if (type === 'execution_start') held.isRunning = true;
      send(clientId, type, { ...data, prompt_id: id });
    };
    const held: Held = {
      id,
      clientId,
      prompt,
      isRunning: false,
      tell,
      preview: () => sockets.get(clientId)?.binary(Buffer.alloc(64)),
      drop: () => sockets.get(clientId)?.drop(),
      end({ outputs = {}, error, ms = 2_500, silently = false }) {
        const at = (type: string, after: number, data: object = {}) => [
          type,
          { prompt_id: id, timestamp: STARTED_AT + after, ...data },
        ];
        const type = error === undefined ? 'execution_success' : String(error['type'] ?? 'execution_error');
        if (!silently) tell(type, error);
        history[id] = {
          prompt: [0, id, prompt, {}, []],
          outputs,
          status: {
            status_str: error === undefined ? 'success' : 'error',
            completed: error === undefined,
            messages: [at('execution_start', 0), at('execution_cached', 0, { nodes: [] }), at(type, ms, error)],
          },
          meta: {},
        };
        queue = queue.filter((one) => one !== held);
        if (!silently) tell('executing', { node: null });
      },
      play() {
        tell('execution_start');
        tell('execution_cached', { nodes: [] });
        const outputs: Record<string, unknown> = {};
        for (const [node, { class_type: type }] of Object.entries(prompt)) {
          tell('executing', { node, display_node: node });
          if (!SAVING.has(type)) continue;
          const folder = type === 'PreviewImage' ? 'temp' : 'output';
          outputs[node] = { images: [{ filename: `${node}_00001_.png`, subfolder: '', type: folder }] };
          tell('executed', { node, display_node: node, output: outputs[node] });
        }
        held.end({ outputs });
      },
      interrupted: interrupted.promise,
      interrupt() {
        held.end({ error: { type: 'execution_interrupted', node_id: Object.keys(prompt)[0] } });
        interrupted.resolve();
      },
    };
    return held;
  }

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    prompts,
    uploads,
    dequeued,
    interrupts,
    files,
    others,
    tellAll: (type, data) => {
      for (const clientId of sockets.keys()) send(clientId, type, data);
    },
    restart() {
      queue = [];
      history = {};
      for (const socket of connections) socket.destroy();
    },
    async got(count) {
      while (prompts.length < count) {
        const come = Promise.withResolvers<void>();
        waiting.add(come.resolve);
        await come.promise;
        waiting.delete(come.resolve);
      }
    },
    async stop() {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
