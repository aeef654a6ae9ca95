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

const HEALTH = {
  name: 'Health',
  slug: 'demo/health/1.0',
  inputs: [{ name: 'verbose', variable_type_code: 'boolean', default_value: false, description: 'Say more.' }],
  outputs: [{ name: 'status', variable_type_code: 'text' }],
  backend: {
    kind: 'http',
    method: 'GET',
    url: 'https://example.com/healthz?verbose={{input.verbose}}',
    output: { status: '$.status' },
  },
  pricing: [{ pricing_model_code: 'per_request', price: '0.001' }],
};

describe('the page of models', () => {
  it('teaches how to register one, of either kind', async () => {
    const page = await explorer.open('/models');
    await page.getByRole('heading', { name: 'No models yet' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByText('ComfyUI workflows').click();
    await page.getByRole('heading', { name: 'No ComfyUI workflows yet' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'models-empty');
  });

  it('lists models and shows what one takes, gives and costs, and how it is run', async () => {
    const answer = await fetch(`${explorer.server.url}/runflow/v1/models`, {
      method: 'POST',
      headers: { authorization: `Bearer ${explorer.server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(HEALTH),
    });
    expect(answer.status, await answer.text()).toBe(201);
    const page = await explorer.open('/models');
    await page.getByRole('link', { name: 'Health', exact: true }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'models');
    await page.getByLabel('Search by name').fill('nothing of the kind');
    await page.getByText(/None has/).waitFor();
    await page.getByLabel('Search by name').fill('health');
    await page.getByRole('link', { name: 'Health', exact: true }).click();
    await page.getByRole('region', { name: 'Inputs' }).getByText('verbose').waitFor();
    await page.getByRole('region', { name: 'Prices' }).getByText('0.001 USD').waitFor();
    const command = await page.getByRole('region', { name: 'the command that runs it' }).textContent();
    expect(command).toContain('/runflow/v1/models/demo/health/1.0/runs');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'model');
    const narrow = await explorer.open('/models', { width: 390, height: 780, theme: 'dark' });
    await narrow.getByRole('link', { name: 'Health', exact: true }).waitFor();
    expect(await barriers(narrow)).toEqual([]);
    await picture(narrow, 'models-narrow-dark');
    expect(explorer.complaints()).toEqual([]);
  });

  it('deletes a model after asking', async () => {
    const page = await explorer.open('/models');
    await page.getByRole('link', { name: 'Health', exact: true }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Its runs stay.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Health was deleted.').waitFor();
    await page.getByRole('heading', { name: 'No models yet' }).waitFor();
    expect(explorer.complaints()).toEqual([]);
  });
});
