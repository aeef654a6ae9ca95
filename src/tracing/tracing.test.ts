import { describe, expect, it } from 'vitest';
import type { Span } from './span.ts';
import { countAtOnce } from './tracing.ts';

const span = (content: string): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: null, name: 'x', kind: 'internal' },
  ...{ startedAt: 0, finishedAt: 1, attributes: { 'millrun.input': content }, events: [], error: null },
});

describe('a request with spans', () => {
  it('has 512 of them, and no more than a megabyte of contents unless one span alone has more', () => {
    const spans = (count: number, length: number) => Array.from({ length: count }, () => span('x'.repeat(length)));
    expect(countAtOnce(spans(600, 10))).toBe(512);
    expect(countAtOnce(spans(3, 10))).toBe(3);
    expect(countAtOnce(spans(512, 50_000))).toBe(20);
    expect(countAtOnce(spans(3, 2_000_000))).toBe(1);
  });
});
