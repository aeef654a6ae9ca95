import { setTimeout as sleep } from 'node:timers/promises';
import { type Embedder, EmbeddingError } from './embedder.ts';
import { normalise } from './vector.ts';

/** The part of `fetch` that is used; the product passes its guarded client. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What one answered request cost. */
export interface EmbeddingUsage {
  readonly model: string;
  readonly texts: number;
  /** Tokens as the endpoint counted them; undefined when it does not say. */
  readonly tokens: number | undefined;
  /** US dollars as a decimal string; undefined without a price or a count. */
  readonly cost: string | undefined;
}

/** Where and how to ask. Only the first two have no default. */
export interface OpenAiOptions {
  /** Up to and with the version, such as `https://api.openai.com/v1` or `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  /**
   * Length of the model's vectors; learned from a first answer when absent. Later answers of another length are errors, so that a changed
   * model is noticed.
   */
  readonly dimensions?: number;
  readonly apiKey?: string;
  /** Sends `dimensions` along, for models that can shorten their vectors; many servers refuse the field. */
  readonly shorten?: boolean;
  /** Put before each text, for models trained with such prefixes (`query: ` and `passage: ` for E5). */
  readonly prefixes?: { readonly query: string; readonly document: string };
  /** US dollars for a million tokens. */
  readonly pricePerMillionTokens?: number;
  readonly onUsage?: (usage: EmbeddingUsage) => void;
  readonly fetch?: Fetch;
  /** Texts in one request. OpenAI takes 2,048, TEI 32 unless told otherwise. */
  readonly batchTexts?: number;
  /** Characters in one request: at some 4 a token well below OpenAI's 300,000 tokens. */
  readonly batchCharacters?: number;
  /** Characters kept of a text: models take 512 to 8,192 tokens, and servers refuse what is longer. */
  readonly textCharacters?: number;
  /** Milliseconds for one try. */
  readonly timeout?: number;
  /** Tries after the first. */
  readonly retries?: number;
  /** Milliseconds before the second try; doubled with each further one. */
  readonly backoff?: number;
}

const DEFAULTS = {
  batchTexts: 32,
  batchCharacters: 200_000,
  textCharacters: 8_000,
  timeout: 60_000,
  retries: 5,
  backoff: 500,
};

/** However long a server asks us to wait, try again after this many milliseconds: limits are mostly by the minute. */
const LONGEST_WAIT = 120_000;

/** What servers answer to a text that is too long or otherwise not to their liking: OpenAI 400, TEI 413 and 422. */
const TEXT_REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);

/** How much of a server's error text is worth repeating. */
const QUOTED_CHARACTERS = 300;

/**
 * Embeds by an OpenAI-compatible endpoint (OpenAI, Ollama, vLLM, TEI), one request at a time. Asks the endpoint only when its `dimensions`
 * have to be learned.
 * Source: https://platform.openai.com/docs/api-reference/embeddings/create
 * @throws EmbeddingError when an option is out of range, or the dimensions could not be learned.
 */
export async function openOpenAiEmbedder(options: OpenAiOptions): Promise<Embedder> {
  const settings = { ...DEFAULTS, fetch: globalThis.fetch as Fetch, ...options };
  const url = endpointOf(settings.baseUrl);
  for (const name of ['dimensions', 'batchTexts', 'batchCharacters', 'textCharacters', 'timeout'] as const) {
    if (settings[name] === undefined) continue;
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new EmbeddingError(`${name} is ${settings[name]}: give a whole number above 0.`);
    }
  }
  const closing = new AbortController();
  let expected = settings.dimensions;

  async function request(input: readonly string[]): Promise<Float32Array[]> {
    for (let attempt = 0; ; attempt++) {
      const outcome = await tryOnce(input);
      if ('vectors' in outcome) return outcome.vectors;
      if (!outcome.error.temporary || attempt >= settings.retries) throw outcome.error;
      const wait = outcome.retryAfter ?? settings.backoff * 2 ** attempt * (0.5 + Math.random() / 2);
      await sleep(Math.min(wait, LONGEST_WAIT), undefined, { signal: closing.signal }).catch(() => {
        throw closedError();
      });
    }
  }

  type Outcome = { vectors: Float32Array[] } | { error: EmbeddingError; retryAfter?: number };

  async function tryOnce(input: readonly string[]): Promise<Outcome> {
    let status: number;
    let headers: Headers;
    let body: string;
    try {
      const response = await settings.fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(settings.apiKey === undefined ? {} : { authorization: `Bearer ${settings.apiKey}` }),
        },
        body: JSON.stringify({
          model: settings.model,
          input,
          encoding_format: 'float',
          ...(settings.shorten ? { dimensions: settings.dimensions } : {}),
        }),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(settings.timeout)]),
      });
      ({ status, headers } = response);
      body = await response.text();
    } catch (cause) {
      if (closing.signal.aborted) throw closedError();
      const reason = cause instanceof Error ? cause.message : String(cause);
      return { error: new EmbeddingError(`${url} did not answer: ${reason}.`, { temporary: true, cause }) };
    }
    if (status === 429 || status >= 500) {
      const error = new EmbeddingError(`${url} answered ${status}: ${quoted(body)}`, { temporary: true });
      const retryAfter = waitAsked(headers);
      return retryAfter === undefined ? { error } : { error, retryAfter };
    }
    if (status !== 200) {
      const hint = status === 401 || status === 403 ? ' Check the API key.' : ' Check the address and the model.';
      const textRefused = TEXT_REFUSALS.has(status);
      return { error: new EmbeddingError(`${url} answered ${status}: ${quoted(body)}${hint}`, { textRefused }) };
    }
    return { vectors: readAnswer(body, input.length) };
  }

  function readAnswer(body: string, count: number): Float32Array[] {
    const answer = parsed(body);
    const data = isRecord(answer) ? answer['data'] : undefined;
    if (!Array.isArray(data) || data.length !== count) {
      throw new EmbeddingError(`${url} was asked for ${count} vectors and answered: ${quoted(body)}`);
    }
    const vectors: (Float32Array | undefined)[] = new Array(count).fill(undefined);
    for (const [place, item] of data.entries()) {
      const { index = place, embedding } = isRecord(item) ? item : {};
      if (typeof index !== 'number' || !(index in vectors) || vectors[index] !== undefined || !isNumbers(embedding)) {
        throw new EmbeddingError(`${url} answered a vector that cannot be read: ${quoted(JSON.stringify(item))}`);
      }
      expected ??= embedding.length;
      if (embedding.length !== expected) {
        throw new EmbeddingError(
          `${settings.model} answered ${embedding.length} dimensions where ${expected} were expected. Set other dimensions, or none so that ` +
            'the model decides; if its server changed the model, start again.',
        );
      }
      vectors[index] = normalise(Float32Array.from(embedding));
    }
    settings.onUsage?.(usageOf(isRecord(answer) ? answer['usage'] : undefined, count));
    return vectors.map((vector) => vector!);
  }

  function usageOf(usage: unknown, texts: number): EmbeddingUsage {
    const counted = isRecord(usage) ? usage['total_tokens'] : undefined;
    const tokens = typeof counted === 'number' ? counted : undefined;
    const price = settings.pricePerMillionTokens;
    const cost = tokens === undefined || price === undefined ? undefined : ((tokens * price) / 1e6).toFixed(8);
    return { model: settings.model, texts, tokens, cost };
  }

  const dimensions = expected ?? (await request(['probe']))[0]!.length;
  return {
    id: `openai:${new URL(url).host}/${settings.model}/${dimensions}${prefixMark(settings.prefixes)}`,
    dimensions,
    async embed(texts, purpose) {
      if (closing.signal.aborted) throw closedError();
      const prefix = settings.prefixes?.[purpose] ?? '';
      const prepared = texts.map((text) => prefix + text.toWellFormed().slice(0, settings.textCharacters));
      // Servers refuse an empty input, so a text that says nothing is not sent at all.
      const said = [...prepared.keys()].filter((i) => texts[i]!.trim() !== '');
      const vectors = texts.map(() => new Float32Array(dimensions));
      for (const batch of batches(said, (i) => prepared[i]!.length, settings)) {
        const answered = await request(batch.map((i) => prepared[i]!));
        for (const [k, i] of batch.entries()) vectors[i] = answered[k]! as Float32Array<ArrayBuffer>;
      }
      return vectors;
    },
    async close() {
      closing.abort();
    },
  };
}

function endpointOf(baseUrl: string): string {
  if (!URL.canParse(baseUrl)) {
    throw new EmbeddingError(`baseUrl is "${baseUrl}": give an address such as https://api.openai.com/v1.`);
  }
  return `${baseUrl.replace(/\/+$/, '')}/embeddings`;
}

function closedError(): EmbeddingError {
  return new EmbeddingError('The embedder is closed: open a new one.');
}

/** Prefixes change the vectors, so they are part of the id. */
function prefixMark(prefixes: OpenAiOptions['prefixes']): string {
  return prefixes === undefined ? '' : `/${prefixes.query}|${prefixes.document}`;
}

/** Cuts a list in order into batches of at most so many items and characters; an item too large is a batch of its own. */
function batches(
  items: readonly number[],
  sizeOf: (item: number) => number,
  { batchTexts, batchCharacters }: { batchTexts: number; batchCharacters: number },
): number[][] {
  const all: number[][] = [];
  let characters = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = all.at(-1);
    if (last === undefined || last.length >= batchTexts || characters + size > batchCharacters) {
      all.push([item]);
      characters = size;
    } else {
      last.push(item);
      characters += size;
    }
  }
  return all;
}

/** Milliseconds a server asks us to wait: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3). */
function waitAsked(headers: Headers): number | undefined {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return milliseconds;
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const wait = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isFinite(item));
}

function quoted(text: string): string {
  return text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text;
}
