import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect, type RunnerTask } from 'vitest';
import { readCorpus, spread } from '../../demo/corpus.ts';
import { type Server, startServer } from '../journeys/server.ts';
import { buildPages } from './built-pages.ts';

const ROOT = join(import.meta.dirname, '../..');
const IMAGES = join(ROOT, 'docs/images');

/** Chromium as on a machine without screen, network accounts or a user. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A window of the explorer, as somebody has it. */
export interface WindowWishes {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'light' | 'dark';
  /** Whether the key has been pasted already; so it is unless said otherwise. */
  readonly signedIn?: boolean;
}

/** The product with pages and a browser before it. */
export interface Explorer {
  readonly server: Server;
  /** A window of its own, signed in, at an address of the page; it knows nothing of other windows. */
  open(path: string, wishes?: WindowWishes): Promise<Page>;
  /** Closes all windows: what is open after a test goes on asking the server. Of one that failed, tells what they showed. */
  closeWindows(task: RunnerTask): Promise<void>;
  /** What windows have complained about since they were last asked: exceptions, errors on the console, broken rules of the policy. */
  complaints(): string[];
  /** Calls the public API with the key of the server. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  stop(): Promise<void>;
}

/**
 * Builds the pages where they are old, starts the product on a data folder of its own and a browser.
 * @param chromiumPath what `needsProgram('chromium')` found; null where tests are skipped
 * @param settings environment variables of the server
 */
export async function startExplorer(
  chromiumPath: string | null,
  settings: Readonly<Record<string, string>> = {},
): Promise<Explorer> {
  if (chromiumPath === null) return { ...NOTHING };
  await buildPages();
  const server = await startServer(settings);
  // A profile of its own, which goes with it.
  const browser = await chromium.launch({ executablePath: chromiumPath, headless: true, args: ARGUMENTS });
  let windows: BrowserContext[] = [];
  let complaints: string[] = [];

  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { 'x-api-key': server.key, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  };

  return {
    server,
    call,
    async open(path, { width = 1280, height = 800, theme = 'light', signedIn = true } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        locale: 'en-GB',
        timezoneId: 'UTC',
      });
      windows.push(context);
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        // That nobody is signed in yet is asked for, and answered with 401.
        const isExpected = message.text().includes('401 (Unauthorized)');
        if (message.type() === 'error' && !isExpected) complaints.push(message.text());
      });
      if (signedIn) {
        const headers = { 'x-millrun-explorer': '1', origin: server.url };
        const answer = await context.request.post(`${server.url}/explorer/v1/session`, {
          headers,
          data: { key: server.key },
        });
        expect(answer.ok(), await answer.text()).toBe(true);
      }
      await page.goto(`${server.url}${path}`);
      return page;
    },
    async closeWindows({ name, result }) {
      const open = windows;
      windows = [];
      if (result?.state === 'fail') for (const context of open) await tellWhatIsShown(name, context);
      for (const context of open) await context.close();
    },
    complaints() {
      const said = complaints;
      complaints = [];
      return said;
    },
    async stop() {
      await browser.close();
      await server.stop();
    },
  };
}

/** A machine that is not at hand shows nothing but its log: a locator that found nothing does not say what there was instead. */
async function tellWhatIsShown(test: string, context: BrowserContext): Promise<void> {
  for (const page of context.pages()) {
    const shown = await page
      .locator('body')
      .innerText({ timeout: 5_000 })
      .catch((error: Error) => `nothing that can be read (${error.message})`);
    console.error(`Where "${test}" failed, ${page.url()} showed:\n${shown.slice(0, SHOWN_CHARACTERS)}`);
  }
}

/** Of a page that is told of: more than a screen. */
const SHOWN_CHARACTERS = 3_000;

const NOTHING: Explorer = {
  server: { url: '', key: '', folder: '', stop: async () => {} },
  open: () => Promise.reject(new Error('There is no browser.')),
  closeWindows: async () => {},
  complaints: () => [],
  call: () => Promise.reject(new Error('There is no server.')),
  stop: async () => {},
};

/** Saves the demo's workflow. @returns its id */
export async function saveDemo({ call }: Explorer): Promise<string> {
  const digest: unknown = JSON.parse(readFileSync(join(ROOT, 'demo/package-digest.json'), 'utf8'));
  return (await call<{ id: string }>('POST', '/v1/workflows', digest)).id;
}

/** Runs the demo's workflow over some READMEs of the packages. */
export async function runDemo({ call }: Explorer, workflowId: string, runs: number): Promise<void> {
  const waiting = spread(readCorpus(join(ROOT, 'node_modules')), runs).values();
  const takeTurns = async () => {
    for (const { readme, manifest } of waiting) {
      await call('POST', `/v1/workflows/${workflowId}/runs/sync`, { input: { README: readme, Manifest: manifest } });
    }
  };
  await Promise.all(Array.from({ length: 8 }, takeTurns));
}

/** What of WCAG 2.2 AA the page breaks as it stands, each with where; empty is what is wanted. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`)) as {
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly target: readonly string[] }[];
    }[];
  };
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

/** Keeps a picture of the window in `docs/images`, where the documents show it. Moving things are stilled. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled' });
}
