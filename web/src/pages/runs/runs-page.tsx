import { PageHeader } from '../../components/page.tsx';

export default function RunsPage() {
  return <PageHeader title="Runs" />;
}
