import { FunctionExpressionType, JSONPathEnvironment, JSONPathError, type JSONPathQuery } from 'json-p3';
import type { JsonValue } from '../domain/json.ts';
import { MAX_JSON_DEPTH } from './json-text.ts';
import { compilePattern, MAX_SUBJECT_LENGTH } from './pattern.ts';

const MAX_PATH_LENGTH = 1_000;

/** Values one query may give. */
export const MAX_MATCHES = 100_000;

/** Estimated visits of one query (about a second of work): a query runs inside a decision and must not hold up other runs. */
const MAX_VISITS = 5_000_000;

/** Regular expressions kept compiled; a filter uses the same one for every item. */
const MAX_KEPT_PATTERNS = 50;

/** A JSONPath query (RFC 9535) that is ready to be applied. */
export interface JsonPath {
  /** The values found, at most `limit`, or why it was not done. */
  find(document: JsonValue, limit?: number): { readonly values: JsonValue[] } | { readonly problem: string };
}

/** Compiles a JSONPath query of RFC 9535. @returns the query, or what is wrong with it. */
export function compileJsonPath(path: string): { readonly path: JsonPath } | { readonly problem: string } {
  if (path.length > MAX_PATH_LENGTH) {
    return { problem: `The path has ${path.length} characters; at most ${MAX_PATH_LENGTH} are allowed.` };
  }
  try {
    const query = environment.compile(path);
    return { path: { find: (document, limit = MAX_MATCHES) => find(query, path, document, limit) } };
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    const message = error.message.replace(/\.$/, '');
    return { problem: `${path} is not a JSONPath: ${message}. A path starts with $, e.g. $.items[0].name (RFC 9535).` };
  }
}

function find(
  query: JSONPathQuery,
  path: string,
  document: JsonValue,
  limit: number,
): { readonly values: JsonValue[] } | { readonly problem: string } {
  if (estimatedVisits(path, document) > MAX_VISITS) {
    return {
      problem: `The path ${path} would take too long on a document of this size. Use fewer ".." and no "$" in filters.`,
    };
  }
  const values: JsonValue[] = [];
  try {
    for (const node of query.lazyQuery(document)) {
      values.push(node.value as JsonValue);
      if (values.length >= limit) break;
    }
  } catch (error) {
    // A RangeError is the library's stack or argument limit on a huge list; a JSONPathError its depth limit.
    if (!(error instanceof JSONPathError || error instanceof RangeError)) throw error;
    return { problem: `The path ${path} cannot be applied to a document of this size or depth: ${error.message}.` };
  }
  return { values };
}

/**
 * An upper guess of the values a query looks at. One walk costs the size of the document; each `..` after the first multiplies it
 * by the depth (a value is reached once for each value above it); a `$` inside a filter walks the document again for every item.
 */
function estimatedVisits(path: string, document: JsonValue): number {
  const code = path.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, '""');
  const walks = code.split('$').length - 1;
  const descents = code.split('..').length - 1;
  const { size, depth } = measure(document);
  return size ** walks * depth ** Math.max(descents - 1, 0);
}

function measure(document: JsonValue): { size: number; depth: number } {
  let size = 0;
  let depth = 0;
  let level: JsonValue[] = [document];
  while (level.length > 0) {
    size += level.length;
    depth++;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return { size, depth };
}

/** The library evaluates `match()` and `search()` with backtracking regular expressions; these run in linear time. */
function patternFunction(wholeText: boolean) {
  const kept = new Map<string, ((text: string) => boolean) | null>();
  const compiled = (pattern: string): ((text: string) => boolean) | null => {
    const found = kept.get(pattern);
    if (found !== undefined) return found;
    const result = compilePattern(pattern, { caseSensitive: true });
    const test =
      'problem' in result
        ? null
        : (text: string): boolean => (wholeText ? result.pattern.testExact(text) : result.pattern.test(text));
    if (kept.size >= MAX_KEPT_PATTERNS) kept.clear();
    kept.set(pattern, test);
    return test;
  };
  return {
    argTypes: [FunctionExpressionType.ValueType, FunctionExpressionType.ValueType],
    returnType: FunctionExpressionType.LogicalType,
    // RFC 9535 2.4.6: a pattern that is not valid, or an argument that is no text, gives false.
    call(text: unknown, pattern: unknown): boolean {
      if (typeof text !== 'string' || typeof pattern !== 'string' || text.length > MAX_SUBJECT_LENGTH) return false;
      return compiled(pattern)?.(text) ?? false;
    },
  };
}

const environment = new JSONPathEnvironment({ maxRecursionDepth: MAX_JSON_DEPTH + 2 });
environment.functionRegister.set('match', patternFunction(true));
environment.functionRegister.set('search', patternFunction(false));
