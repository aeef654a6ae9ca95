import type { ModelPrice } from '../domain/model-settings.ts';
import { MAX_RETENTION_DAYS } from '../domain/retention.ts';
import { readShare, shareText } from '../domain/search-share.ts';

/** Everything an operator can set: shape, default, unit and one sentence each. `read.ts` fills it from file, environment and flags. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly store: string | null;
  readonly apiKey: string | null;
  readonly logLevel: string;
  readonly workerConcurrency: number;
  readonly workerPort: number | null;
  readonly workspaceConcurrency: number | null;
  readonly retentionDays: number | null;
  readonly drainSeconds: number;
  readonly syncTimeoutSeconds: number;
  readonly maxBodyBytes: number;
  readonly maxFileBytes: number;
  readonly searchMaxCharacters: number;
  readonly searchEmbedder: 'builtin' | 'openai' | 'local';
  readonly searchModel: string | null;
  readonly searchModelsDirectory: string | null;
  readonly searchModelDownload: boolean;
  readonly searchEmbedderUrl: string | null;
  readonly searchEmbedderKey: string | null;
  readonly searchDimensions: number | null;
  readonly searchPrice: string | null;
  readonly httpAllow: readonly string[];
  readonly publicUrl: string | null;
  readonly openaiBaseUrl: string | null;
  readonly openaiApiKey: string | null;
  readonly models: readonly string[];
  readonly modelPrices: Readonly<Record<string, ModelPrice>>;
  readonly comfyuiUrl: readonly Endpoint[] | null;
  readonly comfyuiRates: Readonly<Record<string, string>>;
  readonly codeRunnerUrl: Endpoint | null;
  readonly encryptionKey: Buffer | null;
  readonly formerEncryptionKeys: readonly Buffer[] | null;
  readonly secret: Buffer | null;
  readonly blobs: BlobPlace | null;
  readonly blobsEndpoint: string | null;
  readonly blobsRegion: string | null;
  readonly blobsPathStyle: boolean;
  readonly blobsAccessKey: string | null;
  readonly blobsSecretKey: string | null;
  readonly blobsDirect: boolean;
  readonly searchAt: 'machines' | readonly string[] | null;
  readonly searchPartition: string;
  readonly searchSnapshotMinutes: number | null;
  readonly tracingEndpoint: string | null;
  readonly tracingHeaders: Readonly<Record<string, string>>;
  readonly tracingServiceName: string;
  readonly tracingRuns: 'asked' | 'all';
  readonly tracingContent: boolean;
  readonly tracingLink: string | null;
}

/** A place in an S3-compatible store. */
interface BlobPlace {
  readonly bucket: string;
  /** What each key begins with: empty, or with a `/` at its end. */
  readonly prefix: string;
}

/** An address with the credentials that it was given with taken out of it. */
interface Endpoint {
  readonly url: string;
  /** The Authorization header that they make; null: none. */
  readonly authorization: string | null;
}

export type Setting<T = unknown> = {
  /** Environment variable. */
  readonly env: string;
  /** Variables of a standard that say the same; the setting's own wins. `suffix` is what the standard has a program append. */
  readonly aliases?: readonly { readonly env: string; readonly suffix?: string }[];
  /** Command line flag, without the dashes. */
  readonly flag: string;
  readonly default: T;
  /** One sentence, with the unit. */
  readonly about: string;
  /** Never printed. */
  readonly secret?: true;
  /** The value in a given text or JSON value. @throws Error that says what is allowed */
  read(given: unknown): T;
};

const EMBEDDERS = ['builtin', 'openai', 'local'] as const;

const TRACED_RUNS = ['asked', 'all'] as const;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export const SETTINGS: { readonly [K in keyof Config]: Setting<Config[K]> } = {
  host: {
    env: 'MILLRUN_HOST',
    flag: 'host',
    default: '127.0.0.1',
    about: 'Address to listen on. 0.0.0.0 opens it to the network: put TLS in front of it then.',
    read: text,
  },
  port: {
    env: 'MILLRUN_PORT',
    flag: 'port',
    default: 8080,
    about: 'TCP port to listen on, 0 to 65535; 0 takes a free one.',
    read: integer(0, 65_535),
  },
  data: {
    env: 'MILLRUN_DATA',
    flag: 'data',
    default: './data',
    about: 'Folder of the store, the blobs and the secret key. One process owns it at a time.',
    read: text,
  },
  store: {
    env: 'MILLRUN_STORE',
    flag: 'store',
    default: null,
    about:
      'PostgreSQL to keep everything but blobs and keys in, as postgres://user:password@host:5432/database?schema=millrun; without it the data folder holds the store.',
    secret: true,
    read: postgresAddress,
  },
  apiKey: {
    env: 'MILLRUN_API_KEY',
    flag: 'api-key',
    default: null,
    about:
      'Preset API key with all rights; otherwise one is made at the first start. At least 16 letters, digits, _ or -.',
    secret: true,
    read: presetKey,
  },
  logLevel: {
    env: 'MILLRUN_LOG_LEVEL',
    flag: 'log-level',
    default: 'info',
    about: `Least severe log line that is written: ${LOG_LEVELS.join(', ')}.`,
    read: oneOf(LOG_LEVELS),
  },
  workerConcurrency: {
    env: 'MILLRUN_WORKER_CONCURRENCY',
    flag: 'worker-concurrency',
    default: 64,
    about:
      'Nodes with effects (HTTP, models) that run at the same time, 1 to 10,000. 0: none in this server; processes of `millrun worker` run them.',
    read: integer(0, 10_000),
  },
  workerPort: {
    env: 'MILLRUN_WORKER_PORT',
    flag: 'worker-port',
    default: null,
    about:
      'TCP port of `millrun worker` for /healthz, /readyz and /metrics, 0 to 65535; 0 takes a free one; it does not listen when absent.',
    read: integer(0, 65_535),
  },
  workspaceConcurrency: {
    env: 'MILLRUN_WORKSPACE_CONCURRENCY',
    flag: 'workspace-concurrency',
    default: null,
    about:
      'Runs of one workspace that are under way at the same time, 1 to 1,000,000; any number when absent. Others wait.',
    read: integer(1, 1_000_000),
  },
  retentionDays: {
    env: 'MILLRUN_RETENTION_DAYS',
    flag: 'retention-days',
    default: null,
    about:
      'Days that finished runs are kept, 1 to 36,500, where a workspace does not say otherwise; for ever when absent. Older ones are deleted.',
    read: integer(1, MAX_RETENTION_DAYS),
  },
  drainSeconds: {
    env: 'MILLRUN_DRAIN_SECONDS',
    flag: 'drain-seconds',
    default: 10,
    about: 'Seconds that running nodes get to end after SIGTERM; the rest runs again after the next start.',
    read: integer(0, 3600),
  },
  syncTimeoutSeconds: {
    env: 'MILLRUN_SYNC_TIMEOUT_SECONDS',
    flag: 'sync-timeout-seconds',
    // Official clients give up at 120 s; an answer has to come a little earlier to be heard.
    default: 115,
    about: 'Seconds a synchronous run is waited for before it is answered as still running.',
    read: integer(1, 3600),
  },
  maxBodyBytes: {
    env: 'MILLRUN_MAX_BODY_BYTES',
    flag: 'max-body-bytes',
    default: 64 * 1024 * 1024,
    about: 'Bytes of a JSON request at most.',
    read: integer(1024, 1024 * 1024 * 1024),
  },
  maxFileBytes: {
    env: 'MILLRUN_MAX_FILE_BYTES',
    flag: 'max-file-bytes',
    default: 512 * 1024 * 1024,
    about: 'Bytes of an uploaded file at most.',
    read: integer(1024, 64 * 1024 * 1024 * 1024),
  },
  searchMaxCharacters: {
    env: 'MILLRUN_SEARCH_MAX_CHARACTERS',
    flag: 'search-max-characters',
    default: 50_000_000,
    about: 'Characters of one run that are searchable at most, in the order input, output, the rest.',
    read: integer(1000, 1_000_000_000),
  },
  searchEmbedder: {
    env: 'MILLRUN_SEARCH_EMBEDDER',
    flag: 'search-embedder',
    default: 'builtin',
    about:
      'What gives texts their meaning for search: builtin (offline, English), openai (an OpenAI-compatible endpoint), local (an ONNX model on this machine). See docs/search.md.',
    read: oneOf(EMBEDDERS),
  },
  searchModel: {
    env: 'MILLRUN_SEARCH_MODEL',
    flag: 'search-model',
    default: null,
    about: 'Embedding model of openai or local, e.g. text-embedding-3-small or Xenova/all-MiniLM-L6-v2.',
    read: text,
  },
  searchModelsDirectory: {
    env: 'MILLRUN_SEARCH_MODELS_DIRECTORY',
    flag: 'search-models-directory',
    default: null,
    about: 'Folder of local models, each in <owner>/<name> as on the Hugging Face hub.',
    read: text,
  },
  searchModelDownload: {
    env: 'MILLRUN_SEARCH_MODEL_DOWNLOAD',
    flag: 'search-model-download',
    default: false,
    about: 'true fetches a missing local model from the Hugging Face hub; nothing is downloaded otherwise.',
    read: truth,
  },
  searchEmbedderUrl: {
    env: 'MILLRUN_SEARCH_EMBEDDER_URL',
    flag: 'search-embedder-url',
    default: null,
    about: 'OpenAI-compatible endpoint for embeddings; the one for model nodes when absent.',
    read: httpUrl,
  },
  searchEmbedderKey: {
    env: 'MILLRUN_SEARCH_EMBEDDER_KEY',
    flag: 'search-embedder-key',
    default: null,
    about:
      'Key for that endpoint; the one for model nodes when absent and the endpoint is theirs. Given alone, the endpoint is https://api.openai.com/v1.',
    secret: true,
    read: text,
  },
  searchDimensions: {
    env: 'MILLRUN_SEARCH_DIMENSIONS',
    flag: 'search-dimensions',
    default: null,
    about:
      'Numbers of a vector to ask the endpoint for, where its model can shorten them (256 suits the index best); the model decides when absent.',
    read: integer(1, 65_536),
  },
  searchPrice: {
    env: 'MILLRUN_SEARCH_PRICE',
    flag: 'search-price',
    default: null,
    about: 'US dollars for a million tokens of the embedding model, for the log line that tells what search costs.',
    read: price,
  },
  publicUrl: {
    env: 'MILLRUN_PUBLIC_URL',
    flag: 'public-url',
    default: null,
    about:
      'Address under which callers reach this server, e.g. https://runs.example.com, for links to files; otherwise the address of each request.',
    read: httpUrl,
  },
  httpAllow: {
    env: 'MILLRUN_HTTP_ALLOW',
    flag: 'http-allow',
    default: [],
    about:
      'Private addresses that workflows and callbacks may reach, comma-separated: host names, host:port, CIDR ranges, or * for all. Public addresses need no entry.',
    read: list,
  },
  openaiBaseUrl: {
    env: 'OPENAI_BASE_URL',
    flag: 'openai-base-url',
    default: null,
    about: 'OpenAI-compatible endpoint for model nodes, e.g. https://api.openai.com/v1 or http://127.0.0.1:11434/v1.',
    read: httpUrl,
  },
  openaiApiKey: {
    env: 'OPENAI_API_KEY',
    flag: 'openai-api-key',
    default: null,
    about: 'Key for that endpoint. Given alone, the endpoint is https://api.openai.com/v1.',
    secret: true,
    read: text,
  },
  models: {
    env: 'MILLRUN_MODELS',
    flag: 'models',
    default: [],
    about: 'Model names tried in this order when a node names none, comma-separated.',
    read: list,
  },
  modelPrices: {
    env: 'MILLRUN_MODEL_PRICES',
    flag: 'model-prices',
    default: {},
    about:
      'US dollars for a million tokens by model, as JSON: {"gpt-x": {"input": "0.15", "output": "0.60", "cached_input": "0.075"}}; cached_input may be left out.',
    read: prices,
  },
  comfyuiUrl: {
    env: 'COMFYUI_URL',
    flag: 'comfyui-url',
    default: null,
    about:
      'ComfyUI servers for ComfyUIWorkflowNode, comma-separated, e.g. http://127.0.0.1:8188; with user:password@ for Basic authentication or token@ for a bearer token.',
    // It may hold credentials.
    secret: true,
    read: endpoints,
  },
  comfyuiRates: {
    env: 'MILLRUN_COMFYUI_RATES',
    flag: 'comfyui-rates',
    default: {},
    about:
      'US dollars for a second of ComfyUI by GPU, as JSON: {"L40S": "0.000444", "default": "0.0002"}; without a rate runs have no cost.',
    read: rates,
  },
  codeRunnerUrl: {
    env: 'MILLRUN_CODE_RUNNER_URL',
    flag: 'code-runner-url',
    default: null,
    about:
      'Server that runs the Python of code nodes, e.g. http://127.0.0.1:8085/run; with user:password@ or token@ as for ComfyUI. See docs/code.md for its protocol.',
    // It may hold credentials.
    secret: true,
    read: (given) => endpoints([text(given)])[0]!,
  },
  encryptionKey: {
    env: 'MILLRUN_ENCRYPTION_KEY',
    flag: 'encryption-key',
    default: null,
    about:
      'Key that credentials are kept sealed with: 32 bytes as 64 hexadecimal digits or as base64; when absent, encryption.key in the data folder. See docs/credentials.md.',
    secret: true,
    read: sealingKey,
  },
  formerEncryptionKeys: {
    env: 'MILLRUN_FORMER_ENCRYPTION_KEYS',
    flag: 'former-encryption-keys',
    default: null,
    about: 'Keys that were the encryption key before, comma-separated: what is sealed with them still opens.',
    secret: true,
    read: (given) => list(given).map(sealingKey),
  },
  secret: {
    env: 'MILLRUN_SECRET',
    flag: 'secret',
    default: null,
    about:
      'Secret that the first API key, callback secrets, sessions and signed addresses follow from: 32 bytes as 64 hexadecimal digits or as base64; when absent, secret.key in the data folder. Servers that share a store need the same.',
    secret: true,
    read: sealingKey,
  },
  blobs: {
    env: 'MILLRUN_BLOBS',
    flag: 'blobs',
    default: null,
    about:
      'S3-compatible store to keep large payloads and files in, as s3://bucket or s3://bucket/prefix; without it the data folder holds them.',
    read: blobPlace,
  },
  blobsEndpoint: {
    env: 'MILLRUN_BLOBS_ENDPOINT',
    flag: 'blobs-endpoint',
    default: null,
    about: 'Address of that store, e.g. https://s3.example.com; that of Amazon when absent.',
    read: httpUrl,
  },
  blobsRegion: {
    env: 'MILLRUN_BLOBS_REGION',
    flag: 'blobs-region',
    default: null,
    about: 'Region of the bucket; AWS_REGION or the shared configuration of AWS when absent.',
    read: text,
  },
  blobsPathStyle: {
    env: 'MILLRUN_BLOBS_PATH_STYLE',
    flag: 'blobs-path-style',
    default: false,
    about:
      'true has the bucket stand in the path of addresses and not in the name of the host, as MinIO and others want it.',
    read: truth,
  },
  blobsAccessKey: {
    env: 'MILLRUN_BLOBS_ACCESS_KEY',
    flag: 'blobs-access-key',
    default: null,
    about:
      'Access key of that store; when absent, credentials are found as AWS lays down: environment, shared files, container, instance.',
    secret: true,
    read: text,
  },
  blobsSecretKey: {
    env: 'MILLRUN_BLOBS_SECRET_KEY',
    flag: 'blobs-secret-key',
    default: null,
    about: 'Secret key that belongs to blobsAccessKey.',
    secret: true,
    read: text,
  },
  blobsDirect: {
    env: 'MILLRUN_BLOBS_DIRECT',
    flag: 'blobs-direct',
    default: false,
    about:
      'true gives clients signed addresses at which they read and write assets at that store, which they must be able to reach; otherwise the bytes go through the server.',
    read: truth,
  },
  searchAt: {
    env: 'MILLRUN_SEARCH_AT',
    flag: 'search-at',
    default: null,
    about:
      'Where searches are answered: machines finds every `millrun search serve` of the store, addresses such as http://s1:9090,http://s2:9090 name them; by an index in the data folder when absent.',
    read: searchPlaces,
  },
  searchPartition: {
    env: 'MILLRUN_SEARCH_PARTITION',
    flag: 'search-partition',
    default: '1/1',
    about:
      'Share of the workspaces that `millrun search serve` answers for: partition 3/16, or 1-4/16; their number is a power of two up to 1,024.',
    read: (given) => shareText(readShare(text(given))),
  },
  searchSnapshotMinutes: {
    env: 'MILLRUN_SEARCH_SNAPSHOT_MINUTES',
    flag: 'search-snapshot-minutes',
    default: null,
    about:
      'Minutes between two snapshots of the search index in the blobs, from which new machines start; 0 takes none. When absent, 30 for `millrun search serve`, none for a server.',
    read: integer(0, 10_080),
  },
  tracingEndpoint: {
    env: 'MILLRUN_TRACING_ENDPOINT',
    aliases: [
      { env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' },
      { env: 'OTEL_EXPORTER_OTLP_ENDPOINT', suffix: '/v1/traces' },
    ],
    flag: 'tracing-endpoint',
    default: null,
    about:
      'Address that takes OpenTelemetry traces by OTLP over HTTP, e.g. http://127.0.0.1:4318/v1/traces; without it none are sent. See docs/tracing.md.',
    read: httpUrl,
  },
  tracingHeaders: {
    env: 'MILLRUN_TRACING_HEADERS',
    aliases: [{ env: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS' }, { env: 'OTEL_EXPORTER_OTLP_HEADERS' }],
    flag: 'tracing-headers',
    default: {},
    about: 'Headers that go with them, e.g. the key of a service: name=value, comma-separated, values percent-encoded.',
    secret: true,
    read: headers,
  },
  tracingServiceName: {
    env: 'MILLRUN_TRACING_SERVICE_NAME',
    aliases: [{ env: 'OTEL_SERVICE_NAME' }],
    flag: 'tracing-service-name',
    default: 'millrun',
    about: 'What this server is called in traces.',
    read: text,
  },
  tracingRuns: {
    env: 'MILLRUN_TRACING_RUNS',
    flag: 'tracing-runs',
    default: 'asked',
    about: 'Which runs are traced: asked (those that are started with "tracing": true) or all.',
    read: oneOf(TRACED_RUNS),
  },
  tracingContent: {
    env: 'MILLRUN_TRACING_CONTENT',
    aliases: [{ env: 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT' }],
    flag: 'tracing-content',
    default: false,
    about: 'true sends inputs, outputs and what models are asked and answer with the traces.',
    read: truth,
  },
  tracingLink: {
    env: 'MILLRUN_TRACING_LINK',
    flag: 'tracing-link',
    default: null,
    about:
      'Address of a trace in whatever shows traces, with {trace_id} in it, e.g. http://127.0.0.1:16686/trace/{trace_id}; the explorer links to it.',
    read: traceLink,
  },
};

/** The form of OTEL_EXPORTER_OTLP_HEADERS (W3C Baggage without properties). Messages never repeat a value. */
function headers(given: unknown): Record<string, string> {
  const pairs = typeof given === 'object' && given !== null ? Object.entries(given) : list(given).map(pairOf);
  for (const [name, value] of pairs) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || typeof value !== 'string' || /[^\t\x20-\x7e]/.test(value)) {
      throw new Error('takes name=value, comma-separated, with names that headers may have');
    }
  }
  return Object.fromEntries(pairs) as Record<string, string>;
}

function pairOf(written: string): [string, unknown] {
  const at = written.indexOf('=');
  try {
    return [written.slice(0, Math.max(0, at)).trim(), decodeURIComponent(written.slice(at + 1).trim())];
  } catch {
    return ['', null];
  }
}

function traceLink(given: unknown): string {
  const written = text(given);
  if (!/^https?:\/\//.test(written) || !written.includes('{trace_id}')) {
    throw new Error('takes an http or https address with {trace_id} in it');
  }
  return written;
}

function text(given: unknown): string {
  if (typeof given !== 'string' || given.trim() === '') throw new Error('takes text that is not empty');
  return given.trim();
}

function postgresAddress(given: unknown): string {
  const address = text(given);
  if (!/^postgres(ql)?:$/.test(URL.parse(address)?.protocol ?? '')) {
    throw new Error('takes postgres://user:password@host:port/database');
  }
  return address;
}

/** By the rules for names of buckets, and characters in keys that need no care anywhere (docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
function blobPlace(given: unknown): BlobPlace {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/((?:[A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]*))?$/.exec(text(given)) ?? [];
  if (bucket === undefined) throw new Error('takes s3://bucket or s3://bucket/prefix');
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

function integer(least: number, most: number): (given: unknown) => number {
  return (given) => {
    const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most) {
      throw new Error(`takes a whole number from ${least} to ${most}`);
    }
    return number;
  };
}

function oneOf<T extends string>(allowed: readonly T[]): (given: unknown) => T {
  return (given) => {
    const known = allowed.find((one) => one === given);
    if (known === undefined) throw new Error(`takes one of ${allowed.join(', ')}`);
    return known;
  };
}

function truth(given: unknown): boolean {
  if (given !== true && given !== false && given !== 'true' && given !== 'false')
    throw new Error('takes true or false');
  return given === true || given === 'true';
}

function price(given: unknown): string {
  if (!isPrice(given)) throw new Error('takes a decimal number as text, such as 0.02');
  return given;
}

function isPrice(given: unknown): given is string {
  return typeof given === 'string' && /^\d+(\.\d+)?$/.test(given);
}

function list(given: unknown): readonly string[] {
  const parts = typeof given === 'string' ? given.split(',') : given;
  if (!Array.isArray(parts) || parts.some((part) => typeof part !== 'string')) {
    throw new Error('takes a comma-separated list');
  }
  return parts.map((part: string) => part.trim()).filter((part) => part !== '');
}

function httpUrl(given: unknown): string {
  const url = text(given);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new Error('takes an http or https URL');
  const { username, password } = new URL(url);
  // It is printed and logged, which a secret must never be.
  if (username !== '' || password !== '')
    throw new Error('takes a URL without user and password; keys have settings of their own');
  return url.replace(/\/+$/, '');
}

function searchPlaces(given: unknown): 'machines' | readonly string[] {
  const places = list(given);
  if (places.length === 0) throw new Error('takes machines, or http or https URLs');
  return places.length === 1 && places[0] === 'machines' ? 'machines' : places.map(httpUrl);
}

/** Messages never repeat an address: it may hold credentials. */
function endpoints(given: unknown): readonly Endpoint[] {
  const urls = list(given);
  if (urls.length === 0) throw new Error('takes at least one http or https URL');
  const read = urls.map((one, index): Endpoint => {
    const parsed = URL.parse(one);
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '') {
      throw new Error(`takes http or https URLs without a query; number ${index + 1} is none`);
    }
    const authorization = authorizationOf(parsed);
    parsed.username = '';
    parsed.password = '';
    return { url: parsed.href.replace(/\/+$/, ''), authorization };
  });
  if (new Set(read.map(({ url }) => url)).size < read.length) throw new Error('takes each server once');
  return read;
}

/** RFC 7617 for a user and a password, RFC 6750 for a token that stands alone. */
function authorizationOf(url: URL): string | null {
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  if (user === '' && password === '') return null;
  if (password === '') return `Bearer ${user}`;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** Shorter keys can be guessed; other characters are refused by an official client. */
function presetKey(given: unknown): string {
  const key = text(given);
  if (!/^[A-Za-z0-9_-]{16,}$/.test(key)) {
    throw new Error('takes at least 16 characters out of letters, digits, _ and -');
  }
  return key;
}

/** Messages never repeat a key. */
function sealingKey(given: unknown): Buffer {
  const written = text(given);
  const isHex = /^[0-9a-f]{64}$/i.test(written);
  const key = Buffer.from(written, isHex ? 'hex' : 'base64');
  if (!isHex && (!/^[A-Za-z0-9+/_-]{43}=?$/.test(written) || key.length !== 32))
    throw new Error('takes 32 bytes as 64 hexadecimal digits or as base64, such as `openssl rand -hex 32` makes');
  return key;
}

function prices(given: unknown): Config['modelPrices'] {
  const entries = table(given, 'model names');
  const read = entries?.map(([name, row]) => [name, priceOf(row)] as const);
  if (!read?.every(([, row]) => row !== null)) {
    throw new Error('takes an object of {"input": "…", "output": "…"} with decimal numbers as text');
  }
  return Object.fromEntries(read) as Config['modelPrices'];
}

function priceOf(row: unknown): ModelPrice | null {
  if (typeof row !== 'object' || row === null) return null;
  const { input, output, cached_input: cached = null } = row as Record<string, unknown>;
  if (!isPrice(input) || !isPrice(output) || (cached !== null && !isPrice(cached))) return null;
  return { input, output, ...(cached === null ? {} : { cachedInput: cached }) };
}

function rates(given: unknown): Config['comfyuiRates'] {
  const entries = table(given, 'GPU names');
  const names = entries?.map(([name]) => name.toLowerCase()) ?? [];
  if (!entries?.every(([, rate]) => isPrice(rate)) || new Set(names).size < names.length) {
    throw new Error(
      'takes an object of GPU names, each once, with decimal numbers as text, such as {"L4": "0.000147"}',
    );
  }
  return Object.fromEntries(entries) as Config['comfyuiRates'];
}

/** The entries of a table, which may be JSON text; null when it is none. */
function table(given: unknown, of: string): [string, unknown][] | null {
  let read = given;
  if (typeof given === 'string') {
    try {
      read = JSON.parse(given);
    } catch {
      throw new Error(`takes a JSON object of ${of}`);
    }
  }
  return typeof read === 'object' && read !== null && !Array.isArray(read) ? Object.entries(read) : null;
}

/** Settings of the embedders that have any: which they cannot do without, and which they take besides. */
const EMBEDDER_SETTINGS: Readonly<
  Record<
    Config['searchEmbedder'],
    { readonly needs: readonly (keyof Config)[]; readonly takes: readonly (keyof Config)[] }
  >
> = {
  builtin: { needs: [], takes: [] },
  openai: {
    needs: ['searchModel'],
    takes: ['searchEmbedderUrl', 'searchEmbedderKey', 'searchDimensions', 'searchPrice'],
  },
  local: { needs: ['searchModel', 'searchModelsDirectory'], takes: ['searchModelDownload'] },
};

/** A mistake that only several settings together make, and the setting to change. */
export interface Contradiction {
  readonly setting: keyof Config;
  readonly message: string;
}

/** What does not fit together in a configuration. A setting that would do nothing is a mistake too: somebody meant it to do something. */
export function contradictions(config: Config): Contradiction[] {
  const { searchEmbedder: chosen } = config;
  const { needs, takes } = EMBEDDER_SETTINGS[chosen];
  const found: Contradiction[] = [];
  const tell = (setting: keyof Config, message: string) => found.push({ setting, message });
  for (const setting of needs) {
    if (config[setting] === null) tell(setting, `the embedder ${chosen} needs ${setting}; ${howToSet(setting)}.`);
  }
  const all = Object.values(EMBEDDER_SETTINGS).flatMap((settings) => [...settings.needs, ...settings.takes]);
  for (const setting of new Set(all)) {
    if (needs.includes(setting) || takes.includes(setting) || config[setting] === SETTINGS[setting].default) continue;
    const users = EMBEDDERS.filter((one) =>
      [...EMBEDDER_SETTINGS[one].needs, ...EMBEDDER_SETTINGS[one].takes].includes(setting),
    );
    tell(
      setting,
      `it is for the embedder ${users.join(' or ')}, and searchEmbedder is ${chosen}. Remove it, or ${howToSet('searchEmbedder')}.`,
    );
  }
  if (config.workerConcurrency === 0 && config.store === null) {
    tell(
      'workerConcurrency',
      `0 leaves the work to processes of \`millrun worker\`, which need a store that several processes share; ${howToSet('store')}, or let this one work.`,
    );
  }
  if (chosen === 'openai' && embeddingEndpoint(config) === null) {
    tell(
      'searchEmbedderUrl',
      `the embedder openai needs an endpoint; ${howToSet('searchEmbedderUrl')}, or set ${SETTINGS.openaiBaseUrl.env} or ${SETTINGS.openaiApiKey.env}.`,
    );
  }
  for (const setting of ['searchAt', 'searchPartition'] as const) {
    if (config.store === null && config[setting] !== SETTINGS[setting].default)
      tell(setting, `machines for search read a store that is shared; ${howToSet('store')}.`);
  }
  return [...found, ...blobContradictions(config)];
}

function blobContradictions(config: Config): Contradiction[] {
  const found: Contradiction[] = [];
  for (const setting of ['Endpoint', 'Region', 'PathStyle', 'AccessKey', 'SecretKey', 'Direct'] as const) {
    const name = `blobs${setting}` as const;
    if (config.blobs !== null || config[name] === SETTINGS[name].default) continue;
    found.push({ setting: name, message: `it is for blobs on S3. Remove it, or ${howToSet('blobs')}.` });
  }
  const [key, secret] = [config.blobsAccessKey, config.blobsSecretKey];
  if ((key === null) !== (secret === null)) {
    const missing = key === null ? 'blobsAccessKey' : 'blobsSecretKey';
    found.push({ setting: missing, message: `the access key and the secret key go together; ${howToSet(missing)}.` });
  }
  return found;
}

function howToSet(setting: keyof Config): string {
  return `set it with ${SETTINGS[setting].env} or --${SETTINGS[setting].flag}`;
}

/** What an OpenAI key without an endpoint means. */
const OPENAI_URL = 'https://api.openai.com/v1';

/** Where model nodes find their models, or null. */
export function modelEndpoint(config: Config): { readonly baseUrl: string; readonly apiKey: string | null } | null {
  const baseUrl = config.openaiBaseUrl ?? (config.openaiApiKey === null ? null : OPENAI_URL);
  return baseUrl === null ? null : { baseUrl, apiKey: config.openaiApiKey };
}

/** Where embeddings come from: an endpoint of their own, or that of the model nodes. A key goes to the endpoint it was given for, and to no other. */
export function embeddingEndpoint(config: Config): { readonly baseUrl: string; readonly apiKey: string | null } | null {
  const { searchEmbedderUrl, searchEmbedderKey } = config;
  const models = modelEndpoint(config);
  const baseUrl = searchEmbedderUrl ?? models?.baseUrl ?? (searchEmbedderKey === null ? null : OPENAI_URL);
  if (baseUrl === null) return null;
  return { baseUrl, apiKey: searchEmbedderKey ?? (baseUrl === models?.baseUrl ? models.apiKey : null) };
}
