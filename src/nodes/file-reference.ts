import { isJsonObject, type JsonValue } from '../domain/json.ts';
import { retryAfterMs } from '../domain/retry.ts';
import { type StoredFile, storedFileId, storedFileUri } from '../domain/stored-file.ts';
import { failedRequest, isRetryableStatus, shownUrl } from './http-outcome.ts';
import { failed, type NodeContext, type Outcome } from './node-type.ts';

/** Bytes of a file that is downloaded: it passes through memory on its way to the store. */
const MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024;

const DOWNLOAD_TIMEOUT_MS = 110_000;
const MAX_NAME_LENGTH = 200;

/** Where a file is: `spot://` (a stored file), `http(s)://` or `data:`. */
export interface FileReference {
  readonly uri: string;
  /** The name it shall have; null: what its address says. */
  readonly name: string | null;
}

/** A file's bytes in memory. */
export interface LoadedFile {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** The stored file that it is; null when it was fetched. */
  readonly stored: StoredFile | null;
}

/** A file reference in a value: an address, or an object with one under `uri` (or `url`, as results of other nodes have it). Null for anything else. */
export function fileReference(given: JsonValue): FileReference | null {
  const { uri, url, name, filename } = isJsonObject(given) ? given : { uri: given };
  const address = uri ?? url;
  if (typeof address !== 'string' || !/^(spot|https?|data):/i.test(address)) return null;
  const called = filename ?? name;
  return { uri: address, name: typeof called === 'string' && called !== '' ? called : null };
}

/** The file behind a reference, or the failed outcome of a node that cannot go on without it. */
export async function loadFile(reference: FileReference, context: NodeContext): Promise<LoadedFile | Outcome> {
  const storedId = storedFileId(reference.uri);
  if (storedId === null) return fetchFile(reference, context);
  const found = await context.files.read(storedId);
  if (found !== null) {
    const { file, bytes } = found;
    return { name: file.name, contentType: file.contentType, bytes, stored: file };
  }
  return failed({
    code: 'invalid_input',
    message: `There is no file ${storedFileUri(storedId)} in this workspace. Upload it again and use the address given then.`,
  });
}

async function fetchFile(reference: FileReference, context: NodeContext): Promise<LoadedFile | Outcome> {
  if (/^data:/i.test(reference.uri)) return readDataUrl(reference);
  try {
    const answer = await context.http.request({
      method: 'GET',
      url: reference.uri,
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
      maxBytes: MAX_DOWNLOAD_BYTES,
      followRedirects: true,
      signal: context.signal,
    });
    if (answer.status >= 200 && answer.status < 300) {
      const contentType = answer.headers['content-type'] ?? 'application/octet-stream';
      return {
        name: fileName(reference.name ?? lastSegment(answer.url)),
        contentType,
        bytes: answer.body,
        stored: null,
      };
    }
    const wait = retryAfterMs(answer.headers['retry-after'], context.now());
    return {
      kind: 'failed',
      failure: {
        code: 'http_status',
        message: `${shownUrl(reference.uri)} answered ${answer.status} instead of a file. Check that the address is public and right.`,
        httpStatus: answer.status,
      },
      retryable: isRetryableStatus(answer.status),
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  } catch (error) {
    return failedRequest(error);
  }
}

/** The platform's own `fetch` decodes data addresses as the WHATWG standard says; no network is involved. */
async function readDataUrl(reference: FileReference): Promise<LoadedFile | Outcome> {
  try {
    const answer = await fetch(reference.uri);
    return {
      name: fileName(reference.name ?? 'file'),
      contentType: answer.headers.get('content-type') ?? 'application/octet-stream',
      bytes: await answer.bytes(),
      stored: null,
    };
  } catch {
    return failed({
      code: 'invalid_input',
      message: 'The data address of the file cannot be read. Write it like data:text/plain;base64,SGVsbG8=',
    });
  }
}

function lastSegment(url: string): string {
  const segment = URL.parse(url)?.pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(segment) || 'file';
  } catch {
    return segment || 'file';
  }
}

/** A name without folders or control characters. */
function fileName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? '';
  return base.replace(/\p{Cc}/gu, '').slice(0, MAX_NAME_LENGTH) || 'file';
}
