import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { holds, type SearchShare, shareText } from '../../domain/search-share.ts';
import type { Log } from '../../system/log.ts';
import type { Search } from '../search.ts';
import {
  type MemberQuestions,
  QUESTION_PATH,
  QUESTIONS,
  type Question,
  SIGNATURE_HEADER,
  whyRefused,
} from './member-protocol.ts';

/** Bytes of a question at most: a filter may name thousands of values. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Milliseconds that a question may ask to be waited for. */
const MAX_WAIT_MS = 10_000;

interface MemberParts {
  readonly id: string;
  readonly share: SearchShare;
  readonly search: Search;
  readonly secret: Buffer;
  readonly log: Log;
  /** Position of the last event in the log. */
  readonly lastPosition: () => Promise<number>;
  /** Whether questions are welcome: false while draining. */
  readonly ready: () => boolean;
}

/** An answer that is no 200. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The HTTP server of a machine for search, not listening yet: questions of servers, health and metrics. */
export function createMemberServer(parts: MemberParts): Server {
  const answers: { [Q in Question]: (ask: MemberQuestions[Q]['ask']) => Promise<MemberQuestions[Q]['answer']> } = {
    async search({ request, after }) {
      // Its index would find nothing, as if there were nothing.
      if (!holds(parts.share, request.workspaceId))
        throw new Refusal(421, `This machine holds ${shareText(parts.share)}, and not that workspace.`);
      return parts.search.search(request, after && { ...after, forMs: Math.min(after.forMs, MAX_WAIT_MS) });
    },
    reached: async ({ position, timeoutMs }) => ({
      reached: await parts.search.reached(position, Math.min(timeoutMs, MAX_WAIT_MS)),
    }),
    async rebuild() {
      await parts.search.rebuild();
      return {};
    },
    status: async () => ({ ...(await parts.search.status()), id: parts.id, share: shareText(parts.share) }),
  };

  async function answer(request: IncomingMessage): Promise<{ type: string; body: string }> {
    const path = (request.url ?? '/').split('?')[0]!;
    const json = (value: unknown) => ({ type: 'application/json', body: JSON.stringify(value) });
    if (request.method === 'GET' && path === '/healthz') return json({ status: 'ok' });
    if (request.method === 'GET' && path === '/readyz') return json(await readiness(parts));
    if (request.method === 'GET' && path === '/metrics')
      return { type: 'text/plain; version=0.0.4; charset=utf-8', body: await metrics(parts) };
    const question = QUESTIONS.find((one) => path === `${QUESTION_PATH}${one}`);
    if (request.method !== 'POST' || question === undefined)
      throw new Refusal(404, `There is no ${request.method} ${path}.`);
    if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) > MAX_BODY_BYTES)
      throw new Refusal(413, `A question says how long it is, and has ${MAX_BODY_BYTES} bytes at most.`);
    const body = await text(request);
    const signature = String(request.headers[SIGNATURE_HEADER] ?? '');
    const refused = whyRefused(parts.secret, question, body, signature, Date.now());
    if (refused !== null) throw new Refusal(401, refused);
    if (!parts.ready()) throw new Refusal(503, 'This machine is stopping.');
    return json(await answers[question](JSON.parse(body)));
  }

  return createServer((request, response) => {
    answer(request).then(
      ({ type, body }) => send(response, 200, type, body),
      (error: Error) => {
        const status = error instanceof Refusal ? error.status : 500;
        if (status === 500) parts.log.error({ err: error }, 'a search failed');
        if (status === 401) parts.log.warn({ reason: error.message }, 'a question of a server was refused');
        send(response, status, 'application/json', JSON.stringify({ error: error.message }));
      },
    );
  });
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** @throws Refusal while the index is incomplete */
async function readiness({ search, ready, lastPosition }: MemberParts): Promise<object> {
  const { position, rebuilding, indexedRuns, totalRuns } = await search.status();
  if (!ready()) throw new Refusal(503, 'stopping');
  if (rebuilding) throw new Refusal(503, `the index is being built: ${indexedRuns} of ${totalRuns} runs`);
  if (position === 0 && (await lastPosition()) > 0) throw new Refusal(503, 'the index is being opened or fetched');
  return { status: 'ready' };
}

/** In the text format of Prometheus, under the names that a server has for them. */
async function metrics({ search, lastPosition, share }: MemberParts): Promise<string> {
  const [status, last] = await Promise.all([search.status(), lastPosition()]);
  const gauges: readonly (readonly [string, string, number])[] = [
    ['millrun_log_position', 'Position of the last event in the log.', last],
    ['millrun_search_position', 'Position of the log up to which the search index is complete.', status.position],
    [
      'millrun_search_lag_events',
      'Events of the log that the search index does not hold yet.',
      Math.max(0, last - status.position),
    ],
    ['millrun_search_runs', 'Runs in the search index.', status.indexedRuns],
    ['millrun_search_rebuilding', 'Whether the index is being built anew: 1 or 0.', status.rebuilding ? 1 : 0],
    ['millrun_search_runs_without_vectors', 'Runs whose vectors are still to come.', status.runsWithoutVectors],
  ];
  return gauges
    .map(
      ([name, help, value]) =>
        `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}{partition="${shareText(share)}"} ${value}\n`,
    )
    .join('');
}
