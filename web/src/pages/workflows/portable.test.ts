import { describe, expect, it } from 'vitest';
import { exportText, readPortable } from './portable.ts';

const document = { nodes: [], edges: [] };

describe('a file of workflows', () => {
  it('that was exported is imported as it was', () => {
    const workflow = { name: 'Digest', type: 'flow', description: 'Reads.' } as const;
    const text = exportText([{ workflow, document, settings: { a: 1 }, meta: {} }]);
    expect(readPortable(text, 'x.json')).toEqual([{ ...workflow, document, settings: { a: 1 }, meta: {} }]);
  });

  it('may hold one workflow, or a definition that is named like the file', () => {
    expect(readPortable(JSON.stringify({ name: 'One', definition: document }), 'x.json')).toEqual([
      { name: 'One', document },
    ]);
    expect(readPortable(JSON.stringify(document), 'Package digest.json')).toEqual([
      { name: 'Package digest', document },
    ]);
  });

  it('that holds none says what it should hold', () => {
    expect(() => readPortable('{', 'x.json')).toThrow('x.json is not JSON.');
    expect(() => readPortable('{"a": 1}', 'x.json')).toThrow('x.json has no workflow. It should hold');
  });
});
