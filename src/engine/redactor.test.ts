import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAST_SECRET_LENGTH, Redactor } from './redactor.ts';

const KEY = 'sk-live-4f9Q+x/2"b\\7Zü&=Kp';
const redactor = Redactor.of([
  { name: 'shop', value: KEY },
  { name: 'mail', value: 'correct horse battery' },
])!;
const secrets = fc.string({ minLength: LEAST_SECRET_LENGTH, maxLength: 60, unit: 'grapheme' });

describe('what is said without secrets', () => {
  it.each([
    ['as it is', `Bearer ${KEY}.`, 'Bearer [secret shop].'],
    ['twice', `${KEY} ${KEY}`, '[secret shop] [secret shop]'],
    ['in JSON', JSON.stringify({ key: KEY }), '{"key":"[secret shop]"}'],
    ['in an address', `?key=${encodeURIComponent(KEY)}&a=1`, '?key=[secret shop]&a=1'],
    [
      'in small hexadecimal digits',
      encodeURIComponent(KEY).replaceAll(/%../g, (code) => code.toLowerCase()),
      '[secret shop]',
    ],
    ['in a form', `p=correct+horse+battery`, 'p=[secret mail]'],
  ])('has its label where a secret stood %s', (_, text, clean) => {
    expect(redactor.text(text)).toBe(clean);
  });

  it('has the label for the first half of a long secret, which a message that was cut may end in', () => {
    const long = 'sk-0123456789abcdefghijklmnopqrstuvwxyz0';
    const text = Redactor.of([{ name: 'x', value: long }])!.text(`It said: ${long.slice(0, 30)}`);
    expect(text).toBe(`It said: [secret x]${long.slice(20, 30)}`);
  });

  it('never has a secret in it that was there as text, in JSON, in an address or in base64, wherever it stood', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 30 });
    fc.assert(
      fc.property(secrets, texts, texts, (value, before, after) => {
        const own = Redactor.of([{ name: 'x', value }])!;
        const said = before + value + after;
        expect(own.text(said)).not.toContain(value);
        expect(own.text(JSON.stringify(said))).not.toContain(JSON.stringify(value).slice(1, -1));
        expect(own.text(encodeURIComponent(said))).not.toContain(encodeURIComponent(value));
        for (const encoding of ['base64', 'base64url'] as const) {
          const clean = own.text(Buffer.from(said, 'utf8').toString(encoding));
          expect(Buffer.from(clean, encoding).toString('utf8')).not.toContain(value);
          expect(clean).toContain('[secret x]');
        }
      }),
    );
  });

  it('is the same in pieces as in one', () => {
    const others = fc.constantFrom('abcdefgh', 'ghabcdefgh12', 'secretAB', 'ABCDEFGH', 'x'.repeat(40));
    const parts = fc.array(fc.oneof(others, fc.string({ maxLength: 6 }), fc.constant('abcdef')), { maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(others, { minLength: 1 }), parts, fc.array(fc.nat(9)), (values, text, cuts) => {
        const own = Redactor.of(values.map((value) => ({ name: value.slice(0, 2), value })))!;
        const whole = text.join('');
        const stream = own.stream();
        let told = '';
        let at = 0;
        for (const cut of cuts) {
          told += stream.push(whole.slice(at, at + cut));
          at += cut;
        }
        told += stream.push(whole.slice(at)) + stream.end();
        expect(told).toBe(own.text(whole));
      }),
    );
  });

  it('tells what cannot be a secret at once, and nothing of one before it is whole', () => {
    const stream = redactor.stream();
    expect(stream.push('Hello, ')).toBe('Hello, ');
    expect(stream.push(`the key is ${KEY.slice(0, 9)}`)).toBe('the key is ');
    expect(stream.push(KEY.slice(9))).toBe('[secret shop]');
    expect(stream.push(' sk-li')).toBe(' ');
    expect(stream.end()).toBe('sk-li');
  });

  it('keeps values that have none as they are, and their names and numbers', () => {
    const value = { a: [1, true, null, 'text', { b: 'sk-live' }] };
    expect(redactor.value(value)).toBe(value);
    const dirty = { list: ['clean', { [KEY]: `x${KEY}` }], n: 1 };
    expect(redactor.value(dirty)).toEqual({ list: ['clean', { '[secret shop]': 'x[secret shop]' }], n: 1 });
    expect(redactor.value(dirty).list).not.toBe(dirty.list);
  });

  it('comes out of outcomes, their warnings and failures, and not out of the names that the engine reads', () => {
    const own = Redactor.of([{ name: 'x', value: 'succeeded' }])!;
    const warnings = [{ identifier: 'general', detail: 'succeeded', params: { was: 'succeeded' } }] as const;
    expect(own.outcome({ kind: 'succeeded', outputs: { succeeded: 'It succeeded.' }, warnings })).toEqual({
      kind: 'succeeded',
      outputs: { succeeded: 'It [secret x].' },
      warnings: [{ identifier: 'general', detail: '[secret x]', params: { was: '[secret x]' } }],
    });
    const failure = { code: 'provider', message: 'not succeeded' } as const;
    expect(own.outcome({ kind: 'failed', failure, retryable: true })).toEqual({
      kind: 'failed',
      failure: { code: 'provider', message: 'not [secret x]' },
      retryable: true,
    });
    expect(own.outcome({ kind: 'later', dueAt: 1, outputs: { a: 'succeeded' } })).toEqual({
      kind: 'later',
      dueAt: 1,
      outputs: { a: '[secret x]' },
    });
    const ask = { title: 'succeeded?', description: '', form: [], assignee: null, dueAt: 5, fallback: null };
    expect(own.outcome({ kind: 'person', ask })).toEqual({ kind: 'person', ask: { ...ask, title: '[secret x]?' } });
  });

  it('is looked for in the bytes of files, texts or not', () => {
    const clean = Buffer.from('nothing');
    expect(redactor.bytes(clean)).toBe(clean);
    expect(Buffer.from(redactor.bytes(Buffer.from(`ü ${KEY}`))).toString()).toBe('ü [secret shop]');
    const own = Redactor.of([{ name: 'x', value: 'abcdefgh' }])!;
    const binary = Buffer.concat([Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('abcdefgh'), Buffer.from([0xff])]);
    expect([...own.bytes(binary)]).toEqual([0xff, 0xfe, 0x80, ...Buffer.from('[secret x]'), 0xff]);
  });

  it('is not looked for when it is so short that it would be found everywhere', () => {
    expect(Redactor.of([])).toBeNull();
    expect(Redactor.of([{ name: 'x', value: '1234567' }])).toBeNull();
  });
});
