import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import type { NodeDefinition } from '../../domain/definition.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runEffect, serve, type TestContext, testContext } from '../test-kit.ts';
import { codeExecution } from './code-node.ts';
import { CodeThreads } from './code-threads.ts';
import type { CodeRunner } from './sandbox.ts';

const sandbox = new CodeThreads();
afterAll(() => sandbox.close());

function context(runner: string | null = null): TestContext {
  const made = testContext();
  const asked: CodeRunner | null =
    runner === null ? null : { url: runner, authorization: 'Bearer token', http: made.http };
  return { ...made, code: { sandbox, runner: asked } };
}

const run = (config: JsonObject, values: Record<string, JsonValue> = {}, told = context()) =>
  runEffect(codeExecution, config, values, told);

const ADD = 'function main({ a, b }) { return { sum: a + b, list: [a, b] }; }';
const VALUES = { 'variables::a': 1, 'variables::b': 2 };

describe('a code node', () => {
  it('calls main with its variables, and each key of the answer is an output', async () => {
    expect(outputsOf(await run({ template: ADD }, VALUES))).toEqual({ 'outputs::sum': 3, 'outputs::list': [1, 2] });
    expect(outputsOf(await run({ template: [{ text: 'const main = () => ' }, { text: '({})' }] }))).toEqual({});
  });

  it('gives declared outputs through connectors of their own', async () => {
    const config = { template: ADD, outputs: ['sum'] };
    expect(codeExecution.outputsOf?.(config)).toMatchObject([{ name: 'sum', kind: 'variable_type_connector' }]);
    expect(outputsOf(await run(config, VALUES))).toEqual({ sum: 3, 'outputs::list': [1, 2] });
  });

  it('fails when main does not return what is declared', async () => {
    expect(failureOf(await run({ template: ADD, outputs: ['total', 'sum'] }, VALUES))).toBe(
      'output_missing: main did not return "total", which the node declares. It returned "sum", "list". Return null for an output that has no value.',
    );
    expect(outputsOf(await run({ template: 'const main = () => ({ a: null })', outputs: ['a'] }))).toEqual({ a: null });
  });

  it('takes any key that an address can hold, and brings prototypes of objects along as data', async () => {
    const template = 'function main(inputs) { return JSON.parse(\'{"__proto__": 1, "on_error": 2, "a.b c": 3}\'); }';
    const outputs = outputsOf(await run({ template }, { 'variables::__proto__': { polluted: true } }));
    expect(Object.entries(outputs)).toEqual([
      ['outputs::__proto__', 1],
      ['outputs::on_error', 2],
      ['outputs::a.b c', 3],
    ]);
    const echo = 'function main(inputs) { return { keys: Object.keys(inputs), polluted: inputs.polluted ?? null }; }';
    expect(outputsOf(await run({ template: echo }, { 'variables::__proto__': { polluted: true } }))).toEqual({
      'outputs::keys': ['__proto__'],
      'outputs::polluted': null,
    });
    expect(failureOf(await run({ template: 'const main = () => ({ "a::b": 1 })' }))).toContain('has no "::"');
    const many = 'const main = () => Object.fromEntries(Array.from({ length: 101 }, (_, i) => ["k" + i, i]))';
    expect(failureOf(await run({ template: many }))).toContain('at most 100');
  });

  it('writes its console to the run’s log', async () => {
    const told = context();
    await run({ template: 'function main() { console.warn("odd", { a: 1 }); return {}; }' }, {}, told);
    expect(told.logged).toEqual(['warning odd {"a":1} null']);
  });

  it('runs TypeScript when told', async () => {
    const template = 'function main(inputs: { a: number }): object { return { twice: inputs.a * 2 }; }';
    expect(outputsOf(await run({ template, language: 'typescript' }, VALUES))).toEqual({ 'outputs::twice': 2 });
  });

  it('has the time and the memory that it is given, within what a server allows', async () => {
    const endless = 'function main() { for (;;); }';
    expect(failureOf(await run({ template: endless, timeout_seconds: 0.05 }))).toMatch(/^timeout: .* within 0\.05 s/);
    const hungry = 'function main() { return { got: new Uint8Array(20 * 2 ** 20).length }; }';
    expect(failureOf(await run({ template: hungry, memory_mb: 8 }))).toMatch(/^too_large: .* 8 MB/);
    expect(outputsOf(await run({ template: hungry }))).toEqual({ 'outputs::got': 20 * 2 ** 20 });
  });

  it('refuses inputs and code that are too large before it runs any of it', async () => {
    const values = { 'variables::a': 'x'.repeat(9 * 1024 * 1024) };
    expect(failureOf(await run({ template: ADD }, values))).toMatch(/^too_large: The inputs take/);
    expect(failureOf(await run({ template: ' '.repeat(300_000) }))).toMatch(/^invalid_config: The code has 300000/);
  });
});

describe('the check of a code node', () => {
  it.each<[JsonObject, string | null]>([
    [{ template: 'function main(inputs) { return { a: 1 }; }' }, null],
    [
      { template: 'async function main() {\n  const a = ;\n}' },
      "SyntaxError: Unexpected token ';' (line 2 of the code).",
    ],
    [
      { template: 'let a = 1; let a = 2;' },
      "SyntaxError: Identifier 'a' has already been declared (line 1 of the code).",
    ],
    [{ template: 'function main() { with (a) {} }' }, 'SyntaxError: Strict mode code may not include a with statement'],
    [{ template: '('.repeat(60_000) }, 'The code is nested too deep.'],
    [{ template: 'x'.repeat(300_000) }, 'at most 262144 are allowed'],
    [{ template: 'const a = :var[in.output];' }, null],
    [{ template: 'function main(a: number) {}', language: 'typescript' }, null],
    [{ template: 'def main(inputs):\n  return {"a": 1}' }, null],
    [{ template: 'def main(inputs):', language: 'javascript' }, 'SyntaxError'],
    [{ outputs: ['a', 'a'] }, 'Output 2: another output is already named "a".'],
    [{ outputs: 'a' }, 'must be a list'],
    [{ outputs: ['on_error'] }, 'a meaning of its own'],
    [{ outputs: ['a.b'] }, 'has no "."'],
    [{ outputs: [''] }, '1 to 100 characters'],
    [{ outputs: [5] }, 'a name is text'],
    [{ outputs: ['a', { name: 'b' }] }, null],
  ])('of %j finds: %s', (config, message) => {
    const issues = issuesOf(codeExecution, config);
    expect(issues.map((issue) => issue.message)).toEqual(message === null ? [] : [expect.stringContaining(message)]);
  });

  it('lets a draft with a mistake in its code be saved, and not one with outputs that cannot be', () => {
    expect(issuesOf(codeExecution, { template: '(' })).toMatchObject([
      { severity: 'incomplete', type: 'invalid_config' },
    ]);
    expect(issuesOf(codeExecution, { outputs: ['a::b'] })).toMatchObject([{ severity: 'invalid' }]);
  });

  it('finds a declared output that is connected as a key', () => {
    const outputs = [
      {
        name: 'outputs',
        type: { dataType: 'Any', isList: false },
        optional: false,
        keys: ['a', 'b'],
        propagatesList: true,
      },
    ] as const;
    const node: NodeDefinition = {
      id: 'n1',
      type: codeExecution.type,
      name: 'Node',
      config: { outputs: ['a'] },
      inputs: [],
      outputs,
    };
    expect(codeExecution.check?.(node)).toMatchObject([
      { hint: expect.stringContaining('"outputs::a"'), severity: 'incomplete' },
    ]);
  });
});

describe('Python', () => {
  const PYTHON = 'def main(inputs):\n    return {"sum": inputs["a"] + inputs["b"]}';

  it('needs a runner, and says how to get one', async () => {
    for (const config of [{ template: PYTHON }, { template: '', language: 'python' }]) {
      expect(failureOf(await run(config))).toMatch(/^not_configured: .*MILLRUN_CODE_RUNNER_URL/);
    }
    expect(failureOf(await run({ template: ADD, language: 'ruby' }))).toContain(
      'it may be javascript, typescript, python',
    );
  });

  it('is sent to the runner with its inputs and limits, and what comes back is the node’s', async () => {
    const asked: unknown[] = [];
    const url = await serve(async (request, response) => {
      const { method, url: path, headers } = request;
      asked.push({
        method,
        path,
        key: headers['idempotency-key'],
        authorization: headers.authorization,
        ...JSON.parse(await text(request)),
      });
      const logs = [{ level: 'warning', message: 'printed' }, 'plain', { level: 'odd', message: 'x'.repeat(3000) }, 5];
      response.end(JSON.stringify({ outputs: { sum: 3, more: null }, logs }));
    });
    const told = context(`${url}/run`);
    const config = { template: PYTHON, outputs: ['sum'], timeout_seconds: 5, deterministic: true };
    expect(outputsOf(await run(config, VALUES, told))).toEqual({ sum: 3, 'outputs::more': null });
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/run',
        key: 'r1/n1/0',
        authorization: 'Bearer token',
        language: 'python',
        source: PYTHON,
        inputs: { a: 1, b: 2 },
        limits: { timeout_seconds: 5, memory_mb: 64, output_characters: 4_194_304 },
        deterministic: true,
      },
    ]);
    expect(told.logged).toEqual(['warning printed null', 'info plain null', `info ${'x'.repeat(2000)}… null`]);
  });

  it.each<[string, number, string, string, boolean]>([
    [
      'its code throws',
      200,
      '{"error": {"message": "ZeroDivisionError: division by zero", "line": 2}}',
      'code_error: ZeroDivisionError: division by zero (line 2 of the code)',
      false,
    ],
    ['it says only that it failed', 200, '{"error": "no"}', 'code_error: no', false],
    ['it is busy', 503, 'busy', 'provider: The runner at', true],
    ['it refuses', 400, '{"detail": "no"}', 'answered 400: {"detail": "no"}', false],
    [
      'it answers with something else',
      200,
      '<html>',
      'provider: The answer of the runner cannot be understood: Not JSON',
      false,
    ],
    ['it answers without outputs', 200, '{"logs": []}', 'It has neither "outputs" nor "error".', false],
    [
      'its outputs lack what is declared',
      200,
      '{"outputs": {"b": 1}}',
      'output_missing: main did not return "sum"',
      false,
    ],
    ['it sends the request elsewhere', 302, '', 'answered 302', false],
  ])('fails when %s', async (_, status, body, message, retryable) => {
    const url = await serve((__, response) => {
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end(body);
    });
    const outcome = await run({ template: PYTHON, outputs: ['sum'] }, VALUES, context(url));
    expect(failureOf(outcome)).toContain(message);
    expect(outcome).toMatchObject({ retryable });
  });

  it('may be tried again when the runner cannot be reached', async () => {
    const outcome = await run({ template: PYTHON }, VALUES, context('http://127.0.0.1:1/'));
    expect(outcome).toMatchObject({ kind: 'failed', retryable: true, failure: { code: 'network' } });
  });
});
