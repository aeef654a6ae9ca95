import { invalid, type Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import {
  HMAC_ALGORITHMS,
  HMAC_ENCODINGS,
  MISSED_POLICIES,
  TRIGGER_TYPES,
  type TriggerDefinition,
  WEBHOOK_METHODS,
  WEBHOOK_VERIFICATIONS,
} from '../domain/trigger.ts';
import { compileJsonPath } from '../nodes/json-path.ts';
import type { HttpClient } from '../system/http-client.ts';
import { scheduleProblem } from './schedule.ts';

/** An hour: more would gather everything at its end. */
const MAX_JITTER_SECONDS = 3600;

/** How often an address may be looked at: few feeds change by the minute, and their servers are others'. */
const MIN_POLL_SECONDS = 10;
const MAX_POLL_SECONDS = 7 * 86_400;

/** Bytes of a request's body, unless a trigger says otherwise, and at most: runs carry what came in their inputs. */
const DEFAULT_BODY_BYTES = 1024 * 1024;
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Requests a minute, unless a trigger says otherwise, and at most. */
const DEFAULT_RATE_LIMIT = 600;
const MAX_RATE_LIMIT = 100_000;

/** Longest wait of a caller for a run's output: most senders give up before. */
const MAX_WAIT_SECONDS = 300;

/** Characters of an address. */
const MAX_URL = 2083;

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/** What the checks of a definition look at besides it. */
export interface DefinitionSurroundings {
  readonly http: Pick<HttpClient, 'refusal'>;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * A definition as it is kept: what is left out has its default. What is not known is refused, since a typing error must not make another trigger.
 * @param given in the words of `domain/trigger.ts`
 * @throws PlatformError `invalid` with every mistake
 */
export function readTriggerDefinition(given: JsonObject, { http, now }: DefinitionSurroundings): TriggerDefinition {
  const fields = new Fields(given);
  const type = fields.word('type', TRIGGER_TYPES);
  let definition: TriggerDefinition;
  if (type === 'webhook') {
    const verify = fields.word('verify', WEBHOOK_VERIFICATIONS, 'path');
    definition = {
      type,
      verify,
      header: fields.header('header') ?? (verify === 'hmac' ? 'x-signature' : 'x-webhook-secret'),
      algorithm: fields.word('algorithm', HMAC_ALGORITHMS, 'sha256'),
      encoding: fields.word('encoding', HMAC_ENCODINGS, 'hex'),
      prefix: fields.text('prefix', '', 100),
      timestampHeader: fields.header('timestampHeader'),
      deliveryHeader: fields.header('deliveryHeader'),
      methods: fields.words('methods', WEBHOOK_METHODS, ['POST']),
      waitSeconds: fields.numberOrNull('waitSeconds', 1, MAX_WAIT_SECONDS),
      maxBytes: fields.number('maxBytes', 1, MAX_BODY_BYTES, DEFAULT_BODY_BYTES),
      rateLimit: fields.number('rateLimit', 1, MAX_RATE_LIMIT, DEFAULT_RATE_LIMIT),
    };
  } else if (type === 'poll') {
    definition = {
      type,
      url: fields.text('url', null, MAX_URL),
      source: fields.word('source', ['feed', 'json'], 'feed'),
      everySeconds: fields.number('everySeconds', MIN_POLL_SECONDS, MAX_POLL_SECONDS, 300),
      itemsPath: fields.text('itemsPath', '$[*]', 1000),
      idPath: fields.textOrNull('idPath', 1000),
      runPer: fields.word('runPer', ['item', 'poll'], 'item'),
      startWith: fields.word('startWith', ['new', 'all'], 'new'),
      credential: fields.textOrNull('credential', 255),
    };
    const refusal = http.refusal(definition.url);
    if (refusal !== null) fields.mistake('url', `The address cannot be looked at: ${refusal}`);
    for (const field of ['itemsPath', 'idPath'] as const) {
      const path = definition[field];
      const compiled = path === null ? null : compileJsonPath(path);
      if (compiled !== null && 'problem' in compiled) fields.mistake(field, compiled.problem);
    }
  } else {
    definition = {
      type: 'schedule',
      cron: fields.text('cron', null, 200),
      timezone: fields.text('timezone', 'UTC', 100),
      startAt: fields.numberOrNull('startAt', 0, Number.MAX_SAFE_INTEGER),
      endAt: fields.numberOrNull('endAt', 0, Number.MAX_SAFE_INTEGER),
      missed: fields.word('missed', MISSED_POLICIES, 'once'),
      jitterSeconds: fields.number('jitterSeconds', 0, MAX_JITTER_SECONDS, 0),
    };
    const problem = type === 'schedule' && fields.problems.length === 0 ? scheduleProblem(definition, now) : null;
    if (problem !== null) fields.mistake(problem.includes('imezone') ? 'timezone' : 'cron', problem);
  }
  const problems = [...fields.problems, ...(type === null ? [] : fields.unknown())];
  if (problems.length > 0) throw invalid(problems);
  return definition;
}

/** Reads the fields of a definition, and remembers what is wrong with them and which there are. */
class Fields {
  readonly problems: Problem[] = [];
  readonly #given: JsonObject;
  readonly #known = new Set<string>();

  constructor(given: JsonObject) {
    this.#given = given;
  }

  mistake(field: string, message: string, type = 'value_error'): void {
    this.problems.push({ at: ['body', 'definition', field], message, type });
  }

  unknown(): Problem[] {
    const known = [...this.#known];
    return Object.keys(this.#given)
      .filter((field) => !this.#known.has(field))
      .map((field) => ({
        at: ['body', 'definition', field],
        message: `A trigger of this type has no "${field}". It has: ${known.join(', ')}.`,
        type: 'extra_forbidden',
      }));
  }

  /** @returns null, with a mistake noted, when it has to be there and is not, or is another one */
  word<const T extends readonly string[]>(field: string, allowed: T, otherwise: T[number]): T[number];
  word<const T extends readonly string[]>(field: string, allowed: T): T[number] | null;
  word(field: string, allowed: readonly string[], otherwise: string | null = null): string | null {
    const value = this.#take(field) ?? otherwise;
    if (typeof value === 'string' && allowed.includes(value)) return value;
    this.mistake(field, `"${field}" is one of ${allowed.join(', ')}; given was ${shown(value)}.`);
    return otherwise;
  }

  words<const T extends readonly string[]>(field: string, allowed: T, otherwise: readonly T[number][]): T[number][] {
    const value = this.#take(field) ?? [...otherwise];
    const isGood = Array.isArray(value) && value.length > 0 && value.every((one) => allowed.includes(one as string));
    if (!isGood)
      this.mistake(field, `"${field}" is a list of some of ${allowed.join(', ')}; given was ${shown(value)}.`);
    return isGood ? allowed.filter((one) => (value as string[]).includes(one)) : [...otherwise];
  }

  /** @param otherwise null: it has to be there */
  text(field: string, otherwise: string | null, longest: number): string {
    const value = this.#take(field) ?? otherwise;
    if (typeof value === 'string' && value.length <= longest) return value;
    const message = value === null ? `Give "${field}".` : `"${field}" is a text of at most ${longest} characters.`;
    this.mistake(field, message, value === null ? 'missing' : 'value_error');
    return otherwise ?? '';
  }

  textOrNull(field: string, longest: number): string | null {
    const value = this.#take(field);
    return value === null || value === '' ? null : this.text(field, '', longest);
  }

  header(field: string): string | null {
    const name = this.textOrNull(field, 100);
    if (name === null || HEADER_NAME.test(name)) return name?.toLowerCase() ?? null;
    this.mistake(field, `"${field}" is the name of a header, such as X-Signature; given was ${shown(name)}.`);
    return null;
  }

  number(field: string, least: number, most: number, otherwise: number): number {
    const value = this.#take(field) ?? otherwise;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.mistake(field, `"${field}" is a whole number from ${least} to ${most}; given was ${shown(value)}.`);
    return otherwise;
  }

  numberOrNull(field: string, least: number, most: number): number | null {
    const value = this.#take(field);
    return value === null ? null : this.number(field, least, most, least);
  }

  #take(field: string): JsonValue {
    this.#known.add(field);
    return Object.hasOwn(this.#given, field) ? (this.#given[field] ?? null) : null;
  }
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** What is to be filled into a workflow's inputs, as it is kept. @throws PlatformError `invalid` */
export function readTriggerInputs(given: JsonValue | undefined): JsonObject | null {
  if (given === undefined || given === null) return null;
  if (isJsonObject(given)) {
    const problems = pathProblems(given, ['body', 'inputs']);
    if (problems.length > 0) throw invalid(problems);
    return given;
  }
  const message =
    '"inputs" is an object of values by the names of the workflow’s inputs, or null to fill them by name.';
  throw invalid([{ at: ['body', 'inputs'], message, type: 'type_error' }]);
}

function pathProblems(value: JsonValue, at: readonly (string | number)[]): Problem[] {
  if (typeof value === 'string') {
    const compiled = value.startsWith('$') ? compileJsonPath(value) : null;
    return compiled !== null && 'problem' in compiled ? [{ at, message: compiled.problem, type: 'json_path' }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => pathProblems(item, [...at, index]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => pathProblems(item, [...at, name]));
}
