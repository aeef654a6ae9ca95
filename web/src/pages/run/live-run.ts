import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isTerminal } from '../../../../src/domain/run.ts';
import { api, type LogRow, type RunDetail } from '../../explorer-api.ts';

/** Lines of a running run's log that the page holds; older ones are read from the server. */
const MOST_LINES = 5000;

/** A run that keeps itself up to date. */
export interface LiveRun {
  readonly detail: RunDetail | undefined;
  readonly error: Error | null;
  /** Log lines that came while it was looked at, oldest first. */
  readonly lines: readonly LogRow[];
  /** What models are writing, by {@link textKey}. */
  readonly texts: ReadonlyMap<string, string>;
  /** `lost`: what is shown may be old; the browser tries again by itself. */
  readonly line: 'open' | 'lost' | 'none';
  readonly isDeleted: boolean;
  readonly reload: () => void;
}

/** The node and the pass that a text is written in. */
export const textKey = (nodeId: string, iteration: number): string => `${nodeId} ${iteration}`;

export const runKey = (runId: string): readonly unknown[] => ['run', runId];

/** Reads a run and follows it until it ends. What changes is put into what is there, so that nothing else is drawn anew. */
export function useLiveRun(runId: string): LiveRun {
  const client = useQueryClient();
  const [lines, setLines] = useState<readonly LogRow[]>([]);
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map());
  const [line, setLine] = useState<LiveRun['line']>('none');
  const [isDeleted, setDeleted] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: runKey(runId),
    queryFn: ({ signal }) => api.run.read(runId, { signal }),
  });
  const position = data?.position;
  const isGoing = data !== undefined && !isTerminal(data.run.status);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the stream goes on from where it is; a newer position does not begin another
  useEffect(() => {
    if (!isGoing || position === undefined) return;
    return api.run.live(runId, position, {
      onState: setLine,
      onEvent: (event) => {
        if (event.event === 'logs') {
          setLines((known) => withNewLines(known, event.data.lines));
        } else if (event.event === 'state') {
          client.setQueryData<RunDetail>(runKey(runId), (known) => known && { ...known, ...event.data });
          // The output, what may be done now and the callback come with the whole. The stream may be closed before its `end` is heard.
          if (isTerminal(event.data.run.status)) void client.invalidateQueries({ queryKey: runKey(runId) });
        } else if (event.event === 'content') {
          const { nodeId, iteration, text, offset } = event.data;
          setTexts((known) => {
            const key = textKey(nodeId, iteration);
            return new Map(known).set(key, (known.get(key) ?? '').slice(0, offset) + text);
          });
        } else {
          setLine('none');
          if (event.data.status === 'deleted') setDeleted(true);
        }
      },
    });
  }, [runId, isGoing]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run has other lines
  useEffect(() => {
    setLines([]);
    setTexts(new Map());
    setDeleted(false);
    setLine('none');
  }, [runId]);

  return { detail: data, error, lines, texts, line: isGoing ? line : 'none', isDeleted, reload: () => void refetch() };
}

function withNewLines(known: readonly LogRow[], lines: readonly LogRow[]): readonly LogRow[] {
  const ids = new Set(known.map(({ id }) => id));
  const fresh = lines.filter(({ id }) => !ids.has(id));
  return fresh.length === 0 ? known : [...known, ...fresh].slice(-MOST_LINES);
}
