import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client, type Wire } from '../support/client.ts';
import { type OtherServer, type Received, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

/** Two inputs, so that what is left out shows. */
const ORDER = {
  nodes: [input('in', 'Order'), input('total', 'Total', { optional: true, type: 'number' }), output('out', 'Said')],
  edges: [edge('in::output', 'out::input')],
};

const WAIT = { nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }], edges: [] };
const FAIL = { nodes: [http('ask', 'http://10.0.0.1/', { max_retries: 0 })], edges: [] };

let server: TestServer;
let feed: OtherServer;
/** What the other server answers, by path. */
const answers = new Map<string, (request: Received) => { status?: number; headers?: object; body?: string }>();

beforeAll(async () => {
  server = await startPlatform();
  feed = await startOtherServer((request, response) => {
    const { status = 200, headers = {}, body = '' } = answers.get(request.path)?.(request) ?? { status: 404 };
    response.writeHead(status, { ...headers }).end(body);
  });
});
afterAll(async () => {
  await server.stop();
  await feed.stop();
});

let greeting: Wire;
beforeEach(async () => {
  greeting ??= await server.client.save(GREETING);
});

const triggersOf = (workflowId: string) => `/v1/workflows/${workflowId}/triggers`;
const make = (definition: object, more: object = {}, workflowId: string = greeting.id): Promise<Wire> =>
  server.client.post(triggersOf(workflowId), { definition, ...more });
const eventsOf = async (trigger: Wire): Promise<Wire[]> =>
  (await server.client.get(`${triggersOf(trigger.workflow_id)}/${trigger.id}/events`)).items;
const send = (url: string, body?: unknown, headers: Record<string, string> = {}, method = 'POST') =>
  new Client('', null).send(method, url, body, headers);
const outputOf = async (runId: string, workflowId: string = greeting.id) =>
  (await server.client.until(workflowId, runId, ['completed', 'failed'])).output;

describe('a webhook', () => {
  it('starts a run for each request, which says what began it, and finds its inputs by name', async () => {
    const hook = await make({ type: 'webhook' }, { name: 'orders' });
    expect(hook.url).toBe(`${server.url}/hooks/${hook.id}/${hook.secret}`);
    const sent = await send(hook.url, { name: 'Ada' });
    expect(sent).toMatchObject({ status: 202, body: { run_id: expect.any(String) } });
    const { run_id: runId } = sent.body;
    expect(await outputOf(runId)).toEqual({ Greeting: 'Hello Ada' });
    const run = await server.client.get(`/v1/runs/${runId}`);
    const [event] = await eventsOf(hook);
    expect(run).toMatchObject({
      source: 'trigger',
      meta: { trigger_id: hook.id, trigger_name: 'orders', trigger_type: 'webhook', trigger_event_id: event.id },
    });
    expect(event).toMatchObject({
      ...{ trigger_id: hook.id, workflow_id: greeting.id, event_type: 'webhook', outcome: 'started', errored: false },
      ...{ run_id: runId, reason: null, data: { method: 'POST', bytes: 14, body: '{"name":"Ada"}' } },
    });
    const found = await server.client.post('/v1/runs/search', {
      ...{ query: 'Ada', filter: `source:trigger AND meta.trigger_id:"${hook.id}"` },
    });
    expect(found.items.map(({ id }: Wire) => id)).toEqual([runId]);
  });

  it('shows its secret once', async () => {
    const hook = await make({ type: 'webhook' });
    const shown = await server.client.get(`/v1/triggers/${hook.id}`);
    expect(shown.url).toBe(`${server.url}/hooks/${hook.id}/{secret}`);
    expect(JSON.stringify(shown)).not.toContain(hook.secret);
    expect(hook.secret.endsWith(shown.secret_ending)).toBe(true);
    const rotated = await server.client.post(`/v1/triggers/${hook.id}/rotate-secret`);
    expect((await send(hook.url, { Name: 'Ada' })).status).toBe(401);
    expect((await send(rotated.url, { Name: 'Ada' })).status).toBe(202);
  });

  it('fills inputs from what came by references and JSONPath', async () => {
    const workflow = await server.client.save(ORDER);
    const inputs = {
      Order: 'Order ((body.order.id)) of ((query.shop)) by ((headers.x-who)), ((body.order.lines.1.name))',
      Total: '$.body.order.lines[*].missing',
    };
    const hook = await make({ type: 'webhook', wait_seconds: 60 }, { inputs }, workflow.id);
    const order = { id: 7, lines: [{ name: 'flour' }, { name: 'bran' }] };
    const sent = await send(`${hook.url}?shop=Mill`, { order }, { 'x-who': 'Ada' });
    expect(sent).toMatchObject({ status: 200, body: { Said: 'Order 7 of Mill by Ada, bran' } });
    expect(sent.headers.get('x-run-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('waits for the output, tells of a failure, and gives the run’s id when time is over', async () => {
    const hook = await make({ type: 'webhook', wait_seconds: 60 });
    expect(await send(hook.url, { Name: 'Ada' })).toMatchObject({ status: 200, body: { Greeting: 'Hello Ada' } });
    const failing = await server.client.save(FAIL);
    const bad = await make({ type: 'webhook', wait_seconds: 60 }, {}, failing.id);
    expect(await send(bad.url, {})).toMatchObject({
      ...{ status: 500, body: { status: 'failed', run_id: expect.any(String), error: expect.any(String) } },
    });
    const slow = await make({ type: 'webhook', wait_seconds: 1 }, {}, (await server.client.save(WAIT)).id);
    const late = await send(slow.url, {});
    expect(late).toMatchObject({ status: 202, body: { run_id: expect.any(String) } });
    await server.client.post(`/v1/runs/${late.body.run_id}/stop`);
  });

  it('takes forms, texts and queries', async () => {
    const hook = await make({ type: 'webhook', wait_seconds: 60, methods: ['GET', 'POST'] });
    const form = await send(hook.url, 'Name=Ada+L.', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(form.body).toEqual({ Greeting: 'Hello Ada L.' });
    expect((await send(`${hook.url}?Name=Bo`, undefined, {}, 'GET')).body).toEqual({ Greeting: 'Hello Bo' });
    const plain = await make({ type: 'webhook', wait_seconds: 60 }, { inputs: { Name: '((body))' } });
    const said = await send(plain.url, 'Cy', { 'content-type': 'text/plain' });
    expect(said.body).toEqual({ Greeting: 'Hello Cy' });
  });

  it('is opened by a signature in the way it was made for, and by no other', async () => {
    const body = JSON.stringify({ Name: 'Ada' });
    const sha = (secret: string, signed = body, encoding: 'hex' | 'base64' = 'hex', algorithm = 'sha256') =>
      createHmac(algorithm, secret).update(signed).digest(encoding);
    const now = Math.floor(Date.now() / 1000);
    const standard = (secret: string, id: string, at = now) => ({
      ...{ 'webhook-id': id, 'webhook-timestamp': String(at) },
      'webhook-signature': `v1,x ${new Webhook(secret).sign(id, new Date(at * 1000), body)}`,
    });
    const cases: [object, (secret: string) => Record<string, string>, (secret: string) => Record<string, string>][] = [
      [{ verify: 'standard' }, (s) => standard(s, 'm1'), (s) => standard(s, 'm2', now - 3600)],
      [
        { verify: 'github' },
        (s) => ({ 'x-hub-signature-256': `sha256=${sha(s)}`, 'x-github-delivery': 'd1' }),
        () => ({ 'x-hub-signature-256': `sha256=${sha('another secret')}` }),
      ],
      [
        { verify: 'hmac', header: 'X-Sign', algorithm: 'sha512', encoding: 'base64', timestamp_header: 'X-Time' },
        (s) => ({ 'x-time': String(now), 'x-sign': sha(s, `${now}.${body}`, 'base64', 'sha512') }),
        (s) => ({ 'x-time': String(now - 3600), 'x-sign': sha(s, `${now - 3600}.${body}`, 'base64', 'sha512') }),
      ],
      [
        { verify: 'hmac', prefix: 'v0=' },
        (s) => ({ 'x-signature': `v0=${sha(s)}` }),
        (s) => ({ 'x-signature': sha(s) }),
      ],
      [
        { verify: 'header', header: 'authorization', prefix: 'Bearer ' },
        (s) => ({ authorization: `Bearer ${s}` }),
        (s) => ({ authorization: s }),
      ],
    ];
    for (const [set, good, bad] of cases) {
      const hook = await make({ type: 'webhook', ...set });
      expect(hook.url).toBe(`${server.url}/hooks/${hook.id}`);
      expect(await send(hook.url, body, good(hook.secret))).toMatchObject({ status: 202 });
      for (const headers of [bad(hook.secret), {}]) {
        expect(await send(hook.url, body, headers as Record<string, string>)).toMatchObject({ status: 401 });
      }
      expect((await eventsOf(hook)).map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'started']);
      const [started] = (await eventsOf(hook)).filter(({ run_id }) => run_id !== null);
      const run = JSON.stringify(await server.client.get(`/v1/runs/${started.run_id}`));
      expect(run).not.toContain(hook.secret);
    }
  });

  it('starts one run for a delivery that comes several times, also at once', async () => {
    const hook = await make({ type: 'webhook' });
    const headers = { 'x-github-delivery': 'd-1' };
    const sent = await Promise.all([1, 2, 3, 4].map(() => send(hook.url, { Name: 'Ada' }, headers)));
    const again = await send(hook.url, { Name: 'Ada' }, headers);
    expect(new Set([...sent, again].map(({ body }) => body.run_id)).size).toBe(1);
    expect(again).toMatchObject({ status: 202, body: { repeated: true } });
    expect(await eventsOf(hook)).toHaveLength(1);
    expect((await send(hook.url, { Name: 'Ada' }, { 'x-github-delivery': 'd-2' })).body.run_id).not.toBe(
      again.body.run_id,
    );
  });

  it('refuses what it was not made for, says why, and records it', async () => {
    const hook = await make({ type: 'webhook', max_bytes: 100, rate_limit: 8 });
    expect(await send(`${server.url}/hooks/${hook.id}/guess`, {})).toMatchObject({
      ...{ status: 401, body: { detail: expect.stringContaining('secret') } },
    });
    expect(await send(hook.url, undefined, {}, 'GET')).toMatchObject({ status: 405 });
    expect(await send(hook.url, { Name: 'x'.repeat(100) })).toMatchObject({ status: 413 });
    // Beyond what any trigger takes nothing is read, whoever asks.
    expect(await send(`${server.url}/hooks/nobody`, { Name: 'x'.repeat(17 * 1024 * 1024) })).toMatchObject({
      status: 413,
    });
    expect(await send(hook.url, '{"Name"')).toMatchObject({ status: 400 });
    expect(await send(hook.url, { Other: 1 })).toMatchObject({
      ...{ status: 422, body: { detail: expect.stringContaining('"Name"') } },
    });
    await server.client.ok('PATCH', `${triggersOf(greeting.id)}/${hook.id}`, { enabled: false });
    expect(await send(hook.url, { Name: 'Ada' })).toMatchObject({ status: 409 });
    await server.client.ok('PATCH', `${triggersOf(greeting.id)}/${hook.id}`, { enabled: true });
    const statuses: number[] = [];
    while (!statuses.includes(429)) statuses.push((await send(hook.url, { Name: 'Ada' })).status);
    const reasons = (await eventsOf(hook)).filter(({ errored }) => errored).map(({ reason }) => reason);
    expect(reasons.length).toBeGreaterThanOrEqual(7);
    expect(JSON.stringify(reasons)).not.toContain(hook.secret);
    const errored = await server.client.get(`/v1/triggers/events?errored=true&trigger_id=${hook.id}&search=GUESS`);
    expect(errored.total).toBe(0);
    for (const path of ['nothing', `${hook.id}/a/b`, '']) {
      expect(await send(`${server.url}/hooks/${path}`, {})).toMatchObject({ status: 404 });
    }
  });
});

describe('a schedule', () => {
  it('fires by the clock, once for each of its times', async () => {
    const trigger = await make({ type: 'schedule', cron: '* * * * * *' }, { inputs: { Name: '((due_at))' } });
    await expect.poll(async () => (await eventsOf(trigger)).length, { timeout: 60_000 }).toBeGreaterThan(1);
    await server.client.ok('DELETE', `/v1/triggers/${trigger.id}`);
    const { items } = await server.client.get('/v1/runs?size=100');
    const said = await Promise.all(
      items
        .filter(({ meta }: Wire) => meta?.trigger_id === trigger.id)
        .map(async ({ id }: Wire) => (await outputOf(id)).Greeting),
    );
    expect(said.length).toBeGreaterThan(1);
    expect(new Set(said).size).toBe(said.length);
    expect(said.every((one) => /^Hello 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/.test(one))).toBe(true);
  });

  it('says its next times, by its own zone, before and after it is made', async () => {
    const definition = { type: 'schedule', cron: '30 9 * * MON-FRI', timezone: 'Europe/Berlin' };
    const { next_times: times } = await server.client.post('/v1/triggers/preview', { definition });
    expect(times).toHaveLength(5);
    const inBerlin = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Europe/Berlin',
      hour: '2-digit',
      minute: '2-digit',
    });
    expect(new Set(times.map((at: string) => inBerlin.format(new Date(at))))).toEqual(new Set(['09:30']));
    const trigger = await make(definition);
    expect(trigger.next_times).toEqual(times);
    const off = await server.client.ok('PATCH', `${triggersOf(greeting.id)}/${trigger.id}`, { enabled: false });
    expect(off.next_times).toEqual([]);
  });

  it('is refused with every mistake in it, by the names that were given', async () => {
    const refusal = async (definition: object, more: object = {}): Promise<[string, string][]> => {
      const { body } = await server.client.send('POST', triggersOf(greeting.id), { definition, ...more });
      return body.detail.map(({ loc, msg }: Wire) => [loc.at(-1), msg]);
    };
    expect(await refusal({ type: 'schedule', cron: '61 * * * *' })).toEqual([
      ['cron', expect.stringContaining('minute')],
    ]);
    expect(await refusal({ type: 'schedule', cron: '0 0 30 2 *' })).toEqual([
      ['cron', expect.stringContaining('never')],
    ]);
    expect(await refusal({ type: 'schedule', cron: '* * * * *', timezone: 'Mars' })).toEqual([
      ['timezone', expect.stringContaining('Mars')],
    ]);
    expect(await refusal({ type: 'schedule', cron: '* * * * *', jitter_seconds: -1, end_att: 5 })).toEqual([
      ['jitter_seconds', expect.stringContaining('"jitter_seconds"')],
      ['end_att', expect.stringContaining('no "')],
    ]);
    expect(await refusal({ type: 'poll', url: 'http://169.254.169.254/' })).toEqual([['url', expect.any(String)]]);
    expect(await refusal({ type: 'webhook', verify: 'standard' }, { secret: 'not base64 at all' })).toEqual([
      ['secret', expect.stringContaining('whsec_')],
    ]);
    expect(await refusal({ type: 'webhook' }, { inputs: { Name: '$.[' } })).toEqual([['Name', expect.any(String)]]);
    expect(await refusal({ type: 'moon' })).toEqual([['type', expect.any(String)]]);
  });
});

describe('a poll', () => {
  const rss = (...ids: readonly string[]) =>
    `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>${ids
      .map((id) => `<item><title>Title ${id}</title><link>http://news/${id}</link><guid>${id}</guid></item>`)
      .join('')}</channel></rss>`;
  const poll = (path: string, set: object = {}) => ({ type: 'poll', url: feed.url + path, every_seconds: 10, ...set });
  /** Makes it due again. */
  const lookAgain = async (trigger: Wire) => {
    const patch = (enabled: boolean) =>
      server.client.ok('PATCH', `${triggersOf(trigger.workflow_id)}/${trigger.id}`, { enabled });
    await patch(false);
    await patch(true);
  };
  const asked = (path: string) => feed.received.filter((request) => request.path === path);

  it('starts a run for each item of a feed that it has not seen, the oldest first', async () => {
    answers.set('/rss', ({ headers }) =>
      headers['if-none-match'] === '"2"' ? { status: 304 } : { headers: { etag: '"1"' }, body: rss('b', 'a') },
    );
    const trigger = await make(poll('/rss'), { inputs: { Name: '((item.title)), ((item.id))' } });
    await expect
      .poll(async () => (await server.client.get(`/v1/triggers/${trigger.id}`)).last_polled_at)
      .not.toBeNull();
    expect(await eventsOf(trigger)).toEqual([]);
    answers.set('/rss', ({ headers }) =>
      headers['if-none-match'] === '"2"' ? { status: 304 } : { headers: { etag: '"2"' }, body: rss('d', 'c', 'b') },
    );
    await lookAgain(trigger);
    await expect.poll(async () => (await eventsOf(trigger)).length).toBe(2);
    const events = (await eventsOf(trigger)).toReversed();
    expect(events.map(({ data }) => data.title)).toEqual(['Title c', 'Title d']);
    expect(await outputOf(events[0].run_id)).toEqual({ Greeting: 'Hello Title c, c' });
    await lookAgain(trigger);
    await expect.poll(() => asked('/rss').at(-1)?.headers['if-none-match']).toBe('"2"');
    await server.client.ok('DELETE', `/v1/triggers/${trigger.id}`);
  });

  it('finds items in JSON by paths, for one run with all that are new', async () => {
    answers.set('/json', () => ({ body: JSON.stringify({ data: [{ key: 1 }, { key: 2 }] }) }));
    const paths = { source: 'json', items_path: '$.data[*]', id_path: '$.key', run_per: 'poll', start_with: 'all' };
    const trigger = await make(poll('/json', paths), { inputs: { Name: '((count)): ((items))' } });
    await expect.poll(async () => (await eventsOf(trigger)).length).toBe(1);
    const [event] = await eventsOf(trigger);
    expect(await outputOf(event.run_id)).toEqual({ Greeting: 'Hello 2: [{"key":2},{"key":1}]' });
    const definition = poll('/json', paths);
    const preview = await server.client.post('/v1/triggers/preview', { definition, with_items: true });
    expect(preview).toMatchObject({ items: [{ key: 1 }, { key: 2 }], problem: null });
    await server.client.ok('DELETE', `/v1/triggers/${trigger.id}`);
  });

  it('shows what is wrong at its address, and goes on when it is mended', async () => {
    answers.set('/broken', () => ({ status: 503 }));
    const trigger = await make(poll('/broken', { start_with: 'all' }), { inputs: { Name: '((item.id))' } });
    await expect.poll(async () => (await server.client.get(`/v1/triggers/${trigger.id}`)).failures).toBe(1);
    const [event] = await eventsOf(trigger);
    expect(event).toMatchObject({ outcome: 'failed', errored: true, reason: expect.stringContaining('503') });
    answers.set('/broken', () => ({ body: rss('a') }));
    await lookAgain(trigger);
    await expect.poll(async () => (await eventsOf(trigger)).length).toBe(2);
    const mended = await server.client.get(`/v1/triggers/${trigger.id}`);
    expect(mended).toMatchObject({ failures: 0, last_error: null });
    await server.client.ok('DELETE', `/v1/triggers/${trigger.id}`);
  });
});

describe('every trigger', () => {
  it('is fired by hand, also when it is switched off, and says why when it starts nothing', async () => {
    const trigger = await make({ type: 'schedule', cron: '0 0 1 1 *' }, { enabled: false });
    const path = `/v1/triggers/${trigger.id}/fire`;
    const refused = await server.client.post(path);
    expect(refused).toMatchObject({ event_type: 'manual', outcome: 'refused', run_id: null, errored: true });
    expect(refused.reason).toContain('"Name" (node in) has no value');
    const fired = await server.client.post(path, { payload: { Name: 'Ada' } });
    expect(await outputOf(fired.run_id)).toEqual({ Greeting: 'Hello Ada' });
  });

  it('is listed by workflow and in all, and its events with filters', async () => {
    const workflow = await server.client.save(GREETING);
    const trigger = await make({ type: 'webhook' }, { name: 'one' }, workflow.id);
    await send(trigger.url, { Name: 'Grace' });
    await send(trigger.url, {});
    expect(await server.client.get(triggersOf(workflow.id))).toMatchObject({
      ...{
        total: 1,
        pages: 1,
        items: [{ id: trigger.id, name: 'one', definition: { type: 'webhook', verify: 'path' } }],
      },
    });
    const shown = [{ id: trigger.id, definition: { type: 'webhook' }, url: expect.stringContaining('{secret}') }];
    expect((await server.client.get(`/v1/workflows/${workflow.id}`)).triggers).toMatchObject(shown);
    const { items: workflows } = await server.client.get('/v1/workflows');
    expect(workflows.find(({ id }: Wire) => id === workflow.id).triggers).toMatchObject(shown);
    const total = async (query: string) =>
      (await server.client.get(`/v1/triggers/events?workflow_id=${workflow.id}&${query}`)).total;
    expect(await total('')).toBe(2);
    expect(await total('errored=True')).toBe(1);
    expect(await total('errored=false')).toBe(1);
    expect(await total('started_run=true')).toBe(1);
    expect(await total('search=grace')).toBe(1);
    expect(await total('event_type=poll')).toBe(0);
    expect(await server.client.ok('DELETE', `/v1/triggers/${trigger.id}`)).toEqual({ success: true });
    expect(await total('')).toBe(0);
    expect(await send(trigger.url, { Name: 'Grace' })).toMatchObject({ status: 404 });
  });
});
