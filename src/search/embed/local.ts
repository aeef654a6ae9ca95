import { Worker } from 'node:worker_threads';
import { type Embedder, EmbeddingError } from './embedder.ts';
import type { LocalAnswer, LocalModel, LocalRequest } from './local-thread.ts';

/** Which model to load and how to ask it. */
export interface LocalOptions extends LocalModel {
  /** Put before each text, for models trained with such prefixes (`query: ` and `passage: ` for E5). */
  readonly prefixes?: { readonly query: string; readonly document: string };
}

/** Texts computed at once: more gain nothing on a processor and their padding costs memory. */
const BATCH_TEXTS = 16;

/** Characters kept of a text: sentence transformers read 256 to 8,192 tokens and cut the rest themselves. */
const TEXT_CHARACTERS = 32_000;

/**
 * An ONNX sentence transformer on this machine, in a thread of its own, by the optional package
 * `@huggingface/transformers`. Opening it loads the model, and downloads it first only when `download` says so.
 * @throws EmbeddingError when the package or the model is not there, saying how to get it.
 */
export async function openLocalEmbedder(options: LocalOptions): Promise<Embedder> {
  const model: LocalModel = {
    modelsDirectory: options.modelsDirectory,
    model: options.model,
    ...(options.pooling === undefined ? {} : { pooling: options.pooling }),
    ...(options.download === undefined ? {} : { download: options.download }),
  };
  const worker = new Worker(new URL('./local-thread.ts', import.meta.url), { workerData: model });
  // The embedder must not keep the process alive by itself.
  worker.unref();
  const waiting = new Map<number, { resolve: (vectors: Float32Array[]) => void; reject: (error: Error) => void }>();
  let failure: EmbeddingError | undefined;
  let asked = 0;

  const fail = (error: EmbeddingError) => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
    worker.unref();
  };
  worker.on('message', (answer: LocalAnswer) => {
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ('vectors' in answer) call?.resolve(answer.vectors);
    else call?.reject(new EmbeddingError(answer.error));
  });
  worker.on('error', (cause) => fail(new EmbeddingError(`The model's thread broke: ${cause.message}`, { cause })));
  worker.on('exit', () => fail(new EmbeddingError('The local embedder is closed: open a new one.')));

  function ask(texts: string[]): Promise<Float32Array[]> {
    return new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      const id = asked++;
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, texts } satisfies LocalRequest);
    });
  }

  const close = async () => {
    fail(new EmbeddingError('The local embedder is closed: open a new one.'));
    await worker.terminate();
  };

  try {
    const [probe] = await ask(['probe']);
    const dimensions = probe!.length;
    const prefixes = options.prefixes === undefined ? '' : `/${options.prefixes.query}|${options.prefixes.document}`;
    return {
      id: `local:${options.model}/${options.pooling ?? 'mean'}/${dimensions}${prefixes}`,
      dimensions,
      async embed(texts, purpose) {
        if (failure !== undefined) throw failure;
        const prefix = options.prefixes?.[purpose] ?? '';
        const vectors: Float32Array[] = [];
        for (let start = 0; start < texts.length; start += BATCH_TEXTS) {
          const batch = texts.slice(start, start + BATCH_TEXTS);
          vectors.push(...(await ask(batch.map((text) => prefix + text.toWellFormed().slice(0, TEXT_CHARACTERS)))));
        }
        return vectors;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
