import type { Config } from '../config/config.ts';
import { firstKeyOf } from '../platform.ts';

/** Milliseconds to wait for the answer that tells whether there is a server. */
const PROBE_MS = 2000;

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
