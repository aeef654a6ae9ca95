import { describe, expect, it } from 'vitest';
import { BUILTIN_NODE_TYPES, createCatalogue } from '../../nodes/catalogue.ts';
import { presentCatalogueEntry } from './catalogue-entry.ts';

const CONFIG_TYPES = 'int float bool dict str list Image Audio File Quote Custom Any GoogleSheet SourceType'.split(' ');

type Wire = ReturnType<typeof presentCatalogueEntry>;

const entryOf = (type: string): Wire => presentCatalogueEntry(createCatalogue().find(type)!);
const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name);

describe.each(BUILTIN_NODE_TYPES.map((type) => [type.type, type] as const))('the catalogue entry of %s', (_, type) => {
  const entry = presentCatalogueEntry(type);

  it('has every key that official clients require', () => {
    expect(entry).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      description: expect.any(String),
      integrations: [],
      is_available: true,
      visible: true,
      config_endpoint: null,
    });
    for (const connector of [...(entry['inputs'] as Wire[]), ...(entry['outputs'] as Wire[])]) {
      expect(connector).toMatchObject({
        name: expect.any(String),
        type: expect.any(String),
        definition: { data_type: expect.any(String), is_list: expect.any(Boolean) },
      });
    }
    for (const field of Object.values(entry['config'] as Record<string, Wire>)) {
      expect(Object.keys(field)).toEqual(
        expect.arrayContaining(['type', 'description', 'visible', 'optional', 'default']),
      );
      expect(CONFIG_TYPES).toContain(field['type']);
    }
  });

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(entry))).toEqual(entry);
  });

  it('has an error output unless it stands at the boundary of the graph', () => {
    expect(names(entry['outputs']).includes('on_error')).toBe(type.role === undefined);
  });

  it('has a short description of one sentence', () => {
    expect(entry['small_description']).toMatch(/^[^.]+.*\.$/);
    expect((entry['small_description'] as string).length).toBeLessThanOrEqual(type.description.length);
  });
});

describe('the catalogue', () => {
  it('shows a keyed connector with room for keys', () => {
    expect(entryOf('ComposeTextNode')['inputs']).toEqual([
      {
        name: 'variables',
        label: 'Variables',
        type: 'variable_connector',
        definition: { data_type: 'str', is_list: false },
        optional: true,
        visible: true,
        rules: [],
        propagates_list: true,
        keys: [],
        manual: true,
        allow_empty: true,
      },
    ]);
    expect(entryOf('MergeNode')['inputs']).toMatchObject([{ type_definitions: {}, keys: [] }]);
  });

  it('shows choices and limits of a configuration', () => {
    expect(entryOf('TextSplitterNode')['config']).toMatchObject({
      unit: { choices: ['characters', 'words', 'lines'], display: { type: 'select' } },
      chunk_size: { minimum: 1, display: { type: 'number' } },
    });
  });
});
