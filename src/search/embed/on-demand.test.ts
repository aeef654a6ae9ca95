import { expect, it } from 'vitest';
import { openBuiltinEmbedder } from './builtin/builtin.ts';
import { EmbeddingError } from './embedder.ts';
import { EmbedderOnDemand } from './on-demand.ts';

const away = new EmbeddingError('The server is away.', { temporary: true });

it('opens the embedder at its first use, and once', async () => {
  let opened = 0;
  const embedder = new EmbedderOnDemand(async () => {
    opened++;
    return openBuiltinEmbedder();
  }, 0);
  expect(opened).toBe(0);
  const ids = await Promise.all([embedder.use(async ({ id }) => id), embedder.use(async ({ id }) => id)]);
  expect(new Set(ids).size).toBe(1);
  expect(opened).toBe(1);
});

it('opens it again after opening failed', async () => {
  let attempts = 0;
  const embedder = new EmbedderOnDemand(async () => {
    if (attempts++ === 0) throw away;
    return openBuiltinEmbedder();
  }, 0);
  await expect(embedder.use(async ({ id }) => id)).rejects.toBe(away);
  expect(await embedder.use(async ({ id }) => id)).toMatch(/^builtin/);
});

it('answers with the last failure, without asking, until it has rested', async () => {
  let [now, asked] = [0, 0];
  const embedder = new EmbedderOnDemand(
    async () => openBuiltinEmbedder(),
    1000,
    () => now,
  );
  const ask = () =>
    embedder.use(async () => {
      asked++;
      throw away;
    });
  await expect(ask()).rejects.toBe(away);
  now = 999;
  await expect(ask()).rejects.toBe(away);
  expect(asked).toBe(1);
  now = 1000;
  await expect(ask()).rejects.toBe(away);
  expect(asked).toBe(2);
});

it('does not rest after a text was refused: the next one may be taken', async () => {
  const embedder = new EmbedderOnDemand(async () => openBuiltinEmbedder(), 1000);
  const refused = new EmbeddingError('too long', { textRefused: true });
  await expect(embedder.use(() => Promise.reject(refused))).rejects.toBe(refused);
  expect(await embedder.use(async ({ id }) => id)).toMatch(/^builtin/);
});
