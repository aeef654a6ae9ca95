import { describe, expect, it } from 'vitest';
import { ON_ERROR } from '../domain/definition.ts';
import { DATA_TYPES } from '../domain/value.ts';
import { BUILTIN_NODE_TYPES, createCatalogue } from './catalogue.ts';

/** Names that other people's definitions already use (noxus-nodes.md section 2). */
const PUBLIC_NAMES = [
  'InputNode',
  'FileInputNode',
  'OutputNode',
  'TextGenerationNode',
  'ComposeTextNode',
  'TextSplitterNode',
];

/** The types that official clients accept in a configuration; any other breaks their start. */
const CONFIG_TYPES = 'int float bool dict str list Image Audio File Quote Custom Any GoogleSheet SourceType'.split(' ');

describe('the catalogue', () => {
  it('finds a type by its name', () => {
    const catalogue = createCatalogue();
    expect(catalogue.find('ComposeTextNode')?.title).toBe('Compose text');
    expect(catalogue.find('NoSuchNode')).toBeNull();
    for (const name of PUBLIC_NAMES) expect(catalogue.find(name)).not.toBeNull();
  });

  it('refuses two types of one name', () => {
    const [type] = BUILTIN_NODE_TYPES;
    expect(() => createCatalogue([type!, type!])).toThrow('InputNode');
  });

  it('has one way in and one way out for values', () => {
    expect(BUILTIN_NODE_TYPES.filter(({ role }) => role === 'input').map(({ type }) => type)).toEqual([
      'InputNode',
      'FileInputNode',
    ]);
    expect(BUILTIN_NODE_TYPES.filter(({ role }) => role === 'output').map(({ type }) => type)).toEqual(['OutputNode']);
  });
});

describe.each(BUILTIN_NODE_TYPES.map((type) => [type.type, type] as const))('%s', (_, type) => {
  const sockets = [...type.inputs, ...type.outputs];

  it('has words for people', () => {
    expect(type.type).toMatch(/^[A-Z][A-Za-z0-9]+Node$/);
    expect(type.title).not.toBe('');
    expect(type.category).not.toBe('');
    const described = [type, ...Object.values(type.config)];
    for (const { description } of described) expect(description.length).toBeGreaterThan(5);
  });

  it('has sockets with names of their own that fit in an address, and leaves the error output to the catalogue', () => {
    for (const list of [type.inputs, type.outputs])
      expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    for (const { name, label } of sockets) {
      expect(name).toMatch(/^[a-z][a-z_]*$/);
      expect(name).not.toBe(ON_ERROR);
      expect(label).not.toBe('');
    }
  });

  it('offers a choice of types just where its connector has one', () => {
    for (const { kind, type: valueType, choices } of sockets) {
      expect(DATA_TYPES).toContain(valueType.dataType);
      expect(choices !== undefined).toBe(kind.startsWith('variable_type'));
    }
  });

  it('has a configuration that official clients accept, with defaults that are allowed', () => {
    for (const field of Object.values(type.config)) {
      expect(CONFIG_TYPES).toContain(field.type);
      if (field.default === null) continue;
      expect(field.optional).toBe(true);
      if (field.choices !== undefined) expect(field.choices).toContain(field.default);
      if (typeof field.default === 'number') {
        expect(field.default).toBeGreaterThanOrEqual(field.minimum ?? -Infinity);
        expect(field.default).toBeLessThanOrEqual(field.maximum ?? Infinity);
      }
    }
  });

  it('finds nothing wrong with a configuration that is not filled in yet', () => {
    const node = { id: 'n', type: type.type, name: 'Node', config: {}, inputs: [], outputs: [] };
    const severities = (type.check?.(node) ?? []).map(({ severity }) => severity);
    expect(severities).not.toContain('invalid');
  });

  it('has limits when it touches the world', () => {
    // Whoever invokes a workflow waits for as long as its nodes may take.
    if (!type.effect || type.invokes === true) return;
    expect(type.timeoutMs).toBeGreaterThan(0);
    expect(type.retry.retries).toBeLessThanOrEqual(5);
  });
});
