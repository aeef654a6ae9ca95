import { PageHeader } from '../../components/page.tsx';

export default function WorkflowPage() {
  return <PageHeader title="Workflow" />;
}
