import type { SearchShare } from './search-share.ts';

/** A process that answers searches of others, as it announces itself. */
export interface SearchMember {
  /** Of one start of the process. */
  readonly id: string;
  /** Where it takes requests, such as `http://10.0.0.7:9090`. */
  readonly url: string;
  readonly share: SearchShare;
  /** Position in the event log up to which its index is complete. */
  readonly position: number;
  /** Whether its index is being built anew. */
  readonly rebuilding: boolean;
}
