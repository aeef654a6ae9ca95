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

const edge = (from_id: string, to_id: string) => ({ id: `${from_id} ${to_id}`, from_id, to_id });

const GREETER = {
  nodes: [
    { id: 'name', type: 'InputNode', node_config: { label: 'Name', type: 'str' } },
    { id: 'say', type: 'ComposeTextNode', node_config: { template: 'Hello ((Name))' } },
    { id: 'out', type: 'OutputNode', node_config: { label: 'Greeting' } },
  ],
  edges: [edge('name::output', 'say::variables::Name'), edge('say::output', 'out::input')],
};

const DULL = {
  passed: false,
  confidence: 0.9,
  reasoning: 'The greeting has no exclamation mark: nobody would feel greeted by it.',
  evidence: ['It ends with a letter.'],
  strengths: ['It is short.'],
  issues: [{ category: 'style', subcategory: 'dull', detail: 'No exclamation mark.' }],
};

/** Says whether a greeting has an exclamation mark. */
const JUDGE = {
  nodes: [
    { id: 'told', type: 'InputNode', node_config: { label: 'output', type: 'Any' } },
    {
      id: 'lively',
      type: 'ConditionalNode',
      node_config: { conditions: [{ left: '((greeting))', operator: 'matches', right: '!' }] },
    },
    {
      id: 'yes',
      type: 'ComposeTextNode',
      node_config: { template: '{"passed": true, "strengths": ["It is lively."]}' },
    },
    { id: 'no', type: 'ComposeTextNode', node_config: { template: JSON.stringify(DULL) } },
    { id: 'first', type: 'MergeNode', node_config: { mode: 'first' } },
    { id: 'out', type: 'OutputNode', node_config: { label: 'verdict' } },
  ],
  edges: [
    edge('told::output', 'lively::variables::greeting'),
    edge('lively::true', 'yes::variables::it'),
    edge('lively::false', 'no::variables::it'),
    edge('yes::output', 'first::values::yes'),
    edge('no::output', 'first::values::no'),
    edge('first::output', 'out::input'),
  ],
};

/** Makes runs of the greeter and has each judged; names with an exclamation mark pass. */
async function judgeGreetings(names: readonly string[]): Promise<void> {
  const save = (name: string, definition: object) =>
    explorer.call<{ id: string }>('POST', '/v1/workflows', { name, definition });
  const [greeter, judge] = await Promise.all([save('Greeter', GREETER), save('Is it lively?', JUDGE)]);
  const ids: string[] = [];
  for (const name of names) {
    const run = await explorer.call<{ id: string }>('POST', `/v1/workflows/${greeter.id}/runs/sync`, {
      input: { Name: name },
    });
    const judges = [{ workflow_id: judge.id, name: 'Liveliness', gate: true }];
    const { id } = await ask<{ id: string }>('POST', '/runflow/v1/evaluations', { run_id: run.id, judges });
    ids.push(id);
  }
  for (const id of ids) {
    await expect
      .poll(async () => (await ask<{ status_code: string }>('GET', `/runflow/v1/evaluations/${id}`)).status_code)
      .toBe('completed');
  }
}

/** Calls the Runflow API. */
async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${explorer.server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${explorer.server.key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

const verdicts = (page: Page) => page.getByRole('region', { name: 'List of evaluations' }).getByRole('row');

describe('the page of evaluations', () => {
  it('teaches how to have a run judged while nothing was', async () => {
    const page = await explorer.open('/evaluations');
    await page.getByRole('heading', { name: 'Nothing was judged yet' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'evaluations-empty');
  });

  it('shows the pass rate, what judges found fault with, and the runs behind it', async () => {
    await judgeGreetings(['Ada!', 'Grace!', 'Alan', 'Edsger', 'Barbara!']);
    const page = await explorer.open('/evaluations?days=7');
    await page.getByText('60 %', { exact: true }).first().waitFor();
    await page.locator('canvas').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: /^style/ }).click();
    const runs = page.getByRole('list', { name: 'Runs with issues of style' });
    await runs
      .getByRole('link', { name: /Greeter/ })
      .first()
      .waitFor();
    expect(await runs.getByRole('link', { name: /Greeter/ }).count()).toBe(2);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'evaluations');
    await runs.getByRole('link', { name: 'Open them among the runs' }).click();
    await page.getByRole('button', { name: 'Issues: style' }).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /Greeter/ }).count()).toBe(2);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'runs-category');
    await page.getByRole('button', { name: 'Issues: style' }).click();
    await expect.poll(() => page.getByRole('row', { name: /Greeter/ }).count()).toBeGreaterThan(2);
    expect(new URL(page.url()).searchParams.get('category')).toBeNull();
    await page.goto(`${explorer.server.url}/evaluations?days=7`);
    await page.getByLabel('Verdict', { exact: true }).selectOption('failed');
    await expect.poll(() => verdicts(page).count()).toBe(3);
    expect(new URL(page.url()).searchParams.get('verdict')).toBe('failed');
    await page.getByLabel('Verdict', { exact: true }).selectOption('none');
    await page.getByText('None with this verdict.').waitFor();
    await page.getByRole('link', { name: 'Show the runs' }).nth(1).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toBe('verdict:failed AND created_at>=now-7d');
    await page.getByText('2 runs', { exact: true }).waitFor();
  });

  it('shows one evaluation with its judges and what they rest on, and keeps feedback', async () => {
    const page = await explorer.open('/evaluations?verdict=failed');
    await verdicts(page).nth(1).getByRole('link', { name: 'Failed' }).click();
    const judge = page.getByRole('article', { name: 'Liveliness' });
    await judge.getByText('It ends with a letter.').waitFor();
    await judge.getByText('No exclamation mark.', { exact: true }).waitFor();
    await page.getByText('They are wrong').click();
    await page.getByLabel('Why').fill('It was meant to be calm.');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'evaluation');
    await page.getByRole('button', { name: 'Keep the feedback' }).click();
    await page.getByText('Your feedback was kept.').waitFor();
    await page.reload();
    await expect.poll(() => page.getByLabel('Why').inputValue()).toBe('It was meant to be calm.');
  });

  it('is read in the dark and in a narrow window', async () => {
    const dark = await explorer.open('/evaluations', { theme: 'dark' });
    await dark.locator('canvas').waitFor();
    expect(await barriers(dark)).toEqual([]);
    await picture(dark, 'evaluations-dark');
    const narrow = await explorer.open('/evaluations', { width: 390, height: 780 });
    await narrow.locator('canvas').waitFor();
    expect(await barriers(narrow)).toEqual([]);
    await picture(narrow, 'evaluations-narrow');
    expect(explorer.complaints()).toEqual([]);
  });
});
