import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Judge } from '../../../../src/domain/evaluation.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Field, Segments, TextArea } from '../../components/field.tsx';
import { Cost, Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { PageHeader } from '../../components/page.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type EvaluationDetail as Detail } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { VerdictBadge } from './evaluation-table.tsx';
import styles from './evaluations-page.module.css';
import { percentText } from './percent.ts';

/** One evaluation: the verdict, what each judge said and rested it on, and what a person thinks of it. */
export function EvaluationDetail({ evaluationId }: { readonly evaluationId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['evaluations', 'one', evaluationId],
    queryFn: ({ signal }) => api.evaluations.read(evaluationId, { signal }),
    refetchInterval: ({ state }) =>
      state.data && (state.data.status === 'pending' || state.data.status === 'running') ? 1000 : false,
  });
  const back = (
    <Link href="/evaluations" className={styles['back']} aria-label="All evaluations">
      <Icon name="chevron-left" />
    </Link>
  );
  if (!data) {
    return (
      <>
        <PageHeader title="Evaluation" lead={back} />
        {error ? (
          <ErrorState title="The evaluation could not be read" error={error} onRetry={() => void refetch()} />
        ) : (
          <SkeletonLines lines={6} label="Loading the evaluation" />
        )}
      </>
    );
  }
  const { subject } = data;
  return (
    <>
      <PageHeader title={data.workflow?.name ?? subject.taskType ?? 'Evaluation'} windowTitle="Evaluation" lead={back}>
        {data.runId !== null && <Link href={`/runs/${data.runId}`}>Open the run</Link>}
      </PageHeader>
      <div className={styles['page']}>
        <dl className={styles['totals']}>
          <div>
            <dt>Verdict</dt>
            <dd>
              <VerdictBadge {...data} />
            </dd>
          </div>
          <div>
            <dt>Pass rate</dt>
            <dd className="figures">{data.passRate === null ? '–' : percentText(data.passRate)}</dd>
            <dd className={styles['small']}>passes from {percentText(data.threshold)}</dd>
          </div>
          <div>
            <dt>Attempt</dt>
            <dd className="figures">{data.attempt}</dd>
            <dd className={styles['small']}>{data.isCurrent ? 'the current one' : 'not the current one'}</dd>
          </div>
          <div>
            <dt>Made</dt>
            <dd>
              <Time at={data.createdAt} />
            </dd>
            <dd className={styles['small']}>
              cost <Cost amount={data.cost} />
            </dd>
          </div>
        </dl>
        {data.overrideReason !== null && <p className={styles['note']}>{data.overrideReason}</p>}
        {data.failure && <p className={styles['note']}>{data.failure.message}</p>}
        <section className={styles['part']} aria-labelledby="judges-title">
          <h2 id="judges-title">Judges</h2>
          {data.judges.map((judge) => (
            <JudgeCard key={judge.id} judge={judge} />
          ))}
        </section>
        {subject.prompt !== null && (
          <section className={styles['part']} aria-labelledby="subject-title">
            <h2 id="subject-title">What was judged</h2>
            <p className={styles['prose']}>{subject.prompt}</p>
          </section>
        )}
        <FeedbackForm evaluation={data} />
      </div>
    </>
  );
}

function JudgeCard({ judge }: { readonly judge: Judge }) {
  const { name, passed, status, weight, gate, confidence, reasoning, evidence, strengths, issues, runId, subPoints } =
    judge;
  return (
    <article className={styles['judge']} aria-label={name}>
      <header>
        <h3>{name}</h3>
        <VerdictBadge
          status={status === 'pending' ? 'running' : status === 'failed' ? 'failed' : 'completed'}
          passed={passed}
        />
        {gate && <Badge tone="accent">gate</Badge>}
        <span className={styles['small']}>
          weight {weight}
          {confidence !== null && ` · confidence ${percentText(confidence)}`}
        </span>
        {runId !== null && <Link href={`/runs/${runId}`}>Its run</Link>}
      </header>
      {reasoning !== null && <p className={styles['prose']}>{reasoning}</p>}
      {issues.length > 0 && (
        <>
          <h4>Issues</h4>
          <ul className={styles['points']}>
            {issues.map((issue) => (
              <li key={issue.id}>
                <Badge tone="bad">{issue.category}</Badge>
                {issue.subcategory !== null && <Badge>{issue.subcategory}</Badge>}
                {issue.detail !== null && <span>{issue.detail}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      <Points title="Evidence" points={evidence} />
      <Points title="Strengths" points={strengths} />
      {subPoints !== null && <JsonView label={`Points of ${name}`} value={subPoints} height={240} />}
    </article>
  );
}

function Points({ title, points }: { readonly title: string; readonly points: readonly string[] }) {
  if (points.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <ul className={styles['points']}>
        {points.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
    </>
  );
}

function FeedbackForm({ evaluation }: { readonly evaluation: Detail }) {
  const client = useQueryClient();
  const mayEdit = useMay('evaluations:edit');
  const [reason, setReason] = useState(evaluation.feedback?.reason ?? '');
  const given = evaluation.feedback?.isPositive ?? null;
  const [isPositive, setPositive] = useState<'yes' | 'no' | 'none'>(given === null ? 'none' : given ? 'yes' : 'no');
  const saving = useMutation({
    mutationFn: () =>
      api.evaluations.feedback(evaluation.id, {
        isPositive: isPositive === 'none' ? null : isPositive === 'yes',
        reason: reason.trim() === '' ? null : reason.trim(),
      }),
    onSuccess: (saved) => {
      client.setQueryData(['evaluations', 'one', evaluation.id], saved);
      toast('Your feedback was kept.');
    },
    onError: (error) => toastError('The feedback was not kept', error),
  });
  return (
    <section className={styles['part']} aria-labelledby="feedback-title">
      <h2 id="feedback-title">Feedback</h2>
      <form
        className={styles['feedback']}
        onSubmit={(event) => {
          event.preventDefault();
          if (!saving.isPending) saving.mutate();
        }}
      >
        <div>
          <Segments
            label="Were the judges right?"
            value={isPositive}
            options={[
              { value: 'yes', label: 'They are right' },
              { value: 'no', label: 'They are wrong' },
              { value: 'none', label: 'No opinion' },
            ]}
            onChange={setPositive}
          />
        </div>
        <Field label="Why" hint="Kept with the evaluation. May be left empty.">
          {(attributes) => (
            <TextArea
              {...attributes}
              value={reason}
              maxLength={10_000}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        <div>
          <Button type="submit" look="primary" busy={saving.isPending} disabled={!mayEdit}>
            Keep the feedback
          </Button>
        </div>
      </form>
    </section>
  );
}
