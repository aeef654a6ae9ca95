import type { ReactNode } from 'react';
import { useLocation, useParams } from 'wouter';
import { PageHeader } from '../../components/page.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { useMay } from '../../session.tsx';
import { CallbackSecrets } from './callback-secrets.tsx';
import { Credentials } from './credentials.tsx';
import { Keys } from './keys.tsx';
import { ModelSettings } from './model-settings.tsx';
import { Refused } from './section.tsx';
import styles from './settings-page.module.css';
import { Workspace } from './workspace.tsx';

const SECTIONS = ['keys', 'credentials', 'models', 'callbacks', 'workspace'] as const;
type Section = (typeof SECTIONS)[number];

/** What a workspace keeps for itself: who may call, what it reaches others with, how it is judged. */
export default function SettingsPage() {
  const [, navigate] = useLocation();
  const { section } = useParams<{ section?: string }>();
  const isAdmin = useMay('admin');
  const mayCredentials = useMay('credentials:read');
  const mayModels = useMay('models:read');
  const chosen = SECTIONS.find((one) => one === section) ?? 'keys';
  const tab = (value: Section, label: string, content: ReactNode) => ({
    value,
    label,
    content: <div className={styles['content']}>{content}</div>,
  });
  return (
    <>
      <PageHeader title="Settings" />
      <div className={styles['tabs']}>
        <Tabs
          label="Settings"
          value={chosen}
          onChange={(next) => navigate(next === 'keys' ? '/settings' : `/settings/${next}`, { replace: true })}
          tabs={[
            tab('keys', 'Keys', isAdmin ? <Keys /> : <Refused what="Keys" scope="admin" />),
            tab(
              'credentials',
              'Credentials',
              mayCredentials ? <Credentials /> : <Refused what="Credentials" scope="credentials:read" />,
            ),
            tab('models', 'Models', mayModels ? <ModelSettings /> : <Refused what="Models" scope="models:read" />),
            tab(
              'callbacks',
              'Callbacks',
              isAdmin ? <CallbackSecrets /> : <Refused what="Secrets of callbacks" scope="admin" />,
            ),
            tab('workspace', 'Workspace', <Workspace />),
          ]}
        />
      </div>
    </>
  );
}
