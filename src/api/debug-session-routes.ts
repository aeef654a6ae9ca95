import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { DEBUG_MODES, DEBUG_MOMENTS, type DebugMode, type DebugMoment } from '../domain/debug-session.ts';
import type { JsonObject } from '../domain/json.ts';
import { isTerminal } from '../domain/run.ts';
import type { DebugSessions, DebugView } from '../operations/debug-sessions.ts';
import { openEventStream } from './sse.ts';

/** Sessions of debuggers on the wire: the same in the dialects that have them, since neither contract has an endpoint for them. */

const word = (values: readonly string[], description: string) =>
  Type.Enum([...values], { type: 'string', description });
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const values = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

/** Characters of a session's name, which clients make: those of a UUID and more. */
const SessionParams = Type.Object({
  session_id: Type.String({ minLength: 1, maxLength: 200, description: 'What runs give as `debugger`.' }),
});

/** Breakpoints of one session: more nodes than a definition has. */
const MAX_BREAKPOINTS = 1000;

const Breakpoint = Type.Object({
  node_id: Type.String(),
  when: Type.Optional(
    word(
      DEBUG_MOMENTS,
      'before (the default): it has its inputs and has not begun. after: it has ended, and nobody has its outputs yet.',
    ),
  ),
});

const SessionBody = Type.Object({
  breakpoints: Type.Optional(Type.Array(Breakpoint, { maxItems: MAX_BREAKPOINTS })),
  mode: Type.Optional(
    word(
      DEBUG_MODES,
      'How its next run begins. run (the default) goes to the first breakpoint, step to the first node.',
    ),
  ),
});

const EditBody = Type.Object({
  node_id: Type.String(),
  values: values(
    'Values by socket: inputs of a node that is held before it begins, outputs of one that is held after it. Others stay.',
  ),
});

const Session = Type.Object(
  {
    id: Type.String(),
    run_id: nullable(Type.String({ description: 'The run that is debugged, or was last.' })),
    run_status: nullable(Type.String({ description: 'waiting: it is held, or waits for a person.' })),
    mode: word(DEBUG_MODES, 'How the run was let go on last.'),
    breakpoints: Type.Array(Breakpoint),
    paused: nullable(
      Type.Object({
        node_id: Type.String(),
        when: word(DEBUG_MOMENTS, 'Where it is held.'),
        inputs: nullable(values('What the node is given, by socket.')),
        outputs: nullable(values('What it gave; null before it has ended.')),
      }),
    ),
  },
  { description: 'A session of a debugger. An addition of Millrun.' },
);

interface Wanted {
  readonly debugSessions: DebugSessions;
  /** What a route of the dialect answers besides its own. */
  answers(schema: object): Readonly<Record<number, object>>;
  readonly tags: readonly string[];
}

const idOf = (params: unknown): string => (params as Static<typeof SessionParams>).session_id;

/** Making sessions, watching them, and letting their runs go on. */
export function debugSessionRoutes(api: FastifyInstance, { debugSessions, answers, tags }: Wanted): void {
  const one = '/v1/debug-sessions/:session_id';
  const described = (summary: string, body?: object) => ({
    tags: [...tags],
    summary,
    params: SessionParams,
    ...(body === undefined ? {} : { body }),
    response: answers(Session),
  });
  api.get(one, { schema: described('Get Debug Session') }, async ({ caller, params }) =>
    present(await debugSessions.get(caller, idOf(params))),
  );
  api.put(one, { schema: described('Put Debug Session', SessionBody) }, async ({ caller, params, body }) => {
    const { breakpoints = [], mode } = body as Static<typeof SessionBody>;
    const read = breakpoints.map(({ node_id: nodeId, when = 'before' }) => ({ nodeId, when: when as DebugMoment }));
    return present(await debugSessions.put(caller, idOf(params), read, (mode as DebugMode | undefined) ?? null));
  });
  for (const [path, mode] of [['continue', 'run'] as const, ['step', 'step'] as const]) {
    const summary = mode === 'run' ? 'Continue To The Next Breakpoint' : 'Step To The Next Node';
    api.post(`${one}/${path}`, { schema: described(summary) }, async ({ caller, params }) =>
      present(await debugSessions.go(caller, idOf(params), mode)),
    );
  }
  api.post(
    `${one}/edit`,
    { schema: described('Edit What A Held Node Is Given Or Gave', EditBody) },
    async (request) => {
      const { node_id: nodeId, values: given } = request.body as Static<typeof EditBody>;
      return present(await debugSessions.edit(request.caller, idOf(request.params), nodeId, given as JsonObject));
    },
  );
  api.get(
    `${one}/events`,
    {
      schema: {
        tags: [...tags],
        summary: 'Watch Debug Session',
        params: SessionParams,
        response: {
          ...answers({}),
          200: {
            description:
              'Server-sent events: `session` with the session as it stands, whenever that changes, until its run has ended.',
          },
        },
      },
    },
    (request, reply) => stream(debugSessions, request, reply),
  );
}

/** Sends the session as it stands, and again whenever it has changed, until its run has ended or nobody listens. */
async function stream(debugSessions: DebugSessions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { caller } = request;
  const id = idOf(request.params);
  let changed = Promise.withResolvers<void>();
  let view = await debugSessions.get(caller, id);
  // Watched before it is read again, so that nothing is missed.
  const unwatch = await debugSessions.watch(caller, id, () => changed.resolve());
  const events = openEventStream(request, reply);
  let isOpen = true;
  void events.closed.then(() => {
    isOpen = false;
    changed.resolve();
  });
  let sent = '';
  try {
    while (isOpen) {
      changed = Promise.withResolvers();
      view = await debugSessions.get(caller, id);
      const text = JSON.stringify(present(view));
      if (text !== sent && isOpen) events.send('session', text);
      sent = text;
      if (view.run !== null && isTerminal(view.run.status)) break;
      if (isOpen) await changed.promise;
    }
  } catch (error) {
    // The session went with its run.
    request.log.info({ err: error, sessionId: id }, 'a debugging session is no longer there');
  } finally {
    unwatch();
    events.end();
  }
}

function present({ session, run, pause }: DebugView): Static<typeof Session> {
  return {
    id: session.id,
    run_id: session.runId,
    run_status: run?.status ?? null,
    mode: session.mode,
    breakpoints: session.breakpoints.map(({ nodeId, when }) => ({ node_id: nodeId, when })),
    paused: pause && { node_id: pause.nodeId, when: pause.when, inputs: pause.inputs, outputs: pause.outputs },
  };
}
