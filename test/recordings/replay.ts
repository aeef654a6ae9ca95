import { expect } from 'vitest';

/** A parser for each form of answer. @throws Error that says what is wrong */
export type Forms = Readonly<Record<string, (body: unknown) => void>>;

/** What a client sends, one request after the other. `{name}` stands for what an earlier answer brought (`keep`). */
export interface Recording {
  readonly client: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly exchanges: readonly Exchange[];
}

interface Exchange {
  /** The call of the client that sends this. */
  readonly call: string;
  readonly request: {
    readonly method: string;
    /** A path of the server, or a whole address that an earlier answer brought. */
    readonly path: string;
    readonly body?: unknown;
    /** Sent as they are. */
    readonly raw?: { readonly type: string; readonly text: string };
    readonly multipart?: { readonly filename: string; readonly type: string; readonly text: string };
  };
  readonly answer: { readonly status: number; readonly form: string };
  readonly keep?: Readonly<Record<string, string>>;
  /** Sent again until the field has one of the values, as the client polls. */
  readonly until?: Readonly<Record<string, readonly string[]>>;
}

/** What fetch sets itself and refuses to be told. */
const OWN_HEADERS = new Set(['host', 'connection', 'accept-encoding']);

/**
 * Sends what a client sends, one request after the other, and holds each answer against what the client needs of it.
 * @param kept what paths, headers and bodies refer to by name
 */
export async function replayAll(
  url: string,
  { headers, exchanges }: Recording,
  forms: Forms,
  kept: Map<string, string>,
): Promise<void> {
  expect(exchanges.length).toBeGreaterThan(0);
  for (const exchange of exchanges) {
    const body = await replay(url, headers, exchange, forms, kept);
    for (const [name, pointer] of Object.entries(exchange.keep ?? {})) kept.set(name, String(at(body, pointer)));
  }
}

async function replay(
  url: string,
  headers: Recording['headers'],
  { call, request, answer, until = {} }: Exchange,
  forms: Forms,
  kept: ReadonlyMap<string, string>,
): Promise<unknown> {
  for (;;) {
    const path = fill(request.path, kept);
    const response = await fetch(/^https?:/.test(path) ? path : url + path, {
      method: request.method,
      headers: {
        ...Object.fromEntries(
          Object.entries(headers)
            .filter(([name]) => !OWN_HEADERS.has(name))
            .map(([name, value]) => [name, fill(value, kept)]),
        ),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(request.raw === undefined ? {} : { 'content-type': request.raw.type }),
      },
      ...bodyOf(request, kept),
    });
    const text = await response.text();
    expect(response.status, `${call}: ${text}`).toBe(answer.status);
    if (answer.form === 'bytes') {
      forms['bytes']!(text);
      return text;
    }
    const isStream = answer.form === 'events';
    expect(response.headers.get('content-type')).toMatch(isStream ? /^text\/event-stream/ : /^application\/json/);
    const body: unknown = isStream ? text : JSON.parse(text);
    forms[answer.form]!(body);
    if (Object.entries(until).every(([pointer, values]) => values.includes(String(at(body, pointer))))) return body;
  }
}

function bodyOf(
  { body, raw, multipart }: Exchange['request'],
  kept: ReadonlyMap<string, string>,
): { body?: FormData | string } {
  if (multipart) {
    const form = new FormData();
    form.append('file', new File([multipart.text], multipart.filename, { type: multipart.type }));
    return { body: form };
  }
  if (raw) return { body: raw.text };
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
