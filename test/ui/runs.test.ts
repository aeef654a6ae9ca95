import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';
import { barriers, type Explorer, picture, runDemo, saveDemo, startExplorer } from './explorer.ts';

/** Runs of the demo: more than a window shows, few enough to be made in a second. */
const RUNS = 60;

/** Bytes of JavaScript, gzipped, that the first page may have. */
const MOST_SCRIPT = 250_000;

const chromium = needsProgram('chromium');
let explorer: Explorer;
let workflowId: string;

beforeAll(async () => {
  explorer = await startExplorer(chromium);
}, 120_000);

afterEach(({ task }) => explorer.closeWindows(task));

afterAll(() => explorer.stop());

const rows = (page: Page) => page.locator('[role=grid] [role=row][data-run]');
const bar = (page: Page) => page.getByRole('combobox', { name: 'Filter and search' });
const asked = (page: Page) => new URL(page.url()).searchParams;

describe('whoever opens a server that is new', () => {
  it('signs in with a key, and is told when it is none', async () => {
    const page = await explorer.open('/runs?q=status:failed', { signedIn: false });
    await page.getByLabel('API key').fill('mr_this_is_no_key_of_this_server');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('[aria-invalid=true]').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'sign-in');
    await page.getByLabel('API key').fill(explorer.server.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect(asked(page).get('q')).toBe('status:failed');
  });

  it('learns how to make the first run, and sees it come', async () => {
    const page = await explorer.open('/runs');
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'runs-empty');
    workflowId = await saveDemo(explorer);
    await runDemo(explorer, workflowId, 1);
    await rows(page).first().waitFor();
    expect(await rows(page).count()).toBe(1);
  });
});

describe('the page of runs', () => {
  beforeAll(async () => {
    if (chromium) await runDemo(explorer, workflowId, RUNS);
  }, 60_000);

  const start = async (readme: string) => {
    const input = { README: readme, Manifest: {} };
    return explorer.call<{ id: string }>('POST', `/v1/workflows/${workflowId}/runs`, { input });
  };

  it.each([
    ['runs', { theme: 'light' }],
    ['runs-dark', { theme: 'dark' }],
    ['runs-narrow', { theme: 'light', width: 360, height: 740 }],
  ] as const)('can be used by everybody: %s', async (name, wishes) => {
    const page = await explorer.open('/runs', wishes);
    await rows(page).nth(5).waitFor();
    await page.locator('[role=slider]').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, name);
  });

  it('comes with less than 250 kB of JavaScript', async () => {
    const page = await explorer.open('/runs');
    await rows(page).first().waitFor();
    const scripts = (await page.evaluate(
      "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname).filter((path) => path.endsWith('.js'))",
    )) as string[];
    const dist = join(import.meta.dirname, '../../web/dist');
    const bytes = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(join(dist, path))).length, 0);
    expect(scripts.length).toBeGreaterThan(2);
    expect(bytes).toBeLessThan(MOST_SCRIPT);
  });

  it('completes fields, and values that runs have', async () => {
    const page = await explorer.open('/runs');
    await rows(page).first().waitFor();
    await page.keyboard.press('/');
    await page.getByRole('option', { name: /^status / }).waitFor();
    // Faster than the list below follows: what is taken is of the text as it is, not of what the list was made for.
    await bar(page).pressSequentially('workflo');
    await bar(page).press('Tab');
    await expect.poll(() => bar(page).inputValue()).toBe('workflow:');
    await page.getByRole('option', { name: /Package digest/ }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'runs-completion');
    await bar(page).press('ArrowDown');
    await bar(page).press('Enter');
    await expect.poll(() => bar(page).inputValue()).toBe("workflow:'Package digest' ");
    await bar(page).press('Enter');
    await expect.poll(() => asked(page).get('q')).toBe("workflow:'Package digest'");
    await rows(page).first().waitFor();
  });

  it('says what is wrong with a filter while it is written, and keeps what it showed', async () => {
    const page = await explorer.open('/runs');
    await rows(page).first().waitFor();
    await bar(page).fill('statuss:failed');
    await page.getByText('There is no field statuss.').waitFor();
    await page.getByText('Did you mean status?').waitFor();
    expect(await rows(page).count()).toBeGreaterThan(5);
  });

  it('searches by text and by meaning', async () => {
    const page = await explorer.open('/runs');
    await bar(page).fill('license');
    await bar(page).press('Enter');
    await page
      .locator('mark', { hasText: /license/i })
      .first()
      .waitFor();
    expect(asked(page).get('text')).toBe('license');
    await page.getByText('Meaning', { exact: true }).click();
    await page.getByText('Nearest in meaning first.').waitFor();
    await rows(page).first().waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'runs-search');
  });

  it('filters by facets, and goes back', async () => {
    const page = await explorer.open('/runs');
    await start('');
    await start('');
    const failed = page.getByRole('button', { name: /^Failed [1-9]/ });
    await failed.click();
    await expect.poll(() => asked(page).get('q')).toBe('status:failed');
    await expect.poll(async () => (await rows(page).allInnerTexts()).every((row) => row.includes('Failed'))).toBe(true);
    await page.getByRole('button', { name: /^Succeeded/ }).click();
    await expect.poll(() => asked(page).get('q')).toBe('status.in:(failed, succeeded)');
    await page.goBack();
    await page.goBack();
    await expect.poll(() => asked(page).get('q')).toBeNull();
  });

  it('takes a stretch of time from the chart, by keyboard too', async () => {
    const page = await explorer.open('/runs');
    const chart = page.getByRole('slider');
    await chart.focus();
    await chart.press('ArrowRight');
    await chart.press('Shift+ArrowRight');
    await chart.press('Enter');
    await expect.poll(() => asked(page).get('q')).toMatch(/^created_at>=\S+Z AND created_at<\S+Z$/);
    await page.getByRole('button', { name: 'All times' }).click();
    await expect.poll(() => asked(page).get('q')).toBeNull();
  });

  it('shows new runs as they start, and holds them back while somebody reads', async () => {
    const page = await explorer.open('/runs');
    await rows(page).first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    const { id } = await start('# Seen at once');
    await page.locator(`[data-run="${id}"]`).waitFor();
    await page.keyboard.press('j');
    const { id: next } = await start('# Held back');
    await page.getByRole('button', { name: '1 new run' }).waitFor();
    expect(await page.locator(`[data-run="${next}"]`).count()).toBe(0);
    await picture(page, 'runs-live');
    await page.keyboard.press('n');
    await page.locator(`[data-run="${next}"]`).waitFor();
  });

  it('says that nothing could be read, chart and facets included, and reads all of it again', async () => {
    const page = await explorer.open('/people');
    // The one way to have an answer with 500 from a server that is well.
    const error = { kind: 'internal', message: 'Something went wrong here.', problems: [], requestId: 'r-1' };
    await page.route(/\/explorer\/v1\/runs/, (route) => route.fulfill({ status: 500, json: { error } }));
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'The runs could not be read' }).waitFor();
    await page.getByText('The facets could not be counted: Something went wrong here.').first().waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.unroute(/\/explorer\/v1\/runs/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await rows(page).first().waitFor();
    expect(explorer.complaints().filter((said) => !said.includes('status of 500'))).toEqual([]);
  });

  it('keeps no line to the server while its window is hidden, and catches up when it is seen again', async () => {
    const page = await explorer.open('/runs');
    const lines = () =>
      page.evaluate(
        `performance.getEntriesByType('resource').filter(({ name }) => name.includes('/runs/live')).length`,
      );
    const show = (state: 'visible' | 'hidden') =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await rows(page).first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    const { id: before } = await start('# Seen before');
    await page.locator(`[data-run="${before}"]`).waitFor();
    await show('hidden');
    // The browser notes a request when it is over: the line is closed.
    await expect.poll(lines).toBe(1);
    const { id } = await start('# Not seen');
    const opened = page.waitForRequest(/\/runs\/live/);
    await show('visible');
    expect(Number(new URL((await opened).url()).searchParams.get('position'))).toBeGreaterThan(0);
    await page.locator(`[data-run="${id}"]`).waitFor();
  });

  it('is worked by keyboard: j, k, x, Enter, ?', async () => {
    const page = await explorer.open('/runs');
    await rows(page).nth(3).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByText('1 selected').waitFor();
    await page.keyboard.press('k');
    await page.keyboard.press('Shift+X');
    await page.getByText('2 selected').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByText('selected').count()).toBe(0);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    const id = await page.locator('[data-run]:focus').getAttribute('data-run');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).pathname).toBe(`/runs/${id}`);
  });

  it('retries the failed runs after it has said how many they are', async () => {
    const page = await explorer.open('/runs?q=status:failed');
    await rows(page).first().waitFor();
    const before = await rows(page).count();
    await page.getByLabel('Select all runs that are loaded').check();
    await page.getByRole('button', { name: 'Retry' }).click();
    const dialog = page.getByRole('dialog', { name: `Retry ${before} runs?` });
    await dialog.getByText('It applies to all of them.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'runs-retry');
    await dialog.getByRole('button', { name: `Retry ${before} runs` }).click();
    await page.getByText(`${before} of ${before} started again.`).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    // They fail again, as what is empty does.
    const shown = async () => {
      await page.keyboard.press('n');
      return rows(page).count();
    };
    await expect.poll(shown).toBe(before * 2);
  });

  it('keeps views under a name', async () => {
    const page = await explorer.open('/runs?q=status:failed');
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByRole('menuitem', { name: 'Save this as a view…' }).click();
    await page.getByLabel('Name').fill('Failures');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Failures' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'All runs' }).click();
    await expect.poll(() => asked(page).get('q')).toBeNull();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'All runs' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Failures' }).click();
    await expect.poll(() => asked(page).get('q')).toBe('status:failed');
  });

  it('shows the columns that were chosen, in their order, and keeps them in the address', async () => {
    const page = await explorer.open('/runs');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'Source' }).check();
    await page.getByRole('button', { name: 'Source earlier' }).click();
    expect(asked(page).get('columns')).toBe('status,workflow,outcome,created,duration,source,cost');
    await page.reload();
    await rows(page).first().waitFor();
    expect((await page.getByRole('columnheader').allInnerTexts()).slice(-2)).toEqual(['Source', 'Cost']);
  });

  it('has complained of nothing on the way', () => {
    expect(explorer.complaints()).toEqual([]);
  });
});

it('shows all its components so that everybody can use them', async () => {
  for (const theme of ['light', 'dark'] as const) {
    const page = await explorer.open('/design', { theme, height: 2400 });
    await page.getByRole('heading', { name: 'Icons' }).waitFor();
    await page.locator('.cm-content').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, theme === 'light' ? 'design' : 'design-dark');
  }
});
