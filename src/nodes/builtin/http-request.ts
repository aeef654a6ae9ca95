import { isAllowedHost } from '../../domain/credential.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { retryAfterMs } from '../../domain/retry.ts';
import { storedFileUri } from '../../domain/stored-file.ts';
import { valueAsText } from '../../domain/value.ts';
import type { Warning } from '../../domain/warning.ts';
import type { HttpAnswer, HttpRequest } from '../../system/http-client.ts';
import { configFlag, configIssue, configNumber, configText, holdsToken } from '../config.ts';
import { credentialHeader } from '../credential-header.ts';
import { failedRequest, isRetryableStatus, shownUrl } from '../http-outcome.ts';
import { parseJson } from '../json-text.ts';
import {
  type EffectNodeType,
  failed,
  keyedValues,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { renderTemplate, resolveReferences, templateText } from '../template.ts';
import { decodeText, isJsonType, mediaType } from '../text-content.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];
const BODY_TYPES = ['none', 'json', 'text', 'form'];
const RESPONSE_MODES = ['auto', 'json', 'text', 'file'];

const DEFAULT_TIMEOUT_SECONDS = 30;
/** The longest a node may take (noxus-api.md 3), less a margin for keeping a file. */
const MAX_TIMEOUT_SECONDS = 230;
const DEFAULT_MAX_BYTES = 5 * 1024 * 1024;
/** An answer passes through memory on its way to the store. */
const LARGEST_MAX_BYTES = 64 * 1024 * 1024;

/** Characters of an error answer's body that its failure repeats. */
const SHOWN_BODY_LENGTH = 300;

/** Headers that say how a message is carried: they are the client's to set (RFC 9110 7.6.1, RFC 9112). */
const CLIENT_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** One HTTP request. */
export const httpRequest: EffectNodeType = {
  type: 'HttpRequestNode',
  title: 'HTTP request',
  description:
    'Calls an HTTP address. ((Key)) in the address, headers, query and body is replaced by connected variables: percent-encoded within the address, as JSON values in a JSON body. Addresses of private networks are refused unless the server’s configuration allows them. Requests that change something carry an Idempotency-Key that is the same when a crash repeats a try.',
  category: 'web',
  effect: true,
  timeoutMs: 240_000,
  retry: { retries: 3, delayMs: 1_000, factor: 2, maxDelayMs: 60_000 },
  inputs: [
    {
      name: 'variables',
      label: 'Variables',
      kind: 'variable_type_size_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
    },
  ],
  outputs: [
    { name: 'body', label: 'Body', kind: 'connector', type: one('Any') },
    { name: 'status', label: 'Status', kind: 'connector', type: one('number') },
    { name: 'headers', label: 'Headers', kind: 'connector', type: one('dict') },
  ],
  config: {
    method: { type: 'str', description: 'Request method.', optional: true, default: 'GET', choices: METHODS },
    url: {
      type: 'str',
      description: 'Address, e.g. https://api.example.com/tickets/((Id))',
      optional: false,
      default: null,
    },
    headers: { type: 'dict', description: 'Header names and values.', optional: true, default: {} },
    credential: {
      type: 'str',
      description:
        'Name or id of a credential of the workspace (http_bearer, http_basic or http_header), which is sent with the request and kept out of all that is recorded.',
      optional: true,
      default: null,
    },
    query: {
      type: 'dict',
      description: 'Query parameters added to the address; a list repeats one.',
      optional: true,
      default: {},
    },
    body_type: {
      type: 'str',
      description: 'How "body" is sent: as JSON, as text, or as a form of names and values.',
      optional: true,
      default: 'none',
      choices: BODY_TYPES,
    },
    body: { type: 'Any', description: 'The body, with ((Key)) where a value goes.', optional: true, default: null },
    timeout_seconds: {
      type: 'float',
      description: 'For the whole exchange, redirects included.',
      optional: true,
      default: DEFAULT_TIMEOUT_SECONDS,
      minimum: 0.1,
      maximum: MAX_TIMEOUT_SECONDS,
      advanced: true,
    },
    max_bytes: {
      type: 'int',
      description: 'Largest answer that is read.',
      optional: true,
      default: DEFAULT_MAX_BYTES,
      minimum: 1,
      maximum: LARGEST_MAX_BYTES,
      advanced: true,
    },
    follow_redirects: {
      type: 'bool',
      description: 'Go where a redirect points; each address is checked anew.',
      optional: true,
      default: true,
      advanced: true,
    },
    fail_on_status: {
      type: 'bool',
      description: 'Statuses from 400 make the node fail (and be tried again when that makes sense).',
      optional: true,
      default: true,
    },
    response: {
      type: 'str',
      description:
        'How the answer is read: "auto" goes by its content type and keeps what is neither JSON nor text as a file.',
      optional: true,
      default: 'auto',
      choices: RESPONSE_MODES,
    },
  },
  check(node) {
    const { url, body, body_type: bodyType } = node.config;
    const issues = [];
    if (typeof url === 'string' && !holdsToken(url) && !/^(https?:\/\/|\(\()/i.test(url.trim())) {
      issues.push(
        configIssue(
          node,
          'url',
          `It must begin with http:// or https://; given was ${shownUrl(url)}.`,
          'Give the whole address.',
        ),
      );
    }
    for (const name of Object.keys(dictionary(node.config['headers']))) {
      const problem = headerProblem(name, '');
      if (problem !== null) issues.push(configIssue(node, 'headers', problem, 'Remove or rename it.'));
    }
    if (bodyType === 'json' && typeof body === 'string' && !holdsToken(body)) {
      const parsed = parseJson(body);
      if ('problem' in parsed) {
        issues.push(
          configIssue(node, 'body', parsed.problem, 'Write JSON; a variable stands in quotes: {"name": "((Name))"}.'),
        );
      }
    }
    return issues;
  },
  async run(input, context) {
    const prepared = prepare(input, context);
    if ('kind' in prepared) return prepared;
    const { warnings } = prepared;
    const request = await withCredential(prepared.request, input, context);
    if ('kind' in request) return request;
    let answer: HttpAnswer;
    try {
      answer = await context.http.request(request);
    } catch (error) {
      return failedRequest(error);
    }
    // Headers and query stay out of the log: they carry keys.
    context.log('info', `${request.method} ${shownUrl(request.url)} answered ${answer.status}`, {
      status: answer.status,
      bytes: answer.body.byteLength,
    });
    if (answer.status >= 400 && configFlag(input.config, 'fail_on_status'))
      return failedStatus(request, answer, context.now());
    const body = await readBody(answer, configText(input.config, 'response'), context);
    if ('kind' in body) return body;
    return succeeded({ body: body.value, status: answer.status, headers: { ...answer.headers } }, { warnings });
  },
};

/** The request that the configuration and the values make, or why there is none. */
function prepare(input: NodeInput, context: NodeContext): { request: HttpRequest; warnings: Warning[] } | Outcome {
  const variables = keyedValues(input, 'variables');
  const method = configText(input.config, 'method').toUpperCase() || 'GET';
  if (!METHODS.includes(method)) {
    return failed({
      code: 'invalid_config',
      message: `The method must be one of ${METHODS.join(', ')}; given was ${method}.`,
    });
  }
  const address = renderTemplate(input.config['url'] ?? null, variables, encodeInUrl);
  if ('failure' in address) return failed(address.failure);
  const url = URL.parse(address.text.trim());
  if (url === null) {
    return failed({
      code: 'invalid_config',
      message: `The address is none: ${shownUrl(address.text)}. Give it whole, e.g. https://example.com/path.`,
    });
  }
  addQuery(url, dictionary(input.config['query']), variables);
  const body = buildBody(input.config, variables);
  if ('kind' in body) return body;
  const headers = buildHeaders(input.config, variables, body.contentType);
  if ('kind' in headers) return headers;
  if (method !== 'GET' && method !== 'HEAD') headers.list['idempotency-key'] ??= context.idempotencyKey;
  if (context.tracing !== null) headers.list['traceparent'] ??= context.tracing.traceparent;
  const seconds = configNumber(input.config, 'timeout_seconds') ?? DEFAULT_TIMEOUT_SECONDS;
  const maxBytes = configNumber(input.config, 'max_bytes') ?? DEFAULT_MAX_BYTES;
  return {
    warnings: [...address.warnings],
    request: {
      method,
      url: url.href,
      headers: headers.list,
      ...(body.content === null ? {} : { body: body.content }),
      timeoutMs: Math.round(Math.min(seconds, MAX_TIMEOUT_SECONDS) * 1_000),
      maxBytes: Math.min(maxBytes, LARGEST_MAX_BYTES),
      followRedirects: input.config['follow_redirects'] !== false,
      signal: context.signal,
    },
  };
}

/** The request with the header of the node's credential, if it has one. */
async function withCredential(
  request: HttpRequest,
  input: NodeInput,
  context: NodeContext,
): Promise<HttpRequest | Outcome> {
  const { credentialIds } = context;
  const wanted =
    configText(input.config, 'credential') || credentialIds['credential'] || Object.values(credentialIds)[0];
  if (wanted === undefined) return request;
  const credential = await context.credential(wanted);
  if (credential === null) {
    const message = `There is no credential "${wanted}" in this workspace. Correct the name, or make it.`;
    return failed({ code: 'not_configured', message });
  }
  const header = credentialHeader(credential);
  if (header === null) {
    const message = `The credential "${credential.name}" is of the kind ${credential.kind}; HTTP requests take http_bearer, http_basic and http_header.`;
    return failed({ code: 'invalid_config', message });
  }
  const url = new URL(request.url);
  if (!isAllowedHost(credential.hosts, url)) {
    const message = `The credential "${credential.name}" may be sent to ${credential.hosts.join(', ')} only, and the address is ${shownUrl(request.url)}. Correct the address, or add its host to the credential.`;
    return failed({ code: 'invalid_config', message });
  }
  const [name, value] = header;
  if (request.headers !== undefined && Object.hasOwn(request.headers, name)) {
    const message = `The header "${name}" is set by the credential "${credential.name}". Remove it from "headers".`;
    return failed({ code: 'invalid_config', message });
  }
  return { ...request, headers: { ...request.headers, [name]: value }, originHeaders: [name] };
}

/** A variable that begins the address is an address itself; anywhere else it cannot change which place is called. */
function encodeInUrl(text: string, at: number): string {
  return at === 0 ? text : encodeURIComponent(text);
}

/** Adds to the query without rewriting what is there already: signatures are made over the exact text. */
function addQuery(url: URL, query: JsonObject, variables: JsonObject): void {
  const added = new URLSearchParams();
  for (const [name, written] of Object.entries(query)) {
    const value = resolveReferences(written, variables);
    if (value === undefined || value === null) continue;
    for (const item of Array.isArray(value) ? value : [value]) added.append(name, valueAsText(item));
  }
  url.search = [url.search.slice(1), added.toString()].filter((part) => part !== '').join('&');
}

function buildHeaders(
  config: JsonObject,
  variables: JsonObject,
  contentType: string | null,
): { list: Record<string, string> } | Outcome {
  const list: Record<string, string> = {};
  for (const [name, written] of Object.entries(dictionary(config['headers']))) {
    const value = valueAsText(resolveReferences(written, variables) ?? null);
    const problem = headerProblem(name, value);
    if (problem !== null) return failed({ code: 'invalid_config', message: problem });
    list[name.toLowerCase()] = value;
  }
  if (contentType !== null) list['content-type'] ??= contentType;
  return { list };
}

/** Messages name the header and never its value: it may be a secret. */
function headerProblem(name: string, value: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return `"${name}" is no header name (RFC 9110 5.1).`;
  if (CLIENT_HEADERS.has(name.toLowerCase())) return `The header "${name}" is set by the client itself.`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/.test(value)) {
    return `The value of header "${name}" has line breaks or characters that a header cannot carry.`;
  }
  return null;
}

function buildBody(
  config: JsonObject,
  variables: JsonObject,
): { content: string | null; contentType: string | null } | Outcome {
  const written = config['body'] ?? null;
  switch (config['body_type']) {
    case 'json':
      return jsonBody(written, variables);
    case 'text': {
      const rendered = renderTemplate(written, variables);
      if ('failure' in rendered) return failed(rendered.failure);
      return { content: rendered.text, contentType: 'text/plain; charset=utf-8' };
    }
    case 'form': {
      const form = new URLSearchParams();
      for (const [name, value] of Object.entries(dictionary(written))) {
        form.append(name, valueAsText(resolveReferences(value, variables) ?? null));
      }
      return { content: form.toString(), contentType: 'application/x-www-form-urlencoded' };
    }
    default:
      return { content: null, contentType: null };
  }
}

/** References are filled into the parsed JSON, not into its text: no value can break out of the place it was given. */
function jsonBody(written: JsonValue, variables: JsonObject): { content: string; contentType: string } | Outcome {
  let template = written;
  if (typeof written === 'string' || Array.isArray(written)) {
    const parsed = parseJson(isRichText(written) ? templateText(written) : valueAsText(written));
    const reference = typeof written === 'string' ? resolveReferences(written, variables) : undefined;
    if ('value' in parsed) template = parsed.value;
    // The whole body may be one variable, `((Payload))`, which is no JSON text.
    else if (reference !== undefined && reference !== written)
      return { content: JSON.stringify(reference), contentType: 'application/json' };
    else
      return failed({
        code: 'invalid_config',
        message: `The body is not JSON. ${parsed.problem} A variable stands in quotes: {"name": "((Name))"}.`,
      });
  }
  return { content: JSON.stringify(resolveReferences(template, variables) ?? null), contentType: 'application/json' };
}

function isRichText(written: JsonValue): boolean {
  return (
    Array.isArray(written) &&
    written.length > 0 &&
    written.every((part) => isJsonObject(part) && Object.keys(part).join() === 'text')
  );
}

function failedStatus(request: HttpRequest, answer: HttpAnswer, now: number): Outcome {
  const text = decodeText(answer.headers['content-type'] ?? 'text/plain', answer.body)?.trim() ?? '';
  const said = text === '' ? '' : ` It said: ${text.slice(0, SHOWN_BODY_LENGTH)}`;
  const wait = retryAfterMs(answer.headers['retry-after'], now);
  return {
    kind: 'failed',
    failure: {
      code: 'http_status',
      message: `${request.method} ${shownUrl(request.url)} answered ${answer.status}.${said}`,
      httpStatus: answer.status,
    },
    retryable: isRetryableStatus(answer.status),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
}

/** The answer's body as a value: JSON, text, or a kept file for what is neither. */
async function readBody(
  answer: HttpAnswer,
  mode: string,
  context: NodeContext,
): Promise<{ value: JsonValue } | Outcome> {
  const contentType = answer.headers['content-type'];
  const text = decodeText(contentType ?? 'text/plain', answer.body);
  if (mode === 'text') return { value: text ?? new TextDecoder().decode(answer.body) };
  if (mode === 'json' || (mode !== 'file' && text && isJsonType(contentType ?? ''))) {
    const parsed = parseJson(text ?? new TextDecoder().decode(answer.body));
    if ('value' in parsed) return parsed;
    if (mode === 'json') {
      return failed({
        code: 'http_status',
        message: `The answer is not JSON. ${parsed.problem}`,
        httpStatus: answer.status,
      });
    }
  }
  if (mode !== 'file' && text !== null) return { value: text };
  return { value: await keepAsFile(answer, contentType ?? 'application/octet-stream', context) };
}

async function keepAsFile(answer: HttpAnswer, contentType: string, context: NodeContext): Promise<JsonObject> {
  const name = new URL(answer.url).pathname.split('/').at(-1) || 'response';
  const file = await context.files.save({ name, contentType, bytes: answer.body });
  return { uri: storedFileUri(file.id), name: file.name, content_type: mediaType(contentType), size: file.size };
}

function dictionary(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
