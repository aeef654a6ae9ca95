import type { LogLevel } from '../../domain/run-log.ts';

/** What the code's console writes through; a function of the host, the only one that there is. */
export type WriteLine = (level: LogLevel, text: string) => void;

/** What the host gives to the harness besides {@link WriteLine}, as JSON. */
export interface HarnessOptions {
  /** Four whole numbers of 32 bits, not all zero. */
  readonly seed: readonly number[];
  readonly maxLines: number;
  readonly maxLineLength: number;
  readonly maxOutputLength: number;
  readonly maxErrorLength: number;
}

/** What the harness answers, as JSON text, unless there are outputs. */
export type HarnessAnswer =
  | { readonly kind: 'threw'; readonly name: string; readonly message: string; readonly stack: string }
  /** What was returned is no JSON object. */
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'too_large'; readonly length: number };

/** Begins an answer that holds outputs: the rest is their JSON, written once. Other answers begin with `{`. */
export const OUTPUTS_MARK = '=';

/**
 * Never called here: its text is evaluated inside the sandbox, before the code of a user. It may name nothing outside itself. It takes hold of
 * what it needs before that code can change it; all the same nothing outside relies on it, since whoever broke it would only send another text.
 */
export function harness(write: WriteLine, optionsText: string) {
  const { parse, stringify } = JSON;
  const { apply } = Reflect;
  const { isArray } = Array;
  const { isFinite: isFiniteNumber } = Number;
  const { getPrototypeOf } = Object;
  const { slice } = String.prototype;
  const toText = String;
  const ErrorType = Error;
  const { imul } = Math;
  const NO_JSON = [Map, Set, WeakMap, WeakSet, RegExp, Promise, ArrayBuffer, SharedArrayBuffer, DataView, Error];
  const TypedArray = getPrototypeOf(Uint8Array) as typeof Uint8Array;
  const options = parse(optionsText) as HarnessOptions;

  const cut = (text: string, length: number): string =>
    text.length > length ? `${apply(slice, text, [0, length])}…` : text;

  // xoshiro128** (Blackman, Vigna): QuickJS seeds its own from the clock, which two runs may read at the same millisecond.
  let [a, b, c, d] = options.seed as [number, number, number, number];
  const next = (): number => {
    const multiplied = imul(b, 5);
    const result = imul((multiplied << 7) | (multiplied >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  Math.random = () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;

  const shown = (value: unknown): string => {
    if (typeof value === 'string') return value;
    try {
      if (value instanceof ErrorType) return toText(value);
      if (typeof value === 'object' && value !== null) return stringify(value) ?? toText(value);
      return typeof value === 'bigint' ? `${value}n` : toText(value);
    } catch {
      return '[a value that cannot be shown]';
    }
  };
  let lines = 0;
  const say =
    (level: LogLevel) =>
    (...values: unknown[]): void => {
      lines += 1;
      if (lines > options.maxLines + 1) return;
      if (lines > options.maxLines) {
        write('warning', `The code wrote more than ${options.maxLines} lines; the rest was left out.`);
        return;
      }
      let line = '';
      for (let index = 0; index < values.length && line.length <= options.maxLineLength; index += 1) {
        line += (index === 0 ? '' : ' ') + cut(shown(values[index]), options.maxLineLength);
      }
      write(level, cut(line, options.maxLineLength));
    };
  const console = {
    log: say('info'),
    info: say('info'),
    warn: say('warning'),
    error: say('error'),
    debug: say('debug'),
  };
  Object.defineProperty(globalThis, 'console', { value: console, writable: true, configurable: true });

  const invalid = (message: string): string => stringify({ kind: 'invalid', message } satisfies HarnessAnswer);

  /** Why a value has no place in JSON, or null. `JSON.stringify` would leave it out, or write something else instead. */
  const strange = (value: unknown): string | null => {
    if (typeof value === 'number') return isFiniteNumber(value) ? null : toText(value);
    if (typeof value === 'undefined') return 'undefined (return null, or leave it out)';
    if (typeof value === 'bigint') return 'a BigInt (turn it into a number or text)';
    if (typeof value === 'function') return 'a function';
    if (typeof value === 'symbol') return 'a symbol';
    if (typeof value !== 'object' || value === null) return null;
    for (let index = 0; index < NO_JSON.length; index += 1) {
      const type = NO_JSON[index]!;
      if (value instanceof type) return `a ${type.name} (turn it into a list, an object or text)`;
    }
    return value instanceof TypedArray ? 'a typed array (turn it into a list)' : null;
  };

  const encode = (result: unknown): string => {
    if (typeof result !== 'object' || result === null || isArray(result)) {
      const given = isArray(result) ? 'a list' : result === null ? 'null' : `a value of type ${typeof result}`;
      return invalid(`main must return an object whose keys are the outputs; it returned ${given}.`);
    }
    let problem: string | null = strange(result);
    if (problem !== null) return invalid(`main must return a plain object; it returned ${problem}.`);
    let output = '';
    let text: string | undefined;
    const look = function (this: unknown, key: string, value: unknown): unknown {
      if (this === result) output = key;
      const found = strange(value);
      if (found === null) return value;
      const where = this === result ? '' : ` at "${cut(key, 100)}"`;
      problem = `Output "${cut(output, 100)}" is not JSON: it has ${found}${where}.`;
      throw problem;
    };
    try {
      text = stringify(result, look);
    } catch (error) {
      if (problem !== null) return invalid(problem);
      return invalid(`Output "${cut(output, 100)}" is not JSON: ${cut(shown(error), options.maxErrorLength)}.`);
    }
    if (text === undefined || text[0] !== '{') return invalid('main must return an object whose keys are the outputs.');
    if (text.length > options.maxOutputLength) return stringify({ kind: 'too_large', length: text.length });
    return `=${text}`;
  };

  /** Reads a property that may be a trap. */
  const read = (get: () => unknown): string => {
    try {
      const value = get();
      return typeof value === 'string' ? cut(value, options.maxErrorLength) : '';
    } catch {
      return '';
    }
  };
  const describe = (error: unknown): string => {
    const isError = typeof error === 'object' && error !== null && 'message' in error;
    const thrown = error as Error;
    return stringify(
      isError
        ? {
            kind: 'threw',
            name: read(() => thrown.name),
            message: read(() => thrown.message),
            stack: read(() => thrown.stack),
          }
        : { kind: 'threw', name: '', message: cut(shown(error), options.maxErrorLength), stack: '' },
    );
  };

  return {
    describe,
    call: async (main: (inputs: unknown) => unknown, inputs: string): Promise<string> => {
      try {
        return encode(await main(parse(inputs)));
      } catch (error) {
        return describe(error);
      }
    },
  };
}
