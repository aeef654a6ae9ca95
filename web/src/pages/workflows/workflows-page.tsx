import { PageHeader } from '../../components/page.tsx';

export default function WorkflowsPage() {
  return <PageHeader title="Workflows" />;
}
