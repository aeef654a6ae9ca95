import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ComfyuiTestServer,
  type ServedPrompt,
  startComfyuiServer,
  TINY_PNG,
} from '../../../test/support/comfyui-server.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { Outcome } from '../node-type.ts';
import { failureOf, issuesOf, outputsOf, runEffect, serve, type TestContext, testContext } from '../test-kit.ts';
import { createComfyuiWorkflow } from './comfyui-node.ts';

/** As in production, with short waits. */
const type = createComfyuiWorkflow({ quietMs: 150, looksMs: [5, 10, 20], unanswered: 8 });

const GRAPH: JsonObject = {
  '1': { class_type: 'RunflowInputString', inputs: { input_id: 'Prompt', display_name: '', description: '' } },
  '2': { class_type: 'KSampler', inputs: { text: ['1', 0], steps: 20 } },
  '3': { class_type: 'RunflowOutputImage', inputs: { output_id: 'Picture', output_name: '', value: ['2', 0] } },
};

/** `GRAPH` with a second output. */
const TWO_OUTPUTS: JsonObject = {
  ...GRAPH,
  '4': { class_type: 'RunflowOutputFile', inputs: { output_id: 'film', output_name: '', value: ['2', 1] } },
};

const opened: ComfyuiTestServer[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.stop();
});

async function start(script: Parameters<typeof startComfyuiServer>[0] = {}): Promise<ComfyuiTestServer> {
  const server = await startComfyuiServer(script);
  opened.push(server);
  return server;
}

function contextFor(servers: readonly { url: string }[], more: Parameters<typeof testContext>[0] = {}): TestContext {
  return testContext({ comfyui: servers.map(({ url }) => ({ url, authorization: null })), ...more });
}

function run(
  context: TestContext,
  inputs: Record<string, JsonValue> = { Prompt: 'a cat' },
  config: JsonObject = { workflow: GRAPH },
): Promise<Outcome> {
  const values = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`inputs::${name}`, value]));
  return runEffect(type, config, values, context);
}

/** Status by node, as told last. */
function statusesOf({ told }: TestContext): Record<string, string> {
  return Object.fromEntries(told.flatMap(({ steps }) => steps.map(({ id, status }) => [id, status])));
}

const warningsOf = (outcome: Outcome) =>
  outcome.kind === 'later' ? [] : (outcome.warnings ?? []).map(({ identifier, detail }) => `${identifier}: ${detail}`);

describe('a graph', () => {
  it('runs with the run’s values, and its files are kept', async () => {
    const server = await start();
    const context = contextFor([server]);
    const outcome = await run(context);
    expect(outputsOf(outcome)).toEqual({
      outputs: [
        {
          type: 'image',
          url: 'spot://f1',
          name: 'Picture',
          mime_type: 'image/png',
          size_bytes: TINY_PNG.length,
          filename: '3_00001_.png',
          width: 1,
          height: 1,
        },
      ],
      measures: { gpu_seconds: '2.500', server: server.url, prompt_id: server.prompts[0]?.id },
    });
    expect(warningsOf(outcome)).toEqual([]);
    expect(context.saved.get('f1')).toMatchObject({ file: { name: '3_00001_.png' }, bytes: TINY_PNG });
    const { prompt, id } = server.prompts[0]!;
    expect(prompt['1']?.inputs['value']).toBe('a cat');
    expect(prompt['3']?.inputs['millrun_run']).toBe(id);
    // The websocket is open before the prompt is submitted.
    expect(server.requests.indexOf('GET /ws (websocket)')).toBeLessThan(server.requests.indexOf('POST /prompt'));
  });

  it('tells its nodes as steps, few times, and writes lines', async () => {
    const server = await start({
      prompts: [
        (prompt) => {
          prompt.tell('execution_start');
          prompt.tell('execution_cached', { nodes: ['1'] });
          prompt.tell('executing', { node: '2', display_node: '2' });
          for (let value = 1; value <= 100; value++) {
            prompt.preview();
            prompt.tell('progress', { value, max: 100, node: '2' });
          }
          prompt.tell('executing', { node: '3', display_node: '3' });
          const output = { images: [{ filename: 'a.png', subfolder: 'x', type: 'output' }] };
          prompt.tell('executed', { node: '3', display_node: '3', output });
          prompt.end({ outputs: { '3': output } });
        },
      ],
    });
    const context = contextFor([server]);
    outputsOf(await run(context));
    expect(statusesOf(context)).toEqual({ '1': 'cached', '2': 'succeeded', '3': 'succeeded' });
    expect(context.told.length).toBeLessThan(20);
    expect(context.told.at(-1)).toMatchObject({ total: 3, completed: 3 });
    const steps = context.told.flatMap((one) => one.steps);
    expect(steps.findLast(({ id }) => id === '2')?.inputs).toEqual({
      class_type: 'KSampler',
      inputs: { text: ['1', 0], steps: 20 },
    });
    expect(steps.findLast(({ id }) => id === '3')?.outputs).toMatchObject({ images: [{ filename: 'a.png' }] });
    const lines = context.logged.map((line) => line.split(' {')[0]);
    expect(lines).toContain('info Node 2 (KSampler) began.');
    const tenths = lines.filter((line) => line?.startsWith('info Node 2 (KSampler): '));
    expect(tenths).toEqual(
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((tenth) => `info Node 2 (KSampler): ${tenth} %`),
    );
  });

  it('is told by the states of all nodes where the server gives them, inner nodes as the node that made them', async () => {
    const state = (node: string, value: string) => ({
      state: value,
      value: 1,
      max: 1,
      display_node_id: node.split('.')[0],
    });
    const server = await start({
      prompts: [
        (prompt) => {
          prompt.tell('execution_start');
          prompt.tell('progress_state', { nodes: { '1': state('1', 'running'), '2': state('2', 'running') } });
          prompt.tell('executing', { node: '2.0.0.1', display_node: '2' });
          prompt.tell('progress_state', {
            nodes: { '1': state('1', 'finished'), '2.0.0.1': state('2.0.0.1', 'running') },
          });
          prompt.end({ error: { node_id: '2', node_type: 'KSampler', exception_type: 'E', exception_message: 'x' } });
        },
      ],
    });
    const context = contextFor([server]);
    failureOf(await run(context));
    expect(statusesOf(context)).toEqual({ '1': 'succeeded', '2': 'failed' });
  });

  it('runs on the least busy server, and passes over those that do not answer or lack its classes', async () => {
    const busy = await start();
    busy.others.push('a', 'b');
    const idle = await start();
    const lacking = await start({ classes: ['LoadImage', 'SaveImage'] });
    const gone = await start();
    await gone.stop();
    outputsOf(await run(contextFor([gone, busy, lacking, idle])));
    expect([busy, lacking, idle].map(({ prompts }) => prompts.length)).toEqual([0, 0, 1]);
  });

  it('is spread over idle servers when several begin at once', async () => {
    const servers = [await start(), await start()];
    // Runs of their own: their prompts have ids of their own.
    const context = (key: string) => ({ ...contextFor(servers), idempotencyKey: key });
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => run(context(key) as TestContext)));
    expect(servers.map(({ prompts }) => prompts.length)).toEqual([2, 2]);
  });

  it('is authorized where the server wants it, on the websocket too', async () => {
    const server = await start({ authorization: 'Bearer secret' });
    const context = testContext({ comfyui: [{ url: server.url, authorization: 'Bearer secret' }] });
    outputsOf(await run(context));
    const refused = failureOf(await run(contextFor([server])));
    expect(refused).toBe(
      `network: No ComfyUI server can be used. ${server.url} answered 401 to GET /system_stats. Check the credentials in COMFYUI_URL.`,
    );
    expect(JSON.stringify([refused, context.logged, context.told])).not.toContain('secret');
  });
});

describe('files', () => {
  const TAKES_FILES: JsonObject = {
    '1': { class_type: 'RunflowInputImage', inputs: { input_id: 'photo' } },
    '2': { class_type: 'RunflowInputFile', inputs: { input_id: 'lora', file_name: '' } },
    '3': { class_type: 'Mask', inputs: { image: ['1', 0], lora: ['2', 0], mask: 'masks/a.png' } },
    '4': { class_type: 'RunflowOutputImage', inputs: { output_id: 'Picture', value: ['3', 0] } },
  };

  it('come from an address, from a data address and from the store, and are used by the names that the server gives', async () => {
    const origin = await serve((_, answer) => answer.setHeader('content-type', 'image/png').end(TINY_PNG));
    const server = await start({ rename: (name) => name.replace('.', ' (1).') });
    const context = contextFor([server]);
    const { id } = await context.files.save({ name: 'm.png', contentType: 'image/png', bytes: TINY_PNG });
    const inputs = { photo: { url: `${origin}/cat.png?key=1` }, lora: 'data:application/octet-stream;base64,AAEC' };
    const config = { workflow: TAKES_FILES, resources: { 'masks/a.png': `spot://${id}` } };
    outputsOf(await run(context, inputs, config));
    const named = (bytes: Buffer, end: string) =>
      `millrun-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}${end}`;
    expect(server.uploads).toEqual([
      { name: named(TINY_PNG, '.png'), subfolder: '', contentType: 'image/png', bytes: TINY_PNG },
      {
        name: named(Buffer.from([0, 1, 2]), ''),
        subfolder: '',
        contentType: 'application/octet-stream',
        bytes: Buffer.from([0, 1, 2]),
      },
      { name: 'a.png', subfolder: 'masks', contentType: 'image/png', bytes: TINY_PNG },
    ]);
    const { prompt } = server.prompts[0]!;
    expect(prompt['5']).toEqual({ class_type: 'LoadImage', inputs: { image: named(TINY_PNG, ' (1).png') } });
    expect(prompt['1']?.inputs['value']).toEqual(['5', 0]);
    expect(prompt['2']?.inputs['value']).toBe(named(Buffer.from([0, 1, 2]), ''));
    expect(prompt['3']?.inputs['mask']).toBe('masks/a (1).png');
  });

  it('that cannot be had fail the node before anything is submitted', async () => {
    const server = await start();
    const context = contextFor([server]);
    const fails = async (photo: JsonValue) =>
      failureOf(await run(context, { photo, lora: 'data:,x' }, { workflow: TAKES_FILES }));
    expect(await fails('spot://nowhere')).toMatch(/^invalid_input: There is no file spot:\/\/nowhere/);
    expect(await fails('cat.png')).toMatch(/^invalid_input: Input "photo" takes a file: /);
    expect(await fails('http://10.0.0.1/a.png')).toMatch(/^address_refused: /);
    const origin = await serve((_, answer) => answer.writeHead(404).end());
    expect(await fails(`${origin}/a.png`)).toMatch(/^http_status: .* answered 404 instead of a file/);
    expect(server.requests).toEqual([]);
  });
});

describe('what a graph made', () => {
  const ends = (outputs: JsonObject) => ({ prompts: [(prompt: ServedPrompt) => prompt.end({ outputs })] });
  const file = (filename: string, folder = 'output', subfolder = '') => ({ filename, subfolder, type: folder });

  it('is given in the order of the declared outputs, with its kind, and without what is no file', async () => {
    const server = await start(
      ends({
        '4': { files: [file('scene.glb'), file('film.mp4', 'output', 'video/2026')], text: ['done'], animated: [true] },
        '3': { text: ['a'], images: [file('b.png'), file('film.webm')], gifs: [file('c.gif')] },
        '9': { images: [file('of-nobody.png')] },
      }),
    );
    for (const name of ['/scene.glb', 'video/2026/film.mp4', '/film.webm', '/c.gif'])
      server.files.set(`output/${name}`, { contentType: 'application/octet-stream', bytes: Buffer.from('1234') });
    const { outputs } = outputsOf(await run(contextFor([server]), undefined, { workflow: TWO_OUTPUTS }));
    const brief = (outputs as JsonObject[]).map((one) => [one['name'], one['type'], one['mime_type'], one['filename']]);
    expect(brief).toEqual([
      ['Picture', 'image', 'image/png', 'b.png'],
      ['Picture', 'video', 'video/webm', 'film.webm'],
      ['Picture', 'image', 'image/gif', 'c.gif'],
      ['film', '3d', 'model/gltf-binary', 'scene.glb'],
      ['film', 'video', 'video/mp4', 'film.mp4'],
    ]);
    expect(server.requests.filter((request) => request === 'GET /view')).toHaveLength(5);
  });

  it('is its previews only where there is nothing else', async () => {
    const both = await start(ends({ '3': { images: [file('a.png', 'temp'), file('b.png')] } }));
    const previews = await start(ends({ '3': { images: [file('a.png', 'temp')] } }));
    const names = async (server: ComfyuiTestServer) =>
      (outputsOf(await run(contextFor([server])))['outputs'] as JsonObject[]).map(({ filename }) => filename);
    expect([await names(both), await names(previews)]).toEqual([['b.png'], ['a.png']]);
  });

  it('is every file where nothing is declared, named by the title of its node', async () => {
    const server = await start();
    const workflow = {
      '1': { class_type: 'EmptyImage', inputs: {} },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0] }, _meta: { title: 'Save it' } },
      '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    const { outputs } = outputsOf(await run(contextFor([server]), {}, { workflow }));
    expect((outputs as JsonObject[]).map(({ name }) => name)).toEqual(['Save it', '3']);
  });

  it('is partial when an output is missing or its file is gone, and says so', async () => {
    const server = await start(ends({ '3': { images: [file('a.png')] }, '4': { files: [file('gone.mp4')] } }));
    server.files.set('output//gone.mp4', null);
    const outcome = await run(contextFor([server]), undefined, { workflow: TWO_OUTPUTS });
    expect(warningsOf(outcome)).toEqual(['general: The graph succeeded and left no file for "film".']);
    expect(outcome).toMatchObject({ warnings: [{ partial: true, params: { missing: ['film'] } }] });
    const { outputs, measures } = outputsOf(outcome);
    expect(outputs).toHaveLength(1);
    expect(measures).toMatchObject({ partial: true, missing: ['film'], gpu_seconds: '2.500' });
  });

  it('is a failure when every declared output is missing', async () => {
    const server = await start(ends({ '3': { text: ['no file'] } }));
    expect(failureOf(await run(contextFor([server])))).toMatch(/^output_missing: .* left no file for "Picture"/);
  });

  it('may be nothing where nothing is declared, with a warning', async () => {
    const server = await start(ends({}));
    const outcome = await run(contextFor([server]), {}, { workflow: { '1': { class_type: 'Noop', inputs: {} } } });
    expect(outputsOf(outcome)['outputs']).toEqual([]);
    expect(warningsOf(outcome)).toEqual([expect.stringMatching(/^no_results_returned: /)]);
  });
});

describe('a server that knows no Runflow nodes', () => {
  it('runs the graph with ComfyUI’s own nodes', async () => {
    const server = await start({ classes: ['KSampler', 'LoadImage', 'SaveImage'] });
    const { outputs } = outputsOf(await run(contextFor([server])));
    const { prompt } = server.prompts[0]!;
    expect(Object.values(prompt).map((node) => node.class_type)).toEqual(['KSampler', 'SaveImage']);
    expect(prompt['2']?.inputs['text']).toBe('a cat');
    expect(outputs).toMatchObject([{ name: 'Picture', filename: '3_00001_.png' }]);
  });

  it('is not asked to run what it cannot, and the missing classes are told', async () => {
    const server = await start({ classes: ['LoadImage', 'SaveImage'] });
    expect(failureOf(await run(contextFor([server])))).toBe(
      `not_configured: ${server.url} cannot run this graph. It has no class KSampler (node 2). Install the custom nodes that bring it.`,
    );
    expect(server.prompts).toEqual([]);
  });
});

describe('a failure', () => {
  it('of the submission lists the errors of every node', async () => {
    const server = await start({
      refuse: () => ({
        error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', details: '' },
        node_errors: {
          '2': {
            class_type: 'KSampler',
            errors: [
              { type: 'value_bigger_than_max', message: 'Value 999 bigger than max of 100', details: 'steps' },
              { type: 'required_input_missing', message: 'Required input is missing', details: 'model' },
            ],
          },
          '3': { class_type: 'RunflowOutputImage', errors: [{ message: 'Return type mismatch', details: 'value' }] },
        },
      }),
    });
    const context = contextFor([server]);
    const outcome = await run(context);
    expect(failureOf(outcome)).toBe(
      `provider: ${server.url} refused the prompt: Prompt outputs failed validation. Node 2 (KSampler): Value 999 bigger than max of 100: steps. Node 2 (KSampler): Required input is missing: model. Node 3 (RunflowOutputImage): Return type mismatch: value.`,
    );
    expect(outcome).toMatchObject({ retryable: false, failure: { stage: 'dispatch', httpStatus: 400 } });
    expect(context.told).toEqual([]);
  });

  it('of a node is told with its traceback, and what ran is marked', async () => {
    const error = {
      node_id: '2',
      node_type: 'KSampler',
      exception_type: 'torch.OutOfMemoryError',
      exception_message: 'Allocation on device\n',
      traceback: ['  File "nodes.py", line 1\n'],
      executed: ['1'],
    };
    const server = await start({
      prompts: [
        (prompt) => {
          prompt.tell('execution_start');
          prompt.tell('executing', { node: '1' });
          prompt.tell('executing', { node: '2' });
          prompt.end({ error });
        },
      ],
    });
    const context = contextFor([server]);
    const outcome = await run(context);
    expect(failureOf(outcome)).toBe(
      'provider: Node 2 (KSampler) of the ComfyUI graph failed. torch.OutOfMemoryError: Allocation on device',
    );
    expect(outcome).toMatchObject({ retryable: false, failure: { stage: 'execution' } });
    expect(statusesOf(context)).toEqual({ '1': 'succeeded', '2': 'failed' });
    expect(context.logged.filter((line) => line.startsWith('error'))).toEqual([
      expect.stringContaining('"traceback":["  File \\"nodes.py\\", line 1\\n"]'),
    ]);
    const failed = context.told.flatMap(({ steps }) => steps).find(({ status }) => status === 'failed');
    expect(failed?.failure).toMatchObject({ code: 'provider' });
  });

  it('of a part that ComfyUI goes on without is not the end', async () => {
    const server = await start({
      prompts: [
        (prompt) => {
          prompt.tell('execution_start');
          prompt.tell('execution_error', { node_id: '2', exception_type: 'ExecutionBlocked', exception_message: 'no' });
          setTimeout(() => prompt.end({ outputs: { '3': { images: [{ filename: 'a.png' }] } } }), 50);
        },
      ],
    });
    expect(outputsOf(await run(contextFor([server])))['outputs']).toHaveLength(1);
  });

  it('by somebody who interrupts the prompt at the server says so', async () => {
    const server = await start({
      prompts: [(prompt) => prompt.end({ error: { type: 'execution_interrupted', node_id: '2' } })],
    });
    const context = contextFor([server]);
    expect(failureOf(await run(context))).toMatch(/^provider: The graph was interrupted at http/);
    expect(statusesOf(context)).toEqual({ '2': 'canceled' });
  });

  it.each<[string, JsonObject, Record<string, JsonValue>, RegExp]>([
    [
      'values',
      { workflow: GRAPH },
      { Prompt: [], Promt: 'x' },
      /^invalid_input: Input "Prompt" takes text.* Did you mean "Prompt"/,
    ],
    ['the graph', { workflow: { nodes: [] } }, {}, /^invalid_config: .*Export \(API\)/],
    ['declared inputs', { workflow: GRAPH, inputs: [{ name: 'a' }] }, {}, /^invalid_config: Each declared input needs/],
    [
      'declared nodes',
      { workflow: GRAPH, outputs: [{ name: 'a', nodeId: '77', type: 'IMAGE' }] },
      {},
      /^invalid_config: "a" belongs to node 77/,
    ],
    [
      'resources',
      { workflow: GRAPH, resources: { '../a': 'spot://x' } },
      {},
      /^invalid_config: The resource "..\/a" is no path/,
    ],
  ])('by mistakes in %s is told before a server is asked', async (_, config, inputs, message) => {
    const server = await start();
    expect(failureOf(await run(contextFor([server]), inputs, config))).toMatch(message);
    expect(server.requests).toEqual([]);
  });

  it('without a server says how to configure one', async () => {
    expect(failureOf(await run(testContext()))).toMatch(/^not_configured: .*COMFYUI_URL/);
  });

  it('may be tried again when no server answers', async () => {
    const gone = await start();
    await gone.stop();
    const outcome = await run(contextFor([gone]));
    expect(failureOf(outcome)).toMatch(/^network: No ComfyUI server can be used. .*ECONNREFUSED/);
    expect(outcome).toMatchObject({ retryable: true });
  });
});

describe('a websocket', () => {
  const outputs = { '3': { images: [{ filename: 'a.png', subfolder: '', type: 'output' }] } };

  it('that drops is opened again, and what happened meanwhile is found in the history', async () => {
    const server = await start({
      prompts: [
        (prompt) => {
          prompt.tell('execution_start');
          prompt.tell('executing', { node: '2' });
          prompt.drop();
          setTimeout(() => prompt.end({ outputs }), 60);
        },
      ],
    });
    const context = contextFor([server]);
    expect(outputsOf(await run(context))).toMatchObject({ measures: { gpu_seconds: '2.500' } });
    expect(server.requests.filter((request) => request.includes('websocket')).length).toBeGreaterThan(1);
    expect(server.prompts).toHaveLength(1);
    expect(statusesOf(context)).toMatchObject({ '3': 'succeeded' });
  });

  it('that is silent about the end does not keep it from being found', async () => {
    const server = await start({
      prompts: [(prompt) => void setTimeout(() => prompt.end({ outputs, silently: true }), 20)],
    });
    expect(outputsOf(await run(contextFor([server])))['outputs']).toHaveLength(1);
  });

  it('that tells of other clients’ prompts is not mistaken', async () => {
    const server = await start({
      prompts: [
        (prompt) => {
          const other = { ...prompt, id: 'other' };
          prompt.tell('execution_start');
          // `tell` puts the prompt's own id last; another's is told by hand.
          server.tellAll('execution_error', { prompt_id: other.id, node_id: '2', exception_message: 'not ours' });
          server.tellAll('executing', { prompt_id: other.id, node: null });
          server.tellAll('executing', { prompt_id: other.id, node: '2' });
          setTimeout(() => prompt.end({ outputs }), 30);
        },
      ],
    });
    const context = contextFor([server]);
    outputsOf(await run(context));
    expect(statusesOf(context)).toEqual({ '3': 'succeeded' });
    expect(context.logged.join()).not.toContain('not ours');
  });

  it('may tell the beginning before the submission is answered, also under an id of the server', async () => {
    const server = await start({ ownIds: true });
    const context = contextFor([server]);
    expect(outputsOf(await run(context))).toMatchObject({ measures: { prompt_id: 'own-0' } });
    expect(statusesOf(context)).toEqual({ '1': 'succeeded', '2': 'succeeded', '3': 'succeeded' });
  });
});

describe('a prompt', () => {
  it('that a restart of the server lost is submitted once more', async () => {
    const restarts = (prompt: ServedPrompt) => {
      prompt.tell('execution_start');
      setTimeout(() => server.restart(), 20);
    };
    const server = await start({ prompts: [restarts, (prompt) => prompt.play()] });
    const context = contextFor([server]);
    expect(outputsOf(await run(context))['outputs']).toHaveLength(1);
    expect(server.prompts).toHaveLength(2);
    expect(new Set(server.prompts.map(({ id }) => id)).size).toBe(2);
    expect(context.logged.join('\n')).toContain('lost the prompt. It is submitted once more.');
  });

  it('that is lost twice fails', async () => {
    const server = await start({ prompts: [() => void setTimeout(() => server.restart(), 20)] });
    const outcome = await run(contextFor([server]));
    expect(failureOf(outcome)).toMatch(/^worker_lost: http.* lost the prompt after it was submitted 2 times/);
    expect(outcome).toMatchObject({ retryable: false });
    expect(server.prompts).toHaveLength(2);
  });

  it('of a server that is gone for good is given to another', async () => {
    const first = await start({ prompts: [() => void setTimeout(() => first.stop(), 20)] });
    const second = await start();
    second.others.push('a');
    expect(outputsOf(await run(contextFor([first, second])))).toMatchObject({ measures: { server: second.url } });
  });

  it('that runs is interrupted when the run is stopped', async () => {
    const server = await start({ prompts: [(prompt) => prompt.tell('execution_start')] });
    const stop = new AbortController();
    const running = run(contextFor([server], { signal: stop.signal }));
    await server.got(1);
    stop.abort();
    expect(failureOf(await running)).toBe('timeout: The ComfyUI graph was stopped.');
    await server.prompts[0]?.interrupted;
    expect(server.interrupts).toEqual([server.prompts[0]?.id]);
  });

  it('that waits is taken out of the queue when the run is stopped, and nothing is interrupted', async () => {
    const server = await start({ prompts: [() => {}] });
    const stop = new AbortController();
    const running = run(contextFor([server], { signal: stop.signal }));
    await server.got(1);
    stop.abort();
    failureOf(await running);
    expect([server.dequeued, server.interrupts]).toEqual([[server.prompts[0]?.id], []]);
  });

  it('that an earlier life of the same try submitted is found again, whether it waits or has ended', async () => {
    const kept: ServedPrompt[] = [];
    const server = await start({ prompts: [(prompt) => kept.push(prompt)] });
    const dead = run(contextFor([server]));
    await server.got(1);
    const again = run(contextFor([server]));
    kept[0]?.play();
    expect(outputsOf(await again)['outputs']).toHaveLength(1);
    await dead;
    expect(outputsOf(await run(contextFor([server])))['outputs']).toHaveLength(1);
    expect(server.prompts).toHaveLength(1);
    // A further try is a submission of its own.
    const further = run(contextFor([server], { attempt: 2 }));
    await server.got(2);
    kept[1]?.play();
    outputsOf(await further);
  });

  it('that was interrupted in an earlier life begins again', async () => {
    const server = await start({
      prompts: [(prompt) => prompt.end({ error: { type: 'execution_interrupted' } }), (prompt) => prompt.play()],
    });
    failureOf(await run(contextFor([server])));
    expect(outputsOf(await run(contextFor([server])))['outputs']).toHaveLength(1);
    expect(server.prompts).toHaveLength(2);
  });
});

describe('a definition', () => {
  it('with mistakes in its graph is incomplete, and one with a deploy key is not saved', () => {
    const issues = issuesOf(type, {
      workflow: { '1': { class_type: 'A', inputs: { x: ['9', 0] } }, '2': { class_type: 'RunflowDeploy', inputs: {} } },
    });
    expect(issues.map(({ severity }) => severity)).toEqual(['incomplete', 'invalid']);
    expect(issuesOf(type, { workflow: GRAPH })).toEqual([]);
  });
});
