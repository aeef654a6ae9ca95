import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from './server.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'examples');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

/** The address that the lines in the README speak of. */
const WRITTEN_URL = 'http://127.0.0.1:8080';

/** A server as it comes: no model, no private address allowed. */
let bare: Server;
/** A server with a model, which may call this machine. */
let equipped: Server;
const model = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const asked = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const said = asked.messages.map(({ role, content }: { role: string; content: unknown }) => [role, content]);
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        id: 'answer-1',
        object: 'chat.completion',
        created: 1_760_000_000,
        model: asked.model,
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: JSON.stringify(said) } }],
        usage: { prompt_tokens: 21, completion_tokens: 8, total_tokens: 29 },
      }),
    );
  });
});

beforeAll(async () => {
  await new Promise<void>((ready) => model.listen(0, '127.0.0.1', ready));
  const { port } = model.address() as AddressInfo;
  [bare, equipped] = await Promise.all([
    startServer(),
    startServer({
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      MILLRUN_MODELS: 'small-model',
      MILLRUN_HTTP_ALLOW: '127.0.0.1',
    }),
  ]);
});

afterAll(async () => {
  await Promise.all([bare?.stop(), equipped?.stop()]);
  await new Promise((closed) => model.close(closed).closeAllConnections());
});

async function post(server: Server, path: string, body: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': server.key, 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(200);
  return answer.json() as Promise<Record<string, unknown>>;
}

/** Saves an example and runs it once. @returns the run's output */
async function runExample(server: Server, file: string, input: object): Promise<unknown> {
  const { id } = await post(server, '/v1/workflows', readFileSync(join(FOLDER, file), 'utf8'));
  const run = await post(server, `/v1/workflows/${id}/runs/sync`, JSON.stringify({ input }));
  expect(run).toMatchObject({ status: 'completed' });
  return run['output'];
}

describe('the example', () => {
  it.each(FILES)('%s is saved, describes itself and has nothing that keeps it from running', async (file) => {
    const record = await post(bare, '/v1/workflows', readFileSync(join(FOLDER, file), 'utf8'));
    expect(record).toMatchObject({ validation: [], description: expect.stringMatching(/\.$/) });
  });

  it('3-routing.json takes the branch of the status that an address answers', async () => {
    const report = (url: string) => runExample(equipped, '3-routing.json', { URL: url });
    expect(await report(`${equipped.url}/healthz`)).toEqual({ Report: 'up: it answered 200' });
    expect(await report(`${equipped.url}/nowhere`)).toEqual({ Report: 'refused: it answered 404' });
  });

  it('3-routing.json completes through on_error when the call fails', async () => {
    expect(await runExample(bare, '3-routing.json', { URL: bare.url })).toEqual({
      Report: expect.stringMatching(/^unreachable: /),
    });
  });

  it('5-model.json gives what the model writes', async () => {
    const output = (await runExample(equipped, '5-model.json', { Text: 'Rain fell.' })) as { Summary: string };
    expect(Object.keys(output)).toEqual(['Summary']);
    expect(JSON.parse(output.Summary)).toEqual([
      ['system', 'You answer with one short sentence.'],
      ['user', 'Summarise this text:\n\nRain fell.'],
    ]);
  });
});

describe('the README of the examples', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  const chapters = readme
    .split(/^## /m)
    .slice(1)
    .map((chapter) => {
      const [lines = '', answer = ''] = [...chapter.matchAll(/^```(?:sh|json)\n([\s\S]+?)^```/gm)].map(
        ([, text]) => text,
      );
      return { title: chapter.split('\n', 1)[0], lines, answer };
    });

  it('has a chapter for each file', () => {
    expect(chapters).toHaveLength(FILES.length);
    for (const [index, file] of FILES.entries()) expect(chapters[index]?.lines).toContain(`-d @examples/${file} `);
  });

  it.each(chapters)('gives lines under "$title" that print the answer shown', async ({ lines, answer }) => {
    const here = (text: string) => text.replaceAll(WRITTEN_URL, bare.url);
    const { stdout } = await promisify(execFile)('bash', ['-euc', here(lines)], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], MILLRUN_API_KEY: bare.key },
    });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(here(answer)));
  });
});
