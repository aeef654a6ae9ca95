import { expect, test } from 'vitest';
import { openBuiltinEmbedder } from './builtin/builtin.ts';
import { cached } from './cached.ts';
import { embedderConformance } from './embedder.conformance.ts';

embedderConformance('the cached embedder', async () => cached(openBuiltinEmbedder()));

test('a word is embedded once, a sentence each time', async () => {
  const asked: string[] = [];
  const inner = openBuiltinEmbedder();
  const embedder = cached({
    ...inner,
    embed: (texts, purpose) => {
      asked.push(...texts);
      return inner.embed(texts, purpose);
    },
  });
  const sentence = 'The coat is two sizes too big for me and I want to return it.';
  const first = await embedder.embed(['coat', sentence, 'coat'], 'document');
  expect(await embedder.embed(['coat', sentence, 'coat'], 'document')).toEqual(first);
  expect(asked).toEqual(['coat', sentence, sentence]);
});
