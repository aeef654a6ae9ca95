import { PageHeader } from '../../components/page.tsx';

export default function SettingsPage() {
  return <PageHeader title="Settings" />;
}
