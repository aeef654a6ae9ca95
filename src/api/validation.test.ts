import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import type { PlatformError } from '../domain/error.ts';
import { validatorCompiler } from './validation.ts';

const nullable = (schema: Parameters<typeof Type.Optional>[0]) => Type.Optional(Type.Union([schema, Type.Null()]));

const check = validatorCompiler({
  schema: Type.Object({
    limit: nullable(Type.Integer({ minimum: 1, maximum: 500 })),
    word: nullable(Type.Enum(['a', 'b'], { type: 'string' })),
    text: nullable(Type.String()),
    flag: Type.Optional(Type.Boolean({ default: false })),
    size: Type.Optional(Type.Integer({ default: 50 })),
  }),
  httpPart: 'querystring',
});

const value = (query: object) => (check(query as Record<string, unknown>) as { value: unknown }).value;
const problems = (query: object) =>
  (check(query as Record<string, unknown>) as { error?: PlatformError }).error?.problems.map(({ at }) => at);

describe('the parameters of a query', () => {
  it('become what the schema wants of them, with its defaults', () => {
    expect(value({ limit: '20', word: 'a', text: 'x', flag: 'True', size: '5' })).toEqual({
      limit: 20,
      word: 'a',
      text: 'x',
      flag: true,
      size: 5,
    });
    expect(value({})).toEqual({ flag: false, size: 50 });
  });

  it('that clients write as nothing are null, or their default', () => {
    const nothing = { limit: null, word: null, text: null, flag: false, size: 50 };
    expect(value({ limit: '', word: '', text: '', flag: '', size: '' })).toEqual(nothing);
    expect(value({ limit: 'null', word: 'None', flag: 'undefined', size: 'null' })).toEqual({
      ...nothing,
      text: undefined,
    });
    expect(value({ text: 'null' })).toMatchObject({ text: 'null' });
  });

  it('that are wrong are told each with its place', () => {
    const wrong = { limit: '501', word: 'c', flag: 'maybe', size: 'big' };
    expect(problems(wrong)?.toSorted()).toEqual(
      Object.keys(wrong)
        .map((name) => ['query', name])
        .toSorted(),
    );
  });
});
