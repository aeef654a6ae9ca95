import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Suspense, use, useState } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { SkeletonLines } from './components/skeleton.tsx';
import { EmptyState, ErrorState } from './components/states.tsx';
import { Toasts } from './components/toast.tsx';
import { TooltipScope } from './components/tooltip.tsx';
import { ApiError } from './explorer-api.ts';
import { PageFault } from './page-fault.tsx';
import { SignInPage } from './pages/sign-in/sign-in-page.tsx';
import { loadedPage, loadPage, PATHS } from './routes.ts';
import { forgetSession, SignedIn } from './session.tsx';
import { Shell } from './shell/shell.tsx';

/** Milliseconds for which what was read counts as fresh: going back and forth between pages asks for nothing twice. */
const FRESH = 10_000;

const client: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH,
      // A refusal stays one; only silence and overload are worth another try.
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      refetchOnWindowFocus: false,
    },
  },
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof ApiError && error.kind === 'unauthenticated') forgetSession(client);
    },
  }),
});

export function App() {
  return (
    <QueryClientProvider client={client}>
      <TooltipScope delayDuration={400}>
        <SignedIn
          otherwise={<SignInPage />}
          meanwhile={null}
          trouble={(error, retry) => <ErrorState title="The server cannot be reached" error={error} onRetry={retry} />}
        >
          <Shell>
            <PageFault>
              <Suspense fallback={<SkeletonLines lines={6} label="Loading the page" />}>
                <Switch>
                  {PATHS.map((path) => (
                    <Route key={path} path={path}>
                      <Page path={path} />
                    </Route>
                  ))}
                  <Route path="/">
                    <Redirect to="/runs" replace />
                  </Route>
                  <Route path="/sign-in">
                    <Redirect to="/runs" replace />
                  </Route>
                  <Route>
                    <EmptyState icon="search" title="There is no such page">
                      <p>The navigation lists them all.</p>
                    </EmptyState>
                  </Route>
                </Switch>
              </Suspense>
            </PageFault>
          </Shell>
        </SignedIn>
        <Toasts />
      </TooltipScope>
    </QueryClientProvider>
  );
}

/** Decides once: a page that was drawn as it came must not be drawn anew because it is here. */
function Page({ path }: { readonly path: string }) {
  const [Loaded] = useState(() => loadedPage(path));
  return Loaded ? <Loaded /> : <Coming path={path} />;
}

function Coming({ path }: { readonly path: string }) {
  const Loaded = use(loadPage(path));
  return <Loaded />;
}
