import type { CallOptions, Http, HttpRequest } from './http.ts';

/** An operation as the generated types have it. */
interface Operation {
  readonly path: object;
  readonly query: object;
  readonly body: unknown;
  readonly answer: unknown;
}

/** What an operation takes: the parts of its path, its query, its body, as far as it has them. */
export type Given<O extends Operation> = (keyof O['path'] extends never ? { path?: never } : { path: O['path'] }) & {
  query?: O['query'] | undefined;
} & (O['body'] extends undefined ? { body?: never } : { body: O['body'] });

/**
 * Calls any operation of an API by its method and path, typed by the OpenAPI document: `call('GET /v1/runs/{id}', { path: { id } })`.
 * @throws RefusedError, ConnectionError, TimeoutError
 */
export type Call<Operations> = <Name extends keyof Operations & string>(
  name: Name,
  given: Operations[Name] extends Operation ? Given<Operations[Name]> : never,
  options?: CallOptions & Pick<HttpRequest, 'isRepeatable'>,
) => Promise<Operations[Name] extends Operation ? Operations[Name]['answer'] : never>;

export function caller<Operations>(http: Http): Call<Operations> {
  return (async (name: string, given: { path?: object; query?: object; body?: unknown }, options = {}) => {
    const [method = '', pattern = ''] = name.split(' ');
    const parts = (given.path ?? {}) as Readonly<Record<string, string>>;
    const path = pattern.replaceAll(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(parts[part] ?? ''));
    const { query, body } = given;
    return http.json(
      { method, path, ...(query && { query }), ...(body !== undefined && { body }), ...options },
      options,
    );
  }) as Call<Operations>;
}
