import protobuf from 'protobufjs/light.js';

/**
 * The messages of an export of traces, as far as they are read here (opentelemetry-proto 1.7: collector/trace/v1/trace_service.proto and what it imports).
 * Fields that are not listed are passed over, as protobuf has it. This file is loaded with the first request: the package takes some 2 MB.
 */
const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ id, type, rule: 'repeated' as const });

const root = protobuf.Root.fromJSON({
  nested: {
    AnyValue: {
      oneofs: {
        value: {
          oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
        },
      },
      fields: {
        stringValue: field(1, 'string'),
        boolValue: field(2, 'bool'),
        intValue: field(3, 'int64'),
        doubleValue: field(4, 'double'),
        arrayValue: field(5, 'ArrayValue'),
        kvlistValue: field(6, 'KeyValueList'),
        bytesValue: field(7, 'bytes'),
      },
    },
    ArrayValue: { fields: { values: list(1, 'AnyValue') } },
    KeyValueList: { fields: { values: list(1, 'KeyValue') } },
    KeyValue: { fields: { key: field(1, 'string'), value: field(2, 'AnyValue') } },
    Resource: { fields: { attributes: list(1, 'KeyValue') } },
    Event: {
      fields: { timeUnixNano: field(1, 'fixed64'), name: field(2, 'string'), attributes: list(3, 'KeyValue') },
    },
    Status: { fields: { message: field(2, 'string'), code: field(3, 'int32') } },
    Span: {
      fields: {
        traceId: field(1, 'bytes'),
        spanId: field(2, 'bytes'),
        parentSpanId: field(4, 'bytes'),
        name: field(5, 'string'),
        startTimeUnixNano: field(7, 'fixed64'),
        endTimeUnixNano: field(8, 'fixed64'),
        attributes: list(9, 'KeyValue'),
        events: list(11, 'Event'),
        status: field(15, 'Status'),
      },
    },
    ScopeSpans: { fields: { spans: list(2, 'Span') } },
    ResourceSpans: { fields: { resource: field(1, 'Resource'), scopeSpans: list(2, 'ScopeSpans') } },
    ExportRequest: { fields: { resourceSpans: list(1, 'ResourceSpans') } },
    PartialSuccess: { fields: { rejectedSpans: field(1, 'int64'), errorMessage: field(2, 'string') } },
    ExportResponse: { fields: { partialSuccess: field(1, 'PartialSuccess') } },
    // google.rpc.Status, which refusals are told in.
    RpcStatus: { fields: { code: field(1, 'int32'), message: field(2, 'string') } },
  },
}).resolveAll();

/**
 * An export of traces in the form that JSON has it in.
 * @param limit messages that it may hold: spans, events, attributes, and the values in them
 * @returns null for one that holds more
 * @throws Error when the bytes are no such message
 */
export function decodeExport(bytes: Uint8Array, limit: number): unknown {
  const type = root.lookupType('ExportRequest');
  if (holdsMore(type, bytes, limit)) return null;
  return type.toObject(type.decode(bytes), { longs: String, bytes: String });
}

/** Whether there are more than so many messages in a message. Counting makes none of them. @throws Error */
function holdsMore(outer: protobuf.Type, bytes: Uint8Array, limit: number): boolean {
  const reader = protobuf.Reader.create(bytes);
  // The messages that the reader is in, and where each ends.
  const inside = [{ type: outer, end: reader.len }];
  let count = 0;
  for (let top = inside.at(-1); top !== undefined; top = inside.at(-1)) {
    if (reader.pos >= top.end) {
      inside.pop();
      continue;
    }
    const tag = reader.uint32();
    const { resolvedType = null } = top.type.fieldsById[tag >>> 3] ?? {};
    if ((tag & 7) === 2 && resolvedType instanceof protobuf.Type) {
      const length = reader.uint32();
      inside.push({ type: resolvedType, end: reader.pos + length });
      count += 1;
      if (count > limit) return true;
    } else reader.skipType(tag & 7);
  }
  return false;
}

/** The bytes of an answer. */
export function encodeAnswer(type: 'ExportResponse' | 'RpcStatus', message: Record<string, unknown>): Buffer {
  const found = root.lookupType(type);
  return Buffer.from(found.encode(found.fromObject(message)).finish());
}
