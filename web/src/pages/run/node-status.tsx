import { STATUS_WORDS, StatusIcon, StatusPill } from '../../components/status.tsx';
import type { NodeRow } from '../../explorer-api.ts';

/** One word for what a node is in; `pending` is a node that was not reached. */
export function nodeStatusWord(status: NodeRow['status']): string {
  return status === 'pending' ? 'Not reached' : STATUS_WORDS[status];
}

/** Its colours are those of the status, and those of `queued` for a node that was not reached. */
export function statusOf(status: NodeRow['status']): Exclude<NodeRow['status'], 'pending'> | 'queued' {
  return status === 'pending' ? 'queued' : status;
}

export function NodeStatusIcon({ status, size = 16 }: { readonly status: NodeRow['status']; readonly size?: 14 | 16 }) {
  return <StatusIcon status={statusOf(status)} worded size={size} />;
}

export function NodeStatusPill({ status }: { readonly status: NodeRow['status'] }) {
  if (status === 'pending') return <span className="nothing">Not reached</span>;
  return <StatusPill status={status} />;
}
