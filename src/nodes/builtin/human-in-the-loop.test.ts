import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, NOW, runEffect, testContext } from '../test-kit.ts';
import { humanInTheLoop } from './human-in-the-loop.ts';

const FIELDS = [
  { name: 'approved', type: 'checkbox', label: 'Approve', initial_value: false },
  { name: 'tone', type: 'select', options: ['dry', 'warm'], required: false },
  { name: 'price', type: 'number', required: false },
  { name: 'scan', type: 'file', required: false },
];

const ask = (config: JsonObject, values = {}) =>
  runEffect(humanInTheLoop, { title: 'Publish?', ...config }, values, testContext());
const mistake = (config: JsonObject) => issuesOf(humanInTheLoop, { title: 'x', ...config })[0]?.message ?? 'none';

describe('a node that asks a person', () => {
  it('asks with its values filled in, and with a form', async () => {
    const texts = { title: 'Publish ((Name))?', description: 'It says: ((Text))', assignee: '((Team))' };
    const values = { 'variables::Name': 'it', 'variables::Text': 'Hello', 'variables::Team': 'legal' };
    expect(await ask({ ...texts, fields: FIELDS }, values)).toMatchObject({
      kind: 'person',
      ask: {
        ...{ title: 'Publish it?', description: 'It says: Hello', assignee: 'legal', dueAt: null, fallback: null },
        form: [
          { name: 'approved', kind: 'checkbox', label: 'Approve', isRequired: true, initial: false, options: [] },
          { name: 'tone', kind: 'select', label: 'tone', isRequired: false, initial: null, options: ['dry', 'warm'] },
          { name: 'price', kind: 'number' },
          { name: 'scan', kind: 'file' },
        ],
      },
    });
  });

  it('has an output for each field, of the type that the field has', () => {
    const outputs = humanInTheLoop.outputsOf?.({ fields: FIELDS }) ?? [];
    expect(outputs.map(({ name, type }) => [name, type.dataType])).toEqual([
      ['approved', 'bool'],
      ['tone', 'str'],
      ['price', 'number'],
      ['scan', 'File'],
    ]);
  });

  it('has a default answer for the end of its time, made whole from initial values', async () => {
    const outcome = await ask({ fields: FIELDS, due_seconds: 90, default_answer: { tone: 'warm' } });
    const fallback = { approved: false, tone: 'warm', price: null, scan: null };
    expect(outcome).toMatchObject({ ask: { dueAt: NOW + 90_000, fallback } });
  });

  it('warns of keys that nothing is connected to, and refuses texts that nobody reads', async () => {
    expect(await ask({ title: '((Name))?' })).toMatchObject({ warnings: [{ identifier: 'general' }] });
    const long = await ask({ title: '((a))' }, { 'variables::a': 'x'.repeat(501) });
    expect(failureOf(long)).toMatch(/^too_large: The title/);
  });

  it('is refused with a form that makes no sense', () => {
    expect(mistake({ fields: FIELDS })).toBe('none');
    expect(mistake({})).toBe('none');
    expect(mistake({ fields: ':var[x.y]' })).toBe('none');
    const wrong: [JsonObject['fields'], string][] = [
      ['approved', 'a list of fields'],
      [['approved'], 'Field 1: it must be an object'],
      [[{ name: 'outcome', type: 'text' }], '"name" must be'],
      [[{ name: 'a.b', type: 'text' }], '"name" must be'],
      [[{ name: 'a', type: 'date' }], '"type" must be one of checkbox'],
      [[{ name: 'a', type: 'select' }], 'needs "options"'],
      [[{ name: 'a', type: 'text', required: 'yes' }], '"required" must be'],
      [[{ name: 'a', type: 'number', initial_value: 'many' }], '"initial_value": "a" takes a number'],
      [[FIELDS[0]!, FIELDS[0]!], 'Field 2: another field is already named "approved"'],
      [Array.from({ length: 51 }, (_, index) => ({ name: `f${index}`, type: 'text' })), 'at most 50'],
    ];
    for (const [fields, message] of wrong) expect(mistake({ fields: fields! })).toContain(message);
  });

  it('is refused with a due time that has no answer to give', () => {
    const fields = [{ name: 'reason', type: 'text' }];
    expect(mistake({ fields, due_seconds: 60 })).toContain('"reason" is required');
    expect(mistake({ fields, due_seconds: 60, default_answer: { reason: 'None.' } })).toBe('none');
    expect(mistake({ fields, due_seconds: 60, default_answer: { raeson: 'x' } })).toContain('Did you mean reason?');
    expect(mistake({ fields, due_seconds: 60, default_answer: 'x' })).toContain('must be an object');
    expect(mistake({ fields, due_seconds: -1 })).toContain('from 0 to');
  });
});
