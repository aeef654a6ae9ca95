import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { FORMS } from './strict.ts';

/** What a client sends, one request after the other. `{name}` stands for what an earlier answer brought (`keep`). */
interface Recording {
  readonly client: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly exchanges: readonly Exchange[];
}

interface Exchange {
  /** The call of the client that sends this. */
  readonly call: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly multipart?: { readonly filename: string; readonly type: string; readonly text: string };
  };
  readonly answer: { readonly status: number; readonly form: string };
  readonly keep?: Readonly<Record<string, string>>;
  /** Sent again until the field has one of the values, as the client polls. */
  readonly until?: Readonly<Record<string, readonly string[]>>;
}

/** What fetch sets itself and refuses to be told. */
const OWN_HEADERS = new Set(['host', 'connection', 'accept-encoding']);

const recordings = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.json'))
  .map((name): Recording => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')));

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform();
});
afterAll(() => server.stop());

describe.each(['', '/noxus'])('under the prefix "%s"', (prefix) => {
  it.each(recordings.map((recording) => [recording.client, recording] as const))(
    'what %s sends is answered as it needs',
    async (_, { headers, exchanges }) => {
      expect(exchanges.length).toBeGreaterThan(0);
      const kept = new Map([['key', KEY]]);
      for (const exchange of exchanges) {
        const body = await replay(prefix, headers, exchange, kept);
        for (const [name, pointer] of Object.entries(exchange.keep ?? {})) kept.set(name, String(at(body, pointer)));
      }
    },
  );
});

async function replay(
  prefix: string,
  headers: Recording['headers'],
  { call, request, answer, until = {} }: Exchange,
  kept: ReadonlyMap<string, string>,
): Promise<unknown> {
  for (;;) {
    const response = await fetch(server.url + prefix + fill(request.path, kept), {
      method: request.method,
      headers: {
        ...Object.fromEntries(
          Object.entries(headers)
            .filter(([name]) => !OWN_HEADERS.has(name))
            .map(([name, value]) => [name, fill(value, kept)]),
        ),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...bodyOf(request, kept),
    });
    const text = await response.text();
    expect(response.status, `${call}: ${text}`).toBe(answer.status);
    if (answer.form === 'bytes') {
      FORMS['bytes']!(text);
      return text;
    }
    const isStream = answer.form === 'events';
    expect(response.headers.get('content-type')).toMatch(isStream ? /^text\/event-stream/ : /^application\/json/);
    const body: unknown = isStream ? text : JSON.parse(text);
    FORMS[answer.form]!(body);
    if (Object.entries(until).every(([pointer, values]) => values.includes(String(at(body, pointer))))) return body;
  }
}

function bodyOf(
  { body, multipart }: Exchange['request'],
  kept: ReadonlyMap<string, string>,
): { body?: FormData | string } {
  if (multipart) {
    const form = new FormData();
    form.append('file', new File([multipart.text], multipart.filename, { type: multipart.type }));
    return { body: form };
  }
  return body === undefined ? {} : { body: fill(JSON.stringify(body), kept) };
}

function fill(text: string, kept: ReadonlyMap<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (all, name: string) => kept.get(name) ?? all);
}

function at(body: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], body);
}
