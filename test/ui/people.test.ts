import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';
import { barriers, type Explorer, picture, startExplorer } from './explorer.ts';

const chromium = needsProgram('chromium');
let explorer: Explorer;
let reviewId: string;

/** Asks with a field of every kind, and says what was answered. */
const REVIEW = {
  nodes: [
    { id: 'in', type: 'InputNode', node_config: { label: 'Draft', type: 'str' } },
    {
      id: 'ask',
      type: 'HumanInTheLoopNode',
      node_config: {
        title: 'Publish “((Draft))”?',
        description: 'It goes to 4,200 subscribers.\nRead it once more: nothing can be taken back.',
        assignee: 'editorial',
        due_seconds: 7200,
        default_answer: { approved: false, tone: 'dry', copies: 1 },
        fields: [
          { name: 'approved', type: 'checkbox', label: 'Approve it' },
          { name: 'tone', type: 'select', label: 'Tone', options: ['dry', 'warm', 'festive'] },
          { name: 'copies', type: 'number', label: 'Copies', initial_value: 100 },
          { name: 'note', type: 'text', label: 'Note for the author', required: false },
          { name: 'cover', type: 'file', label: 'Cover', required: false },
        ],
      },
    },
    { id: 'say', type: 'ComposeTextNode', node_config: { template: '((Tone)): ((Note))' } },
    { id: 'out', type: 'OutputNode', node_config: { label: 'Said' } },
  ],
  edges: [
    { id: 'e1', from_id: 'in::output', to_id: 'ask::variables::Draft' },
    { id: 'e2', from_id: 'ask::tone', to_id: 'say::variables::Tone' },
    { id: 'e3', from_id: 'ask::note', to_id: 'say::variables::Note' },
    { id: 'e4', from_id: 'say::output', to_id: 'out::input' },
  ],
};

beforeAll(async () => {
  explorer = await startExplorer(chromium);
}, 120_000);

afterEach(({ task }) => explorer.closeWindows(task));

afterAll(() => explorer.stop());

const ask = (draft: string) =>
  explorer.call<{ id: string }>('POST', `/v1/workflows/${reviewId}/runs`, { input: { Draft: draft } });
const requests = async (): Promise<readonly { readonly id: string; readonly title: string }[]> =>
  (await explorer.call<{ items: { id: string; title: string }[] }>('GET', '/v1/human-requests')).items;
const items = (page: Page) => page.locator('[data-request]');
const answer = (page: Page) => page.getByRole('form', { name: 'Answer' });
const title = (page: Page, text: string) => page.getByRole('heading', { name: text, level: 2 });
const badge = (page: Page) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^People/ });

describe('the inbox of people', () => {
  it('teaches how a run comes to ask somebody, and shows the first request as it comes', async () => {
    const page = await explorer.open('/people');
    await page.getByRole('heading', { name: 'Nobody waits for an answer' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'people-empty');
    const { id } = await explorer.call<{ id: string }>('POST', '/v1/workflows', { name: 'Review', definition: REVIEW });
    reviewId = id;
    await ask('Spring sale');
    await title(page, 'Publish “Spring sale”?').waitFor();
    expect(await badge(page).textContent()).toBe('People1 request waits');
    await expect.poll(() => page.title()).toBe('(1) People · Millrun');
  });

  it('says at the fields what is wrong with an answer, takes it when it is right, and shows the run going on', async () => {
    const page = await explorer.open('/people');
    const form = answer(page);
    await form.getByRole('checkbox', { name: 'Approve it' }).check();
    await form.getByLabel('Copies').fill('many');
    await page.keyboard.press('Control+Enter');
    await form.getByText('"Copies" takes a number; given was "many".').waitFor();
    await form.getByText(/"Tone" is required/).waitFor();
    expect(await page.locator(':focus').getAttribute('aria-invalid')).toBe('true');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'people-mistakes');
    await form.getByLabel('Copies').fill('250');
    await form.getByLabel('Tone').selectOption('warm');
    await form.getByLabel('Note for the author').fill('Lovely.');
    const cover = { name: 'cover.txt', mimeType: 'text/plain', buffer: Buffer.from('a cover') };
    await form.getByLabel('Cover').setInputFiles(cover);
    await form.getByRole('link', { name: 'cover.txt' }).waitFor();
    await form.getByLabel('Answered by').fill('Ada');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Your answer was taken; the run goes on with it.').waitFor();
    await page.getByRole('region', { name: 'The run' }).getByText('Succeeded').waitFor();
    await page.getByRole('link', { name: 'Open the run' }).waitFor();
    await picture(page, 'people-answered');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('radio', { name: 'Answered' }).check({ force: true });
    await page.getByText('Answered by Ada.').waitFor();
    const run = await explorer.call<{ items: { answer: object; settled_by: string }[] }>(
      'GET',
      '/v1/human-requests?status=answered',
    );
    expect(run.items[0]).toMatchObject({
      settled_by: 'Ada',
      answer: { approved: true, copies: 250, tone: 'warm', note: 'Lovely.' },
    });
  });

  it('is worked through with the keyboard alone, and keeps what was typed', async () => {
    for (const draft of ['Summer sale', 'Autumn news', 'A letter to the founders']) await ask(draft);
    const page = await explorer.open('/people');
    await title(page, 'Publish “Summer sale”?').waitFor();
    await picture(page, 'people');
    await page.keyboard.press('Enter');
    expect(await answer(page).locator(':focus').getAttribute('type')).toBe('checkbox');
    await answer(page).getByLabel('Note for the author').fill('Not yet');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await title(page, 'Publish “Autumn news”?').waitFor();
    await page.keyboard.press('k');
    await title(page, 'Publish “Summer sale”?').waitFor();
    expect(await answer(page).getByLabel('Note for the author').inputValue()).toBe('Not yet');
    await answer(page).getByLabel('Tone').selectOption('dry');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Your answer was taken; the run goes on with it.').waitFor();
    await expect.poll(() => items(page).count()).toBe(2);
    await page.keyboard.press('j');
    await title(page, 'Publish “Autumn news”?').waitFor();
    await expect.poll(() => badge(page).textContent()).toBe('People2 requests wait');
  });

  it('says so when somebody else was quicker, and shows that answer', async () => {
    const page = await explorer.open('/people');
    // Without its line the page learns of the other answer by its own.
    await page.route('**/requests/live', (route) => route.abort());
    await page.reload();
    await answer(page).getByLabel('Tone').selectOption('dry');
    const [first] = await requests();
    await explorer.call('POST', `/v1/human-requests/${first?.id}/answer`, {
      answer: { tone: 'warm', approved: true },
      answered_by: 'Grace',
    });
    await page.getByRole('button', { name: 'Send the answer' }).click();
    await page
      .getByRole('alert')
      .getByText(/^The request was answered by Grace at/)
      .waitFor();
    await page.getByRole('region', { name: 'The answer' }).getByText('warm').waitFor();
    // The browser says of a refused call that it was refused.
    explorer.complaints();
  });

  it('cancels a request when asked to, and its run fails', async () => {
    const page = await explorer.open('/people');
    await page.getByRole('button', { name: 'More about this request' }).click();
    await page.getByRole('menuitem', { name: 'Cancel the request…' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('It was sent by mail.');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the request' }).click();
    await page.getByText(/^Canceled by/).waitFor();
    await page.getByRole('region', { name: 'The run' }).getByText('Failed', { exact: true }).waitFor();
  });

  it('is read in the dark and in a narrow window, list first', async () => {
    for (const draft of [
      'Winter notes',
      'A very long title of a draft that somebody wrote on a train and never shortened',
    ]) {
      await ask(draft);
    }
    const dark = await explorer.open('/people', { theme: 'dark' });
    await title(dark, 'Publish “Winter notes”?').waitFor();
    await dark.getByRole('region', { name: 'The run' }).getByText('Waiting', { exact: true }).first().waitFor();
    expect(await barriers(dark)).toEqual([]);
    await picture(dark, 'people-dark');
    const narrow = await explorer.open('/people', { width: 390, height: 780 });
    await items(narrow).first().waitFor();
    expect(await barriers(narrow)).toEqual([]);
    await picture(narrow, 'people-narrow-list');
    await items(narrow).first().click();
    await title(narrow, 'Publish “Winter notes”?').waitFor();
    expect(await barriers(narrow)).toEqual([]);
    await picture(narrow, 'people-narrow');
    await narrow.getByRole('button', { name: 'All requests' }).click();
    await items(narrow).first().waitFor();
    expect(explorer.complaints()).toEqual([]);
  });
});
