import { httpClientError } from '../http-outcome.ts';
import { type ComfyuiServer, failed, type NodeContext, type Outcome } from '../node-type.ts';
import { ComfyuiClient, ComfyuiError, type HistoryEntry } from './comfyui-client.ts';
import type { Graph } from './graph.ts';
import { fitToServer } from './prompt.ts';

/** Time for a server to say how it is, before the others are taken without it. */
const SURVEY_MS = 10_000;

/** What a server knows of a prompt: it waits or runs (no entry yet), or it has ended. */
interface Trace {
  readonly prompt: Graph;
  readonly entry: HistoryEntry | null;
}

/** How a server is. */
export interface Survey {
  readonly server: ComfyuiServer;
  /** Prompts that wait and run. */
  readonly queued: number;
  /** What it knows of the prompt that was asked for. */
  readonly trace: Trace | null;
  /** Why it cannot be used. */
  readonly problem: string | null;
}

/** Asks every server how busy it is, and whether it has a prompt of this id already. */
export async function surveyServers(context: NodeContext, promptId: string): Promise<readonly Survey[]> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(SURVEY_MS)]);
  return Promise.all(
    context.comfyui.map(async (server): Promise<Survey> => {
      const client = new ComfyuiClient(server, signal);
      try {
        const [, queue, entry] = await Promise.all([client.systemStats(), client.queue(), client.history(promptId)]);
        const waiting = queue.find(({ id }) => id === promptId);
        const prompt = waiting?.prompt ?? entry?.prompt;
        const trace = prompt === undefined ? null : { prompt, entry: waiting === undefined ? entry : null };
        return { server, queued: queue.length, trace, problem: null };
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof ComfyuiError) && httpClientError(error) === null) throw error;
        const problem = signal.aborted
          ? `${server.url} did not say how it is within ${SURVEY_MS / 1000} s.`
          : String((error as Error).message);
        return { server, queued: 0, trace: null, problem };
      }
    }),
  );
}

/** A server that takes a prompt. */
export interface ChosenServer {
  readonly server: ComfyuiServer;
  has(classType: string): boolean;
  /** To be called when the prompt is in its queue, or will never be. */
  arrived(): void;
}

/** Prompts of this process that are on their way to a server and not in its queue yet, by its address: runs that start together spread out. */
const onTheirWay = new Map<string, number>();

/** The least busy of the healthy servers that can run a graph, or the failed outcome that says why there is none. */
export async function chooseServer(
  surveys: readonly Survey[],
  graph: Graph,
  context: NodeContext,
): Promise<ChosenServer | Outcome> {
  const problems = surveys.flatMap(({ problem }) => problem ?? []);
  const candidates = surveys.filter(({ problem }) => problem === null);
  if (candidates.length === 0) {
    const message = `No ComfyUI server can be used. ${problems.join(' ')}`;
    return failed({ code: 'network', message }, true);
  }
  while (candidates.length > 0) {
    const loads = candidates.map(({ server, queued }) => queued + (onTheirWay.get(server.url) ?? 0));
    const [{ server }] = candidates.splice(loads.indexOf(Math.min(...loads)), 1) as [Survey];
    const arrived = depart(server.url);
    try {
      const known = await knownClasses(new ComfyuiClient(server, context.signal), graph);
      const has = (classType: string) => known.has(classType);
      const fitted = fitToServer(graph, has);
      if (fitted.problems.length === 0) return { server, has, arrived };
      problems.push(`${server.url} cannot run this graph. ${fitted.problems.join(' ')}`);
      arrived();
    } catch (error) {
      arrived();
      throw error;
    }
  }
  return failed({ code: 'not_configured', message: problems.join(' ') });
}

function depart(url: string): () => void {
  onTheirWay.set(url, (onTheirWay.get(url) ?? 0) + 1);
  let isUnderWay = true;
  return () => {
    if (!isUnderWay) return;
    isUnderWay = false;
    const left = (onTheirWay.get(url) ?? 1) - 1;
    if (left > 0) onTheirWay.set(url, left);
    else onTheirWay.delete(url);
  };
}

/** The classes of a graph, and those that stand in for them, that a server has. */
async function knownClasses(client: ComfyuiClient, graph: Graph): Promise<ReadonlySet<string>> {
  const wanted = new Set(Object.values(graph).map((node) => node.class_type));
  for (const standIn of ['LoadImage', 'SaveImage']) wanted.add(standIn);
  const asked = await Promise.all([...wanted].map(async (name) => ((await client.hasClass(name)) ? name : null)));
  return new Set(asked.filter((name) => name !== null));
}
