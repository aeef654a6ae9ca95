import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { Payload } from '../domain/payload.ts';

/** A value's form on the wire: both ways of one table, so that what is written can be read. */
export interface Codec<T> {
  /** JSON text. */
  write(value: T): string;
  /** @param at where it stands, e.g. `node_runs[0].status` @throws RecordMistake */
  read(given: unknown, at: string): T;
}

/** What is wrong in a record, and where. */
export class RecordMistake extends Error {
  override readonly name = 'RecordMistake';

  constructor(at: string, wanted: string, given: unknown) {
    const shown = given === undefined ? 'is missing' : `is ${(JSON.stringify(given) ?? 'nothing').slice(0, SHOWN)}`;
    super(`"${at}" ${shown}, but must be ${wanted}.`);
  }
}

/** Characters of a wrong value that a message repeats. */
const SHOWN = 80;

const plain = <T>(wanted: string, isOne: (given: unknown) => boolean): Codec<T> => ({
  write: (value) => JSON.stringify(value),
  read(given, at) {
    if (!isOne(given)) throw new RecordMistake(at, wanted, given);
    return given as T;
  },
});

export const text: Codec<string> = plain('a text', (given) => typeof given === 'string');
export const integer: Codec<number> = plain('a whole number', (given) => Number.isSafeInteger(given));
export const number: Codec<number> = plain('a number', (given) => typeof given === 'number');
export const flag: Codec<boolean> = plain('true or false', (given) => typeof given === 'boolean');
/** Any JSON object, as it is. */
export const json: Codec<JsonObject> = plain('an object', isJsonObject);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const uuid: Codec<string> = plain(
  'a UUID in lower case',
  (given) => typeof given === 'string' && UUID.test(given),
);

/** So many hexadecimal digits in lower case. */
export const hex = (digits: number): Codec<string> =>
  plain(
    `${digits} hexadecimal digits in lower case`,
    (given) => typeof given === 'string' && given.length === digits && /^[0-9a-f]+$/.test(given),
  );

/** A decimal number as a text, so that money stays exact. */
export const money: Codec<string> = plain(
  'a decimal number as a text',
  (given) => typeof given === 'string' && /^-?\d{1,30}(\.\d{1,30})?$/.test(given),
);

/** Epoch milliseconds, on the wire ISO 8601 in UTC. */
export const time: Codec<number> = {
  write: (value) => `"${new Date(value).toISOString()}"`,
  read(given, at) {
    const isTime = typeof given === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(given);
    const read = isTime ? Date.parse(given) : Number.NaN;
    if (Number.isNaN(read)) throw new RecordMistake(at, 'a time like 2026-01-31T12:00:00.000Z', given);
    return read;
  },
};

/** A payload: a JSON object, spliced in as the text that it is. */
export const payload: Codec<Payload> = {
  write: (value) => value,
  read: (given, at) => JSON.stringify(json.read(given, at)),
};

export function oneOf<const T extends string>(words: readonly T[]): Codec<T> {
  return plain(`one of ${words.join(', ')}`, (given) => words.includes(given as T));
}

/** Null where there is none. What is left out is none, too. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    write: (value) => (value === null ? 'null' : codec.write(value)),
    read: (given, at) => (given === null || given === undefined ? null : codec.read(given, at)),
  };
}

/** Left out where there is none. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (value) => (value === undefined ? '' : codec.write(value)),
    read: (given, at) => (given === null || given === undefined ? undefined : codec.read(given, at)),
  };
}

/** What is left out has a value that follows. */
export function orElse<T>(codec: Codec<T>, value: T): Codec<T> {
  return { ...codec, read: (given, at) => (given === undefined ? value : codec.read(given, at)) };
}

export function list<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    write: (values) => `[${values.map((value) => codec.write(value)).join(',')}]`,
    read(given, at) {
      if (given === undefined) return [];
      if (!Array.isArray(given)) throw new RecordMistake(at, 'a list', given);
      return given.map((item: unknown, index) => codec.read(item, `${at}[${index}]`));
    },
  };
}

/** Values by any name. */
export function record<T>(codec: Codec<T>): Codec<Readonly<Record<string, T>>> {
  return {
    write: (value) =>
      `{${Object.entries(value)
        .map(([name, each]) => `${JSON.stringify(name)}:${codec.write(each)}`)
        .join(',')}}`,
    read: (given, at) =>
      Object.fromEntries(
        Object.entries(json.read(given, at)).map(([name, value]) => [name, codec.read(value, `${at}.${name}`)]),
      ),
  };
}

type Fields<T> = { readonly [K in keyof T]-?: Codec<T[K]> };

/** An object with these properties; on the wire their names are in snake case, and others are passed over. */
export function object<T extends object>(fields: Fields<T>): Codec<T> {
  const all = (Object.entries(fields) as [string, Codec<unknown>][]).map(
    ([name, codec]) => [name, wireName(name), codec] as const,
  );
  return {
    write(value) {
      const texts: string[] = [];
      for (const [name, wire, codec] of all) {
        const written = codec.write((value as Record<string, unknown>)[name]);
        if (written !== '') texts.push(`"${wire}":${written}`);
      }
      return `{${texts.join(',')}}`;
    },
    read(given, at) {
      if (!isJsonObject(given)) throw new RecordMistake(at || 'the record', 'an object', given);
      const read: Record<string, unknown> = {};
      for (const [name, wire, codec] of all) {
        const value = codec.read(given[wire], at === '' ? wire : `${at}.${wire}`);
        if (value !== undefined) read[name] = value;
      }
      return read as T;
    },
  };
}

const wireName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** JSON that keeps its text: `JSON.rawJSON` of ECMAScript's JSON.parse source text access, which TypeScript does not know yet. */
declare global {
  interface JSON {
    rawJSON(text: string): { readonly rawJSON: string };
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/**
 * Reads JSON in which numbers keep their text: `1.50` is written as `1.50` again, and a number of 20 digits keeps them all.
 * @throws SyntaxError
 */
export function parseExactly(text: string): JsonValue {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? JSON.rawJSON(source) : value,
  ) as JsonValue;
}
