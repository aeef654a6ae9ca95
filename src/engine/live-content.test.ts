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
});
