import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** What of opentelemetry-proto 1.x the tests read and write (opentelemetry/proto/collector/trace/v1/trace_service.proto and what it imports). */
const PROTO = `
  syntax = "proto3";
  message AnyValue { oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
  message Resource { repeated KeyValue attributes = 1; }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Status { string message = 2; int32 code = 3; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; repeated Event events = 11;
    Status status = 15; fixed32 flags = 16; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Request { repeated ResourceSpans resource_spans = 1; }
  message PartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  message Response { PartialSuccess partial_success = 1; }
`;

const root = protobuf.parse(PROTO).root;

/** The messages of a request and its answer, for tests that send what this server receives. */
export const otlpRequest = root.lookupType('Request');
export const otlpResponse = root.lookupType('Response');

/** A span as it came in. Times are epoch milliseconds. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code: number; readonly message: string };
}

export interface OtlpReceiver {
  /** The address for traces. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly headers: readonly Readonly<Record<string, unknown>>[];
  /** Answers the next requests with these statuses. */
  refuse(...statuses: number[]): void;
  /** Waits until there are so many different spans; the test's own timeout bounds the wait. */
  received(count: number): Promise<readonly ReceivedSpan[]>;
  stop(): Promise<void>;
}

/** A receiver of OpenTelemetry traces by OTLP over HTTP: protobuf and JSON, plain and gzipped. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const headers: Readonly<Record<string, unknown>>[] = [];
  const refusals: number[] = [];
  const server = createServer(async (request, response) => {
    const sent = await buffer(request);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isJson = request.headers['content-type'] === 'application/json';
    headers.push(request.headers);
    const refusal = refusals.shift();
    if (refusal !== undefined) {
      response.writeHead(refusal).end();
      return;
    }
    spans.push(...(isJson ? spansOfJson(JSON.parse(body.toString())) : spansOfBytes(body)));
    const type = isJson ? 'application/json' : 'application/x-protobuf';
    response.writeHead(200, { 'content-type': type }).end(isJson ? '{}' : Buffer.alloc(0));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    headers,
    refuse: (...statuses) => refusals.push(...statuses),
    async received(count) {
      while (new Set(spans.map(({ spanId }) => spanId)).size < count) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return spans;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: messages of a schema that the compiler does not know.
type Message = any;

const hex = (given: Uint8Array | string | undefined): string =>
  typeof given === 'string' ? given : Buffer.from(given ?? []).toString('hex');

function spansOfBytes(bytes: Uint8Array): ReceivedSpan[] {
  const message: Message = otlpRequest.toObject(otlpRequest.decode(bytes), { longs: String, defaults: false });
  return spansOfJson(message);
}

/** In JSON, ids are hexadecimal and longs are texts (OTLP 1.x, "JSON Protobuf Encoding"). */
function spansOfJson(message: Message): ReceivedSpan[] {
  const all: ReceivedSpan[] = [];
  for (const { resource, scopeSpans } of message.resourceSpans ?? []) {
    for (const { spans } of scopeSpans ?? []) {
      for (const span of spans ?? []) {
        const parent = hex(span.parentSpanId);
        all.push({
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentSpanId: parent === '' ? null : parent,
          name: span.name,
          kind: span.kind,
          startedAt: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
          finishedAt: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
          attributes: attributesOf(span.attributes),
          resource: attributesOf(resource?.attributes),
          events: (span.events ?? []).map((event: Message) => ({
            name: event.name,
            attributes: attributesOf(event.attributes),
          })),
          status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
        });
      }
    }
  }
  return all;
}

function attributesOf(list: Message): Record<string, unknown> {
  return Object.fromEntries((list ?? []).map(({ key, value }: Message) => [key, plain(value)]));
}

function plain(value: Message): unknown {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = value ?? {};
  if (intValue !== undefined) return Number(intValue);
  return stringValue ?? boolValue ?? doubleValue ?? arrayValue?.values.map(plain);
}
