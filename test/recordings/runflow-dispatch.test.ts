import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComfyuiTestServer, startComfyuiServer } from '../support/comfyui-server.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { type Recording, replayAll } from './replay.ts';
import { FORMS } from './runflow-strict.ts';

/** Clients that deploy and dispatch: a ComfyUI workflow goes to a ComfyUI server, a model to its endpoint, both on real sockets. */
const recordings: readonly Recording[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'runflow-clients-dispatch.json'), 'utf8'),
);

let comfyui: ComfyuiTestServer;
let endpoint: OtherServer;
let server: TestServer;
beforeAll(async () => {
  comfyui = await startComfyuiServer();
  endpoint = await startOtherServer((_, response) => {
    sendJson(response, {
      choices: [{ index: 0, message: { role: 'assistant', content: 'Lit.' }, finish_reason: 'stop' }],
    });
  });
  server = await startPlatform({
    settings: { 'comfyui-url': comfyui.url, 'openai-base-url': `${endpoint.url}/v1`, 'openai-api-key': 'sk-secret' },
  });
  const { status, text } = await new RunflowClient(server).send('POST', '/v1/models', {
    name: 'Painter',
    slug: 'acme/painter',
    inputs: [{ name: 'prompt', variable_type_code: 'string', is_required: true }],
    outputs: [{ name: 'answer', variable_type_code: 'text' }],
    backend: { kind: 'openai_chat', model: 'small-model' },
  });
  expect(status, text).toBe(201);
});
afterAll(async () => {
  await server.stop();
  await endpoint.stop();
  await comfyui.stop();
});

describe.each(['', '/runflow'])('under the prefix "%s"', (prefix) => {
  it.each(recordings.map((recording) => [recording.client, recording] as const))(
    'what %s sends is answered as it needs',
    async (_, recording) => {
      const kept = new Map([
        ['key', KEY],
        ['client_ref', 'grid-7f3a'],
        ['model_owner', 'acme'],
        ['model_slug', 'painter'],
        ['workflow_slug', prefix === '' ? 'portraits' : 'portraits-2'],
      ]);
      await replayAll(server.url + prefix, recording, FORMS, kept);
    },
  );
});
