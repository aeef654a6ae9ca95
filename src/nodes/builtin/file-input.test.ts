import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/json.ts';
import { failureOf, outputsOf, runEffect, serve, type TestContext, testContext } from '../test-kit.ts';
import { fileInput } from './file-input.ts';

const run = (input: JsonValue, context: TestContext) => runEffect(fileInput, { label: 'Contract' }, { input }, context);

describe('a file input', () => {
  it('reads an uploaded file', async () => {
    const context = testContext();
    const { id } = await context.files.save({ name: 'a.txt', contentType: 'text/plain', bytes: Buffer.from('Grüße') });
    const output = { uri: `spot://${id}`, name: 'a.txt', content_type: 'text/plain', size: 7 };
    expect(outputsOf(await run({ uri: `spot://${id}` }, context))).toEqual({ output, text: 'Grüße' });
    expect(outputsOf(await run(`spot://${id}`, context))).toEqual({ output, text: 'Grüße' });
  });

  it('fetches a file and keeps it', async () => {
    const origin = await serve((_, answer) =>
      answer.setHeader('content-type', 'application/json; charset=utf-8').end('{}'),
    );
    const context = testContext();
    expect(outputsOf(await run({ uri: `${origin}/folder/data%20set.json?key=1` }, context))).toEqual({
      output: { uri: 'spot://f1', name: 'data set.json', content_type: 'application/json', size: 2 },
      text: '{}',
    });
    expect(context.saved.get('f1')?.bytes.toString()).toBe('{}');
  });

  it('reads a data address', async () => {
    const context = testContext();
    const outputs = outputsOf(await run({ uri: 'data:text/csv;base64,YSxiCg==', name: '../x/list.csv' }, context));
    expect(outputs).toEqual({
      output: { uri: 'spot://f1', name: 'list.csv', content_type: 'text/csv', size: 4 },
      text: 'a,b\n',
    });
    expect(failureOf(await run('data:text/csv;base64,@', context))).toMatch(/^invalid_input: The data address/);
  });

  it('gives no text for files that are none', async () => {
    const context = testContext();
    for (const uri of [
      'data:image/png;base64,AAAA',
      'data:text/plain;base64,/////w==',
      'data:text/plain;charset=nonsense,a',
    ]) {
      expect(Object.keys(outputsOf(await run(uri, context)))).toEqual(['output']);
    }
    expect(outputsOf(await run('data:text/plain;charset=iso-8859-1;base64,/A==', context))['text']).toBe('ü');
  });

  it('warns of an empty file', async () => {
    expect(await run('data:text/plain,', testContext())).toMatchObject({
      outputs: { text: '' },
      warnings: [{ identifier: 'empty_file' }],
    });
  });

  it.each<[string, JsonValue]>([
    ['nothing', null],
    ['no address', { name: 'a' }],
    ['a path', '/etc/passwd'],
    ['a file address', 'file:///etc/passwd'],
    ['a number', 5],
  ])('refuses %s', async (_, input) => {
    expect(failureOf(await run(input, testContext()))).toMatch(/^invalid_input: File input "Contract" takes/);
  });

  it('says when an uploaded file is not there', async () => {
    expect(failureOf(await run('spot://gone', testContext()))).toMatch(
      /^invalid_input: There is no file spot:\/\/gone/,
    );
  });

  it('refuses private addresses, and tries again when the other side is busy', async () => {
    const origin = await serve((_, answer) => answer.writeHead(503, { 'retry-after': '3' }).end());
    expect(await run(origin, testContext({ allow: [] }))).toMatchObject({
      failure: { code: 'address_refused' },
      retryable: false,
    });
    expect(await run(`${origin}/x?key=secret`, testContext())).toMatchObject({
      failure: { code: 'http_status', httpStatus: 503, message: expect.not.stringContaining('secret') },
      retryable: true,
      retryAfterMs: 3_000,
    });
  });
});
