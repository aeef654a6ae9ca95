import { isDeepStrictEqual } from 'node:util';
import { type AskedRun, effectsOf, isOver, type Ledger, type ShownRun } from './load.ts';
import type { EventMessage, ServerProcess } from './server-process.ts';
import { TOKENS_PER_ANSWER, type World } from './world.ts';

/** Runs looked at side by side. */
const AT_ONCE = 8;

/** Runs of a page, the most there may be. */
const PAGE_SIZE = 100;

interface Page {
  readonly items: readonly ShownRun[];
  readonly total: number;
  readonly pages: number;
}

interface ShownDelivery {
  readonly id: string;
  readonly status: string;
}

/** Everything that the list of runs shows, and what is wrong with the list itself. */
async function listAll(server: ServerProcess): Promise<{ runs: ShownRun[]; broken: string[] }> {
  const runs: ShownRun[] = [];
  let total = 0;
  for (let page = 1; ; page += 1) {
    const { body } = await server.call('GET', `/v1/runs?page=${page}&size=${PAGE_SIZE}`);
    const { items, pages, total: told } = body as Page;
    runs.push(...items);
    total = told;
    if (page >= pages) break;
  }
  const broken: string[] = [];
  if (total !== runs.length) broken.push(`the list tells of ${total} runs and shows ${runs.length}`);
  if (new Set(runs.map(({ id }) => id)).size !== runs.length) broken.push('the list shows a run twice');
  return { runs, broken };
}

/** Runs that are not over, and callbacks that did not arrive: empty once the server is quiet. */
export async function unrest(server: ServerProcess, ledger: Ledger, world: World): Promise<string[]> {
  const { runs } = await listAll(server);
  const waiting = runs.filter(({ status }) => !isOver(status)).map((run) => `${run.input.Token} is ${run.status}`);
  const untold = runs
    .map((run) => ledger.runs.get(run.input.Token))
    .filter((run) => run?.callback && run.deleted === 'no' && world.callbacksOf(run.token).length === 0);
  return [...waiting, ...untold.map((run) => `the callback of ${run?.token} did not arrive`)];
}

/** What is wrong with a server that has become quiet, one sentence each. */
export async function brokenLaws(server: ServerProcess, ledger: Ledger, world: World): Promise<string[]> {
  const { runs: listed, broken } = await listAll(server);
  broken.push(...ledger.broken, ...world.broken);
  const byToken = Map.groupBy(listed, (run) => run.input.Token);
  for (const [token, same] of byToken) {
    if (!ledger.runs.has(token)) broken.push(`nobody asked for ${token}`);
    if (same.length > 1) broken.push(`${token} was asked for once and runs ${same.length} times`);
  }
  for (const run of ledger.acknowledged) {
    const isThere = listed.some(({ id }) => id === run.id);
    if (run.deleted === 'no' && !isThere) broken.push(`${run.token} (${run.id}) was acknowledged and is lost`);
    if (run.deleted === 'answered' && isThere) broken.push(`${run.token} (${run.id}) was deleted and is back`);
  }
  const left = [...listed];
  const check = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const run = ledger.runs.get(next.input.Token);
      if (run) broken.push(...(await brokenIn({ ...run, id: next.id }, server, world)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, check));
  return broken;
}

/** What is wrong with one run. */
async function brokenIn(run: AskedRun, server: ServerProcess, world: World): Promise<string[]> {
  const { sample, id: workflowId } = run.stored;
  const { body } = await server.call('GET', `/v1/workflows/${workflowId}/runs/${run.id}`);
  const shown = body as ShownRun;
  // Its event stream would not end either.
  if (!isOver(shown.status)) return [`${run.token} (${run.id}) is ${shown.status} for ever`];
  const events = await server.events(`/v1/runs/${run.id}/events`);
  const problems = [...brokenEnd(run, shown), ...brokenEvents(run, shown, events)];
  if (shown.status !== 'stopped') {
    for (const effect of effectsOf(run)) {
      const done = world.callsOf(effect).some(({ status }) => status === 200 || status === 400);
      if (!done) problems.push(`${effect} never happened`);
    }
    const tokens = shown.progress_details.per_node_progress['each']?.usage?.input_tokens;
    const passes = sample.effects.filter((name) => name.startsWith('each/')).length;
    // Each pass adds its tokens as it is recorded: a pass that was recorded twice, or forgotten, shows here.
    if ((tokens ?? 0) !== passes * TOKENS_PER_ANSWER)
      problems.push(`${passes} passes used ${TOKENS_PER_ANSWER} tokens each, ${tokens} are told`);
  }
  if (run.callback) problems.push(...(await brokenCallback(run, shown, server, world)));
  return problems.map((problem) => `${run.token} (${run.id}): ${problem}`);
}

function brokenEnd(run: AskedRun, shown: ShownRun): string[] {
  const { sample } = run.stored;
  const problems: string[] = [];
  if (shown.status === 'stopped' ? run.stopped === 'no' : shown.status !== sample.status) {
    problems.push(`it should be ${sample.status} and is ${shown.status} (${shown.error})`);
  }
  if (run.stopped === 'answered' && shown.status !== 'stopped') problems.push(`it was stopped, and is ${shown.status}`);
  if (shown.status === sample.status && !isDeepStrictEqual(shown.output, sample.output(run.token))) {
    problems.push(`its output is ${JSON.stringify(shown.output).slice(0, 200)}`);
  }
  if (run.answered !== undefined && !isDeepStrictEqual(shown.output, run.answered)) {
    problems.push('its output is not what was answered');
  }
  if (run.end && (run.end.status !== shown.status || run.end.output !== JSON.stringify(shown.output))) {
    problems.push(`it ended as ${run.end.status} and is shown as ${shown.status}`);
  }
  for (const [node, { status }] of Object.entries(shown.progress_details.per_node_progress)) {
    if (status === 'running') problems.push(`node ${node} is running for ever`);
  }
  return problems;
}

/** The stream of a finished run tells each node's end once, nothing behind it, and the end of the run at its own end. */
function brokenEvents(run: AskedRun, shown: ShownRun, events: readonly EventMessage[]): string[] {
  const problems: string[] = [];
  const last = events.at(-1)?.data;
  if (last?.id !== run.id || last?.status !== shown.status) problems.push('its event stream does not tell its end');
  const ended = new Set<string>();
  let before = [0, -1];
  for (const { type, redisId, data } of events) {
    const at = redisId.split('-').map(Number);
    if (at[0]! < before[0]! || (at[0] === before[0] && at[1]! <= before[1]!))
      problems.push(`${redisId} is out of order`);
    before = at;
    if (type !== 'content' || data.id === undefined || data.id === run.id) continue;
    if (ended.has(data.id)) problems.push(`node ${data.id} is ${data.status} behind its end`);
    if (data.status !== 'running') ended.add(data.id);
  }
  return problems;
}

async function brokenCallback(run: AskedRun, shown: ShownRun, server: ServerProcess, world: World): Promise<string[]> {
  const received = world.callbacksOf(run.token);
  if (received.length === 0) return ['its callback did not arrive'];
  const problems: string[] = [];
  const ids = new Set(received.map(({ webhookId }) => webhookId));
  if (ids.size > 1) problems.push(`its callback came under ${ids.size} ids`);
  for (const { body } of received) {
    if (body.run_id !== run.id || body.status !== shown.status) problems.push('its callback tells of another end');
    if (shown.status === 'completed' && !isDeepStrictEqual(body.outputs, shown.output))
      problems.push('its callback carries another output');
  }
  const { body } = await server.call('GET', `/v1/runs/${run.id}/callback`);
  const deliveries = body as readonly ShownDelivery[];
  if (deliveries.length !== 1 || !ids.has(deliveries[0]!.id)) problems.push('its delivery is not the one that came');
  return problems;
}
