import { PlatformError } from '../../domain/error.ts';

/** What the client throws, as far as it is looked at. */
interface Trouble extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The blob store of the settings cannot be used: told at the start. */
export class BlobsUnusable extends Error {
  override readonly name = 'BlobsUnusable';
  constructor(where: { readonly bucket: string; readonly endpoint: string | null }, cause: unknown) {
    const trouble = cause as Trouble;
    const place = `s3://${where.bucket}${where.endpoint === null ? '' : ` at ${where.endpoint}`}`;
    super(`The blob store ${place} cannot be used (${said(trouble)}). ${advice(trouble)}`, { cause });
  }
}

/** What to do about an error, by the codes of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. */
function advice(error: Trouble): string {
  const status = error.$metadata?.httpStatusCode ?? 0;
  if (error.name === 'NoSuchBucket') return 'Make the bucket, or name another with MILLRUN_BLOBS.';
  if (/Region is missing/.test(error.message)) {
    return 'Set MILLRUN_BLOBS_REGION or AWS_REGION; servers other than Amazon mostly take us-east-1.';
  }
  if (error.name === 'CredentialsProviderError') {
    return 'Set MILLRUN_BLOBS_ACCESS_KEY and MILLRUN_BLOBS_SECRET_KEY, or give credentials in one of the usual ways of AWS.';
  }
  if (
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)/.test(error.name) ||
    status === 301
  ) {
    return 'The bucket is in another region: set MILLRUN_BLOBS_REGION.';
  }
  if (status === 401 || status === 403) {
    return 'Check the credentials, and that they may list, read, write and delete in this bucket.';
  }
  if (error.code === 'ENOTFOUND') {
    return 'The name has no address. Check MILLRUN_BLOBS_ENDPOINT; a server without a name for each bucket needs MILLRUN_BLOBS_PATH_STYLE=true.';
  }
  return 'Check MILLRUN_BLOBS and MILLRUN_BLOBS_ENDPOINT, and that the server is up.';
}

function said(error: Trouble): string {
  const code = error.code ?? error.name;
  return code === '' || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}

/** Whether an error says that there is no such object. */
export function isMissing(error: unknown): boolean {
  const { name } = error as Trouble;
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** Whether an error says that a connection ended before its time. */
export function isBroken(error: unknown): boolean {
  const { name, code = '' } = error as Trouble;
  return /^(E[A-Z]+|UND_)/.test(code) || /^(TimeoutError|AbortError)$/.test(name);
}

/** Throws what a request failed with, after all its tries, as the platform says it. @throws PlatformError `unavailable` */
export function refused(error: unknown): never {
  throw new PlatformError(
    'unavailable',
    `The blob store refused or could not be reached (${said(error as Trouble)}). Try again shortly.`,
  );
}
