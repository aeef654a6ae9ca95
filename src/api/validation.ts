import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { invalid, type Problem } from '../domain/error.ts';

/** Characters of a wrong value that an answer repeats. */
const SHOWN_LENGTH = 80;

/** The names that the parts of a request have in error locations. */
const PARTS: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  query: 'query',
  params: 'path',
  headers: 'header',
};

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/**
 * Fastify's hook for checking requests, on TypeBox: the schema that the OpenAPI document shows is the one that is compiled.
 * Query and path texts become numbers and flags where the schema wants them; bodies are checked as they are. All mistakes are reported at once.
 */
export function validatorCompiler({ schema, httpPart }: { schema: unknown; httpPart?: string }) {
  // Compiled with the first request: of some two hundred schemas a server that starts, or idles, needs none, and they take 30 MB.
  let check: Validator | undefined;
  const part = PARTS[httpPart ?? 'body'] ?? 'body';
  const convert = part === 'body' ? undefined : textConverter(schema as ObjectSchema);
  return (given: unknown) => {
    const value = convert ? convert(given as Record<string, unknown>) : given;
    check ??= Compile(schema as TSchema);
    if (check.Check(value)) return { value };
    return { error: invalid(problemsOf(part, check.Errors(value) as unknown as SchemaError[], value)) };
  };
}

interface PropertySchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly anyOf?: readonly PropertySchema[];
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, PropertySchema>>;
}

/**
 * Turns texts into what the schema's properties want and fills in defaults. What does not fit stays text, for the check to report. Clients write
 * what they do not have as nothing or as a word for it: where a property may be null that is null, and where it has a default it is that.
 */
function textConverter(schema: ObjectSchema): (given: Record<string, unknown>) => Record<string, unknown> {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const forms = property.anyOf ?? [property];
    const form = forms.find(({ type }) => type !== 'null');
    const missing =
      property.default ?? (forms.length > 1 && forms.some(({ type }) => type === 'null') ? null : undefined);
    return { name, type: form?.type, missing, isFreeText: form?.type === 'string' && form.enum === undefined };
  });
  return (given) => {
    const value: Record<string, unknown> = { ...given };
    for (const { name, type, missing, isFreeText } of properties) {
      const text = value[name];
      if (text === undefined) {
        if (missing !== undefined && missing !== null) value[name] = missing;
      } else if (typeof text === 'string') {
        const isNothing = text === '' || (!isFreeText && /^(null|none|undefined)$/i.test(text));
        value[name] = isNothing && missing !== undefined ? missing : converted(text, type);
      }
    }
    return value;
  };
}

function converted(text: string, type: string | undefined): unknown {
  if (type === 'integer') return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
  if (type === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  // Python clients write True and False.
  if (type === 'boolean' && /^(true|1)$/i.test(text)) return true;
  if (type === 'boolean' && /^(false|0)$/i.test(text)) return false;
  return text;
}

function problemsOf(part: string, errors: readonly SchemaError[], value: unknown): Problem[] {
  // A nullable field that is wrong reports each alternative; "must be null" and "none of the alternatives" say nothing new beside the other.
  const telling = errors.filter(
    (error) => error.keyword !== 'anyOf' && !(error.keyword === 'type' && error.params['type'] === 'null'),
  );
  return (telling.length > 0 ? telling : errors).flatMap((error) => problemsOfError(part, error, value));
}

function problemsOfError(part: string, error: SchemaError, value: unknown): Problem[] {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (error.keyword === 'required') {
    const missing = (error.params['requiredProperties'] ?? []) as string[];
    return missing.map((name) => ({
      at: [part, ...located(path), name],
      message: `"${name}" is required and was not given.`,
      type: 'missing',
    }));
  }
  if (path.length === 0 && (value === undefined || value === null)) {
    return [{ at: [part], message: 'The request has no body. Send a JSON object.', type: 'missing' }];
  }
  const given = JSON.stringify(valueAt(value, path))?.slice(0, SHOWN_LENGTH) ?? 'nothing';
  return [{ at: [part, ...located(path)], message: `Given was ${given}, but it ${told(error)}.`, type: error.keyword }];
}

function told(error: SchemaError): string {
  const allowed = error.params['allowedValues'];
  if (!Array.isArray(allowed)) return error.message;
  return `must be one of ${allowed.map((choice) => JSON.stringify(choice)).join(', ')}`;
}

const located = (path: readonly string[]): (string | number)[] =>
  path.map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment));

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, segment) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[segment] : undefined),
    value,
  );
}
