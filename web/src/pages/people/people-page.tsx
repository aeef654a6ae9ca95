import { PageHeader } from '../../components/page.tsx';

export default function PeoplePage() {
  return <PageHeader title="People" />;
}
