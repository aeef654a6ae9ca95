import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const ACCESS_KEY = 'AKIATESTTESTTESTTEST';
const SECRET_KEY = 'secretSECRETsecretSECRETsecretSECRET0123';
const REGION = 'eu-test-1';

/** Bytes of a part that is not the last, at least (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). */
const LEAST_PART = 5 * 1024 * 1024;

/** How far the clock of a request may be off, milliseconds. */
const CLOCK_MS = 15 * 60_000;

/** What a server does instead of answering. */
export type Fault = 'slow-down' | 'cut' | 'half';

/** An S3 server with one bucket, `blobs`. */
export interface S3Server {
  readonly url: string;
  /** Settings of the product that reach it, by flag name. */
  readonly settings: Readonly<Record<string, string>>;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Uploads in parts that were neither completed nor given up. */
  readonly openUploads: number;
  /** The operations that were asked for, such as `PutObject`. */
  readonly asked: readonly string[];
  /** The next requests for an operation go wrong. */
  fail(operation: string, ...faults: Fault[]): void;
  stop(): Promise<void>;
}

interface Asked {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An answer that is an error of the API. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Starts a server that speaks the part of the S3 API that the product uses. It trusts nothing: every request must carry a right Signature Version 4,
 * in its headers or in its address, over exactly what arrived (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
 * @param pageSize of listings at most
 */
export async function startS3Server(pageSize = 1000): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, { key: string; parts: Map<number, Buffer> }>();
  const faults = new Map<string, Fault[]>();
  const asked: string[] = [];

  const operations: Readonly<Record<string, (given: Asked, response: ServerResponse) => void>> = {
    PutObject({ key, body }, response) {
      objects.set(key, body);
      response.setHeader('etag', etagOf(body)).end();
    },
    CopyObject({ key, headers }, response) {
      const [, bucket = '', source = ''] = /^\/?([^/]+)\/(.*)$/.exec(decoded(headers['x-amz-copy-source'])) ?? [];
      const bytes = objects.get(source);
      if (bucket !== 'blobs' || bytes === undefined) throw new Refusal(404, 'NoSuchKey', 'The key does not exist.');
      objects.set(key, bytes);
      sendXml(response, `<CopyObjectResult><ETag>${etagOf(bytes)}</ETag></CopyObjectResult>`);
    },
    GetObject({ key, query }, response) {
      const bytes = objects.get(key);
      if (bytes === undefined) throw new Refusal(404, 'NoSuchKey', 'The specified key does not exist.');
      const type = query.get('response-content-type');
      const disposition = query.get('response-content-disposition');
      if (disposition !== null) response.setHeader('content-disposition', disposition);
      response.writeHead(200, {
        'content-type': type ?? 'binary/octet-stream',
        'content-length': bytes.length,
        etag: etagOf(bytes),
      });
      response.end(bytes);
    },
    HeadObject({ key }, response) {
      const bytes = objects.get(key);
      if (bytes === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': bytes.length, etag: etagOf(bytes) }).end();
    },
    DeleteObject({ key }, response) {
      objects.delete(key);
      response.writeHead(204).end();
    },
    DeleteObjects({ body, headers }, response) {
      const isChecked = Object.keys(headers).some(
        (name) => name.startsWith('x-amz-checksum-') || name === 'content-md5',
      );
      if (!isChecked) throw new Refusal(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5');
      const keys = [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
      if (keys.length > 1000) throw new Refusal(400, 'MalformedXML', 'More than 1000 keys.');
      for (const key of keys) objects.delete(key);
      sendXml(response, '<DeleteResult></DeleteResult>');
    },
    ListObjectsV2({ query }, response) {
      const prefix = query.get('prefix') ?? '';
      const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
      const most = Math.min(Number(query.get('max-keys') ?? pageSize), pageSize);
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      const page = keys.slice(0, most);
      const more = keys.length > most ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
      const items = page.map((key) => `<Contents><Key>${key}</Key><Size>${objects.get(key)?.length}</Size></Contents>`);
      sendXml(
        response,
        `<ListBucketResult><IsTruncated>${keys.length > most}</IsTruncated>${more}${items.join('')}</ListBucketResult>`,
      );
    },
    CreateMultipartUpload({ key }, response) {
      const id = randomUUID();
      uploads.set(id, { key, parts: new Map() });
      sendXml(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    },
    UploadPart({ query, body, key }, response) {
      const upload = uploads.get(query.get('uploadId') ?? '');
      if (upload?.key !== key) throw new Refusal(404, 'NoSuchUpload', 'The upload does not exist.');
      upload.parts.set(Number(query.get('partNumber')), body);
      response.setHeader('etag', etagOf(body)).end();
    },
    CompleteMultipartUpload({ query, body, key }, response) {
      const id = query.get('uploadId') ?? '';
      const upload = uploads.get(id);
      if (upload?.key !== key) throw new Refusal(404, 'NoSuchUpload', 'The upload does not exist.');
      const named = [...body.toString().matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => {
        const bytes = upload.parts.get(Number(/<PartNumber>(\d+)</.exec(part)?.[1]));
        if (bytes === undefined || !decodedXml(part).includes(etagOf(bytes)))
          throw new Refusal(400, 'InvalidPart', 'One of the parts was not found.');
        return bytes;
      });
      if (named.slice(0, -1).some((part) => part.length < LEAST_PART))
        throw new Refusal(400, 'EntityTooSmall', 'A part is smaller than the minimum.');
      objects.set(key, Buffer.concat(named));
      uploads.delete(id);
      sendXml(response, `<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>`);
    },
    AbortMultipartUpload({ query }, response) {
      uploads.delete(query.get('uploadId') ?? '');
      response.writeHead(204).end();
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const given = readRequest(request, body);
    const operation = operationOf(given);
    asked.push(operation);
    const fault = faults.get(operation)?.shift();
    if (fault === 'cut') return void request.socket.destroy();
    if (fault === 'half') {
      response.writeHead(200, { 'content-length': 1000 }).write('half');
      setImmediate(() => request.socket.destroy());
      return;
    }
    if (fault === 'slow-down') throw new Refusal(503, 'SlowDown', 'Please reduce your request rate.');
    checkSignature(request, body);
    if (given.bucket !== 'blobs') throw new Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist');
    const act = operations[operation];
    if (act === undefined) throw new Refusal(501, 'NotImplemented', operation);
    act(given, response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
      const { code, message } = error;
      sendXml(response, `<Error><Code>${code}</Code><Message>${message}</Message></Error>`, error.status);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    settings: {
      blobs: 's3://blobs/here',
      'blobs-endpoint': url,
      'blobs-region': REGION,
      'blobs-path-style': 'true',
      'blobs-access-key': ACCESS_KEY,
      'blobs-secret-key': SECRET_KEY,
    },
    region: REGION,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    objects,
    get openUploads() {
      return uploads.size;
    },
    asked,
    fail(operation, ...given) {
      faults.set(operation, [...(faults.get(operation) ?? []), ...given]);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readRequest(request: IncomingMessage, body: Buffer): Asked {
  const url = new URL(request.url ?? '/', 'http://s3');
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  return { method: request.method ?? '', bucket, key, query: url.searchParams, headers: request.headers, body };
}

function operationOf({ method, key, query, headers }: Asked): string {
  const has = (name: string) => query.has(name);
  if (method === 'GET') return key === '' ? 'ListObjectsV2' : 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'DELETE') return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method === 'PUT' && has('partNumber')) return 'UploadPart';
  if (method === 'PUT') return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
  if (has('delete')) return 'DeleteObjects';
  return has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
}

/** @throws Refusal when the signature is not one over what arrived, or is too old */
function checkSignature(request: IncomingMessage, body: Buffer): void {
  const [path = '', search = ''] = (request.url ?? '').split('?');
  const query = search.split('&').filter((pair) => pair !== '');
  const inAddress = new URLSearchParams(search);
  const isInAddress = inAddress.has('X-Amz-Signature');
  const authorization = request.headers.authorization ?? '';
  const said = (name: string) => new RegExp(`${name}=([^,]+)`).exec(authorization)?.[1] ?? '';
  const [credential, signedHeaders, signature, date] = isInAddress
    ? ['X-Amz-Credential', 'X-Amz-SignedHeaders', 'X-Amz-Signature', 'X-Amz-Date'].map((name) => inAddress.get(name))
    : [said('Credential'), said('SignedHeaders'), said('Signature'), request.headers['x-amz-date']];
  const [accessKey, day = '', region, service, ending] = (credential ?? '').split('/');
  if (accessKey !== ACCESS_KEY) throw new Refusal(403, 'InvalidAccessKeyId', 'The access key does not exist.');
  if (region !== REGION) throw new Refusal(400, 'AuthorizationHeaderMalformed', `The region is ${REGION}.`);

  const at = Date.parse(String(date).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const [from, until] = isInAddress
    ? [at - CLOCK_MS, at + Number(inAddress.get('X-Amz-Expires')) * 1000]
    : [at - CLOCK_MS, at + CLOCK_MS];
  if (!(Date.now() >= from && Date.now() <= until)) throw new Refusal(403, 'AccessDenied', 'Request has expired');

  const payload = isInAddress ? 'UNSIGNED-PAYLOAD' : String(request.headers['x-amz-content-sha256']);
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body))
    throw new Refusal(400, 'XAmzContentSHA256Mismatch', 'The bytes are not those that were signed.');
  const names = (signedHeaders ?? '').split(';');
  if (!names.includes('host')) throw new Refusal(403, 'AccessDenied', 'The host is not signed.');
  const canonical = [
    request.method,
    path,
    query
      .filter((pair) => !pair.startsWith('X-Amz-Signature='))
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    signedHeaders,
    payload,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/${ending}`, sha256(canonical)].join('\n');
  const key = [day, REGION, 's3', 'aws4_request'].reduce<Buffer>(
    (former, part) => createHmac('sha256', former).update(part).digest(),
    Buffer.from(`AWS4${SECRET_KEY}`),
  );
  if (createHmac('sha256', key).update(text).digest('hex') !== signature)
    throw new Refusal(403, 'SignatureDoesNotMatch', 'The signature does not match.');
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

const etagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;

const decoded = (header: string | string[] | undefined): string => decodeURIComponent(String(header ?? ''));

const decodedXml = (text: string): string => text.replaceAll('&quot;', '"');

function sendXml(response: ServerResponse, body: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${body}`);
}
