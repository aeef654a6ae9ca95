import type { Config } from '../config/config.ts';
import { readConfig } from '../config/read.ts';
import { firstKeyOf } from '../platform-secrets.ts';
import type { Arguments } from './flags.ts';

/** Milliseconds to wait for the answer that tells whether there is a server. */
const PROBE_MS = 2000;

/** Something in the way that the operator can remove. The message says how. */
export class Obstacle extends Error {
  override readonly name = 'Obstacle';
}

/** A server and the key to ask it with. */
export interface Reached {
  readonly url: string;
  readonly key: string;
}

const ADVICE =
  'Give a key with the scope admin in MILLRUN_API_KEY, or name the data folder of the server with MILLRUN_DATA.';

/** The server at an address, with the key that was configured, or that the owner of the data folder has. @throws Obstacle when there is no key */
export function reached(url: string, config: Config): Reached {
  const key = config.apiKey ?? folderKey(config);
  if (key === null) throw new Obstacle(`The server at ${url} asks for a key. ${ADVICE}`);
  return { url, key };
}

/**
 * The running server that a command is about: the one named by --url, else that of this machine's settings; and the key to ask it with.
 * @throws Obstacle when it does not answer, or when there is no key
 */
export async function serverFor({ settings, texts }: Arguments): Promise<Reached> {
  const { config } = readConfig(settings);
  const url = texts['url']?.replace(/\/+$/, '') ?? serverUrl(config);
  if (!(await answers(url)))
    throw new Obstacle(`No server answers at ${url}. Start it with \`millrun serve\`, or give --url.`);
  const key = texts['key'] ?? config.apiKey;
  if (key !== null) return { url, key };
  // The first key of this folder is nothing that any server named by hand should learn.
  if (texts['url'] !== undefined) throw new Obstacle(`Give the key for ${url} with --key or MILLRUN_API_KEY.`);
  return reached(url, config);
}

/**
 * Asks a running server, in its Noxus API.
 * @returns the body of its answer, as the caller knows it to be
 * @throws Obstacle when it refuses, or does not answer
 */
export async function ask<T>({ url, key }: Reached, method: string, path: string, body?: object): Promise<T> {
  const request = {
    method,
    headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  let answer: Response;
  let told: unknown;
  try {
    answer = await fetch(`${url}${path}`, request);
    told = await answer.json();
  } catch (cause) {
    throw new Obstacle(`The server at ${url} does not answer any more.`, { cause });
  }
  if (answer.ok) return told as T;
  throw new Obstacle(
    `The server at ${url} answered ${answer.status}: ${detailOf(told)} ${answer.status < 404 ? ADVICE : ''}`.trim(),
  );
}

/**
 * Asks a running server for an answer of any size, in its Noxus API.
 * @throws Obstacle when it refuses, or does not answer
 */
export async function askRaw(
  { url, key }: Reached,
  method: string,
  path: string,
  body?: { readonly type: string; readonly text: string },
  signal?: AbortSignal,
): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': body.type }) },
      ...(body === undefined ? {} : { body: body.text }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    throw new Obstacle(`The server at ${url} does not answer any more.`, { cause });
  }
  if (answer.ok) return answer;
  const told: unknown = await answer.json().catch(() => null);
  const advice = answer.status < 404 ? ADVICE : '';
  throw new Obstacle(`The server at ${url} answered ${answer.status}: ${detailOf(told)} ${advice}`.trim());
}

/** What an answer says was wrong: a text, or a list of mistakes. */
function detailOf(told: unknown): string {
  const detail = typeof told === 'object' && told !== null && 'detail' in told ? told.detail : '';
  if (!Array.isArray(detail)) return String(detail);
  return detail
    .map(({ msg, hint }: { readonly msg?: unknown; readonly hint?: unknown }) =>
      hint === undefined ? String(msg) : `${String(msg)} ${String(hint)}`,
    )
    .join('\n');
}

/** Where a server with this configuration can be reached from the same machine. */
export function serverUrl({ host: listens, port }: Config): string {
  const host = listens === '0.0.0.0' || listens === '::' ? '127.0.0.1' : listens;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether a Millrun server answers there. */
export async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(PROBE_MS) });
    const body: unknown = await answer.json();
    return answer.ok && typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok';
  } catch {
    return false;
  }
}

/** The first key follows from the secret of the data folder: whoever may read that file is its owner. Null where it cannot be read. */
export function folderKey({ data }: Config): string | null {
  try {
    return firstKeyOf(data);
  } catch {
    return null;
  }
}
