import { useCallback, useEffect, useRef, useState } from 'react';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { api, type RunDetail, type RunState, type SetDebugSession } from '../../explorer-api.ts';

/** A run that tries the draft: as it is now, and its output once it has ended. */
export interface Attempt {
  readonly runId: string;
  /** The node that was tried alone. */
  readonly nodeId: string | null;
  /** The debugger's session that holds it; null: none does. */
  readonly session: string | null;
  readonly state: Pick<RunState, 'run' | 'nodes' | 'edges'>;
  /** Set when it has ended. */
  readonly ended: RunDetail | null;
}

/** Runs the draft and follows it. */
export function useAttempt(workflowId: string): {
  readonly attempt: Attempt | null;
  readonly isStarting: boolean;
  readonly start: (
    document: JsonObject,
    input: JsonObject,
    nodeId: string | null,
    debug?: SetDebugSession | null,
  ) => Promise<void>;
  readonly clear: () => void;
} {
  const [attempt, setAttempt] = useState<Attempt | null>(null);
  const [isStarting, setIsStarting] = useState(false);
  const close = useRef<(() => void) | null>(null);
  useEffect(() => () => close.current?.(), []);

  const start = useCallback(
    async (document: JsonObject, input: JsonObject, nodeId: string | null, debug: SetDebugSession | null = null) => {
      close.current?.();
      setIsStarting(true);
      try {
        // One of its own for each try: what is held of the last one does not keep this one from starting.
        const session = debug === null ? null : `${workflowId} ${Date.now()}`;
        if (session !== null && debug !== null) await api.debug.set(session, debug);
        const { runId } = await api.workflows.try(workflowId, {
          document,
          input,
          ...(nodeId !== null && { singleNodeId: nodeId }),
          ...(session !== null && { debugger: session }),
        });
        const first = await api.run.read(runId);
        if (first.run.finishedAt !== null) {
          setAttempt({ runId, nodeId, session, state: first, ended: first });
          return;
        }
        setAttempt({ runId, nodeId, session, state: first, ended: null });
        close.current = api.run.live(runId, first.position, {
          onEvent: (event) => {
            if (event.event === 'state')
              setAttempt((now) => (now?.runId === runId ? { ...now, state: event.data } : now));
            if (event.event !== 'end') return;
            close.current?.();
            void api.run
              .read(runId)
              .then((ended) => setAttempt((now) => (now?.runId === runId ? { ...now, state: ended, ended } : now)));
          },
        });
      } finally {
        setIsStarting(false);
      }
    },
    [workflowId],
  );
  const clear = useCallback(() => {
    close.current?.();
    setAttempt(null);
  }, []);
  return { attempt, isStarting, start, clear };
}
