import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import { Button } from '../../components/button.tsx';
import { Checkbox, Select } from '../../components/field.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { toastError } from '../../components/toast.tsx';
import { api, type DebugSessionState, type SetDebugSession } from '../../explorer-api.ts';
import type { Attempt } from './attempt.ts';
import type { DraftGraph } from './draft-graph.ts';
import { JsonField } from './json-field.tsx';
import styles from './panel.module.css';

/** Where the next try is to be held. */
export interface DebugPlan {
  readonly isStepped: boolean;
  /** By node. */
  readonly breakpoints: Readonly<Record<string, 'before' | 'after'>>;
}

export const NO_PLAN: DebugPlan = { isStepped: false, breakpoints: {} };

/** What the server is told of a plan; null: the try is not held anywhere. */
export function sessionOf({ isStepped, breakpoints }: DebugPlan): SetDebugSession | null {
  const set = Object.entries(breakpoints).map(([node_id, when]) => ({ node_id, when }));
  return !isStepped && set.length === 0 ? null : { mode: isStepped ? 'step' : 'run', breakpoints: set };
}

/** Chooses the nodes that a try is held at. */
export function DebugPlanner({
  graph,
  plan,
  onPlan,
}: {
  readonly graph: DraftGraph;
  readonly plan: DebugPlan;
  readonly onPlan: (plan: DebugPlan) => void;
}) {
  const choose = (nodeId: string, when: string) => {
    const { [nodeId]: _, ...others } = plan.breakpoints;
    onPlan({ ...plan, breakpoints: when === '' ? others : { ...others, [nodeId]: when as 'before' | 'after' } });
  };
  return (
    <details className={styles['part']}>
      <summary>Debugger</summary>
      <Checkbox
        label="Step node by node"
        checked={plan.isStepped}
        onChange={({ target }) => onPlan({ ...plan, isStepped: target.checked })}
      />
      {graph.nodes.map(({ id, name }) => (
        <div key={id} className={styles['actions']}>
          <span className={styles['grow']}>{name}</span>
          <Select
            aria-label={`Hold at ${name}`}
            value={plan.breakpoints[id] ?? ''}
            onChange={({ target }) => choose(id, target.value)}
          >
            <option value="">Runs through</option>
            <option value="before">Held before</option>
            <option value="after">Held after</option>
          </Select>
        </div>
      ))}
    </details>
  );
}

/** The node that a try is held at: what it is given or gave, to be changed, and the ways on. */
export function DebugControls({
  graph,
  attempt,
  session,
}: {
  readonly graph: DraftGraph;
  readonly attempt: Attempt;
  readonly session: string;
}) {
  const client = useQueryClient();
  const { run, nodes } = attempt.state;
  // Each step of the run may have brought it to a node.
  const step = nodes.map(({ nodeId, status }) => `${nodeId} ${status}`).join();
  const key = ['debug-session', session, attempt.runId, run.status, step];
  const { data } = useQuery({ queryKey: key, queryFn: ({ signal }) => api.debug.read(session, { signal }) });
  const [isBusy, setIsBusy] = useState(false);
  const [edited, setEdited] = useState<JsonValue | undefined>(undefined);
  const pause = data?.paused ?? null;
  if (pause === null || attempt.ended !== null) return null;
  const act = async (what: () => Promise<DebugSessionState>) => {
    setIsBusy(true);
    try {
      client.setQueryData(key, await what());
      setEdited(undefined);
    } catch (error) {
      toastError('The debugger could not do that', error);
    } finally {
      setIsBusy(false);
    }
  };
  const name = graph.nodes.find(({ id }) => id === pause.node_id)?.name ?? pause.node_id;
  const isBefore = pause.when === 'before';
  const value = ((isBefore ? pause.inputs : pause.outputs) ?? {}) as JsonObject;
  const change = edited as JsonObject | undefined;
  return (
    <section aria-label="Held" className={styles['part']}>
      <h2>
        Held {pause.when} {name}
      </h2>
      <div className={styles['actions']}>
        <Button look="primary" icon="play" busy={isBusy} onClick={() => void act(() => api.debug.continue(session))}>
          Continue
        </Button>
        <Button icon="redo" busy={isBusy} onClick={() => void act(() => api.debug.step(session))}>
          Step
        </Button>
        <Button
          icon="edit"
          busy={isBusy}
          disabled={change === undefined}
          onClick={() => void act(() => api.debug.edit(session, { node_id: pause.node_id, values: change ?? {} }))}
        >
          Change the values
        </Button>
      </div>
      <JsonField
        key={`${pause.node_id} ${pause.when}`}
        label={isBefore ? 'What it is given' : 'What it gave'}
        value={edited ?? value}
        onChange={setEdited}
      />
      {!isBefore && pause.inputs && (
        <JsonView label="What it was given" value={pause.inputs as JsonObject} height={160} />
      )}
    </section>
  );
}
