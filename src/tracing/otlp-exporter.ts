import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Span } from './span.ts';

/** Where spans go, as the operator configured it. */
export interface OtlpTarget {
  /** The address that takes traces, e.g. `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Of this program. */
  readonly version: string;
}

/** Milliseconds for one request with the tries that the library makes of it. */
const TIMEOUT_MS = 10_000;

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

/**
 * Sends spans by OTLP over HTTP, as protobuf. This file is loaded when the first span is to be sent: with it come some 3 MB of packages.
 */
export class OtlpExporter {
  readonly #exporter: OTLPTraceExporter;
  readonly #resource: ReadableSpan['resource'];
  readonly #scope: ReadableSpan['instrumentationScope'];

  constructor({ url, headers, serviceName, version }: OtlpTarget) {
    this.#exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: TIMEOUT_MS });
    this.#resource = resourceOf({ 'service.name': serviceName, 'service.version': version });
    this.#scope = { name: 'millrun', version };
  }

  /** @throws Error when the receiver did not take them; `code` is its HTTP status where there was one */
  async send(spans: readonly Span[]): Promise<void> {
    const readable = spans.map((span) => this.#readable(span));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#exporter.export(readable, ({ code, error }) => {
      if (code === 0) resolve();
      else reject(error ?? new Error('The receiver of traces did not take them.'));
    });
    await promise;
  }

  async close(): Promise<void> {
    await this.#exporter.shutdown();
  }

  #readable(span: Span): ReadableSpan {
    const { traceId, spanId, parentSpanId, startedAt, finishedAt } = span;
    const context = (id: string) => ({ traceId, spanId: id, traceFlags: 1 });
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context(spanId),
      ...(parentSpanId === null ? {} : { parentSpanContext: context(parentSpanId) }),
      startTime: hrTime(startedAt),
      endTime: hrTime(finishedAt),
      duration: hrTime(finishedAt - startedAt),
      status:
        span.error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
      attributes: { ...span.attributes },
      links: [],
      events: span.events.map(({ name, at, attributes }) => ({
        name,
        time: hrTime(at),
        attributes: { ...attributes },
      })),
      ended: true,
      resource: this.#resource,
      instrumentationScope: this.#scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }
}

/** Seconds and nanoseconds of a time in milliseconds. */
function hrTime(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1_000_000)];
}

/** The library's own maker of resources is in a package that is not a dependency of this one. */
function resourceOf(attributes: Readonly<Record<string, string>>): ReadableSpan['resource'] {
  const resource: ReadableSpan['resource'] = {
    attributes: { ...attributes },
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}
