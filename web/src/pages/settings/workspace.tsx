import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { Badge } from '../../components/badge.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { bytesText, Time } from '../../components/figures.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { api } from '../../explorer-api.ts';
import { useSession } from '../../session.tsx';
import { Retention } from './retention.tsx';
import { Section } from './section.tsx';
import styles from './settings-page.module.css';

/** Where one is: the workspace, the server, and who judges runs by default. */
export function Workspace() {
  const { workspaceId, keyName, keyPrefix, scopes, expiresAt, version } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['settings'],
    queryFn: ({ signal }) => api.settings.read({ signal }),
  });
  if (error && !data) {
    return <ErrorState title="The settings could not be read" error={error} onRetry={() => void refetch()} />;
  }
  const plan = data?.evaluation;
  return (
    <>
      <Section title="This session" about="What you see and may do follows from the key that you signed in with.">
        <dl className={styles['facts']}>
          <dt>Workspace</dt>
          <dd>
            <code>{workspaceId}</code>
          </dd>
          <dt>Key</dt>
          <dd>
            {keyName} <code>({keyPrefix}…)</code>
          </dd>
          <dt>Scopes</dt>
          <dd className={styles['wrap']}>
            {scopes.map((scope) => (
              <Badge key={scope}>{scope}</Badge>
            ))}
          </dd>
          <dt>Ends</dt>
          <dd>
            <Time at={expiresAt} exact />, unless it is used before
          </dd>
        </dl>
      </Section>
      <Section title="The server" about="These are set where the server is started; docs/running.md lists them all.">
        <dl className={styles['facts']}>
          <dt>Version</dt>
          <dd>{version}</dd>
          <dt>Address</dt>
          <dd>{data ? (data.publicUrl ?? `whatever is used: now ${location.origin}`) : <Skeleton width={180} />}</dd>
          <dt>Largest file</dt>
          <dd>{data ? bytesText(data.maxFileBytes) : <Skeleton width={60} />}</dd>
        </dl>
      </Section>
      <Retention />
      <Section
        title="Who judges runs"
        about="Where neither a request nor a workflow says who judges, these do. Without any, the judges that come with Millrun are asked."
      >
        {plan === undefined ? (
          <Skeleton width={240} />
        ) : plan === null || plan.judges.length === 0 ? (
          <>
            <p>The judges that come with Millrun. To name your own, with a key that has the scope evaluations:edit:</p>
            <CodeBlock
              label="the command that sets judges"
              text={`curl -X PUT ${location.origin}/runflow/v1/evaluations/defaults -H "Authorization: Bearer $MILLRUN_API_KEY" \\
  -H 'Content-Type: application/json' -d '{"judges": [{"workflow_id": "<id>"}], "threshold": 0.5}'`}
            />
          </>
        ) : (
          <dl className={styles['facts']}>
            <dt>Passes from</dt>
            <dd>{Math.round(plan.threshold * 100)} % of the weight</dd>
            {plan.judges.map((judge) => (
              <JudgeLine key={judge.workflowId} {...judge} />
            ))}
          </dl>
        )}
      </Section>
    </>
  );
}

function JudgeLine({
  workflowId,
  name,
  weight,
  gate,
}: {
  readonly workflowId: string;
  readonly name: string | null;
  readonly weight: number;
  readonly gate: boolean;
}) {
  return (
    <>
      <dt>Judge</dt>
      <dd>
        <Link href={`/workflows/${workflowId}`}>{name ?? workflowId}</Link> · weight {weight}
        {gate && ' · gate'}
      </dd>
    </>
  );
}
