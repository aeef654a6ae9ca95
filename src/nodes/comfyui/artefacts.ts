import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { storedFileUri } from '../../domain/stored-file.ts';
import { imageSize } from '../image-size.ts';
import type { NodeFiles } from '../node-type.ts';
import { mediaType } from '../text-content.ts';
import type { ComfyuiClient, ServerFile } from './comfyui-client.ts';
import type { ComfyuiOutput } from './extract.ts';
import type { Graph } from './graph.ts';

/** What an entry of the result is. */
type ArtefactKind = 'image' | 'video' | 'audio' | '3d' | 'file';

/** What each bucket of a node's output holds: those of Runflow's worker, and those of ComfyUI's own nodes. */
const KIND_OF_BUCKET: Readonly<Record<string, ArtefactKind>> = {
  images: 'image',
  gifs: 'image',
  videos: 'video',
  video: 'video',
  audios: 'audio',
  audio: 'audio',
  model_files: '3d',
  '3d': '3d',
};

const FILE_TYPES: Readonly<Record<string, readonly [kind: ArtefactKind, contentType: string]>> = {
  png: ['image', 'image/png'],
  jpg: ['image', 'image/jpeg'],
  jpeg: ['image', 'image/jpeg'],
  webp: ['image', 'image/webp'],
  gif: ['image', 'image/gif'],
  avif: ['image', 'image/avif'],
  svg: ['image', 'image/svg+xml'],
  mp4: ['video', 'video/mp4'],
  webm: ['video', 'video/webm'],
  mov: ['video', 'video/quicktime'],
  mkv: ['video', 'video/x-matroska'],
  flac: ['audio', 'audio/flac'],
  mp3: ['audio', 'audio/mpeg'],
  opus: ['audio', 'audio/ogg'],
  ogg: ['audio', 'audio/ogg'],
  wav: ['audio', 'audio/wav'],
  glb: ['3d', 'model/gltf-binary'],
  gltf: ['3d', 'model/gltf+json'],
  obj: ['3d', 'model/obj'],
  stl: ['3d', 'model/stl'],
  ply: ['3d', 'application/octet-stream'],
};

/** A file that a graph made, under the name of the output that it belongs to. */
interface Artefact {
  readonly output: string;
  readonly bucket: string;
  readonly file: ServerFile;
}

/** What a graph made for its outputs. */
export interface FoundArtefacts {
  /** In the order of the outputs. */
  readonly artefacts: readonly Artefact[];
  /** Names of declared outputs without a file. */
  readonly missing: readonly string[];
}

/**
 * The files in what the history says of a prompt's outputs. Buckets may hold other things than files (texts, numbers): those are passed over.
 * Without declared outputs every file is one, named by its node.
 */
export function findArtefacts(outputs: JsonObject, declared: readonly ComfyuiOutput[], prompt: Graph): FoundArtefacts {
  const wanted =
    declared.length > 0 ? declared : Object.keys(outputs).map((nodeId) => ({ name: titleOf(nodeId, prompt), nodeId }));
  const artefacts: Artefact[] = [];
  const missing: string[] = [];
  for (const { name, nodeId } of wanted) {
    const files = filesOf(outputs[nodeId]);
    artefacts.push(...files.map((found) => ({ output: name, ...found })));
    if (files.length === 0 && declared.length > 0) missing.push(name);
  }
  return { artefacts, missing };
}

function titleOf(nodeId: string, prompt: Graph): string {
  const title = prompt[nodeId]?._meta?.['title'];
  return typeof title === 'string' && title.trim() !== '' ? title.trim() : nodeId;
}

/** The files of one node: those it put into the output folder, or else its previews. */
function filesOf(output: JsonValue | undefined): Omit<Artefact, 'output'>[] {
  if (!isJsonObject(output)) return [];
  const files = Object.entries(output).flatMap(([bucket, entries]) =>
    (Array.isArray(entries) ? entries : []).flatMap((entry) => {
      const file = serverFile(entry);
      return file === null ? [] : [{ bucket, file }];
    }),
  );
  const kept = files.filter(({ file }) => file.type === 'output');
  return kept.length > 0 ? kept : files.filter(({ file }) => file.type === 'temp');
}

function serverFile(entry: JsonValue): ServerFile | null {
  if (!isJsonObject(entry)) return null;
  const { filename, subfolder = '', type = 'output' } = entry;
  if (typeof filename !== 'string' || filename === '' || typeof subfolder !== 'string') return null;
  return { filename, subfolder, type: typeof type === 'string' ? type : 'output' };
}

/**
 * Fetches a file and keeps it as a stored file.
 * @returns the entry of the result, or null when the server does not have the file any more
 */
export async function keepArtefact(
  artefact: Artefact,
  client: ComfyuiClient,
  files: NodeFiles,
): Promise<JsonObject | null> {
  const viewed = await client.view(artefact.file);
  if (viewed === null) return null;
  const { filename } = artefact.file;
  const [kindOfName, typeOfName] = FILE_TYPES[/\.([^./\\]+)$/.exec(filename)?.[1]?.toLowerCase() ?? ''] ?? [];
  const told = mediaType(viewed.contentType ?? '');
  const contentType = told === '' || told === 'application/octet-stream' ? (typeOfName ?? told) || UNKNOWN_TYPE : told;
  const kept = await files.save({ name: filename, contentType, bytes: viewed.bytes });
  const bucketKind = KIND_OF_BUCKET[artefact.bucket];
  // ComfyUI's own SaveVideo reports under `images`, and so do others under `gifs`.
  const kind = bucketKind === 'image' && kindOfName === 'video' ? 'video' : (bucketKind ?? kindOfName ?? 'file');
  return {
    type: kind,
    url: storedFileUri(kept.id),
    name: artefact.output,
    mime_type: contentType,
    size_bytes: kept.size,
    filename,
    ...(kind === 'image' ? imageSize(viewed.bytes) : null),
  };
}

const UNKNOWN_TYPE = 'application/octet-stream';
