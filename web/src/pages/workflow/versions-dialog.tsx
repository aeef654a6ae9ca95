import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Checkbox, Input } from '../../components/field.tsx';
import { Time } from '../../components/figures.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type VersionDetail } from '../../explorer-api.ts';
import { DiffView } from './diff-view.tsx';
import { type Catalogue, type DraftGraph, isEditable, readDocument } from './draft-graph.ts';
import styles from './versions-dialog.module.css';

/** What was saved before, what differs from the draft, and the way back. */
export function VersionsDialog({
  workflowId,
  graph,
  catalogue,
  mayWrite,
  onClose,
  onRestore,
}: {
  readonly workflowId: string;
  readonly graph: DraftGraph;
  readonly catalogue: Catalogue;
  readonly mayWrite: boolean;
  readonly onClose: () => void;
  readonly onRestore: (version: VersionDetail) => void;
}) {
  const client = useQueryClient();
  const [all, setAll] = useState(true);
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState('');
  const listKey = ['workflow', workflowId, 'versions'];
  const list = useInfiniteQuery({
    queryKey: [...listKey, all],
    queryFn: ({ pageParam, signal }) =>
      api.workflows.versions(
        workflowId,
        { all, limit: 50, ...(pageParam !== null && { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const rows = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const shown = chosen ?? rows[0]?.id ?? null;
  const version = useQuery({
    queryKey: ['workflow', workflowId, 'version', shown],
    queryFn: ({ signal }) => api.workflows.version(workflowId, shown ?? '', { signal }),
    enabled: shown !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const before = useMemo(
    () => (version.data && isEditable(version.data.document) ? readDocument(version.data.document) : null),
    [version.data],
  );
  const naming = useMutation({
    mutationFn: () => api.workflows.changeVersion(workflowId, shown ?? '', { name: name.trim() }),
    onSuccess: (named) => {
      toast(`The version is called ${named.name} now.`);
      setName('');
      void client.invalidateQueries({ queryKey: listKey });
      void client.invalidateQueries({ queryKey: ['workflow', workflowId, 'version'] });
    },
    onError: (error) => toastError('The version was not named', error),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Versions"
      size="full"
      description="Green and + is in the draft only, red and − is in the version only."
    >
      <div className={styles['versions']}>
        <div className={styles['side']}>
          <Checkbox label="Those without a name, too" checked={all} onChange={() => setAll(!all)} />
          {list.error && (
            <ErrorState title="The versions cannot be read" error={list.error} onRetry={() => void list.refetch()} />
          )}
          {list.isPending && <SkeletonLines lines={5} />}
          <ul className={styles['list']} aria-label="Versions">
            {rows.map((row) => (
              <li key={row.id}>
                <button
                  type="button"
                  className={styles['version']}
                  aria-pressed={row.id === shown}
                  onClick={() => setChosen(row.id)}
                >
                  <span className={styles['title']}>
                    {row.name ?? `Version ${row.number}`}
                    {row.isCurrent && <Badge tone="accent">current</Badge>}
                    {row.issues > 0 && <Badge tone="warn">incomplete</Badge>}
                  </span>
                  <span className={styles['when']}>
                    <Time at={row.createdAt} />
                  </span>
                </button>
              </li>
            ))}
          </ul>
          {!all && rows.length === 0 && list.isSuccess && (
            <p className={styles['when']}>No version has a name yet. Name one to find it again.</p>
          )}
          {list.hasNextPage && (
            <Button look="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Older ones
            </Button>
          )}
        </div>
        <div className={styles['main']}>
          {version.data && mayWrite && (
            <form
              className={styles['bar']}
              onSubmit={(event) => {
                event.preventDefault();
                if (name.trim() !== '') naming.mutate();
              }}
            >
              <Input
                aria-label="Name of the version"
                placeholder="Name of the version"
                value={name}
                onChange={({ target }) => setName(target.value)}
              />
              <Button type="submit" icon="bookmark" busy={naming.isPending} disabled={name.trim() === ''}>
                Name it
              </Button>
              <span className={styles['grow']} />
              <Button icon="undo" disabled={before === null} onClick={() => version.data && onRestore(version.data)}>
                Take it into the draft
              </Button>
            </form>
          )}
          <div className={styles['diff']}>
            {version.isLoading && <SkeletonLines lines={6} />}
            {version.error && <ErrorState title="The version cannot be read" error={version.error} />}
            {version.data && before === null && (
              <p className={styles['when']}>This version is of the second form, which is not compared here.</p>
            )}
            {before && <DiffView key={shown} before={before} after={graph} catalogue={catalogue} />}
          </div>
        </div>
      </div>
    </Dialog>
  );
}
