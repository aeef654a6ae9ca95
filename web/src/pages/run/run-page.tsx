import { PageHeader } from '../../components/page.tsx';

export default function RunPage() {
  return <PageHeader title="Run" />;
}
