import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import type { ValueType } from '../../../../src/domain/value.ts';
import { Button } from '../../components/button.tsx';
import { Select } from '../../components/field.tsx';
import { Duration } from '../../components/figures.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { StatusPill } from '../../components/status.tsx';
import { toastError } from '../../components/toast.tsx';
import { api, type PayloadPart, type SetDebugSession, type WorkflowInput } from '../../explorer-api.ts';
import type { Attempt } from './attempt.ts';
import { DebugControls, DebugPlanner, NO_PLAN, sessionOf } from './debug-panel.tsx';
import type { DraftGraph } from './draft-graph.ts';
import styles from './panel.module.css';
import type { Sockets } from './sockets.ts';
import { givenValue, ValueField } from './value-field.tsx';

interface Asked {
  readonly name: string;
  readonly type: ValueType;
  readonly isRequired: boolean;
  readonly hint: string | null;
}

/** Runs the draft, or one node of it, with values that are given here; nothing needs to be saved for that. */
export function TryPanel({
  graph,
  sockets,
  inputs,
  nodeId,
  refusal,
  attempt,
  isStarting,
  onScope,
  onStart,
}: {
  readonly graph: DraftGraph;
  readonly sockets: ReadonlyMap<string, Sockets>;
  readonly inputs: readonly WorkflowInput[];
  /** The node to try alone; null: the whole workflow. */
  readonly nodeId: string | null;
  /** Why it cannot run now. */
  readonly refusal: string | null;
  readonly attempt: Attempt | null;
  readonly isStarting: boolean;
  readonly onScope: (nodeId: string | null) => void;
  readonly onStart: (input: JsonObject, nodeId: string | null, debug: SetDebugSession | null) => Promise<void>;
}) {
  // Values by scope and name: going back and forth forgets nothing.
  const [values, setValues] = useState<Readonly<Record<string, JsonValue | undefined>>>({});
  const [plan, setPlan] = useState(NO_PLAN);
  const node = graph.nodes.find(({ id }) => id === nodeId);
  const asked: readonly Asked[] = node
    ? (sockets.get(node.id)?.inputs ?? []).map(({ connector, key, type, optional }) => ({
        name: key === null ? connector : `${connector}::${key}`,
        type,
        isRequired: !optional,
        hint: null,
      }))
    : inputs.map(({ name, type, isRequired, description }) => ({ name, type, isRequired, hint: description }));
  const placeOf = (name: string) => `${node?.id ?? ''} ${name}`;
  const run = async () => {
    const given = asked.flatMap(({ name, type }): [string, JsonValue][] => {
      const value = values[placeOf(name)];
      // A text that is asked for and was left empty is the empty text.
      if (value === undefined) return type.dataType === 'bool' && !type.isList ? [[name, false]] : [];
      return [[name, givenValue(value, type)]];
    });
    try {
      await onStart(Object.fromEntries(given), node?.id ?? null, node ? null : sessionOf(plan));
    } catch (error) {
      toastError('It was not started', error);
    }
  };
  const missing = asked.filter(
    ({ name, type, isRequired }) => isRequired && type.dataType !== 'bool' && values[placeOf(name)] === undefined,
  );
  const isRunning = attempt !== null && attempt.ended === null;
  return (
    <div className={styles['panel']}>
      <div className={styles['actions']}>
        <Select
          aria-label="What to try"
          value={node?.id ?? ''}
          onChange={({ target }) => onScope(target.value === '' ? null : target.value)}
        >
          <option value="">The whole workflow</option>
          {graph.nodes.map(({ id, name }) => (
            <option key={id} value={id}>
              {name} alone
            </option>
          ))}
        </Select>
        <Button
          look="primary"
          icon="play"
          busy={isStarting || isRunning}
          disabled={refusal !== null}
          onClick={() => void run()}
        >
          Run
        </Button>
      </div>
      {refusal !== null && <p className={styles['about']}>{refusal}</p>}
      {asked.map(({ name, type, hint, isRequired }) => (
        <ValueField
          key={placeOf(name)}
          label={isRequired ? `${name} (needed)` : name}
          type={type}
          hint={hint}
          value={values[placeOf(name)]}
          onChange={(value) => setValues({ ...values, [placeOf(name)]: value })}
        />
      ))}
      {asked.length === 0 && <p className={styles['about']}>It takes no input.</p>}
      {missing.length > 0 && attempt === null && (
        <p className={styles['about']}>
          Left empty: {missing.map(({ name }) => name).join(', ')}. The run would be refused without.
        </p>
      )}
      {!node && <DebugPlanner graph={graph} plan={plan} onPlan={setPlan} />}
      {attempt && <Result attempt={attempt} />}
      {attempt?.session != null && <DebugControls graph={graph} attempt={attempt} session={attempt.session} />}
    </div>
  );
}

function Result({ attempt: { runId, state, ended } }: { readonly attempt: Attempt }) {
  const { run } = state;
  return (
    <section aria-label="Result" className={styles['part']}>
      <div className={styles['actions']} role="status">
        <StatusPill status={run.status} />
        <Duration ms={run.durationMs} since={run.startedAt} />
        {ended === null && (
          <Button
            icon="stop"
            onClick={() => void api.run.stop(runId).catch((error: unknown) => toastError('It was not stopped', error))}
          >
            Stop
          </Button>
        )}
        <span className={styles['grow']} />
        <Link href={`/runs/${runId}`}>Open the run</Link>
      </div>
      {run.failure && <p className={styles['failure']}>{run.failure.message}</p>}
      {ended?.output && <Payload label="Output" part={ended.output} />}
    </section>
  );
}

/** What went through a node in the run that tries it. */
export function NodeResult({ attempt, nodeId }: { readonly attempt: Attempt; readonly nodeId: string }) {
  const row = attempt.state.nodes.find((node) => node.nodeId === nodeId);
  const isSettled = row !== undefined && row.finishedAt !== null;
  const { data } = useQuery({
    queryKey: ['run', attempt.runId, 'node', nodeId],
    queryFn: ({ signal }) => api.run.node(attempt.runId, nodeId, undefined, { signal }),
    enabled: isSettled,
  });
  if (!row || row.status === 'pending') return null;
  return (
    <section aria-label="Last try" className={`${styles['panel']} ${styles['part']}`}>
      <div className={styles['actions']}>
        <h2>Last try</h2>
        <StatusPill status={row.status} />
        <Duration
          ms={row.startedAt !== null && row.finishedAt !== null ? row.finishedAt - row.startedAt : null}
          since={row.startedAt}
        />
      </div>
      {row.failure && <p className={styles['failure']}>{row.failure.message}</p>}
      {isSettled && !data && <SkeletonLines lines={3} />}
      {data?.outputs && <Payload label="Outputs" part={data.outputs} />}
      {data?.inputs && <Payload label="Inputs" part={data.inputs} />}
    </section>
  );
}

function Payload({ label, part }: { readonly label: string; readonly part: PayloadPart }) {
  const { data } = useQuery({
    queryKey: ['payload', part.href],
    queryFn: ({ signal }) => api.run.payload(part.href, { signal }),
    enabled: part.value === undefined,
  });
  const value = part.value ?? data;
  return (
    <div className={styles['result']}>
      <h2>{label}</h2>
      {value === undefined ? <SkeletonLines lines={3} /> : <JsonView label={label} value={value} height={320} />}
    </div>
  );
}
