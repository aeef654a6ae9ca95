import { Agent as HttpAgent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { type MemberQuestions, QUESTION_PATH, type Question, SIGNATURE_HEADER, sign } from './member-protocol.ts';

/** A machine did not answer, or is stopping: another one may. */
export class MemberAway extends Error {
  override readonly name = 'MemberAway';
}

/** Milliseconds for a connection: a machine that is switched off answers nothing at all. */
const CONNECT_MS = 2000;

/** Statuses of a machine, or of what stands before it, that say that it is not there at present, or that another is now where it was (421). */
const AWAY: ReadonlySet<number> = new Set([421, 502, 503, 504]);

/** Asks machines for search, over connections that stay open. */
export class MemberClient {
  readonly #secret: Buffer;
  readonly #agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /**
   * @param url of the machine
   * @param timeoutMs milliseconds until there must be an answer
   * @throws MemberAway when it cannot be reached, is stopping or takes longer
   * @throws Error when it refuses or fails
   */
  async ask<Q extends Question>(
    url: string,
    question: Q,
    ask: MemberQuestions[Q]['ask'],
    timeoutMs: number,
  ): Promise<MemberQuestions[Q]['answer']> {
    const body = JSON.stringify(ask);
    const target = new URL(`${url}${QUESTION_PATH}${question}`);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      [SIGNATURE_HEADER]: sign(this.#secret, question, body, Date.now()),
    };
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await this.#post(target, headers, body, signal)
      // The machine closed a connection that was open for long, just as it was to be used again: it has not seen the question.
      .catch((error) =>
        error instanceof StaleConnection ? this.#post(target, headers, body, signal) : Promise.reject(error),
      )
      .catch((error: Error) => {
        throw new MemberAway(`${url} does not answer: ${error.message}`, { cause: error });
      });
    if (answer.status === 200) return JSON.parse(answer.body);
    const message = `${url} answered ${answer.status}: ${answer.body.slice(0, 500)}`;
    throw AWAY.has(answer.status) ? new MemberAway(message) : new Error(message);
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #post(target: URL, headers: OutgoingHttpHeaders, body: string, signal: AbortSignal) {
    const isTls = target.protocol === 'https:';
    const agent = this.#agents[isTls ? 'https:' : 'http:'];
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const request = (isTls ? httpsRequest : httpRequest)(
      target,
      { method: 'POST', agent, headers, signal },
      (answer) => {
        text(answer).then((read) => resolve({ status: answer.statusCode ?? 0, body: read }), reject);
      },
    );
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const late = setTimeout(() => request.destroy(new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS);
      socket.once('connect', () => clearTimeout(late)).once('close', () => clearTimeout(late));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnection(error.message) : error);
    });
    request.end(body);
    return promise;
  }
}

class StaleConnection extends Error {}
