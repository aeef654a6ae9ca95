import { describe, expect, it } from 'vitest';
import { failureOf, issuesOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { extractEntities } from './extract-entities.ts';

const config = { entity_types: ['person', { name: 'sum', description: 'Money' }] };

const found = (...entities: [type: string, text: string][]) => ({
  text: JSON.stringify({ entities: entities.map(([type, text]) => ({ type, text })) }),
});

describe('extracting entities', () => {
  it('says where each stands, in the order of the text', async () => {
    const text = 'Ada paid €5 to Bob, and Ada left.';
    const said = found(['person', 'Ada'], ['sum', '€5'], ['person', 'Bob'], ['person', 'Ada'], ['person', 'Eve']);
    const { context, asked } = await servedModels({ m: said });
    const { entities } = outputsOf(await runEffect(extractEntities, config, { text }, context));
    expect(entities).toEqual([
      { type: 'person', text: 'Ada', start: 0, end: 3 },
      { type: 'sum', text: '€5', start: 9, end: 11 },
      { type: 'person', text: 'Bob', start: 15, end: 18 },
      { type: 'person', text: 'Ada', start: 24, end: 27 },
      { type: 'person', text: 'Eve', start: null, end: null },
    ]);
    expect(asked[0]?.body['messages'][0].content).toContain('- sum: Money');
  });

  it('finds those that the model lists in another order', async () => {
    const { context } = await servedModels({ m: found(['person', 'Bob'], ['person', 'Ada'], ['person', 'Ada']) });
    const { entities } = outputsOf(await runEffect(extractEntities, config, { text: 'Ada, Bob' }, context));
    expect(entities).toEqual([
      { type: 'person', text: 'Ada', start: 0, end: 3 },
      { type: 'person', text: 'Bob', start: 5, end: 8 },
    ]);
  });

  it('looks through a long text in parts, with places in the whole', async () => {
    const { context, asked } = await servedModels({ m: found(['person', 'Ada']) });
    const text = `${'x '.repeat(230)}Ada.\n\n${'y '.repeat(230)}Ada.`;
    const { entities } = outputsOf(await runEffect(extractEntities, { ...config, part_size: 500 }, { text }, context));
    expect(asked).toHaveLength(2);
    expect(entities).toMatchObject([{ start: text.indexOf('Ada') }, { start: text.lastIndexOf('Ada') }]);
  });

  it('gives an empty list when there is none', async () => {
    const { context } = await servedModels({ m: found() });
    expect(outputsOf(await runEffect(extractEntities, config, { text: 'Nobody.' }, context))).toEqual({ entities: [] });
  });

  it('needs types', async () => {
    expect(issuesOf(extractEntities, { entity_types: [] })).toHaveLength(1);
    const { context } = await servedModels({ m: found() });
    const outcome = await runEffect(extractEntities, { entity_types: [1] }, { text: 'a' }, context);
    expect(failureOf(outcome)).toMatch(/^invalid_config: "entity_types"/);
  });
});
