import { describe, expect, it } from 'vitest';
import { node } from '../../test/support/definitions.ts';
import type { JsonObject } from '../domain/json.ts';
import { httpRequest } from './builtin/http-request.ts';
import { BUILTIN_NODE_TYPES } from './catalogue.ts';
import { checkCommonConfig, configFields } from './common-config.ts';

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

  it('says what is wrong with how a node is tried again, and what to write', () => {
    const issues = (config: JsonObject) =>
      checkCommonConfig(node('call', httpRequest, config), httpRequest).map(
        ({ message, hint }) => `${message} ${hint}`,
      );
    expect(issues({ retry_on: ['timeout', 429, '5xx'], retry_delay: 5, retry_max_delay: 5 })).toEqual([]);
    expect(issues({ retry_on: ['timout'] })).toEqual([
      '"retry_on" of node "call" (HttpRequestNode) lists "timout", which is neither a failure code nor an HTTP status. Did you mean "timeout"?',
    ]);
    expect(issues({ retry_on: [700] })[0]).toContain('statuses are written 429, "50x" or "5xx"');
    expect(issues({ retry_on: 'timeout' })[0]).toContain('Write ["timeout"].');
    expect(issues({ retry_delay: 6, retry_max_delay: 5 })[0]).toContain('longer than "retry_max_delay" (5)');
  });

  it('never hides a field of a node type behind one of its own', () => {
    for (const type of BUILTIN_NODE_TYPES) {
      const own = Object.keys(type.config);
      expect(Object.keys(configFields(type)).filter((name) => own.includes(name))).toEqual(own);
      for (const name of own) expect(configFields(type)[name]).toBe(type.config[name]);
    }
  });
});
