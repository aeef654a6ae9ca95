import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorKind, PlatformError } from '../../domain/error.ts';
import type { DialectParts } from '../dialect.ts';
import { nestsDeeper, opensMore } from '../json-text.ts';
import { readExport } from './read-export.ts';

/** Levels of lists and objects in JSON: attributes nest values in values. */
const MAX_JSON_DEPTH = 200;

/**
 * Spans, events, attributes and values in one export. An empty one takes two bytes in protobuf, of which gzip leaves nothing, and 240 bytes and 2 µs of
 * everybody's time here. The 8,192 spans that collectors send at once have some 300,000.
 */
const MAX_PARTS = 500_000;
const TOO_MANY_PARTS = `The body holds more than ${MAX_PARTS} spans, events, attributes and values. Send fewer spans at once.`;

const PROTOBUF = 'application/x-protobuf';

/** HTTP statuses as the specification has them: those of 429, 502, 503 and 504 alone are sent again (OTLP 1.7, "Failures"). */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 503,
  too_many: 429,
  too_large: 413,
  unavailable: 503,
};

/** google.rpc.Code, which stands in the body of a refusal. */
const RPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  413: 3,
  415: 3,
  429: 8,
  503: 14,
};

const HOW_TO_GIVE_A_KEY = 'Send yours as Authorization: Bearer <key>.';

/**
 * Takes in traces of other programs by OTLP over HTTP (opentelemetry.io/docs/specs/otlp), protobuf or JSON, plain or gzipped: `docs/otlp-ingest.md`.
 */
export async function otlp(
  app: FastifyInstance,
  { access, takenTraces, maxBodyBytes }: DialectParts & { readonly maxBodyBytes: number },
): Promise<void> {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => {
    return refuse(
      request,
      reply,
      404,
      `There is no ${request.method} ${request.url.split('?')[0]}. Traces go to POST /otlp/v1/traces.`,
    );
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([PROTOBUF, 'application/json'], { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    const { authorization, 'x-api-key': plain } = request.headers;
    const key = typeof plain === 'string' ? plain : /^Bearer +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1];
    request.caller = await access.callerOf(key, HOW_TO_GIVE_A_KEY);
  });
  app.post('/v1/traces', { schema: { hide: true } }, async (request, reply) => {
    const { caller, headers } = request;
    takenTraces.demand(caller);
    const sent = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const bytes = await unpacked(sent, headers['content-encoding'], maxBodyBytes);
    const message = isJson(request) ? parseJson(bytes) : await parseProtobuf(bytes);
    const read = readExport(message, isJson(request) ? 'hex' : 'base64');
    const taken = await takenTraces.take(caller, read.spans);
    const rejectedSpans = read.rejected + taken.rejected;
    const errorMessage = read.reason ?? taken.reason ?? '';
    const answer =
      rejectedSpans === 0 && errorMessage === '' ? {} : { partialSuccess: { rejectedSpans, errorMessage } };
    if (isJson(request)) return answer;
    const { encodeAnswer } = await import('./otlp-proto.ts');
    return reply.type(PROTOBUF).send(encodeAnswer('ExportResponse', answer));
  });
}

const isJson = ({ headers }: FastifyRequest): boolean => /^application\/json\b/.test(headers['content-type'] ?? '');

/** @throws PlatformError `too_large`, `invalid` */
async function unpacked(bytes: Buffer, encoding: string | undefined, maxOutputLength: number): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity') return bytes;
  if (encoding !== 'gzip')
    throw new PlatformError('invalid', `Content-Encoding "${encoding}" is not read here. Send gzip, or none.`);
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PlatformError(
        'too_large',
        'Unpacked, the body is larger than this server takes (MILLRUN_MAX_BODY_BYTES). Send fewer spans at once.',
      );
    }
    throw new PlatformError('invalid', 'The body is not gzip, although Content-Encoding says so.');
  }
}

function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  if (nestsDeeper(text, MAX_JSON_DEPTH))
    throw new PlatformError('invalid', `The body nests more than ${MAX_JSON_DEPTH} levels deep.`);
  if (opensMore(text, MAX_PARTS)) throw new PlatformError('too_large', TOO_MANY_PARTS);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PlatformError('invalid', `The body is not JSON: ${(error as Error).message}`);
  }
}

async function parseProtobuf(bytes: Buffer): Promise<unknown> {
  const { decodeExport } = await import('./otlp-proto.ts');
  let message: unknown;
  try {
    message = decodeExport(bytes, MAX_PARTS);
  } catch {
    throw new PlatformError('invalid', 'The body is no ExportTraceServiceRequest in protobuf.');
  }
  if (message === null) throw new PlatformError('too_large', TOO_MANY_PARTS);
  return message;
}

/** Answers an error as a google.rpc.Status, in the encoding of the request. */
async function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (error instanceof PlatformError) {
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
    if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
    const said = error.problems.length === 0 ? error.message : error.problems.map(({ message }) => message).join(' ');
    return refuse(request, reply, STATUS[error.kind], said);
  }
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) return refuse(request, reply, status, error.message);
  request.log.error({ err: error, requestId: request.id }, 'a request failed');
  return refuse(
    request,
    reply,
    500,
    `The server failed on this request. Its log has the cause under request id ${request.id}.`,
  );
}

async function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  message: string,
): Promise<FastifyReply> {
  const body = { code: RPC_CODES[status] ?? 13, message };
  reply.code(status);
  if (!String(request.headers['content-type'] ?? '').startsWith(PROTOBUF)) return reply.send(body);
  const { encodeAnswer } = await import('./otlp-proto.ts');
  return reply.type(PROTOBUF).send(encodeAnswer('RpcStatus', body));
}
