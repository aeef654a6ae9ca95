import { createHmac, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Blobs } from '../blobs/blobs.ts';
import type { AssetUpload } from '../domain/asset-upload.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { type StoredFile, storedFileUri } from '../domain/stored-file.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import type { Files } from './files.ts';

/** Milliseconds that an upload's address is good for. */
const UPLOAD_MS = 3_600_000;

/** Milliseconds that the address of an output or an asset is good for at least: clients are told to fetch within a day (runflow-api.md 3.9). */
const READ_MS = 24 * 3_600_000;

/** Addresses of one asset stay the same for this long, so that browsers and proxies may keep what they fetched. */
const READ_STEP_MS = 3_600_000;

/** Milliseconds that an address at the blob store is good for: whoever was sent there begins at once, and is sent there anew each time. */
const DIRECT_READ_MS = 300_000;

/** Bytes of an announced upload at most (runflow-api.md 7). */
const MAX_UPLOAD_BYTES = 52_428_800;

/** Expired uploads that are let go when another is announced: clearing keeps up with making. */
const CLEARED_AT_ONCE = 20;

/** References to stored files, whole texts only, as they stand in JSON texts. */
const REFERENCE = /"(?:spot:\/\/|runflow:\/\/assets\/)([0-9a-f]{8}-[0-9a-f-]{27})"/g;

const ASSET_URI = 'runflow://assets/';

/** What is wrong with a reference to an asset, and where. */
type Resolved<T> = { readonly value: T; readonly problems: readonly Problem[] };

/** What an address of an asset's bytes carries: who may read what, until when. */
export interface SignedAsset {
  readonly workspaceId: string;
  readonly assetId: string;
  /** Epoch milliseconds. */
  readonly expires: number;
  readonly signature: string;
}

/** Files as callers hand them in and get them back: by addresses that are good for a while, to whoever has them. */
export class Assets {
  readonly #store: Store;
  readonly #blobs: Blobs;
  readonly #files: Files;
  readonly #system: System;
  readonly #secret: Buffer;

  constructor(parts: {
    store: Store;
    blobs: Blobs;
    files: Files;
    system: System;
    /** Addresses are signed with keys derived from it. */
    secret: Buffer;
  }) {
    this.#store = parts.store;
    this.#blobs = parts.blobs;
    this.#files = parts.files;
    this.#system = parts.system;
    this.#secret = parts.secret;
  }

  /** Announces a file. Its bytes go to the blob store's own address, where there is one, or else to the one that the upload is signed for. */
  async announce(
    caller: Caller,
    file: { name: string; contentType: string; size: number },
  ): Promise<{ upload: AssetUpload; signed: SignedAsset; direct: string | null }> {
    demand(caller, 'files:write');
    const now = this.#system.now();
    await this.#clear(caller.workspaceId, now);
    const upload: AssetUpload = {
      id: this.#system.newId(),
      workspaceId: caller.workspaceId,
      ...file,
      createdAt: now,
      expiresAt: now + UPLOAD_MS,
      receivedAt: null,
    };
    await this.#store.commit([{ kind: 'putUpload', upload }]);
    const signed = this.#sign('upload', upload.workspaceId, upload.id, upload.expiresAt);
    const direct = this.#blobs.direct?.write(arrivalOf(upload.id), upload.size, UPLOAD_MS / 1000);
    return { upload, signed, direct: (await direct) ?? null };
  }

  /**
   * Takes the bytes of an announced file.
   * @throws PlatformError `forbidden` for an address that is not good any more; `invalid` when these are not the bytes that were announced
   */
  async receive(signed: SignedAsset, contentType: string | undefined, bytes: Readable): Promise<void> {
    this.#check('upload', signed);
    const upload = await this.#store.getUpload(signed.workspaceId, signed.assetId);
    if (upload === null) throw new PlatformError('forbidden', 'This upload was confirmed already, or it has expired.');
    const problems: Problem[] = [];
    if (contentType !== undefined && baseType(contentType) !== baseType(upload.contentType)) {
      const message = `The upload was announced as ${upload.contentType}; the request says ${contentType}. Send the type that was announced.`;
      problems.push({ at: ['header', 'content-type'], message, type: 'mismatch' });
    }
    if (problems.length > 0) throw invalid(problems);
    const { size } = await this.#blobs.put(blobOf(upload.id), bounded(bytes, upload.size));
    if (size !== upload.size) {
      await this.#blobs.remove(blobOf(upload.id));
      const had = size > upload.size ? 'more' : String(size);
      const message = `The upload was announced with ${upload.size} bytes; ${had} arrived. Announce the size that the file has.`;
      throw invalid([{ at: ['body'], message, type: 'size' }]);
    }
    const received = { ...upload, receivedAt: this.#system.now() };
    await this.#store.commit([{ kind: 'putUpload', upload: received }]);
  }

  /** Makes a file of an upload whose bytes have arrived. Confirming again gives the same file. */
  async confirm(caller: Caller, uploadId: string): Promise<StoredFile> {
    demand(caller, 'files:write');
    const upload = await this.#store.getUpload(caller.workspaceId, uploadId);
    if (upload === null) {
      const file = await this.#store.getFile(caller.workspaceId, uploadId);
      if (file === null) throw notFound('asset upload', uploadId);
      return file;
    }
    if (upload.receivedAt === null && !(await this.#hasArrived(upload))) {
      throw new PlatformError('conflict', 'The bytes of this upload have not arrived. PUT them to upload_url first.');
    }
    const { id, workspaceId, name, contentType, size } = upload;
    const file = { id, workspaceId, name, contentType, size, blobId: blobOf(id), createdAt: this.#system.now() };
    const change = [
      { kind: 'createFile', file },
      { kind: 'endUpload', workspaceId, uploadId: id },
    ] as const;
    await this.#store.commit(change);
    return file;
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, assetId: string): Promise<StoredFile> {
    demand(caller, 'files:read');
    const file = await this.#store.getFile(caller.workspaceId, assetId);
    if (file === null) throw notFound('asset', assetId);
    return file;
  }

  /**
   * The bytes behind an address, or where the blob store itself has them.
   * @param disposition of the file, as the answer is to carry it
   * @throws PlatformError `forbidden`, `not_found`
   */
  async open(
    signed: SignedAsset,
    disposition: (file: StoredFile) => string,
  ): Promise<
    | { readonly file: StoredFile; readonly stream: Readable; readonly size: number }
    | { readonly file: StoredFile; readonly at: string }
  > {
    this.#check('read', signed);
    const file = await this.#store.getFile(signed.workspaceId, signed.assetId);
    if (file === null) throw notFound('asset', signed.assetId);
    if (this.#blobs.direct === null) return { file, ...(await this.#blobs.open(file.blobId)) };
    const as = { contentType: file.contentType, disposition: disposition(file) };
    return { file, at: await this.#blobs.direct.read(file.blobId, as, DIRECT_READ_MS / 1000) };
  }

  /** What an address to read an asset at carries, and how long it is good for. */
  readable(workspaceId: string, assetId: string): SignedAsset {
    const step = Math.floor(this.#system.now() / READ_STEP_MS) * READ_STEP_MS;
    return this.#sign('read', workspaceId, assetId, step + READ_STEP_MS + READ_MS);
  }

  /** A JSON text in which references to stored files are addresses to read them at. */
  withAddresses(workspaceId: string, json: string, addressOf: (signed: SignedAsset) => string): string {
    if (!json.includes('://')) return json;
    return json.replaceAll(REFERENCE, (_, id: string) => JSON.stringify(addressOf(this.readable(workspaceId, id))));
  }

  /**
   * A value as a run may keep it: files that it carries inline (`data:`) are stored, and references to assets are checked and written in the
   * domain's form. Addresses that this server gave out for an asset count as references.
   * @param at where the value stands in the request
   */
  async resolve<T extends JsonValue>(caller: Caller, value: T, at: Problem['at']): Promise<Resolved<T>> {
    const problems: Problem[] = [];
    const walk = async (part: JsonValue, path: Problem['at']): Promise<JsonValue> => {
      if (typeof part === 'string') return this.#resolveText(caller, part, path, problems);
      if (Array.isArray(part)) return Promise.all(part.map((item, index) => walk(item, [...path, index])));
      if (!isJsonObject(part)) return part;
      const entries = Object.entries(part).map(async ([key, item]) => [key, await walk(item, [...path, key])] as const);
      return Object.fromEntries(await Promise.all(entries)) as JsonObject;
    };
    return { value: (await walk(value, at)) as T, problems };
  }

  /**
   * What a caller hands over with a run, as the run may keep it: see `resolve`.
   * @throws PlatformError `invalid` with every reference that leads nowhere
   */
  async takeIn<T extends { readonly input: JsonObject; readonly metadata: JsonObject | null }>(
    caller: Caller,
    given: T,
  ): Promise<T> {
    const input = await this.resolve(caller, given.input, ['body', 'input']);
    const metadata = await this.resolve(caller, given.metadata, ['body', 'metadata']);
    const problems = [...input.problems, ...metadata.problems];
    if (problems.length > 0) throw invalid(problems);
    return { ...given, input: input.value, metadata: metadata.value };
  }

  async #resolveText(caller: Caller, text: string, at: Problem['at'], problems: Problem[]): Promise<string> {
    if (text.startsWith('data:')) return this.#keepInline(caller, text, at, problems);
    const id = text.startsWith(ASSET_URI) ? text.slice(ASSET_URI.length) : assetIdInAddress(text);
    if (id === null) return text;
    if ((await this.#store.getFile(caller.workspaceId, id)) !== null) return storedFileUri(id);
    const message = `There is no asset ${id} in this organization. Upload it first, or give an https address.`;
    problems.push({ at, message, type: 'unknown_asset' });
    return text;
  }

  async #keepInline(caller: Caller, text: string, at: Problem['at'], problems: Problem[]): Promise<string> {
    const inline = readDataUri(text);
    // Some texts begin so and are no files; they stay what they are.
    if (inline === null) return text;
    if (inline.bytes.byteLength > MAX_UPLOAD_BYTES) {
      const message = `The inline file has ${inline.bytes.byteLength} bytes; at most ${MAX_UPLOAD_BYTES} are allowed. Upload it as an asset.`;
      problems.push({ at, message, type: 'too_large' });
      return text;
    }
    const { contentType, bytes } = inline;
    const name = `${at.at(-1) ?? 'file'}.${extensionOf(contentType)}`;
    const file = await this.#files.ofWorkspace(caller.workspaceId).save({ name, contentType, bytes });
    return storedFileUri(file.id);
  }

  /** Whether the bytes of an upload have come to the blob store's own address, from where they are moved to their place. */
  async #hasArrived(upload: AssetUpload): Promise<boolean> {
    return ((await this.#blobs.direct?.take(arrivalOf(upload.id), blobOf(upload.id))) ?? null) !== null;
  }

  /** Lets go of uploads that were never confirmed. */
  async #clear(workspaceId: string, now: number): Promise<void> {
    for (const upload of await this.#store.expiredUploads(workspaceId, now, CLEARED_AT_ONCE)) {
      await this.#store.commit([{ kind: 'endUpload', workspaceId, uploadId: upload.id }]);
      await this.#blobs.remove(blobOf(upload.id));
      if (this.#blobs.direct !== null) await this.#blobs.remove(arrivalOf(upload.id));
    }
  }

  #sign(purpose: 'read' | 'upload', workspaceId: string, assetId: string, expires: number): SignedAsset {
    const said = `asset ${purpose} ${workspaceId} ${assetId} ${expires}`;
    const signature = createHmac('sha256', this.#secret).update(said).digest('base64url');
    return { workspaceId, assetId, expires, signature };
  }

  #check(purpose: 'read' | 'upload', given: SignedAsset): void {
    const { signature } = this.#sign(purpose, given.workspaceId, given.assetId, given.expires);
    const [ours, theirs] = [Buffer.from(signature), Buffer.from(given.signature)];
    if (ours.length !== theirs.length || !timingSafeEqual(ours, theirs)) {
      throw new PlatformError('forbidden', 'The signature of this address is wrong. Use an address as it was given.');
    }
    if (given.expires < this.#system.now()) {
      throw new PlatformError('forbidden', 'This address has expired. Ask the API for a new one.');
    }
  }
}

const blobOf = (assetId: string): string => `files/${assetId}`;

/** Where a client writes by itself: whoever has the address may write there again, so that what is confirmed lies elsewhere. */
const arrivalOf = (assetId: string): string => `uploads/${assetId}`;

const baseType = (contentType: string): string => contentType.split(';')[0]!.trim().toLowerCase();

/** The first bytes of a stream, one more than `size` at most: what is longer is known to be too long. */
function bounded(bytes: Readable, size: number): Readable {
  async function* first() {
    let count = 0;
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      count += chunk.length;
      yield count > size ? chunk.subarray(0, chunk.length - (count - size) + 1) : chunk;
      if (count > size) return;
    }
  }
  return Readable.from(first());
}

/** The asset in an address that this server gave out; null for any other text. */
function assetIdInAddress(text: string): string | null {
  return /^https?:\/\/[^/]+\/runflow\/v1\/asset-content\/([0-9a-f-]{36})\?[^#]*signature=/.exec(text)?.[1] ?? null;
}

/** A file in a `data:` URI (RFC 2397); null when the text is none. */
function readDataUri(text: string): { contentType: string; bytes: Buffer } | null {
  const comma = text.indexOf(',');
  const head = /^data:([\w.+-]+\/[\w.+-]+)?((?:;[\w-]+=[^;,]*)*)(;base64)?$/.exec(text.slice(0, Math.max(0, comma)));
  if (comma < 0 || head === null) return null;
  const body = text.slice(comma + 1);
  const contentType = head[1] ?? 'text/plain';
  if (head[3] !== undefined) {
    return /^[A-Za-z0-9+/_-]*={0,2}$/.test(body) ? { contentType, bytes: Buffer.from(body, 'base64') } : null;
  }
  try {
    return { contentType, bytes: Buffer.from(decodeURIComponent(body), 'utf8') };
  } catch {
    return null;
  }
}

/** `image/svg+xml` → `svg`, `image/png` → `png`. */
function extensionOf(contentType: string): string {
  return (contentType.split('/')[1] ?? 'bin')
    .replace(/\+.*$/, '')
    .replace('jpeg', 'jpg')
    .replaceAll(/[^\w.-]/g, '');
}
