import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentOf, type RunText, visitJson } from './document.ts';

const run: RunText = {
  workspaceId: 'w',
  runId: '01890000-0000-7000-8000-000000000001',
  workflowId: 'f',
  workflowName: 'Invoices',
  input: '{"amount": 1.50, "paid": true, "note": "caf\\u00e9\\n\\"quoted\\"", "files": [{"name": "scan 1.pdf"}]}',
  output: '"done"',
  meta: '{"it\'s": "x"}',
  nodes: [{ nodeId: 'n-1', input: '{"a":[1,[2e5]]}', output: 'null' }],
  logs: [{ text: 'started' }, { text: 'asked the model', nodeId: 'n-1' }],
  warnings: [{ text: 'slow' }],
  failure: { text: 'no answer', nodeId: 'n-1' },
};

test('strings and keys at any depth and numbers as written are text, with the path that leads to them', () => {
  const { document, warning } = documentOf(run);
  expect(warning).toBeUndefined();
  expect(document.segments).toEqual([
    { field: 'input', path: '$.amount', text: 'amount' },
    { field: 'input', path: '$.amount', text: '1.50' },
    { field: 'input', path: '$.paid', text: 'paid' },
    { field: 'input', path: '$.note', text: 'note' },
    { field: 'input', path: '$.note', text: 'café\n"quoted"' },
    { field: 'input', path: '$.files', text: 'files' },
    { field: 'input', path: '$.files[0].name', text: 'name' },
    { field: 'input', path: '$.files[0].name', text: 'scan 1.pdf' },
    { field: 'output', path: '$', text: 'done' },
    { field: 'other', path: '$.workflow_name', text: 'Invoices' },
    { field: 'other', path: '$.failure', nodeId: 'n-1', text: 'no answer' },
    { field: 'other', path: '$.warnings[0]', text: 'slow' },
    { field: 'other', path: "$.meta['it\\'s']", text: "it's" },
    { field: 'other', path: "$.meta['it\\'s']", text: 'x' },
    { field: 'other', path: "$.nodes['n-1'].input.a", nodeId: 'n-1', text: 'a' },
    { field: 'other', path: "$.nodes['n-1'].input.a[0]", nodeId: 'n-1', text: '1' },
    { field: 'other', path: "$.nodes['n-1'].input.a[1][0]", nodeId: 'n-1', text: '2e5' },
    { field: 'other', path: '$.logs[0]', text: 'started' },
    { field: 'other', path: '$.logs[1]', nodeId: 'n-1', text: 'asked the model' },
  ]);
});

test('a configured limit cuts between code points and says so', () => {
  const { document, warning } = documentOf({ ...run, input: '"ab😀"' }, 3);
  expect(document.segments).toEqual([{ field: 'input', path: '$', text: 'ab' }]);
  expect(warning).toMatch(/^Search covers the first 3 characters of this run; \d+ more cannot be found\.$/);
});

test('every string, key and number of any JSON is visited in order', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
      const visited: string[] = [];
      visitJson(JSON.stringify(value, null, indent), '$', (_, text) => visited.push(text));
      expect(visited).toEqual(leaves(JSON.parse(JSON.stringify(value))));
    }),
  );
});

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [JSON.stringify(value)];
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, item]) => [key, ...leaves(item)]);
  return [];
}

test('data may nest as deep as it likes and strings be as long as they like', () => {
  const depth = 20_000;
  const long = '\\\\'.repeat(1_000_000);
  const visited: string[] = [];
  visitJson(`${'['.repeat(depth)}"${long}"${']'.repeat(depth)}`, '', (_, text) => visited.push(text));
  expect(visited).toEqual(['\\'.repeat(1_000_000)]);
});

test('what is no JSON is refused', () => {
  expect(() => visitJson('{"a": oops}', '$', () => {})).toThrow('Unexpected "o" at 6');
  expect(() => visitJson('"abc', '$', () => {})).toThrow("The string at 0 of a run's JSON has no end.");
});
