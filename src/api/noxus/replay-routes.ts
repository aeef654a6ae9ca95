import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { DialectParts } from '../dialect.ts';
import { ReplayBody, readReplay } from '../replay-request.ts';
import { presentRunDiff, RunDiffAnswer } from '../run-diff.ts';
import { presentSimplifiedRun } from './present.ts';
import { answers, params, ref } from './route-schema.ts';
import { sendText } from './send.ts';
import { NODE_STATUS_WORD, RUN_STATUS_WORD } from './words.ts';

const WORDS = { run: RUN_STATUS_WORD, node: NODE_STATUS_WORD };

/** Repeating runs and comparing them. All of it is an addition: no public endpoint is known. */
export function replayRoutes(api: FastifyInstance, { runs, replays, runDiffs }: DialectParts): void {
  const tags = ['V1 - Runs'];
  api.post<{ Params: { run_id: string }; Body: Static<typeof ReplayBody> | null }>(
    '/v1/runs/:run_id/replay',
    {
      schema: {
        tags,
        summary: 'Replay Run',
        description:
          'Makes a new run that repeats this one: whole, from the failed node, or from any nodes; with the same input or an edited one; with the version that it had or the current one. An addition.',
        params: params('run_id'),
        body: Type.Union([ReplayBody, Type.Null()]),
        response: {
          ...answers(ref('SimplifiedRun')),
          409: { ...ref('PlainError'), description: 'The run has not ended, or it has no failed node.' },
        },
      },
    },
    async ({ caller, params: { run_id: id }, body }, reply) => {
      const wanted = readReplay(body ?? {});
      const run = await replays.replay(caller, id, { ...wanted, requestId: null, dialect: 'noxus' });
      const [payloads, progress] = await Promise.all([runs.payloads(run), runs.progress(run)]);
      return sendText(reply, presentSimplifiedRun(run, payloads, progress));
    },
  );
  api.get<{ Params: { run_id: string; other_run_id: string } }>(
    '/v1/runs/:run_id/diff/:other_run_id',
    {
      schema: {
        tags,
        summary: 'Compare Runs',
        description: 'What is different in the other run. An addition.',
        params: params('run_id', 'other_run_id'),
        response: answers(RunDiffAnswer),
      },
    },
    async ({ caller, params: { run_id: id, other_run_id: otherId } }) =>
      presentRunDiff(await runDiffs.compare(caller, id, otherId), WORDS),
  );
}
