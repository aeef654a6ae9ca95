import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';
import { barriers, type Explorer, picture, startExplorer } from './explorer.ts';

const chromium = needsProgram('chromium');
let explorer: Explorer;

beforeAll(async () => {
  explorer = await startExplorer(chromium);
}, 120_000);

afterEach(({ task }) => explorer.closeWindows(task));

afterAll(() => explorer.stop());

const dialog = (page: Page) => page.getByRole('dialog');
const row = (page: Page, name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) });

describe('the settings', () => {
  it('make a key with the scopes it needs, show it once, rotate and revoke it', async () => {
    const page = await explorer.open('/settings');
    await row(page, 'preset').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Create a key' }).click();
    await page.locator('input:focus[placeholder="night job"]').waitFor();
    await dialog(page).getByRole('button', { name: 'Create the key' }).click();
    await dialog(page).locator('[aria-invalid=true]').waitFor();
    await dialog(page).getByLabel('Name').fill('night job');
    await dialog(page).getByRole('button', { name: 'None' }).click();
    await dialog(page).getByRole('checkbox', { name: 'runs:create' }).check();
    await dialog(page).getByRole('checkbox', { name: 'runs:read' }).check();
    await dialog(page).getByLabel('Expires').selectOption({ label: 'In 90 days' });
    await dialog(page).getByLabel('Requests a minute').fill('60');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-create-key');
    await dialog(page).getByRole('button', { name: 'Create the key' }).click();
    const text = await dialog(page).getByRole('region', { name: 'the key' }).textContent();
    expect(text).toMatch(/^mr_[0-9a-f]{64}$/);
    await picture(page, 'settings-key-shown');
    await dialog(page).getByRole('button', { name: 'I have copied it' }).click();
    await row(page, 'night job').getByText('60 a minute').waitFor();
    await picture(page, 'settings-keys');
    const answer = await fetch(`${explorer.server.url}/v1/workflows`, { headers: { 'x-api-key': text ?? '' } });
    expect(answer.status).toBe(403);
    await page.getByRole('button', { name: 'More about the key night job' }).click();
    await page.getByRole('menuitem', { name: 'Rotate…' }).click();
    await dialog(page).getByRole('button', { name: 'Rotate the key' }).click();
    await dialog(page).getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('button', { name: 'More about the key night job' }).click();
    await page.getByRole('menuitem', { name: 'Revoke…' }).click();
    await dialog(page).getByRole('button', { name: 'Revoke the key' }).click();
    await row(page, 'night job').waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: 'Also those that ended' }).check();
    await row(page, 'night job').getByText('revoked').waitFor();
  });

  it('keep credentials whose secrets are never shown again', async () => {
    const page = await explorer.open('/settings/credentials');
    await page.getByRole('heading', { name: 'No credentials yet' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-credentials-empty');
    await page.getByRole('button', { name: 'Add a credential' }).click();
    await dialog(page).getByRole('button', { name: 'Add the credential' }).click();
    await dialog(page).locator('[aria-invalid=true]').first().waitFor();
    await dialog(page).getByLabel('Name', { exact: true }).fill('main');
    await dialog(page).getByLabel('api_key').fill('sk-secret-of-this-test-0123456789');
    await dialog(page).getByLabel('Models').fill('gpt-5-mini, gpt-5');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-add-credential');
    await dialog(page).getByRole('button', { name: 'Add the credential' }).click();
    await row(page, 'main').getByText('api_key: ••••6789').waitFor();
    expect(await page.content()).not.toContain('sk-secret-of-this-test');
    await page.getByRole('button', { name: 'Add a credential' }).click();
    await dialog(page).getByLabel('Kind').selectOption('http_bearer');
    await dialog(page).getByLabel('Name', { exact: true }).fill('shop');
    await dialog(page).getByLabel('token').fill('tok-9f8e7d6c5b4a3928');
    await dialog(page).getByRole('button', { name: 'Add the credential' }).click();
    await row(page, 'shop').getByText('any host').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-credentials');
    await page.getByRole('button', { name: 'More about shop' }).click();
    await page.getByRole('menuitem', { name: 'Change…' }).click();
    await dialog(page).getByLabel('Hosts').fill('api.example.com');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await row(page, 'shop').getByText('api.example.com').waitFor();
    await page.getByRole('button', { name: 'More about shop' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await dialog(page).getByRole('button', { name: 'Delete the credential' }).click();
    await row(page, 'shop').waitFor({ state: 'detached' });
  });

  it('hold prices and presets of models, and say what is wrong with one', async () => {
    const page = await explorer.open('/settings/models');
    await row(page, 'main').waitFor();
    await page.getByRole('button', { name: 'Add a price' }).click();
    await page.getByLabel('Model of line 1').fill('gpt-5-mini');
    await page.getByLabel('Input of gpt-5-mini', { exact: true }).fill('cheap');
    await page.getByLabel('Output of gpt-5-mini').fill('0.60');
    await page.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('alert')
      .getByText(/a price is a decimal number/)
      .waitFor();
    await page.getByLabel('Input of gpt-5-mini', { exact: true }).fill('0.15');
    await page.getByRole('button', { name: 'Add a preset' }).click();
    await page.getByLabel('Name of preset 1').fill('cost');
    await page.getByLabel('Models of preset cost').fill('gpt-5-mini, gpt-5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings of models were saved.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-models');
    const { prices, presets } = await explorer.call<{ prices: object; presets: object }>('GET', '/v1/model-settings');
    expect({ prices, presets }).toMatchObject({
      prices: { 'gpt-5-mini': { input: '0.15', output: '0.60' } },
      presets: { cost: ['gpt-5-mini', 'gpt-5'] },
    });
  });

  it('make and disable secrets of callbacks, and say what the workspace is', async () => {
    const page = await explorer.open('/settings/callbacks');
    await page.getByRole('heading', { name: 'Secrets of callbacks' }).waitFor();
    await page.getByRole('button', { name: 'Create a secret' }).click();
    await dialog(page).getByLabel('Label').fill('the shop');
    await dialog(page).getByRole('button', { name: 'Create the secret' }).click();
    await dialog(page).getByRole('button', { name: 'I have copied it' }).click();
    await row(page, 'the shop').getByText('signs callbacks').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-callbacks');
    await page.getByRole('tab', { name: 'Workspace' }).click();
    await page.getByRole('heading', { name: 'Who judges runs' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/settings/workspace');
    expect(await barriers(page)).toEqual([]);
  });

  it('say for how many days runs are kept, and how many would go', async () => {
    const page = await explorer.open('/settings/workspace');
    await page.getByText('No run would be deleted now.').waitFor();
    await page.getByLabel('Keep finished runs').selectOption({ label: 'For some days' });
    await page.getByLabel('Days').fill('0');
    await page.getByText('A whole number from 1 to 36,500.').waitFor();
    await page.getByLabel('Days').fill('30');
    await page.getByText('No run would be deleted now.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'settings-workspace');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('How long runs are kept was saved.').waitFor();
    await page.reload();
    await page.getByText('No run would be deleted now.').waitFor();
    expect(await page.getByLabel('Days').inputValue()).toBe('30');
    await page.getByLabel('Keep finished runs').selectOption('server');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('How long runs are kept was saved.').waitFor();
  });

  it('are read in the dark and in a narrow window', async () => {
    const dark = await explorer.open('/settings/credentials', { theme: 'dark' });
    await row(dark, 'main').waitFor();
    expect(await barriers(dark)).toEqual([]);
    await picture(dark, 'settings-dark');
    const narrow = await explorer.open('/settings', { width: 390, height: 780 });
    await row(narrow, 'preset').waitFor();
    expect(await barriers(narrow)).toEqual([]);
    await picture(narrow, 'settings-narrow');
    expect(explorer.complaints().filter((said) => !/422/.test(said))).toEqual([]);
  });
});

describe('the page of the system', () => {
  it('says how the installation does, what each figure means, and reads them again by itself', async () => {
    const page = await explorer.open('/system');
    const work = page.getByRole('region', { name: 'Work' });
    await work.getByRole('link', { name: /0 succeeded/ }).waitFor();
    const { id } = await explorer.call<{ id: string }>('POST', '/v1/workflows', {
      name: 'Greeting',
      definition: { nodes: [{ id: 'in', type: 'InputNode', node_config: { label: 'Name' } }], edges: [] },
    });
    await explorer.call('POST', `/v1/workflows/${id}/runs/sync`, { input: { Name: 'Ada' } });
    await work.getByRole('link', { name: /1 succeeded/ }).waitFor();
    await page.getByRole('region', { name: 'Search' }).getByText('up to date').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'system');
    await page.getByRole('button', { name: 'Build the index anew' }).click();
    await page.getByText('The index is being built anew.').waitFor();
  });

  it('is read in the dark and in a narrow window', async () => {
    const dark = await explorer.open('/system', { theme: 'dark', width: 390, height: 780 });
    await dark.getByRole('link', { name: /1 succeeded/ }).waitFor();
    expect(await barriers(dark)).toEqual([]);
    await picture(dark, 'system-narrow-dark');
    expect(explorer.complaints()).toEqual([]);
  });
});
