import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { wordsOfId } from '../blob-id.ts';
import { BlobMissing, type DirectAddresses, type OpenedBlobs } from '../blobs.ts';
import { inParts } from './parts.ts';
import { BlobsUnusable, isBroken, isMissing, refused } from './s3-failure.ts';

/** Tries of a request, the first included: with waits that grow from 0.1 s (0.5 s when told to slow down) a fault of some seconds goes unnoticed. */
const ATTEMPTS = 6;

/** Times that a blob is read anew when the connection ends in the middle of it. */
const READS = 3;

/** Milliseconds to wait for a connection, and between two bytes of an answer. */
const TIMEOUTS = { connectionTimeout: 5_000, socketTimeout: 20_000 };

/** Requests at the same time. */
const SOCKETS = 64;

/** Objects that one request deletes at most (DeleteObjects of the API). */
const DELETED_AT_ONCE = 1_000;

/** Where blobs are, and how to get there. */
export interface S3Settings {
  readonly bucket: string;
  /** What each key begins with: empty, or with a `/` at its end. */
  readonly prefix: string;
  /** The server's address; null: Amazon's. */
  readonly endpoint: string | null;
  /** null: as the environment or the shared configuration of AWS says. */
  readonly region: string | null;
  /** Whether the bucket stands in the path of addresses rather than in the host's name. */
  readonly pathStyle: boolean;
  /** null: as the usual chain of AWS finds them (environment, shared files, container, instance). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** Whether clients are given addresses at the store itself. */
  readonly direct: boolean;
}

/**
 * Blobs as objects of an S3-compatible store. An object appears whole or not at all, and the store has it on disk before it answers; what is longer
 * than a part goes in parts, and is put together when all have arrived.
 *
 * What is sent is signed with its SHA-256, so that a damaged request is refused; checksums beyond that are left out where the API does not demand
 * them, since not every compatible server knows them.
 * @throws BlobsUnusable when the bucket cannot be listed
 */
export async function openS3Blobs(settings: S3Settings): Promise<OpenedBlobs> {
  const aws = await import('@aws-sdk/client-s3');
  const client = new aws.S3Client({
    ...(settings.endpoint !== null && { endpoint: settings.endpoint }),
    ...(settings.region !== null && { region: settings.region }),
    ...(settings.credentials !== null && { credentials: settings.credentials }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: ATTEMPTS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { ...TIMEOUTS, httpsAgent: { maxSockets: SOCKETS }, httpAgent: { maxSockets: SOCKETS } },
  });
  const bucket = settings.bucket;
  const keyOf = (id: string): string => settings.prefix + wordsOfId(id).join('/');
  const at = (id: string) => ({ Bucket: bucket, Key: keyOf(id) });

  try {
    await client.send(new aws.ListObjectsV2Command({ Bucket: bucket, Prefix: settings.prefix, MaxKeys: 1 }));
  } catch (error) {
    client.destroy();
    throw new BlobsUnusable(settings, error);
  }

  async function* list(prefix: string, after = '') {
    let token: string | undefined;
    do {
      const command = new aws.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: settings.prefix + prefix,
        ...(token !== undefined && { ContinuationToken: token }),
        ...(token === undefined && after !== '' && { StartAfter: settings.prefix + after }),
      });
      const page = await client.send(command).catch(refused);
      for (const { Key: key = '', Size: size = 0 } of page.Contents ?? []) {
        yield { id: key.slice(settings.prefix.length), size };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async function putWhole(id: string, bytes: Uint8Array): Promise<void> {
    const command = new aws.PutObjectCommand({ ...at(id), Body: bytes, ContentLength: bytes.byteLength });
    await client.send(command).catch(refused);
  }

  async function putParts(id: string, parts: AsyncIterable<Buffer>): Promise<number> {
    const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand(at(id))).catch(refused);
    const sent: { PartNumber: number; ETag: string | undefined }[] = [];
    let size = 0;
    try {
      for await (const Body of parts) {
        const PartNumber = sent.length + 1;
        const command = new aws.UploadPartCommand({
          ...at(id),
          UploadId,
          PartNumber,
          Body,
          ContentLength: Body.length,
        });
        const { ETag } = await client.send(command).catch(refused);
        sent.push({ PartNumber, ETag });
        size += Body.length;
      }
      const command = new aws.CompleteMultipartUploadCommand({
        ...at(id),
        UploadId,
        MultipartUpload: { Parts: sent },
      });
      await client.send(command).catch(refused);
      return size;
    } catch (error) {
      // What is left over when this fails too costs money until a rule of the bucket removes it (docs/running.md).
      await client.send(new aws.AbortMultipartUploadCommand({ ...at(id), UploadId })).catch(() => undefined);
      throw error;
    }
  }

  async function open(id: string): Promise<{ stream: Readable; size: number }> {
    const { Body, ContentLength } = await client
      .send(new aws.GetObjectCommand(at(id)))
      .catch((error) => (isMissing(error) ? Promise.reject(new BlobMissing(id)) : refused(error)));
    if (!(Body instanceof Readable) || ContentLength === undefined)
      throw new Error(`The blob store answered without a length for ${id}.`);
    return { stream: Body, size: ContentLength };
  }

  async function readWhole(id: string, left = READS): Promise<Buffer> {
    const { stream, size } = await open(id);
    try {
      const bytes = Buffer.concat(await stream.toArray());
      if (bytes.length === size) return bytes;
      throw Object.assign(new Error(`${bytes.length} of ${size} bytes came`), { code: 'ECONNRESET' });
    } catch (error) {
      if (left > 1 && isBroken(error)) return readWhole(id, left - 1);
      return refused(error);
    }
  }

  async function remove(id: string): Promise<void> {
    await client.send(new aws.DeleteObjectCommand(at(id))).catch(refused);
  }

  async function removeAll(ids: readonly string[]): Promise<void> {
    const Objects = ids.map((id) => ({ Key: settings.prefix + id }));
    const command = new aws.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } });
    const { Errors: [failed] = [] } = await client.send(command).catch(refused);
    if (failed !== undefined) {
      refused(Object.assign(new Error(failed.Message), { name: failed.Code ?? 'Error', $metadata: {} }));
    }
  }

  return {
    async put(id, bytes) {
      if (bytes instanceof Uint8Array) {
        await putWhole(id, bytes);
        return { size: bytes.byteLength };
      }
      wordsOfId(id);
      const parts = inParts(bytes);
      try {
        const first = await parts.next();
        if (!first.done && first.value.isLast) {
          await putWhole(id, first.value.bytes);
          return { size: first.value.bytes.length };
        }
        const all = async function* () {
          if (!first.done) yield first.value.bytes;
          for await (const part of parts) yield part.bytes;
        };
        return { size: await putParts(id, all()) };
      } finally {
        await parts.return(undefined);
      }
    },

    get: (id) => readWhole(id),

    open,

    async remove(idOrPrefix) {
      if (!idOrPrefix.endsWith('/')) return remove(idOrPrefix);
      wordsOfId(idOrPrefix.slice(0, -1));
      let ids: string[] = [];
      for await (const { id } of list(idOrPrefix)) {
        ids.push(id);
        if (ids.length < DELETED_AT_ONCE) continue;
        await removeAll(ids);
        ids = [];
      }
      if (ids.length > 0) await removeAll(ids);
    },

    list: (after) => list('', after),

    direct: settings.direct ? directAddresses(client, aws, settings, at) : null,

    close: () => client.destroy(),
  };
}

function directAddresses(
  client: S3Client,
  aws: typeof import('@aws-sdk/client-s3'),
  settings: S3Settings,
  at: (id: string) => { readonly Bucket: string; readonly Key: string },
): DirectAddresses {
  return {
    async read(id, { contentType, disposition }, seconds) {
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
      const command = new aws.GetObjectCommand({
        ...at(id),
        ResponseContentType: contentType,
        ResponseContentDisposition: disposition,
      });
      return getSignedUrl(client, command, { expiresIn: seconds });
    },

    async write(id, size, seconds) {
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
      // The length is signed: other bytes than as many are refused.
      return getSignedUrl(client, new aws.PutObjectCommand({ ...at(id), ContentLength: size }), { expiresIn: seconds });
    },

    async take(from, to) {
      try {
        const { ContentLength: size = 0 } = await client.send(new aws.HeadObjectCommand(at(from)));
        const source = `${settings.bucket}/${at(from).Key}`.split('/').map(encodeURIComponent).join('/');
        await client.send(new aws.CopyObjectCommand({ ...at(to), CopySource: source }));
        await client.send(new aws.DeleteObjectCommand(at(from)));
        return { size };
      } catch (error) {
        return isMissing(error) ? null : refused(error);
      }
    },
  };
}
