import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { TakenSpan, TakenSpanEvent } from '../../domain/taken-span.ts';
import { aboutOf } from './conventions.ts';

/** Levels of lists and objects in an attribute; deeper ones are told as null. */
const MAX_DEPTH = 20;

/** Events of one span that are kept. */
const MAX_EVENTS = 256;

/** What came of reading an export: the spans that could be read, and how many could not. */
export interface ReadExport {
  readonly spans: readonly TakenSpan[];
  readonly rejected: number;
  /** Why the first of those could not be read. */
  readonly reason: string | null;
}

/**
 * Reads an export in the form of OTLP's JSON, into which protobuf is decoded. Ids are hexadecimal in JSON (OTLP 1.x, "JSON Protobuf Encoding") and
 * base64 where bytes were decoded.
 */
export function readExport(message: unknown, ids: 'hex' | 'base64'): ReadExport {
  const spans: TakenSpan[] = [];
  let rejected = 0;
  let reason: string | null = null;
  for (const ofResource of listOf(message, 'resourceSpans')) {
    const resource = attributesOf(objectOf(ofResource, 'resource'));
    const named = resource['service.name'];
    const service = typeof named === 'string' && named !== '' ? named : 'unknown_service';
    for (const span of listOf(ofResource, 'scopeSpans').flatMap((scope) => listOf(scope, 'spans'))) {
      const read = readSpan(span, service, ids);
      if (typeof read === 'string') {
        rejected += 1;
        reason ??= read;
      } else spans.push(read);
    }
  }
  return { spans, rejected, reason };
}

/** A span, or in a sentence why it is none. */
function readSpan(given: unknown, service: string, ids: 'hex' | 'base64'): TakenSpan | string {
  if (!isJsonObject(given)) return 'A span is not an object.';
  const traceId = idOf(given['traceId'], ids);
  const spanId = idOf(given['spanId'], ids);
  const parent = idOf(given['parentSpanId'], ids);
  const name = typeof given['name'] === 'string' && given['name'] !== '' ? given['name'] : 'span';
  if (!/^(?!0{32})[0-9a-f]{32}$/.test(traceId)) return `Span "${name}" has no trace id of 16 bytes.`;
  if (!/^(?!0{16})[0-9a-f]{16}$/.test(spanId)) return `Span "${name}" has no id of 8 bytes.`;
  const startedAt = timeOf(given['startTimeUnixNano']);
  const finishedAt = timeOf(given['endTimeUnixNano']);
  if (startedAt === null || finishedAt === null) return `Span "${name}" does not say when it began and ended.`;
  const status = objectOf(given, 'status');
  // JSON may name the code (proto3 JSON mapping), and 2 is its number.
  const isError = status['code'] === 2 || status['code'] === 'STATUS_CODE_ERROR';
  const said = typeof status['message'] === 'string' ? status['message'] : '';
  const events = listOf(given, 'events')
    .slice(0, MAX_EVENTS)
    .map((event) => readEvent(event, startedAt));
  const thrown = events.find((event) => event.isError)?.message;
  const { events: told, ...about } = aboutOf(attributesOf(given), events);
  return {
    traceId,
    spanId,
    parentSpanId: /^[0-9a-f]{16}$/.test(parent) && !/^0+$/.test(parent) ? parent : null,
    name,
    service,
    startedAt,
    finishedAt: Math.max(startedAt, finishedAt),
    error: isError ? (said === '' ? (thrown ?? 'It failed, and does not say why.') : said) : null,
    events: told,
    ...about,
  };
}

/** An event with the name it has; what it says in words is in an attribute, which depends on who wrote it. */
function readEvent(given: unknown, fallback: number): TakenSpanEvent & { readonly name: string } {
  const attributes = attributesOf(given);
  const name = isJsonObject(given) && typeof given['name'] === 'string' ? given['name'] : 'event';
  const isError = name === 'exception';
  const text = (key: string) => (typeof attributes[key] === 'string' ? attributes[key] : '');
  const thrown = [text('exception.type'), text('exception.message')].filter((part) => part !== '').join(': ');
  const message = isError && thrown !== '' ? thrown : text('log.message') || text('message') || name;
  const at = isJsonObject(given) ? (timeOf(given['timeUnixNano']) ?? fallback) : fallback;
  return { name, at, message, isError, attributes };
}

function listOf(given: unknown, key: string): readonly unknown[] {
  // The JSON of some exporters has the names of the protocol's files.
  const snake = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const found = isJsonObject(given) ? (given[key] ?? given[snake]) : undefined;
  return Array.isArray(found) ? found : [];
}

function objectOf(given: unknown, key: string): JsonObject {
  const found = isJsonObject(given) ? given[key] : undefined;
  return isJsonObject(found) ? found : {};
}

function idOf(given: unknown, ids: 'hex' | 'base64'): string {
  if (typeof given !== 'string') return '';
  return ids === 'hex' ? given.toLowerCase() : Buffer.from(given, 'base64').toString('hex');
}

/** Nanoseconds, as text or number, in milliseconds with a fraction of three digits. */
function timeOf(given: unknown): number | null {
  if ((typeof given !== 'string' && typeof given !== 'number') || !/^\d{1,20}$/.test(String(given))) return null;
  const micros = Number(BigInt(given) / 1_000n);
  return micros === 0 ? null : micros / 1_000;
}

function attributesOf(given: unknown): JsonObject {
  const pairs = listOf(given, 'attributes').flatMap((pair) =>
    isJsonObject(pair) && typeof pair['key'] === 'string' ? [[pair['key'], valueOfAny(pair['value'], 0)] as const] : [],
  );
  return Object.fromEntries(pairs);
}

function valueOfAny(given: JsonValue | undefined, depth: number): JsonValue {
  if (!isJsonObject(given) || depth > MAX_DEPTH) return null;
  const { stringValue, boolValue, intValue, doubleValue, bytesValue } = given;
  if (stringValue !== undefined) return stringValue;
  if (boolValue !== undefined) return boolValue;
  if (intValue !== undefined) return Number(intValue);
  if (doubleValue !== undefined) return typeof doubleValue === 'number' ? doubleValue : String(doubleValue);
  if (bytesValue !== undefined) return bytesValue;
  if (isJsonObject(given['arrayValue'])) {
    return listOf(given['arrayValue'], 'values').map((one) => valueOfAny(one as JsonValue, depth + 1));
  }
  if (isJsonObject(given['kvlistValue'])) {
    const pairs = listOf(given['kvlistValue'], 'values').filter(isJsonObject);
    return Object.fromEntries(pairs.map((pair) => [String(pair['key']), valueOfAny(pair['value'], depth + 1)]));
  }
  return null;
}
