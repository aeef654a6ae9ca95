import { PageHeader } from '../../components/page.tsx';

export default function EvaluationsPage() {
  return <PageHeader title="Evaluations" />;
}
