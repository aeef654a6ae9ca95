import { resolve } from 'node:path';
import { Worker as Thread } from 'node:worker_threads';
import { type Config, embeddingEndpoint } from './config/config.ts';
import { blobSettings } from './platform-blobs.ts';
import type { EmbedderSettings, SearchThreadData } from './platform-search.ts';

/**
 * How the threads of a search are started that has its index in the data folder.
 * @param share the partitions whose runs are in it, as `1-4/16`
 * @param snapshotMinutes between two snapshots; 0: none
 */
export function searchThreads(
  config: Config,
  share: string,
  snapshotMinutes: number,
): (role: 'writer' | 'reader') => Thread {
  return (role) => {
    const workerData: SearchThreadData = {
      role,
      folder: resolve(config.data),
      store: config.store,
      blobs: blobSettings(config),
      maxCharacters: config.searchMaxCharacters,
      embedder: embedderSettings(config),
      share,
      snapshotMs: snapshotMinutes === 0 ? null : snapshotMinutes * 60_000,
    };
    return new Thread(new URL('./platform-search.ts', import.meta.url), { workerData });
  };
}

/** What the search threads need of a configuration, which `contradictions` has found to be complete. */
function embedderSettings(config: Config): EmbedderSettings {
  const { searchEmbedder, searchModel: model, searchModelsDirectory: directory } = config;
  const endpoint = embeddingEndpoint(config);
  if (searchEmbedder === 'openai' && model !== null && endpoint !== null) {
    const { searchDimensions: dimensions, searchPrice: price } = config;
    return { kind: 'openai', ...endpoint, host: hostOf(endpoint.baseUrl), model, dimensions, price };
  }
  if (searchEmbedder === 'local' && model !== null && directory !== null) {
    return { kind: 'local', modelsDirectory: resolve(directory), model, download: config.searchModelDownload };
  }
  return { kind: 'builtin' };
}

/** An endpoint that the operator configured may be private: a model server beside this one is the usual case. */
export function hostOf(baseUrl: string): string {
  const { hostname, port, protocol } = new URL(baseUrl);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}
