import { describe, expect, it } from 'vitest';
import { BUILTIN_NODE_TYPES } from './catalogue.ts';
import { configFields } from './common-config.ts';

const fieldsOf = (name: string) => Object.keys(configFields(BUILTIN_NODE_TYPES.find(({ type }) => type === name)!));

describe('settings that the engine reads', () => {
  it('lets every node between input and output go on after an error', () => {
    expect(fieldsOf('ComposeTextNode')).toContain('continue_on_error');
    expect(fieldsOf('InputNode')).not.toContain('continue_on_error');
  });

  it('times and retries only nodes that touch the world', () => {
    expect(fieldsOf('HttpRequestNode')).toEqual(expect.arrayContaining(['node_timeout', 'max_retries', 'retry_delay']));
    expect(fieldsOf('ComposeTextNode')).not.toContain('max_retries');
  });

  it('never hides a field of a node type behind one of its own', () => {
    for (const type of BUILTIN_NODE_TYPES) {
      const own = Object.keys(type.config);
      expect(Object.keys(configFields(type)).filter((name) => own.includes(name))).toEqual(own);
      for (const name of own) expect(configFields(type)[name]).toBe(type.config[name]);
    }
  });
});
