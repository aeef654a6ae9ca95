import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { RUN_STATUSES } from '../domain/run.ts';

/** Seconds; from what an embedded store needs for a lookup up to what a synchronous run may take. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** What an operator watches, read when it is asked for. */
export interface Vitals {
  readonly runsByStatus: Readonly<Partial<Record<string, number>>>;
  readonly queuedTasks: number;
  readonly busyWorkers: number;
  readonly lastPosition: number;
  /** How the search index stands, wherever it is; null: this process has nothing to do with searches. */
  readonly search: { readonly position: number; readonly indexedRuns: number } | null;
  /** Spans since the start; null: none are sent anywhere. */
  readonly spans: { readonly sent: number; readonly dropped: number } | null;
}

/** `GET /metrics` in the Prometheus text format. Routes are labelled by pattern, so that ids do not multiply series. */
export function serveMetrics(app: FastifyInstance, vitals: () => Promise<Vitals>): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'millrun_http_request_duration_seconds',
    help: 'Time to answer a request, by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  const runs = new Gauge({
    name: 'millrun_runs',
    help: 'Runs in the store, by status.',
    labelNames: ['status'],
    registers: [registry],
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const tasks = gauge('millrun_tasks_queued', 'Tasks that are due, waiting or in hand.');
  const busy = gauge('millrun_worker_tasks', 'Tasks in hand of this process.');
  const position = gauge('millrun_log_position', 'Position of the last event in the log.');
  const searchPosition = gauge(
    'millrun_search_position',
    'Position of the log up to which the search index is complete.',
  );
  const searchLag = gauge('millrun_search_lag_events', 'Events of the log that the search index does not hold yet.');
  const searchRuns = gauge('millrun_search_runs', 'Runs in the search index.');

  const spans = new Gauge({
    name: 'millrun_spans',
    help: 'Spans of traced runs since the start, by what became of them.',
    labelNames: ['outcome'],
    registers: [registry],
  });

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
    const now = await vitals();
    for (const status of RUN_STATUSES) runs.set({ status }, now.runsByStatus[status] ?? 0);
    tasks.set(now.queuedTasks);
    busy.set(now.busyWorkers);
    position.set(now.lastPosition);
    if (now.search !== null) {
      searchPosition.set(now.search.position);
      searchLag.set(Math.max(0, now.lastPosition - now.search.position));
      searchRuns.set(now.search.indexedRuns);
    }
    if (now.spans !== null) for (const [outcome, n] of Object.entries(now.spans)) spans.set({ outcome }, n);
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
}
