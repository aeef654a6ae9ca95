import { PageHeader } from '../../components/page.tsx';

export default function SystemPage() {
  return <PageHeader title="System" />;
}
