import { Component, type ReactNode } from 'react';
import { ErrorState } from './components/states.tsx';

/** Keeps a mistake of one page from taking the whole window with it. Another address makes a new try. */
export class PageFault extends Component<{ readonly children: ReactNode }, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  readonly #retry = () => {
    // A new version of the server has other files than this page knows: only a reload helps then.
    if (/dynamically imported module|Importing a module/i.test(this.state.error?.message ?? '')) location.reload();
    else this.setState({ error: null });
  };

  override componentDidMount(): void {
    addEventListener('popstate', this.#forget);
    addEventListener('pushState', this.#forget);
  }

  override componentWillUnmount(): void {
    removeEventListener('popstate', this.#forget);
    removeEventListener('pushState', this.#forget);
  }

  readonly #forget = () => {
    if (this.state.error) this.setState({ error: null });
  };

  override render(): ReactNode {
    const { error } = this.state;
    if (error) return <ErrorState title="This page has stopped" error={error} onRetry={this.#retry} />;
    return this.props.children;
  }
}
