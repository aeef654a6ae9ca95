import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useLocation, useParams, useSearchParams } from 'wouter';
import { Segments } from '../../components/field.tsx';
import { PageHeader } from '../../components/page.tsx';
import { ErrorState } from '../../components/states.tsx';
import { api } from '../../explorer-api.ts';
import { REQUEST_LISTS, usePendingCount } from '../../people-line.tsx';
import { useShortcuts } from '../../shortcuts.ts';
import { NoRequests } from './no-requests.tsx';
import styles from './people-page.module.css';
import { RequestDetail } from './request-detail.tsx';
import { RequestList } from './request-list.tsx';

/** Which requests are shown, and in which order: who waits longest first, what was answered last first. */
const CHOICES = [
  { value: 'pending', label: 'Pending', sort: '' },
  { value: 'answered', label: 'Answered', sort: 'settled_at:desc' },
  { value: 'all', label: 'All', sort: 'created_at:desc' },
] as const;
type Choice = (typeof CHOICES)[number]['value'];

/** Requests read at once. */
const PAGE = 50;

/** What runs wait for persons to say: an inbox, with the form of the one that is chosen. */
export default function PeoplePage() {
  const [, navigate] = useLocation();
  const { id } = useParams<{ id?: string }>();
  const [params] = useSearchParams();
  const status = CHOICES.find(({ value }) => value === params.get('status')) ?? CHOICES[0];
  const pending = usePendingCount();
  const form = useRef<HTMLDivElement>(null);

  const list = useInfiniteQuery({
    queryKey: [...REQUEST_LISTS, status.value],
    queryFn: ({ pageParam, signal }) =>
      api.people.list({ status: status.value, sort: status.sort, limit: PAGE, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
  });
  const requests = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const at = requests.findIndex((request) => request.id === id);
  // Where the chosen one was: one that was answered leaves the list, and what followed it is next.
  const place = useRef(0);
  if (at >= 0) place.current = at;

  const search = status.value === 'pending' ? '' : `?status=${status.value}`;
  const show = (requestId: string | undefined, how: { replace?: boolean } = { replace: true }) =>
    navigate(requestId === undefined ? `/people${search}` : `/people/${requestId}${search}`, how);
  const step = (by: 1 | -1) => {
    const next = at >= 0 ? at + by : by > 0 ? place.current : place.current - 1;
    const request = requests[Math.max(0, Math.min(requests.length - 1, next))];
    if (request) show(request.id);
  };
  const choose = (value: Choice) => navigate(value === 'pending' ? '/people' : `/people?status=${value}`);
  const enter = () =>
    form.current?.querySelector<HTMLElement>('form :is(input, select, textarea, button):not(:disabled)')?.focus();

  // Beside each other there is room for one at once; in a narrow window the list comes first.
  const first = requests[0]?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what there is to choose from matters
  useEffect(() => {
    if (id === undefined && first !== undefined && !isNarrow()) show(first);
  }, [id, first]);

  useShortcuts('People', [
    { keys: 'j', label: 'Next request', run: () => step(1) },
    { keys: 'k', label: 'Previous request', run: () => step(-1) },
    { keys: 'Enter', label: 'Into the form', run: enter },
    { keys: 'mod+Enter', label: 'Send the answer', run: () => submit(form.current), whileTyping: true },
    { keys: 'Escape', label: 'Leave the form', run: () => leave(form.current), whileTyping: true },
  ]);

  const isEmpty = list.isSuccess && requests.length === 0;
  const count = pending && pending.count > 0 ? `(${pending.count}${pending.isLowerBound ? '+' : ''}) ` : '';
  return (
    <div className={styles['page']} data-chosen={id !== undefined}>
      <PageHeader title="People" windowTitle={`${count}People`}>
        <Segments label="Which requests" value={status.value} options={CHOICES} onChange={choose} />
      </PageHeader>
      {list.error && !list.data ? (
        <ErrorState title="The requests could not be read" error={list.error} onRetry={() => void list.refetch()} />
      ) : isEmpty && id === undefined ? (
        <NoRequests status={status.value} onAll={() => choose('all')} />
      ) : (
        <div className={styles['panes']}>
          <section className={styles['list']} aria-label="Requests">
            <RequestList
              requests={requests}
              chosen={id}
              href={(requestId) => `/people/${requestId}${search}`}
              isLoading={list.isPending}
              more={
                list.hasNextPage
                  ? { isLoading: list.isFetchingNextPage, onMore: () => void list.fetchNextPage() }
                  : null
              }
              nothing={status.value === 'pending' ? 'Nobody waits any more.' : 'There are none.'}
            />
          </section>
          <section ref={form} className={styles['detail']} aria-label="The request">
            {id !== undefined && (
              <RequestDetail
                key={id}
                requestId={id}
                onBack={() => show(undefined, {})}
                onNext={
                  requests.some((request) => request.id !== id && request.status === 'pending') ? () => step(1) : null
                }
              />
            )}
          </section>
        </div>
      )}
    </div>
  );
}

function isNarrow(): boolean {
  return matchMedia('(max-width: 820px)').matches;
}

function submit(place: HTMLElement | null): void {
  place?.querySelector('form')?.requestSubmit();
}

/** Gives the keys back to the page. */
function leave(place: HTMLElement | null): void {
  if (place?.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
}
