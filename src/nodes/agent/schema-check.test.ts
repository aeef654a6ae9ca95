import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { mismatch, schemaProblem } from './schema-check.ts';

const deep = (levels: number): JsonValue => (levels === 0 ? {} : { items: deep(levels - 1) });

describe('a value against a JSON schema', () => {
  it.each<[JsonObject, JsonValue, string | null]>([
    [{ type: 'integer' }, 2, null],
    [{ type: 'integer' }, 2.5, 'The whole must be of type integer, not number.'],
    [{ type: ['string', 'null'] }, null, null],
    [{ type: 'string', nullable: true }, null, null],
    [{ type: 'array', items: { type: 'string' } }, ['a', 1], '"[1]" must be of type string, not number.'],
    [{ enum: ['a', { b: 1 }] }, { b: 1 }, null],
    [{ enum: ['a', 'b'] }, 'c', 'The whole must be one of "a", "b".'],
    [{ const: 1 }, 2, 'The whole must be one of 1.'],
    [{ minimum: 1, exclusiveMaximum: 3 }, 3, 'The whole must be less than 3.'],
    [{ minLength: 2 }, 'a', 'The whole must have a length of at least 2.'],
    [{ maxItems: 1 }, [1, 2], 'The whole must have a length of at most 1.'],
    [
      { properties: { a: { properties: { b: { type: 'null' } } } } },
      { a: { b: 1 } },
      '"a.b" must be of type null, not number.',
    ],
    [{ required: ['__proto__'] }, {}, '"__proto__" is missing.'],
    [{ properties: { a: {} }, additionalProperties: false }, { b: 1 }, '"b" is unknown. There are a.'],
    [{ additionalProperties: { type: 'number' } }, { b: '1' }, '"b" must be of type number, not string.'],
    [{ patternProperties: { '^x': {} }, additionalProperties: false }, { xa: 1 }, null],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 1, null],
    [
      { anyOf: [{ type: 'string' }, false] },
      1,
      'The whole fits none of what is allowed: The whole must be of type string',
    ],
    [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, 'The whole fits 2 of the shapes'],
    [{ allOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1 }, '"b" is missing.'],
    [{ $ref: '#', pattern: '^(a+)+$' }, `${'a'.repeat(50)}!`, null],
  ])('%j and %j: %s', (schema, value, problem) => {
    if (problem === null) expect(mismatch(schema, value)).toBeNull();
    else expect(mismatch(schema, value)).toContain(problem);
  });

  it('is looked at only when the schema is one of an object, of a size that can be looked at', () => {
    expect(schemaProblem({ type: 'object' })).toBeNull();
    expect(schemaProblem('text')).toContain('is an object');
    expect(schemaProblem({ type: 'object', properties: { a: 1 } })).toContain('"properties"');
    expect(schemaProblem({ type: 'object', properties: { a: deep(40) } })).toContain('deeper than 30');
    expect(schemaProblem({ type: 'object', description: 'x'.repeat(40_000) })).toContain('at most 32768');
  });
});
