import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { needsProgram } from '../support/programs.ts';
import { barriers, type Explorer, picture, runDemo, startExplorer } from './explorer.ts';

const chromium = needsProgram('chromium');

let explorer: Explorer;
let shop: OtherServer;
let failures = 0;

interface Started {
  readonly id: string;
  readonly workflow_id: string;
  readonly status: string;
}

beforeAll(async () => {
  // The first two questions after each setback are refused: what is tried again shows how long it waited.
  shop = await startOtherServer(({ path }, response) => {
    const isPrice = path.startsWith('/price');
    response.statusCode = !isPrice && failures > 0 ? 503 : 200;
    if (!isPrice) failures = Math.max(0, failures - 1);
    response.setHeader('content-type', 'application/json');
    const line = new URL(path, 'http://shop').searchParams.get('line');
    response.end(JSON.stringify(isPrice ? { line, cents: 4200 } : { stock: 12, colours: ['oak', 'walnut'] }));
  });
  explorer = await startExplorer(chromium, { MILLRUN_HTTP_ALLOW: new URL(shop.url).host });
}, 120_000);

afterAll(async () => {
  await explorer.stop();
  await shop.stop();
});

const code = (id: string, name: string, template: string, more: object = {}) => ({
  id,
  name,
  type: 'CodeExecutionV3Node',
  node_config: { template, ...more },
});

/** An order: lines are cut apart, each is priced by code that speaks, the shop is asked, a letter is written. */
const order = (more: readonly object[] = [], edges: readonly object[] = []) => ({
  nodes: [
    { ...input('in', 'Order'), name: 'Order' },
    { id: 'lines', name: 'Cut into lines', type: 'TextSplitterNode', node_config: { chunk_size: 12 } },
    { ...http('price', `${shop.url}/price?line=((Line))`), name: 'Price a line' },
    code(
      'sum',
      'Add it up',
      'function main({ prices }) { prices.forEach((price, index) => console.info("line", index + 1, "costs", price.line.length)); console.warn("nothing was paid for the catalogue"); return { total: prices.length * 40 }; }',
      { outputs: ['total'] },
    ),
    { ...http('stock', `${shop.url}/stock`, { max_retries: 3, retry_delay: 0.2 }), name: 'Ask the shop' },
    {
      ...text('letter', 'Dear customer,\n\nwe have ((Stock)) of them.\nPrices: ((Prices))\n'),
      name: 'Write the letter',
    },
    { ...output('out', 'Letter'), name: 'Letter' },
    ...more,
  ],
  edges: [
    edge('in::output', 'lines::text'),
    edge('lines::output', 'price::variables::Line'),
    edge('price::body', 'sum::variables::prices'),
    edge('stock::body', 'letter::variables::Stock'),
    edge('sum::total', 'letter::variables::Prices'),
    edge('letter::output', 'out::input'),
    ...edges,
  ],
});

const LINES = 'two oak chairs one walnut table a free catalogue three oak shelves and a lamp';

async function save(name: string, definition: object): Promise<string> {
  const { id } = await explorer.call<{ id: string }>('POST', '/v1/workflows', { name, type: 'flow', definition });
  return id;
}

const runSync = (workflow: string, body: object) =>
  explorer.call<Started>('POST', `/v1/workflows/${workflow}/runs/sync`, body);

describe.skipIf(chromium === null)('the page of a run', () => {
  it('looks', async () => {
    const digest = await runDemo(explorer, 6);
    const { items } = await explorer.call<{ items: Started[] }>('GET', `/v1/workflows/${digest}/runs?size=20`);
    console.log(items.map((i) => i.status).join());
    const ok = items.find(({ status }) => status === 'completed')!;
    failures = 2;
    const id = await save('Order letter', order());
    const run = await runSync(id, { input: { Order: LINES } });
    console.log(JSON.stringify(run).slice(0, 1500));
    const shot = async (page: Page, name: string) => {
      await page.waitForTimeout(700);
      await page.screenshot({ path: `/tmp/shots/${name}.png` });
    };
    for (const theme of ['light', 'dark'] as const) {
      const page = await explorer.open(`/runs/${ok.id}`, { theme, width: 1440, height: 900 });
      await page.getByRole('heading', { name: 'The run', exact: true }).waitFor();
      await shot(page, `graph-${theme}`);
      console.log(theme, await barriers(page));
      await page.keyboard.press('2');
      await shot(page, `waterfall-${theme}`);
      console.log(theme, await barriers(page));
      await page.keyboard.press('3');
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await shot(page, `list-${theme}`);
      console.log(theme, await barriers(page));
      await page.goto(`${explorer.server.url}/runs/${run.id}?view=waterfall&node=price&iteration=3`);
      await shot(page, `order-${theme}`);
      console.log(theme, await barriers(page));
      await page.goto(`${explorer.server.url}/runs/${run.id}?tab=logs`);
      await shot(page, `logs-${theme}`);
      console.log(theme, await barriers(page));
    }
    const page = await explorer.open(`/runs/${run.id}?node=stock`, { width: 400, height: 860 });
    await shot(page, 'narrow');
    console.log(await barriers(page), explorer.complaints());
  }, 180_000);
});
