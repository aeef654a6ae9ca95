import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSealing, SealBroken } from './sealing.ts';

const PLACE = ['workspace', 'credential', 'api_key'];
const ADVICE = 'Set the key.';
const key = () => randomBytes(32);
const withKey = (current: Buffer | null, ...former: Buffer[]) => createSealing({ current, former }, ADVICE);
/** A sealed text with one bit of its body changed. */
const flipped = (sealed: string, byte: number): string => {
  const [form, id, body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  bytes[byte]! ^= 1;
  return `${form}.${id}.${bytes.toString('base64url')}`;
};

describe('a sealed text', () => {
  it.each(['', 'sk-1234', 'Zürich ✓ 😀', 'x'.repeat(20_000)])('opens as it was: %#', (text) => {
    const sealing = withKey(key());
    const sealed = sealing.seal(text, PLACE);
    expect(sealing.open(sealed, PLACE)).toBe(text);
    expect(sealed).toMatch(/^s1\.[0-9a-f]{12}\.[\w-]+$/);
    if (text.length > 3) expect(sealed).not.toContain(text);
  });

  it('is another one each time, of the same text too', () => {
    const sealing = withKey(key());
    const all = Array.from({ length: 1000 }, () => sealing.seal('same', PLACE));
    const nonces = all.map((sealed) => Buffer.from(sealed.split('.')[2]!, 'base64url').toString('hex', 0, 12));
    expect(new Set(nonces).size).toBe(1000);
  });

  it('does not open when any byte of it was changed: nonce, tag or text', () => {
    const sealing = withKey(key());
    const sealed = sealing.seal('secret', PLACE);
    for (let byte = 0; byte < 12 + 16 + 6; byte += 1) {
      expect(() => sealing.open(flipped(sealed, byte), PLACE)).toThrow(SealBroken);
    }
  });

  it.each([
    ['of another workspace', ['other', 'credential', 'api_key']],
    ['of another credential', ['workspace', 'other', 'api_key']],
    ['of another field', ['workspace', 'credential', 'other']],
    ['whose parts are cut elsewhere', ['workspacecredential', '', 'api_key']],
    ['with a part less', ['workspace', 'credential']],
  ])('does not open in a place %s', (_, place) => {
    const sealing = withKey(key());
    expect(() => sealing.open(sealing.seal('secret', PLACE), place)).toThrow('moved from where it was kept');
  });

  it.each(['', 's1', 's1.abc', 's2.000000000000.AAAA', 's1.000000000000.AAAA', 's1.a.b.c'])(
    'that is none does not open: "%s"',
    (text) => expect(() => withKey(key()).open(text, PLACE)).toThrow(SealBroken),
  );

  it('does not open with another key, and the refusal names the one that it takes, not what it is', () => {
    const first = key();
    const sealed = withKey(first).seal('secret', PLACE);
    const id = sealed.split('.')[1]!;
    expect(() => withKey(key()).open(sealed, PLACE)).toThrow(`encryption key ${id}, which this server lacks`);
    expect(() => withKey(null).open(sealed, PLACE)).toThrow('it has none. Set the key.');
    expect(first.toString('hex')).not.toContain(id);
  });

  it('opens with a key that was current before, and is then known to be sealed anew', () => {
    const [first, second] = [key(), key()];
    const sealed = withKey(first).seal('secret', PLACE);
    const rotated = withKey(second, first);
    expect(rotated.open(sealed, PLACE)).toBe('secret');
    expect([withKey(first).isCurrent(sealed), rotated.isCurrent(sealed)]).toEqual([true, false]);
    const anew = rotated.seal('secret', PLACE);
    expect([rotated.isCurrent(anew), withKey(second).open(anew, PLACE)]).toEqual([true, 'secret']);
  });

  it('is not made without a key, while those that are there open', () => {
    const first = key();
    const sealed = withKey(first).seal('secret', PLACE);
    const sealing = withKey(null, first);
    expect(sealing.open(sealed, PLACE)).toBe('secret');
    expect(() => sealing.seal('secret', PLACE)).toThrow(
      'There is no encryption key to keep secrets with. Set the key.',
    );
  });

  it('whose key id was changed for that of another key does not open', () => {
    const [first, second] = [key(), key()];
    const sealing = withKey(first, second);
    const [, id] = withKey(second).seal('x', PLACE).split('.');
    const [form, , body] = sealing.seal('secret', PLACE).split('.');
    expect(() => sealing.open(`${form}.${id}.${body}`, PLACE)).toThrow(SealBroken);
  });
});
