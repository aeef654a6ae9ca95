import { text } from 'node:stream/consumers';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type ChatServer, type ChatTurn, startChatServer } from '../../../test/support/chat-server.ts';
import { startProvider } from '../../../test/support/providers/provider-server.ts';
import type { ProviderProtocol } from '../../domain/credential.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { CodeThreads } from '../code/code-threads.ts';
import type { NodeContext, Outcome, WorkflowCall, WorkflowCallEnd } from '../node-type.ts';
import { compatibleProvider, issuesOf, runEffect, serve, type TestContext, testContext } from '../test-kit.ts';
import { agent } from './agent-node.ts';

const sandbox = new CodeThreads();
afterAll(() => sandbox.close());

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.stop();
});

interface Ran {
  readonly outcome: Outcome;
  readonly asked: ChatServer['asked'];
  readonly context: TestContext;
}

async function run(
  turns: readonly ChatTurn[],
  config: JsonObject,
  given: Parameters<typeof testContext>[0] & {
    values?: Record<string, JsonValue>;
    iteration?: number;
  } = {},
): Promise<Ran> {
  const server = await startChatServer(turns);
  opened.push(server);
  const provider = compatibleProvider({ name: 'local', baseUrl: server.url, apiKey: 'key-1' });
  const prices = { m: { input: '1', output: '10' } };
  const base = testContext({
    ...given,
    models: { providers: [provider], prices, defaultModels: ['m'] },
    code: { sandbox },
  });
  const context: TestContext = { ...base, iteration: given.iteration ?? 0 };
  const outcome = await runEffect(
    agent,
    { template: 'Do it.', max_retries_per_model: 0, ...config },
    given.values ?? {},
    context,
  );
  return { outcome, asked: server.asked, context };
}

/** What the model was told in its turn number `turn` as answers of its tools. */
const told = (asked: ChatServer['asked'], turn: number): (string | null)[] =>
  asked[turn - 1]?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content) ?? [];

const parameters = {
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
};
const ADD = {
  type: 'code',
  name: 'add',
  description: 'Adds two numbers.',
  parameters,
  code: 'function main({ a, b }) { return { sum: a + b }; }',
};

/** Steps as they stand at the end, by id. */
const stepsOf = ({ told: steps }: TestContext) =>
  new Map(steps.flatMap((each) => each.steps).map((step) => [step.id, step]));

describe('an agent', () => {
  it('calls tools until it has an answer, and says what it did, used and cost', async () => {
    const { outcome, asked, context } = await run(
      [{ text: 'I add.', calls: [['add', '{"a": 1, "b": 2}']] }, 'It is 3.'],
      { tools: [ADD], template: 'Add ((What)).', instructions: 'You know numbers.', temperature: 0 },
      { values: { 'variables::What': '1 and 2' } },
    );
    const usage = { input_tokens: 100, output_tokens: 10, cost: '0.0002' };
    expect(outcome).toEqual({
      kind: 'succeeded',
      outputs: {
        text: 'It is 3.',
        steps: [
          {
            step: 1,
            model: 'm',
            text: 'I add.',
            tool_calls: [{ tool: 'add', arguments: { a: 1, b: 2 }, status: 'succeeded', output: '{"sum":3}' }],
            usage,
          },
          { step: 2, model: 'm', text: 'It is 3.', tool_calls: [], usage },
        ],
      },
      warnings: [],
      usage: { inputTokens: 200, outputTokens: 20, cost: '0.0004' },
    });
    expect(asked[0]).toMatchObject({
      model: 'm',
      temperature: 0,
      tools: [{ type: 'function', function: { name: 'add', description: 'Adds two numbers.', parameters } }],
      messages: [
        { role: 'system', content: 'You know numbers.' },
        { role: 'user', content: 'Add 1 and 2.' },
      ],
    });
    expect(asked[1]?.messages.slice(2)).toMatchObject([
      { role: 'assistant', content: 'I add.', tool_calls: [{ id: 'call_1_0', function: { name: 'add' } }] },
      { role: 'tool', tool_call_id: 'call_1_0', content: '{"sum":3}' },
    ]);
    expect([...stepsOf(context)]).toMatchObject([
      [
        '001.00.model',
        {
          status: 'succeeded',
          inputs: { messages: [{ role: 'user', content: 'Add 1 and 2.' }] },
          outputs: { text: 'I add.' },
        },
      ],
      [
        '001.01.add',
        { status: 'succeeded', inputs: { tool: 'add', arguments: { a: 1, b: 2 } }, outputs: { output: '{"sum":3}' } },
      ],
      ['002.00.model', { status: 'succeeded', outputs: { text: 'It is 3.' } }],
    ]);
    expect(context.streamed).toEqual(['|I add.', '|It is 3.']);
    expect(context.logged).toEqual(['info Step 1: add answered. {"step":1,"tool":"add"}']);
  });

  it('runs the calls of one turn side by side, and gives each its answer', async () => {
    const both = Promise.withResolvers<void>();
    let here = 0;
    const origin = await serve(async (request, response) => {
      here += 1;
      if (here === 2) both.resolve();
      await both.promise;
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`at ${request.url}`);
    });
    const get = {
      type: 'http',
      name: 'get',
      description: 'Reads a page.',
      parameters: { type: 'object', properties: { page: { type: 'string' } } },
      url: `${origin}/((page))`,
    };
    const { outcome, asked } = await run(
      [
        {
          calls: [
            ['get', '{"page": "a"}'],
            ['get', '{"page": "../b"}'],
          ],
        },
        'Read.',
      ],
      { tools: [get] },
    );
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { text: 'Read.' } });
    expect(told(asked, 2)).toEqual(['at /a', 'at /..%2Fb']);
  });

  it('tells the model what is wrong with a call, and goes on', async () => {
    const long = JSON.stringify({ a: 1, b: 2, c: 'x'.repeat(70_000) });
    const { outcome, asked } = await run(
      [
        {
          calls: [
            ['add', '{"a": 1, '],
            ['subtract', '{}'],
            ['add', '{"a": "one", "b": 2}'],
            ['add', '[1, 2]'],
            ['add', long],
            ['add', '{"a": 1, "b": 2}'],
          ],
        },
        'Done.',
      ],
      { tools: [ADD] },
    );
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { text: 'Done.' } });
    expect(told(asked, 2)).toEqual([
      expect.stringContaining('not a JSON object'),
      'Error: There is no tool "subtract". There are add.',
      expect.stringContaining('/a must be number'),
      expect.stringContaining('not a JSON object'),
      expect.stringContaining('at most 65536'),
      '{"sum":3}',
    ]);
  });

  it('that goes round in circles is asked to answer with what it has, and warns of what was left', async () => {
    const loop = { text: 'Once more.', calls: [['add', '{"a": 1, "b": 1}']] } as const;
    const { outcome, asked } = await run([loop, loop, 'It is about 2.'], { tools: [ADD], max_steps: 2 });
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      outputs: { text: 'It is about 2.' },
      warnings: [{ identifier: 'general', params: { steps: 2, left: [{ tool: 'add', arguments: { a: 1, b: 1 } }] } }],
    });
    expect(told(asked, 3).at(-1)).toContain('no further calls are possible');
    const endless = await run([loop], { tools: [ADD], max_steps: 3 });
    expect(endless.asked).toHaveLength(4);
    expect(endless.outcome).toMatchObject({ kind: 'succeeded', outputs: { text: 'Once more.' } });
    const silent = await run([{ calls: loop.calls }], { tools: [ADD], max_steps: 1 });
    expect(silent.outcome).toMatchObject({
      kind: 'failed',
      retryable: false,
      failure: { code: 'output_missing', message: expect.stringContaining('"max_steps"') },
      warnings: [{ identifier: 'general' }],
      usage: { inputTokens: 200 },
    });
  });

  it('is asked with another model in the middle, which then stays', async () => {
    const fails: ChatTurn = (_, response) => {
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error": {"message": "no luck"}}');
    };
    const call = { calls: [['add', '{"a": 1, "b": 2}']] } as const;
    const { outcome, asked } = await run([call, fails, call, 'It is 3.'], { tools: [ADD], model: ['m', 'n'] });
    expect(asked.map(({ model }) => model)).toEqual(['m', 'm', 'n', 'n']);
    expect(asked[2]?.messages).toEqual(asked[1]?.messages);
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      outputs: { text: 'It is 3.' },
      warnings: [{ identifier: 'model_fallback', params: { model: 'm', next: 'n' } }],
    });
  });

  it('is tried again as long as no tool has acted, and not after', async () => {
    const fails: ChatTurn = (_, response) => {
      response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '60' }).end('{}');
    };
    expect((await run([fails], { tools: [ADD] })).outcome).toMatchObject({ kind: 'failed', retryable: true });
    const acted = await run([{ calls: [['add', '{"a": 1, "b": 2}']] }, fails], { tools: [ADD] });
    expect(acted.outcome).toMatchObject({
      kind: 'failed',
      retryable: false,
      failure: { httpStatus: 503 },
      usage: { inputTokens: 100 },
    });
    expect(stepsOf(acted.context).get('002.00.model')).toMatchObject({
      status: 'failed',
      failure: { code: 'provider' },
    });
  });

  it('stops when its run is stopped, with the calls it is in', async () => {
    const stop = new AbortController();
    const origin = await serve(() => stop.abort(new Error('The run has ended.')));
    const wait = { type: 'http', name: 'wait', description: 'Waits.', url: origin };
    const { outcome, asked, context } = await run(
      [{ calls: [['wait', '{}']] }],
      { tools: [wait] },
      { signal: stop.signal },
    );
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'timeout' } });
    expect(asked).toHaveLength(1);
    expect(stepsOf(context).get('001.01.wait')).toMatchObject({ status: 'canceled' });
  });

  it('cuts what a tool answers, and bounds how long it takes', async () => {
    const big = {
      ...ADD,
      name: 'big',
      parameters: { type: 'object' },
      code: 'const main = () => ({ x: "y".repeat(50000) })',
    };
    const origin = await serve(() => {});
    const slow = { type: 'http', name: 'slow', description: 'Never answers.', url: origin, timeout_seconds: 0.1 };
    const { asked } = await run(
      [
        {
          calls: [
            ['big', '{}'],
            ['slow', '{}'],
          ],
        },
        'Done.',
      ],
      { tools: [big, slow] },
    );
    const [cut, late] = told(asked, 2);
    expect(cut).toHaveLength(
      32 * 1024 + '\n[Cut here: the answer has 50008 characters, these were the first 32768.]'.length,
    );
    expect(late).toContain('0.1 s');
  });

  it('makes a few calls at a time only', async () => {
    const calls = Array.from({ length: 18 }, () => ['add', '{"a": 1, "b": 2}'] as const);
    const { asked } = await run([{ calls }, 'Done.'], { tools: [ADD] });
    expect(told(asked, 2).filter((answer) => answer === '{"sum":3}')).toHaveLength(16);
    expect(told(asked, 2).at(-1)).toContain('At most 16 calls');
  });

  it('is asked to answer when its tools have said more than any model takes in', async () => {
    const origin = await serve((_, response) => response.writeHead(200).end('x'.repeat(32 * 1024)));
    const get = { type: 'http', name: 'get', description: 'Reads.', url: origin };
    const calls = Array.from({ length: 16 }, () => ['get', '{}'] as const);
    const { outcome, asked } = await run([{ calls, text: 'More.' }], { tools: [get], max_steps: 50 });
    expect(asked).toHaveLength(7);
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      warnings: [{ detail: expect.stringContaining('tools may answer') }],
    });
  });

  it('may have nothing to add to what it said, once its tools have acted', async () => {
    const call = { text: 'I add.', calls: [['add', '{"a": 1, "b": 2}']] } as const;
    const { outcome } = await run([call, ''], { tools: [ADD] });
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { text: 'I add.' } });
    expect((await run([''], { tools: [ADD] })).outcome).toMatchObject({
      kind: 'failed',
      failure: { code: 'provider' },
    });
  });

  it('tells the steps of items and of later tries apart', async () => {
    const { context } = await run(['Done.'], {}, { iteration: 3, attempt: 2 });
    expect([...stepsOf(context).keys()]).toEqual(['item3.try2.001.00.model']);
    expect((await run(['Done.'], {}, { iteration: 21 })).context.told).toEqual([]);
  });
});

describe('an agent speaks', () => {
  const usage = { input_tokens: 100, output_tokens: 10 };
  const args = { a: 1, b: 2 };
  /** By protocol: a turn that calls, a turn that answers, and where the answer of the tool is in the next question. */
  const PROTOCOLS: readonly (readonly [ProviderProtocol, call: object, answer: object, told: object])[] = [
    [
      'anthropic',
      {
        ...{ id: 'm1', type: 'message', role: 'assistant', model: 'm', usage, stop_reason: 'tool_use' },
        content: [
          { type: 'text', text: 'I add.' },
          { type: 'tool_use', id: 't1', name: 'add', input: args },
        ],
      },
      {
        ...{ id: 'm2', type: 'message', role: 'assistant', model: 'm', usage, stop_reason: 'end_turn' },
        content: [{ type: 'text', text: 'It is 3.' }],
      },
      { messages: [{}, {}, { content: [{ type: 'tool_result', tool_use_id: 't1' }] }] },
    ],
    [
      'openai',
      {
        ...{ id: 'r1', object: 'response', created_at: 1, model: 'm', status: 'completed', usage },
        output: [{ type: 'function_call', id: 'f1', call_id: 't1', name: 'add', arguments: JSON.stringify(args) }],
      },
      {
        ...{ id: 'r2', object: 'response', created_at: 1, model: 'm', status: 'completed', usage },
        output: [
          {
            ...{ type: 'message', id: 'o1', role: 'assistant', status: 'completed' },
            content: [{ type: 'output_text', text: 'It is 3.', annotations: [] }],
          },
        ],
      },
      { input: expect.arrayContaining([{ type: 'function_call_output', call_id: 't1', output: '{"sum":3}' }]) },
    ],
    [
      'google',
      {
        candidates: [
          { content: { role: 'model', parts: [{ functionCall: { name: 'add', args } }] }, finishReason: 'STOP' },
        ],
        usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10 },
      },
      {
        candidates: [{ content: { role: 'model', parts: [{ text: 'It is 3.' }] }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10 },
      },
      { contents: [{}, {}, { parts: [{ functionResponse: { name: 'add' } }] }] },
    ],
  ];

  it.each(PROTOCOLS)('%s', async (protocol, call, answer, told) => {
    const server = await startProvider(protocol, { m: [{ gives: () => call }, { gives: () => answer }] });
    opened.push(server);
    const context = testContext({ models: { providers: [server.provider], defaultModels: ['m'] }, code: { sandbox } });
    const outcome = await runEffect(agent, { template: 'Add 1 and 2.', tools: [ADD] }, {}, context);
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      outputs: { text: 'It is 3.', steps: [{ tool_calls: [{ output: '{"sum":3}' }] }, {}] },
      usage: { inputTokens: 200, outputTokens: 20 },
    });
    expect(server.asked[1]?.body).toMatchObject(told);
  });
});

describe('an agent whose answer has a schema', () => {
  const output_schema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] };

  it('gives the object that it answers with', async () => {
    const { outcome, asked } = await run([{ calls: [['final_answer', '{"total": 3}']] }], { output_schema });
    expect(outcome).toMatchObject({ outputs: { object: { total: 3 }, text: '{"total":3}' } });
    expect(asked[0]?.tools).toMatchObject([{ function: { name: 'final_answer', parameters: output_schema } }]);
    expect(agent.outputsOf?.({ output_schema })).toMatchObject([{ name: 'object' }]);
    expect(agent.outputsOf?.({})).toEqual([]);
  });

  it('is told what does not fit, also when it writes its answer as text', async () => {
    const { outcome, asked } = await run(
      [{ calls: [['final_answer', '{"total": "three"}']] }, 'Three.', '{"total": "3"}', '```json\n{"total": 3}\n```'],
      { output_schema },
    );
    expect(told(asked, 2)[0]).toContain('/total must be number');
    expect(asked[2]?.messages.at(-1)).toMatchObject({ role: 'user', content: expect.stringContaining('final_answer') });
    expect(asked[3]?.messages.at(-1)).toMatchObject({
      content: expect.stringContaining('/total must be number'),
    });
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { object: { total: 3 } } });
  });

  it('fails when there is none in the end', async () => {
    const { outcome } = await run(['Three.'], { output_schema, max_steps: 2 });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'output_missing' } });
  });
});

describe('a workflow tool', () => {
  const tool = {
    type: 'workflow',
    name: 'Look up!',
    description: 'Looks a person up.',
    parameters: { type: 'object', properties: { name: { type: 'string' } } },
    workflow_id: 'w-1',
    timeout_seconds: 5,
  };

  function workflows(end: Partial<WorkflowCallEnd>) {
    const calls: WorkflowCall[] = [];
    const runWorkflow: NodeContext['runWorkflow'] = async (call) => {
      calls.push(call);
      return { runId: 'run-1', status: 'succeeded', output: {}, failure: null, ...end };
    };
    return { calls, runWorkflow };
  }

  it('runs it with the arguments as its input and names the run', async () => {
    const { calls, runWorkflow } = workflows({ output: { Found: 'Ada' } });
    const { outcome, asked, context } = await run(
      [{ calls: [['Look_up_', '{"name": "Ada"}']] }, 'Found.'],
      { tools: [tool] },
      { runWorkflow },
    );
    expect(calls).toMatchObject([{ workflowId: 'w-1', input: { name: 'Ada' }, place: '1.1', timeoutMs: 5_000 }]);
    expect(told(asked, 2)).toEqual(['{"Found":"Ada"}']);
    expect(outcome).toMatchObject({
      outputs: { steps: [{ tool_calls: [{ run_id: 'run-1', status: 'succeeded' }] }, {}] },
    });
    expect(stepsOf(context).get('001.01.Look_up_')?.outputs).toMatchObject({
      run_id: 'run-1',
      run_status: 'succeeded',
    });
  });

  it('fills a template of inputs, where no argument takes the place of a connected variable', async () => {
    const { calls, runWorkflow } = workflows({});
    await run(
      [{ calls: [['Look_up_', '{"name": "Ada", "Tenant": "other"}']] }, 'Found.'],
      { tools: [{ ...tool, inputs: { Name: '((name))', Tenant: '((Tenant))', Kind: 'person', Note: '((note))' } }] },
      { runWorkflow, values: { 'variables::Tenant': 'mine' } },
    );
    expect(calls[0]?.input).toEqual({ Name: 'Ada', Tenant: 'mine', Kind: 'person' });
  });

  it('tells the model why it failed', async () => {
    const { runWorkflow } = workflows({ status: 'failed', failure: { code: 'provider', message: 'It broke.' } });
    const { asked } = await run([{ calls: [['Look_up_', '{}']] }, 'No.'], { tools: [tool] }, { runWorkflow });
    expect(told(asked, 2)).toEqual(['Error: It broke.']);
  });
});

describe('an HTTP tool', () => {
  it('sends what the model gave as JSON, with a key that is the same for every try of the same call', async () => {
    const got: { body: string; key: string | undefined; token: string | undefined }[] = [];
    const origin = await serve(async (request, response) => {
      const { 'idempotency-key': key, 'x-token': token } = request.headers as Record<string, string | undefined>;
      got.push({ body: await text(request), key, token });
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id": 7}');
    });
    const post = {
      type: 'http',
      name: 'make',
      description: 'Makes a ticket.',
      method: 'POST',
      url: `${origin}/tickets`,
      headers: { 'X-Token': '((Token))' },
      body_type: 'json',
    };
    const turns: ChatTurn[] = [
      { calls: [['make', '{"title": "a"}']] },
      { calls: [['make', '{"title": "a"}']] },
      'Made.',
    ];
    const values = { 'variables::Token': 't-1' };
    const { outcome } = await run(turns, { tools: [post] }, { values });
    await run(turns, { tools: [post] }, { values, attempt: 2 });
    expect(outcome).toMatchObject({
      outputs: { steps: [{ tool_calls: [{ output: '{"id":7}', http_status: 201 }] }, {}, {}] },
    });
    expect(got[0]).toMatchObject({ body: '{"title":"a"}', token: 't-1' });
    const keys = got.map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    expect(keys.slice(2)).toEqual(keys.slice(0, 2));
  });

  it('is told of refusals and of errors that a server answers', async () => {
    const origin = await serve((_, response) => response.writeHead(404).end('no such page'));
    const get = (name: string, url: string) => ({ type: 'http', name, description: 'Reads.', url });
    const { asked } = await run(
      [
        {
          calls: [
            ['missing', '{}'],
            ['private', '{}'],
          ],
        },
        'No.',
      ],
      { tools: [get('missing', origin), get('private', 'http://169.254.169.254/latest')] },
    );
    expect(told(asked, 2)).toEqual([
      expect.stringContaining('answered 404. It said: no such page'),
      expect.stringMatching(/^Error: /),
    ]);
  });
});

describe('the check of an agent', () => {
  const one = (tool: JsonObject) => ({ tools: [tool] });
  it.each<[JsonObject, string | null]>([
    [{ tools: [ADD] }, null],
    [{ tools: JSON.stringify([ADD]) }, null],
    [{ tools: ':var[a.b]' }, null],
    [{ tools: 'none' }, 'Not JSON'],
    [{ tools: [ADD, ADD] }, 'Two tools are named "add"'],
    [{ tools: Array.from({ length: 65 }, () => ADD) }, 'at most 64'],
    [
      one({ ...ADD, type: 'web_research' }),
      'Tool "add" is of type "web_research", which this server does not have. There are workflow, http, code, mcp.',
    ],
    [one({ ...ADD, type: 'htp' }), 'Did you mean "http"?'],
    [one({ ...ADD, name: '' }), 'has no "name"'],
    [one({ ...ADD, description: '' }), 'has no "description"'],
    [one({ ...ADD, code: '' }), 'has no "code"'],
    [one({ ...ADD, code: 'function main( {' }), 'Tool "add": '],
    [one({ ...ADD, type: 'http', url: 'ftp://example.com' }), 'must begin with http'],
    [one({ ...ADD, parameters: { type: 'string' } }), '"type": "object"'],
    [one({ ...ADD, parameters: { type: 'object', patternProperties: { a: {} } } }), 'is not supported'],
    [one({ ...ADD, timeout_seconds: 0 }), '"timeout_seconds"'],
    [one({ type: 'mcp', url: 'https://example.com' }), 'has no "allowed_tools"'],
    [one({ type: 'workflow', name: 'a', description: 'b' }), 'has no "workflow_id"'],
    [{ output_schema: { type: 'array' } }, '"type": "object"'],
    [{ output_schema: '{"type": "object"}' }, null],
  ])('of %j finds: %s', (config, message) => {
    const issues = issuesOf(agent, config);
    expect(issues).toMatchObject(
      message === null ? [] : [{ severity: 'incomplete', message: expect.stringContaining(message) }],
    );
  });

  it('holds also when it runs', async () => {
    const { outcome } = await run([''], one({ ...ADD, type: 'memory' }));
    expect(outcome).toMatchObject({
      failure: { code: 'invalid_config', message: expect.stringContaining('"memory"') },
    });
  });
});
