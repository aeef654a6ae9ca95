import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext } from 'react';
import type { Scope } from '../../src/domain/caller.ts';
import { ApiError, api, type Session } from './explorer-api.ts';

const SessionContext = createContext<Session | null>(null);

/** Who is signed in. Only below {@link SignedIn}. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('Nobody is signed in here.');
  return session;
}

/** Whether the key may do what a scope names; what it may not is not offered. */
export function useMay(scope: Scope): boolean {
  const { scopes } = useSession();
  return scopes.includes(scope);
}

const QUERY_KEY = ['session'];

/** Shows what needs somebody signed in, `otherwise` for nobody, and `meanwhile` while that is not known. */
export function SignedIn({
  children,
  otherwise,
  meanwhile,
  trouble,
}: {
  readonly children: ReactNode;
  readonly otherwise: ReactNode;
  readonly meanwhile: ReactNode;
  readonly trouble: (error: Error, retry: () => void) => ReactNode;
}) {
  const { data, error, refetch } = useQuery({
    queryKey: QUERY_KEY,
    queryFn: readSession,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (data) return <SessionContext value={data}>{children}</SessionContext>;
  if (data === null) return otherwise;
  return error ? trouble(error, () => void refetch()) : meanwhile;
}

async function readSession({ signal }: { readonly signal: AbortSignal }): Promise<Session | null> {
  try {
    return await api.session.read({ signal });
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'unauthenticated') return null;
    throw error;
  }
}

/** Signs in and out. What was read for one key is forgotten before another looks. */
export function useSigning(): {
  readonly signIn: (key: string) => Promise<void>;
  readonly signOut: () => Promise<void>;
} {
  const client = useQueryClient();
  // The session itself stays: what watches it would go on watching what was thrown away.
  const forget = () => client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== QUERY_KEY[0] });
  return {
    async signIn(key) {
      const session = await api.session.signIn(key);
      forget();
      client.setQueryData(QUERY_KEY, session);
    },
    async signOut() {
      await api.session.signOut();
      forget();
      client.setQueryData(QUERY_KEY, null);
    },
  };
}

/** The session has ended while the page was open: shows the sign-in again. */
export function forgetSession(client: QueryClient): void {
  client.setQueryData(QUERY_KEY, null);
}
