import { join } from 'node:path';
import type { OpenedBlobs } from './blobs/blobs.ts';
import { createDiskBlobs } from './blobs/disk/disk-blobs.ts';
import type { S3Settings } from './blobs/s3/s3-blobs.ts';
import type { Config } from './config/config.ts';

/** Where blobs are: in the data folder, or on S3. Plain data, which goes to threads as well. */
export type BlobSettings = S3Settings | null;

/** Where a configuration has blobs be. */
export function blobSettings(config: Config): BlobSettings {
  if (config.blobs === null) return null;
  const { blobsAccessKey: accessKeyId, blobsSecretKey: secretAccessKey } = config;
  return {
    ...config.blobs,
    endpoint: config.blobsEndpoint,
    region: config.blobsRegion,
    pathStyle: config.blobsPathStyle,
    credentials: accessKeyId === null || secretAccessKey === null ? null : { accessKeyId, secretAccessKey },
    direct: config.blobsDirect,
  };
}

/**
 * Opens the blobs of a data folder, or those on S3, whose client is read only when it is needed.
 * @throws BlobsUnusable
 */
export async function openBlobs(settings: BlobSettings, folder: string): Promise<OpenedBlobs> {
  if (settings === null) return { ...createDiskBlobs(join(folder, 'blobs')), close: () => undefined };
  const { openS3Blobs } = await import('./blobs/s3/s3-blobs.ts');
  return openS3Blobs(settings);
}
