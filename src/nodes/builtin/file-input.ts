import { isJsonObject, type JsonValue } from '../../domain/json.ts';
import { type StoredFile, storedFileId, storedFileUri } from '../../domain/stored-file.ts';
import type { Warning } from '../../domain/warning.ts';
import { configText } from '../config.ts';
import { failedRequest, isRetryableStatus, retryAfterMs, shownUrl } from '../http-outcome.ts';
import { type EffectNodeType, failed, type NodeContext, type Outcome, succeeded } from '../node-type.ts';
import { decodeText, mediaType } from '../text-content.ts';
import { one } from '../value-types.ts';

/** Bytes of a file that is downloaded: it passes through memory on its way to the store. */
const MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024;

/** Bytes of a file whose text becomes a value of the run; larger ones are passed on as files only. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

const DOWNLOAD_TIMEOUT_MS = 110_000;
const MAX_NAME_LENGTH = 200;

/** Where a file of the run's input enters the graph. */
export const fileInput: EffectNodeType = {
  type: 'FileInputNode',
  title: 'File input',
  description:
    'Takes a file of the run’s input: {"uri": …, "name": …} or the address alone. spot:// names an uploaded file; http(s) and data addresses are fetched and kept. "text" carries the content when it is text.',
  category: 'files',
  role: 'input',
  effect: true,
  timeoutMs: 120_000,
  retry: { retries: 2, delayMs: 1_000, factor: 2, maxDelayMs: 30_000 },
  inputs: [{ name: 'input', label: 'File', kind: 'input', type: one('File'), optional: true }],
  outputs: [
    { name: 'output', label: 'File', kind: 'connector', type: one('File') },
    { name: 'text', label: 'Text', kind: 'connector', type: one('str'), optional: true },
  ],
  config: {
    label: {
      type: 'str',
      description: 'Name of the file in the run’s input; the node’s id when left out.',
      optional: true,
      default: null,
    },
    fixed_value: {
      type: 'bool',
      description: 'Use the configured file instead of one given with the run.',
      optional: true,
      default: false,
    },
    value: {
      type: 'Any',
      description: 'The fixed file, or what is used when the run gives none.',
      optional: true,
      default: null,
    },
  },
  async run(input, context) {
    const given = input.values['input'] ?? input.config['value'] ?? null;
    const reference = readReference(given);
    if (reference === null) {
      const label = configText(input.config, 'label') || input.nodeId;
      return failed({
        code: 'invalid_input',
        message: `File input "${label}" takes {"uri": "spot://…" or an http(s) or data address, "name": …}; given was ${JSON.stringify(given).slice(0, 80)}.`,
      });
    }
    const storedId = storedFileId(reference.uri);
    if (storedId !== null) return readStored(storedId, context);
    const fetched = await fetchFile(reference, context);
    if ('kind' in fetched) return fetched;
    const file = await context.files.save(fetched);
    return present(file, fetched.bytes);
  },
};

interface Reference {
  readonly uri: string;
  readonly name: string | null;
}

interface FetchedFile {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

function readReference(given: JsonValue): Reference | null {
  const { uri, name } = isJsonObject(given) ? given : { uri: given };
  if (typeof uri !== 'string' || !/^(spot|https?|data):/i.test(uri)) return null;
  return { uri, name: typeof name === 'string' && name !== '' ? name : null };
}

async function readStored(id: string, context: NodeContext): Promise<Outcome> {
  const stored = await context.files.read(id);
  if (stored !== null) return present(stored.file, stored.bytes);
  return failed({
    code: 'invalid_input',
    message: `There is no file ${storedFileUri(id)} in this workspace. Upload it again and use the address given then.`,
  });
}

async function fetchFile(reference: Reference, context: NodeContext): Promise<FetchedFile | Outcome> {
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
      return { name: fileName(reference.name ?? lastSegment(answer.url)), contentType, bytes: answer.body };
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
async function readDataUrl(reference: Reference): Promise<FetchedFile | Outcome> {
  try {
    const answer = await fetch(reference.uri);
    return {
      name: fileName(reference.name ?? 'file'),
      contentType: answer.headers.get('content-type') ?? 'application/octet-stream',
      bytes: await answer.bytes(),
    };
  } catch {
    return failed({
      code: 'invalid_input',
      message: 'The data address of the file cannot be read. Write it like data:text/plain;base64,SGVsbG8=',
    });
  }
}

function present(file: StoredFile, bytes: Uint8Array): Outcome {
  const output = {
    uri: storedFileUri(file.id),
    name: file.name,
    content_type: mediaType(file.contentType),
    size: file.size,
  };
  const warnings: Warning[] = [];
  if (bytes.byteLength === 0) warnings.push({ identifier: 'empty_file', detail: `The file ${file.name} is empty.` });
  const text = bytes.byteLength > MAX_TEXT_BYTES ? null : decodeText(file.contentType, bytes);
  return succeeded(text === null ? { output } : { output, text }, { warnings });
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
