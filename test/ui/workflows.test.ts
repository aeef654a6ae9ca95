import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';
import { barriers, type Explorer, picture, runDemo, saveDemo, startExplorer } from './explorer.ts';

const chromium = needsProgram('chromium');
let explorer: Explorer;

beforeAll(async () => {
  explorer = await startExplorer(chromium);
}, 120_000);

afterEach(({ task }) => explorer.closeWindows(task));

afterAll(() => explorer.stop());

/** A window in which what does not come fails where it was waited for. */
const open: Explorer['open'] = async (path, wishes) => {
  const page = await explorer.open(path, wishes);
  page.setDefaultTimeout(20_000);
  return page;
};

const GREETING = {
  nodes: [
    {
      id: 'in',
      type: 'InputNode',
      name: 'Name',
      display: { position: { x: 0, y: 0 } },
      node_config: { label: 'Name', type: 'str' },
    },
    {
      id: 'say',
      type: 'ComposeTextNode',
      name: 'Greet',
      display: { position: { x: 328, y: 0 } },
      node_config: { template: 'Hello, ((Name))!' },
    },
    {
      id: 'out',
      type: 'OutputNode',
      name: 'Greeting',
      display: { position: { x: 656, y: 0 } },
      node_config: { label: 'Greeting' },
    },
  ],
  edges: [
    { id: 'e1', from_id: 'in::output', to_id: 'say::variables::Name' },
    { id: 'e2', from_id: 'say::output', to_id: 'out::input' },
  ],
};

interface Saved {
  readonly id: string;
  readonly definition: { readonly nodes: readonly { readonly id: string; readonly node_config: object }[] };
}

const greeting = async (name: string): Promise<string> =>
  (await explorer.call<Saved>('POST', '/v1/workflows', { name, definition: GREETING })).id;

const node = (page: Page, name: string) => page.locator(`.react-flow__node[aria-label^="${name},"]`);
const nodes = (page: Page) => page.locator('.react-flow__node');
const edges = (page: Page) => page.locator('.react-flow__edge');
const tab = (page: Page, name: string | RegExp) => page.getByRole('tab', { name });

describe('the list of workflows', () => {
  it('teaches the first step on a new server', async () => {
    const page = await open('/workflows');
    await page.getByRole('heading', { name: 'No workflows yet' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(explorer.complaints()).toEqual([]);
  });

  it.each([
    ['workflows', { theme: 'light' }],
    ['workflows-dark', { theme: 'dark' }],
    ['workflows-narrow', { theme: 'light', width: 390, height: 780 }],
  ] as const)('shows how each did of late (%s)', async (name, wishes) => {
    if (name === 'workflows') {
      await runDemo(explorer, await saveDemo(explorer), 30);
      await greeting('Welcome mail');
      await explorer.call('POST', '/v1/workflows', {
        name: 'Half done',
        definition: { nodes: [{ id: 'say', type: 'ComposeTextNode' }], edges: [] },
      });
    }
    const page = await open('/workflows', wishes);
    const demo = page.getByRole('row').filter({ hasText: 'Package digest' });
    await demo.getByRole('img', { name: /30 runs in 14 days/ }).waitFor();
    expect(await demo.getByText(/^\d+(\.\d+)? %$/).count()).toBe(1);
    await page.getByText('1 problem').waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(explorer.complaints()).toEqual([]);
    await picture(page, name);
  });

  it('is searched, sorted and walked by keyboard', async () => {
    const page = await open('/workflows');
    const names = page.locator('tbody th a');
    await names.nth(2).waitFor();
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await page.locator('th[aria-sort=ascending]').waitFor();
    expect(await names.allTextContents()).toEqual(['Half done', 'Package digest', 'Welcome mail']);
    await page.keyboard.press('/');
    await page.keyboard.type('welcome');
    await expect.poll(() => names.allTextContents()).toEqual(['Welcome mail']);
    expect(new URL(page.url()).searchParams.get('search')).toBe('welcome');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Welcome mail' }).waitFor();
  });
});

describe('the editor', () => {
  it('builds a workflow from nothing with the keyboard, runs it, and shows each node succeed', async () => {
    const page = await open('/workflows');
    await page.getByRole('button', { name: 'New workflow' }).first().click();
    await page.getByLabel('Name').fill('Built by hand');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Built by hand' }).waitFor();

    const find = page.getByRole('combobox', { name: 'Find a node' });
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-empty');
    await find.fill('input');
    await find.press('Enter');
    await node(page, 'Input').waitFor();
    await find.fill('compose');
    await find.press('Enter');
    await find.fill('output');
    await find.press('Enter');
    expect(await nodes(page).count()).toBe(3);
    await find.press('Escape');

    // Choosing what feeds an input connects it.
    await page.getByLabel(/^Input: str, connected with$/).selectOption({ label: 'Compose text · Output' });
    await page.getByText('Draft, kept in this browser').waitFor();
    await tab(page, /Problems \(/).click();
    await page.getByRole('button', { name: /needs a value for "template"/ }).click();
    await page.getByLabel('Template (needed)').fill('Hello, ((Input))!');
    // A name that the template uses and nothing feeds is offered.
    await page.getByRole('button', { name: 'Add it' }).click();
    await page.getByLabel(/^Input: str, connected with$/).selectOption({ label: 'Input · Output' });
    await tab(page, /^Problems$/).waitFor();
    expect(await edges(page).count()).toBe(2);

    await tab(page, 'Try').click();
    await page.getByLabel('Input (needed)').fill('Ada');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('region', { name: 'Result' }).getByText('Succeeded').waitFor();
    await page.getByText('Hello, Ada!').waitFor();
    for (const name of ['Input', 'Compose text', 'Output']) {
      await node(page, name).getByRole('img', { name: 'Succeeded' }).first().waitFor();
    }
    await page.keyboard.press('Control+s');
    await page.getByText('Saved', { exact: true }).waitFor();

    await page.getByText('Debugger', { exact: true }).click();
    await page.getByLabel('Hold at Compose text').selectOption({ label: 'Held after' });
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const held = page.getByRole('region', { name: 'Held' });
    await held.getByText('Held after Compose text').waitFor();
    await node(page, 'Compose text').getByRole('img', { name: 'Succeeded' }).first().waitFor();
    await held.locator('.cm-content').first().fill('{"output": "Bonjour, Ada!"}');
    await held.getByRole('button', { name: 'Change the values' }).click();
    await held.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('region', { name: 'Result' }).getByText('Bonjour, Ada!').waitFor();
    expect(explorer.complaints()).toEqual([]);
  });

  it.each([
    ['workflow', 'light'],
    ['workflow-dark', 'dark'],
  ] as const)('shows a run of the demo on its nodes (%s)', async (name, theme) => {
    const { items } = await explorer.call<{ items: { id: string; name: string }[] }>('GET', '/v1/workflows');
    const { id } = items.find((one) => one.name === 'Package digest')!;
    const page = await open(`/workflows/${id}`, { theme, width: 1440, height: 900 });
    await node(page, 'Cut into sections').waitFor();
    await page.getByRole('button', { name: 'Lay them out' }).click();
    await tab(page, 'Try').click();
    await page.getByLabel('README (needed)').fill('# left-pad\n\nPads text on the left. MIT licence.');
    await page.locator('.cm-content').first().fill('{"name": "left-pad", "version": "1.3.0", "license": "MIT"}');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page
      .getByRole('region', { name: 'Result' })
      .getByText(/Succeeded|Partial/)
      .waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(explorer.complaints()).toEqual([]);
    await picture(page, name);
  });

  it('connects by dragging, asks for the name of a new key, and refuses what does not fit with the reason', async () => {
    const { id } = await explorer.call<Saved>('POST', '/v1/workflows', {
      name: 'To be connected',
      definition: {
        nodes: [
          GREETING.nodes[0],
          GREETING.nodes[1],
          {
            id: 'file',
            type: 'FileInputNode',
            name: 'Letter',
            display: { position: { x: 0, y: 260 } },
            node_config: { label: 'Letter' },
          },
        ],
        edges: [],
      },
    });
    const page = await open(`/workflows/${id}`);
    await nodes(page).nth(2).waitFor();
    const handle = (nodeId: string, id: string) => page.locator(`[data-nodeid="${nodeId}"][data-handleid="${id}"]`);
    const drag = async (from: ReturnType<typeof handle>, to: ReturnType<typeof handle>) => {
      const [a, b] = [(await from.boundingBox())!, (await to.boundingBox())!];
      await page.mouse.move(a.x + a.width / 2, a.y + a.height / 2);
      await page.mouse.down();
      await page.mouse.move(b.x - 20, b.y + 5, { steps: 4 });
      await page.mouse.move(b.x + b.width / 2, b.y + b.height / 2, { steps: 4 });
      await page.mouse.up();
    };
    await page.getByRole('button', { name: 'Add node' }).click();
    await page.getByRole('option', { name: /^Merge/ }).dragTo(page.getByRole('region', { name: 'Canvas' }), {
      targetPosition: { x: 240, y: 560 },
    });
    await node(page, 'Merge').waitFor();
    await page.getByRole('button', { name: 'Close the palette' }).click();
    await drag(handle('in', 'output'), handle('say', 'variables:'));
    await page.getByRole('dialog', { name: 'Name the new connection' }).getByLabel('Name').press('Enter');
    await expect.poll(() => edges(page).count()).toBe(1);
    await drag(handle('file', 'output'), handle('say', 'variables:Name'));
    await page.getByText(/Letter gives File, and Name of Greet takes str/).waitFor();
    expect(await edges(page).count()).toBe(1);
  });

  it('shows what the server finds wrong on the node and in a list that leads there, and undoes', async () => {
    const page = await open(`/workflows/${await greeting('To be broken')}`);
    await node(page, 'Greet').click();
    await page.getByLabel('Template (needed)').fill('');
    await node(page, 'Greet').getByText('1').waitFor();
    await tab(page, 'Problems (1)').click();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-problems');
    await page.getByRole('button', { name: /needs a value for "template"/ }).click();
    await page
      .getByText(/needs a value for "template"/)
      .first()
      .waitFor();
    await node(page, 'Greet').focus();
    await page.keyboard.press('Control+z');
    expect(await page.getByLabel('Template (needed)').inputValue()).toBe('Hello, ((Name))!');
    await tab(page, /^Problems$/).waitFor();
    await node(page, 'Greet').focus();
    await page.keyboard.press('Delete');
    await expect.poll(() => nodes(page).count()).toBe(2);
    expect(await edges(page).count()).toBe(0);
    await page.keyboard.press('Control+z');
    await expect.poll(() => edges(page).count()).toBe(2);
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(() => nodes(page).count()).toBe(2);
    expect(explorer.complaints()).toEqual([]);
  });

  it('copies, pastes, duplicates and lays out', async () => {
    const page = await open(`/workflows/${await greeting('To be copied')}`);
    await node(page, 'Greet').click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+v');
    await expect.poll(() => nodes(page).count()).toBe(6);
    expect(await edges(page).count()).toBe(4);
    await page.keyboard.press('Control+d');
    await expect.poll(() => nodes(page).count()).toBe(9);
    await page.keyboard.press('l');
    const boxes = async () => Promise.all((await nodes(page).all()).map(async (one) => (await one.boundingBox())!));
    await expect
      .poll(async () => {
        const all = await boxes();
        return all.some((a, at) => all.slice(at + 1).some((b) => Math.abs(a.x - b.x) < 20 && Math.abs(a.y - b.y) < 20));
      })
      .toBe(false);
  });

  it('keeps a draft through a reload, and forgets it when it is discarded', async () => {
    const page = await open(`/workflows/${await greeting('To be left')}`);
    await node(page, 'Greet').click();
    await page.getByLabel('Template (needed)').fill('Goodbye, ((Name))!');
    await page.getByText('Draft, kept in this browser').waitFor();
    await expect.poll(() => page.evaluate(() => JSON.stringify({ ...localStorage }).includes('Goodbye'))).toBe(true);
    await page.reload();
    await page.getByText(/Your draft of .* was brought back/).waitFor();
    await node(page, 'Greet').click();
    expect(await page.getByLabel('Template (needed)').inputValue()).toBe('Goodbye, ((Name))!');
    await page.getByRole('button', { name: 'Discard it' }).click();
    await page.getByText('Saved', { exact: true }).waitFor();
    await node(page, 'Greet').click();
    expect(await page.getByLabel('Template (needed)').inputValue()).toBe('Hello, ((Name))!');
  });

  it('asks what to do when somebody else has saved meanwhile', async () => {
    const id = await greeting('To be shared');
    const page = await open(`/workflows/${id}`);
    await node(page, 'Greet').click();
    await page.getByLabel('Template (needed)').fill('Mine, ((Name))!');
    const theirs = structuredClone(GREETING);
    theirs.nodes[1]!.node_config.template = 'Theirs, ((Name))!';
    await explorer.call('PATCH', `/v1/workflows/${id}?force=true`, { definition: theirs });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Somebody saved this workflow meanwhile' });
    await dialog.getByText('Theirs, ((Name))!').waitFor();
    expect(explorer.complaints()).toEqual([expect.stringContaining('409 (Conflict)')]);
    await dialog.getByText('Mine, ((Name))!').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-conflict');
    await dialog.getByRole('button', { name: 'Save mine over theirs' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const saved = await explorer.call<Saved>('GET', `/v1/workflows/${id}`);
    expect(JSON.stringify(saved.definition)).toContain('Mine, ((Name))!');
  });

  it('draws and tells what changed since a version, and takes it back', async () => {
    const id = await greeting('To be compared');
    const page = await open(`/workflows/${id}`, { width: 1440, height: 900 });
    await node(page, 'Greet').click();
    await page.getByLabel('Template (needed)').fill('Good evening, ((Name))!');
    await page.getByRole('button', { name: 'Add node' }).click();
    const find = page.getByRole('combobox', { name: 'Find a node' });
    await find.fill('merge');
    await find.press('Enter');
    await node(page, 'Greeting').click();
    await page.getByLabel(/^Input: str, connected with$/).selectOption('');
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Versions and changes' }).click();
    const told = page.getByRole('list', { name: 'What changed' });
    await told.getByText('Good evening, ((Name))!').waitFor();
    await told.getByText('Merge', { exact: true }).waitFor();
    await told.getByText(/Greet · output → Greeting · input/).waitFor();
    const dialog = page.getByRole('dialog', { name: 'Versions' });
    await dialog.locator('[data-mark=added]').first().waitFor();
    await expect.poll(() => dialog.locator('.react-flow__node').count()).toBe(4);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-versions');
    await dialog.getByRole('button', { name: 'Take it into the draft' }).click();
    await expect.poll(() => nodes(page).count()).toBe(3);
    await page.keyboard.press('Control+z');
    await expect.poll(() => nodes(page).count()).toBe(4);
    expect(explorer.complaints()).toEqual([]);
  });

  it('builds conditions of rules and groups', async () => {
    const { id } = await explorer.call<Saved>('POST', '/v1/workflows', {
      name: 'Branches',
      definition: {
        nodes: [
          GREETING.nodes[0],
          {
            id: 'if',
            type: 'ConditionalNode',
            name: 'Is it long?',
            display: { position: { x: 328, y: 0 } },
            node_config: { conditions: { all: [{ left: '((Name))', operator: 'equals', right: 'Ada' }] } },
          },
        ],
        edges: [{ id: 'e1', from_id: 'in::output', to_id: 'if::variables::Name' }],
      },
    });
    const page = await open(`/workflows/${id}`);
    await node(page, 'Is it long?').click();
    await page.getByLabel('Conditions, 1: comparison').selectOption('starts_with');
    await page.getByRole('button', { name: 'Group' }).click();
    await page.getByLabel('Conditions, 2, 1: value').pressSequentially('((');
    await page.getByRole('option', { name: '((Name))' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByLabel('Conditions, 2, 1: comparison').selectOption('is_empty');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-conditions');
    await page.keyboard.press('Control+s');
    await expect
      .poll(async () => (await explorer.call<Saved>('GET', `/v1/workflows/${id}`)).definition.nodes[1]?.node_config)
      .toEqual({
        conditions: {
          all: [
            { left: '((Name))', operator: 'starts_with', right: 'Ada' },
            { all: [{ left: '((Name))', operator: 'is_empty' }] },
          ],
        },
      });
  });

  it('offers the inputs and outputs of a workflow that a node runs', async () => {
    const inner = await greeting('To be run below');
    const { id } = await explorer.call<Saved>('POST', '/v1/workflows', {
      name: 'Runs another',
      definition: { nodes: [{ id: 'sub', type: 'InvokeSubflowNode', name: 'Below' }], edges: [] },
    });
    const page = await open(`/workflows/${id}`);
    await node(page, 'Below').click();
    await page.getByLabel('Subflow id (needed)').selectOption(inner);
    await page.getByRole('button', { name: 'Add its inputs' }).click();
    await page.getByRole('button', { name: 'Add its outputs' }).click();
    await page.getByLabel(/^Name: .*, connected with$/).waitFor();
    await node(page, 'Below').getByText('Greeting').waitFor();
  });

  it('offers the credentials of the workspace by name', async () => {
    const credential = { name: 'shop', kind: 'http_bearer', fields: { token: 'tok-of-this-test-0123456789' } };
    await explorer.call('POST', '/v1/credentials', credential);
    const ask = { id: 'ask', type: 'HttpRequestNode', name: 'Ask', node_config: { url: 'https://example.com' } };
    const { id } = await explorer.call<Saved>('POST', '/v1/workflows', {
      name: 'Calls the shop',
      definition: { nodes: [ask], edges: [] },
    });
    const page = await open(`/workflows/${id}`);
    await node(page, 'Ask').click();
    const picker = page.getByLabel('Credential', { exact: true });
    await picker.selectOption({ label: 'shop · http_bearer' });
    expect(await picker.inputValue()).toBe('shop');
    expect(await barriers(page)).toEqual([]);
    await picker.scrollIntoViewIfNeeded();
    await picture(page, 'workflow-credential');
  });

  it('tries one node with values that are given', async () => {
    const page = await open(`/workflows/${await greeting('To be tried')}`);
    await node(page, 'Greet').click();
    await page.getByRole('button', { name: 'Try this node' }).click();
    await page.getByLabel(/^variables::Name/).fill('Grace');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('region', { name: 'Result' }).getByText('Succeeded').waitFor();
    await node(page, 'Greet').getByRole('img', { name: 'Succeeded' }).waitFor();
    await tab(page, 'Set up').click();
    await page.getByRole('region', { name: 'Last try' }).getByText('Hello, Grace!').waitFor();
  });

  it('has all in lists, too, for the keyboard and for screen readers', async () => {
    const page = await open(`/workflows/${await greeting('To be read out')}`);
    await nodes(page).first().waitFor();
    await page.keyboard.press('v');
    await page.getByRole('table', { name: 'Nodes' }).waitFor();
    await page.getByRole('button', { name: 'Remove the connection from Greet · output to Greeting · input' }).click();
    const form = page.getByRole('form', { name: 'Connect' });
    await form.getByLabel('From').selectOption({ label: 'Greet · On error (str)' });
    await form.getByLabel('To').selectOption({ label: 'Greet · Name (str)' });
    await page.getByText('A node cannot feed itself.').waitFor();
    await form.getByLabel('From').selectOption({ label: 'Greet · Output (str)' });
    await form.getByLabel('To').selectOption({ label: 'Greeting · Input (str)' });
    await form.getByRole('button', { name: 'Connect' }).click();
    expect(await page.getByRole('table', { name: 'Connections' }).getByRole('row').count()).toBe(3);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-list');
  });

  it('is to be looked at in a narrow window', async () => {
    const page = await open(`/workflows/${await greeting('To be carried')}`, { width: 390, height: 780 });
    await node(page, 'Greet').waitFor();
    await page.getByText(/too narrow to edit in/).waitFor();
    expect(await page.getByRole('button', { name: 'Save', exact: true }).count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'workflow-narrow');
  });
});
