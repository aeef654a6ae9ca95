import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ContentPiece, LiveContent } from './live-content.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watched(content: LiveContent, runId = 'r1') {
  const pieces: ContentPiece[] = [];
  const unwatch = content.watch(runId, (piece) => pieces.push(piece));
  const told = () => pieces.splice(0).map(({ text, offset }) => `${offset} ${text}`);
  return { pieces, told, unwatch };
}

describe('live content', () => {
  it('comes at once at first, and then gathered', () => {
    const content = new LiveContent();
    const { told } = watched(content);
    const stream = content.open('r1', 'n1', 0);
    stream.write('Hel', true);
    expect(told()).toEqual(['0 Hel']);
    for (const letter of 'lo, Ada.') stream.write(letter, false);
    expect(told()).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(told()).toEqual(['3 lo, Ada.']);
    stream.write('!', false);
    stream.end();
    expect(told()).toEqual(['11 !']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('begins anew where another answer takes its place', () => {
    const content = new LiveContent();
    const { told } = watched(content);
    const stream = content.open('r1', 'n1', 2);
    stream.write('He', true);
    stream.write('l', false);
    stream.write('Hi.', true);
    stream.end();
    expect(told()).toEqual(['0 He', '2 l', '0 Hi.']);
  });

  it('is only counted when nobody watches: who comes later sees where it stands', () => {
    const content = new LiveContent();
    const other = watched(content, 'r2');
    const stream = content.open('r1', 'n1', 0);
    stream.write('Hello', true);
    expect(vi.getTimerCount()).toBe(0);
    const late = watched(content);
    stream.write(', Ada.', false);
    stream.end();
    expect(late.told()).toEqual(['5 , Ada.']);
    expect(other.pieces).toEqual([]);
  });

  it('goes to all who watch, until they leave', () => {
    const content = new LiveContent();
    const [one, two] = [watched(content), watched(content)];
    const stream = content.open('r1', 'n1', 3);
    stream.write('a', true);
    one.unwatch();
    stream.write('b', false);
    stream.end();
    expect(one.told()).toEqual(['0 a']);
    expect(two.pieces).toEqual([
      { nodeId: 'n1', iteration: 3, text: 'a', offset: 0 },
      { nodeId: 'n1', iteration: 3, text: 'b', offset: 1 },
    ]);
    two.unwatch();
    stream.write('c', false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('reaches who watches in another process, in pieces that a notification can hold, and nobody else', () => {
    const told: string[] = [];
    const listeners = new Map<object, (text: string) => void>();
    const join = () => {
      const self = {};
      return new LiveContent({
        tell(text) {
          expect(Buffer.byteLength(text)).toBeLessThan(7500);
          told.push(text);
          for (const [other, listener] of listeners) if (other !== self) listener(text);
        },
        onTold(listener) {
          listeners.set(self, listener);
          return () => listeners.delete(self);
        },
      });
    };
    const [working, watching] = [join(), join()];
    const stream = working.open('r1', 'n1', 0);
    stream.write('unheard', true);
    stream.end();
    expect(told).toEqual([]);
    const { pieces, unwatch } = watched(watching);
    stream.write('Hello', true);
    stream.write('\u0001'.repeat(3000), false);
    stream.end();
    expect(pieces.map(({ text }) => text).join('')).toBe(`Hello${'\u0001'.repeat(3000)}`);
    expect(pieces.map(({ offset }) => offset)).toEqual([0, 5, 1205, 2405]);
    unwatch();
    vi.advanceTimersByTime(60_000);
    const before = told.length;
    stream.write('nobody is there', true);
    stream.end();
    expect(told).toHaveLength(before);
    for (const content of [working, watching]) content.stop();
    expect(listeners.size).toBe(0);
  });
});
