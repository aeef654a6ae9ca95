import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { embedderConformance } from './embedder.conformance.ts';
import { EmbeddingError } from './embedder.ts';
import { type EmbeddingUsage, type OpenAiOptions, openOpenAiEmbedder } from './openai.ts';

const DIMENSIONS = 4;

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: { model: string; input: string[]; encoding_format: string; dimensions?: number };
}

type Answer = (asked: Asked, response: ServerResponse) => void;

/** A vector that tells texts apart by their letters. */
function vectorOf(text: string, dimensions = DIMENSIONS): number[] {
  return Array.from({ length: dimensions }, (_, i) =>
    [...text].reduce((sum, letter, place) => sum + Math.sin(letter.charCodeAt(0) * (i + 1) + place), 0.1),
  );
}

const answerWell: Answer = ({ body }, response) => {
  const data = body.input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ object: 'list', data, usage: { prompt_tokens: 10, total_tokens: 10 } }));
};

/** Starts a server that gives the answers in turn, the last one for ever, and keeps what it was asked. */
async function serve(...answers: Answer[]): Promise<{ baseUrl: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call: Asked = {
      path: request.url ?? '',
      authorization: request.headers.authorization,
      body: JSON.parse(Buffer.concat(chunks).toString()),
    };
    asked.push(call);
    (answers[asked.length - 1] ?? answers.at(-1)!)(call, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

async function open(baseUrl: string, options: Partial<OpenAiOptions> = {}) {
  const embedder = await openOpenAiEmbedder({ baseUrl, model: 'm', dimensions: DIMENSIONS, backoff: 1, ...options });
  onTestFinished(() => embedder.close());
  return embedder;
}

const refuse =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (_asked, response) => {
    response.writeHead(status, headers).end('{"error":{"message":"not now"}}');
  };

// The id names the host, so the conformance suite asks one server throughout.
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  answerWell({ path: '', authorization: undefined, body: JSON.parse(Buffer.concat(chunks).toString()) }, response);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
embedderConformance('an OpenAI-compatible endpoint', async () => {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return openOpenAiEmbedder({ baseUrl: `http://127.0.0.1:${port}/v1`, model: 'm', dimensions: DIMENSIONS });
});

it('asks <base>/embeddings with the model, the texts and the key', async () => {
  const { baseUrl, asked } = await serve(answerWell);
  await (await open(`${baseUrl}/`, { apiKey: 'sk-1', shorten: true })).embed(['a', 'b'], 'document');
  expect(asked).toEqual([
    {
      path: '/v1/embeddings',
      authorization: 'Bearer sk-1',
      body: { model: 'm', input: ['a', 'b'], encoding_format: 'float', dimensions: DIMENSIONS },
    },
  ]);
});

it('cuts the texts into requests by count and by characters, and keeps their order', async () => {
  const { baseUrl, asked } = await serve(answerWell);
  const texts = ['aa', 'bb', 'cc', 'dddddddd', 'e', 'f'];
  const vectors = await (await open(baseUrl, { batchTexts: 2, batchCharacters: 6 })).embed(texts, 'document');
  expect(asked.map(({ body }) => body.input)).toEqual([['aa', 'bb'], ['cc'], ['dddddddd'], ['e', 'f']]);
  const [alone] = await (await open(baseUrl)).embed(['e'], 'document');
  expect(vectors[4]).toEqual(alone);
});

it('sends no text that says nothing, and shortens what is too long for models', async () => {
  const { baseUrl, asked } = await serve(answerWell);
  const [empty] = await (await open(baseUrl, { textCharacters: 3 })).embed(['  ', 'abcdef'], 'document');
  expect(empty).toEqual(new Float32Array(DIMENSIONS));
  expect(asked.map(({ body }) => body.input)).toEqual([['abc']]);
});

it('puts the prefix of the purpose before each text, and names prefixes in its id', async () => {
  const { baseUrl, asked } = await serve(answerWell);
  const embedder = await open(baseUrl, { prefixes: { query: 'query: ', document: 'passage: ' } });
  await embedder.embed(['a'], 'query');
  await embedder.embed(['a'], 'document');
  expect(asked.map(({ body }) => body.input)).toEqual([['query: a'], ['passage: a']]);
  expect(embedder.id).not.toBe((await open(baseUrl)).id);
});

it('places vectors by their index, whatever order the server answers in', async () => {
  const { baseUrl } = await serve(({ body }, response) => {
    const data = body.input.map((text, index) => ({ index, embedding: vectorOf(text) })).reverse();
    response.end(JSON.stringify({ data }));
  });
  const ordered = await serve(answerWell);
  expect(await (await open(baseUrl)).embed(['a', 'b'], 'query')).toEqual(
    await (await open(ordered.baseUrl)).embed(['a', 'b'], 'query'),
  );
});

it.each([429, 500, 503])('tries again after status %i, as soon as the server allows', async (status) => {
  const { baseUrl, asked } = await serve(refuse(status, { 'retry-after': '0' }), refuse(status), answerWell);
  expect(await (await open(baseUrl)).embed(['a'], 'query')).toHaveLength(1);
  expect(asked).toHaveLength(3);
});

it('gives up after the configured tries, saying that the trouble may pass', async () => {
  const { baseUrl, asked } = await serve(refuse(503));
  const failed = (await open(baseUrl, { retries: 2 })).embed(['a'], 'query');
  await expect(failed).rejects.toMatchObject({ temporary: true, message: expect.stringContaining('503') });
  expect(asked).toHaveLength(3);
});

it('does not repeat a request that the server calls wrong', async () => {
  const { baseUrl, asked } = await serve(refuse(401));
  await expect((await open(baseUrl)).embed(['a'], 'query')).rejects.toMatchObject({
    temporary: false,
    message: expect.stringContaining('Check the API key'),
  });
  expect(asked).toHaveLength(1);
});

it('tries again when the connection breaks or the answer takes too long', async () => {
  const hangUp: Answer = (_asked, response) => response.destroy();
  const sayNothing: Answer = () => undefined;
  const { baseUrl, asked } = await serve(hangUp, sayNothing, answerWell);
  expect(await (await open(baseUrl, { timeout: 200 })).embed(['a'], 'query')).toHaveLength(1);
  expect(asked).toHaveLength(3);
});

it('refuses vectors of another length than configured, and says which came', async () => {
  const { baseUrl } = await serve(answerWell);
  await expect((await open(baseUrl, { dimensions: 8 })).embed(['a'], 'query')).rejects.toThrow(
    'answered 4 dimensions where 8 were expected',
  );
});

it('learns the length of the vectors from a first answer when it is not configured', async () => {
  const { baseUrl, asked } = await serve(answerWell);
  const embedder = await openOpenAiEmbedder({ baseUrl, model: 'm' });
  onTestFinished(() => embedder.close());
  expect(embedder.dimensions).toBe(DIMENSIONS);
  expect(embedder.id).toMatch(/\/m\/4$/);
  expect(asked).toHaveLength(1);
});

it.each([
  ['no JSON', 'oops'],
  ['too few vectors', '{"data":[]}'],
  ['a repeated place', '{"data":[{"index":0,"embedding":[1,0,0,0]},{"index":0,"embedding":[1,0,0,0]}]}'],
  ['no numbers', '{"data":[{"index":0,"embedding":["1"]},{"index":1,"embedding":[1,0,0,0]}]}'],
])('refuses an answer with %s', async (_what, body) => {
  const { baseUrl } = await serve((_asked, response) => response.end(body));
  await expect((await open(baseUrl)).embed(['a', 'b'], 'query')).rejects.toThrow(EmbeddingError);
});

it('reports tokens and cost of every request', async () => {
  const { baseUrl } = await serve(answerWell);
  const usages: EmbeddingUsage[] = [];
  const options = {
    batchTexts: 1,
    pricePerMillionTokens: 0.02,
    onUsage: (usage: EmbeddingUsage) => usages.push(usage),
  };
  await (await open(baseUrl, options)).embed(['a', 'b'], 'document');
  const one = { model: 'm', texts: 1, tokens: 10, cost: '0.00000020' };
  expect(usages).toEqual([one, one]);
});

it('stops waiting for the next try when it is closed', async () => {
  const { baseUrl } = await serve(refuse(429, { 'retry-after': '60' }));
  const embedder = await open(baseUrl);
  const pending = embedder.embed(['a'], 'query');
  const refused = expect(pending).rejects.toThrow('closed');
  await embedder.close();
  await refused;
});

it.each([{ baseUrl: 'localhost' }, { dimensions: 0 }, { batchTexts: 1.5 }, { timeout: Number.NaN }])(
  'refuses the configuration %j',
  async (wrong) => {
    await expect(open('http://127.0.0.1/v1', wrong)).rejects.toThrow(EmbeddingError);
  },
);
