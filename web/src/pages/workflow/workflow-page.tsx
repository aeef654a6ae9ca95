import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useParams } from 'wouter';
import { Icon } from '../../components/icon.tsx';
import { PageHeader } from '../../components/page.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { api } from '../../explorer-api.ts';
import styles from './editor.module.css';
import { Editor } from './editor.tsx';

/** One workflow, to be drawn, tried and saved. */
export default function WorkflowPage() {
  const { id = '' } = useParams<{ id: string }>();
  // What was taken from the server last: a later draft begins there.
  const [round, setRound] = useState(0);
  const workflow = useQuery({
    queryKey: ['workflow', id, 'detail', round],
    queryFn: ({ signal }) => api.workflows.read(id, { signal }),
    // The draft is built on it: it must not change below somebody's hands.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const catalogue = useQuery({
    queryKey: ['catalogue'],
    queryFn: ({ signal }) => api.workflows.catalogue({ signal }),
    staleTime: 5 * 60_000,
  });
  const error = workflow.error ?? catalogue.error;
  if (workflow.data && catalogue.data) {
    return (
      <Editor
        key={`${id} ${round}`}
        detail={workflow.data}
        catalogue={catalogue.data}
        onReload={() => setRound(round + 1)}
      />
    );
  }
  return (
    <>
      <PageHeader
        title="Workflow"
        lead={
          <Link href="/workflows" aria-label="All workflows" className={styles['back']}>
            <Icon name="chevron-left" />
          </Link>
        }
      />
      {error ? (
        <ErrorState
          title="The workflow cannot be read"
          error={error}
          onRetry={() => void Promise.all([workflow.refetch(), catalogue.refetch()])}
        />
      ) : (
        <SkeletonLines lines={6} label="Loading the workflow" />
      )}
    </>
  );
}
