import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { embedderConformance } from './embedder.conformance.ts';
import { openLocalEmbedder } from './local.ts';
import { TINY_MODEL, writeTinyModel } from './tiny-model.arbitrary.ts';

const modelsDirectory = mkdtempSync(join(tmpdir(), 'millrun-models-'));
afterAll(() => rmSync(modelsDirectory, { recursive: true }));

const installed = (() => {
  try {
    return import.meta.resolve('@huggingface/transformers') !== '';
  } catch {
    return false;
  }
})();

// The package is optional: the one half of this file or the other is about this machine.
if (!installed)
  describe('the local embedder without its package', () => {
    it('says which package to install', async () => {
      await expect(openLocalEmbedder({ modelsDirectory, model: 'any' })).rejects.toThrow(
        /npm install @huggingface\/transformers/,
      );
    });
  });

if (installed)
  describe('the local embedder with its package', () => {
    writeTinyModel(modelsDirectory);
    embedderConformance('a tiny ONNX model', () => openLocalEmbedder({ modelsDirectory, model: TINY_MODEL }));

    it('says where it looked for a model that is not there, and downloads nothing', async () => {
      await expect(openLocalEmbedder({ modelsDirectory, model: 'absent' })).rejects.toThrow(/no model in .*absent/);
    });
  });
