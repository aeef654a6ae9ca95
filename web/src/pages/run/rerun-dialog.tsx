import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';
import { Button } from '../../components/button.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Segments } from '../../components/field.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { toast } from '../../components/toast.tsx';
import { ApiError, api, type RetryRun, type RunDetail } from '../../explorer-api.ts';
import styles from './rerun-dialog.module.css';

/** How a run is to be repeated, before somebody has looked at it again. */
export interface RerunWish {
  readonly from: NonNullable<RetryRun['from']>;
  /** Whether the input is there to be edited. */
  readonly edits: boolean;
}

/** Repeats a run: from where, with which definition, with which input. */
export function RerunDialog({
  detail,
  wish,
  onClose,
}: {
  readonly detail: RunDetail;
  readonly wish: RerunWish;
  readonly onClose: () => void;
}) {
  const { run, input } = detail;
  const [, navigate] = useLocation();
  const [version, setVersion] = useState<'original' | 'current'>('original');
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  const { data: before, error: unread } = useQuery({
    queryKey: ['payload', input.href, input.bytes],
    queryFn: ({ signal }) => (input.value === undefined ? api.run.payload(input.href, { signal }) : input.value),
    enabled: wish.edits,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const shown = text ?? (before === undefined ? '' : JSON.stringify(before, null, 2));
  const read = wish.edits ? readInput(shown) : null;
  const names = new Map(detail.version.definition.nodes.map(({ id, name }) => [id, name]));

  const start = async () => {
    if (read !== null && 'problem' in read) return;
    setBusy(true);
    setError(null);
    try {
      const isEdited = read !== null && JSON.stringify(read.input) !== JSON.stringify(before);
      const { runId } = await api.run.retry(run.id, {
        from: wish.from,
        version,
        ...(isEdited && { input: read.input }),
      });
      onClose();
      navigate(`/runs/${runId}`);
      toast('A new run was started.', {
        action: { label: 'Compare with the old one', onChoose: () => navigate(`/runs/${run.id}?compare=${runId}`) },
      });
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      size={wish.edits ? 'wide' : 'normal'}
      title={wish.edits ? 'Rerun with an edited input' : titleOf(wish.from, names)}
      description={wish.edits ? undefined : wordsOf(wish.from, names)}
      footer={
        <>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button
            look="primary"
            icon="play"
            busy={isBusy}
            disabled={wish.edits && (before === undefined || (read !== null && 'problem' in read))}
            onClick={() => void start()}
          >
            Start the run
          </Button>
        </>
      }
    >
      <div
        className={styles['form']}
        onKeyDownCapture={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          event.stopPropagation();
          void start();
        }}
      >
        {detail.version.isCurrent ? (
          <p className={styles['note']}>The workflow has not changed since: the run uses the same definition.</p>
        ) : (
          <div>
            <Segments
              label="Definition"
              value={version}
              onChange={setVersion}
              options={[
                { value: 'original', label: 'The definition it had' },
                { value: 'current', label: 'The current one' },
              ]}
            />
          </div>
        )}
        {wish.edits && (
          <Field
            label="Input"
            hint="JSON. Ctrl or ⌘ with Enter starts the run."
            error={
              unread?.message ?? (before !== undefined && read !== null && 'problem' in read ? read.problem : undefined)
            }
          >
            {() =>
              before === undefined && !unread ? (
                <Skeleton height={280} />
              ) : (
                <CodeEditor
                  label="Input of the new run"
                  language="json"
                  height={280}
                  value={shown}
                  onChange={setText}
                />
              )
            }
          </Field>
        )}
        {error && (
          <div role="alert" className={styles['error']}>
            <p>{error.message}</p>
            {error instanceof ApiError && error.problems.length > 0 && (
              <ul>
                {error.problems.map((problem) => (
                  <li key={`${problem.at.join('.')} ${problem.message}`}>{problem.message}</li>
                ))}
              </ul>
            )}
          </div>
        )}
      </div>
    </Dialog>
  );
}

function titleOf(from: RerunWish['from'], names: ReadonlyMap<string, string>): string {
  if (from === 'start') return 'Rerun from the start';
  if (from === 'failed_node') return 'Rerun from the failed node';
  return `Rerun from ${from.map((id) => `“${names.get(id) ?? id}”`).join(', ')}`;
}

function wordsOf(from: RerunWish['from'], names: ReadonlyMap<string, string>): string {
  if (from === 'start') return 'A new run does everything again, with the same input.';
  if (from === 'failed_node') return 'A new run takes over what succeeded, and goes on from the node that failed.';
  const which = from.map((id) => `“${names.get(id) ?? id}”`).join(', ');
  return `A new run does ${which} and all that comes after again. Everything else is taken over and costs nothing.`;
}

function readInput(text: string): { readonly input: JsonObject } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? { input: value } : { problem: 'An input is an object: {"name": value}.' };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'This is not JSON.' };
  }
}
