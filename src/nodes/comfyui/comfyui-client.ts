import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { HttpAnswer, OpenWebSocket } from '../../system/http-client.ts';
import type { ComfyuiServer } from '../node-type.ts';
import { type Graph, isGraphNode } from './graph.ts';

/** Questions that a server answers from its memory. It answers late while it loads a model. */
const ASK_TIMEOUT_MS = 30_000;

/** A file on its way to or from a server. */
const TRANSFER_TIMEOUT_MS = 600_000;

/** Answers in JSON: the queue carries whole graphs, and a class carries the names of all models. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;

/** A file that a graph made: it passes through memory on its way to the store. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** One message of the websocket; previews, which are skipped, are the largest. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/** Something that a server tells while it works, over the websocket or in its history. */
export interface ComfyuiEvent {
  readonly type: string;
  readonly data: JsonObject;
}

/** How a prompt ended. */
export interface HistoryEntry {
  readonly succeeded: boolean;
  /** What was told while it ran, with the server's own times. */
  readonly messages: readonly ComfyuiEvent[];
  /** Node id → bucket → entries. */
  readonly outputs: JsonObject;
  readonly prompt: Graph;
}

/** A prompt that waits or runs. */
export interface QueuedPrompt {
  readonly id: string;
  readonly isRunning: boolean;
  readonly prompt: Graph;
}

/** Where a file lies on a server: its folder (`output`, `input`, `temp`), and its path below. */
export interface ServerFile {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: string;
}

/** A server answered a call with an error. */
export class ComfyuiError extends Error {
  override readonly name = 'ComfyuiError';
  readonly status: number;
  readonly body: JsonValue;

  constructor(message: string, status: number, body: JsonValue) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/**
 * The calls of one ComfyUI server (`server.py` of ComfyUI) that a run needs.
 * Each of them throws `HttpClientError` when the server cannot be reached, and `ComfyuiError` when it answers with an error.
 */
export class ComfyuiClient {
  readonly #server: ComfyuiServer;
  readonly #signal: AbortSignal;

  /** @param signal ends every call under way */
  constructor(server: ComfyuiServer, signal: AbortSignal) {
    this.#server = server;
    this.#signal = signal;
  }

  /** The address, without credentials. */
  get url(): string {
    return this.#server.url;
  }

  /** Version and devices. A server that answers this is healthy. */
  async systemStats(): Promise<JsonObject> {
    return object(await this.#json('GET', '/system_stats'));
  }

  /** Whether the server has a node class. Asked by class: the list of all takes a server with many models seconds. */
  async hasClass(classType: string): Promise<boolean> {
    const known = object(await this.#json('GET', `/object_info/${encodeURIComponent(classType)}`));
    return Object.hasOwn(known, classType);
  }

  /** Puts a file into the input folder. @returns its path there; another one than asked when that was taken by other content */
  async upload(file: { name: string; subfolder: string; contentType: string; bytes: Uint8Array }): Promise<string> {
    const form = new FormData();
    const bytes = file.bytes as Uint8Array<ArrayBuffer>;
    form.set('image', new Blob([bytes], { type: file.contentType }), file.name);
    form.set('type', 'input');
    form.set('subfolder', file.subfolder);
    // Only the platform's own body knows the boundary that it has put between the fields.
    const body = new Response(form);
    const answer = await this.#call('POST', '/upload/image', {
      body: await body.bytes(),
      contentType: body.headers.get('content-type') ?? '',
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    const { name, subfolder } = object(jsonOf(answer));
    if (typeof name !== 'string') throw new ComfyuiError(`${this.url} did not name the file it took.`, 200, null);
    return typeof subfolder === 'string' && subfolder !== '' ? `${subfolder}/${name}` : name;
  }

  /**
   * Queues a prompt. Older servers give it an id of their own.
   * @returns its id, and the errors of nodes that are left out because nothing that is valid needs them
   */
  async submit(request: { prompt: Graph; promptId: string; clientId: string }): Promise<{
    promptId: string;
    nodeErrors: JsonValue;
  }> {
    const answer = object(
      await this.#json('POST', '/prompt', {
        prompt: request.prompt,
        prompt_id: request.promptId,
        client_id: request.clientId,
      }),
    );
    const { prompt_id: id, node_errors: nodeErrors = null } = answer;
    return { promptId: typeof id === 'string' ? id : request.promptId, nodeErrors };
  }

  /** How a prompt ended; null while it has not, or when the server knows nothing of it. */
  async history(promptId: string): Promise<HistoryEntry | null> {
    const entry = object(await this.#json('GET', `/history/${encodeURIComponent(promptId)}`))[promptId];
    if (!isJsonObject(entry)) return null;
    const status = object(entry['status']);
    const messages = Array.isArray(status['messages']) ? status['messages'] : [];
    return {
      succeeded: status['status_str'] !== 'error',
      messages: messages.map((message) => {
        const [type, data] = Array.isArray(message) ? message : [];
        return { type: String(type), data: object(data) };
      }),
      outputs: object(entry['outputs']),
      prompt: graphIn(entry['prompt']),
    };
  }

  /** What waits and runs, of all clients. */
  async queue(): Promise<readonly QueuedPrompt[]> {
    const { queue_running: running, queue_pending: pending } = object(await this.#json('GET', '/queue'));
    return [...queued(running, true), ...queued(pending, false)];
  }

  /** Removes a prompt that waits. One that runs or has ended stays as it is. */
  async dequeue(promptId: string): Promise<void> {
    await this.#json('POST', '/queue', { delete: [promptId] });
  }

  /** Stops what runs. Older servers stop whatever runs: look at the queue before. */
  async interrupt(promptId: string): Promise<void> {
    await this.#json('POST', '/interrupt', { prompt_id: promptId });
  }

  /** A file's bytes; null when it is gone. */
  async view(file: ServerFile): Promise<{ contentType: string | null; bytes: Uint8Array } | null> {
    const query = new URLSearchParams({ filename: file.filename, subfolder: file.subfolder, type: file.type });
    try {
      const answer = await this.#call('GET', `/view?${query}`, {
        timeoutMs: TRANSFER_TIMEOUT_MS,
        maxBytes: MAX_FILE_BYTES,
      });
      return { contentType: answer.headers['content-type'] ?? null, bytes: answer.body };
    } catch (error) {
      if (error instanceof ComfyuiError && error.status === 404) return null;
      throw error;
    }
  }

  /** Opens the websocket on which the server tells what becomes of the prompts of a client. */
  async events(clientId: string, onEvent: (event: ComfyuiEvent) => void, onClose: () => void): Promise<OpenWebSocket> {
    return this.#server.http.websocket({
      url: `${this.url.replace(/^http/, 'ws')}/ws?clientId=${encodeURIComponent(clientId)}`,
      headers: this.#headers(),
      timeoutMs: ASK_TIMEOUT_MS,
      maxBytes: MAX_MESSAGE_BYTES,
      signal: this.#signal,
      onText: (text) => {
        const message = object(parse(text));
        if (typeof message['type'] === 'string') onEvent({ type: message['type'], data: object(message['data']) });
      },
      onClose,
    });
  }

  async #json(method: 'GET' | 'POST', path: string, body?: JsonValue | { prompt: Graph }): Promise<JsonValue> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' };
    return jsonOf(await this.#call(method, path, { ...sent, timeoutMs: ASK_TIMEOUT_MS }));
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    more: { body?: string | Uint8Array; contentType?: string; timeoutMs: number; maxBytes?: number },
  ): Promise<HttpAnswer> {
    const answer = await this.#server.http.request({
      method,
      url: `${this.url}${path}`,
      headers: { ...this.#headers(), ...(more.contentType ? { 'content-type': more.contentType } : {}) },
      ...(more.body === undefined ? {} : { body: more.body }),
      timeoutMs: more.timeoutMs,
      maxBytes: more.maxBytes ?? MAX_JSON_BYTES,
      signal: this.#signal,
    });
    if (answer.status < 400) return answer;
    const call = `${method} ${path.split('?')[0]}`;
    const hint = answer.status === 401 || answer.status === 403 ? ' Check the credentials in COMFYUI_URL.' : '';
    throw new ComfyuiError(`${this.url} answered ${answer.status} to ${call}.${hint}`, answer.status, jsonOf(answer));
  }

  #headers(): Record<string, string> {
    return this.#server.authorization === null ? {} : { authorization: this.#server.authorization };
  }
}

/** What an answer's body says; null when it is empty or no JSON, as some answers are. */
function jsonOf(answer: HttpAnswer): JsonValue {
  return parse(new TextDecoder().decode(answer.body));
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Items of a queue are `[number, prompt id, prompt, …]`. */
function queued(items: JsonValue | undefined, isRunning: boolean): QueuedPrompt[] {
  if (!Array.isArray(items)) return [];
  return items.map((item) => ({
    id: String(Array.isArray(item) ? item[1] : ''),
    isRunning,
    prompt: graphIn(item),
  }));
}

function graphIn(item: JsonValue | undefined): Graph {
  const nodes = Object.entries(object(Array.isArray(item) ? item[2] : undefined));
  return Object.fromEntries(
    nodes.filter((entry): entry is [string, JsonObject & Graph[string]] => isGraphNode(entry[1])),
  );
}
