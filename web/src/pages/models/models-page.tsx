import { PageHeader } from '../../components/page.tsx';

export default function ModelsPage() {
  return <PageHeader title="Models" />;
}
