import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid } from '../../domain/error.ts';
import { demand } from '../../operations/access.ts';
import type { DialectParts } from '../dialect.ts';
import { originOf } from './idempotency.ts';
import { runText } from './present-run.ts';
import { answers, opt } from './schemas.ts';
import { sendText } from './send.ts';
import { unknownNames } from './unknown-names.ts';

const RunParams = Type.Object({ id: Type.String() });

/** Limits of the reference (runflow-api.md 3.6). */
const CancellationBody = Type.Object({ reason: opt(Type.String({ minLength: 3, maxLength: 500 })) });

const word = (values: readonly string[], description: string) =>
  opt(Type.Enum([...values], { type: 'string', description }));

const RetryBody = Type.Object({
  from: word(
    ['start', 'failed_node'],
    'start (the default) runs everything; failed_node takes over what succeeded before the failure.',
  ),
  version: word(
    ['original', 'current'],
    'original (the default) runs the definition that the run had; current the one that its target has now.',
  ),
});

/** Cancellation and retries, under the address of the reference for operators and under the one that everybody looks for. */
export function runControlRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { runs, retries } = parts;

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
          body: RetryBody,
          response: answers(Type.Ref('Run'), 201),
        },
      },
      async (request, reply) => {
        const { caller, params, body } = request;
        if (isAdmin) demand(caller, 'admin');
        // A typing error here would run everything again.
        const problems = unknownNames('body', body as object, Object.keys(RetryBody.properties));
        if (problems.length > 0) throw invalid(problems);
        const wanted = body as { from?: 'start' | 'failed_node' | null; version?: 'original' | 'current' | null };
        // A repeated request gives back what the first made, though its answer was lost.
        const { requestId, isRepeat } = originOf(request);
        const made = isRepeat ? await runs.madeBy(caller, requestId) : null;
        const run =
          made ??
          (await retries.retry(caller, (params as Static<typeof RunParams>).id, {
            from: wanted.from ?? 'start',
            version: wanted.version ?? 'original',
            requestId,
            dialect: 'runflow',
          }));
        reply.code(201);
        return sendText(reply, await runText(await runs.found(run), request, parts));
      },
    );
  }
}
