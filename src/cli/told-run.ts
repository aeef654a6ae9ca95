import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStatus } from '../domain/run.ts';
import { isTerminal } from '../domain/run.ts';
import { ask, askRaw, Obstacle, type Reached } from './server-access.ts';

/** A run as the server lists it (`api/record-form.ts`). Times are ISO 8601. */
export interface ToldHead {
  readonly id: string;
  readonly workflow: string | null;
  readonly workflow_id: string;
  readonly status: RunStatus;
  readonly progress: number;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly source: string;
  readonly failure: ToldFailure | null;
  readonly cost: string | null;
  readonly client_ref: string | null;
  readonly context: Readonly<Record<string, unknown>> | null;
}

export interface ToldFailure {
  readonly code: string;
  readonly message: string;
  readonly node_id?: string;
}

/** A run with all that it recorded. */
export interface ToldRun extends ToldHead {
  readonly input: Readonly<Record<string, unknown>>;
  readonly output: Readonly<Record<string, unknown>> | null;
  readonly node_runs: readonly ToldNodeRun[];
  readonly logs: readonly {
    readonly at: string;
    readonly level: string;
    readonly node_id: string | null;
    readonly message: string;
  }[];
  readonly evaluation: { readonly passed: boolean | null; readonly pass_rate: number | null } | null;
}

export interface ToldNodeRun {
  readonly node_id: string;
  readonly status: string;
  readonly current_iteration: number;
  readonly total_iterations: number;
  readonly iterates: boolean;
  readonly attempts: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly inputs: Readonly<Record<string, unknown>> | null;
  readonly failure: ToldFailure | null;
  readonly warnings: readonly { readonly detail: string }[];
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cost: string | null;
  } | null;
}

/** The id of a run that is meant: `last` is the newest one. @throws Obstacle when there is none */
export async function runIdOf(server: Reached, given: string): Promise<string> {
  if (given !== 'last') return given;
  const text = await (await askRaw(server, 'GET', '/v1/runs/records?limit=1')).text();
  if (text === '') throw new Obstacle('There are no runs yet.');
  return (JSON.parse(text) as ToldHead).id;
}

/** The JSON text of a run with all that it recorded. */
export async function recordText(server: Reached, runId: string): Promise<string> {
  return (await askRaw(server, 'GET', `/v1/runs/${encodeURIComponent(runId)}/record`)).text();
}

async function recordOf(server: Reached, runId: string): Promise<ToldRun> {
  return JSON.parse(await recordText(server, runId)) as ToldRun;
}

/** Tries to open the stream of a run's events anew before they are given up: a server that starts again takes some seconds. */
const TRIES = 20;
const RETRY_MS = 500;

/** Milliseconds between two looks at a run that goes on: each reads all of it. */
const SHOW_MS = 200;

/**
 * Follows a run until it has ended or waits for a person.
 * @param show called with the run as it stands, at first and whenever something became of it
 * @returns the run as it stands then
 * @throws Obstacle when the server is gone; AbortError when `signal` says so
 */
export async function follow(
  server: Reached,
  runId: string,
  show: ((run: ToldRun) => void) | null,
  signal: AbortSignal,
): Promise<ToldRun> {
  let shownAt = Number.NEGATIVE_INFINITY;
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    try {
      const events = await askRaw(server, 'GET', `/v1/runs/${encodeURIComponent(runId)}/events`, undefined, signal);
      for await (const _ of events.body ?? []) {
        if (show === null || performance.now() - shownAt < SHOW_MS) continue;
        show(await recordOf(server, runId));
        shownAt = performance.now();
      }
      const run = await recordOf(server, runId);
      show?.(run);
      if (isTerminal(run.status) || run.status === 'waiting') return run;
      tries = 0;
    } catch (error) {
      if (signal.aborted || tries >= TRIES || (error instanceof Obstacle && error.cause === undefined)) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** A workflow as the server tells it (`api/noxus/present.ts`). */
export interface ToldWorkflow {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly description: string | null;
  readonly definition: ToldDefinition;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly created_at: string;
  readonly last_updated_at: string;
  readonly last_run_at: string | null;
  readonly runs_count: number;
  readonly validation: readonly { readonly message: string; readonly hint: string }[];
}

export interface ToldDefinition {
  readonly nodes?: readonly {
    readonly id: string;
    readonly type: string;
    readonly name?: string;
    readonly node_config?: Readonly<Record<string, unknown>>;
  }[];
  readonly edges?: readonly unknown[];
}

interface WorkflowPage {
  readonly items: readonly ToldWorkflow[];
  readonly total: number;
  readonly pages: number;
}

/** Workflows of a page: the most that the server gives. */
const PAGE = 100;

/** Workflows, last changed first, as long as they are asked for. */
export async function* workflowsOf(server: Reached): AsyncGenerator<ToldWorkflow> {
  for (let page = 1; ; page += 1) {
    const found = await ask<WorkflowPage>(server, 'GET', `/v1/workflows?page=${page}&size=${PAGE}`);
    yield* found.items;
    if (page >= found.pages) return;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The workflow of an id or a name. @throws Obstacle when there is none, or more than one of that name */
export async function workflowOf(server: Reached, given: string): Promise<ToldWorkflow> {
  if (UUID.test(given)) return ask(server, 'GET', `/v1/workflows/${given}`);
  const named: ToldWorkflow[] = [];
  for await (const workflow of workflowsOf(server)) if (workflow.name === given) named.push(workflow);
  if (named.length === 1) return named[0]!;
  if (named.length === 0)
    throw new Obstacle(`There is no workflow "${given}". \`millrun workflows list\` shows those that there are.`);
  const ids = named.map(({ id, last_updated_at: at }) => `  ${id}  changed ${at}`).join('\n');
  throw new Obstacle(`"${given}" is the name of ${named.length} workflows. Give the id of one:\n${ids}`);
}
