import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { demand } from '../../operations/access.ts';
import type { DialectParts } from '../dialect.ts';
import { ReplayBody, readReplay } from '../replay-request.ts';
import { presentRunDiff, RunDiffAnswer } from '../run-diff.ts';
import { originOf } from './idempotency.ts';
import { payloadsFor, runText, text } from './present-run.ts';
import { answers, opt } from './schemas.ts';
import { sendText } from './send.ts';
import { NODE_STATE_CODE, RUN_STATUS_CODE } from './words.ts';

const RunParams = Type.Object({ id: Type.String() });

/** Limits of the reference (runflow-api.md 3.6). */
const CancellationBody = Type.Object({ reason: opt(Type.String({ minLength: 3, maxLength: 500 })) });

const DiffParams = Type.Object({ id: Type.String(), other_id: Type.String() });

const WORDS = { run: RUN_STATUS_CODE, node: NODE_STATE_CODE };

/** Cancellation, retries and comparison. The first two stand the address of the reference for operators and under the one that everybody looks for. */
export function runControlRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { runs, replays, runDiffs } = parts;

  for (const prefix of ['/v1', '/v1/admin']) {
    const isAdmin = prefix === '/v1/admin';
    const named = (name: string) => (isAdmin ? `admin_${name}` : name);

    api.post(
      `${prefix}/runs/:id/cancellation`,
      {
        schema: {
          tags: [isAdmin ? 'Admin' : 'Runs'],
          summary: 'Cancel run',
          description: '201 when the run was stopped; 200 with the run as it is when it had ended already.',
          operationId: named('cancel_run'),
          params: RunParams,
          body: CancellationBody,
          response: { ...answers(Type.Ref('Run')), 201: Type.Ref('Run') },
        },
      },
      async (request, reply) => {
        const { caller, params, body } = request;
        if (isAdmin) demand(caller, 'admin');
        const { id } = params as Static<typeof RunParams>;
        const reason = (body as Static<typeof CancellationBody>).reason ?? null;
        const { run, stopped } = await runs.cancel(caller, id, reason);
        reply.code(stopped ? 201 : 200);
        return sendText(reply, await runText(await runs.found(run), request, parts));
      },
    );

    api.post(
      `${prefix}/runs/:id/retries`,
      {
        schema: {
          tags: [isAdmin ? 'Admin' : 'Runs'],
          summary: 'Retry run',
          description: 'Makes a new run that names the one it repeats in context.retry_of.',
          operationId: named('retry_run'),
          params: RunParams,
          body: ReplayBody,
          response: answers(Type.Ref('Run'), 201),
        },
      },
      async (request, reply) => {
        const { caller, params, body } = request;
        if (isAdmin) demand(caller, 'admin');
        const wanted = readReplay(body as Static<typeof ReplayBody>);
        // A repeated request gives back what the first made, though its answer was lost.
        const { requestId, isRepeat } = originOf(request);
        const made = isRepeat ? await runs.madeBy(caller, requestId) : null;
        const run =
          made ??
          (await replays.replay(caller, (params as Static<typeof RunParams>).id, {
            ...wanted,
            requestId,
            dialect: 'runflow',
          }));
        reply.code(201);
        return sendText(reply, await runText(await runs.found(run), request, parts));
      },
    );
  }

  api.get(
    '/v1/runs/:id/diff/:other_id',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Compare runs',
        description: 'What is different in the other run. An addition.',
        operationId: 'diff_runs',
        params: DiffParams,
        response: answers(RunDiffAnswer),
      },
    },
    async (request, reply) => {
      const { id, other_id: otherId } = request.params as Static<typeof DiffParams>;
      const diff = await runDiffs.compare(request.caller, id, otherId);
      return sendText(reply, payloadsFor(request, parts)(text(presentRunDiff(diff, WORDS))));
    },
  );
}
