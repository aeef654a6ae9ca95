import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { normalise } from './vector.ts';

/** A model in the layout of the Hugging Face hub: `<modelsDirectory>/<model>/{config.json,tokenizer.json,onnx/…}`. */
export interface LocalModel {
  readonly modelsDirectory: string;
  /** Such as `Xenova/all-MiniLM-L6-v2`. */
  readonly model: string;
  /** How the vectors of the tokens become one: `mean` unless the model's card says `cls`. */
  readonly pooling?: 'mean' | 'cls';
  /** Fetch what is missing from the Hugging Face hub into `modelsDirectory`. Off unless asked for. */
  readonly download?: boolean;
}

export interface LocalRequest {
  readonly id: number;
  readonly texts: string[];
}

export type LocalAnswer =
  | { readonly id: number; readonly vectors: Float32Array[] }
  | { readonly id: number; readonly error: string };

/** The part of `@huggingface/transformers` 4 that is used; the package is optional, so its types may not be there. */
interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string; cacheDir: string };
  pipeline(task: 'feature-extraction', model: string, options: { dtype: string }): Promise<Extractor>;
}
type Extractor = (
  texts: string[],
  options: { pooling: 'mean' | 'cls'; normalize: boolean },
) => Promise<{ readonly data: Float32Array; readonly dims: readonly number[] }>;

const PACKAGE: string = '@huggingface/transformers';

async function load({ modelsDirectory, model, download = false }: LocalModel): Promise<Extractor> {
  const transformers = await importTransformers();
  const folder = join(modelsDirectory, model);
  if (!download && !existsSync(join(folder, 'config.json'))) {
    throw new Error(
      `There is no model in ${folder} (no config.json): put the files of an ONNX sentence transformer there, ` +
        'or allow its download in the configuration.',
    );
  }
  transformers.env.allowRemoteModels = download;
  transformers.env.localModelPath = modelsDirectory;
  transformers.env.cacheDir = modelsDirectory;
  // The quantised file is a quarter of the size and as good for search; a model that has only the full one is taken too.
  const onlyFull =
    existsSync(join(folder, 'onnx/model.onnx')) && !existsSync(join(folder, 'onnx/model_quantized.onnx'));
  return transformers.pipeline('feature-extraction', model, { dtype: onlyFull ? 'fp32' : 'q8' });
}

async function importTransformers(): Promise<Transformers> {
  try {
    return (await import(PACKAGE)) as Transformers;
  } catch (cause) {
    throw new Error(
      `The local embedder needs the package ${PACKAGE}, which is not installed by default: ` +
        `run "npm install ${PACKAGE}" beside Millrun, or choose the built-in embedder.`,
      { cause },
    );
  }
}

async function embed(extractor: Extractor, texts: string[], pooling: 'mean' | 'cls'): Promise<Float32Array[]> {
  const { data, dims } = await extractor(texts, { pooling, normalize: true });
  const dimensions = dims.at(-1) ?? 0;
  return texts.map((text, i) => {
    if (text.trim() === '') return new Float32Array(dimensions);
    return normalise(Float32Array.from(data.subarray(i * dimensions, (i + 1) * dimensions)));
  });
}

const model = workerData as LocalModel;
let extractor: Promise<Extractor> | undefined;
// One computation at a time: the runtime uses all processors for each anyway.
let last: Promise<unknown> = Promise.resolve();

parentPort?.on('message', ({ id, texts }: LocalRequest) => {
  last = last.then(async () => {
    try {
      extractor ??= load(model);
      const vectors = await embed(await extractor, texts, model.pooling ?? 'mean');
      parentPort?.postMessage({ id, vectors } satisfies LocalAnswer);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      parentPort?.postMessage({ id, error: message } satisfies LocalAnswer);
    }
  });
});
