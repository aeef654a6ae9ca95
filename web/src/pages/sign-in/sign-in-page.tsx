import { useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { Field, Input } from '../../components/field.tsx';
import { useSigning } from '../../session.tsx';
import { Mark } from '../../shell/mark.tsx';
import styles from './sign-in-page.module.css';

/** Signing in is pasting a key. The address stays, so that whoever followed a link gets there. */
export function SignInPage() {
  const { signIn } = useSigning();
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  useEffect(() => {
    document.title = 'Sign in · Millrun';
  }, []);
  const submit = async () => {
    setBusy(true);
    setRefused(null);
    try {
      await signIn(key.trim());
    } catch (error) {
      setRefused(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <main className={styles['page']}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Mark />
        <div>
          <h1>Sign in to Millrun</h1>
          <p className={styles['lead']}>
            Paste an API key of your workspace. It is checked once and not kept in this browser.
          </p>
        </div>
        <Field label="API key" error={refused} hint="It begins with mr_.">
          {(attributes) => (
            <Input
              {...attributes}
              type="password"
              name="key"
              autoComplete="current-password"
              autoFocus
              required
              spellCheck={false}
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" look="primary" busy={busy} disabled={key.trim() === ''}>
          Sign in
        </Button>
        <details className={styles['help']}>
          <summary>Where is my key?</summary>
          <p>
            <code>npm start</code> prints it each time, unless the setting <code>MILLRUN_API_KEY</code> names one.
            Whoever runs the server can make another:
          </p>
          <CodeBlock label="command" text="npx millrun keys create --name explorer" />
        </details>
      </form>
    </main>
  );
}
