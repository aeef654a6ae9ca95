import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { retryAfterMs } from '../../domain/retry.ts';
import { valueAsText } from '../../domain/value.ts';
import type { Warning } from '../../domain/warning.ts';
import type { HttpAnswer } from '../../system/http-client.ts';
import { configIssue, configText } from '../config.ts';
import { failedRequest, isRetryableStatus, shownUrl } from '../http-outcome.ts';
import { compileJsonPath } from '../json-path.ts';
import { parseJson } from '../json-text.ts';
import {
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { decodeText, isJsonType, mediaType } from '../text-content.ts';
import { fillIn, fillText, referencesIn } from './input-template.ts';
import { INPUTS, isMediaType, keepBytes, keepMedia, OUTPUTS, valueEntry } from './output-entry.ts';
import {
  CALL_CONFIG,
  givenInputs,
  MAX_ANSWER_BYTES,
  NODE_TIMEOUT_MS,
  RETRY,
  readableMedia,
  timeoutOf,
} from './provider-call.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH'];

/** Characters of an error answer's body that its failure repeats. */
const SHOWN_BODY_LENGTH = 300;

/** Headers and query parameters that carry secrets. A model is readable to many; its provider's key is not. */
const SECRET_NAME =
  /^(proxy-)?authorization$|^cookie$|(^|[-_])(api-?key|(?<!idempotency-)key|token|secret|password|signature)$/i;

/** A model behind any HTTP address that takes and gives JSON, or gives a file. */
export const modelHttp: EffectNodeType = {
  type: 'ModelHttpNode',
  title: 'Model: HTTP',
  description:
    'Calls an HTTP address with the inputs put into its template, and reads the outputs from the JSON answer by JSONPath. Media that come back are kept as files. Without outputs the whole answer is one.',
  category: 'models',
  effect: true,
  gathersList: true,
  timeoutMs: NODE_TIMEOUT_MS,
  retry: RETRY,
  inputs: [INPUTS],
  outputs: [OUTPUTS],
  config: {
    method: { type: 'str', description: 'Request method.', optional: true, default: 'POST', choices: METHODS },
    url: {
      type: 'str',
      description: 'Address, e.g. https://models.example.com/upscale/{{input.scale}}',
      optional: false,
      default: null,
    },
    headers: {
      type: 'dict',
      description: 'Headers. No secrets: name a provider for those.',
      optional: true,
      default: {},
    },
    body: {
      type: 'Any',
      description: 'JSON body with {{input.name}} where a value goes; left out: an object of all inputs.',
      optional: true,
      default: null,
    },
    output: { type: 'dict', description: 'JSONPath of each output in the answer.', optional: true, default: {} },
    types: { type: 'dict', description: 'Declared type of each output.', optional: true, default: {} },
    media_inputs: { type: 'list', description: 'Inputs that are files.', optional: true, default: [] },
    ...CALL_CONFIG,
    provider: {
      type: 'str',
      description: 'Configured provider whose key is sent as Authorization; the address must be its own.',
      optional: true,
      default: null,
    },
  },
  check({ config, ...node }) {
    const about = { ...node, config };
    const issues = addressProblems(configText(config, 'url')).map((problem) =>
      configIssue(
        about,
        'url',
        problem,
        'Write the scheme and the host out, e.g. https://models.example.com/v1/{{input.x}}',
      ),
    );
    for (const name of Object.keys(isJsonObject(config['headers']) ? config['headers'] : {})) {
      const problem = headerProblem(name);
      if (problem !== null) issues.push(configIssue(about, 'headers', problem, NAME_A_PROVIDER));
    }
    for (const [name, path] of Object.entries(isJsonObject(config['output']) ? config['output'] : {})) {
      const compiled = compileJsonPath(valueAsText(path));
      if ('problem' in compiled) {
        issues.push(configIssue(about, 'output', `"${name}": ${compiled.problem}`, 'Correct the path.'));
      }
    }
    return issues;
  },
  async run(input, context) {
    const prepared = await prepare(input, context);
    if ('kind' in prepared) return prepared;
    let answer: HttpAnswer;
    try {
      answer = await context.http.request(prepared);
    } catch (error) {
      return failedRequest(error);
    }
    context.log('info', `${prepared.method} ${shownUrl(prepared.url)} answered ${answer.status}`, {
      status: answer.status,
      bytes: answer.body.byteLength,
    });
    if (answer.status < 200 || answer.status >= 300) return failedStatus(prepared, answer, context.now());
    return readAnswer(input.config, answer, context);
  },
};

const NAME_A_PROVIDER =
  'Set "provider" to the name of a provider that this server is configured with: its key is sent to its own address, and nobody can read it in the model.';

function headerProblem(name: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return `"${name}" is no header name (RFC 9110 5.1).`;
  if (SECRET_NAME.test(name))
    return `The header "${name}" carries a secret, which a model would show to everyone who may read it.`;
  return null;
}

/** The place that is called is the author's to say: no input can lead a call, and a provider's key, elsewhere. */
function addressProblems(address: string): string[] {
  if (address === '') return [];
  const [origin = ''] = /^[a-z]+:\/\/[^/?#]*/i.exec(address) ?? [];
  const url = /^https?:\/\//i.test(address) ? URL.parse(address) : null;
  if (url === null || referencesIn(origin).length > 0) {
    return [
      `It must begin with http:// or https:// and a host, without an input in them; given was ${shownUrl(address)}.`,
    ];
  }
  const problems = url.username === '' && url.password === '' ? [] : ['It has a name and password in it.'];
  for (const name of url.searchParams.keys()) {
    if (SECRET_NAME.test(name))
      problems.push(`The parameter "${name}" carries a secret, which a model would show. ${NAME_A_PROVIDER}`);
  }
  return problems;
}

interface Prepared {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly followRedirects: boolean;
  readonly signal: AbortSignal;
}

async function prepare({ config, ...node }: NodeInput, context: NodeContext): Promise<Prepared | Outcome> {
  const inputs = await readableInputs({ config, ...node }, context);
  if ('kind' in inputs) return inputs;
  const { values } = inputs;
  const address = configText(config, 'url');
  // No encoding keeps these two from leading to another path (WHATWG URL 4.4, dot segments).
  const dots = referencesIn(address).find((name) => values[name] === '.' || values[name] === '..');
  if (dots !== undefined) {
    const message = `The input "${dots}" stands in the model's address and cannot be ${JSON.stringify(values[dots])}.`;
    return failed({ code: 'invalid_input', message, stage: 'validation' });
  }
  const url = fillText(address, values, encodeURIComponent);
  const method = configText(config, 'method').toUpperCase() || 'POST';
  const headers: Record<string, string> = {};
  for (const [name, template] of Object.entries(isJsonObject(config['headers']) ? config['headers'] : {})) {
    const value = fillText(valueAsText(template), values);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
    if (/[\u0000-\u001f\u007f]|[^\u0000-\u00ff]/.test(value)) {
      const message = `The value of header "${name}" has line breaks or characters that a header cannot carry.`;
      return failed({ code: 'invalid_input', message, stage: 'validation' });
    }
    headers[name.toLowerCase()] = value;
  }
  const authorization = authorizationFor(config, url, context);
  if (typeof authorization === 'object' && authorization !== null) return authorization;
  if (authorization !== null) headers['authorization'] = authorization;
  const hasBody = method !== 'GET';
  if (hasBody) {
    headers['content-type'] ??= 'application/json';
    headers['idempotency-key'] ??= context.idempotencyKey;
  }
  return {
    method,
    url,
    headers,
    ...(hasBody ? { body: JSON.stringify(fillIn(config['body'] ?? values, values) ?? null) } : {}),
    timeoutMs: timeoutOf(config),
    maxBytes: MAX_ANSWER_BYTES,
    // A key goes to its provider and nowhere else.
    followRedirects: authorization === null,
    signal: context.signal,
  };
}

async function readableInputs(
  input: NodeInput,
  context: NodeContext,
): Promise<{ readonly values: JsonObject } | Outcome> {
  const values = givenInputs(input);
  const media = Array.isArray(input.config['media_inputs']) ? input.config['media_inputs'] : [];
  for (const name of media.map(valueAsText)) {
    if (values[name] === undefined) continue;
    const readable = await readableMedia(values[name], context);
    if ('kind' in readable) return readable;
    values[name] = readable.value;
  }
  return { values };
}

/** The header with the key of the named provider; null when none is named. */
function authorizationFor(config: JsonObject, url: string, context: NodeContext): string | null | Outcome {
  const name = configText(config, 'provider');
  if (name === '') return null;
  const provider = context.models.providers.find((candidate) => candidate.name === name);
  if (!provider) {
    const known = context.models.providers.map((candidate) => `"${candidate.name}"`).join(', ') || 'none';
    const message = `No provider is named "${name}". Configured are: ${known}.`;
    return failed({ code: 'not_configured', message, stage: 'dispatch' });
  }
  if (URL.parse(url)?.origin !== URL.parse(provider.baseUrl)?.origin) {
    const message = `The key of provider "${name}" is sent to ${URL.parse(provider.baseUrl)?.origin} only, and the model's address is ${shownUrl(url)}.`;
    return failed({ code: 'invalid_config', message, stage: 'dispatch' });
  }
  return provider.apiKey === null ? null : `Bearer ${provider.apiKey}`;
}

function failedStatus(request: Prepared, answer: HttpAnswer, now: number): Outcome {
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

/** The entries of an answer: a file is one, JSON is read by the paths. */
async function readAnswer(config: JsonObject, answer: HttpAnswer, context: NodeContext): Promise<Outcome> {
  const paths = Object.entries(isJsonObject(config['output']) ? config['output'] : {});
  const contentType = answer.headers['content-type'] ?? 'application/octet-stream';
  const firstName = paths[0]?.[0] ?? Object.keys(isJsonObject(config['types']) ? config['types'] : {})[0] ?? 'output';
  const text = decodeText(contentType, answer.body);
  if (text === null) {
    const name = new URL(answer.url).pathname.split('/').at(-1) || firstName;
    return succeeded({ outputs: [await keepBytes(firstName, { name, contentType, bytes: answer.body }, context)] });
  }
  const parsed = isJsonType(contentType) || paths.length > 0 ? parseJson(text) : { value: text };
  if ('problem' in parsed) {
    const message = `${shownUrl(answer.url)} answered with ${mediaType(contentType)}, which is not JSON. ${parsed.problem}`;
    return failed({ code: 'http_status', message, httpStatus: answer.status, stage: 'output' });
  }
  if (paths.length === 0) return succeeded({ outputs: [valueEntry(firstName, parsed.value)] });
  return readPaths(config, paths, parsed.value, context);
}

async function readPaths(
  config: JsonObject,
  paths: readonly (readonly [string, JsonValue])[],
  document: JsonValue,
  context: NodeContext,
): Promise<Outcome> {
  const types = isJsonObject(config['types']) ? config['types'] : {};
  const entries: JsonObject[] = [];
  const warnings: Warning[] = [];
  const missing: string[] = [];
  for (const [name, path] of paths) {
    const compiled = compileJsonPath(valueAsText(path));
    const found = 'problem' in compiled ? compiled : compiled.path.find(document);
    if ('problem' in found) return failed({ code: 'invalid_config', message: found.problem, stage: 'output' });
    const values = found.values.filter((value) => value !== null);
    if (values.length === 0) missing.push(name);
    const type = valueAsText(types[name] ?? '');
    for (const value of values) {
      const made = isMediaType(type)
        ? await keepMedia(name, type, value, context)
        : { entries: [valueEntry(name, value)], warnings: [] };
      entries.push(...made.entries);
      warnings.push(...made.warnings);
    }
  }
  if (entries.length === 0) {
    const tried = paths.map(([name, path]) => `${name}: ${valueAsText(path)}`).join(', ');
    return failed({ code: 'provider', message: `The answer has none of the outputs (${tried}).`, stage: 'output' });
  }
  if (missing.length > 0) {
    const detail = `The answer lacks the outputs ${missing.join(', ')}.`;
    warnings.push({ identifier: 'general', detail, partial: true });
  }
  return succeeded({ outputs: entries }, { warnings });
}
