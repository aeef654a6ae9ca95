import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { surroundings } from '../support/surroundings.ts';

/** The preset key of every server here. */
export const KEY = 'crash_key_0123456789';

const MAIN = fileURLToPath(new URL('../../bin/millrun.js', import.meta.url));

/** Seconds that a server which is asked to stop gives to what runs: less than the slowest effect of these tests takes. */
const DRAIN_SECONDS = '1';

export interface Answer {
  readonly status: number;
  /** The parsed body. */
  readonly body: unknown;
}

/** The product in a process of its own, as an operator starts it. */
export interface ServerProcess {
  readonly url: string;
  /** Resolves with the signal that ended it, or null when it ended by itself. */
  readonly exited: Promise<NodeJS.Signals | null>;
  /** Everything it wrote so far. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** One call of its API. @throws when no whole answer came */
  call(method: string, path: string, body?: object): Promise<Answer>;
  /** The messages of an event stream, which the server ends. @throws when the connection breaks */
  events(path: string): Promise<EventMessage[]>;
  /** The same messages as they come. @throws when the connection breaks */
  stream(path: string): AsyncIterable<EventMessage>;
}

export interface EventMessage {
  readonly type: string;
  readonly redisId: string;
  readonly data: { readonly id?: string; readonly status: string; readonly workflow_status?: string };
}

/** The server ended before it listened. */
export class NotReady extends Error {}

export interface ServerOptions {
  readonly folder: string;
  /** `host:port` of the world outside, which workflows may reach and which is the model provider too. */
  readonly world?: string;
  /** A module that runs before the product. */
  readonly preload?: string;
  /** What of the product runs: a server, unless it is said. */
  readonly command?: 'serve' | 'worker';
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server on a free port. @throws NotReady */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const preload = options.preload === undefined ? [] : ['--import', options.preload];
  const child = spawn(
    process.execPath,
    [...preload, MAIN, ...(options.command === 'worker' ? ['worker'] : ['serve', '--port', '0'])],
    {
      env: {
        ...surroundings(),
        MILLRUN_DATA: options.folder,
        MILLRUN_API_KEY: KEY,
        MILLRUN_LOG_LEVEL: 'warn',
        MILLRUN_DRAIN_SECONDS: DRAIN_SECONDS,
        ...(options.world === undefined
          ? {}
          : { MILLRUN_HTTP_ALLOW: options.world, OPENAI_BASE_URL: `http://${options.world}/v1` }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const exited = once(child, 'close').then(() => child.signalCode);
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        // A worker has no address.
        const match = /listening on (\S+)|worker is ready/.exec(output);
        if (match) resolve(match[1] ?? '');
      });
    }
    child.once('error', reject);
    void exited.then((signal) =>
      reject(new NotReady(`The server ended (${signal ?? child.exitCode}) before it was ready:\n${output}`)),
    );
  });
  const headers = { 'x-api-key': KEY, 'content-type': 'application/json' };
  return {
    url,
    exited,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    async call(method, path, body) {
      const answer = await fetch(url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
      return { status: answer.status, body: await answer.json() };
    },
    async events(path) {
      const answer = await fetch(url + path, { headers });
      const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('data: '));
      return lines.map((line) => JSON.parse(line.slice('data: '.length)));
    },
    async *stream(path) {
      const answer = await fetch(url + path, { headers });
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
      let text = '';
      for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length));
      }
    },
  };
}
