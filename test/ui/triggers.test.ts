import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { GREETING } from '../support/noxus-definitions.ts';
import { needsProgram } from '../support/programs.ts';
import { barriers, type Explorer, picture, startExplorer } from './explorer.ts';

const chromium = needsProgram('chromium');
let explorer: Explorer;

beforeAll(async () => {
  explorer = await startExplorer(chromium);
  if (chromium !== null) await explorer.call('POST', '/v1/workflows', { name: 'Greet', definition: GREETING });
}, 120_000);

afterEach(({ task }) => explorer.closeWindows(task));

afterAll(() => explorer.stop());

it('a schedule is made with its next times in sight, and shown with them', async () => {
  const page = await explorer.open('/triggers');
  await page.getByRole('heading', { name: 'No triggers yet' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'New trigger' }).click();
  const dialog = page.getByRole('dialog');
  await expect.poll(() => dialog.getByRole('region', { name: 'Next times' }).getByRole('listitem').count()).toBe(5);
  await dialog.getByLabel('Cron expression').fill('61 * * * *');
  await dialog.getByText(/Invalid value for minute/).waitFor();
  await dialog.getByLabel('Cron expression').fill('30 6 * * *');
  await dialog.getByLabel('Time zone').fill('Europe/Lisbon');
  await dialog.getByLabel('Name', { exact: true }).fill('Every morning');
  await dialog.getByText(/Invalid value for minute/).waitFor({ state: 'detached' });
  // What was wrong was refused while it was typed, which browsers write to the console.
  expect(explorer.complaints().filter((text) => !text.includes('422'))).toEqual([]);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'trigger-new');
  await dialog.getByRole('button', { name: 'Make the trigger' }).click();
  await page.getByRole('heading', { name: 'Every morning' }).waitFor();
  await page.getByText('30 6 * * * · Europe/Lisbon').waitFor();
  expect(explorer.complaints()).toEqual([]);
});

it('a webhook shows its secret once, its address as a command, and its events with their runs', async () => {
  const page = await explorer.open('/triggers');
  await page.getByRole('button', { name: 'New trigger' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Webhook', { exact: true }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('Orders');
  await dialog.getByRole('button', { name: 'Make the trigger' }).click();
  await page.getByRole('heading', { name: 'Orders is ready' }).waitFor();
  const address = (await page.getByRole('region', { name: 'the address with its secret' }).textContent()) ?? '';
  expect(address).toContain('/hooks/');
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('heading', { name: 'Address' }).waitFor();
  await page.getByText(/curl -X POST .*\/hooks\/.*\$WEBHOOK_SECRET/).waitFor();
  const send = (body: object) =>
    fetch(address.trim(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await send({ name: 'Ada' })).status).toBe(202);
  expect((await send({ wrong: true })).status).toBe(422);
  const events = page.getByRole('region', { name: 'Events' });
  await events.getByText('refused').waitFor();
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'trigger');
  await page.getByText('Refused and failed').click();
  await events.getByText('started a run').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Fire now' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Fire', exact: true }).click();
  await page.getByText(/No run was started/).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.getByText('All', { exact: true }).click();
  await events.getByRole('link').last().click();
  await page.waitForURL(/\/runs\//);
  await page.getByRole('link', { name: 'Orders' }).waitFor();
  expect(explorer.complaints()).toEqual([]);
});

it('all triggers are listed, switched off and on, changed and deleted', async () => {
  const page = await explorer.open('/triggers');
  await page.getByRole('link', { name: 'Orders' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'triggers');
  await page.getByLabel('Every morning is on').uncheck();
  await expect.poll(() => page.getByLabel('Every morning is on').isChecked()).toBe(false);
  await page.getByRole('link', { name: 'Every morning' }).click();
  await page.getByText('None: it is switched off.').waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Each morning');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Each morning' }).waitFor();
  const narrow = await explorer.open('/triggers', { width: 390, height: 780, theme: 'dark' });
  await narrow.getByRole('link', { name: 'Orders' }).waitFor();
  expect(await barriers(narrow)).toEqual([]);
  await narrow.getByRole('button', { name: 'New trigger' }).click();
  await narrow.getByRole('dialog').getByText('Poll', { exact: true }).click();
  await narrow.getByLabel('Address').waitFor();
  expect(await barriers(narrow)).toEqual([]);
  await picture(narrow, 'triggers-narrow-dark');
  await page.getByRole('button', { name: 'More about this trigger' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Each morning was deleted.').waitFor();
  expect(explorer.complaints()).toEqual([]);
});
