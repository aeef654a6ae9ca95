import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Badge } from './components/badge.tsx';
import { countText } from './components/figures.tsx';
import { api, type Count } from './explorer-api.ts';
import { useMay } from './session.tsx';

const PENDING = ['requests', 'pending'];

/** The key of every list of requests: each is read anew when others wait than before. */
export const REQUEST_LISTS = ['requests', 'list'];

/**
 * Keeps the count of what waits for persons up to date; once, around the page. A window that nobody sees gives its line back: browsers have
 * few to one server, for all windows together.
 */
export function usePeopleLine(): void {
  const client = useQueryClient();
  const may = useMay('people:read');
  useEffect(() => {
    if (!may) return;
    let close: (() => void) | undefined;
    const follow = () => {
      close?.();
      close = undefined;
      if (document.hidden) return;
      close = api.people.live({
        onEvent: ({ data }) => {
          client.setQueryData(PENDING, data);
          void client.invalidateQueries({ queryKey: REQUEST_LISTS });
        },
      });
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      close?.();
    };
  }, [client, may]);
}

/** How many requests wait for an answer; undefined until it is known. */
export function usePendingCount(): Count | undefined {
  return useQuery<Count>({ queryKey: PENDING, queryFn: skipToken }).data;
}

/** That count as the navigation shows it; nothing when nobody waits. */
export function PendingCount() {
  const pending = usePendingCount();
  if (!pending || pending.count === 0) return null;
  return (
    <span style={{ marginLeft: 'auto' }} className="figures">
      <Badge tone="accent">
        {pending.isLowerBound ? `${pending.count}+` : countText(pending.count)}
        <span className="unseen">{pending.count === 1 ? ' request waits' : ' requests wait'}</span>
      </Badge>
    </span>
  );
}
