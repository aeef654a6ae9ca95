import { expect, it } from 'vitest';
import type { ContentStream } from './live-content.ts';
import { redactedContent } from './redacted-content.ts';
import { Redactor } from './redactor.ts';

const KEY = 'sk-live-0123456789';

/** What comes of pieces written one after the other; a piece after `anew:` voids what came before. */
function written(pieces: readonly string[], redactor: () => Redactor | null): string {
  let told = '';
  const content: ContentStream = {
    write: (text, isAnew) => {
      told = isAnew ? text : told + text;
    },
    end: () => undefined,
  };
  const stream = redactedContent(content, redactor);
  for (const piece of pieces) stream.write(piece.replace('anew:', ''), piece.startsWith('anew:'));
  stream.end();
  return told;
}

const own = Redactor.of([{ name: 'shop', value: KEY }]);

it('text that comes in pieces is told without secrets, wherever they are cut', () => {
  for (let cut = 1; cut < KEY.length; cut += 1) {
    expect(written([`a ${KEY.slice(0, cut)}`, `${KEY.slice(cut)} b`], () => own)).toBe('a [secret shop] b');
  }
});

it('text is told as it is where there is nothing to look for, and what was held back comes at the end', () => {
  expect(written(['a', 'b'], () => null)).toBe('ab');
  expect(written(['a sk-live'], () => own)).toBe('a sk-live');
});

it('text that begins anew leaves nothing of what was held back before', () => {
  expect(written(['old sk-live', 'anew:new'], () => own)).toBe('new');
});

it('text is held against a credential from the moment it is read', () => {
  let now: Redactor | null = null;
  const told: string[] = [];
  const content: ContentStream = { write: (text) => told.push(text), end: () => undefined };
  const stream = redactedContent(content, () => now);
  stream.write('a ', false);
  now = own;
  stream.write(`${KEY} b`, false);
  stream.end();
  expect(told.join('')).toBe('a [secret shop] b');
});
