import { isUtf8 } from 'node:buffer';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { Warning } from '../domain/warning.ts';
import type { NodeStep, Outcome } from '../nodes/node-type.ts';

/** Characters below which a secret is not looked for: shorter texts are words that would be found everywhere. */
export const LEAST_SECRET_LENGTH = 8;

/** A secret, and what stands in its place. */
export interface NamedSecret {
  /** Of the credential that it belongs to. */
  readonly name: string;
  readonly value: string;
}

/**
 * Takes secrets out of what is said: the secret itself, as it stands in JSON and in addresses, in base64 (also in the middle of something longer),
 * and its first half, which a message that was cut short may end in. Where one is found, `[secret <name>]` stands in its place.
 *
 * One expression of all forms costs 1 to 2 ms for a megabyte of text, whether there is one secret or 200; a text without any comes back as it is.
 */
export class Redactor {
  readonly #pattern: RegExp;
  readonly #label: ReadonlyMap<string, string>;
  readonly #forms: readonly string[];

  private constructor(label: ReadonlyMap<string, string>) {
    this.#label = label;
    // The longest first: an expression takes the first of its forms that fits.
    this.#forms = [...label.keys()].toSorted((a, b) => b.length - a.length);
    this.#pattern = new RegExp(this.#forms.map(escaped).join('|'), 'g');
  }

  /** Null when there is nothing to look for. */
  static of(secrets: readonly NamedSecret[]): Redactor | null {
    const label = new Map<string, string>();
    for (const { name, value } of secrets) {
      for (const form of formsOf(value)) if (!label.has(form)) label.set(form, `[secret ${name}]`);
    }
    return label.size === 0 ? null : new Redactor(label);
  }

  text(text: string): string {
    return text.replace(this.#pattern, (form) => this.#label.get(form) ?? '[secret]');
  }

  /** A value without secrets, names of properties included; the same one when there were none. */
  value<T extends JsonValue>(value: T): T {
    return this.#cleaned(value) as T;
  }

  /** The values of an object whose own names stay: those of inputs and outputs, which somebody reads. */
  values(object: Readonly<Record<string, JsonValue>>): JsonObject {
    return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, this.value(value)]));
  }

  /** How a pass ended, without secrets in what it says. The names of its outputs are its type's, and stay. */
  outcome(outcome: Outcome): Outcome {
    if (outcome.kind === 'person') {
      const { title, description, form, assignee, fallback } = outcome.ask;
      const said = this.value({ title, description, form: form as unknown as JsonValue, assignee, fallback });
      const ask = { ...outcome.ask, ...(said as unknown as Partial<typeof outcome.ask>) };
      return { ...outcome, ask, ...this.#warningsOf(outcome) };
    }
    if (outcome.kind === 'failed')
      return { ...outcome, failure: this.#failure(outcome.failure), ...this.#warningsOf(outcome) };
    const outputs = this.values(outcome.outputs);
    return outcome.kind === 'later' ? { ...outcome, outputs } : { ...outcome, outputs, ...this.#warningsOf(outcome) };
  }

  step(step: NodeStep): NodeStep {
    const { inputs, outputs, failure } = step;
    return {
      ...step,
      inputs: inputs && this.value(inputs),
      outputs: outputs && this.value(outputs),
      failure: failure && this.#failure(failure),
    };
  }

  /** The bytes of a file; the same when there were no secrets in them. */
  bytes(bytes: Uint8Array): Uint8Array {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const encoding = isUtf8(buffer) ? 'utf8' : 'latin1';
    const text = buffer.toString(encoding);
    const clean = this.text(text);
    return clean === text ? bytes : Buffer.from(clean, encoding);
  }

  /** For a text that comes in pieces, of which a secret may be in two. */
  stream(): RedactedStream {
    return new RedactedStream(this, this.#forms, this.#pattern);
  }

  #failure(failure: Failure): Failure {
    return { ...failure, message: this.text(failure.message) };
  }

  #warningsOf({ warnings }: { readonly warnings?: readonly Warning[] }): { warnings?: readonly Warning[] } {
    if (warnings === undefined) return {};
    const cleaned = warnings.map((warning) => ({
      ...warning,
      detail: this.text(warning.detail),
      ...(warning.params === undefined ? {} : { params: this.value(warning.params) }),
    }));
    return { warnings: cleaned };
  }

  #cleaned(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#cleaned(item));
      return items.every((item, index) => item === value[index]) ? value : items;
    }
    let changed = false;
    const entries = Object.entries(value).map(([name, item]) => {
      const clean = [this.text(name), this.#cleaned(item)] as const;
      changed ||= clean[0] !== name || clean[1] !== item;
      return clean;
    });
    return changed ? Object.fromEntries(entries) : value;
  }
}

/** The pieces of one text, with what may be the beginning of a secret held back until the next shows whether it is. */
export class RedactedStream {
  readonly #redactor: Redactor;
  readonly #forms: readonly string[];
  readonly #pattern: RegExp;
  #held = '';

  constructor(redactor: Redactor, forms: readonly string[], pattern: RegExp) {
    this.#redactor = redactor;
    this.#forms = forms;
    this.#pattern = pattern;
  }

  /** @returns what of the text so far can be told */
  push(piece: string): string {
    const text = this.#held + piece;
    let from = this.#openFrom(text);
    // A form that is whole and reaches into the open end stays with it: cut in two, neither part would be found.
    for (const { 0: form, index } of text.matchAll(this.#pattern)) {
      if (index < from && index + form.length > from) from = index;
    }
    this.#held = text.slice(from);
    return this.#redactor.text(text.slice(0, from));
  }

  /** @returns what is left at the end */
  end(): string {
    const rest = this.#redactor.text(this.#held);
    this.#held = '';
    return rest;
  }

  /** Where the first form begins that the end of the text leaves open; the text's length when there is none. */
  #openFrom(text: string): number {
    const longest = this.#forms[0]?.length ?? 0;
    for (let from = Math.max(0, text.length - longest + 1); from < text.length; from += 1) {
      const end = text.slice(from);
      if (this.#forms.some((form) => form.length > end.length && form.startsWith(end))) return from;
    }
    return text.length;
  }
}

/** Every way in which a secret is looked for; none for one that is too short. */
function formsOf(secret: string): Set<string> {
  if (secret.length < LEAST_SECRET_LENGTH) return new Set();
  const inAddress = encodeURIComponent(secret);
  const inForm = new URLSearchParams([['', secret]]).toString().slice(1);
  const half = Math.ceil(secret.length / 2);
  return new Set([
    secret,
    JSON.stringify(secret).slice(1, -1),
    ...[inAddress, inForm].flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]),
    ...[0, 1, 2].flatMap((offset) => inBase64(Buffer.from(secret, 'utf8'), offset)),
    ...(half >= 2 * LEAST_SECRET_LENGTH ? [secret.slice(0, half)] : []),
  ]);
}

/**
 * What is the same in any base64 (RFC 4648) of bytes that have the secret at a place of this offset: three bytes are four characters, and those at
 * either end of the secret also depend on its neighbours. In both alphabets.
 */
function inBase64(secret: Buffer, offset: number): string[] {
  const text = Buffer.concat([Buffer.alloc(offset), secret])
    .toString('base64')
    .replace(/=+$/, '');
  const bits = (offset + secret.length) * 8;
  const own = text.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
