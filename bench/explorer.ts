/**
 * Question: how soon does the explorer's page of runs stand, how soon does it answer a hand, and does it scroll smoothly, over 100,000 runs?
 *
 *   npm run bench -- explorer [runs] [Chromium's path]
 *
 * Figures are the browser's own: paint and event timing entries, and the frames of its trace. Floor: the same browser at the sign-in page, which
 * asks for no runs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { fillStore } from './filter-store.ts';
import { type BenchServer, startServer } from './server.ts';

const ROUNDS = 5;
const SCROLLED_PIXELS = 6_000;
/** As fast as a hand turns the wheel. */
const PIXELS_A_SECOND = 2_000;
const ROW = '[role="row"][aria-rowindex], [data-run-id], tbody tr';

export async function bench(args: readonly string[]): Promise<void> {
  const runs = Number(args[0] ?? 100_000);
  const executablePath = args[1] ?? '/usr/bin/chromium';
  const folder = mkdtempSync(join(tmpdir(), 'millrun-bench-'));
  const server = await filledServer(folder, runs);
  const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath, headless: true, args: flags });
  try {
    console.log('| what | median | worst |');
    console.log('|---|---|---|');
    await loads('floor: sign-in page, first paint', browser, server, false);
    await loads(`runs page over ${runs} runs`, browser, server, true);
    await interactions(browser, server);
    await scrolling(browser, server);
  } finally {
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server on a folder with so many runs in the workspace of its key. */
async function filledServer(folder: string, runs: number): Promise<BenchServer> {
  await (await startServer({ folder })).stop();
  const store = openSqliteStore(folder);
  const workspace = await store.firstWorkspace();
  await store.close();
  if (workspace === null) throw new Error('The server made no workspace.');
  await fillStore(folder, runs, workspace.id);
  return startServer({ folder });
}

async function opened(browser: Browser, server: BenchServer, signedIn: boolean): Promise<[BrowserContext, Page]> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  if (signedIn) {
    const headers = { 'x-millrun-explorer': '1', origin: server.url };
    const answer = await context.request.post(`${server.url}/explorer/v1/session`, {
      headers,
      data: { key: server.key },
    });
    if (!answer.ok()) throw new Error(`Signing in was answered with ${answer.status()}: ${await answer.text()}`);
  }
  return [context, await context.newPage()];
}

const MIDDLE = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function row(what: string, values: readonly number[], unit: string): void {
  console.log(`| ${what} | ${MIDDLE(values).toFixed(0)} ${unit} | ${Math.max(...values).toFixed(0)} ${unit} |`);
}

async function loads(what: string, browser: Browser, server: BenchServer, signedIn: boolean): Promise<void> {
  const paints: number[] = [];
  const rows: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [context, page] = await opened(browser, server, signedIn);
    await page.goto(`${server.url}/runs`);
    if (signedIn) {
      await page.waitForSelector(ROW);
      rows.push(await page.evaluate(() => performance.now()));
    } else await page.waitForSelector('input');
    const paint = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    paints.push((await page.evaluate(paint)) ?? 0);
    await context.close();
  }
  row(`${what}: first contentful paint`, paints, 'ms');
  if (rows.length > 0) row(`${what}: first rows are there`, rows, 'ms');
}

/** What a key or a click takes until its effect is painted, as event timing has it; shorter than 16 ms is not told. */
async function interactions(browser: Browser, server: BenchServer): Promise<void> {
  const [context, page] = await opened(browser, server, true);
  await page.addInitScript(() => {
    const told: number[] = [];
    Object.assign(globalThis, { told });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if ('interactionId' in entry && entry.interactionId) told.push(entry.duration);
    }).observe({ type: 'event', durationThreshold: 16, buffered: true } as never);
  });
  await page.goto(`${server.url}/runs`);
  await page.waitForSelector(ROW);
  await page.waitForTimeout(1500);
  let acts = 0;
  for (let round = 0; round < 10; round += 1) {
    for (const key of ['j', 'j', 'x', 'k']) {
      await page.keyboard.press(key);
      acts += 1;
      await page.waitForTimeout(60);
    }
  }
  for (let round = 0; round < 6; round += 1) {
    await page
      .getByRole('checkbox')
      .nth(round % 3)
      .click({ timeout: 5000 });
    acts += 1;
    await page.waitForTimeout(500);
  }
  const told = await page.evaluate(() => (globalThis as unknown as { told: number[] }).told);
  const slow = told.filter((duration) => duration > 100).length;
  row(
    `keys and clicks until painted (${told.length} of ${acts} took over 16 ms, ${slow} over 100)`,
    told.length ? told : [16],
    'ms',
  );
  await context.close();
}

interface TraceEvent {
  readonly name: string;
  readonly ts: number;
}

async function scrolling(browser: Browser, server: BenchServer): Promise<void> {
  const [context, page] = await opened(browser, server, true);
  await page.goto(`${server.url}/runs`);
  await page.waitForSelector(ROW);
  await page.waitForTimeout(1500);
  await page.mouse.move(800, 600);
  const client = await context.newCDPSession(page);
  const events: TraceEvent[] = [];
  client.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise((resolve) => client.once('Tracing.tracingComplete', resolve));
  await client.send('Tracing.start', { categories: 'devtools.timeline,disabled-by-default-devtools.timeline.frame' });
  // The browser turns the wheel itself: a call for each turn would be slower than the frames.
  await client.send('Input.synthesizeScrollGesture', {
    ...{ x: 800, y: 600, yDistance: -SCROLLED_PIXELS, speed: PIXELS_A_SECOND },
    gestureSourceType: 'mouse',
  });
  await client.send('Tracing.end');
  await complete;
  const drawn = events
    .filter(({ name }) => name === 'DrawFrame')
    .map(({ ts }) => ts / 1000)
    .toSorted((a, b) => a - b);
  const gaps = drawn.slice(1).map((at, index) => at - drawn[index]!);
  const seconds = ((drawn.at(-1) ?? 0) - (drawn[0] ?? 0)) / 1000;
  const dropped = events.filter(({ name }) => name === 'DroppedFrame').length;
  row(
    `frames while scrolling: ${(drawn.length / seconds).toFixed(0)} a second, ${dropped} dropped; between two`,
    gaps,
    'ms',
  );
  await context.close();
}
