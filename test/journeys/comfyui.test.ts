import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type ComfyuiTestServer, startComfyuiServer, TINY_PNG } from '../support/comfyui-server.ts';
import { edge, http, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const CREDENTIALS = 'painter:hunter2hunter2';

const GRAPH = {
  '1': { class_type: 'RunflowInputString', inputs: { input_id: 'Prompt', display_name: '', description: '' } },
  '2': { class_type: 'KSampler', inputs: { text: ['1', 0] } },
  '3': { class_type: 'RunflowOutputImage', inputs: { output_id: 'Picture', output_name: '', value: ['2', 0] } },
};

const PAINT = {
  nodes: [
    input('in', 'Prompt'),
    { id: 'paint', type: 'ComfyUIWorkflowNode', name: 'Paint', node_config: { workflow: GRAPH } },
    output('out', 'Pictures'),
  ],
  edges: [edge('in::output', 'paint::inputs::Prompt'), edge('paint::outputs', 'out::input')],
};

let comfyui: ComfyuiTestServer;
let server: TestServer;
beforeAll(async () => {
  comfyui = await startComfyuiServer({ authorization: `Basic ${Buffer.from(CREDENTIALS).toString('base64')}` });
  const url = comfyui.url.replace('//', `//${CREDENTIALS}@`);
  server = await startPlatform({ settings: { 'comfyui-url': url, 'http-allow': 'nowhere.example' } });
});
afterAll(async () => {
  await server.stop();
  await comfyui.stop();
});

describe('a workflow with a ComfyUI graph', () => {
  it('runs it at the configured server and gives its files', async () => {
    const workflow = await server.client.save(PAINT);
    expect(workflow.validation).toEqual([]);
    const run: Wire = await server.client.run(workflow.id, { input: { Prompt: 'a cat' } });
    expect(run).toMatchObject({ status: 'completed', output: { Pictures: [{ type: 'image', name: 'Picture' }] } });
    expect(comfyui.prompts[0]?.prompt['1']?.inputs['value']).toBe('a cat');
    const logs = await server.client.get(`/v1/workflows/${workflow.id}/logs`);
    expect(logs.items).toContainEqual(
      expect.objectContaining({ node_id: 'paint', message: 'Node 2 (KSampler) began.' }),
    );
    expect(JSON.stringify([run, logs])).not.toContain('hunter2');
    const [file] = run.output.Pictures;
    expect(file).toMatchObject({ url: expect.stringMatching(/^spot:\/\//), size_bytes: TINY_PNG.length });
  });

  it('does not open that server to the requests of workflows', async () => {
    const definition = {
      nodes: [http('call', `${comfyui.url}/queue`), output('out', 'Answer')],
      edges: [edge('call::body', 'out::input')],
    };
    const workflow = await server.client.save(definition);
    const run = await server.client.run(workflow.id, { input: {} });
    expect(run.status).toBe('failed');
    expect(JSON.stringify(run)).toContain('is not a public address');
  });
});
