import {
  CREDENTIAL_FIELDS,
  CREDENTIAL_KINDS,
  type CredentialField,
  type CredentialKind,
  isProviderKind,
} from '../domain/credential.ts';
import { invalid, type Problem } from '../domain/error.ts';
import { nearest } from '../domain/nearest.ts';

/** Characters of a field's value: a private key of 8192 bits has some 6,400. */
const MAX_VALUE = 16_384;

/** Fields of a generic credential, and the characters of a field's name. */
const MAX_FIELDS = 50;
const FIELD_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Characters of a secret from which on the last of them are shown, and how many: what is left is still far too much to guess. */
const SHOWN_FROM = 16;
const SHOWN = 4;

/** Headers that say how a message is carried; they are the HTTP client's to set (RFC 9110 7.6.1, RFC 9112). */
const CARRYING_HEADERS: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

const GENERIC: CredentialField = { isSecret: true, isRequired: false, about: '' };

/** Fields whose value is taken as it is: a blank at an end may belong to it. */
const EXACT: ReadonlySet<string> = new Set(['password', 'username']);

/** What a value of a field must be like, where it is no plain text that a header can carry. */
const FORMS: Readonly<Record<string, { readonly pattern: RegExp; readonly allowed: string }>> = {
  resource_name: {
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i,
    allowed: 'letters, digits and hyphens, such as my-resource',
  },
  api_version: { pattern: /^[A-Za-z0-9.-]{1,40}$/, allowed: 'a version such as v1 or 2025-04-01-preview' },
  region: { pattern: /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/, allowed: 'an AWS region, such as us-east-1' },
  header: { pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, allowed: 'the name of a header, such as X-Api-Key' },
  username: { pattern: /^[^:]{0,1000}$/, allowed: 'a name without a colon (RFC 7617)' },
};

/**
 * What is wrong with the properties of a request: a name that means nothing might have been meant to bound where a secret goes.
 * @param known names that mean something
 */
function unknownProperties(given: object, known: readonly string[]): Problem[] {
  return Object.keys(given).flatMap((name) => {
    if (known.includes(name)) return [];
    const guess = nearest(name, known);
    const advice = guess === undefined ? `There are ${known.join(', ')}.` : `Did you mean "${guess}"?`;
    const message = `There is no property ${JSON.stringify(name.slice(0, 80))} here. ${advice}`;
    return [{ at: ['body', name.slice(0, 80)], message, type: 'unknown_property' }];
  });
}

/**
 * What a request says of a credential, with its fields as texts; null stands for one that is to be removed.
 * @param known names of the properties that the request may have
 * @throws PlatformError `invalid`; the message repeats no value, since it may be a secret that stands in the wrong place
 */
export function readFields(
  request: { readonly fields?: Readonly<Record<string, unknown>> },
  known: readonly string[],
  options: { readonly mayBeNull: boolean },
): Record<string, string | null> {
  const fields = Object.entries(request.fields ?? {});
  const problems = fields.flatMap(([name, value]): Problem[] => {
    if (typeof value === 'string' || (value === null && options.mayBeNull)) return [];
    const allowed = options.mayBeNull ? 'a text, or null to remove it' : 'a text';
    return [{ at: ['body', 'fields', name.slice(0, 80)], message: `A field takes ${allowed}.`, type: 'type' }];
  });
  problems.push(...unknownProperties(request, known));
  if (problems.length > 0) throw invalid(problems);
  return Object.fromEntries(fields) as Record<string, string | null>;
}

/** The kind of that name. */
export function readKind(given: string): CredentialKind | Problem {
  const kind = CREDENTIAL_KINDS.find((known) => known === given);
  if (kind !== undefined) return kind;
  const guess = nearest(given, CREDENTIAL_KINDS);
  const advice = guess === undefined ? `There are ${CREDENTIAL_KINDS.join(', ')}.` : `Did you mean "${guess}"?`;
  const message = `There is no kind of credential ${JSON.stringify(given.slice(0, 80))}. ${advice}`;
  return { at: ['body', 'kind'], message, type: 'unknown_kind' };
}

/** A field of a kind; undefined when it has none of that name. */
export function fieldOf(kind: CredentialKind, name: string): CredentialField | undefined {
  const fields = CREDENTIAL_FIELDS[kind];
  if (fields === null) return GENERIC;
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** A value as it is kept: keys are often copied with a line break behind them. */
export function trimmed(kind: CredentialKind, name: string, value: string): string {
  if (kind === 'generic' || EXACT.has(name)) return value;
  const text = value.trim();
  return name === 'base_url' ? text.replace(/\/+$/, '') : text;
}

/**
 * What is wrong with the fields of a credential. Messages never repeat a secret.
 * @param values those that were given, as they would be kept
 * @param refusal why an address may not be called, or null
 */
export function fieldProblems(
  kind: CredentialKind,
  values: Readonly<Record<string, string>>,
  refusal: (url: string) => string | null,
): Problem[] {
  const names = Object.keys(values);
  if (kind === 'generic' && names.length > MAX_FIELDS)
    return [
      {
        at: ['body', 'fields'],
        message: `There are ${names.length} fields; ${MAX_FIELDS} are allowed.`,
        type: 'length',
      },
    ];
  return names.flatMap((name) => {
    const problem = valueProblem(kind, name, values[name] ?? '', refusal);
    return problem === null ? [] : [{ at: ['body', 'fields', name.slice(0, 80)], ...problem }];
  });
}

/** What a credential lacks. */
export function missingFields(kind: CredentialKind, present: ReadonlySet<string>): Problem[] {
  const lacking = (name: string, message: string): Problem => ({
    at: ['body', 'fields', name],
    message,
    type: 'missing',
  });
  if (kind === 'generic') {
    return present.size > 0
      ? []
      : [lacking('*', 'A generic credential has at least one field. Give it under a name of your own.')];
  }
  const problems = Object.entries(CREDENTIAL_FIELDS[kind] ?? {}).flatMap(([name, { isRequired, about }]) =>
    isRequired && !present.has(name)
      ? [lacking(name, `A credential of the kind ${kind} needs "${name}". ${about}`)]
      : [],
  );
  if (kind === 'azure' && !present.has('resource_name') && !present.has('base_url')) {
    problems.push(
      lacking('resource_name', 'Give "resource_name" or "base_url": without one nobody knows where it is.'),
    );
  }
  if (kind === 'bedrock' && !present.has('api_key')) {
    for (const name of ['access_key_id', 'secret_access_key']) {
      if (!present.has(name))
        problems.push(lacking(name, `Give "api_key", or "access_key_id" with "secret_access_key".`));
    }
  }
  return problems;
}

function valueProblem(
  kind: CredentialKind,
  name: string,
  value: string,
  refusal: (url: string) => string | null,
): Omit<Problem, 'at'> | null {
  const wrong = (message: string, type = 'wrong_value') => ({ message, type });
  if (fieldOf(kind, name) === undefined) {
    const known = Object.keys(CREDENTIAL_FIELDS[kind] ?? {});
    const guess = nearest(name, known);
    const advice = guess === undefined ? `It has ${known.join(', ')}.` : `Did you mean "${guess}"?`;
    return wrong(
      `A credential of the kind ${kind} has no field ${JSON.stringify(name.slice(0, 80))}. ${advice}`,
      'unknown_field',
    );
  }
  if (!FIELD_NAME.test(name))
    return wrong('Names of fields have 1 to 64 letters, digits, dots, hyphens and underscores.');
  if (value === '') return wrong(`"${name}" is empty. Give it a value, or leave it out.`, 'missing');
  if (value.length > MAX_VALUE)
    return wrong(`"${name}" has ${value.length} characters; ${MAX_VALUE} are allowed.`, 'length');
  if (name === 'base_url') return addressProblem(value, refusal);
  const form = kind === 'generic' ? undefined : FORMS[name];
  if (form !== undefined && !form.pattern.test(value)) {
    return wrong(`"${name}" takes ${form.allowed}; given was ${JSON.stringify(value.slice(0, 80))}.`);
  }
  if (name === 'header' && CARRYING_HEADERS.has(value.toLowerCase())) {
    return wrong(`The header "${value}" is set by the HTTP client itself. Name another.`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (kind !== 'generic' && !EXACT.has(name) && /[\u0000-\u001f\u007f]|[^\u0000-\u00ff]/.test(value)) {
    return wrong(`"${name}" has line breaks or characters that a header cannot carry. Copy it again.`);
  }
  return null;
}

function addressProblem(url: string, refusal: (url: string) => string | null): Omit<Problem, 'at'> | null {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '') {
    return {
      message: '"base_url" takes an http or https address without a query, such as https://example.com/v1.',
      type: 'wrong_value',
    };
  }
  const refused = refusal(url);
  return refused === null ? null : { message: `"base_url" cannot be called: ${refused}`, type: 'address_refused' };
}

/** The last characters of a secret, for people to tell secrets apart; null where it is too short. */
export function endingOf(secret: string): string | null {
  const text = secret.trim();
  return text.length < SHOWN_FROM ? null : text.slice(-SHOWN);
}

/** Hosts as they are kept, each once, with a problem for each that is none. Providers have an address instead. */
export function readHosts(
  kind: CredentialKind,
  given: readonly string[],
): { readonly hosts: readonly string[]; readonly problems: readonly Problem[] } {
  if (isProviderKind(kind) && given.length > 0) {
    const message = `A credential of the kind ${kind} is sent to its base_url only. Leave "hosts" out.`;
    return { hosts: [], problems: [{ at: ['body', 'hosts'], message, type: 'exclusive' }] };
  }
  const hosts = given.map((host) => host.trim().toLowerCase());
  const problems = hosts.flatMap((host, index): Problem[] => {
    if (/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$|^[a-z0-9_.-]+:\d{1,5}$|^\[[0-9a-f:]+\](:\d{1,5})?$/.test(host)) return [];
    const message = `${JSON.stringify(host.slice(0, 80))} is no host. Give names such as api.example.com, api.example.com:8443 or *.example.com, without https://.`;
    return [{ at: ['body', 'hosts', index], message, type: 'wrong_value' }];
  });
  return { hosts: [...new Set(hosts)], problems };
}
