import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ConnectionError,
  Millrun,
  RefusedError,
  type RunEvent,
  runFields,
  TimeoutError,
} from '../../src/sdk/client.ts';
import type { Wire } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let millrun: Millrun;
/** Holds its answers back until it is told. */
let slow: OtherServer;
let release = Promise.withResolvers<void>();
let greeting: Wire;

beforeAll(async () => {
  server = await startPlatform();
  slow = await startOtherServer(async (_, response) => {
    await release.promise;
    response.end('there');
  });
  millrun = new Millrun({ url: server.url, key: KEY });
  greeting = await millrun.noxus.workflows.create({ name: 'Greeting', type: 'flow', definition: GREETING });
});
afterAll(async () => {
  release.resolve();
  await server.stop();
  await slow.stop();
});

const slowCall = () => ({
  nodes: [input('in', 'Name'), http('call', slow.url), output('out', 'Said')],
  edges: [edge('in::output', 'call::variables::Name'), edge('call::body', 'out::input')],
});
const review = {
  nodes: [
    input('in', 'Draft'),
    {
      id: 'ask',
      type: 'HumanInTheLoopNode',
      node_config: { title: 'Publish?', fields: [{ name: 'note', type: 'text' }] },
    },
    output('out', 'Said'),
  ],
  edges: [edge('in::output', 'ask::variables::Draft'), edge('ask::note', 'out::input')],
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('the client of the Noxus API', () => {
  it('starts a run, watches it and reads what came out', async () => {
    const { noxus } = millrun;
    const started = await noxus.runs.create(greeting.id, { input: { Name: 'Ada' } });
    const events = await collect(noxus.runs.events(started.id));
    expect(events.at(-1)).toMatchObject({ type: 'content', data: { id: started.id, status: 'completed' } });
    expect(events.filter(({ type }) => type === 'state').at(-1)).toMatchObject({
      data: { status: 'completed', progress: 100 },
    });
    expect(await noxus.runs.wait(started)).toMatchObject({ status: 'completed', output: { Greeting: 'Hello Ada' } });
    const [behind] = events.slice(-2);
    expect(await collect(noxus.runs.events(started.id, { after: behind!.id }))).toEqual(events.slice(-1));
    expect(await collect(noxus.runs.events(started.id, { after: events.at(-1)!.id }))).toEqual([]);
  });

  it('goes through lists of any length, and finds runs by what they say', async () => {
    const { noxus } = millrun;
    const made = await Promise.all(
      Array.from({ length: 55 }, (_, index) => noxus.runs.create(greeting.id, { input: { Name: `Zebulon ${index}` } })),
    );
    await Promise.all(made.map((run) => noxus.runs.wait(run)));
    const listed = new Set((await collect(noxus.runs.list())).map(({ id }) => id));
    expect(made.filter(({ id }) => !listed.has(id))).toEqual([]);
    const found = await collect(noxus.runs.search({ query: 'zebulon', exact: true }));
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set(made.map(({ id }) => id)));
    const one = await noxus.runs.search({ query: 'Zebulon 31', exact: true }).first(5);
    expect(one).toMatchObject([{ output: { Greeting: 'Hello Zebulon 31' } }]);
  });

  it('answers persons, and hands in files', async () => {
    const { noxus } = millrun;
    const workflow = await noxus.workflows.create({ name: 'Review', type: 'flow', definition: review });
    const run = await noxus.runs.wait(await noxus.runs.create(workflow.id, { input: { Draft: 'x' } }));
    expect(run.status).toBe('awaiting_human_feedback');
    const [asked] = await noxus.people.list({ run_id: run.id }).first(2);
    await noxus.people.answer(asked!.id, { answer: { note: 'Well done.' }, answered_by: 'Ada' });
    expect(await noxus.runs.wait(run)).toMatchObject({ status: 'completed', output: { Said: 'Well done.' } });

    const file = await noxus.files.upload(new Blob(['Notes'], { type: 'text/plain' }), 'notes.txt');
    expect(await (await noxus.files.download(file.id)).text()).toBe('Notes');
  });

  it('stops a run', async () => {
    release = Promise.withResolvers();
    const { noxus } = millrun;
    const workflow = await noxus.workflows.create({ name: 'Slow', type: 'flow', definition: slowCall() });
    const run = await noxus.runs.create(workflow.id, { input: { Name: 'Ada' } });
    expect(await noxus.runs.stop(run.id)).toMatchObject({ status: 'stopped' });
    expect(await noxus.runs.wait(run)).toMatchObject({ status: 'stopped' });
    release.resolve();
  });
});

describe('the client of the Runflow API', () => {
  it('starts a run by slug, waits for it, and finds it by a condition', async () => {
    const { runflow } = millrun;
    const metadata = { order: { id: "it's 17" } };
    const started = await runflow.flows.run('greeting', { input: { Name: 'Ada' }, client_ref: 'sdk', metadata });
    const run = await runflow.runs.wait(started.id);
    expect(run).toMatchObject({ status_code: 'succeeded', output: { Greeting: 'Hello Ada' } });
    const q = runFields.metadata.at('order', 'id').eq("it's 17").and(runFields.status_code.eq('succeeded'));
    expect(await collect(runflow.runs.list({ q, limit: 1, fields: 'id' }))).toEqual([{ id: run.id }]);
    expect((await collect(runflow.flows.runs('greeting', { q }))).map(({ id }) => id)).toEqual([run.id]);
    expect(
      (await collect(runflow.runs.nodeRuns(run.id, { sort_by: 'node_key:asc' }))).map((one) => one.node_key),
    ).toEqual(['in', 'out', 'say']);
    expect(await collect(runflow.runs.logs(run.id))).toEqual([]);
    const { items } = (await runflow.call('GET /v1/runs/statuses', {})) as Wire;
    expect(items).toHaveLength(7);
  });

  it('answers persons, hands in files and cancels', async () => {
    const { runflow, noxus } = millrun;
    const workflow = await noxus.workflows.create({ name: 'Second review', type: 'flow', definition: review });
    const started = await runflow.flows.run(workflow.id, { input: { Draft: 'x' } });
    expect(await runflow.runs.wait(started.id)).toMatchObject({ status_code: 'running' });
    const [asked] = await runflow.people.list({ q: `run_id:'${started.id}'` }).first(2);
    await runflow.people.answer(asked!.id, { answer: { note: 'Good.' } });
    expect(await runflow.runs.wait(started.id)).toMatchObject({ output: { Said: 'Good.' } });
    expect(await runflow.runs.cancel(started.id, 'too late')).toMatchObject({ status_code: 'succeeded' });

    const notes = new Blob(['Notes'], { type: 'text/plain' });
    const asset = await runflow.assets.upload(notes, 'notes.txt', { idempotencyKey: 'notes of today' });
    expect(asset).toMatchObject({ name: 'notes.txt', mime_type: 'text/plain', size_bytes: 5 });
    expect(await (await fetch((await runflow.assets.get(asset.id)).url)).text()).toBe('Notes');
  });
});

describe('a refusal', () => {
  it('says of which kind it is and what was wrong, whatever the API calls it', async () => {
    const { noxus, runflow } = millrun;
    const missing = await noxus.runs.create(greeting.id, { input: {} }).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(RefusedError);
    expect(missing).toMatchObject({
      kind: 'invalid',
      status: 422,
      code: null,
      problems: [{ at: ['body', 'input', 'Name'], type: 'missing' }],
    });
    await expect(runflow.runs.get('nope')).rejects.toMatchObject({
      kind: 'not_found',
      status: 404,
      code: 'RUN_NOT_FOUND',
    });
    await expect(collect(runflow.runs.list({ q: 'statos:failed' }))).rejects.toMatchObject({
      kind: 'invalid',
      problems: [{ at: ['query', 'q'], hint: expect.stringContaining('status_code') }],
    });
    const stranger = new Millrun({ url: server.url, key: 'wrong_key_01234567890' });
    await expect(stranger.noxus.runs.list().page()).rejects.toMatchObject({ kind: 'unauthenticated', status: 401 });
    await expect(collect(stranger.runflow.runs.events('x'))).rejects.toMatchObject({ kind: 'unauthenticated' });
  });
});

describe('over a line that is not to be trusted', () => {
  /** What the line does with each request; left to itself it hands it on. */
  let mishap: ((request: IncomingMessage, response: ServerResponse, pass: () => void) => void) | null;
  let line: Server;
  let client: Millrun;
  let asked: IncomingMessage[];

  beforeEach(async () => {
    mishap = null;
    asked = [];
    line = createServer((request, response) => {
      asked.push(request);
      const pass = () => handOn(request, response);
      if (mishap) mishap(request, response, pass);
      else pass();
    });
    await new Promise<void>((ready) => line.listen(0, '127.0.0.1', ready));
    client = new Millrun({ url: `http://127.0.0.1:${(line.address() as AddressInfo).port}/`, key: KEY });
  });
  afterEach(() => new Promise((closed) => line.close(closed).closeAllConnections()));

  function handOn(request: IncomingMessage, response: ServerResponse): void {
    const sent = httpRequest(
      server.url + request.url,
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
        response.on('close', () => answer.destroy());
      },
    );
    sent.on('error', () => response.destroy());
    request.pipe(sent);
  }

  /** The first so many requests are worked on, and their answers lost. */
  const loseAnswers = (count: number) => {
    mishap = (request, response) => {
      if (asked.length > count) return handOn(request, response);
      const sent = httpRequest(
        server.url + request.url,
        { method: request.method, headers: request.headers },
        (answer) => {
          answer.resume();
          answer.on('end', () => response.destroy());
        },
      );
      request.pipe(sent);
      return undefined;
    };
  };

  it('makes one run of a request whose answer was lost', async () => {
    loseAnswers(2);
    const clientRef = 'sent three times';
    const run = await client.runflow.flows.run('greeting', { input: { Name: 'Ada' }, client_ref: clientRef });
    expect(asked.map(({ headers }) => headers['idempotency-key'])).toEqual(
      Array(3).fill(expect.stringMatching(/^[0-9a-f]{32}$/)),
    );
    const q = runFields.client_ref.eq(clientRef);
    expect((await collect(millrun.runflow.runs.list({ q }))).map(({ id }) => id)).toEqual([run.id]);
  });

  it('does not send again what might be done twice', async () => {
    loseAnswers(1);
    await expect(client.noxus.runs.create(greeting.id, { input: { Name: 'Ada' } })).rejects.toBeInstanceOf(
      ConnectionError,
    );
    expect(asked).toHaveLength(1);
  });

  it('waits as long as it is told to, and asks again', async () => {
    mishap = (_, response, pass) => {
      if (asked.length > 1) return pass();
      response.writeHead(503, { 'retry-after': '0' });
      response.end();
      return undefined;
    };
    expect((await client.noxus.workflows.get(greeting.id)).name).toBe('Greeting');
    expect(asked).toHaveLength(2);
  });

  it('gives up in time, and when it is told to', async () => {
    mishap = () => {};
    const given = { timeoutMs: 50 };
    let tries = 0;
    const impatient = new Millrun({
      url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`,
      key: KEY,
      retries: 1,
      // Counted where they set out: on a busy machine the time is over before the other side has heard of them.
      fetch: (...request) => {
        tries += 1;
        return fetch(...request);
      },
    });
    await expect(impatient.noxus.workflows.get(greeting.id, given)).rejects.toBeInstanceOf(TimeoutError);
    expect(tries).toBe(2);
    const nobodyCares = new AbortController();
    const waiting = client.noxus.workflows.get(greeting.id, { signal: nobodyCares.signal });
    nobodyCares.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('takes a stream up again behind the last event', async () => {
    release = Promise.withResolvers();
    const workflow = await millrun.noxus.workflows.create({ name: 'Slow', type: 'flow', definition: slowCall() });
    const run = await millrun.noxus.runs.create(workflow.id, { input: { Name: 'Ada' } });
    const cut: ServerResponse[] = [];
    mishap = (_, response, pass) => {
      cut.push(response);
      pass();
    };
    const events: RunEvent[] = [];
    for await (const event of client.noxus.runs.events(run.id)) {
      events.push(event);
      // The first line breaks off while the run is under way.
      if (event.type === 'state' && cut.length === 1) {
        cut[0]!.destroy();
        release.resolve();
      }
    }
    const resumed = asked.map(({ headers }) => headers['last-event-id']).filter((id) => id !== undefined);
    expect(resumed).toEqual([events.map(({ id }) => id).find((id) => id === resumed[0])]);
    const ids = events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(events).toEqual(
      await collect(millrun.noxus.runs.events(run.id)).then((all) => expect.arrayContaining(all.slice(-1))),
    );
    expect(events.at(-1)).toMatchObject({ data: { id: run.id, status: 'completed' } });
    await expect(
      collect(client.noxus.runs.events(run.id, { signal: AbortSignal.abort(new Error('enough')) })),
    ).rejects.toThrow('enough');
  });
});
