/** Everything an operator can set: shape, default, unit and one sentence each. `read.ts` fills it from file, environment and flags. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly apiKey: string | null;
  readonly logLevel: string;
  readonly workerConcurrency: number;
  readonly drainSeconds: number;
  readonly syncTimeoutSeconds: number;
  readonly maxBodyBytes: number;
  readonly maxFileBytes: number;
  readonly searchMaxCharacters: number;
  readonly httpAllow: readonly string[];
  readonly openaiBaseUrl: string | null;
  readonly openaiApiKey: string | null;
  readonly models: readonly string[];
  readonly modelPrices: Readonly<Record<string, { readonly input: string; readonly output: string }>>;
}

export type Setting<T = unknown> = {
  /** Environment variable. */
  readonly env: string;
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
  apiKey: {
    env: 'MILLRUN_API_KEY',
    flag: 'api-key',
    default: null,
    about:
      'Preset API key with all rights; otherwise one is made at the first start. At least 16 letters, digits or underscores.',
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
    about: 'Nodes with effects (HTTP, models) that run at the same time, 1 to 10,000.',
    read: integer(1, 10_000),
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
    about: 'US dollars for a million tokens by model, as JSON: {"gpt-x": {"input": "0.15", "output": "0.60"}}.',
    read: prices,
  },
};

function text(given: unknown): string {
  if (typeof given !== 'string' || given.trim() === '') throw new Error('takes text that is not empty');
  return given.trim();
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

function oneOf(allowed: readonly string[]): (given: unknown) => string {
  return (given) => {
    if (typeof given !== 'string' || !allowed.includes(given)) throw new Error(`takes one of ${allowed.join(', ')}`);
    return given;
  };
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
    throw new Error('takes a URL without user and password; give a key as OPENAI_API_KEY');
  return url.replace(/\/+$/, '');
}

/** Shorter keys can be guessed; other characters are refused by an official client. */
function presetKey(given: unknown): string {
  const key = text(given);
  if (!/^[A-Za-z0-9_-]{16,}$/.test(key)) {
    throw new Error('takes at least 16 characters out of letters, digits, _ and -');
  }
  return key;
}

function prices(given: unknown): Config['modelPrices'] {
  let table = given;
  if (typeof given === 'string') {
    try {
      table = JSON.parse(given);
    } catch {
      throw new Error('takes a JSON object of model names');
    }
  }
  const isPrice = (price: unknown) => typeof price === 'string' && /^\d+(\.\d+)?$/.test(price);
  const isObject = typeof table === 'object' && table !== null && !Array.isArray(table);
  const entries: [string, unknown][] = isObject ? Object.entries(table as object) : [];
  if (!isObject || !entries.every(([, row]) => isPrice((row as Price)?.input) && isPrice((row as Price)?.output))) {
    throw new Error('takes an object of {"input": "…", "output": "…"} with decimal numbers as text');
  }
  return Object.fromEntries(entries) as Config['modelPrices'];
}

type Price = Config['modelPrices'][string] | undefined;
