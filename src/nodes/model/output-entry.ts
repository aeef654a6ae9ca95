import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { storedFileId, storedFileUri } from '../../domain/stored-file.ts';
import type { Warning } from '../../domain/warning.ts';
import { fileReference, loadFile } from '../file-reference.ts';
import { imageSize } from '../image-size.ts';
import type { ConnectorSpec, NodeContext } from '../node-type.ts';
import { mediaType } from '../text-content.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

/**
 * The normalised output of a model (runflow-api.md 3.9): a list of entries, each with its `type` and the `name` of the output it belongs to.
 * Files have `url`, `mime_type`, `size_bytes`, `filename`, pictures `width` and `height` too; texts have `text`, other values `value`.
 */

/** The input of a node that calls a model: one key for each declared input. */
export const INPUTS: ConnectorSpec = {
  name: 'inputs',
  label: 'Inputs',
  kind: 'variable_type_size_connector',
  type: one('Any'),
  choices: EVERY_TYPE,
  optional: true,
};

/** The output of a node that calls a model: the entries. */
export const OUTPUTS: ConnectorSpec = { name: 'outputs', label: 'Outputs', kind: 'connector', type: one('list') };

/** What becomes of one value that a model gave. */
export interface MadeEntries {
  readonly entries: readonly JsonObject[];
  readonly warnings: readonly Warning[];
}

const MEDIA_TYPES: ReadonlySet<string> = new Set(['image', 'video', 'audio', 'file', 'mask']);

/** Whether a type code stands for files. */
export function isMediaType(type: string): boolean {
  return MEDIA_TYPES.has(type.toLowerCase());
}

/** The entry of a text. */
export function textEntry(name: string, text: string): JsonObject {
  return { type: 'text', name, text, mime_type: 'text/plain' };
}

/** The entry of a file that is kept here, as nodes name files: `{uri, name, content_type, size}`. Null: the value is none. */
export function fileEntry(name: string, value: JsonValue): JsonObject | null {
  if (!isJsonObject(value)) return null;
  const { uri, content_type: contentType, size, name: filename } = value;
  if (typeof uri !== 'string' || storedFileId(uri) === null) return null;
  const type = typeof contentType === 'string' ? contentType : 'application/octet-stream';
  return {
    type: kindOfMedia(type),
    url: uri,
    name,
    mime_type: type,
    size_bytes: size ?? null,
    filename: filename ?? null,
  };
}

/** The entry of a value that is no file: a text, or JSON. */
export function valueEntry(name: string, value: JsonValue): JsonObject {
  return typeof value === 'string' ? textEntry(name, value) : { type: 'json', name, value };
}

/**
 * Fetches what media values point at and keeps it, since addresses that providers give expire. What cannot be fetched keeps its address, with a
 * warning.
 * @param value an address, an object with one, or a list of them
 */
export async function keepMedia(
  name: string,
  type: string,
  value: JsonValue,
  context: NodeContext,
): Promise<MadeEntries> {
  if (Array.isArray(value)) {
    const made = await Promise.all(value.map((item) => keepMedia(name, type, item, context)));
    return { entries: made.flatMap(({ entries }) => entries), warnings: made.flatMap(({ warnings }) => warnings) };
  }
  const reference = fileReference(value);
  if (reference === null) return { entries: [valueEntry(name, value)], warnings: [] };
  const loaded = await loadFile(reference, context);
  if ('kind' in loaded) {
    const why = loaded.kind === 'failed' ? loaded.failure.message : '';
    const detail = `The output "${name}" could not be fetched and is passed on as an address, which may expire. ${why}`;
    const url = reference.uri.startsWith('data:') ? null : reference.uri;
    return { entries: [{ type: type.toLowerCase(), url, name }], warnings: [{ identifier: 'general', detail }] };
  }
  const said = isJsonObject(value) ? (value['duration_seconds'] ?? value['duration']) : undefined;
  const entry = await keepBytes(name, loaded, context);
  return { entries: [said === undefined ? entry : { ...entry, duration_seconds: said }], warnings: [] };
}

/** Keeps bytes as a stored file. @returns its entry */
export async function keepBytes(
  name: string,
  given: { readonly name: string; readonly contentType: string; readonly bytes: Uint8Array },
  context: NodeContext,
): Promise<JsonObject> {
  const type = mediaType(given.contentType);
  const filename = /\.\w+$/.test(given.name) ? given.name : `${given.name}${EXTENSIONS[type] ?? ''}`;
  const file = await context.files.save({ name: filename, contentType: type, bytes: given.bytes });
  return {
    type: kindOfMedia(type),
    url: storedFileUri(file.id),
    name,
    mime_type: type,
    size_bytes: file.size,
    filename,
    ...imageSize(given.bytes),
  };
}

/** What names of files end in, for types that models make. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/webp': '.webp',
  'video/mp4': '.mp4',
  'audio/mpeg': '.mp3',
  'audio/wav': '.wav',
};

function kindOfMedia(contentType: string): string {
  const kind = contentType.split('/')[0] ?? '';
  return kind === 'image' || kind === 'video' || kind === 'audio' ? kind : 'file';
}
