import { Pool } from 'undici';

export interface Load {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly requests: number;
}

export interface LoadRequest {
  readonly url: string;
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Record<string, string>;
  readonly body?: () => string;
  readonly concurrency: number;
  readonly seconds: number;
}

/** Sends requests, `concurrency` at a time, for some seconds, and measures each. Any status but 200 ends it: a fast error is no result. */
export async function load(request: LoadRequest): Promise<Load> {
  const pool = new Pool(request.url, { connections: request.concurrency, pipelining: 1 });
  const times: number[] = [];
  const began = performance.now();
  const end = began + request.seconds * 1000;
  const one = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      const answer = await pool.request({
        path: request.path,
        method: request.method ?? 'GET',
        ...(request.headers === undefined ? {} : { headers: request.headers }),
        ...(request.body === undefined ? {} : { body: request.body() }),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text.slice(0, 300)}`);
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: request.concurrency }, one));
  const took = performance.now() - began;
  await pool.close();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { perSecond: (times.length * 1000) / took, p50: at(0.5), p99: at(0.99), requests: times.length };
}
